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

#include "damage.h"

/*
 * An entry: place in 8-byte units:31 | shape:15 | locks:3 | generation:15.
 *
 * The shape says how large the block is and in what it lies (shape.h); here it is 15 bits.
 *
 * The locks are a state: no block (so that a word of zeros is no handle's); one that moves, or that a
 * thread's cache has; none, one to three; none, and a copy is being made; or many: then the shape is the
 * count, which may be 0, and who needs the run looks for it.
 *
 * Where there are threads, a live entry is changed by compare-and-swap alone, the table's mutex held or
 * not: README.rst, section 11, says who may change what. Words are read and written as a whole.
 */
enum {
    ENTRY_SHAPE_SHIFT = 31,
    ENTRY_LOCKS_SHIFT = 46,
    ENTRY_GENERATION_SHIFT = 49,
    GENERATIONS = 1 << 15,
    GENERATION_DROP_MAX = GENERATIONS / 4 * 3 /* of slots that are given back */
};
enum {
    LOCKS_FREE = 0,
    LOCKS_MOVING =
        1, /* whoever wants it waits; or has the mutex, and finishes the move */
    LOCKS_NONE = 2,
    LOCKS_FEW = 3,     /* LOCKS_NONE + 1 .. LOCKS_NONE + LOCKS_FEW are counts */
    LOCKS_COPYING = 6, /* whoever wants it takes it: then the copy is void */
    LOCKS_MANY = 7
};

#define ENTRY_PLACE_MASK ((UINT64_C(1) << ENTRY_SHAPE_SHIFT) - 1)
#define ENTRY_LOCK_ONE (UINT64_C(1) << ENTRY_LOCKS_SHIFT)

/* The state; and the count. */
static inline unsigned entry_locks(uint64_t e) {
    return (unsigned)(e >> ENTRY_LOCKS_SHIFT) & 7;
}
static inline unsigned entry_count(uint64_t e) {
    unsigned locks = entry_locks(e);
    if (locks == LOCKS_MANY) return (unsigned)(e >> ENTRY_SHAPE_SHIFT) & 0x7fff;
    return locks > LOCKS_NONE && locks != LOCKS_COPYING ? locks - LOCKS_NONE : 0;
}
static inline unsigned entry_generation(uint64_t e) {
    return (unsigned)(e >> ENTRY_GENERATION_SHIFT);
}
/* Bytes from the heap's base to the block's first byte. */
static inline size_t entry_place(uint64_t e) {
    return (size_t)(e & ENTRY_PLACE_MASK) << 3;
}
/* Not where there are many locks. */
static inline unsigned entry_shape(uint64_t e) {
    return (unsigned)(e >> ENTRY_SHAPE_SHIFT) & 0x7fff;
}
/* The entry of a slot that becomes free: the next generation, and nothing else. */
static inline uint64_t entry_freed(uint64_t e) {
    return ((e >> ENTRY_GENERATION_SHIFT) + 1) << ENTRY_GENERATION_SHIFT;
}
/* That of one whose block rests (quick.h): the last generation wraps to 0. */
static inline uint64_t entry_resting(uint64_t e) {
    return e + (UINT64_C(1) << ENTRY_GENERATION_SHIFT) - LOCKS_NONE * ENTRY_LOCK_ONE;
}
static inline bool entry_is_free(uint64_t e) {
    return (e & bit_mask(ENTRY_GENERATION_SHIFT)) == 0;
}
/* The same entry with its block elsewhere. */
static inline uint64_t entry_moved(uint64_t e, size_t place, unsigned shape) {
    uint64_t keep = ~bit_mask(ENTRY_LOCKS_SHIFT);
    return (e & keep) | (uint64_t)shape << ENTRY_SHAPE_SHIFT | place >> 3;
}
static inline uint64_t entry_with_locks(uint64_t e, unsigned locks) {
    return (e & ~(7 * ENTRY_LOCK_ONE)) | locks * ENTRY_LOCK_ONE;
}
/* A move is over: an entry that was claimed for it is unlocked, any other as it was. */
static inline uint64_t entry_settled(uint64_t e) {
    return entry_locks(e) == LOCKS_MOVING ? e + ENTRY_LOCK_ONE : e;
}
/* Locked so often; and so many times more. */
static inline uint64_t entry_with_many(uint64_t e, unsigned count) {
    uint64_t keep = ~(bit_mask(ENTRY_LOCKS_SHIFT) & ~ENTRY_PLACE_MASK);
    return entry_with_locks(e & keep, LOCKS_MANY) | (uint64_t)count << ENTRY_SHAPE_SHIFT;
}

/* A slot's number, wherever it is noted; and how many a table may have, by what a handle has room for. */
enum { SLOT_BITS = 28, SLOT_NIL = 0 }; /* slot 0 is always a bitmap */
#if UINTPTR_MAX > UINT32_MAX
enum { TABLE_SLOTS_MAX = 1 << SLOT_BITS };
#else
enum { TABLE_SLOTS_MAX = 1 << 20 };
#endif

struct table {
    /* What is read without the mutex, in a cache line of its own. */
    char *top;         /* 16-aligned; slot i at top - 8 * (i + 1) */
    char *base;        /* the owner's: where places count from */
    uint32_t n_slots;  /* made so far, those of the bitmaps included; even */
    uint32_t unlocked; /* 1: some block has been, since the owner looked */
    uint32_t motion;   /* the owner's: 1: blocks may be moving */
    uint32_t others[9];
    /* What is not. */
    uint32_t room;    /* slots there is memory for, >= n_slots; even */
    uint32_t reach;   /* the memory of so many can be read, whatever has become of it */
    uint32_t n_free;  /* free slots among those made */
    uint32_t n_taken; /* the others: live, or resting (see quick.h) */
    uint32_t hint;    /* no group of 64 below this one has a free slot */
    uint32_t generation; /* a new slot starts here: above all given back */
};

/* Slots that are there from the start: the first bitmaps and one for a handle. */
enum { TABLE_SLOTS_MIN = 6 };

/* A table with TABLE_SLOTS_MIN slots, whose memory must be there. */
void table_init(struct table *t, char *top, uint32_t generation);

static inline char *table_slot(const struct table *t, uint32_t slot) {
    return t->top + 8 * ~(ptrdiff_t)slot;
}
static inline uint64_t table_entry(const struct table *t, uint32_t slot) {
    return word_load(table_slot(t, slot));
}
static inline void table_set(struct table *t, uint32_t slot, uint64_t entry) {
    word_store(table_slot(t, slot), entry);
}
/* From *entry to `to`; false: it is another, and *entry says which. */
static inline bool table_swap(struct table *t, uint32_t slot, uint64_t *entry,
                              uint64_t to) {
    return word_swap(table_slot(t, slot), entry, to);
}

/* There is memory for so many slots. */
void table_set_room(struct table *t, uint32_t room);

/* Is a slot the place of a bitmap? */
bool table_is_bitmap(uint32_t slot);

/* A slot that something in the heap's memory names: there is such a one. */
static inline uint32_t table_named(const struct table *t, uint32_t slot) {
    SOUND(slot < t->n_slots);
    return slot;
}

/* Does a slot hold a live entry? Any 28-bit value may be asked about. */
static inline bool table_live(const struct table *t, uint32_t slot) {
    return slot < t->n_slots && (slot & 63) != 0 &&
           entry_locks(table_entry(t, slot)) != LOCKS_FREE;
}

/* How many slots more than t->room must fit before table_take succeeds; 0: it will. */
uint32_t table_wants_slowly(const struct table *t);
static inline uint32_t table_wants(const struct table *t) {
    return likely(t->n_free > 0) ? 0 : table_wants_slowly(t);
}

/* The free slot nearest the top; its entry holds its generation and is LOCKS_NONE.
   SLOT_NIL where table_wants() is not 0. O(levels); mostly the bitmap of one group. */
uint32_t table_take_slowly(struct table *t);
static inline uint32_t table_take(struct table *t) {
    uint32_t map = t->hint << 6;
    uint64_t bits = likely(map < t->n_slots) ? table_entry(t, map) : 0;
    if (unlikely((bits & (bits - 1)) == 0)) return table_take_slowly(t);
    uint32_t slot = table_named(t, map + bit_lowest(bits));
    uint64_t e = table_entry(t, slot);
    SOUND(entry_is_free(e));
    table_set(t, map, bits & (bits - 1));
    table_set(t, slot, e + LOCKS_NONE * ENTRY_LOCK_ONE);
    t->n_free--;
    t->n_taken++;
    return slot;
}

/* Take up to `most` free slots of one group of 64, the one nearest the top; `apart`: those that fill cache
   lines, if there are any. Returns which, as bits, and the group's first slot. Their entries stay as they are:
   generations. 0: no slot is free. */
uint64_t table_take_some(struct table *t, unsigned most, bool apart, uint32_t *group);
/* Make slots of the memory there is room for, so that up to `most` are free. */
void table_extend(struct table *t, unsigned most);
/* Slots of a group become free, whose entries hold their generations. */
void table_give_some(struct table *t, uint32_t group, uint64_t slots);

/* A slot becomes free, with `free` as its entry. O(levels); mostly one bit. */
void table_mark_slowly(struct table *t, uint32_t slot);
static inline void table_give(struct table *t, uint32_t slot, uint64_t free) {
    uint32_t map = slot & ~63u;
    uint64_t bits = table_entry(t, map);
    table_set(t, slot, free);
    t->n_taken--;
    if (unlikely(bits == 0)) {
        table_mark_slowly(t, slot);
        return;
    }
    table_set(t, map, bits | UINT64_C(1) << (slot & 63));
    if (slot >> 6 < t->hint) t->hint = slot >> 6;
    t->n_free++;
}

/* Free a slot: handles of its generation are stale from here on. */
static inline void table_put(struct table *t, uint32_t slot) {
    table_give(t, slot, entry_freed(table_entry(t, slot)));
}

/* Undo table_take: the generation stays. */
static inline void table_untake(struct table *t, uint32_t slot) {
    uint64_t generation = entry_generation(table_entry(t, slot));
    table_give(t, slot, generation << ENTRY_GENERATION_SHIFT);
}

/* Give trailing free slots back: `groups`: by whole groups, keeping one in reserve; else to the
   last. Returns true where n_slots got smaller. */
bool table_shrink(struct table *t, bool groups);
/* The same, to the last, but no more than `most` slots. */
void table_shrink_some(struct table *t, uint32_t most);

/* Is anything locked? O(slots). */
bool table_any_locked(const struct table *t);

/* Where the bitmaps or the counts are wrong: a slot, else TABLE_SOUND. For rm_heap_check; reads
   only slots below n_slots. O(slots). */
#define TABLE_SOUND UINT32_MAX
uint32_t table_verify(const struct table *t);

#endif
