/* SPDX-License-Identifier: MIT */
/* Arguments outside of their domains: refused, and nothing has changed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stage.h"

/* Something that a refused call must leave alone or set to NULL. */
static memory_t *const untouched = (memory_t *)(uintptr_t)0x5a5a5a5a;

/* The call was refused, and has set what it would have given to NULL. */
static void refused_null(rm_status_t status, memory_t *const *out) {
    expect(status == RM_OK || *out == NULL, "a refused call has given a handle");
    call(status);
}

CASE(alloc_out_null, "rmalloc without a place for the handle") {
    memory_t *h;
    must(rmalloc(&h, 10));
    WRONG(GUILTY(call(rmalloc(NULL, 10))));
    drop(h);
}

CASE(alloc_negative, "rmalloc of a negative size") {
    memory_t *h = untouched;
    ssize_t size = 10;
    WRONG(size = -size);
    GUILTY(refused_null(rmalloc(&h, size), &h));
    drop(h);
}

CASE(alloc_strlen_minus, "a size that has come to be -1, as a size_t") {
    memory_t *h = untouched;
    const char *text = "";
    RIGHT(text = "word");
    GUILTY(refused_null(rm_heap_alloc(heap, &h, strlen(text) - 1, 0, 0), &h));
    drop(h);
}

CASE(alloc_nan, "a size computed as 0.0 / 0.0") {
    memory_t *h = untouched;
    volatile double whole = 0, parts = 0;
    RIGHT(parts = 1);
    double each = whole / parts;
    /* What x86-64 makes of it: the conversion itself is undefined in C. */
    ssize_t size = isnan(each) ? INT64_MIN : (ssize_t)each;
    GUILTY(refused_null(rmalloc(&h, size), &h));
    drop(h);
}

CASE(alloc_too_large, "more than RM_BLOCK_MAX bytes") {
    memory_t *h = untouched;
    size_t size = RM_BLOCK_MAX + 1;
    RIGHT(size = 4096);
    GUILTY(refused_null(rm_heap_alloc(heap, &h, size, 0, 0), &h));
    drop(h);
}

CASE(alloc_unchecked, "a failed allocation goes unnoticed, and its handle is used") {
    memory_t *h;
    size_t size = STAGE_BYTES;
    RIGHT(size = 1000);
    (void)rm_heap_alloc(heap, &h, size, 0, 0);
    char *at = NULL;
    GUILTY(must(rmlock(h, (void **)&at)));
    at[0] = 1;
    unlock(h);
}

CASE(calloc_product, "count times size overflows") {
    memory_t *h = untouched;
    ssize_t count = INT64_MAX / 8;
    RIGHT(count = 8);
    GUILTY(refused_null(rmcalloc(&h, count, 16), &h));
    drop(h);
}

CASE(calloc_negative, "rmcalloc of a negative count") {
    memory_t *h = untouched;
    ssize_t count = -3;
    RIGHT(count = 3);
    GUILTY(refused_null(rmcalloc(&h, count, 16), &h));
    drop(h);
}

CASE(calloc_out_null, "rmcalloc without a place for the handle") {
    WRONG(GUILTY(call(rmcalloc(NULL, 2, 8))));
}

CASE(alloc_alignment_odd, "an alignment that is no power of two") {
    memory_t *h = untouched;
    size_t alignment = 24;
    RIGHT(alignment = 32);
    GUILTY(refused_null(rm_heap_alloc(heap, &h, 100, alignment, 0), &h));
    drop(h);
}

CASE(alloc_alignment_large, "an alignment above RM_ALIGNMENT_MAX") {
    memory_t *h = untouched;
    size_t alignment = 2 * RM_ALIGNMENT_MAX;
    RIGHT(alignment = RM_ALIGNMENT_MAX);
    GUILTY(refused_null(rm_heap_alloc(heap, &h, 100, alignment, 0), &h));
    drop(h);
}

CASE(alloc_arguments_swapped, "alignment and flags in each other's place") {
    memory_t *h = untouched;
    WRONG(GUILTY(refused_null(rm_heap_alloc(heap, &h, 100, RM_ZERO, 64), &h)));
    RIGHT(GUILTY(refused_null(rm_heap_alloc(heap, &h, 100, 64, RM_ZERO), &h)));
    drop(h);
}

CASE(alloc_flags_unknown, "a flag that there is not") {
    memory_t *h = untouched;
    unsigned flags = RM_ZERO;
    WRONG(flags |= 1u << 9);
    GUILTY(refused_null(rm_heap_alloc(heap, &h, 100, 0, flags), &h));
    drop(h);
}

CASE(alloc_heap_forged, "a heap that is none: a number") {
    memory_t *h = untouched;
    rm_heap_t *where = heap;
    WRONG(where = (rm_heap_t *)(uintptr_t)0x12345678);
    GUILTY(refused_null(rm_heap_alloc(where, &h, 100, 0, 0), &h));
    drop(h);
}

CASE(alloc_heap_address, "a heap that is none: the address of its region") {
    memory_t *h = untouched;
    rm_heap_t *where = heap;
    WRONG(where = (rm_heap_t *)(void *)stage_region());
    GUILTY(refused_null(rm_heap_alloc(where, &h, 100, 0, 0), &h));
    drop(h);
}

CASE(realloc_negative, "rmrealloc to a negative size") {
    memory_t *h = bytes_block(100, 'x');
    ssize_t size = 200;
    WRONG(size -= 300);
    GUILTY(call(rmrealloc(h, size)));
    expect(bytes_are(h, 100, 'x'), "content has changed");
}

CASE(realloc_too_large, "rmrealloc to more than the heap has, unnoticed") {
    memory_t *h = bytes_block(100, 'x');
    ssize_t size = 200;
    WRONG(size = STAGE_BYTES);
    GUILTY(call(rmrealloc(h, size)));
    size_t now = 0;
    must(rmsize(h, &now));
    expect(now == (size_t)size || bytes_are(h, 100, 'x'), "content has changed");
}

CASE(lock_pointer_null, "rmlock without a place for the address") {
    memory_t *h = block(100);
    unsigned count = 9;
    WRONG(GUILTY(call(rmlock(h, NULL))));
    must(rmlocks(h, &count));
    expect(count == 0, "a refused lock is held");
}

CASE(peek_pointer_null, "rmpeek without a place for the address") {
    memory_t *h = block(100);
    must(rm_heap_hold(heap));
    WRONG(GUILTY(call(rmpeek(h, NULL))));
    must(rm_heap_release(heap));
}

CASE(size_null, "rmsize without a place for the size") {
    memory_t *h = block(100);
    WRONG(GUILTY(call(rmsize(h, NULL))));
    drop(h);
}

CASE(locks_null, "rmlocks without a place for the count") {
    memory_t *h = block(100);
    WRONG(GUILTY(call(rmlocks(h, NULL))));
    drop(h);
}

CASE(heap_null, "rmheap without a place for the heap") {
    memory_t *h = block(100);
    WRONG(GUILTY(call(rmheap(h, NULL))));
    drop(h);
}

CASE(stats_null, "rm_heap_stats without a place for them") {
    WRONG(GUILTY(call(rm_heap_stats(heap, NULL))));
}

CASE(stats_quick_null, "rm_heap_stats_quick without a place for them") {
    WRONG(GUILTY(call(rm_heap_stats_quick(heap, NULL))));
}

CASE(walk_null, "rm_heap_walk without a function") {
    WRONG(GUILTY(call(rm_heap_walk(heap, NULL, NULL))));
}

CASE(largest_null, "rm_heap_largest without a place for the size") {
    WRONG(GUILTY(call(rm_heap_largest(heap, true, NULL))));
}

CASE(create_out_null, "rm_heap_create without a place for the heap") {
    WRONG(GUILTY(call(rm_heap_create(NULL, NULL))));
}

/* A heap with these options is refused; or it is good, and destroyed again. */
static void try_options(const rm_heap_options_t *options) {
    rm_heap_t *made = (rm_heap_t *)(uintptr_t)0x5a5a5a5a;
    rm_status_t status = rm_heap_create(&made, options);
    if (status == RM_OK)
        must(rm_heap_destroy(made));
    else
        expect(made == NULL, "a refused call has given a heap");
    call(status);
}

CASE(create_region_small, "a region too small to hold a heap") {
    static char memory[RM_HEAP_SIZE_MIN];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.memory = memory;
    options.size = sizeof memory;
    WRONG(options.size = 64);
    GUILTY(try_options(&options));
}

CASE(create_size_forgotten, "a region without its size") {
    static char memory[2 * RM_HEAP_SIZE_MIN];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.memory = memory;
    RIGHT(options.size = sizeof memory);
    GUILTY(try_options(&options));
}

CASE(create_threads_unknown, "an option that there is not: threads") {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    WRONG(options.threads = (rm_threads_t)7);
    GUILTY(try_options(&options));
}

CASE(create_compaction_unknown, "an option that there is not: compaction") {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    WRONG(options.compaction = (rm_compaction_t)-1);
    GUILTY(try_options(&options));
}

CASE(create_background_alone, "compaction in the background of a heap for one thread") {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.compaction = RM_COMPACT_BACKGROUND;
    WRONG(options.threads = RM_THREADS_NONE);
    GUILTY(try_options(&options));
}

CASE(create_marks_reversed, "watermarks in each other's place") {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.compaction = RM_COMPACT_BACKGROUND;
    options.watermarks =
        (rm_watermarks_t){.fragmentation_low = 0.1, .fragmentation_high = 0.2};
    WRONG(options.watermarks.fragmentation_high = 0.05);
    GUILTY(try_options(&options));
}

CASE(create_marks_nan, "a watermark that is not a number") {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.compaction = RM_COMPACT_BACKGROUND;
    options.watermarks =
        (rm_watermarks_t){.fragmentation_low = 0.1, .fragmentation_high = 0.2};
    WRONG(options.watermarks.fragmentation_high = NAN);
    GUILTY(try_options(&options));
}

CASE(create_marks_percent, "a watermark in per cent") {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.compaction = RM_COMPACT_BACKGROUND;
    options.watermarks =
        (rm_watermarks_t){.fragmentation_low = 0.1, .fragmentation_high = 0.2};
    WRONG(options.watermarks.fragmentation_high = 20);
    GUILTY(try_options(&options));
}

CASE(create_options_garbage, "options that nobody has set up") {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    WRONG(memset(&options, 0xa5, sizeof options));
    GUILTY(try_options(&options));
}
