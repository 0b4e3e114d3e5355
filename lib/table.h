/* SPDX-License-Identifier: MIT */
/*
 * The handle table: one word per slot, from `top` downward; slot i lies at top[-1 - i].
 *
 *      low  ... | slot 3 | slot 2 | slot 1 | slot 0 |  top
 *
 * A word of a live slot (entry): where its block is, locks, generation. A free slot keeps the
 * generation its next handle will carry. Slot 0 of each 64 holds the bitmap of the free slots
 * among them; words marked free hold the bitmap's higher levels, 32-fold each (see table.c).
 *
 * Knows slots; not what a place means, not where the memory comes from: the owner says how
 * many slots there is room for. Invariant 8.
 */
#ifndef RM_TABLE_H
#define RM_TABLE_H

#include "base.h"

/* An entry: place in 8-byte units:31 | back:8 | locks:10 | generation:15. */
enum {
    ENTRY_BACK_SHIFT = 31,
    ENTRY_LOCKS_SHIFT = 39,
    ENTRY_GENERATION_SHIFT = 49,
    ENTRY_LOCKS_MASK = 1023,
    GENERATIONS = 1 << 15,
    GENERATION_DROP_MAX = GENERATIONS / 4 * 3 /* of slots that are given back */
};
/* The lock field is a state first: no block (so that a word of zeros is no handle's), a block
   half moved; from LOCKS_NONE on it is LOCKS_NONE plus the count. */
enum {
    LOCKS_FREE = 0,
    LOCKS_MOVING = 1,
    LOCKS_NONE = 2,
    LOCKS_LIMIT = LOCKS_NONE + 1007
};

#define ENTRY_PLACE_MASK ((UINT64_C(1) << ENTRY_BACK_SHIFT) - 1)
#define ENTRY_LOCK_ONE (UINT64_C(1) << ENTRY_LOCKS_SHIFT)

static inline unsigned entry_locks(uint64_t e) {
    return (unsigned)(e >> ENTRY_LOCKS_SHIFT) & ENTRY_LOCKS_MASK;
}
static inline unsigned entry_generation(uint64_t e) {
    return (unsigned)(e >> ENTRY_GENERATION_SHIFT);
}
/* Bytes from the heap's base to the block's first byte. */
static inline size_t entry_place(uint64_t e) {
    return (size_t)(e & ENTRY_PLACE_MASK) << 3;
}
static inline unsigned entry_back(uint64_t e) {
    return (unsigned)(e >> ENTRY_BACK_SHIFT) & 255;
}
/* The same entry with its block elsewhere. */
static inline uint64_t entry_moved(uint64_t e, size_t place, unsigned back) {
    uint64_t keep = ~bit_mask(ENTRY_LOCKS_SHIFT);
    return (e & keep) | (uint64_t)back << ENTRY_BACK_SHIFT | place >> 3;
}
static inline uint64_t entry_with_locks(uint64_t e, unsigned locks) {
    uint64_t mask = (uint64_t)ENTRY_LOCKS_MASK << ENTRY_LOCKS_SHIFT;
    return (e & ~mask) | (uint64_t)locks << ENTRY_LOCKS_SHIFT;
}

enum { SLOT_BITS = 28, SLOT_NIL = 0 }; /* slot 0 is always a bitmap */

struct table {
    char *top;           /* 16-aligned; slot i at top - 8 * (i + 1) */
    uint32_t n_slots;    /* made so far, those of the bitmaps included; even */
    uint32_t room;       /* slots there is memory for, >= n_slots; even */
    uint32_t n_free;     /* free slots among those made */
    uint32_t n_live;     /* live ones */
    uint32_t hint;       /* no group of 64 below this one has a free slot */
    uint32_t generation; /* a new slot starts here: above all given back */
};

/* Slots that are there from the start: the first bitmaps and one for a handle. */
enum { TABLE_SLOTS_MIN = 6 };

/* A table with TABLE_SLOTS_MIN slots, whose memory must be there. */
void table_init(struct table *t, char *top, uint32_t generation);

static inline char *table_slot(const struct table *t, uint32_t slot) {
    return t->top - 8 * ((size_t)slot + 1);
}
static inline uint64_t table_entry(const struct table *t, uint32_t slot) {
    return load64(table_slot(t, slot));
}
static inline void table_set(struct table *t, uint32_t slot, uint64_t entry) {
    store64(table_slot(t, slot), entry);
}

/* Does a slot hold a live entry? Any 28-bit value may be asked about. */
static inline bool table_live(const struct table *t, uint32_t slot) {
    return slot < t->n_slots && (slot & 63) != 0 &&
           entry_locks(table_entry(t, slot)) != LOCKS_FREE;
}

/* How many slots more than t->room must fit before table_take succeeds; 0: it will. */
uint32_t table_wants(const struct table *t);

/* The free slot nearest the top; its entry holds its generation and is LOCKS_NONE.
   SLOT_NIL where table_wants() is not 0. O(levels). */
uint32_t table_take(struct table *t);

/* Free a slot: handles of its generation are stale from here on. O(levels). */
void table_put(struct table *t, uint32_t slot);

/* Undo table_take: the generation stays. */
void table_untake(struct table *t, uint32_t slot);

/* Give trailing free slots back: `groups`: by whole groups, keeping one in reserve; else to the
   last. Returns true where n_slots got smaller. */
bool table_shrink(struct table *t, bool groups);
/* The same, to the last, but no more than `most` slots. */
void table_shrink_some(struct table *t, uint32_t most);

/* Where the bitmaps or the counts are wrong: a slot, else TABLE_SOUND. For rm_heap_check; reads
   only slots below n_slots. O(slots). */
#define TABLE_SOUND UINT32_MAX
uint32_t table_verify(const struct table *t);

#endif
