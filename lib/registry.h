/* SPDX-License-Identifier: MIT */
/*
 * The heaps that exist: a static table of places. A handle and a heap's token name a place and
 * the epoch of its present heap, so stale and forged ones are told without touching memory
 * that is not ours. Places are reused in turn.
 *
 *      tag     epoch:8 place:13         token of a heap   tag << 4 | 8
 *
 * Holds each heap's mutex, so that it outlives the heap.
 */
#ifndef RM_REGISTRY_H
#define RM_REGISTRY_H

#include "heap.h"

/* Has the process only ever had one thread? Where libc does not say, no. */
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define SINGLE_THREADED __libc_single_threaded
#else
#define SINGLE_THREADED false
#endif

enum { PLACE_BITS = 13, EPOCH_BITS = TAG_BITS - PLACE_BITS };

/* A heap that a call is inside of. */
struct access {
    struct heap *heap;
    unsigned place;
    bool locked;
};

/* A place's state: its heap's tag, and these. 0: no heap. */
enum { STATE_LIVE = 1 << TAG_BITS, STATE_UNSHARED = 2 << TAG_BITS };

/* What every call reads of a place; any tag's place may be looked up. */
struct gate {
    uint32_t state; /* atomic */
    struct heap *heap;
};
extern struct gate registry_gates[1 << PLACE_BITS];

/* Enter the heap of a tag; false: there is none. Each true is followed by a leave. A shared heap's
   mutex is left alone while the process has only ever had one thread. */
bool registry_enter_locked(uint64_t tag, struct access *a);
static inline bool registry_enter(uint64_t tag, struct access *a) {
    a->place = (unsigned)(tag & bit_mask(PLACE_BITS));
    a->locked = false;
    const struct gate *g = &registry_gates[a->place];
    uint32_t state = __atomic_load_n(&g->state, __ATOMIC_ACQUIRE);
    state ^= (uint32_t)(tag & bit_mask(TAG_BITS)) | STATE_LIVE;
    if (state != STATE_UNSHARED && (state != 0 || !SINGLE_THREADED))
        return state == 0 && registry_enter_locked(tag, a);
    a->heap = g->heap;
    return true;
}
void registry_unlock(const struct access *a);
static inline void registry_leave(const struct access *a) {
    if (unlikely(a->locked)) registry_unlock(a);
}

/* Make a heap in a free place. */
rm_status_t registry_create(const rm_heap_options_t *options, uint64_t *tag);
bool registry_destroy(uint64_t tag);

/* The default heap's tag, made where it does not exist. */
rm_status_t registry_default(uint64_t *tag);

/* The region of the heap that was entered, as it was when the heap was made. */
void registry_region(const struct access *a, char **low, size_t *bytes);

#endif
