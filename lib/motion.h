/* SPDX-License-Identifier: MIT */
/*
 * Read sections against moves: while any thread is inside one nothing of the heap moves.
 *
 *      reader    holds = 1;  often;  motion?     1: back out, and wait for the mutex
 *      mover     motion = 1; seldom; holds?      any: back out, nothing moves
 *
 * One of the two sees the other (Dekker); neither does when the reader's thread has never read here
 * before: then it takes the mutex to say that it may. Invariant 15.
 */
#ifndef RM_MOTION_H
#define RM_MOTION_H

#include "cache.h"

/* May blocks move, until the mutex is given back? */
bool motion_begin(struct store *s);
/* Is any thread inside a section? */
bool motion_is_held(const struct store *s);
static inline void motion_end(struct store *s) {
    if (unlikely(s->table.motion != 0))
        __atomic_store_n(&s->table.motion, 0, __ATOMIC_RELEASE);
}

/* A reader's flag goes up; false: something may be moving. */
static inline bool motion_hold(struct cache *c) {
    if (!c->holder) return false;
    __atomic_store_n(&c->holds, 1, __ATOMIC_RELAXED);
    os_barrier_often();
    if (likely(!__atomic_load_n(&c->store->table.motion, __ATOMIC_ACQUIRE))) return true;
    __atomic_store_n(&c->holds, 0, __ATOMIC_RELEASE);
    return false;
}
static inline void motion_release(struct cache *c) {
    __atomic_store_n(&c->holds, 0, __ATOMIC_RELEASE);
}
/* The same with the mutex held. */
static inline void motion_hold_slowly(struct cache *c) {
    if (!c->holder) c->store->crowd->holders++;
    c->holder = true;
    __atomic_store_n(&c->holds, 1, __ATOMIC_RELEASE);
}

#endif
