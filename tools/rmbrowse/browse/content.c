/* SPDX-License-Identifier: MIT */
#include "browse/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Beginnings of media types; the first that fits counts. */
static const struct {
    const char *type;
    content_t content;
} types[] = {
    {"text/html", CONTENT_HTML},
    {"application/xhtml+xml", CONTENT_HTML},
    {"text/", CONTENT_TEXT},
    {"application/json", CONTENT_TEXT},
    {"application/javascript", CONTENT_TEXT},
    {"application/xml", CONTENT_TEXT},
    {"image/svg+xml", CONTENT_TEXT},
    {"image/png", CONTENT_IMAGE},
    {"image/jpeg", CONTENT_IMAGE},
    {"image/jpg", CONTENT_IMAGE},
    {"image/webp", CONTENT_IMAGE},
};
static bool begins(const void *bytes, size_t n, const char *with) {
    size_t length = strlen(with);
    return n >= length && strncasecmp(bytes, with, length) == 0;
}

/* Things that HTML begins with, as browsers look for them. */
static bool looks_like_html(const char *at, size_t n) {
    static const char *const tags[] = {
        "<!doctype html", "<html",  "<head", "<body", "<title",
        "<!--",           "<table", "<div",  "<h1",   "<p>"};
    while (n > 0 && strchr(" \t\r\n\xEF\xBB\xBF", *at) != NULL && *at != '\0') {
        at++, n--;
    }
    if (begins(at, n, "<?xml")) {
        const char *end = memchr(at, '>', n);
        return end != NULL && looks_like_html(end + 1, n - (size_t)(end + 1 - at));
    }
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (begins(at, n, tags[i])) return true;
    }
    return false;
}

static content_t content_of_bytes(const char *bytes, size_t n) {
    size_t head = n < 1024 ? n : 1024;
    if (begins(bytes, n, "\x89PNG") || begins(bytes, n, "\xFF\xD8\xFF") ||
        (begins(bytes, n, "RIFF") && n >= 12 && memcmp(bytes + 8, "WEBP", 4) == 0))
        return CONTENT_IMAGE;
    if (looks_like_html(bytes, head)) return CONTENT_HTML;
    return head > 0 && memchr(bytes, '\0', head) != NULL ? CONTENT_UNKNOWN : CONTENT_TEXT;
}

content_t content_of(const char *type, const void *bytes, size_t n) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (begins(type, strlen(type), types[i].type)) return types[i].content;
    }
    return type[0] != '\0' ? CONTENT_UNKNOWN : content_of_bytes(bytes, n);
}

size_t content_escape(char *to, const char *text, size_t n) {
    char *at = to;
    for (size_t i = 0; i < n; i++) {
        switch (text[i]) {
        case '&': at = stpcpy(at, "&amp;"); break;
        case '<': at = stpcpy(at, "&lt;"); break;
        case '>': at = stpcpy(at, "&gt;"); break;
        case '"': at = stpcpy(at, "&quot;"); break;
        case '\0': *at++ = ' '; break;
        default: *at++ = text[i];
        }
    }
    return (size_t)(at - to);
}

/* A copy of a string as HTML has it; NULL: no memory. */
static char *escaped(const char *text) {
    size_t n = strlen(text);
    char *copy = malloc(ESCAPED_MOST * n + 1);
    if (copy != NULL) copy[content_escape(copy, text, n)] = '\0';
    return copy;
}

char *content_error_page(const char *title, const char *what, const char *url) {
    char *what_text = escaped(what), *url_text = escaped(url), *page = NULL;
    if (what_text != NULL && url_text != NULL &&
        asprintf(&page,
                 "<!DOCTYPE html><html><head><meta charset=utf-8><title>%s</title></head>"
                 "<body style=\"margin: 48px 96px; font-family: sans-serif\">"
                 "<h1 style=\"color: #803020\">%s</h1><p>%s</p><p><code>%s</code></p>"
                 "</body></html>",
                 title, title, what_text, url_text) < 0)
        page = NULL;
    free(what_text);
    free(url_text);
    return page;
}

char *content_image_page(const char *url) {
    char *url_text = escaped(url), *page = NULL;
    const char *slash = url_text != NULL ? strrchr(url_text, '/') : NULL;
    if (slash != NULL &&
        asprintf(&page,
                 "<!DOCTYPE html><html><head><meta charset=utf-8><title>%s</title></head>"
                 "<body><img src=\"%s\"></body></html>",
                 slash + 1, url_text) < 0)
        page = NULL;
    free(url_text);
    return page;
}
