/* SPDX-License-Identifier: MIT */
/*
 * "Heaps": created with each option, destroyed with everything in them, 4,096 at
 * once, the default heap and NULL for it.
 */
#include <string.h>
#include <unistd.h>

#include "util.h"

/* ---------------------------------------------------------------- the default */

static void test_default(void) {
    rm_heap_t *heap = rm_heap_default();
    rm_memory_t *block = NULL, *other = NULL;
    rm_stats_t named, unnamed;
    rm_progress_t progress;
    size_t largest, same;

    g_assert_nonnull(heap);
    g_assert_true(rm_heap_default() == heap);
    assert_ok(rm_heap_alloc(NULL, &block, 1000, 64, RM_ZERO)); /* NULL: that one */
    assert_ok(rm_heap_alloc(heap, &other, 1000, 0, 0));
    assert_ok(rm_heap_stats(NULL, &unnamed));
    assert_ok(rm_heap_stats(heap, &named));
    g_assert_cmpint(memcmp(&named, &unnamed, sizeof(named)), ==, 0);
    g_assert_cmpuint(named.live_blocks, ==, 2);
    assert_ok(rm_heap_stats_quick(NULL, &unnamed));
    g_assert_cmpuint(unnamed.requested, ==, 2000);
    assert_ok(rm_heap_largest(NULL, true, &largest));
    assert_ok(rm_heap_largest(heap, true, &same));
    g_assert_cmpuint(largest, ==, same);
    assert_ok(rmfree(block));
    assert_ok(rm_heap_compact(NULL, NULL, &progress));
    g_assert_true(progress.complete);
    assert_ok(rm_heap_trim(NULL));
    assert_ok(rm_heap_check(NULL, NULL));
    assert_sound(heap_fault(NULL));
    assert_status(rm_heap_destroy(NULL), RM_EINVAL); /* not in this call */
    assert_ok(rmfree(other));
}

/* Destroyed, the next call that needs it makes a new one. */
static void test_default_remade(void) {
    rm_heap_t *old = rm_heap_default();

    for (unsigned i = 0; i < 2000; i++) {
        rm_memory_t *block = NULL, *fresh = NULL;
        rm_heap_t *heap = NULL;
        rm_stats_t stats;

        assert_ok(rmalloc(&block, 100));
        assert_ok(rm_heap_destroy(old));
        assert_refused(block);
        assert_status(rm_heap_trim(old), RM_EINVAL);
        switch (i % 4) {
        case 0: assert_ok(rmalloc(&fresh, 10)); break;
        case 1: assert_ok(rm_heap_alloc(NULL, &fresh, 10, 0, 0)); break;
        case 2:
            assert_ok(rm_heap_stats(NULL, &stats));
            g_assert_cmpuint(stats.live_blocks, ==, 0);
            break;
        default: break;
        }
        heap = rm_heap_default();
        g_assert_nonnull(heap);
        g_assert_true(heap != old);
        assert_refused(block);
        assert_ok(rmfree(fresh));
        old = heap;
    }
    assert_sound(heap_fault(NULL));
}

/* ------------------------------------------------------------------- options */

static void test_defaults(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap[2] = {NULL, NULL};
    rm_stats_t stats[2];

    g_assert_null(options.memory);
    g_assert_cmpuint(options.size, ==, 0);
    g_assert_cmpint(options.threads, ==, RM_THREADS_SAFE);
    g_assert_cmpint(options.threads, ==, 0);
    g_assert_cmpint(options.compaction, ==, RM_COMPACT_ON_DEMAND);
    g_assert_cmpint(options.compaction, ==, 0);
    assert_ok(rm_heap_create(&heap[0], NULL)); /* takes the defaults */
    assert_ok(rm_heap_create(&heap[1], &options));
    g_assert_true(heap[0] != heap[1]);
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(rm_heap_stats(heap[i], &stats[i]));
        assert_sound(heap_fault(heap[i]));
        g_assert_cmpuint(stats[i].limit, <=, (size_t)16 << 30);
        g_assert_cmpuint(stats[i].limit, >=, (size_t)64 << 20);
        assert_ok(rm_heap_destroy(heap[i]));
    }
    g_assert_cmpuint(stats[0].limit, ==, stats[1].limit);
    g_assert_cmpuint(stats[0].capacity, ==, stats[1].capacity);
}

static void test_options(void) {
    struct rng rng = test_rng();

    for (rm_threads_t t = RM_THREADS_SAFE; t <= RM_THREADS_NONE; t++)
        for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++)
            for (unsigned growable = 0; growable < 2; growable++) {
                struct guarded region;
                rm_heap_options_t options = {NULL, 300000, t, c, {0, 0, 0, 0}, false, 0};
                rm_heap_options_t given;
                rm_heap_t *heap = NULL;
                struct book book;

                guarded_init(&region, 300000, GUARDED_HIGH, 0);
                options.memory = growable ? NULL : region.memory;
                given = options;
                assert_ok(rm_heap_create(&heap, &options));
                g_assert_cmpint(memcmp(&given, &options, sizeof(given)), ==, 0);
                memset(&options, 0xff, sizeof(options)); /* not needed any more */
                book_init(&book, heap);
                book_shuffle(&book, &rng, 2000, SHAPE_MIXED, 3000, true);
                assert_sound(book_verify(&book));
                assert_sound(heap_fault(heap));
                assert_ok(rm_heap_destroy(heap));
                assert_sound(guarded_fault(&region));
                guarded_finish(&region);
                book_finish(&book);
            }
}

/* Without memory: size is the most it may grow to, rounded down to whole pages. */
static void test_growth_limit(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t sizes[] = {1,
                      100,
                      page - 1,
                      page,
                      page + 1,
                      2 * page,
                      3 * page - 1,
                      10 * page + 5,
                      100 * page,
                      1000 * page + page / 2,
                      RM_HEAP_SIZE_MIN};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        rm_heap_t *heap = (void *)(uintptr_t)16;
        struct book book;
        struct rng rng = test_rng();
        rm_stats_t stats;
        rm_status_t status;

        options.size = sizes[i];
        status = rm_heap_create(&heap, &options);
        if (status == RM_ENOMEM) {
            g_assert_null(heap);
            g_assert_cmpuint(sizes[i], <, 4 * page); /* above it must do */
            continue;
        }
        assert_ok(status);
        assert_ok(rm_heap_stats(heap, &stats));
        g_assert_cmpuint(stats.limit, ==, sizes[i] / page * page);
        book_init(&book, heap);
        book_fill(&book, &rng, SHAPE_MIXED, 20 * page);
        assert_ok(rm_heap_stats(heap, &stats));
        g_assert_cmpuint(stats.capacity, <=, sizes[i]);
        g_assert_cmpuint(stats.peak_capacity, <=, sizes[i]);
        g_assert_cmpuint(stats.free, <, 16 + handle_need(&book)); /* to the brim */
        assert_sound(book_verify(&book));
        assert_sound(heap_fault(heap));
        assert_ok(rm_heap_destroy(heap));
        book_finish(&book);
    }
}

/* ------------------------------------------------------------------ how many */

static void test_many(void) {
    rm_heap_t **heaps = g_new0(rm_heap_t *, RM_HEAPS_MAX + 1);
    rm_memory_t **blocks = g_new0(rm_memory_t *, RM_HEAPS_MAX + 1);
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct guarded region;

    g_assert_cmpuint(RM_HEAPS_MAX, >=, 4096);
    assert_ok(rm_heap_destroy(rm_heap_default()));
    guarded_init(&region, RM_HEAPS_MAX * RM_HEAP_SIZE_MIN, GUARDED_HIGH, 0);
    options.size = RM_HEAP_SIZE_MIN;
    for (unsigned round = 0; round < 3; round++) {
        rm_heap_t *more = (void *)(uintptr_t)16;
        rm_memory_t *block = (void *)(uintptr_t)16;

        for (size_t i = 0; i < RM_HEAPS_MAX; i++) {
            options.memory = region.memory + i * RM_HEAP_SIZE_MIN;
            options.threads = i % 2 ? RM_THREADS_NONE : RM_THREADS_SAFE;
            assert_ok(rm_heap_create(&heaps[i], &options));
            assert_ok(rm_heap_alloc(heaps[i], &blocks[i], i % 100, 0, RM_ZERO));
        }
        assert_status(rm_heap_create(&more, NULL), RM_ENOMEM);
        g_assert_null(more);
        /* The default heap may have a place beside them; else it cannot be made. */
        if (rm_heap_default() == NULL) {
            assert_status(rmalloc(&block, 1), RM_ENOMEM);
            g_assert_null(block);
        } else {
            assert_ok(rmalloc(&block, 1));
            assert_ok(rmfree(block));
            assert_status(rm_heap_create(&more, NULL), RM_ENOMEM);
        }
        for (size_t i = 0; i < RM_HEAPS_MAX; i++) {
            rm_heap_t *home = NULL;

            assert_ok(rmheap(blocks[i], &home));
            g_assert_true(home == heaps[i]);
            assert_ok(rm_heap_check(heaps[i], NULL));
        }
        /* one place is enough for the default heap */
        assert_ok(rm_heap_destroy(heaps[round * 1000]));
        assert_ok(rmalloc(&block, 1));
        for (size_t i = 0; i < RM_HEAPS_MAX; i++)
            if (i != round * 1000) assert_ok(rm_heap_destroy(heaps[i]));
        for (size_t i = 0; i < RM_HEAPS_MAX; i++)
            assert_status(rmunlock(blocks[i]), RM_EHANDLE);
        assert_ok(rm_heap_destroy(rm_heap_default()));
    }
    assert_sound(guarded_fault(&region));
    guarded_finish(&region);
    g_free(heaps);
    g_free(blocks);
}

/* Growable ones reserve address space: some of all that can be had, many of a little. */
static void test_many_growable(void) {
    rm_heap_t *heaps[100];

    for (size_t i = 0; i < 100; i++) {
        rm_memory_t *block = NULL;

        heaps[i] = growable_heap(i < 4 ? 0 : (size_t)64 << 20, RM_COMPACT_ON_DEMAND);
        assert_ok(rm_heap_alloc(heaps[i], &block, 100000, 0, 0));
    }
    for (size_t i = 0; i < 100; i++) assert_ok(rm_heap_destroy(heaps[i]));
}

/* ------------------------------------------------------------------- destroy */

static void test_destroy(void) {
    for (unsigned growable = 0; growable < 2; growable++) {
        struct site site;
        struct rng rng = test_rng();

        site_open(&site, 100000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        if (growable) {
            assert_ok(rm_heap_destroy(site.heap));
            site.heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
            site.book.heap = site.heap;
        }
        book_shuffle(&site.book, &rng, 500, SHAPE_MIXED, 1000, true);
        while (site.book.n_locked < 5)
            assert_ok(book_lock(&site.book, (size_t)rng_below(&rng, site.book.n)));
        assert_sound(book_verify(&site.book));
        assert_ok(rm_heap_destroy(site.heap));              /* locked ones too */
        memset(site.region.memory, 0x5A, site.region.size); /* the caller's again */
        for (size_t i = 0; i < site.book.n; i++)
            assert_refused(site.book.blocks[i].handle);
        assert_status(rm_heap_destroy(site.heap), RM_EINVAL);
        for (size_t i = 0; i < site.region.size; i++)
            g_assert_cmpuint(site.region.memory[i], ==, 0x5A);
        book_finish(&site.book);
        guarded_finish(&site.region);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/heaps/default", test_default);
    g_test_add_func("/heaps/default-remade", test_default_remade);
    g_test_add_func("/heaps/defaults", test_defaults);
    g_test_add_func("/heaps/options", test_options);
    g_test_add_func("/heaps/growth-limit", test_growth_limit);
    g_test_add_func("/heaps/many", test_many);
    g_test_add_func("/heaps/many-growable", test_many_growable);
    g_test_add_func("/heaps/destroy", test_destroy);
    return g_test_run();
}
