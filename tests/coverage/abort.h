/* SPDX-License-Identifier: MIT */
/* Included ahead of all else where coverage is counted: what has been reached before an abort counts too. */
#ifndef COVERAGE_ABORT_H
#define COVERAGE_ABORT_H

#include <stdlib.h>

void __gcov_dump(void); /* of the program, or of the shared library, that calls it */

static inline _Noreturn void abort_counted(void) {
    __gcov_dump();
    abort();
}
#define abort abort_counted

#endif
