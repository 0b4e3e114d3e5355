/* SPDX-License-Identifier: MIT */
#include "dom/style.h"

#include <glib.h>
#include <string.h>

/* A slice of text, which is looked at word by word. */
struct slice {
    const char *at, *end;
};

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool equals(struct slice slice, const char *word) {
    size_t n = strlen(word);

    return (size_t)(slice.end - slice.at) == n &&
           g_ascii_strncasecmp(slice.at, word, n) == 0;
}

/* Up to `end`, or to where `stop` is; *rest goes on behind that. */
static struct slice before(struct slice *rest, char stop) {
    const char *found = memchr(rest->at, stop, rest->end - rest->at);
    struct slice part = {rest->at, found != NULL ? found : rest->end};

    rest->at = found != NULL ? found + 1 : rest->end;
    while (part.at < part.end && is_space(*part.at)) part.at++;
    while (part.at < part.end && is_space(part.end[-1])) part.end--;
    return part;
}

/* A width in pixels; -1: it is none. */
static double width_of(struct slice value) {
    char text[32], *unit;
    size_t n = value.end - value.at;

    if (n == 0 || n >= sizeof text) return -1;
    memcpy(text, value.at, n);
    text[n] = '\0';
    double number = g_ascii_strtod(text, &unit);

    if (unit == text) return -1;
    if (strcmp(unit, "px") == 0 || number == 0) return number;
    return strcmp(unit, "em") == 0 || strcmp(unit, "rem") == 0 ? 16 * number : -1;
}

/* What stands in parentheses. */
static bool feature_holds(struct slice feature) {
    struct slice name = before(&feature, ':'), value = before(&feature, '\0');
    double width = width_of(value);

    if (equals(name, "min-width") || equals(name, "min-device-width"))
        return width >= 0 && SHEET_SCREEN_WIDTH >= width;
    if (equals(name, "max-width") || equals(name, "max-device-width"))
        return width >= 0 && SHEET_SCREEN_WIDTH <= width;
    if (equals(name, "color")) return value.at == value.end;
    if (equals(name, "orientation")) return equals(value, "landscape");
    return equals(name, "prefers-color-scheme") && equals(value, "light");
}

/* "screen", "only screen and (max-width: 600px)", "not print" */
static bool query_holds(struct slice query) {
    bool holds = query.at < query.end, inverted = false;

    while (query.at < query.end) {
        struct slice word = {query.at, query.at};

        if (*query.at == '(') {
            query.at++;
            if (!feature_holds(before(&query, ')'))) holds = false;
            continue;
        }
        while (query.at < query.end && !is_space(*query.at) && *query.at != '(')
            word.end = ++query.at;
        if (word.at == word.end)
            query.at++;
        else if (equals(word, "not"))
            inverted = true;
        else if (!equals(word, "and") && !equals(word, "only") &&
                 !equals(word, "screen") && !equals(word, "all"))
            holds = false;
    }
    return holds != inverted;
}

bool sheet_media(const char *media, size_t n) {
    struct slice rest = {media, media + n};

    if (n == 0) return true;
    while (rest.at < rest.end)
        if (query_holds(before(&rest, ','))) return true;
    return false;
}
