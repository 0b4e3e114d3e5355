/* SPDX-License-Identifier: MIT */
/*
 * What one heap consists of: the area with its spans, the handle table, the lists of runs,
 * the block half moved, the counters. The rooms above share this and each minds its part.
 */
#ifndef RM_STORE_H
#define RM_STORE_H

#include "area.h"
#include "shape.h"

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
    flag_t slide;
    flag_t pages; /* its pages are moved (pages.c) */
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

/* Where the search for something that fits a gap below a pinned span stands, and what it has
   learnt on its way (fill.c). */
enum { FILL_STRETCHES = 32 };
struct fill_scan {
    uint64_t stamp; /* good while nothing else is allocated, unlocked or resized */
    unit_t gap, at; /* the gap it was for, and what it looks at next */
    unit_t passed;  /* what it has passed of this stretch takes at least so many units */
    unit_t least[FILL_STRETCHES]; /* the same of whole stretches; 0: not known */
    unsigned shift;               /* of a unit: its stretch */
    flag_t sure;                  /* `at` is the start of a span */
};

/* What of free memory may be given back (ebb.c). */
struct ebb {
    unit_t low;      /* the least that was free, and held memory, since the last look */
    unit_t released; /* what had been given back then */
    unit_t highest;  /* that the area's limit has been */
    uint64_t then;   /* operations at that look ... */
    uint64_t next;   /* ... and when the next one is due; UINT64_MAX: never */
    int64_t credit;  /* ns that may be spent; below 0: a debt */
    size_t large;    /* where a block of so many bytes is freed pages go at once */
};

/* The pass under way (compact.c). */
enum phase { PASS_NONE, PASS_DROP, PASS_MERGE, PASS_SLIDE, PASS_KEEP, PASS_DONE };
struct pass {
    enum phase phase;
    flag_t whole;   /* it began at the low end */
    unit_t cursor;  /* what lies below is done with */
    uint64_t stamp; /* what store_stamp was when it began */
};

/* Blocks that rest (quick.h). */
enum {
    QUICK_UNITS_MIN = (HEADER + SMALL_MAX) / UNIT + 1, /* of blocks above SMALL_MAX */
    QUICK_UNITS_MAX = 4096 / UNIT + 1,
    QUICK_BLOCKS = QUICK_UNITS_MAX - QUICK_UNITS_MIN + 1,
    QUICK_SIZE_MAX = QUICK_UNITS_MAX * UNIT - HEADER,
    QUICK_QUEUE = 32
};
struct quick {
    uint32_t pool;           /* where the first chunk is, in bytes from the store on */
    uint32_t high;           /* slots from here on do not rest */
    uint32_t small[CLASSES]; /* tops of lists, likewise */
    uint32_t *blocks; /* those of QUICK_BLOCKS lists, by length in units; or NULL */
    /* Chunks: all; how many have been used, from the high end down, where the zones begin, and the
       bottom; a list of those given back. */
    uint32_t n_chunks, fresh, vacant;
    flag_t off;                  /* nothing is to rest here */
    uint32_t n_used;             /* on lists */
    uint32_t n_queued;           /* what rests, but is to be freed for good: ... */
    uint32_t queue[QUICK_QUEUE]; /* ... its slots */
};

/* Blocks that have moved lately, by slot, for whoever has to know; it lies outside of the heap. */
enum { MOVES_MOST = 1000 };
struct moves {
    uint32_t n; /* more than MOVES_MOST: and others */
    uint32_t slots[MOVES_MOST];
};

struct store {
    struct table table;
    flag_t fenced; /* some blocks are to be ones with many locks always (fence.h), ... */
    flag_t bared;  /* ... and one or another is not, maybe */
    flag_t concurrent;   /* other threads may be at blocks, without the mutex */
    struct crowd *crowd; /* what they have of it (cache.h) */
    struct moves *moves; /* to be told; NULL: nobody has to know */
    size_t requested, peak_requested; /* here, since each call counts; ... */
    uint64_t allocations;             /* ... so does this, the clock of much else */
    struct area area;
    struct quick quick;
    struct mover mover;
    enum pages_state pages_state;
    unsigned pages_refused; /* so often, since a move was not */
    size_t pages_bytes;     /* of the region whose pages may move */
    flag_t large;           /* there has been a block of PAGES_LEAST */
    flag_t tight;           /* no gap may be left for the sake of pages */
    flag_t sliding;         /* gaps are left rather than filled from above */
    size_t piece;           /* the most bytes to move at once */
    size_t spare;           /* bytes of free slots in runs */
    size_t
        aligned_slack; /* the most units that may stay free below blocks aligned above UNIT */
    size_t moved, moved_blocks;
    size_t voided; /* moves that came to nothing (claim.h) */
    size_t failures;
    uint64_t
        changes; /* unlocks and resizes: with `allocations`, what voids a fill_scan */
    uint64_t loose[2]; /* classes whose runs may have something to merge, as bits ... */
    uint64_t stuck
        [2]; /* ... and those where something locked, or at rest, was in the way ... */
    uint64_t kept[2];  /* classes with gaps kept as slots */
    uint64_t stuck_at; /* ... when changes and allocations together were this */
    struct pass pass;
    uint32_t passes; /* begun so far */
    struct ebb ebb;
    struct fill_scan scan;
    size_t looked;   /* spans that compaction has looked at, or what takes as long */
    size_t regained; /* bytes that it has added to the free span at the end */
    size_t returned; /* bytes given back to the system */
    struct class_runs runs[CLASSES];
};

/* Count a live block's size in. While threads have not counted all that they have done, the sum may be less
   than nothing. */
static inline void store_count(struct store *s, size_t size) {
    s->requested += size;
    if ((ptrdiff_t)s->requested > (ptrdiff_t)s->peak_requested)
        s->peak_requested = s->requested;
}

/* The same of a block that has been made. */
static inline void store_count_new(struct store *s, size_t size) {
    s->allocations++;
    store_count(s, size);
}

/* Count what has been moved. */
static inline void store_moved(struct store *s, size_t bytes, size_t blocks) {
    s->moved += bytes;
    s->moved_blocks += blocks;
}

/* A block lies elsewhere, and its entry says so. */
static inline void store_tell(const struct store *s, uint32_t slot) {
    struct moves *m = s->moves;
    if (likely(m == NULL)) return;
    if (m->n < MOVES_MOST) m->slots[m->n] = slot;
    if (m->n <= MOVES_MOST) m->n++;
}

/* What compaction costs, as bytes moved: each block beside its own, for its table entry; each look at
   a span, for the memory it lies in. */
enum { WORK_BLOCK = 128, WORK_LOOK = 256 };
static inline size_t store_work(const struct store *s) {
    return s->moved + s->moved_blocks * WORK_BLOCK + s->looked * WORK_LOOK;
}

/* What it costs to give pages back with one call of the system, likewise. */
enum { WORK_CALL = 16 * 1024, WORK_PAGE = 2 * 1024 };
static inline size_t store_gave_back(struct store *s, size_t pages) {
    size_t work = WORK_CALL + pages * WORK_PAGE;
    s->looked += work / WORK_LOOK;
    return work;
}

/* Where it is the same, callers have done nothing since that makes more to compact: allocations, frees
   and changes, counted together. */
static inline uint64_t store_stamp(const struct store *s) {
    return 2 * s->allocations - s->table.n_taken + s->changes; /* frees for good count */
}

/* A span's address behind its header, as a place. */
static inline size_t place_behind(unit_t span) { return units_bytes(span) + HEADER; }

/* The word of a slot of a heap, whose structure begins with its store and lies right above the table: as table_slot, but
   it relies on nothing that the heap's memory says. */
static inline char *store_slot(const struct store *s, uint32_t slot) {
    return (char *)(uintptr_t)s + 8 * ~(ptrdiff_t)slot;
}

/* The content of the block of an entry, so many bytes that are in the area. */
static inline char *store_content(const struct store *s, uint64_t e, size_t size) {
    size_t all = units_bytes(s->area.limit), place = entry_place(e);
    SOUND(place <= all && size <= all + HEADER - place);
    return s->area.base + place;
}

/* The span that the block of an entry lies in. */
unit_t store_span_of_many(const struct store *s, uint64_t e);
static inline unit_t object_span(uint64_t e, size_t offset) {
    return (unit_t)((entry_place(e) - offset) >> UNIT_SHIFT);
}
static inline unit_t entry_span(const struct store *s, uint64_t e) {
    if (unlikely(entry_locks(e) == LOCKS_MANY)) return store_span_of_many(s, e);
    unsigned class_id = shape_class(e);
    size_t offset = HEADER;
    SOUND(class_id < CLASSES);
    if (class_id != 0) offset = slot_offset(&size_classes[class_id], shape_index(e));
    unit_t span = object_span(e, offset);
    SOUND(span < s->area.limit);
    return span;
}

#endif
