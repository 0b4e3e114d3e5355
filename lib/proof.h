/* SPDX-License-Identifier: MIT */
/* What verify_heap knows while it goes: what has been met, and the fault that was found. */
#ifndef RM_PROOF_H
#define RM_PROOF_H

#include <stdio.h>

#include "heap.h"
#include "small.h"

/* A set of spans, or of slots. */
struct tally {
    uint32_t n;
    uint64_t sum;
};

struct proof {
    const struct heap *h;
    const struct store *s;
    const struct area *a;
    const struct table *t;
    rm_fault_t *fault; /* its offset is kept at what is being looked at */
    size_t self;       /* offset of the heap's structure */
    /* What the tiling has met. */
    struct tally free, released, partial; /* free spans, runs with a free slot */
    uint64_t units[BUDDY_ORDERS];
    size_t free_units, released_units, requested, spare;
    uint32_t n_blocks;
    bool reserved; /* the place for the block half moved */
    struct class_runs runs[CLASSES];
    struct zone zone; /* what the zone that the tiling has reached should say */
    unit_t n_zones;   /* the zones below that one */
    /* What the index and the lists of runs lead to. */
    struct tally indexed, listed;
    struct tally resting; /* slots whose blocks rest (quick.h), */
    struct tally cached;  /* and those that threads have (cache.h) */
    const struct crowd *crowd;
};

static inline bool fail(const struct proof *p, unsigned invariant, const char *text) {
    p->fault->invariant = invariant;
    snprintf(p->fault->text, sizeof p->fault->text, "%s", text);
    return false;
}

static inline size_t offset_of(const struct proof *p, const void *where) {
    return (size_t)((const char *)where - p->a->base);
}

/* The finisher of splitmix64 (Steele, Lea, Flood 2014). */
static inline void note(struct tally *t, unit_t span) {
    uint64_t x = (span + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    t->n++;
    t->sum += x ^ x >> 31;
}

static inline bool same(const struct tally *a, const struct tally *b) {
    return a->n == b->n && a->sum == b->sum;
}

/* Is a slot's block one that rests, or that a thread's cache has? Any 28-bit value may be asked about. */
static inline bool proof_cached(const struct proof *p, uint32_t slot) {
    return slot < p->t->n_slots && !table_is_bitmap(slot) &&
           entry_locks(table_entry(p->t, slot)) == LOCKS_MOVING &&
           slot != p->s->mover.slot;
}
static inline bool proof_resting(const struct proof *p, uint32_t slot) {
    if (slot >= p->t->n_slots || table_is_bitmap(slot)) return false;
    uint64_t e = table_entry(p->t, slot);
    return entry_locks(e) == LOCKS_FREE && !entry_is_free(e);
}

/* Invariants 13 and 16. What rests has been met by the tiling. */
bool quick_sound(struct proof *p);
bool caches_sound(struct proof *p);

#endif
