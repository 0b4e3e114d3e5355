/* SPDX-License-Identifier: MIT */
#include "background.h"

#include <string.h>

#define MILLISECOND UINT64_C(1000000)

void yard_open(struct yard *yard, enum yard_kind kind, const rm_watermarks_t *marks) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    memset(yard, 0, sizeof(*yard));
    yard->kind = kind;
    if (kind != YARD_GROWING) options.size = YARD_LIMIT;
    if (kind == YARD_REGION) {
        guarded_init(&yard->region, YARD_LIMIT, GUARDED_HIGH, 0);
        options.memory = yard->region.memory;
    }
    options.compaction = RM_COMPACT_BACKGROUND;
    if (marks != NULL) options.watermarks = *marks;
    yard->heap = heap_with(&options);
    book_init(&yard->book, yard->heap);
}

void yard_close(struct yard *yard) {
    assert_ok(rm_heap_pause(yard->heap));
    assert_sound(book_verify(&yard->book));
    assert_sound(heap_fault(yard->heap));
    assert_ok(rm_heap_resume(yard->heap));
    assert_ok(rm_heap_destroy(yard->heap));
    book_finish(&yard->book);
    if (yard->kind == YARD_REGION) {
        assert_sound(guarded_fault(&yard->region));
        guarded_finish(&yard->region);
    }
}

void yard_litter(struct yard *yard, size_t n, size_t size) {
    assert_ok(rm_heap_pause(yard->heap));
    perforate(&yard->book, n, size);
    g_assert_true(fragmentation_of(yard->heap) > 0.4);
    assert_ok(rm_heap_resume(yard->heap));
}

void yard_free_share(struct yard *yard, unsigned percent) {
    /* from the end, and each time one of a hundred: see book_free */
    for (size_t i = yard->book.n; i-- > 0;)
        if (i * 61 % 100 < percent) assert_ok(book_free(&yard->book, i));
}

double fragmentation_of(rm_heap_t *heap) {
    rm_stats_t stats;

    assert_ok(rm_heap_stats_quick(heap, &stats));
    if (stats.extent == 0) return 0;
    return 1 - (double)stats.requested / (double)stats.extent;
}

size_t free_end(rm_heap_t *heap) {
    rm_stats_t stats;

    assert_ok(rm_heap_stats_quick(heap, &stats));
    if (stats.limit < stats.extent + stats.metadata) return 0;
    return stats.limit - stats.extent - stats.metadata;
}

size_t steps_of(rm_heap_t *heap) {
    rm_stats_t stats;

    assert_ok(rm_heap_stats_quick(heap, &stats));
    return stats.background_steps;
}

size_t moved_by_thread(rm_heap_t *heap) {
    rm_stats_t stats;

    assert_ok(rm_heap_stats_quick(heap, &stats));
    return stats.background_moved;
}

uint64_t patience(void) { return now_ns() + 30000 * MILLISECOND; }

void await_below(rm_heap_t *heap, double mark) {
    for (uint64_t end = patience(); fragmentation_of(heap) >= mark;) {
        sleep_ns(2 * MILLISECOND);
        if (now_ns() > end) g_test_message("fragmentation is %g", fragmentation_of(heap));
        g_assert_cmpuint(now_ns(), <, end);
    }
}

void await_moved(rm_heap_t *heap, size_t bytes) {
    for (uint64_t end = patience(); moved_by_thread(heap) < bytes;)
        g_assert_cmpuint(now_ns(), <, end);
}

size_t await_rest(rm_heap_t *heap) {
    size_t before = SIZE_MAX, after = moved_by_thread(heap);

    for (uint64_t end = patience(); before != after; after = moved_by_thread(heap)) {
        g_assert_cmpuint(now_ns(), <, end);
        before = after;
        sleep_ns(300 * MILLISECOND);
    }
    return steps_of(heap);
}
