/* SPDX-License-Identifier: MIT */
/* What programs share that measure what a call costs. */
#ifndef RM_TEST_COST_H
#define RM_TEST_COST_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rmalloc.h>

/* Nanoseconds of this process on a processor: others that run meanwhile do not count. */
static inline double cost_now(void) {
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline double cost_least(double a, double b) { return a < b ? a : b; }

/* What is measured has to work. */
static inline void cost_expect(rm_status_t status) {
    if (status == RM_OK) return;
    fprintf(stderr, "cost: %s\n", rm_strerror(status));
    exit(3);
}

#endif
