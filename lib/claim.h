/* SPDX-License-Identifier: MIT */
/*
 * Claims: what is about to move is kept from those who would use it meanwhile. Where a heap is not
 * shared between threads at the moment there is nobody, and a claim is no more than a look.
 *
 * To move to a place apart, LOCKS_COPYING: whoever wants a block takes it, and the copy is void. One
 * entry is then put right with claim_publish; several, which move together or not at all, are sealed
 * first. To move by less than its own length, or page by page, LOCKS_MOVING: it is waited for.
 *
 *      NONE -> COPYING -> copy -> (MOVING) -> NONE, its new place
 *      NONE -> MOVING  -> move ----------->   NONE, its new place
 *
 * What rests on the heap's own lists (quick.h) belongs to the holder of the mutex: it needs no claim. What
 * a thread's cache has does not move. Invariant 14; README.rst, section 11.
 */
#ifndef RM_CLAIM_H
#define RM_CLAIM_H

#include "bytes.h"
#include "check.h"
#include "many.h"

/* The slots of a used span's blocks, one after the other; SLOT_NIL: there are no more. */
struct members {
    struct run r;
    uint64_t live;  /* those of a run that are still to come */
    uint32_t block; /* that of a block; SLOT_NIL: it has been */
    const struct table *table;
};
struct members claim_members(const struct store *s, unit_t span);
static inline uint32_t claim_next(struct members *m) {
    uint32_t slot = m->block;
    if (m->live != 0) {
        slot = table_named(m->table, ref_slot(run_ref(&m->r, bit_lowest(m->live))));
        m->live &= m->live - 1;
    }
    m->block = SLOT_NIL;
    return slot;
}

/* Does the block of a slot move, as things are: neither locked nor a cache's? Many locks that are none any
   more are forgotten. */
bool claim_movable(struct store *s, uint32_t slot);
/* The same of all in a used span. */
bool claim_all_movable(struct store *s, unit_t span);

/* Claim the block of a slot; `*e` is its entry then. False: it does not move. */
bool claim_one_slowly(struct store *s, uint32_t slot, unsigned state, uint64_t *e);
static inline bool claim_one(struct store *s, uint32_t slot, unsigned state,
                             uint64_t *e) {
    *e = table_entry(&s->table, slot);
    if (likely(!s->concurrent) && likely((entry_locks(*e) | LOCKS_NONE) == LOCKS_NONE))
        return true; /* in use, or at rest */
    return claim_one_slowly(s, slot, state, e);
}
/* Its bytes have been copied, and `to` says where. False: it is wanted where it is, the move void. */
bool claim_publish_slowly(struct store *s, uint32_t slot, uint64_t e, uint64_t to);
static inline bool claim_publish(struct store *s, uint32_t slot, uint64_t e,
                                 uint64_t to) {
    if (unlikely(s->concurrent)) return claim_publish_slowly(s, slot, e, to);
    table_set(&s->table, slot, to);
    return true;
}

/* Claim all in a used span, which was seen to be movable; false: something in it is not any more, or has many
   locks that are none, and nothing is claimed. */
bool claim_span_slowly(struct store *s, unit_t span, unsigned state);
static inline bool claim_span(struct store *s, unit_t span, unsigned state) {
    if (unlikely(s->concurrent)) return claim_span_slowly(s, span, state);
    CHECK(10, claim_all_movable(s, span));
    return true;
}
/* What is being copied is waited for from now on. False: something was wanted, the move is void, and nothing
   is claimed any more. */
bool claim_seal(struct store *s, unit_t span);
/* Nothing in it is claimed any more, as all was in this way. */
void claim_drop(struct store *s, unit_t span, unsigned state);

/* Copy what others may be writing to, where it comes to nothing if they do. */
#if defined(__SANITIZE_THREAD__)
__attribute__((no_sanitize("thread"))) void claim_copy(void *to, const void *from,
                                                       size_t bytes);
#else
static inline void claim_copy(void *to, const void *from, size_t bytes) {
    bytes_move(to, from, bytes);
}
#endif

#endif
