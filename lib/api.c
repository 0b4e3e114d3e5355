/* SPDX-License-Identifier: MIT */
/* The public functions: arguments are judged here, then a room below does the work. */
#include <rmalloc.h>

#include "check.h"
#include "largest.h"
#include "os.h"
#include "registry.h"
#include "stats.h"
#include "verify.h"
#include "walk.h"

/* --- handles and tokens --- */

/* Enter the heap of a live handle; false: it is none. */
static inline bool enter_handle(const rm_memory_t *handle, struct access *a,
                                uint32_t *slot) {
    uint64_t h = (uint64_t)(uintptr_t)handle;
    if (unlikely(!registry_enter(h, a))) return false;
    *slot = handle_slot(h);
    const struct table *t = &a->heap->store.table;
    if (likely(entry_locks(h) == LOCKS_NONE) && likely(table_live(t, *slot)) &&
        likely((table_entry(t, *slot) ^ h) >> ENTRY_GENERATION_SHIFT == 0))
        return true;
    registry_leave(a);
    return false;
}

static rm_heap_t *token_of(uint64_t tag) {
    return (rm_heap_t *)(uintptr_t)(tag << 4 | 8);
}

static bool tag_of(const rm_heap_t *token, uint64_t *tag) {
    uint64_t t = (uint64_t)(uintptr_t)token;
    *tag = t >> 4;
    return (t & 15) == 8 && *tag < UINT64_C(1) << TAG_BITS;
}

/* Enter a heap; NULL is the default one. */
static rm_status_t enter_heap(const rm_heap_t *token, struct access *a) {
    uint64_t tag;
    if (token == NULL) {
        rm_status_t status = registry_default(&tag);
        if (status != RM_OK) return status;
    } else if (!tag_of(token, &tag)) {
        return RM_EINVAL;
    }
    return registry_enter(tag, a) ? RM_OK : RM_EINVAL;
}

/* Leave a heap with a status; in checking builds it is proven first. */
static inline rm_status_t leave(const struct access *a, rm_status_t status) {
#if RM_CHECKS >= RM_CHECKS_FULL
    rm_fault_t fault;
    char *low;
    size_t bytes;
    registry_region(a, &low, &bytes);
    if (verify_heap(a->heap, low, bytes, &fault) != RM_OK)
        check_failed(__FILE__, (int)fault.offset, (int)fault.invariant, fault.text);
#endif
    registry_leave(a);
    return status;
}

/* --- the common cases, in as few instructions as they take --- */

/* In checking builds the whole heap is proven after each of them too. */
static inline rm_status_t done(uint64_t tag) {
#if RM_CHECKS >= RM_CHECKS_FULL
    struct access a;
    if (registry_enter(tag, &a)) leave(&a, RM_OK);
#else
    (void)tag;
#endif
    return RM_OK;
}
/* What takes longer is kept out of them, so that they save no registers for it. */
#define SLOW __attribute__((noinline))

/* The heap whose gate says `live`, if it can be entered as it is; else NULL. */
static inline struct store *enter_quickly(uint32_t live) {
    const struct rm_gate *g = rm_gate_of(live);
    if (unlikely(__atomic_load_n(&g->tag, __ATOMIC_ACQUIRE) != live)) return NULL;
    if (!RM_SINGLE_THREADED && g->shared) return NULL;
    return &((struct heap *)g->heap)->store;
}

/* A block of 1 to SMALL_MAX bytes from a quick list; NULL: slowly, then. */
static inline rm_memory_t *alloc_quickly(uint32_t live, size_t size) {
    struct store *s = enter_quickly(live);
    uint64_t e;
    if (unlikely(s == NULL)) return NULL;
    uint32_t slot = quick_take(s, size, &e);
    if (unlikely(slot == SLOT_NIL)) return NULL;
    store_count_new(s, size);
    return handle_make(live ^ RM_GATE_LIVE, slot, e);
}

/* --- blocks --- */

static SLOW rm_status_t alloc_slowly(rm_heap_t *heap, rm_memory_t **out, size_t size,
                                     size_t alignment, unsigned flags) {
    *out = NULL;
    if ((flags & ~(RM_ZERO | RM_NO_COMPACT)) != 0 || alignment > RM_ALIGNMENT_MAX ||
        (alignment & (alignment - 1)) != 0)
        return RM_EINVAL;
    struct access a;
    rm_status_t status = enter_heap(heap, &a);
    if (status != RM_OK) return status;
    uint32_t slot;
    status = heap_alloc(a.heap, size, alignment, flags, &slot);
    if (status == RM_OK) *out = heap_handle(a.heap, slot);
    return leave(&a, status);
}

/* A medium block; NULL: slowly, then. */
static inline rm_memory_t *alloc_medium(uint32_t live, size_t size) {
    struct store *s = enter_quickly(live);
    if (unlikely(s == NULL)) return NULL;
    uint32_t slot = quick_take_block(s, size);
    if (slot == SLOT_NIL) return NULL;
    store_count_new(s, size);
    return handle_make(live ^ RM_GATE_LIVE, slot, table_entry(&s->table, slot));
}

/* What alloc_quickly could not do, with no more arguments than that has to keep. */
static SLOW rm_status_t alloc_plainly(rm_heap_t *heap, rm_memory_t **out, size_t size) {
    uint64_t tag;
    if (size > SMALL_MAX && heap != NULL && tag_of(heap, &tag)) {
        *out = alloc_medium((uint32_t)tag + RM_GATE_LIVE, size);
        if (*out != NULL) return done(tag);
    }
    return alloc_slowly(heap, out, size, 0, 0);
}

rm_status_t rm_heap_alloc(rm_heap_t *heap, rm_memory_t **out, size_t size,
                          size_t alignment, unsigned flags) {
    uint64_t token = (uint64_t)(uintptr_t)heap, tag = token >> 4;
    if (unlikely(out == NULL)) return RM_EINVAL;
    if (unlikely((alignment | flags) != 0))
        return alloc_slowly(heap, out, size, alignment, flags);
    if (likely(size - 1 < SMALL_MAX) && likely(token == (tag << 4 | 8))) {
        rm_memory_t *handle = alloc_quickly((uint32_t)tag + RM_GATE_LIVE, size);
        if (likely(handle != NULL)) {
            *out = handle;
            return done(tag);
        }
    }
    return alloc_plainly(heap, out, size);
}

rm_status_t rmalloc(rm_memory_t **out, ssize_t size) {
    if (unlikely(out == NULL)) return RM_EINVAL;
    if (likely((size_t)size - 1 < SMALL_MAX)) {
        uint32_t live =
            atomic_load_explicit(&registry_default_state, memory_order_relaxed);
        rm_memory_t *handle = live != 0 ? alloc_quickly(live, (size_t)size) : NULL;
        if (likely(handle != NULL)) {
            *out = handle;
            return done(live ^ RM_GATE_LIVE);
        }
    }
    *out = NULL;
    return size < 0 ? RM_EINVAL : alloc_plainly(rm_heap_default(), out, (size_t)size);
}

rm_status_t rmcalloc(rm_memory_t **out, ssize_t count, ssize_t size) {
    if (out != NULL) *out = NULL;
    if (out == NULL || count < 0 || size < 0) return RM_EINVAL;
    ssize_t product;
    if (__builtin_mul_overflow(count, size, &product)) return RM_EOVERFLOW;
    return rm_heap_alloc(NULL, out, (size_t)product, 0, RM_ZERO);
}

rm_status_t rmrealloc(rm_memory_t *handle, ssize_t size) {
    struct access a;
    uint32_t slot;
    if (size < 0) return RM_EINVAL;
    if (!enter_handle(handle, &a, &slot)) return RM_EHANDLE;
    return leave(&a, heap_realloc(a.heap, slot, (size_t)size));
}

static SLOW rm_status_t free_slowly(rm_memory_t *handle) {
    struct access a;
    uint32_t slot;
    if (handle == NULL) return RM_OK;
    if (!enter_handle(handle, &a, &slot)) return RM_EHANDLE;
    return leave(&a, heap_free(a.heap, slot));
}

/* An unlocked block that is not a plain object. */
static SLOW rm_status_t free_other(rm_memory_t *handle, struct store *s, uint64_t e) {
    uint64_t h = (uint64_t)(uintptr_t)handle;
    if (shape_is_medium(e) && quick_put_block(s, handle_slot(h), e)) return done(h);
    return free_slowly(handle);
}

rm_status_t rmfree(rm_memory_t *handle) {
    uint64_t h = (uint64_t)(uintptr_t)handle;
    struct rm_core *core;
    uint32_t slot = rm_slot_of(handle, &core);
    if (unlikely(slot == SLOT_NIL)) return free_slowly(handle);
    struct store *s = &((struct heap *)core)->store;
    char *at = rm_word_of(core, slot);
    uint64_t e = load64(at);
    if (unlikely((e ^ h) >> ENTRY_LOCKS_SHIFT != 0)) return free_slowly(handle);
    if (unlikely(!shape_is_plain(e))) return free_other(handle, s, e);
    quick_put(s, slot, at, e);
    return done(h);
}

static SLOW rm_status_t lock_slowly(rm_memory_t *handle, void **pointer) {
    struct access a;
    uint32_t slot;
    if (!enter_handle(handle, &a, &slot)) return RM_EHANDLE;
    return leave(&a, heap_lock(a.heap, slot, pointer));
}

rm_status_t rmlock(rm_memory_t *handle, void **pointer) {
    if (unlikely(pointer == NULL)) return RM_EINVAL;
    if (likely(rm_lock_quickly(handle, pointer)))
        return done((uint64_t)(uintptr_t)handle);
    return lock_slowly(handle, pointer);
}

static SLOW rm_status_t unlock_slowly(rm_memory_t *handle) {
    struct access a;
    uint32_t slot;
    if (!enter_handle(handle, &a, &slot)) return RM_EHANDLE;
    return leave(&a, heap_unlock(a.heap, slot));
}

rm_status_t rmunlock(rm_memory_t *handle) {
    if (likely(rm_unlock_quickly(handle))) return done((uint64_t)(uintptr_t)handle);
    return unlock_slowly(handle);
}

rm_status_t rmsize(rm_memory_t *handle, size_t *size) {
    struct access a;
    uint32_t slot;
    if (size == NULL) return RM_EINVAL;
    if (!enter_handle(handle, &a, &slot)) return RM_EHANDLE;
    *size = heap_size(a.heap, slot);
    return leave(&a, RM_OK);
}

rm_status_t rmlocks(rm_memory_t *handle, unsigned *count) {
    struct access a;
    uint32_t slot;
    if (count == NULL) return RM_EINVAL;
    if (!enter_handle(handle, &a, &slot)) return RM_EHANDLE;
    *count = heap_locks(a.heap, slot);
    return leave(&a, RM_OK);
}

rm_status_t rmheap(rm_memory_t *handle, rm_heap_t **heap) {
    struct access a;
    uint32_t slot;
    if (heap == NULL) return RM_EINVAL;
    if (!enter_handle(handle, &a, &slot)) return RM_EHANDLE;
    *heap = token_of(a.heap->tag);
    return leave(&a, RM_OK);
}

/* --- heaps --- */

rm_status_t rm_heap_create(rm_heap_t **out, const rm_heap_options_t *options) {
    const rm_heap_options_t defaults = RM_HEAP_OPTIONS_INIT;
    if (out == NULL) return RM_EINVAL;
    *out = NULL;
    if (options == NULL) options = &defaults;
    if ((unsigned)options->threads > RM_THREADS_NONE ||
        (unsigned)options->compaction > RM_COMPACT_STEADY)
        return RM_EINVAL;
    uint64_t tag;
    rm_status_t status = registry_create(options, &tag);
    if (status == RM_OK) *out = token_of(tag);
    return status;
}

rm_status_t rm_heap_destroy(rm_heap_t *heap) {
    uint64_t tag;
    if (heap == NULL || !tag_of(heap, &tag)) return RM_EINVAL;
    return registry_destroy(tag) ? RM_OK : RM_EINVAL;
}

rm_heap_t *rm_heap_default(void) {
    uint64_t tag;
    return registry_default(&tag) == RM_OK ? token_of(tag) : NULL;
}

rm_status_t rm_heap_compact(rm_heap_t *heap, const rm_budget_t *budget,
                            rm_progress_t *progress) {
    struct access a;
    uint64_t begun = progress != NULL ? os_now_ns() : 0;
    rm_status_t status = enter_heap(heap, &a);
    if (status != RM_OK) return status;
    const rm_budget_t unlimited = {0, 0};
    if (budget == NULL) budget = &unlimited;
    const struct store *s = &a.heap->store;
    size_t moved = s->moved, moved_blocks = s->moved_blocks;
    bool complete = heap_compact(a.heap, budget->bytes, budget->nanoseconds);
    if (progress != NULL)
        *progress = (rm_progress_t){s->moved - moved, s->moved_blocks - moved_blocks,
                                    os_now_ns() - begun, complete};
    return leave(&a, RM_OK);
}

rm_status_t rm_heap_largest(rm_heap_t *heap, bool after_compaction, size_t *size) {
    struct access a;
    if (size == NULL) return RM_EINVAL;
    rm_status_t status = enter_heap(heap, &a);
    if (status != RM_OK) return status;
    *size = largest_request(a.heap, after_compaction);
    return leave(&a, RM_OK);
}

rm_status_t rm_heap_trim(rm_heap_t *heap) {
    struct access a;
    rm_status_t status = enter_heap(heap, &a);
    if (status != RM_OK) return status;
    return leave(&a, heap_trim(a.heap) ? RM_OK : RM_ESYSTEM);
}

/* --- looking at a heap --- */

rm_status_t rm_heap_stats_quick(rm_heap_t *heap, rm_stats_t *stats) {
    struct access a;
    if (stats == NULL) return RM_EINVAL;
    rm_status_t status = enter_heap(heap, &a);
    if (status != RM_OK) return status;
    heap_settle(a.heap);
    stats_quick(a.heap, stats);
    return leave(&a, RM_OK);
}

rm_status_t rm_heap_stats(rm_heap_t *heap, rm_stats_t *stats) {
    struct access a;
    if (stats == NULL) return RM_EINVAL;
    rm_status_t status = enter_heap(heap, &a);
    if (status != RM_OK) return status;
    heap_settle(a.heap);
    stats_quick(a.heap, stats);
    stats_locked(a.heap, stats);
    return leave(&a, RM_OK);
}

rm_status_t rm_heap_walk(rm_heap_t *heap, rm_walk_fn *visit, void *context) {
    struct access a;
    if (visit == NULL) return RM_EINVAL;
    rm_status_t status = enter_heap(heap, &a);
    if (status != RM_OK) return status;
    heap_settle(a.heap);
    return leave(&a, walk_heap(a.heap, visit, context));
}

rm_status_t rm_heap_check(rm_heap_t *heap, rm_fault_t *fault) {
    struct access a;
    rm_fault_t found;
    char *low;
    size_t bytes;
    rm_status_t status = enter_heap(heap, &a);
    if (status != RM_OK) return status;
    registry_region(&a, &low, &bytes);
    status = verify_heap(a.heap, low, bytes, fault != NULL ? fault : &found);
    registry_leave(&a);
    return status;
}

const char *rm_strerror(rm_status_t status) {
    switch (status) {
    case RM_OK: return "No error.";
    case RM_ENOMEM: return "No block of that size can be made, by compacting or growing.";
    case RM_EINVAL: return "An argument is outside its domain.";
    case RM_EHANDLE: return "The handle names no live block.";
    case RM_ELOCKED: return "The block must be moved or released, and it is locked.";
    case RM_EUNLOCKED: return "The block is not locked.";
    case RM_EOVERFLOW: return "The lock count is at its limit, or a size overflows.";
    case RM_EPURGED: return "The content of the purgeable block has been discarded.";
    case RM_ECORRUPT: return "The heap's own data fails verification.";
    case RM_ESYSTEM: return "The operating system refused; errno says why.";
    }
    return "Not a status of rmalloc.";
}
