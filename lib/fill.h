/* SPDX-License-Identifier: MIT */
/*
 * Filling: a gap that nothing can slide into, since something pinned lies right above it, takes the
 * first thing further up that fits. Which that is, is a search; what it has passed over it
 * remembers by stretches of the area, and it stops where it has looked long enough.
 *
 * Knows nothing of passes and budgets. Invariant 10.
 */
#ifndef RM_FILL_H
#define RM_FILL_H

#include "store.h"

enum fill_result {
    FILL_NONE,  /* nothing above fits */
    FILL_MOVED, /* something lies in the gap now, or has begun to move there */
    FILL_LATER  /* the search goes on with the next call */
};

/* Search for the gap, looking at no more than `most` spans, and move what is found. `whole`: spans
   only, no objects out of runs. */
enum fill_result fill_step(struct store *s, unit_t gap, bool whole, size_t most);

/* Objects may have come to lie where the search has been: what it remembers is void. */
void fill_forget(struct store *s);
/* Spans have been freed, or a call has passed: where the search stands a span may begin or not. */
static inline void fill_unsure(struct store *s) { s->scan.sure = false; }

#endif
