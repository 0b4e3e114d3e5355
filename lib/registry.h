/* SPDX-License-Identifier: MIT */
/*
 * The heaps that exist: a static table of places. A handle and a heap's token name a place and
 * the epoch of its present heap, so stale and forged ones are told without touching memory
 * that is not ours. Places are reused in turn.
 *
 *      tag     epoch:1 place:13 epoch:4     token of a heap   tag << 4 | 8
 *
 * Holds each heap's mutex, so that it outlives the heap. To be taken in this order: the registry's own, the
 * heaps' by place; who holds one of a heap takes no other.
 */
#ifndef RM_REGISTRY_H
#define RM_REGISTRY_H

#include <stdatomic.h>

#include "heap.h"

#include <rmalloc_inline.h>

enum { PLACE_SHIFT = 4, PLACE_BITS = 13, EPOCH_BITS = TAG_BITS - PLACE_BITS };

/* When the registry prepares for fork, among the constructors with priorities. Who prepares later is asked first. */
#define REGISTRY_CONSTRUCTOR 201

/* A heap that a call is inside of. */
struct access {
    struct heap *heap;
    unsigned place;
    bool locked;
};

static inline unsigned registry_place(uint64_t tag) {
    return (unsigned)(tag >> PLACE_SHIFT & bit_mask(PLACE_BITS));
}
static inline uint32_t registry_live(uint64_t tag) {
    return (uint32_t)tag % RM_GATE_LIVE | RM_GATE_LIVE;
}

/* The heap of a tag, which nobody is kept out of; NULL: there is none. `*shared`: others may be inside. */
static inline struct heap *registry_heap(uint64_t tag, bool *shared) {
    struct rm_core *core;
    int between_threads;
    if (unlikely(!rm_enter(registry_live(tag), &core, &between_threads))) return NULL;
    *shared = between_threads != 0;
    return (struct heap *)core;
}

/* Enter the heap of a tag; false: there is none. Each true is followed by a leave. A shared heap's
   mutex is left alone while the process has only ever had one thread. */
bool registry_enter_locked(uint64_t tag, struct access *a);
static inline bool registry_enter(uint64_t tag, struct access *a) {
    bool shared;
    a->heap = registry_heap(tag, &shared);
    if (a->heap == NULL) return false;
    a->place = registry_place(tag);
    a->locked = false;
    return !shared || registry_enter_locked(tag, a);
}
/* The same if nobody is inside. */
bool registry_try(uint64_t tag, struct access *a);

/* Leave it: blocks no longer move, threads may use what they keep. */
void registry_leave_slowly(const struct access *a);
static inline void registry_leave(const struct access *a) {
    const struct store *s = &a->heap->store;
    if (unlikely(a->locked) || unlikely(s->table.motion != 0) ||
        unlikely(s->crowd->stopped))
        registry_leave_slowly(a);
}
/* The same of one whose own data is not to be trusted. */
void registry_leave_damaged(const struct access *a);
/* Wait for whoever is inside, for the n-th time. */
void registry_wait(uint64_t tag, unsigned n);
/* How many wait, of a heap that was entered; NULL: there is nobody who could. And let them in, and enter again:
   false: the heap is gone. */
const _Atomic unsigned *registry_waiting(const struct access *a);
void registry_let_in(uint64_t tag);
bool registry_give_way(uint64_t tag, struct access *a);

/* Who is told, outside of all heaps, that one needs the background thread; or NULL. */
extern _Atomic(void (*)(void)) registry_alarm;

/* Who is told, in a forked child, of each shared heap, which is entered: other threads are lost; or NULL. */
extern _Atomic(void (*)(struct heap *)) registry_lost;

/* Make a heap in a free place. */
rm_status_t registry_create(const rm_heap_options_t *options, uint64_t *tag);
bool registry_destroy(uint64_t tag);

/* What the default heap's gate says; 0: it has not been made. */
extern _Atomic uint32_t registry_default_state;
/* The default heap's tag, made where it does not exist. */
rm_status_t registry_default(uint64_t *tag);

/* What threads have of the heap that was entered; its region, as it was when the heap was made. And when the
   background thread is to work there. */
struct crowd *registry_crowd(const struct access *a);
struct watch **registry_watch(const struct access *a);
void registry_region(const struct access *a, char **low, size_t *bytes);

#endif
