/* SPDX-License-Identifier: MIT */
/*
 * libcurl's parser does the work; what pages have and RFC 3986 does not is put right before it sees them: white space
 * around and inside, references that are nothing but a fragment, and schemes without "//".
 */
#include "net/url.h"

#include <curl/curl.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char blanks[] = " \t\r\n\f\v";

/* What libcurl gave, as our own. */
static char *own(char *text) {
    char *copy = text ? strdup(text) : NULL;

    curl_free(text);
    return copy;
}

/* The length of a scheme with its colon, "http:"; 0 where there is none. */
static size_t scheme_length(const char *text) {
    size_t n = 0;

    if (!isalpha((unsigned char)*text)) return 0;
    while (isalnum((unsigned char)text[n]) || (text[n] && strchr("+-.", text[n]))) n++;
    return text[n] == ':' ? n + 1 : 0;
}

static bool has_scheme(const char *url, const char *scheme) {
    size_t n = strlen(scheme);

    return strncasecmp(url, scheme, n) == 0 && url[n] == ':';
}

static bool is_fetched(const char *url) {
    return has_scheme(url, "http") || has_scheme(url, "https") ||
           has_scheme(url, "file") || has_scheme(url, "about");
}

/* A copy without white space around it; inside, a blank is "%20", and line ends do not count, as in HTML's
   attributes. NULL: no memory. */
static char *clean(const char *text) {
    const char *end;
    char *copy, *at;

    text += strspn(text, blanks);
    end = text + strlen(text);
    while (end > text && strchr(blanks, end[-1])) end--;
    copy = at = malloc(3 * (size_t)(end - text) + 1);
    if (!copy) return NULL;
    for (; text < end; text++) {
        if (*text == ' ')
            at = (char *)memcpy(at, "%20", 3) + 3;
        else if (!strchr(blanks, *text))
            *at++ = *text;
    }
    *at = '\0';
    return copy;
}

/* `base` without its fragment, then `tail`. */
static char *join(const char *base, const char *tail) {
    size_t n = url_length(base);
    char *url = malloc(n + strlen(tail) + 1);

    if (!url) return NULL;
    memcpy(url, base, n);
    strcpy(url + n, tail);
    return url;
}

static char *about(const char *reference) {
    char *url = strdup(reference);

    if (url) memcpy(url, "about:", 6);
    return url;
}

/* Both are clean, and `reference` is more than a fragment. */
static char *parse(const char *base, const char *reference) {
    CURLU *parser = curl_url();
    char *url = NULL;

    if (!parser) return NULL;
    if ((!base ||
         curl_url_set(parser, CURLUPART_URL, base, CURLU_URLENCODE) == CURLUE_OK) &&
        curl_url_set(parser, CURLUPART_URL, reference, CURLU_URLENCODE) == CURLUE_OK)
        curl_url_get(parser, CURLUPART_URL, &url, CURLU_NO_DEFAULT_PORT);
    curl_url_cleanup(parser);
    return own(url);
}

/* A file has a path; and what has come from elsewhere shall not look into the files of the machine: about: neither, as a
   page's <base> can say so. */
static bool may_be_file(const char *base, const char *url) {
    return strncmp(url, "file:///", 8) == 0 && (!base || has_scheme(base, "file"));
}

/* An empty fragment is one, the page's top; libcurl leaves it out. */
static char *with_fragment(char *url, const char *reference) {
    const char *mark = strchr(reference, '#');
    char *whole;

    if (!url || !mark || mark[1] != '\0' || strchr(url, '#')) return url;
    whole = join(url, mark);
    free(url);
    return whole;
}

/* libcurl takes none; so it is the same where it is not asked. */
static bool has_control(const char *text) {
    while (*text && !iscntrl((unsigned char)*text)) text++;
    return *text != '\0';
}

static char *resolve(const char *base, const char *reference) {
    bool absolute = scheme_length(reference) > 0;
    char *url;

    if (has_control(reference)) return NULL;
    if (absolute && !is_fetched(reference)) return NULL;
    if (has_scheme(reference, "about")) return about(reference);
    if (!absolute && !base) return NULL;
    if (*reference == '\0' || *reference == '#') return join(base, reference);
    if (!absolute && has_scheme(base, "about")) return NULL;
    url = parse(absolute ? NULL : base, reference);

    if (url && has_scheme(url, "file") && !may_be_file(base, url)) {
        free(url);
        return NULL;
    }
    return with_fragment(url, reference);
}

char *url_resolve(const char *base, const char *reference) {
    char *cleaned = clean(reference);
    char *url = cleaned ? resolve(base, cleaned) : NULL;

    free(cleaned);
    return url;
}

/* The URL of a file, be it there or not. */
static char *of_path(const char *path) {
    char *directory = *path == '/' ? strdup("") : getcwd(NULL, 0);
    char *whole = NULL, *url = NULL, *tidy = NULL;
    CURLU *parser = curl_url();

    if (parser && directory && asprintf(&whole, "%s/%s", directory, path) >= 0 &&
        curl_url_set(parser, CURLUPART_SCHEME, "file", 0) == CURLUE_OK &&
        curl_url_set(parser, CURLUPART_PATH, *path == '/' ? path : whole,
                     CURLU_URLENCODE) == CURLUE_OK &&
        curl_url_get(parser, CURLUPART_URL, &url, 0) == CURLUE_OK)
        tidy = parse(NULL, url); /* without "." and ".." */
    curl_free(url);
    curl_url_cleanup(parser);
    free(whole);
    free(directory);
    return tidy;
}

/* "http://" and what may be a host's name, with a port and a path perhaps. */
static char *of_host(const char *words) {
    char *guess, *url = NULL;

    if (*words == '\0' || strpbrk(words, blanks)) return NULL;
    if (asprintf(&guess, "http://%s", words) < 0) return NULL;
    url = url_resolve(NULL, guess);
    free(guess);
    return url;
}

static char *of_trimmed(const char *words) {
    if (scheme_length(words) && is_fetched(words)) return url_resolve(NULL, words);
    if (*words == '/' || *words == '.' || (*words && access(words, F_OK) == 0))
        return of_path(words);
    return of_host(words);
}

char *url_of_words(const char *words) {
    char *trimmed = strdup(words + strspn(words, blanks)), *url;
    size_t n;

    if (!trimmed) return NULL;
    for (n = strlen(trimmed); n > 0 && strchr(blanks, trimmed[n - 1]);) n--;
    trimmed[n] = '\0';
    url = of_trimmed(trimmed);
    free(trimmed);
    return url;
}

char *url_fragment(const char *url) {
    const char *mark = strchr(url, '#');

    return mark ? own(curl_easy_unescape(NULL, mark + 1, 0, NULL)) : NULL;
}

size_t url_length(const char *url) { return strcspn(url, "#"); }

bool url_same_page(const char *a, const char *b) {
    size_t n = url_length(a);

    return n == url_length(b) && memcmp(a, b, n) == 0;
}

void url_free(char *url) { free(url); }
