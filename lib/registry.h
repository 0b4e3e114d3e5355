/* SPDX-License-Identifier: MIT */
/*
 * The heaps that exist: a static table of places. A handle and a heap's token name a place and
 * the epoch of its present heap, so stale and forged ones are told without touching memory
 * that is not ours. Places are reused in turn.
 *
 *      tag     epoch:1 place:13 epoch:4     token of a heap   tag << 4 | 8
 *
 * Holds each heap's mutex, so that it outlives the heap.
 */
#ifndef RM_REGISTRY_H
#define RM_REGISTRY_H

#include <stdatomic.h>

#include "heap.h"

#include <rmalloc_inline.h>

enum { PLACE_SHIFT = 4, PLACE_BITS = 13, EPOCH_BITS = TAG_BITS - PLACE_BITS };

/* A heap that a call is inside of. */
struct access {
    struct heap *heap;
    unsigned place;
    bool locked;
};

/* Enter the heap of a tag; false: there is none. Each true is followed by a leave. A shared heap's
   mutex is left alone while the process has only ever had one thread. */
bool registry_enter_locked(uint64_t tag, struct access *a);
static inline bool registry_enter(uint64_t tag, struct access *a) {
    a->place = (unsigned)(tag >> PLACE_SHIFT & bit_mask(PLACE_BITS));
    a->locked = false;
    const struct rm_gate *g = &rm_gates[a->place];
    uint32_t live = (uint32_t)(tag & bit_mask(TAG_BITS)) | RM_GATE_LIVE;
    if (__atomic_load_n(&g->tag, __ATOMIC_ACQUIRE) != live) return false;
    if (!RM_SINGLE_THREADED && g->shared) return registry_enter_locked(tag, a);
    a->heap = (struct heap *)g->heap;
    return true;
}
void registry_unlock(const struct access *a);
static inline void registry_leave(const struct access *a) {
    if (unlikely(a->locked)) registry_unlock(a);
}

/* Make a heap in a free place. */
rm_status_t registry_create(const rm_heap_options_t *options, uint64_t *tag);
bool registry_destroy(uint64_t tag);

/* What the default heap's gate says; 0: it has not been made. */
extern _Atomic uint32_t registry_default_state;
/* The default heap's tag, made where it does not exist. */
rm_status_t registry_default(uint64_t *tag);

/* The region of the heap that was entered, as it was when the heap was made. */
void registry_region(const struct access *a, char **low, size_t *bytes);

#endif
