/* SPDX-License-Identifier: MIT */
#include "dom/tags.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* TAGS is sorted: what is known is found by halves. */
static const char *const names[TAGS_N] = {[TAG_NONE] = "",
                                          [TAG_OTHER] = "",
#define TAG_TEXT(name, text) [TAG_##name] = text,
                                          TAGS(TAG_TEXT)
#undef TAG_TEXT
};

struct name {
    const char *text;
    size_t n;
};

static int compare(const void *key, const void *entry) {
    const struct name *name = key;
    const char *known = *(const char *const *)entry;
    int order = strncasecmp(name->text, known, name->n);

    return order != 0 ? order : known[name->n] != '\0' ? -1 : 0;
}

tag_t tag_of(const char *name, size_t n) {
    const struct name key = {name, n};
    const char *const *found = bsearch(&key, names + TAG_OTHER + 1,
                                       TAGS_N - TAG_OTHER - 1, sizeof *names, compare);

    return n == 0 || found == NULL ? TAG_OTHER : (tag_t)(found - names);
}

const char *tag_text(tag_t tag) { return tag < TAGS_N ? names[tag] : ""; }
