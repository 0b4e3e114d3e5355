/* SPDX-License-Identifier: MIT */
/* Handles that name no live block: NULL, stale, forged, of other heaps, mistaken for something else. */
#include <stdlib.h>
#include <string.h>

#include "stage.h"

/* --- NULL --- */

CASE(lock_of_null, "rmlock of NULL") {
    memory_t *h = NULL;
    void *at = NULL;
    RIGHT(h = block(10));
    GUILTY(call(rmlock(h, &at)));
    RIGHT(unlock(h));
}

CASE(unlock_of_null, "rmunlock of NULL") {
    memory_t *h = block(10);
    lock(h);
    WRONG(GUILTY(call(rmunlock(NULL))));
    unlock(h);
}

CASE(realloc_of_null, "rmrealloc of NULL, as if it were realloc") {
    memory_t *h = NULL;
    RIGHT(h = block(10));
    GUILTY(call(rmrealloc(h, 100)));
}

CASE(size_of_null, "rmsize of NULL") {
    memory_t *h = NULL;
    size_t size = 4711;
    RIGHT(h = block(10));
    GUILTY(call(rmsize(h, &size)));
    expect(h != NULL || size == 4711, "a refused call has said a size");
}

CASE(peek_of_null, "rmpeek of NULL") {
    memory_t *h = NULL;
    void *at = NULL;
    RIGHT(h = block(10));
    must(rm_heap_hold(heap));
    GUILTY(call(rmpeek(h, &at)));
    must(rm_heap_release(heap));
}

/* --- stale --- */

CASE(free_twice, "a block freed twice") {
    memory_t *h = block(100);
    drop(h);
    WRONG(GUILTY(call(rmfree(h))));
}

CASE(free_twice_reused, "a block freed twice, with another one in its place by then") {
    memory_t *h = block(100);
    drop(h);
    memory_t *other = bytes_block(100, 'o');
    WRONG(GUILTY(call(rmfree(h))));
    expect(bytes_are(other, 100, 'o'), "the other block's content has changed");
}

CASE(free_twice_large, "a large block freed twice") {
    memory_t *h = block(70000);
    drop(h);
    WRONG(GUILTY(call(rmfree(h))));
}

CASE(free_twice_owners, "two owners of one block free it") {
    struct {
        memory_t *name;
    } left = {text_block("shared")}, right = left;
    RIGHT(right.name = text_block("shared"));
    drop(left.name);
    GUILTY(call(rmfree(right.name)));
}

CASE(lock_stale, "rmlock of a freed block") {
    memory_t *h = block(100);
    void *at = &at;
    WRONG(drop(h));
    GUILTY(call(rmlock(h, &at)));
    RIGHT(unlock(h));
    expect(MISUSE_IS_TWIN || at == &at, "a refused call has given an address");
}

CASE(lock_stale_reused, "rmlock of a freed block, with another one in its slot by then") {
    memory_t *h = block(100), *others[8];
    void *at = NULL;
    WRONG(drop(h));
    for (unsigned i = 0; i < 8; i++) others[i] = bytes_block(100, 'p');
    GUILTY(call(rmlock(h, &at)));
    RIGHT(unlock(h));
    for (unsigned i = 0; i < 8; i++)
        expect(bytes_are(others[i], 100, 'p'), "content has changed");
}

CASE(lock_stale_thousands, "rmlock of a block freed 30,000 reuses of its slot ago") {
    memory_t *h = block(40), *again;
    void *at = NULL;
    WRONG(drop(h));
    for (unsigned i = 0; i < 30000; i++) drop(again = block(40));
    GUILTY(call(rmlock(h, &at)));
    RIGHT(unlock(h));
}

CASE(unlock_stale, "rmunlock after rmfree") {
    memory_t *h = block(100);
    lock(h);
    unlock(h);
    drop(h);
    WRONG(GUILTY(call(rmunlock(h))));
}

CASE(realloc_stale, "rmrealloc of a freed block") {
    memory_t *h = block(100);
    WRONG(drop(h));
    GUILTY(call(rmrealloc(h, 200)));
}

CASE(size_stale, "rmsize of a freed block") {
    memory_t *h = block(100);
    size_t size;
    WRONG(drop(h));
    GUILTY(call(rmsize(h, &size)));
}

CASE(locks_stale, "rmlocks of a freed block") {
    memory_t *h = block(100);
    unsigned count;
    WRONG(drop(h));
    GUILTY(call(rmlocks(h, &count)));
}

CASE(heap_of_stale, "rmheap of a freed block") {
    memory_t *h = block(100);
    rm_heap_t *where;
    WRONG(drop(h));
    GUILTY(call(rmheap(h, &where)));
}

CASE(peek_stale, "rmpeek of a freed block") {
    memory_t *h = block(100);
    void *at = NULL;
    WRONG(drop(h));
    must(rm_heap_hold(heap));
    GUILTY(call(rmpeek(h, &at)));
    must(rm_heap_release(heap));
}

/* --- of destroyed heaps, and of others --- */

static char other_region[32768];

CASE(free_of_destroyed, "rmfree of a block whose heap is gone") {
    rm_heap_t *other = open_region(other_region, sizeof other_region);
    memory_t *h = block_in(other, 100);
    WRONG(close_heap(other));
    GUILTY(call(rmfree(h)));
}

CASE(lock_of_destroyed, "rmlock of a block whose heap is gone") {
    rm_heap_t *other = open_region(other_region, sizeof other_region);
    memory_t *h = block_in(other, 100);
    void *at = NULL;
    WRONG(close_heap(other));
    GUILTY(call(rmlock(h, &at)));
    RIGHT(unlock(h));
}

CASE(lock_of_destroyed_again, "the same, with another heap in the same region by then") {
    rm_heap_t *other = open_region(other_region, sizeof other_region);
    memory_t *h = block_in(other, 100), *next = h;
    void *at = NULL;
    close_heap(other);
    other = open_region(other_region, sizeof other_region);
    next = block_in(other, 100);
    WRONG(GUILTY(call(rmlock(h, &at))));
    RIGHT(GUILTY(call(rmlock(next, &at))));
    RIGHT(unlock(next));
}

CASE(alloc_in_destroyed, "an allocation in a heap that is gone") {
    rm_heap_t *other = open_region(other_region, sizeof other_region);
    memory_t *h = NULL;
    WRONG(close_heap(other));
    GUILTY(call(rm_heap_alloc(other, &h, 100, 0, 0)));
}

CASE(destroy_twice, "a heap destroyed twice") {
    rm_heap_t *other = open_region(other_region, sizeof other_region);
    close_heap(other);
    WRONG(GUILTY(call(rm_heap_destroy(other))));
}

CASE(destroy_null, "rm_heap_destroy of NULL, as if that were the default heap") {
    memory_t *h;
    must(rmalloc(&h, 100));
    WRONG(GUILTY(call(rm_heap_destroy(NULL))));
    drop(h);
}

CASE(destroy_of_handle, "a block's handle given for its heap") {
    memory_t *h = block(100);
    WRONG(GUILTY(call(rm_heap_destroy((rm_heap_t *)(void *)h))));
    drop(h);
}

CASE(lock_of_heap, "a heap given for a block's handle") {
    memory_t *h = block(100);
    void *at = NULL;
    WRONG(h = (memory_t *)(void *)heap);
    GUILTY(call(rmlock(h, &at)));
    RIGHT(unlock(h));
}

CASE(compact_destroyed, "a compaction of a heap that is gone") {
    rm_heap_t *other = open_growing(RM_THREADS_NONE);
    WRONG(close_heap(other));
    GUILTY(call(rm_heap_compact(other, NULL, NULL)));
}

/* --- forged --- */

static void lock_forged(uintptr_t forged, uintptr_t genuine) {
    void *at = NULL;
    (void)genuine;
    RIGHT(forged = genuine);
    rm_status_t status = rmlock((memory_t *)forged, &at);
    RIGHT(must(rmunlock((memory_t *)forged)));
    call(status);
}

CASE(forged_small, "a handle that is none: 42") {
    memory_t *h = block(100);
    GUILTY(lock_forged(42, (uintptr_t)h));
}

CASE(forged_ones, "a handle that is none: all bits set") {
    memory_t *h = block(100);
    GUILTY(lock_forged(UINTPTR_MAX, (uintptr_t)h));
}

CASE(forged_uninitialised, "a handle that nobody has stored") {
    union {
        memory_t *handle;
        unsigned char bytes[sizeof(memory_t *)];
    } field;
    memset(&field, 0xa5, sizeof field);
    memory_t *h = block(100);
    GUILTY(lock_forged((uintptr_t)field.handle, (uintptr_t)h));
}

CASE(forged_truncated, "a handle kept in 32 bits") {
    memory_t *h = block(100);
    uint32_t kept = (uint32_t)(uintptr_t)h;
    GUILTY(lock_forged(kept, (uintptr_t)h));
}

CASE(forged_incremented, "a handle counted up, as if blocks were numbered") {
    memory_t *h = block(100);
    GUILTY(lock_forged((uintptr_t)h + 1, (uintptr_t)h));
}

CASE(forged_bit, "a handle with one bit of its generation changed") {
    memory_t *h = block(100);
    GUILTY(lock_forged((uintptr_t)h ^ (UINT64_C(1) << (49 + below(15))), (uintptr_t)h));
}

CASE(forged_address, "the address of a locked block given for its handle") {
    memory_t *h = block(100);
    void *at = lock(h);
    WRONG(GUILTY(call(rmunlock(at))));
    unlock(h);
}

CASE(forged_variable, "the address of the handle given for it") {
    memory_t *h = block(100);
    WRONG(GUILTY(call(rmfree((memory_t *)(void *)&h))));
    drop(h);
}

/* --- mistaken for an address --- */

CASE(handle_dereferenced, "a handle used as an address") {
    memory_t *h = bytes_block(100, 0);
    volatile char *at = (volatile char *)(void *)h;
    RIGHT(at = lock(h));
    GUILTY(at[0] = 1);
    RIGHT(unlock(h));
}

CASE(handle_memcpy, "memcpy from a handle") {
    memory_t *h = text_block("text");
    char text[5];
    const void *from = h;
    RIGHT(from = lock(h));
    GUILTY(memcpy(text, from, sizeof text));
    RIGHT(unlock(h));
}

CASE(handle_to_free, "free() of a handle") {
    void *gone = block(100);
    RIGHT(gone = malloc(100));
    GUILTY(free(gone));
}

CASE(pointer_to_free, "free() of a locked block's address") {
    memory_t *before = bytes_block(4000, 0), *h = block(4000),
             *after = bytes_block(4000, 0);
    void *gone = lock(h);
    RIGHT(gone = malloc(100));
    GUILTY(free(gone));
    unlock(h);
    drop(after);
    drop(before);
}

CASE(pointer_to_realloc, "realloc() of a locked block's address") {
    memory_t *h = block(4000);
    void *gone = lock(h);
    RIGHT(gone = malloc(100));
    GUILTY(gone = realloc(gone, 5000));
    RIGHT(free(gone));
    unlock(h);
}

CASE(malloc_to_rmfree, "rmfree() of what malloc has returned") {
    void *h = malloc(100);
    RIGHT(free(h));
    RIGHT(h = block(100));
    GUILTY(call(rmfree(h)));
}

CASE(pointer_to_rmfree, "rmfree() of a block's address") {
    memory_t *h = block(100), *gone = lock(h);
    unlock(h);
    RIGHT(gone = h);
    GUILTY(call(rmfree(gone)));
}
