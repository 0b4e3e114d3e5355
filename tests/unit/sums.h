/* SPDX-License-Identifier: MIT */
/* What a test sees, word by word, as one number; and whether it is as it was. */
#ifndef RM_TESTS_SUMS_H
#define RM_TESTS_SUMS_H

#include <glib.h>
#include <inttypes.h>

static inline uint64_t sum_with(uint64_t sum, uint64_t word) {
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ sum >> 32;
}

/* Who meant it to be another takes over what is printed. */
static inline void assert_sum(const char *name, uint64_t sum, uint64_t wanted) {
    if (sum != wanted)
        g_error("%s: 0x%016" PRIx64 ", not 0x%016" PRIx64, name, sum, wanted);
}

#endif
