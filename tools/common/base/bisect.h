/* SPDX-License-Identifier: MIT */
/*
 * The smallest size that suffices, by bisection between one that failed and one that did:
 *
 *      known to fail     failed        tried        did
 *      |-----------------|-------------|------------|
 *
 * Whether a size suffices need not be monotone - another size shifts where things end - so
 * the result is a size that has been seen to suffice, and one a resolution smaller has been
 * seen not to.
 */
#ifndef BASE_BISECT_H
#define BASE_BISECT_H

#include <stdbool.h>
#include <stdint.h>

struct bisection {
    uint64_t fails;      /* known to; the caller sets it */
    uint64_t suffices;   /* 0 until one has been found */
    uint64_t resolution; /* the caller's: how close the two are to come; above 0 */
    uint64_t most;       /* the caller's: no size above it is tried */
    unsigned runs;
};

/* Sets *good where the size suffices. Returns: a status; all but STATUS_OK end the search. */
typedef int bisect_try_fn(void *context, uint64_t size, bool *good);

/*
 * Searches, beginning at a size that is likely to suffice.
 * Returns: a status. STATUS_OK with suffices at 0 where `most` does not suffice.
 */
int bisect(struct bisection *bisection, uint64_t first, bisect_try_fn *try_size,
           void *context);

#endif
