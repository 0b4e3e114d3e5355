/* SPDX-License-Identifier: MIT */
/*
 * Runs of equal slots, and the lists of those with a free one. Each slot has a reference: table
 * slot:28 slack:4, the slack being capacity less size, or 15 where the slack stands in the
 * capacity's last 2 bytes.
 *
 *      separate   hdr | ref 0 .. ref n-1 | pad | slot 0 | slot 1 | ... | pad
 *      embedded   hdr | slot 0   ref 0 | slot 1   ref 1 | ...       | pad
 *
 * A run with a free slot is in a circular list of its class and density; its links (next:32
 * previous:32) lie in its highest free slot. Knows nothing of who puts what into a slot.
 * Invariant 7.
 */
#ifndef RM_RUN_H
#define RM_RUN_H

#include "store.h"

enum { SLACK_BITS = 4, SLACK_WIDE = 15 };

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
struct run run_at(const struct store *s, unit_t span);

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
size_t run_size(const struct run *r, unsigned i);
void run_set_size(const struct run *r, unsigned i, size_t size);

/* Name a slot's object: its table slot and its size; or a reference as it was elsewhere. */
void run_set_ref(const struct run *r, unsigned i, uint32_t slot, size_t size);
void run_put_ref(const struct run *r, unsigned i, uint32_t ref);

/* The header word of a run; and another mask of free slots for one. */
uint64_t run_header(unsigned class_id, unsigned slots, uint64_t free);
void run_set_free(struct store *s, struct run *r, uint64_t free);

/* --- the lists --- */

enum { RUN_NEXT, RUN_PREVIOUS };
static inline char *run_links(const struct run *r) {
    return run_slot(r, bit_highest(r->free));
}
/* A listed run's neighbour. */
unit_t run_link(const struct store *s, unit_t span, unsigned which);
enum density run_density(const struct run *r);
/* Put a run into the list of its density, in front if it lies lower than what is there, else behind;
   take it out of that of `density`, whose links
   it still has. */
void run_list(struct store *s, const struct run *r);
void run_unlist(struct store *s, const struct run *r, enum density density);

/* The first run of a class with a free slot, dense before sparse, or the last; UNIT_NIL. */
unit_t run_first(const struct store *s, unsigned class_id);
unit_t run_last(const struct store *s, unsigned class_id);
/* The run before a run that is in the lists of its class, in that order; UNIT_NIL. */
unit_t run_before(const struct store *s, unit_t span);

/* A run's bytes have been copied from `from` to `to`: its neighbours in the list follow. */
void run_relink(struct store *s, unit_t from, unit_t to);

#endif
