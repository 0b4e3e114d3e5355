/* SPDX-License-Identifier: MIT */
/*
 * Small objects: into a slot of a run and out of it, and what compaction does with a run. Objects
 * are taken from the lowest free slot of the densest run at hand. Invariants 5, 7.
 */
#ifndef RM_SMALL_H
#define RM_SMALL_H

#include "run.h"

void small_init(struct store *s);

/* Place a block of `size` bytes, at most SMALL_MAX, for a table slot: `*e` is its entry, which the table
   does not say yet. `class_id`: that of the size, or one whose slots are larger. False: no run of it has a
   free slot, and none of the wanted length can be made; `any`: nor one of any length. */
bool small_alloc_in(struct store *s, unsigned class_id, uint32_t slot, size_t size,
                    bool any, uint64_t *e);
static inline bool small_alloc(struct store *s, uint32_t slot, size_t size, bool any,
                               uint64_t *e) {
    return small_alloc_in(s, class_of(size), slot, size, any, e);
}
/* How many slots are free in the run that the next object of a class would go to, which is made if
   there is none; 0: nor can one be made. */
unsigned small_free_slots(struct store *s, unsigned class_id);
/* Place objects of `most` table slots in that run, or of as many as it has free slots. They have no
   handles yet: their entries keep their state, LOCKS_FREE, and say no size. Returns how many. */
unsigned small_take_some(struct store *s, unsigned class_id, unsigned most,
                         const uint32_t *slots);
/* The same in a slot of a larger class. */
bool small_alloc_larger(struct store *s, uint32_t slot, size_t size, uint64_t *e);
/* Units of the run that small_alloc would make. */
unit_t small_run_units(const struct store *s, size_t size);
/* The largest size that a free slot holds; 0: there is none. O(classes). */
size_t small_largest(const struct store *s);
/* Free live slots of a run. Where no other object is left in it it becomes free memory: returns the
   free span it is part of, else UNIT_NIL. */
unit_t small_free_some(struct store *s, struct run *r, uint64_t slots);
unit_t small_free(struct store *s, unit_t span, unsigned i);

/* Undo small_free, at once: the object is in some slot of the same run again, with the size it had.
   `before` is the run as it was, `e` the object's entry as it is. Returns what it has to be, which says
   where the bytes go. */
uint64_t small_restore(struct store *s, const struct run *before, uint32_t ref,
                       uint64_t e);

/* What merging would free, in units, with nothing locked; and the largest capacity of a slot that
   would still be free (where `slot` is not NULL; 0: none). O(runs with a free slot). */
size_t small_excess(const struct store *s, size_t *slot);

/* Let the entries of a run's objects name where the run lies now. Returns how many. */
unsigned small_follow(struct store *s, unit_t span);

/* Make a free span of SMALL_MAX bytes or less a run of one free slot. For a gap as long as some
   slot, in which its object with a header of its own does not fit. */
void small_keep_gap(struct store *s, unit_t gap);
/* Are there objects whose slots are so long? */
bool small_has_stride(const struct store *s, size_t bytes);
/* Make one that small_keep_gap kept, and that has not been used since, free again. False: there is none. */
bool small_drop_kept(struct store *s);

/* Cut a run down to its live objects, two or more, in place. None of them is locked. Nothing
   happens where that frees no unit. */
void small_cut(struct store *s, unit_t span);

#endif
