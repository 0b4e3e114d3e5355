/* SPDX-License-Identifier: MIT */
/*
 * What is done to one heap: blocks are made, used, resized, freed. Slots are known to be live by those
 * who call; the heap's mutex is held if it has one. Knows no registry and no environment.
 */
#ifndef RM_HEAP_H
#define RM_HEAP_H

#include "place.h"

/* A handle: heap's tag:21 | slot:28 | generation:15, the generation where the entry has it. */
enum { TAG_BITS = 21 };

static inline uint32_t handle_slot(uint64_t handle) {
    return (uint32_t)(handle >> TAG_BITS) & ((1u << SLOT_BITS) - 1);
}
static inline rm_memory_t *heap_handle(const struct heap *h, uint32_t slot) {
    uint64_t generation = entry_generation(table_entry(&h->store.table, slot));
    uint64_t handle =
        h->tag | (uint64_t)slot << TAG_BITS | generation << ENTRY_GENERATION_SHIFT;
    return (rm_memory_t *)(uintptr_t)handle;
}

/* Bytes a heap's own structure takes at the top of its region. */
enum { HEAP_STRUCTURE = (sizeof(struct heap) + UNIT - 1) / UNIT * UNIT };
/* The same with room for the heads of lists of blocks that rest; and how long a region must be. */
enum {
    HEAP_STRUCTURE_QUICK =
        HEAP_STRUCTURE +
        (QUICK_BLOCKS * sizeof(struct quick_list) + UNIT - 1) / UNIT * UNIT,
    HEAP_QUICK_MIN = 1024 * 1024
};

/* A block. alignment: 0 or a power of two. RM_ENOMEM, RM_ESYSTEM: nothing has changed. */
rm_status_t heap_alloc(struct heap *h, size_t size, size_t alignment, unsigned flags,
                       uint32_t *slot);
rm_status_t heap_free(struct heap *h, uint32_t slot);
rm_status_t heap_lock(struct heap *h, uint32_t slot, void **pointer);
rm_status_t heap_unlock(struct heap *h, uint32_t slot);
rm_status_t heap_realloc(struct heap *h, uint32_t slot, size_t size);

/* The size asked for of a live slot's block; and its locks. */
size_t heap_size(const struct heap *h, uint32_t slot);
unsigned heap_locks(const struct heap *h, uint32_t slot);

/* Before the heap is looked at: nothing rests any more. */
void heap_settle(struct heap *h);

bool heap_compact(struct heap *h, size_t bytes, uint64_t nanoseconds);
bool heap_trim(struct heap *h);

#endif
