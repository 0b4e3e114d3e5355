/* SPDX-License-Identifier: MIT */
/*
 * Runs of equal slots: small objects. Each slot has a reference: table slot:28 slack:4, the
 * slack being capacity less size, or 15 where the slack stands in the capacity's last 2 bytes.
 *
 *      separate   hdr | ref 0 .. ref n-1 | pad | slot 0 | slot 1 | ... | pad
 *      embedded   hdr | slot 0   ref 0 | slot 1   ref 1 | ...       | pad
 *
 * A run with a free slot is in a list of its class; its links (next:32 previous:32) lie in its
 * highest free slot, and objects are taken from the lowest. Invariants 5, 7.
 */
#ifndef RM_SMALL_H
#define RM_SMALL_H

#include "store.h"

enum { SLACK_BITS = 4, SLACK_WIDE = 15 };

void small_init(struct store *s);

/* A run, taken apart: everything that can be known from its header. */
struct run {
    unit_t span;
    unsigned class_id, slots;
    uint64_t free; /* mask */
    const struct size_class *class;
    char *first; /* slot 0 */
    char *refs;  /* of slot 0; the next is ref_step bytes on */
    unsigned ref_step;
};
struct run small_run(const struct store *s, unit_t span);

static inline char *run_slot(const struct run *r, unsigned i) {
    return r->first + i * r->class->stride;
}
static inline uint32_t run_ref(const struct run *r, unsigned i) {
    return load32(r->refs + i * r->ref_step);
}
static inline uint32_t ref_slot(uint32_t ref) { return ref >> SLACK_BITS; }
static inline unsigned run_live(const struct run *r) {
    return r->slots - bit_count(r->free);
}
/* Which slots are live, as a mask. */
static inline uint64_t run_live_mask(const struct run *r) {
    return ~r->free & bit_mask(r->slots);
}
/* The slot an object at `place` is. */
static inline unsigned run_index(const struct store *s, const struct run *r,
                                 size_t place) {
    uint32_t distance = (uint32_t)(s->area.base + place - r->first);
    return (unsigned)((uint64_t)distance * r->class->reciprocal >> 20);
}

/* The size that was asked for of a live slot, and how to note another one that fits. */
size_t small_size(const struct run *r, unsigned i);
void small_set_size(const struct run *r, unsigned i, size_t size);

/* Place a block of `size` bytes, at most SMALL_MAX, for a table slot: its entry names the place
   then. False: no run of its class has a free slot, and none of the wanted length can be made;
   `any`: nor one of any length. */
bool small_alloc(struct store *s, uint32_t slot, size_t size, bool any);
/* The same in a slot of a larger class. */
bool small_alloc_larger(struct store *s, uint32_t slot, size_t size);
/* The largest size that a free slot holds; 0: there is none. O(classes). */
size_t small_largest(const struct store *s);
/* Free slot `i` of a run. Where that was its only object it becomes free memory: returns the free
   span it is part of, else UNIT_NIL. */
unit_t small_free(struct store *s, unit_t span, unsigned i);

/* The first run of a class with a free slot, dense before sparse, or the last; UNIT_NIL. */
unit_t small_first(const struct store *s, unsigned class_id);
unit_t small_last(const struct store *s, unsigned class_id);
/* The run before a run that is in the lists of its class, in that order; UNIT_NIL. */
unit_t small_before(const struct store *s, unit_t span);

/* Move the object in slot `i` of a run to a free slot of another run of its class. The run it
   leaves may be gone afterwards. */
void small_shift(struct store *s, unit_t from, unsigned i, unit_t to);

/* Undo small_free, at once: the object is in some slot of the same run again, with the slack
   it had. `before` is the run as it was; its entry names the slot. Returns where its bytes go. */
char *small_restore(struct store *s, const struct run *before, uint32_t ref);

/* What merging would free, in units, with nothing locked. O(runs with a free slot). */
size_t small_excess(const struct store *s);

/* A run's bytes have been copied from `from` to `to`: its neighbours in the list follow. */
void small_relink(struct store *s, unit_t from, unit_t to);
/* Let the entries of a run's objects name where the run lies now. Returns how many. */
unsigned small_follow(struct store *s, unit_t span);

/* Make a free span of SMALL_MAX bytes or less a run of one free slot. For a gap as long as some
   slot, in which its object with a header of its own does not fit. */
void small_keep_gap(struct store *s, unit_t gap);
/* Are there objects whose slots are so long? */
bool small_has_stride(const struct store *s, size_t bytes);
/* Make what small_keep_gap kept, and has not been used since, free again. */
void small_drop_kept(struct store *s);

/* Cut a run down to its live objects, two or more, in place. None of them is locked. Nothing
   happens where that frees no unit. */
void small_cut(struct store *s, unit_t span);

#endif
