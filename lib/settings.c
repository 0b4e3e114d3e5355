/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef __linux__
#define secure_getenv getenv /* a program has no rights that its user has not */
#endif

/* --- values --- */

static bool read_switch(const char *text, bool *on) {
    *on = strcmp(text, "1") == 0 || strcmp(text, "yes") == 0;
    return *on || strcmp(text, "0") == 0 || strcmp(text, "no") == 0;
}

static bool read_number(const char *text, uint64_t most, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 &&
           *number <= most;
}

/* "onchange", "onall:7" */
static bool read_stress(const char *text, struct settings *s) {
    size_t length = strcspn(text, ":");
    if (text[length] == ':' &&
        !read_number(text + length + 1, UINT64_MAX, &s->stress_seed))
        return false;
    if (length == 5 && memcmp(text, "onall", length) == 0)
        s->stress = STRESS_ON_ALL;
    else if (length == 8 && memcmp(text, "onchange", length) == 0)
        s->stress = STRESS_ON_CHANGE;
    else
        return false;
    return true;
}

static bool read_fence(const char *text, struct settings *s) {
    uint64_t every;
    if (!read_number(text, UINT32_MAX, &every)) return false;
    s->fence_every = (uint32_t)every;
    s->fence_tells = every != 0;
    return true;
}

static bool read_integrity(const char *text, struct settings *s) {
    return read_switch(text, &s->integrity);
}

static bool read_tools(const char *text, struct settings *s) {
    return read_switch(text, &s->tools);
}

/* --- all of them --- */

static struct variable {
    const char *name, *takes;
    bool (*read)(const char *text, struct settings *s);
    bool said; /* that its value makes no sense */
} variables[] = {
    {"RMALLOC_STRESS", "onchange or onall, and a seed: onchange:7", read_stress, false},
    {"RMALLOC_FENCE", "a number: each so many blocks, 0 for none", read_fence, false},
    {"RMALLOC_INTEGRITY", "yes or no", read_integrity, false},
    {"RMALLOC_TOOLS", "yes or no", read_tools, false},
};

static void say(struct variable *v, const char *text) {
    char line[256];
    if (v->said) return;
    v->said = true;
    int n = snprintf(line, sizeof line, "rmalloc: %s is '%.100s', and takes %s\n",
                     v->name, text, v->takes);
    ssize_t written = write(STDERR_FILENO, line, (size_t)n);
    (void)written; /* there is nobody else to be told */
}

void settings_read(struct settings *settings) {
    int saved = errno;
    *settings = (struct settings){.tools = true};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        struct settings with = *settings;
        const char *text = secure_getenv(variables[i].name);
        if (text == NULL || text[0] == '\0') continue;
        if (variables[i].read(text, &with))
            *settings = with;
        else
            say(&variables[i], text);
    }
    errno = saved;
}
