/* SPDX-License-Identifier: MIT */
/*
 * What may be done to a block by its handle's word alone, with no mutex: lock it, unlock it, look at it.
 * One successful compare-and-swap each, which is the moment at which it has happened; whoever loses to
 * another tries again, and the other has got something done.
 *
 * A word is read before it is seen that its slot is one: of a table that has got shorter meanwhile some
 * memory may be anything by now. README.rst, section 11.
 */
#ifndef RM_LOCK_H
#define RM_LOCK_H

#include "table.h"

#include <rmalloc_inline.h>

enum lock_outcome {
    LOCK_DONE,
    LOCK_STALE,  /* the handle names no live block */
    LOCK_MOVING, /* to be waited for, or finished by who holds the mutex */
    LOCK_FULL,   /* LOCKS_FEW locks are held: many_begin first */
    LOCK_LIMIT,  /* as many as there may be */
    LOCK_OPEN    /* none is */
};

/* The word of a slot, which lies right below the table's own structure: as table_slot, but it relies on nothing
   that is there. */
static inline char *lock_word(const struct table *t, uint32_t slot) {
    return (char *)(uintptr_t)t + 8 * ~(ptrdiff_t)slot;
}

/* The entry of a handle's slot, in `*e`, whatever its state. False: the handle is stale, or forged. */
static inline bool lock_look(const struct table *t, uint64_t handle, uint32_t slot,
                             uint64_t *e) {
    if (slot >= __atomic_load_n(&t->n_slots, __ATOMIC_ACQUIRE) || (slot & 63) == 0)
        return false;
    *e = rm_word_now((const rm_word_t *)(const void *)lock_word(t, slot), handle);
    return entry_locks(handle) == LOCKS_NONE && entry_locks(*e) != LOCKS_FREE &&
           rm_generation(*e ^ handle) == 0 &&
           slot < __atomic_load_n(&t->n_slots, __ATOMIC_ACQUIRE);
}

/* Take a lock, where there are less than `most`: `*e` is the entry then. Or give one back. */
enum lock_outcome lock_take(struct table *t, uint64_t handle, uint32_t slot,
                            unsigned most, uint64_t *e);
enum lock_outcome lock_give(struct table *t, uint64_t handle, uint32_t slot);

#endif
