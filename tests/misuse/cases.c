/* SPDX-License-Identifier: MIT */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MOST = 1024 };

static const struct misuse *cases[CASES_MOST];
static unsigned n_cases;

void misuse_add(const struct misuse *misuse) {
    if (n_cases == CASES_MOST) abort();
    cases[n_cases++] = misuse;
}

unsigned cases_count(void) { return n_cases; }
const struct misuse *cases_at(unsigned i) { return cases[i]; }

static int by_place(const void *a, const void *b) {
    const struct misuse *x = *(const struct misuse *const *)a;
    const struct misuse *y = *(const struct misuse *const *)b;
    int files = strcmp(x->file, y->file);
    return files != 0 ? files : x->line - y->line;
}

void cases_sort(void) { qsort(cases, n_cases, sizeof *cases, by_place); }

bool cases_mention(const char *text) {
    for (unsigned i = 0; i < n_cases; i++) {
        const char *slash = strrchr(cases[i]->file, '/');
        char wanted[64];
        if (i > 0 && strcmp(cases[i]->file, cases[i - 1]->file) == 0) continue;
        int length = snprintf(wanted, sizeof wanted,
                              "%s:", slash == NULL ? cases[i]->file : slash + 1);
        for (const char *at = text; (at = strstr(at, wanted)) != NULL; at += length)
            if (at > text && (at[-1] == '/' || at[-1] == '(' || at[-1] == ' '))
                return true;
    }
    return false;
}
