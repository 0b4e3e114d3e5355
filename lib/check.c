/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, int invariant, const char *what) {
    fprintf(stderr, "rmalloc: %s:%d: invariant %d broken: %s\n", file, line, invariant,
            what);
    abort();
}
