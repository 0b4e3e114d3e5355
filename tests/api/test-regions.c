/* SPDX-License-Identifier: MIT */
/*
 * A region of the caller's: of any size and at any address; everything is in it,
 * and nothing is written outside (guard pages and canaries on both ends).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

/* What an empty heap must be able to do, however small. */
static void use(rm_heap_t *heap, const struct guarded *region, struct rng *rng) {
    struct book book;
    rm_stats_t stats;

    assert_sound(heap_fault(heap));
    assert_ok(rm_heap_stats(heap, &stats));
    g_assert_cmpuint(stats.capacity, ==, region->size); /* the region */
    g_assert_cmpuint(stats.limit, ==, region->size);
    g_assert_cmpuint(stats.peak_capacity, ==, region->size);
    g_assert_cmpuint(stats.live_blocks, ==, 0);
    g_assert_cmpuint(stats.used, ==, 0);
    book_init(&book, heap);
    book_fill(&book, rng, SHAPE_MIXED, region->size);
    for (size_t i = 0; i < book.n; i++) {
        unsigned char *at = book_address(&book, i);

        g_assert_true(at >= region->memory);
        g_assert_true(at + book.blocks[i].size <= region->memory + region->size);
    }
    assert_sound(book_verify(&book));
    assert_sound(heap_fault(heap));
    assert_sound(guarded_fault(region));
    book_free_all(&book);
    assert_sound(heap_fault(heap));
    compact_fully(heap, 0);
    assert_ok(rm_heap_stats(heap, &stats));
    g_assert_cmpuint(stats.used, ==, 0);
    book_finish(&book);
}

/* True where a heap fitted in. */
static bool attempt(size_t size, enum guarded_place place, size_t shift,
                    rm_threads_t threads, struct rng *rng) {
    struct guarded region;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap = (void *)(uintptr_t)16;
    rm_status_t status;

    guarded_init(&region, size, place, shift);
    options.memory = region.memory;
    options.size = size;
    options.threads = threads;
    status = rm_heap_create(&heap, &options);
    if (status == RM_OK) {
        g_assert_nonnull(heap);
        use(heap, &region, rng);
        assert_ok(rm_heap_destroy(heap));
    } else {
        assert_status(status, RM_ENOMEM);
        g_assert_null(heap);
    }
    assert_sound(guarded_fault(&region));
    guarded_finish(&region);
    return status == RM_OK;
}

/* Every size from 0, flush with either guard page. */
static void test_tiny(void) {
    struct rng rng = test_rng();
    size_t least = SIZE_MAX, n_refused = 0;

    g_assert_cmpuint(RM_HEAP_SIZE_MIN, <, 4096);
    for (size_t size = 0; size <= RM_HEAP_SIZE_MIN + 300; size++)
        for (unsigned low = 0; low < 2; low++) {
            bool fits = attempt(size, low ? GUARDED_LOW : GUARDED_HIGH, 0,
                                size % 2 ? RM_THREADS_NONE : RM_THREADS_SAFE, &rng);

            if (size >= RM_HEAP_SIZE_MIN) g_assert_true(fits); /* always suffices */
            if (fits && size < least) least = size;
            n_refused += !fits;
        }
    g_test_message("the smallest region that held a heap: %zu bytes", least);
    g_assert_cmpuint(n_refused, >, 0);
}

/* At every address modulo 64, and of every size modulo 16. */
static void test_unaligned(void) {
    static const size_t sizes[] = {RM_HEAP_SIZE_MIN, 4096, 5000, 20001};
    struct rng rng = test_rng();

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        for (size_t shift = 0; shift < 80; shift++) {
            g_assert_true(attempt(sizes[i], GUARDED_LOW, shift, RM_THREADS_SAFE, &rng));
            g_assert_true(attempt(sizes[i] + shift % 17, GUARDED_HIGH, shift,
                                  RM_THREADS_NONE, &rng));
        }
}

/* Hard use at odd addresses: alignment and canaries hold. */
static void test_hard_use(void) {
    for (unsigned round = 0; round < 24; round++) {
        struct rng rng = test_rng();
        struct guarded region;
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        rm_heap_t *heap = NULL;
        struct book book;
        size_t size = rng_between(&rng, 4000, 200000);

        guarded_init(&region, size, round % 2 ? GUARDED_LOW : GUARDED_HIGH,
                     (size_t)rng_below(&rng, 100));
        options.memory = region.memory;
        options.size = size;
        options.compaction = (rm_compaction_t)(round % 3);
        assert_ok(rm_heap_create(&heap, &options));
        book_init(&book, heap);
        for (unsigned k = 0; k < 10; k++) {
            book_shuffle(&book, &rng, 300, SHAPE_MIXED, size / 10, true);
            for (unsigned i = 0; i < 20; i++)
                (void)book_alloc(&book, rng_below(&rng, 200),
                                 (size_t)1 << rng_below(&rng, 13), RM_ZERO);
            assert_sound(book_verify(&book));
            assert_sound(heap_fault(heap));
            assert_sound(guarded_fault(&region));
            assert_ok(rm_heap_compact(heap, NULL, NULL));
            assert_sound(book_verify(&book));
        }
        assert_ok(rm_heap_destroy(heap));
        assert_sound(guarded_fault(&region));
        guarded_finish(&region);
        book_finish(&book);
    }
}

/* Pages of address space in use, from the system. */
static unsigned long pages_mapped(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    if (file == NULL) return 0;
    if (fscanf(file, "%lu", &pages) != 1) pages = 0;
    fclose(file);
    return pages;
}

/* A heap in a region uses no other memory: the process does not grow. */
static void test_no_other_memory(void) {
    struct site site;
    struct rng rng = test_rng();
    unsigned long before, after;

    site_open(&site, (size_t)8 << 20, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    book_shuffle(&site.book, &rng, 15000, SHAPE_MIXED, 20000, true);
    compact_fully(site.heap, 0);
    book_free_all(&site.book); /* the books and this process now have their room */
    before = pages_mapped();
    before = pages_mapped();
    book_shuffle(&site.book, &rng, 12000, SHAPE_MIXED, 20000, true);
    assert_ok(rm_heap_compact(site.heap, NULL, NULL));
    after = pages_mapped();
    if (before == 0 || after == 0)
        g_test_skip("/proc/self/statm cannot be read here");
    else
        g_assert_cmpuint(after, <=, before + 16);
    site_close(&site);
}

/* Regions side by side, used in turn, do not touch each other. */
static void test_side_by_side(void) {
    enum { HEAPS = 16 };
    struct guarded region;
    struct rng rng = test_rng();
    rm_heap_t *heaps[HEAPS];
    struct book books[HEAPS];
    const size_t each = 9001;

    guarded_init(&region, HEAPS * each, GUARDED_HIGH, 0);
    for (size_t i = 0; i < HEAPS; i++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

        options.memory = region.memory + i * each;
        options.size = each;
        assert_ok(rm_heap_create(&heaps[i], &options));
        book_init(&books[i], heaps[i]);
    }
    for (unsigned round = 0; round < 200; round++) {
        size_t i = (size_t)rng_below(&rng, HEAPS);

        book_shuffle(&books[i], &rng, 100, SHAPE_MIXED, 1000, true);
        if (round % 10 == 0)
            for (size_t k = 0; k < HEAPS; k++) {
                assert_sound(book_verify(&books[k]));
                assert_sound(heap_fault(heaps[k]));
            }
    }
    for (size_t i = 0; i < HEAPS; i++) {
        assert_ok(rm_heap_destroy(heaps[i]));
        book_finish(&books[i]);
    }
    assert_sound(guarded_fault(&region));
    guarded_finish(&region);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/regions/tiny", test_tiny);
    g_test_add_func("/regions/unaligned", test_unaligned);
    g_test_add_func("/regions/hard-use", test_hard_use);
    g_test_add_func("/regions/no-other-memory", test_no_other_memory);
    g_test_add_func("/regions/side-by-side", test_side_by_side);
    return g_test_run();
}
