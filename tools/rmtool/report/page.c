/* SPDX-License-Identifier: MIT */
#include "report/page.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

/* ------------------------------------------------------------------------ text */

/* How many bytes a UTF-8 character takes; 0 where there is none. */
static size_t character(const unsigned char *c) {
    size_t n = *c < 0x80                 ? 1
               : *c >= 0xc2 && *c < 0xe0 ? 2
               : *c >= 0xe0 && *c < 0xf0 ? 3
               : *c >= 0xf0 && *c < 0xf5 ? 4
                                         : 0;

    for (size_t i = 1; i < n; i++)
        if ((c[i] & 0xc0) != 0x80) return 0;
    if ((*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] >= 0xa0) ||
        (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] >= 0x90) ||
        (*c == 0xef && c[1] == 0xbf && c[2] >= 0xbe)) /* no characters */
        return 0;
    return n;
}

void page_text(FILE *to, const char *text) {
    const unsigned char *c = (const unsigned char *)text;

    while (*c) {
        size_t n = character(c);
        if (*c == '<')
            fputs("&lt;", to);
        else if (*c == '>')
            fputs("&gt;", to);
        else if (*c == '&')
            fputs("&amp;", to);
        else if (*c == '"')
            fputs("&quot;", to);
        else if (*c == '\'')
            fputs("&#39;", to);
        else if (n == 0 || *c < ' ' || *c == 0x7f)
            fputc('?', to);
        else
            fwrite(c, 1, n, to);
        c += n ? n : 1;
    }
}

void page_format(FILE *to, const char *format, ...) {
    char text[1001];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    page_text(to, text);
}

void page_name(FILE *to, const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_.";

    for (; *text; text++) fputc(strchr(plain, *text) ? *text : '_', to);
}

/* ----------------------------------------------------------------------- files */

char *page_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t length = 0, capacity = 0;

    if (!file) {
        complain(STATUS_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    do {
        char *larger = realloc(text, (capacity = capacity ? 2 * capacity : 65536) + 1);
        if (!larger) {
            complain(STATUS_IO, "%s: no memory to read it", path);
            goto failed;
        }
        text = larger;
        length += fread(text + length, 1, capacity - length, file);
    } while (length == capacity);
    if (ferror(file)) {
        complain(STATUS_IO, "%s: %s", path, strerror(errno));
        goto failed;
    }
    fclose(file);
    text[length] = '\0';
    if (size) *size = length;
    return text;
failed:
    fclose(file);
    free(text);
    return NULL;
}

void page_base64(FILE *to, const void *data, size_t size) {
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *byte = data;

    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)byte[i] << 16;
        if (left > 1) three |= (uint32_t)byte[i + 1] << 8;
        if (left > 2) three |= byte[i + 2];
        fputc(digits[three >> 18], to);
        fputc(digits[three >> 12 & 63], to);
        fputc(left > 1 ? digits[three >> 6 & 63] : '=', to);
        fputc(left > 2 ? digits[three & 63] : '=', to);
    }
}

int page_data_url(FILE *to, const char *path, const char *type) {
    size_t size;
    char *data = page_read(path, &size);

    if (!data) return STATUS_IO;
    fprintf(to, "data:%s;base64,", type);
    page_base64(to, data, size);
    free(data);
    return STATUS_OK;
}

/* --------------------------------------------------------------------- pictures */

/* Text that is gone through: its rest. */
struct rest {
    const char *at, *end;
};

static bool begins(const struct rest *rest, const char *with) {
    size_t length = strlen(with);

    return (size_t)(rest->end - rest->at) >= length &&
           memcmp(rest->at, with, length) == 0;
}

/* What stands before an id, where one begins here: it is copied, and the prefix follows. */
static const char *before_id(const struct rest *rest) {
    static const char *const signs[] = {" id=\"",  " id='", "href=\"#",
                                        "href='#", "url(#", NULL};

    for (size_t i = 0; signs[i]; i++)
        if (begins(rest, signs[i])) return signs[i];
    return NULL;
}

/* Past an element that is left out; to the end where it has none. */
static void pass(struct rest *rest, const char *close) {
    const char *found =
        memmem(rest->at, (size_t)(rest->end - rest->at), close, strlen(close));

    rest->at = found ? found + strlen(close) : rest->end;
}

static void copy_svg(FILE *to, struct rest rest, const char *prefix) {
    while (rest.at < rest.end) {
        const char *sign = before_id(&rest);
        if (begins(&rest, "<title>Gnuplot</title>")) {
            pass(&rest, "</title>");
        } else if (begins(&rest, "<desc>")) {
            pass(&rest, "</desc>");
        } else if (sign) {
            fprintf(to, "%s%s", sign, prefix);
            rest.at += strlen(sign);
        } else if (*rest.at == '\n' ||
                   *rest.at == '\t') { /* one blank for all in a row */
            while (rest.at < rest.end && strchr(" \n\t", *rest.at)) rest.at++;
            fputc(rest.at < rest.end && *rest.at == '<' ? '\n' : ' ', to);
        } else {
            fputc(*rest.at++, to);
        }
    }
}

int page_svg(FILE *to, const char *path, const char *prefix, const char *label) {
    size_t size;
    char *text = page_read(path, &size);
    const char *at = text ? strstr(text, "<svg") : NULL;
    int status = STATUS_OK;

    if (!text) return STATUS_IO;
    if (!at || !strstr(at, "</svg>")) {
        status = complain(STATUS_MALFORMED, "%s: not an SVG picture", path);
    } else {
        fputs("<svg role=\"img\" aria-label=\"", to);
        page_text(to, label);
        fputc('"', to);
        copy_svg(to, (struct rest){at + 4, text + size}, prefix);
    }
    free(text);
    return status;
}

/* -------------------------------------------------------------------- templates */

int page_fill(FILE *to, const char *path, const struct page_part *parts) {
    char *text = page_read(path, NULL);
    const char *at = text, *open;
    int status = text ? STATUS_OK : STATUS_IO;

    while (status == STATUS_OK && (open = strstr(at, "{{")) != NULL) {
        const struct page_part *part = parts;
        size_t length = strcspn(open + 2, "}");
        fwrite(at, 1, (size_t)(open - at), to);
        while (part->name && (strlen(part->name) != length ||
                              memcmp(part->name, open + 2, length) != 0))
            part++;
        at = open + 2 + length;
        at += strspn(at, "}");
        if (part->name)
            fputs(part->text, to);
        else
            status = complain(STATUS_MALFORMED, "%s: nothing is called '%.*s'", path,
                              (int)length, open + 2);
    }
    if (status == STATUS_OK) fputs(at, to);
    free(text);
    return status;
}
