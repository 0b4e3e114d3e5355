/* SPDX-License-Identifier: MIT */
/*
 * Blocks. The common cases are here, in as few instructions as they take: from a quick list or a thread's
 * cache and back to it, by the handle's word. What they leave, a room below does.
 */
#include <errno.h>

#include "api_guarded.h"
#include "call.h"
#include "resize.h"

/* --- making --- */

/* A block of 1 to SMALL_MAX bytes from the quick lists of a heap where nobody else is: its handle; NULL: slowly,
   then. */
static inline rm_memory_t *take_quickly(struct rm_core *core, uint32_t live,
                                        size_t size) {
    struct store *s = &((struct heap *)core)->store;
    uint32_t slot;
    uint64_t e;
    if (unlikely(!quick_take(s, registry_quick_last(live), size, &slot, &e))) return NULL;
    store_count_new(s, size);
    return handle_make(live ^ RM_GATE_LIVE, slot, e);
}

/* From the thread's cache; SLOT_NIL: it has none of that size, or there is no cache. */
static uint32_t take_cached(struct cache *c, size_t size, uint64_t *e) {
    if (c == NULL || size - 1 >= QUICK_SIZE_MAX || !cache_enter(c)) return SLOT_NIL;
    uint32_t slot =
        size <= SMALL_MAX ? cache_take(c, size, e) : cache_take_block(c, size, e);
    cache_leave(c);
    return slot;
}

/* The same, inside of the heap, after it has been filled. */
static uint32_t fill_and_take(struct cache *c, const struct access *a, size_t size,
                              unsigned flags, uint64_t *e) {
    threads_open(c, a);
    if (size - 1 >= QUICK_SIZE_MAX) return SLOT_NIL;
    cache_fill(c, size);
    place_steady(a->heap, flags);
    return size <= SMALL_MAX ? cache_take(c, size, e) : cache_take_block(c, size, e);
}

/* Inside of a heap: what nobody has for this request yet. What threads keep is given back before it fails. */
static rm_status_t alloc_inside(const struct access *a, struct cache *c, size_t size,
                                size_t alignment, unsigned flags, uint32_t *slot) {
    int saved = errno;
    rm_status_t status = heap_alloc(a->heap, c, size, alignment, flags, slot);
    if (likely(status == RM_OK) || !cache_any(&a->heap->store)) return status;
    cache_stop(&a->heap->store);
    a->heap->store.failures--;
    errno = saved;
    return heap_alloc(a->heap, NULL, size, alignment, flags, slot);
}

/* Without an alignment, in a heap of which this thread keeps something. */
static rm_memory_t *alloc_kept(uint64_t tag, size_t size, unsigned flags,
                               rm_status_t *status) {
    uint64_t e;
    struct access a;
    int saved = errno;
    struct cache *c = threads_make(registry_live(tag));
    errno = saved; /* without one it goes on as well */
    uint32_t slot = take_cached(c, size, &e);
    if (slot == SLOT_NIL && c != NULL) {
        if (!registry_enter(tag, &a)) return NULL;
        if (registry_damaged(&a)) {
            *status = registry_freeze(&a);
            return NULL;
        }
        slot = fill_and_take(c, &a, size, flags, &e);
        call_leave(&a, RM_OK);
    }
    if (slot == SLOT_NIL) return NULL;
    rm_memory_t *handle = handle_make(tag & bit_mask(TAG_BITS), slot, e);
    void *pointer;
    if ((flags & RM_ZERO) && rmlock(handle, &pointer) == RM_OK) { /* it may move by now */
        if (registry_contains(tag, pointer, size)) memset(pointer, 0, size);
        rmunlock(handle);
    }
    return handle;
}

static SLOW rm_status_t alloc_slowly(rm_heap_t *heap, rm_memory_t **out, size_t size,
                                     size_t alignment, unsigned flags) {
    uint64_t tag;
    bool shared;
    *out = NULL;
    if ((flags & ~(RM_ZERO | RM_NO_COMPACT)) != 0 || alignment > RM_ALIGNMENT_MAX ||
        (alignment & (alignment - 1)) != 0)
        return RM_EINVAL;
    rm_status_t status = call_tag(heap, &tag);
    if (status != RM_OK) return status;
    struct heap *h = registry_heap(tag, &shared);
    if (h == NULL || registry_fenced(h))
        return guarded_alloc(tag, out, size, alignment, flags);
    if (shared && alignment == 0 && threads_keep(h)) {
        *out = alloc_kept(tag, size, flags, &status);
        if (*out != NULL || status != RM_OK) return status;
    }
    struct access a;
    uint32_t slot;
    if (!registry_enter(tag, &a)) return registry_refused(tag, RM_EINVAL);
    if (registry_damaged(&a)) return registry_freeze(&a);
    struct cache *c =
        shared && threads_keep(h) ? threads_cache(registry_live(tag)) : NULL;
    status = alloc_inside(&a, c, size, alignment, flags, &slot);
    if (status == RM_OK) *out = heap_handle(a.heap, slot);
    return call_leave(&a, status);
}

/* A medium block that rests. */
static inline bool take_medium(rm_heap_t *heap, rm_memory_t **out, size_t size) {
    uint64_t tag, e;
    bool shared;
    if (heap == NULL || call_tag(heap, &tag) != RM_OK) return false;
    struct heap *h = registry_heap(tag, &shared);
    uint32_t *tops = h == NULL || shared ? NULL : heap_tops_of(h);
    uint32_t slot = SLOT_NIL;
    if (tops != NULL)
        slot = quick_take_medium(&h->store, registry_quick_last(tag), tops, size, &e);
    if (slot == SLOT_NIL) return false;
    store_count_new(&h->store, size);
    *out = handle_make(tag, slot, e);
    call_done(tag);
    return true;
}

/* What could not be done quickly, with no more arguments than that has to keep. */
static SLOW rm_status_t alloc_plainly(rm_heap_t *heap, rm_memory_t **out, size_t size) {
    if (size > SMALL_MAX && take_medium(heap, out, size)) return RM_OK;
    return alloc_slowly(heap, out, size, 0, 0);
}

/* A small block, from the thread's cache. */
static SLOW rm_status_t alloc_cached(uint32_t live, rm_memory_t **out, size_t size) {
    struct cache *c = threads_cache(live);
    uint64_t e;
    if (likely(c != NULL) && likely(cache_enter(c))) {
        uint32_t slot = cache_take(c, size, &e);
        cache_leave(c);
        if (likely(slot != SLOT_NIL)) {
            *out = handle_make(live ^ RM_GATE_LIVE, slot, e);
            return call_done(live ^ RM_GATE_LIVE);
        }
    }
    return alloc_plainly(call_token(live ^ RM_GATE_LIVE), out, size);
}

rm_status_t rm_heap_alloc(rm_heap_t *heap, rm_memory_t **out, size_t size,
                          size_t alignment, unsigned flags) {
    /* A token is its tag, and 8 in the lowest 4 bits: any other is too large then. */
    uint64_t tag = (uint64_t)(uintptr_t)heap - 8;
    tag = tag >> 4 | tag << 60;
    uint32_t live = (uint32_t)tag + RM_GATE_LIVE;
    struct rm_core *core;
    int shared;
    if (unlikely(out == NULL)) return RM_EINVAL;
    if (unlikely((alignment | flags) != 0))
        return alloc_slowly(heap, out, size, alignment, flags);
    if (likely(size - 1 < SMALL_MAX) && likely(tag < RM_GATE_LIVE) &&
        likely(rm_enter(live, &core, &shared))) {
        if (shared) return alloc_cached(live, out, size);
        rm_memory_t *handle = take_quickly(core, live, size);
        if (likely(handle != NULL)) {
            *out = handle;
            return call_done(tag);
        }
    }
    return alloc_plainly(heap, out, size);
}

rm_status_t rmalloc(rm_memory_t **out, ssize_t size) {
    uint32_t live = atomic_load_explicit(&registry_default_state, memory_order_relaxed);
    struct rm_core *core;
    int shared;
    if (unlikely(out == NULL)) return RM_EINVAL;
    if (likely((size_t)size - 1 < SMALL_MAX) && likely(live != 0) &&
        likely(rm_enter(live, &core, &shared))) {
        if (shared) return alloc_cached(live, out, (size_t)size);
        rm_memory_t *handle = take_quickly(core, live, (size_t)size);
        if (likely(handle != NULL)) {
            *out = handle;
            return call_done(live ^ RM_GATE_LIVE);
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
    if (!call_enter(handle, &a, &slot))
        return registry_refused(call_handle(handle), RM_EHANDLE);
    if (registry_damaged(&a)) return registry_freeze(&a);
    if (unlikely(a.how & ACCESS_GUARDED))
        return guarded_resize(&a, handle, slot, (size_t)size);
    rm_status_t status = resize_block(a.heap, call_handle(handle), slot, (size_t)size);
    if (unlikely(status == RM_ENOMEM || status == RM_ESYSTEM) &&
        cache_any(&a.heap->store)) {
        cache_stop(&a.heap->store);
        a.heap->store.failures--;
        status = resize_block(a.heap, call_handle(handle), slot, (size_t)size);
    }
    return call_leave(&a, status);
}

/* --- freeing --- */

/* Neither locked nor about to move to where it is waited for. */
static inline bool is_idle(uint64_t e) {
    return entry_locks(e) == LOCKS_NONE || entry_locks(e) == LOCKS_COPYING;
}

/* To a cache that is the thread's. False: it has no room, or the block is not for it. */
static inline bool put(struct cache *c, uint32_t slot, uint64_t e) {
    if (likely(shape_is_plain(e))) return cache_put(c, slot, e);
    return shape_is_medium(e) && cache_put_block(c, slot, e);
}

static SLOW rm_status_t free_slowly(rm_memory_t *handle) {
    struct access a;
    bool shared;
    uint64_t h = call_handle(handle), e;
    uint32_t slot = handle_slot(h);
    if (handle == NULL) return RM_OK;
    const struct heap *heap = registry_heap(h, &shared);
    if (heap == NULL || registry_fenced(heap)) return guarded_free(handle);
    if (!lock_look(&heap->store.table, h, slot, &e)) return RM_EHANDLE;
    struct cache *c = NULL;
    if (shared && threads_keep(heap) && is_idle(e)) c = threads_make(registry_live(h));
    if (!registry_enter(h, &a)) return registry_refused(h, RM_EHANDLE);
    if (registry_damaged(&a)) return registry_freeze(&a);
    if (c != NULL) {
        threads_open(c, &a);
        if (lock_look(&heap->store.table, h, slot, &e) && entry_locks(e) == LOCKS_NONE) {
            cache_spill(c, e);
            if (put(c, slot, e)) return call_leave(&a, RM_OK);
        }
    }
    return call_leave(&a, heap_free(a.heap, h, slot));
}

/* A plain object that is not freed quickly, of a heap where nobody else is. */
static SLOW rm_status_t free_plainly(rm_memory_t *handle, struct store *s, uint64_t e) {
    uint64_t h = call_handle(handle);
    uint32_t slot = rm_slot_of(handle), last = registry_quick_last(h);
    if (quick_queue(s, last, NULL, slot, store_slot(s, slot), e)) return call_done(h);
    return free_slowly(handle);
}

/* An unlocked block that is not a plain object. */
static SLOW rm_status_t free_other(rm_memory_t *handle, struct heap *h, uint64_t e) {
    uint32_t slot = rm_slot_of(handle), *tops = heap_tops_of(h);
    uint32_t last = registry_quick_last(call_handle(handle));
    char *at = store_slot(&h->store, slot);
    if (shape_is_medium(e) && tops != NULL &&
        (quick_put_medium(&h->store, last, tops, slot, at, e) ||
         quick_queue(&h->store, last, tops, slot, at, e)))
        return call_done(call_handle(handle));
    return free_slowly(handle);
}

/* Of a heap that is shared. */
static SLOW rm_status_t free_cached(rm_memory_t *handle, struct heap *heap) {
    uint64_t h = call_handle(handle), e;
    uint32_t slot = handle_slot(h);
    struct cache *c = threads_cache(registry_live(h));
    if (unlikely(c == NULL) || unlikely(!lock_look(&heap->store.table, h, slot, &e)) ||
        unlikely(!is_idle(e)) || unlikely(!cache_enter(c)))
        return free_slowly(handle);
    bool done = put(c, slot, e);
    cache_leave(c);
    return likely(done) ? call_done(h) : free_slowly(handle);
}

rm_status_t rmfree(rm_memory_t *handle) {
    uint64_t h = call_handle(handle);
    struct rm_core *core;
    int shared;
    if (unlikely(!rm_enter(registry_live(h), &core, &shared))) return free_slowly(handle);
    struct heap *heap = (struct heap *)core;
    if (shared) return free_cached(handle, heap);
    uint32_t slot = rm_slot_of(handle);
    rm_word_t *at = rm_word_of(core, slot, heap->store.table.n_slots);
    if (unlikely(at == NULL)) return free_slowly(handle);
    uint64_t e = word_load(at);
    if (unlikely(rm_upper(e ^ h) != 0)) return free_slowly(handle);
    if (unlikely(!shape_is_plain(e))) return free_other(handle, heap, e);
    if (unlikely(!quick_put(&heap->store, registry_quick_last(h), slot, (char *)at, e)))
        return free_plainly(handle, &heap->store, e);
    return call_done(h);
}

/* --- using --- */

/* The heap and the entry of a live handle; NULL: it is none, or its heap is guarded. */
static struct heap *look_at(const rm_memory_t *handle, uint64_t *e) {
    struct access a;
    uint64_t h = call_handle(handle);
    uint32_t slot = handle_slot(h);
    bool shared;
    struct heap *heap = registry_heap(h, &shared);
    if (heap == NULL || !lock_look(&heap->store.table, h, slot, e)) return NULL;
    if (unlikely(entry_locks(*e) == LOCKS_MOVING)) { /* or in a cache */
        if (!call_enter(handle, &a, &slot)) return NULL;
        if (registry_damaged(&a)) {
            registry_freeze(&a);
            return NULL;
        }
        call_leave(&a, RM_OK);
    }
    return heap;
}

/* A block that moves just now, the n-th time that it is met: it is waited for, or the move is finished. False:
   it is none, but a cache has the handle's slot. */
enum { PATIENCE = 1000 };
static bool await(uint64_t handle, uint32_t slot, unsigned n) {
    struct access a;
    if (n < PATIENCE && !registry_try(handle, &a)) {
        registry_wait(handle, n);
        return true;
    }
    if (n >= PATIENCE && !registry_enter(handle, &a)) return false;
    if (registry_damaged(&a)) {
        registry_freeze(&a);
        return false;
    }
    bool live = heap_make_lockable(a.heap, handle, slot);
    call_leave(&a, RM_OK);
    return live;
}

static SLOW rm_status_t lock_slowly(rm_memory_t *handle, void **pointer) {
    uint64_t h = call_handle(handle), e;
    uint32_t slot = handle_slot(h);
    bool shared;
    struct heap *heap = registry_heap(h, &shared);
    if (heap == NULL || registry_fenced(heap)) return guarded_lock(handle, pointer);
    for (unsigned n = 0;; n++) {
        struct access a;
        switch (lock_take(&heap->store.table, h, slot, RM_LOCKS_MAX, &e)) {
        case LOCK_DONE:
            *pointer = rm_address((const struct rm_core *)heap, e);
            return call_done(h);
        case LOCK_MOVING:
            if (!await(h, slot, n)) return registry_refused(h, RM_EHANDLE);
            break;
        case LOCK_FULL:
            if (!registry_enter(h, &a)) return registry_refused(h, RM_EHANDLE);
            if (registry_damaged(&a)) return registry_freeze(&a);
            heap_make_lockable(heap, h, slot);
            call_leave(&a, RM_OK);
            break;
        case LOCK_LIMIT: return RM_EOVERFLOW;
        default: return RM_EHANDLE;
        }
    }
}

rm_status_t rmlock(rm_memory_t *handle, void **pointer) {
    if (unlikely(pointer == NULL)) return RM_EINVAL;
    if (likely(rm_lock_quickly(handle, pointer))) return call_done(call_handle(handle));
    return lock_slowly(handle, pointer);
}

static SLOW rm_status_t unlock_slowly(rm_memory_t *handle) {
    uint64_t h = call_handle(handle), e;
    bool shared;
    struct heap *heap = registry_heap(h, &shared);
    if (heap == NULL || registry_fenced(heap)) return guarded_unlock(handle);
    switch (lock_give(&heap->store.table, h, handle_slot(h))) {
    case LOCK_DONE: return call_done(h);
    case LOCK_OPEN:
        if (look_at(handle, &e) != NULL) return RM_EUNLOCKED;
        return registry_refused(h, RM_EHANDLE);
    default: return RM_EHANDLE;
    }
}

rm_status_t rmunlock(rm_memory_t *handle) {
    if (likely(rm_unlock_quickly(handle))) return call_done(call_handle(handle));
    return unlock_slowly(handle);
}

static SLOW rm_status_t peek_slowly(rm_memory_t *handle, void **pointer) {
    uint64_t h = call_handle(handle), e;
    uint32_t slot = handle_slot(h);
    bool shared;
    struct heap *heap = registry_heap(h, &shared);
    if (heap == NULL || registry_fenced(heap)) return guarded_peek(handle, pointer);
    for (unsigned n = 0; lock_look(&heap->store.table, h, slot, &e); n++) {
        if (entry_locks(e) != LOCKS_MOVING) {
            *pointer = rm_address((const struct rm_core *)heap, e);
            return RM_OK;
        }
        if (!await(h, slot, n)) break;
    }
    return registry_refused(h, RM_EHANDLE);
}

rm_status_t rmpeek(rm_memory_t *handle, void **pointer) {
    if (unlikely(pointer == NULL)) return RM_EINVAL;
    if (likely(rm_peek_quickly(handle, pointer))) return RM_OK;
    return peek_slowly(handle, pointer);
}

rm_status_t rmsize(rm_memory_t *handle, size_t *size) {
    struct access a;
    uint32_t slot;
    uint64_t e;
    if (size == NULL) return RM_EINVAL;
    if (look_at(handle, &e) == NULL) return guarded_size(handle, size);
    if (shape_says_size(e, size)) return call_done(call_handle(handle));
    if (!call_enter(handle, &a, &slot))
        return registry_refused(call_handle(handle), RM_EHANDLE);
    if (registry_damaged(&a)) return registry_freeze(&a);
    *size = heap_size(a.heap, slot);
    /* Another thread may have freed it meanwhile, into what it keeps: that needs no mutex. */
    bool live = heap_live(a.heap, call_handle(handle), slot);
    return call_leave(&a, live ? RM_OK : RM_EHANDLE);
}

rm_status_t rmlocks(rm_memory_t *handle, unsigned *count) {
    uint64_t e;
    if (count == NULL) return RM_EINVAL;
    if (look_at(handle, &e) == NULL) return guarded_locks(handle, count);
    *count = entry_count(e);
    return call_done(call_handle(handle));
}

rm_status_t rmheap(rm_memory_t *handle, rm_heap_t **heap) {
    uint64_t e;
    if (heap == NULL) return RM_EINVAL;
    if (look_at(handle, &e) == NULL) return guarded_heap(handle, heap);
    *heap = call_token(call_handle(handle) & bit_mask(TAG_BITS));
    return call_done(call_handle(handle));
}
