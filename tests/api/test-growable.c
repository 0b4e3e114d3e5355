/* SPDX-License-Identifier: MIT */
/*
 * Heaps that the library makes room for: pages committed as needed and given back,
 * rm_heap_trim, what the walk and the metrics say of pages that are gone.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define MIB ((size_t)1 << 20)

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

/* Bytes of this process in memory. */
static size_t resident(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long all = 0, pages = 0;

    if (file == NULL) return 0;
    if (fscanf(file, "%lu %lu", &all, &pages) != 2) pages = 0;
    fclose(file);
    return pages * page_size();
}

/*
 * No free span holds pages any more, but for one at each end, in which the heap may
 * keep what it has to say of the span.
 */
static const char *trimmed_fault(rm_heap_t *heap) {
    struct picture picture;
    const char *text = picture_take(&picture, heap);

    for (size_t i = 0; i < picture.n && text == NULL; i++) {
        const rm_span_t *span = &picture.spans[i];
        size_t first = (span->offset + page_size() - 1) / page_size();
        size_t last = (span->offset + span->size) / page_size();

        if (span->kind == RM_SPAN_FREE && last > first + 2)
            text = fault("after a trim %zu pages from %zu are free", last - first,
                         first * page_size());
    }
    picture_finish(&picture);
    return text;
}

/* Pages are committed as they are needed. */
static void test_commit(void) {
    rm_heap_t *heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
    rm_stats_t stats;
    struct book book;

    book_init(&book, heap);
    assert_ok(rm_heap_stats(heap, &stats));
    g_assert_cmpuint(stats.capacity, <=, MIB); /* nothing is needed yet */
    for (size_t i = 1; i <= 64; i++) {
        assert_ok(book_alloc(&book, MIB / 2, 0, 0));
        assert_ok(rm_heap_stats(heap, &stats));
        g_assert_cmpuint(stats.capacity, >=, i * MIB / 2);
        g_assert_cmpuint(stats.capacity, <=, i * MIB / 2 + i * MIB / 8 + 2 * MIB);
        g_assert_cmpuint(stats.peak_capacity, ==, stats.capacity);
        g_assert_cmpuint(stats.capacity % page_size(), ==, 0);
    }
    assert_sound(book_verify(&book));
    assert_sound(heap_fault(heap));
    assert_ok(rm_heap_destroy(heap));
    book_finish(&book);
}

/* Everything freed, trimmed: the pages are the system's again. */
static void test_trim_all(void) {
    rm_heap_t *heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
    size_t before = resident(), full, after;
    struct book book;
    rm_stats_t stats;

    book_init(&book, heap);
    for (size_t i = 0; i < 2000; i++)
        assert_ok(book_alloc(&book, 64 * 1024, 0, 0)); /* filled, so touched */
    full = resident();
    while (book.n > 0) assert_ok(book_free(&book, book.n - 1));
    assert_ok(rm_heap_trim(heap));
    assert_sound(heap_fault(heap));
    assert_sound(trimmed_fault(heap));
    after = resident();
    assert_ok(rm_heap_stats(heap, &stats));
    g_assert_cmpuint(stats.capacity, <=, MIB);
    g_assert_cmpuint(stats.peak_capacity, >=, 125 * MIB);
    g_assert_cmpuint(stats.live_blocks, ==, 0);
    if (before == 0 || full == 0 || after == 0) {
        g_test_skip("/proc/self/statm cannot be read here");
    } else {
        g_assert_cmpuint(full, >=, before + 120 * MIB);
        g_assert_cmpuint(after + 115 * MIB, <=, full);
    }
    assert_ok(book_alloc(&book, 30 * MIB, 0, RM_ZERO)); /* and come back, as zeros */
    assert_sound(book_verify(&book));
    assert_ok(rm_heap_destroy(heap));
    book_finish(&book);
}

/* Pages between blocks go as well; blocks beside them keep content and place. */
static void test_trim_holes(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        rm_heap_t *heap = growable_heap(0, c);
        struct rng rng = test_rng();
        struct book book;

        book_init(&book, heap);
        for (unsigned round = 0; round < 25; round++) {
            rm_stats_t before, after;
            unsigned char *at = NULL;

            book_shuffle(&book, &rng, 60, SHAPE_LOG, 300000, true);
            for (size_t n = book.n / 2; n > 0; n--) {
                size_t i = (size_t)rng_below(&rng, book.n);

                if (book.blocks[i].locks == 0) assert_ok(book_free(&book, i));
            }
            assert_sound(book_verify(&book)); /* completes what is half moved */
            if (book.n > 0) at = book_address(&book, 0);
            assert_ok(rm_heap_stats(heap, &before));
            assert_ok(rm_heap_trim(heap));
            assert_ok(rm_heap_stats(heap, &after));
            g_assert_cmpuint(after.moved, ==, before.moved); /* Moves: no */
            g_assert_cmpuint(after.used, ==, before.used);
            g_assert_cmpuint(after.requested, ==, before.requested);
            g_assert_cmpuint(after.capacity, <=, before.capacity);
            g_assert_cmpuint(after.free, <=, before.free);
            g_assert_cmpuint(after.peak_capacity, ==, before.peak_capacity);
            g_assert_true(book.n == 0 || book_address(&book, 0) == at);
            assert_sound(trimmed_fault(heap));
            assert_sound(heap_fault(heap));
            assert_sound(book_verify(&book));
            assert_ok(rm_heap_trim(heap)); /* nothing left: nothing changes */
            assert_ok(rm_heap_stats(heap, &before));
            g_assert_cmpuint(after.capacity, ==, before.capacity);
            /* the holes are used again */
            for (unsigned i = 0; i < 20; i++)
                assert_ok(book_alloc(&book, rng_size(&rng, SHAPE_LOG, 100000), 0,
                                     rng_chance(&rng, 50) ? RM_ZERO : 0));
            if (round % 5 == 0) {
                assert_ok(rm_heap_compact(heap, NULL, NULL));
                assert_sound(heap_fault(heap));
            }
            assert_sound(book_verify(&book));
        }
        assert_ok(rm_heap_destroy(heap));
        book_finish(&book);
    }
}

/* After 95 % are freed: compacted and trimmed, the heap is near what is left. */
static void test_shrinks(void) {
    rm_heap_t *heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
    struct rng rng = test_rng();
    struct book book;
    rm_stats_t stats;

    book_init(&book, heap);
    while (book.requested < 32 * MIB)
        assert_ok(book_alloc(&book, rng_size(&rng, SHAPE_MIXED, 3000), 0, 0));
    for (size_t n = book.n * 95 / 100; n > 0; n--)
        assert_ok(book_free(&book, (size_t)rng_below(&rng, book.n)));
    assert_ok(rm_heap_compact(heap, NULL, NULL));
    assert_sound(heap_complete_fault(heap, 0));
    assert_ok(rm_heap_trim(heap));
    assert_ok(rm_heap_stats(heap, &stats));
    g_assert_cmpfloat((double)stats.extent, <=,
                      1.02 * (double)stats.requested + 12.0 * (double)stats.live_blocks);
    g_assert_cmpuint(stats.capacity, <, 8 * MIB); /* 1.6 MiB and the handle table */
    assert_sound(book_verify(&book));
    assert_sound(heap_fault(heap));
    assert_ok(rm_heap_destroy(heap));
    book_finish(&book);
}

/* In caller's memory there is nothing to give. */
static void test_trim_region(void) {
    struct site site;
    struct rng rng = test_rng();
    struct picture before, after;

    site_open(&site, MIB, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    assert_ok(rm_heap_trim(site.heap));
    book_shuffle(&site.book, &rng, 300, SHAPE_MIXED, 9000, true);
    assert_ok(rm_heap_trim(site.heap)); /* the table's last free slots are the area's now */
    assert_sound(picture_take(&before, site.heap));
    assert_ok(rm_heap_trim(site.heap));
    assert_sound(picture_take(&after, site.heap));
    assert_sound(picture_same(&before, &after));
    picture_finish(&before);
    picture_finish(&after);
    site_close(&site);
}

/* Large blocks, some of which move by whole pages. */
static void test_large(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        rm_heap_t *heap = growable_heap(0, c);
        struct rng rng = test_rng();
        struct book book;

        book_init(&book, heap);
        for (unsigned round = 0; round < 120; round++) {
            size_t size = rng_between(&rng, 200000, 3000000);

            if (book.requested + size < 40 * MIB)
                assert_ok(book_alloc(&book, size, rng_chance(&rng, 20) ? 4096 : 0, 0));
            else
                assert_ok(book_free(&book, (size_t)rng_below(&rng, book.n)));
            if (round % 10 == 0 && book.n > 0)
                assert_ok(book_resize(&book, (size_t)rng_below(&rng, book.n), size));
            if (round % 20 == 0) {
                assert_ok(rm_heap_compact(heap, NULL, NULL));
                assert_sound(book_verify(&book));
                assert_sound(heap_fault(heap));
            }
        }
        assert_sound(book_verify(&book));
        assert_ok(rm_heap_destroy(heap));
        book_finish(&book);
    }
}

/* What has been free for a long time is given back while others are made and freed; nothing moves. */
static void test_ebbs(void) {
    rm_heap_t *heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
    rm_stats_t before, after;
    struct book book;
    rm_memory_t *other;

    book_init(&book, heap);
    for (size_t i = 0; i < 300; i++) assert_ok(book_alloc(&book, 65536, 0, 0));
    for (size_t i = 0; i < 200; i++) assert_ok(book_free(&book, 50));
    assert_ok(rm_heap_stats(heap, &before));
    for (size_t i = 0; i < 200000; i++) {
        assert_ok(rm_heap_alloc(heap, &other, 9000, 0, 0));
        assert_ok(rmfree(other));
    }
    assert_ok(rm_heap_stats(heap, &after));
    g_assert_cmpuint(after.capacity, <=, before.capacity - MIB / 2);
    g_assert_cmpuint(after.moved, ==, before.moved);
    assert_sound(book_verify(&book));
    assert_sound(heap_fault(heap));
    assert_ok(rm_heap_destroy(heap));
    book_finish(&book);
}

/* What a block held that is larger than any freed before goes at once; what comes and goes stays. */
static void test_large_freed(void) {
    rm_heap_t *heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
    rm_stats_t with, without;
    struct book book;

    book_init(&book, heap);
    assert_ok(book_alloc(&book, 4 * MIB, 0, 0));
    assert_ok(book_alloc(&book, 100, 0, 0)); /* it is not the last */
    assert_ok(rm_heap_stats(heap, &with));
    assert_ok(book_free(&book, 0));
    assert_ok(rm_heap_stats(heap, &without));
    g_assert_cmpuint(without.capacity, <, with.capacity - 4 * MIB + MIB / 8);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(book_alloc(&book, 4 * MIB, 0, 0));
        assert_ok(rm_heap_stats(heap, &with));
        assert_ok(book_free(&book, 1));
        assert_ok(rm_heap_stats(heap, &without));
        g_assert_cmpuint(without.capacity, ==, with.capacity);
    }
    assert_sound(book_verify(&book));
    assert_sound(heap_fault(heap));
    assert_ok(rm_heap_destroy(heap));
    book_finish(&book);
}

/* An array that grows by half again and again, with small blocks behind it each time, so that it has to
   go elsewhere: by pages where the system does that. */
static void test_array(void) {
    rm_heap_t *heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
    struct rng rng = test_rng();
    struct book book;

    book_init(&book, heap);
    assert_ok(book_alloc(&book, MIB / 4, 0, 0));
    for (size_t size = MIB / 4; size < 24 * MIB; size += size / 2 + rng_below(&rng, 9999)) {
        for (size_t i = 0; i < 50; i++)
            assert_ok(book_alloc(&book, rng_below(&rng, 9999), 0, 0));
        assert_ok(book_resize(&book, 0, size));
        assert_sound(book_verify(&book));
        assert_sound(heap_fault(heap));
    }
    assert_ok(rm_heap_compact(heap, NULL, NULL));
    assert_sound(book_verify(&book));
    assert_sound(heap_fault(heap));
    assert_ok(rm_heap_destroy(heap));
    book_finish(&book);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/growable/commit", test_commit);
    g_test_add_func("/growable/trim-all", test_trim_all);
    g_test_add_func("/growable/trim-holes", test_trim_holes);
    g_test_add_func("/growable/shrinks", test_shrinks);
    g_test_add_func("/growable/trim-region", test_trim_region);
    g_test_add_func("/growable/ebbs", test_ebbs);
    g_test_add_func("/growable/large", test_large);
    g_test_add_func("/growable/large-freed", test_large_freed);
    g_test_add_func("/growable/array", test_array);
    return g_test_run();
}
