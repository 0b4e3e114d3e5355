/* SPDX-License-Identifier: MIT */
/*
 * Where a request goes: into the memory there is, else into what is made: by freeing what rests, by
 * merging and sliding as far as that is paid for, by growing, and at last by compaction come what may.
 *
 * When a heap moves blocks on its own account, and when it grows, is decided here alone.
 */
#ifndef RM_PLACE_H
#define RM_PLACE_H

#include "cache.h"
#include "region.h"

#include <rmalloc.h>

/* When the background thread is to work here (watch.h). */
struct watch {
    rm_watermarks_t marks;
    bool awake; /* it is to */
    unsigned paused;
    uint64_t not_before, backoff; /* ns: nothing came of it the last time */
    uint32_t passes;              /* begun when it was last seen to get better, ... */
    size_t garbage;               /* ... and how bad it was then */
    size_t steps, moved, backoffs;
    uint64_t nanoseconds;
};

/* One heap. */
struct heap {
    struct store store;
    struct region region;
    uint64_t tag; /* the bits of a handle that name this heap */
    rm_compaction_t compaction;
    size_t
        asked; /* bytes when it was made, 0 without a limit: what its structure has room for */
    size_t stuck; /* free memory between blocks that the last compaction on growth left */
    size_t credit;  /* bytes that the next one may move */
    size_t cache;   /* bytes that a thread may keep for itself (cache.h) */
    flag_t shared;  /* between threads, where there are any */
    flag_t sparing; /* the background thread is inside */
    uint64_t pace;  /* ns that compaction takes for some work (idle.c); 0: not known */
};

/* What an allocation or a growing block asks for. */
struct request {
    uint32_t slot;
    size_t size, alignment;
    unsigned flags;
    uint64_t
        old; /* the slot's entry when it was placed: where the block was until then */
    uint64_t entry; /* where it is from then on; the table does not say so yet */
};

static inline bool place_is_small(const struct request *q) {
    return q->size <= SMALL_MAX && q->alignment == 0;
}

/* Free memory below the last block, and free slots in runs. O(1). */
size_t place_garbage(const struct heap *h);

/* Units that suffice for it where nothing is left but one free span. */
unit_t place_units(const struct request *q);

/* May others be moved for a request? Not by the policy, or not while somebody reads (motion.h). */
bool place_may_move(struct heap *h, unsigned flags);

/* Compact until a free span has so many units. `tight`: come what may. */
bool place_compact(struct heap *h, unit_t units, bool tight);

/* Place it in the memory there is. `any`: in whatever holds it, however unfit. */
bool place(struct heap *h, struct request *q, bool any);
/* The same where the first try has failed: merge, slide, grow, compact, take what fits. */
bool place_slowly(struct heap *h, struct request *q);
/* The area grows, so that the last used span has so many units behind it. False: `span` is not that
   one, or gaps are to be closed before, or growing may fail. */
bool place_extend(struct heap *h, unit_t span, unit_t units);
/* The area grows, so that so many units are free at its end. False: growing may fail. */
bool place_room(struct heap *h, unit_t units);
/* Make sure that table_take succeeds. */
bool place_slot(struct heap *h, unsigned flags);
/* What a call says that cannot be served: it leaves the border where it was, for so many slots, and errno too,
   unless the system refused something. */
rm_status_t place_failed(struct heap *h, uint32_t room, int saved_errno);
/* A step of steady compaction, where that is the policy and there is garbage. */
void place_steady(struct heap *h, unsigned flags);

#endif
