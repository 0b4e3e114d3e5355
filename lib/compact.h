/* SPDX-License-Identifier: MIT */
/*
 * The compactor: which block moves where, in steps within a budget.
 *
 *   merge  objects of sparse runs into the free slots of dense ones, class by class
 *   slide  what lies above the lowest gap down into it
 *   fill   a gap below a pinned span with the first thing above that fits
 *   keep   gaps that nothing fits into, as slots
 *
 * A budget counts work (store_work): bytes moved, and what looking costs.
 *
 * All state lies in the store, so it is at home between any two calls. Needs no memory.
 */
#ifndef RM_COMPACT_H
#define RM_COMPACT_H

#include "store.h"

/* How far to go; a zero is no limit. */
struct compact_goal {
    size_t bytes;      /* of work; what is moved exceeds it by less than MOVE_PIECE */
    uint64_t until_ns; /* on os_now_ns's clock */
    size_t spent;      /* of the work, before */
    unit_t units;      /* stop once a free span has so many ... */
    unit_t last;       /* ... or the free span at the area's end has so many */
    bool reuse;        /* what becomes free is about to be used */
    bool tight;        /* no gap is left for the sake of pages, if all else is in vain */
    /* How many wait for this to be over: then it stops, and never moves more than a piece before it
       looks. NULL: nobody will. */
    const _Atomic unsigned *waiting;
};

/* Work toward a goal. Returns true where nothing is left to do. With a budget, false may also mean
   that so much had to be looked at that nothing has been moved yet. */
bool compact(struct store *s, const struct compact_goal *goal);

/* With nothing locked and compaction complete: slide what lies above `span` up, so that the
   free span right behind it has `units`. False: something is pinned, or memory is short. */
bool compact_raise(struct store *s, unit_t span, unit_t units);

/* The used span that ends where the free span `gap` begins; gap > 0. O(spans of a zone). */
unit_t compact_used_below(const struct area *a, unit_t gap);

/* Units that compaction makes free beside those that are, with nothing locked. O(runs with a free
   slot). */
size_t compact_regain(const struct store *s);

/* The largest free span, in units, that compaction is sure to make, given that the area may grow
   by `beyond`: with nothing locked and no alignment above the default, exactly what it makes.
   `pinned` says whether something is. O(runs with a free slot), with pinned blocks O(blocks). */
size_t compact_outlook(struct store *s, bool pinned, size_t beyond);

#endif
