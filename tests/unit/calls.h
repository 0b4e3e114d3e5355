/* SPDX-License-Identifier: MIT */
/* What the public functions do to one heap, for tests that have it without a registry: by slot. */
#ifndef RM_TESTS_CALLS_H
#define RM_TESTS_CALLS_H

#include "heap.h"
#include "lock.h"
#include "resize.h"

static inline uint64_t slot_handle(const struct heap *h, uint32_t slot) {
    return (uint64_t)(uintptr_t)heap_handle(h, slot);
}

static inline bool lock_slot(struct heap *h, uint32_t slot, void **pointer) {
    uint64_t handle = slot_handle(h, slot), e;
    enum lock_outcome outcome;
    while ((outcome = lock_take(&h->store.table, handle, slot, RM_LOCKS_MAX, &e)) ==
               LOCK_MOVING ||
           outcome == LOCK_FULL)
        heap_make_lockable(h, handle, slot);
    *pointer = h->store.area.base + entry_place(e);
    return outcome == LOCK_DONE;
}

static inline bool unlock_slot(struct heap *h, uint32_t slot) {
    return lock_give(&h->store.table, slot_handle(h, slot), slot) == LOCK_DONE;
}

static inline rm_status_t free_slot(struct heap *h, uint32_t slot) {
    return heap_free(h, slot_handle(h, slot), slot);
}

static inline rm_status_t resize_slot(struct heap *h, uint32_t slot, size_t size) {
    return resize_block(h, slot_handle(h, slot), slot, size);
}

#endif
