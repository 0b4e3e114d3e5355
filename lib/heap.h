/* SPDX-License-Identifier: MIT */
/*
 * What is done to one heap: blocks are made, used, freed; it is compacted. Slots are known to be live by those
 * who call; the heap's mutex is held if it has one. Knows no registry and no environment.
 */
#ifndef RM_HEAP_H
#define RM_HEAP_H

#include "lock.h"
#include "place.h"

#include <rmalloc_inline.h>

/* A handle, as a word: heap's tag:18 | slot:28 | LOCKS_NONE:3 | generation:15, the last two as the entry has
   them where nothing is locked. What callers have is packed, where 64 bits are too many: rmalloc_inline.h. */
enum { TAG_BITS = 18 };
_Static_assert(TAG_BITS + SLOT_BITS == ENTRY_LOCKS_SHIFT, "a handle");

static inline uint32_t handle_slot(uint64_t handle) {
    return (uint32_t)(handle >> TAG_BITS) & ((1u << SLOT_BITS) - 1);
}
static inline rm_memory_t *handle_make(uint64_t tag, uint32_t slot, uint64_t unlocked) {
#if UINTPTR_MAX > UINT32_MAX
    uint64_t upper = unlocked >> ENTRY_LOCKS_SHIFT << ENTRY_LOCKS_SHIFT;
    return (rm_memory_t *)(uintptr_t)(upper | (uint64_t)slot << TAG_BITS | tag);
#else
    uint32_t generation = (uint32_t)rm_generation(unlocked);
    return (rm_memory_t *)(uintptr_t)(generation << 26 | slot << 6 | (uint32_t)tag);
#endif
}
static inline rm_memory_t *heap_handle(const struct heap *h, uint32_t slot) {
    uint64_t e = entry_with_locks(table_entry(&h->store.table, slot), LOCKS_NONE);
    return handle_make(h->tag, slot, e);
}

/* Bytes a heap's own structure takes at the top of its region. */
enum {
    HEAP_STRUCTURE = (sizeof(struct heap) + QUICK_CHUNK - 1) / QUICK_CHUNK * QUICK_CHUNK
};
/* Behind it lie the tops of lists of larger blocks that rest, in a region of so many bytes or more, or
   without a limit; and the pool of all lists. */
enum { HEAP_QUICK_MIN = 1024 * 1024 };
static inline size_t heap_tops(size_t bytes) {
    bool large = bytes == 0 || bytes >= HEAP_QUICK_MIN;
    return large ? round_up(QUICK_BLOCKS * sizeof(uint32_t), QUICK_CHUNK) : 0;
}
static inline size_t heap_structure(size_t bytes) {
    return HEAP_STRUCTURE + heap_tops(bytes) + quick_chunks(bytes) * QUICK_CHUNK;
}
/* The tops of lists of larger blocks, before anything that the structure says has been looked at: two words say
   that there are some. NULL: there are none. */
static inline uint32_t *heap_tops_of(struct heap *h) {
    char *tops = (char *)h + HEAP_STRUCTURE;
    uint32_t bytes = (uint32_t)round_up(QUICK_BLOCKS * sizeof(uint32_t), QUICK_CHUNK);
    bool are = (char *)h->store.quick.blocks == tops &&
               h->store.quick.pool == HEAP_STRUCTURE + bytes;
    return are ? (uint32_t *)(void *)tops : NULL;
}
/* Set these up in the heap's structure, which is zeroed. */
void heap_init(struct heap *h, size_t bytes);

/* A block. alignment: 0 or a power of two. `c`: the cache of the thread that asks, which may have a slot for it,
   or NULL. RM_ENOMEM, RM_ESYSTEM: nothing has changed. */
rm_status_t heap_alloc(struct heap *h, struct cache *c, size_t size, size_t alignment,
                       unsigned flags, uint32_t *slot);
/* A block that nobody holds a lock on. RM_EHANDLE: another thread has freed it meanwhile. */
rm_status_t heap_free(struct heap *h, uint64_t handle, uint32_t slot);
/* What lock_take could not do without the mutex: a move under way is finished, more locks are made room for.
   False: the handle is stale. */
bool heap_make_lockable(struct heap *h, uint64_t handle, uint32_t slot);
/* With the mutex held: is the handle live? What a cache has looks like its next one. */
static inline bool heap_live(const struct heap *h, uint64_t handle, uint32_t slot) {
    uint64_t e;
    return lock_look(&h->store.table, handle, slot, &e) &&
           (entry_locks(e) != LOCKS_MOVING || slot == h->store.mover.slot);
}

/* The size asked for of a live slot's block; and its locks. */
size_t heap_size(const struct heap *h, uint32_t slot);
unsigned heap_locks(const struct heap *h, uint32_t slot);
/* All that there is to know of a block; where it is half moved, its address is the old one. */
struct heap_block {
    uint64_t handle;
    uint32_t slot;
    unsigned locks;
    size_t size;
    char *address;
};
struct heap_block heap_look(const struct heap *h, uint32_t slot);

/* Before the heap is looked at: nothing rests any more. */
void heap_settle(struct heap *h);

/* Compact, within a budget; a 0 is no limit. It stops where somebody is waiting (compact.h). Returns true where
   nothing is left to do; nothing moves while somebody reads (motion.h). */
bool heap_compact(struct heap *h, size_t bytes, uint64_t nanoseconds,
                  const _Atomic unsigned *waiting);
bool heap_trim(struct heap *h);

#endif
