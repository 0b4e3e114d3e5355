/* SPDX-License-Identifier: MIT */
/* What has to hold of every comparison that was read back. */
#ifndef FUZZ_COMPARISON_H
#define FUZZ_COMPARISON_H

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "compare/goals.h"

static inline void fuzz_comparison(const struct loaded *loaded) {
    const struct compare *compare = &loaded->compare;

    FUZZ_HOLDS(compare->n_traces > 0 && compare->entrants.n > 1);
    FUZZ_HOLDS(compare->entrants.n <= ENTRANTS_MAX);
    FUZZ_HOLDS(memchr(loaded->command, 0, sizeof(loaded->command)) != NULL);
    for (size_t i = 0; i < compare->n_traces; i++)
        FUZZ_HOLDS(compare->traces[i].name[0] != '\0' && compare->traces[i].outcomes);
    for (const struct goal *goal = goals; goal->what; goal++)
        for (size_t i = 1; i < compare->entrants.n; i++) goal->reached(compare, i);
}

#endif
