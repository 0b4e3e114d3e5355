/* SPDX-License-Identifier: MIT */
#include "lock.h"

/* What a live entry becomes with one lock more; or why not. */
static enum lock_outcome with_one_more(uint64_t *e, unsigned most) {
    unsigned count = entry_count(*e);
    switch (entry_locks(*e)) {
    case LOCKS_MOVING: return LOCK_MOVING;
    case LOCKS_COPYING: *e = entry_with_locks(*e, LOCKS_NONE + 1); return LOCK_DONE;
    case LOCKS_NONE + LOCKS_FEW: return LOCK_FULL;
    case LOCKS_MANY:
        if (count >= most) return LOCK_LIMIT;
        *e = entry_with_many(*e, count + 1);
        return LOCK_DONE;
    default: *e += ENTRY_LOCK_ONE; return LOCK_DONE;
    }
}

static enum lock_outcome with_one_less(uint64_t *e) {
    unsigned count = entry_count(*e);
    if (count == 0) return LOCK_OPEN;
    *e = entry_locks(*e) == LOCKS_MANY ? entry_with_many(*e, count - 1)
                                       : *e - ENTRY_LOCK_ONE;
    return LOCK_DONE;
}

enum lock_outcome lock_take(struct table *t, uint64_t handle, uint32_t slot,
                            unsigned most, uint64_t *e) {
    for (;;) {
        uint64_t was;
        if (!lock_look(t, handle, slot, &was)) return LOCK_STALE;
        *e = was;
        enum lock_outcome outcome = with_one_more(e, most);
        if (outcome != LOCK_DONE || word_swap(lock_word(t, slot), &was, *e))
            return outcome;
    }
}

enum lock_outcome lock_give(struct table *t, uint64_t handle, uint32_t slot) {
    for (;;) {
        uint64_t was;
        if (!lock_look(t, handle, slot, &was)) return LOCK_STALE;
        uint64_t e = was;
        enum lock_outcome outcome = with_one_less(&e);
        if (outcome != LOCK_DONE) return outcome;
        if (!word_swap(lock_word(t, slot), &was, e)) continue;
        if (!__atomic_load_n(&t->unlocked, __ATOMIC_RELAXED))
            __atomic_store_n(&t->unlocked, 1, __ATOMIC_RELAXED);
        return LOCK_DONE;
    }
}
