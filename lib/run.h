/* SPDX-License-Identifier: MIT */
/*
 * Runs of equal slots, and the lists of those with a free one. Each slot has a reference: table
 * slot:28 slack:4. The slack is 0 where the entry says the size; else it is 1 + capacity less size, or
 * 15, and then the capacity less the size stands in the capacity's last 2 bytes. That is so where the
 * shape is odd, and where there are many locks.
 *
 *      separate   hdr | ref 0 1 2 3 | slot 0 | slot 1 | slot 2 | slot 3 | ref 4 5 6 7 | ...
 *      embedded   hdr | slot 0   ref 0 | slot 1   ref 1 | ...
 *
 * A run with a free slot is in a circular list of its class and density; its links (next:32
 * previous:32) lie in its highest free slot. Knows nothing of who puts what into a slot.
 * Invariant 7.
 */
#ifndef RM_RUN_H
#define RM_RUN_H

#include "store.h"

enum { SLACK_BITS = 4, SLACK_NONE = 0, SLACK_WIDE = 15 };

/* No run is longer. */
enum { RUN_UNITS_MOST = 512 };

/* A run, taken apart: everything that can be known from its header. */
struct run {
    unit_t span;
    unsigned class_id, slots;
    uint64_t free; /* mask */
    const struct size_class *class;
    char *at; /* the header */
};
static inline struct run run_read(const struct store *s, unit_t span, uint64_t h) {
    struct run r = {.span = span, .class_id = run_class(h), .slots = run_slots(h)};
    r.free = run_mask(h);
    r.class = &size_classes[r.class_id];
    r.at = area_at(&s->area, span);
    return r;
}
/* The same of one that is used: it is a run, with no slots but its own, and all of it in the area. */
static inline struct run run_at_header(const struct store *s, unit_t span, uint64_t h) {
    SOUND(header_kind(h) == SPAN_RUN && run_class(h) - 1 < CLASSES - 1);
    struct run r = run_read(s, span, h);
    SOUND(r.slots - 1 < r.class->slots_max && r.free >> r.slots == 0);
    SOUND(likely(s->area.limit - span >= RUN_UNITS_MOST) ||
          run_units(r.class, r.slots) <= s->area.limit - span);
    return r;
}
static inline struct run run_at(const struct store *s, unit_t span) {
    SOUND(span < s->area.limit);
    return run_at_header(s, span, area_header(&s->area, span));
}

static inline char *run_slot(const struct run *r, unsigned i) {
    return r->at + slot_offset(r->class, i);
}
static inline uint32_t run_ref(const struct run *r, unsigned i) {
    return load32(r->at + ref_offset(r->class, i));
}
static inline uint32_t ref_slot(uint32_t ref) { return ref >> SLACK_BITS; }
/* The slot of the table that the object of a live slot has. */
static inline uint32_t run_owner(const struct store *s, const struct run *r, unsigned i) {
    return table_named(&s->table, ref_slot(run_ref(r, i)));
}
static inline unsigned run_live(const struct run *r) {
    return r->slots - bit_count(r->free);
}
/* Which slots are live, as a mask. */
static inline uint64_t run_live_mask(const struct run *r) {
    return ~r->free & bit_mask(r->slots);
}
/* The slot that the object of an entry is. */
static inline unsigned run_index(const struct store *s, const struct run *r, uint64_t e) {
    unsigned i = shape_index(e);
    if (unlikely(entry_locks(e) == LOCKS_MANY))
        i = slot_index(r->class, (unsigned)(s->area.base + entry_place(e) - r->at));
    SOUND(i < r->slots);
    return i;
}
/* Name a slot's object. */
static inline void run_put_ref(const struct run *r, unsigned i, uint32_t ref) {
    store32(r->at + ref_offset(r->class, i), ref);
}
/* A live slot's object has another size: its reference says so, or, where `plain`, its entry. */
void run_note_size(const struct run *r, unsigned i, size_t size, bool plain);

/* The size that was asked for of a live slot, where its reference says so: as it is read; and as it has to be. */
size_t run_size_read(const struct run *r, unsigned i);
static inline size_t run_size_noted(const struct run *r, unsigned i) {
    size_t size = run_size_read(r, i);
    SOUND(size <= r->class->capacity);
    return size;
}
static inline size_t run_size(const struct store *s, const struct run *r, unsigned i) {
    uint32_t ref = run_ref(r, i);
    if (unlikely((ref & SLACK_WIDE) != SLACK_NONE)) return run_size_noted(r, i);
    size_t size = shape_size(table_entry(&s->table, run_owner(s, r, i)));
    SOUND(size <= r->class->capacity);
    return size;
}
/* It is so large at least: known without a look at the entry. */
static inline size_t run_size_least(const struct run *r, unsigned i) {
    if (unlikely((run_ref(r, i) & SLACK_WIDE) != SLACK_NONE)) return run_size_noted(r, i);
    return r->class->least;
}

/* The header word of a run; and another mask of free slots for one. */
uint64_t run_header(unsigned class_id, unsigned slots, uint64_t free);
static inline void run_set_free(struct store *s, struct run *r, uint64_t free) {
    char *at = area_at(&s->area, r->span);
    r->free = free;
    store64(at, (load64(at) & bit_mask(RUN_MASK_SHIFT)) | free << RUN_MASK_SHIFT);
}

/* --- the lists --- */

enum { RUN_NEXT, RUN_PREVIOUS };
static inline char *run_links(const struct run *r) {
    SOUND(r->free != 0);
    return run_slot(r, bit_highest(r->free));
}
/* A listed run's neighbour. */
unit_t run_link(const struct store *s, unit_t span, unsigned which);
static inline enum density run_density(const struct run *r) {
    return 2 * run_live(r) > r->slots ? DENSE : SPARSE;
}
/* Put a run into the list of its density, in front if it lies lower than what is there, else behind; take
   it out of that of `density`, whose links it still has. */
void run_list(struct store *s, const struct run *r);
void run_unlist(struct store *s, const struct run *r, enum density density);
/* Give a run another mask of free slots: it stands in the list of its density then, or in none. What lies
   in the slots that are free before and after is not used by anyone else. */
void run_change_free(struct store *s, struct run *r, uint64_t free);

/* The first run of a class with a free slot, dense before sparse; UNIT_NIL: none has one. */
static inline unit_t run_first(const struct store *s, unsigned class_id) {
    const struct class_runs *runs = &s->runs[class_id];
    return runs->head[DENSE] != UNIT_NIL ? runs->head[DENSE] : runs->head[SPARSE];
}

/* A run's bytes have been copied from `from` to `to`: its neighbours in the list follow. */
void run_relink(struct store *s, unit_t from, unit_t to);

#endif
