/* SPDX-License-Identifier: MIT */
/*
 * What one heap consists of: the area with its spans, the handle table, the lists of runs,
 * the block half moved, the counters. The rooms above share this and each minds its part.
 */
#ifndef RM_STORE_H
#define RM_STORE_H

#include "area.h"
#include "class.h"
#include "table.h"

/* The runs of one class that have a free slot, in two circular lists by how full they are. */
enum density { DENSE, SPARSE }; /* more than half of the slots live, or not */
struct class_runs {
    unit_t head[2]; /* by density; UNIT_NIL: empty */
    uint32_t slots; /* in all runs of the class */
    uint32_t live;  /* of them */
};

/*
 * A block over 64 KiB that a budget left half moved. Its entry is marked LOCKS_MOVING and
 * holds the old place.
 *   slide  area.stretch is the gap and the block, its header in front: [to, from + units);
 *          the first `done` bytes of the span are at `to`, the rest still where it was.
 *   fill   [to, to + units) is a block span whose reference is not returned; the first `done`
 *          bytes are copied, the old place is whole unless pages have been moved.
 */
struct mover {
    uint32_t slot; /* SLOT_NIL: none */
    bool slide;
    bool pages; /* its pages are moved (pages.c) */
    unit_t from, to, units;
    unit_t
        reach; /* units from `from` on whose pages are moved, what lies behind included */
    size_t done;        /* bytes */
    uint32_t n_moved;   /* pages; where there are any, the old place is not whole */
    struct pages empty; /* those of the target that hold nothing when it begins */
};

/* The least size of a block whose pages are moved. */
enum { PAGES_LEAST = 256 * 1024 };

/* Are pages of large blocks moved? */
enum pages_state {
    PAGES_STAY = 0, /* the memory is the caller's, or the system has refused */
    PAGES_ASK,      /* the system has not been asked: there was no large block */
    PAGES_MOVE
};

/* Where the search for something that fits a gap below a pinned span stands (compact.c). */
struct fill_scan {
    unit_t gap, units; /* it began above this gap */
    unit_t at;         /* everything from there to here is too large or pinned ... */
    unit_t least;      /* ... and takes at least so many units */
    unit_t
        floor;  /* nothing movable above takes less: the outcome of a search that ended */
    bool done;  /* `at` has reached the area's end */
    bool start; /* `at` is a span's start, nothing else having moved since */
};

struct store {
    struct area area;
    struct table table;
    struct mover mover;
    enum pages_state pages_state;
    unsigned pages_refused; /* so often, since a move was not */
    size_t pages_bytes;     /* of the region whose pages may move */
    bool large;             /* there has been a block of PAGES_LEAST */
    bool tight;             /* no gap may be left for the sake of pages */
    bool sliding;           /* gaps are left rather than filled from above */
    size_t piece;           /* the most bytes to move at once */
    size_t requested, peak_requested;
    size_t spare; /* bytes of free slots in runs */
    size_t
        aligned_slack; /* the most units that may stay free below blocks aligned above UNIT */
    size_t moved, moved_blocks;
    size_t allocations, frees, failures;
    uint64_t
        changes; /* unlocks and resizes: with `allocations`, what voids a fill_scan */
    uint64_t loose[2]; /* classes whose runs may have something to merge, as bits ... */
    uint64_t stuck[2]; /* ... and those where something locked was in the way ... */
    uint64_t kept[2];  /* classes with gaps kept as slots */
    uint64_t stuck_at; /* ... when `changes` was this */
    unit_t cursor;     /* where a compaction within a budget goes on */
    struct fill_scan scan;
    uint64_t scan_stamp;
    struct class_runs runs[CLASSES];
};

/* Count a live block's size in. */
static inline void store_count(struct store *s, size_t size) {
    s->requested += size;
    if (s->requested > s->peak_requested) s->peak_requested = s->requested;
}

/* Count what has been moved. */
static inline void store_moved(struct store *s, size_t bytes, size_t blocks) {
    s->moved += bytes;
    s->moved_blocks += blocks;
}

/* A span's address behind its header, as a place. */
static inline size_t place_behind(unit_t span) { return units_bytes(span) + HEADER; }

/* The span an entry's block lies in. */
static inline unit_t entry_span(uint64_t e) {
    return (unit_t)((entry_place(e) - HEADER) >> UNIT_SHIFT) - entry_back(e);
}

#endif
