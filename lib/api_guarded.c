/* SPDX-License-Identifier: MIT */
#include "api_guarded.h"

#include "resize.h"

/* Enter the heap of a tag, if it is guarded; else what a call says is `none`. */
static rm_status_t enter_heap(uint64_t tag, struct access *a, rm_status_t none,
                              uint32_t about) {
    if (!registry_enter_about(tag, a, about)) return registry_refused(tag, none);
    if (a->how & ACCESS_GUARDED) return RM_OK;
    registry_leave_unseen(a);
    return none;
}

/* The same of a live handle, for a call that needs nothing but the block's entry, as far as is known. */
static rm_status_t enter(rm_memory_t *handle, struct access *a, uint32_t *slot) {
    uint64_t h = call_handle(handle);
    *slot = handle_slot(h);
    rm_status_t status = enter_heap(h, a, RM_EHANDLE, *slot);
    if (status != RM_OK || heap_live(a->heap, h, *slot)) return status;
    registry_leave_unseen(a);
    return RM_EHANDLE;
}

/* Does its entry not say what the block's size is? The rest is looked at too then; no entry of what can be half moved
   says it. False: it is damaged. */
static bool widen(const struct access *a, uint32_t slot) {
    size_t size;
    return shape_says_size(table_entry(&a->heap->store.table, slot), &size) ||
           guard_widen(a->guard);
}

/* A move that the block is half through is finished. */
static void make_usable(rm_memory_t *handle, const struct access *a, uint32_t slot) {
    if (slot == a->heap->store.mover.slot)
        heap_make_lockable(a->heap, call_handle(handle), slot);
}

/* What a request needs of the heap is looked at: mostly an entry of the quick lists. False: it is damaged. */
static bool make_ready(const struct access *a, size_t size, size_t alignment) {
    uint32_t next = alignment <= 8 ? quick_next(&a->heap->store, size) : SLOT_NIL;
    return next != SLOT_NIL ? guard_narrow(a->guard, next) : guard_widen(a->guard);
}

rm_status_t guarded_alloc(uint64_t tag, rm_memory_t **out, size_t size, size_t alignment,
                          unsigned flags) {
    struct access a;
    uint32_t slot;
    rm_status_t status = enter_heap(tag, &a, RM_EINVAL, GUARD_NO_ENTRY);
    if (status != RM_OK) return status;
    if (registry_damaged(&a) || !make_ready(&a, size, alignment))
        return registry_freeze(&a);
    status = heap_alloc(a.heap, NULL, size, alignment, flags, &slot);
    if (status == RM_ENOMEM && guard_make_room(a.guard, flags))
        status = heap_alloc(a.heap, NULL, size, alignment, flags, &slot);
    if (status == RM_OK) {
        struct heap_block b = heap_look(a.heap, slot);
        *out = heap_handle(a.heap, slot);
        guard_made(a.guard, &b, flags);
    }
    return call_leave(&a, status);
}

rm_status_t guarded_free(rm_memory_t *handle) {
    struct access a;
    uint32_t slot;
    rm_status_t status = enter(handle, &a, &slot);
    if (status != RM_OK) return status;
    if (registry_damaged(&a)) return registry_freeze(&a);
    const struct table *t = &a.heap->store.table;
    bool room = quick_has_room(&a.heap->store, slot, table_entry(t, slot));
    if (!room && !guard_widen(a.guard)) return registry_freeze(&a);
    struct heap_block b = heap_look(a.heap, slot);
    if (b.locks == 0) guard_lessens(a.guard, &b, 0);
    status = heap_free(a.heap, call_handle(handle), slot);
    if (status == RM_OK) guard_freed(a.guard, &b);
    return call_leave(&a, status);
}

rm_status_t guarded_resize(const struct access *a, rm_memory_t *handle, uint32_t slot,
                           size_t size) {
    uint64_t h = call_handle(handle);
    struct heap_block before = heap_look(a->heap, slot);
    if (!guard_may_resize(a->guard, &before, size)) return call_leave(a, RM_ELOCKED);
    if (size < before.size) guard_lessens(a->guard, &before, size);
    rm_status_t status = resize_block(a->heap, h, slot, size);
    if (status == RM_OK) {
        struct heap_block after = heap_look(a->heap, slot);
        guard_resized(a->guard, &before, &after);
    }
    return call_leave(a, status);
}

rm_status_t guarded_lock(rm_memory_t *handle, void **pointer) {
    struct access a;
    uint32_t slot;
    uint64_t h = call_handle(handle), e;
    rm_status_t status = enter(handle, &a, &slot);
    if (status != RM_OK) return status;
    if (registry_damaged(&a) || !widen(&a, slot)) return registry_freeze(&a);
    make_usable(handle, &a, slot);
    enum lock_outcome outcome;
    while ((outcome = lock_take(&a.heap->store.table, h, slot, RM_LOCKS_MAX, &e)) ==
           LOCK_FULL) {
        if (!guard_widen(a.guard)) return registry_freeze(&a);
        heap_make_lockable(a.heap, h, slot);
    }
    if (outcome != LOCK_DONE) return call_leave(&a, RM_EOVERFLOW);
    struct heap_block b = heap_look(a.heap, slot);
    guard_locked(a.guard, &b);
    *pointer = guard_pointer(a.guard, &b);
    return call_leave(&a, RM_OK);
}

rm_status_t guarded_unlock(rm_memory_t *handle) {
    struct access a;
    uint32_t slot;
    rm_status_t status = enter(handle, &a, &slot);
    if (status != RM_OK) return status;
    if (registry_damaged(&a) || !widen(&a, slot)) return registry_freeze(&a);
    if (lock_give(&a.heap->store.table, call_handle(handle), slot) != LOCK_DONE)
        return call_leave(&a, RM_EUNLOCKED);
    struct heap_block b = heap_look(a.heap, slot);
    guard_unlocked(a.guard, &b);
    return call_leave(&a, RM_OK);
}

rm_status_t guarded_peek(rm_memory_t *handle, void **pointer) {
    struct access a;
    uint32_t slot;
    rm_status_t status = enter(handle, &a, &slot);
    if (status != RM_OK) return status;
    if (registry_damaged(&a) || !widen(&a, slot)) return registry_freeze(&a);
    make_usable(handle, &a, slot);
    struct heap_block b = heap_look(a.heap, slot);
    *pointer = guard_pointer(a.guard, &b);
    guard_peeked(a.guard, &b);
    return call_leave(&a, RM_OK);
}

/* --- looking --- */

static rm_status_t look(rm_memory_t *handle, struct heap_block *b, uint64_t *tag) {
    struct access a;
    uint32_t slot;
    rm_status_t status = enter(handle, &a, &slot);
    if (status != RM_OK) return status;
    if (registry_damaged(&a) || !widen(&a, slot)) return registry_freeze(&a);
    *b = heap_look(a.heap, slot);
    *tag = a.heap->tag;
    guard_same(a.guard);
    return call_leave(&a, RM_OK);
}

rm_status_t guarded_size(rm_memory_t *handle, size_t *size) {
    struct heap_block b;
    uint64_t tag;
    rm_status_t status = look(handle, &b, &tag);
    if (status == RM_OK) *size = b.size;
    return status;
}

rm_status_t guarded_locks(rm_memory_t *handle, unsigned *count) {
    struct heap_block b;
    uint64_t tag;
    rm_status_t status = look(handle, &b, &tag);
    if (status == RM_OK) *count = b.locks;
    return status;
}

rm_status_t guarded_heap(rm_memory_t *handle, rm_heap_t **heap) {
    struct heap_block b;
    uint64_t tag;
    rm_status_t status = look(handle, &b, &tag);
    if (status == RM_OK) *heap = call_token(tag);
    return status;
}
