/* SPDX-License-Identifier: MIT */
#include "net/media.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char blanks[] = " \t\r\n";

/* The length of a token of RFC 9110, in which '/' counts if it is asked for. */
static size_t token_length(const char *text, const char *besides) {
    size_t n = 0;

    while (isalnum((unsigned char)text[n]) ||
           (text[n] && (strchr("!#$%&'*+-.^_`|~", text[n]) || strchr(besides, text[n]))))
        n++;
    return n;
}

/* Copies `n` bytes in lower case into `size`; what does not fit is nothing. */
static void lower(char *to, size_t size, const char *from, size_t n) {
    if (n >= size) n = 0;
    for (size_t i = 0; i < n; i++) to[i] = (char)tolower((unsigned char)from[i]);
    to[n] = '\0';
}

/* After a parameter's '=': its value, quoted or not, which may be longer than it should be. Returns: what follows. */
static const char *value_of(const char *at, const char **value, size_t *n) {
    if (*at == '"') {
        *value = at + 1;
        *n = strcspn(*value, "\"");
        return *value + *n + ((*value)[*n] == '"');
    }
    *value = at;
    *n = token_length(at, ":/");
    return at + *n;
}

struct media media_of_header(const char *at) {
    struct media media = {.type = ""};
    const char *slash, *value;
    size_t n;

    if (!at) return media;
    at += strspn(at, blanks);
    n = token_length(at, "/");
    slash = memchr(at, '/', n);
    if (slash && slash > at && slash < at + n - 1)
        lower(media.type, sizeof media.type, at, n);

    while ((at = strchr(at + n, ';'))) {
        at += 1 + strspn(at + 1, blanks);
        n = token_length(at, "");
        if (at[n] != '=') continue;
        if (n == strlen("charset") && strncasecmp(at, "charset", n) == 0) {
            value_of(at + n + 1, &value, &n);
            if (token_length(value, ":") >= n)
                lower(media.charset, sizeof media.charset, value, n);
            return media;
        }
        at = value_of(at + n + 1, &value, &n); /* a quoted ';' ends nothing */
        n = 0;
    }
    return media;
}

struct media media_of_name(const char *url) {
    static const struct {
        const char *ending, *type;
    } known[] = {
        {".html", "text/html"}, {".htm", "text/html"},    {".xhtml", "text/html"},
        {".txt", "text/plain"}, {".css", "text/css"},     {".png", "image/png"},
        {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"},  {".webp", "image/webp"},
        {".gif", "image/gif"},  {".svg", "image/svg+xml"}};
    struct media media = {.type = ""};
    size_t length = strcspn(url, "?#");

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = strlen(known[i].ending);
        if (length > n && strncasecmp(url + length - n, known[i].ending, n) == 0)
            strcpy(media.type, known[i].type);
    }
    return media;
}
