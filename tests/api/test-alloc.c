/* SPDX-License-Identifier: MIT */
/*
 * rm_heap_alloc: zeros, alignments up to 4096 kept through every move, and
 * RM_NO_COMPACT, which moves nothing under any policy.
 */
#include <string.h>

#include "util.h"

static void test_zero(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        struct site site;
        struct rng rng = test_rng();

        site_open(&site, 200000, RM_THREADS_SAFE, c); /* a region full of garbage */
        for (unsigned i = 0; i < 4000; i++) {
            if (rng_chance(&rng, 60))
                (void)book_alloc(&site.book, rng_size(&rng, SHAPE_MIXED, 9000),
                                 rng_chance(&rng, 20) ? 64 : 0, RM_ZERO); /* verifies */
            else if (site.book.n > 0)
                assert_ok(book_free(&site.book, (size_t)rng_below(&rng, site.book.n)));
        }
        g_assert_cmpuint(site.book.n_allocated, >, 1000);
        site_close(&site);
    }
}

/* Zeros also in pages that were given back and taken again. */
static void test_zero_growable(void) {
    rm_heap_t *heap = growable_heap((size_t)64 << 20, RM_COMPACT_ON_DEMAND);
    struct book book;
    struct rng rng = test_rng();

    book_init(&book, heap);
    for (unsigned i = 0; i < 60; i++) {
        assert_ok(book_alloc(&book, rng_size(&rng, SHAPE_LOG, 2000000), 0, RM_ZERO));
        if (book.n > 8) assert_ok(book_free(&book, (size_t)rng_below(&rng, book.n)));
        if (i % 7 == 0) assert_ok(rm_heap_trim(heap));
    }
    assert_sound(book_verify(&book));
    assert_sound(heap_fault(heap));
    assert_ok(rm_heap_destroy(heap));
    book_finish(&book);
}

/* ---------------------------------------------------------------- alignment */

static void test_alignments(void) {
    struct site site;
    struct rng rng = test_rng();

    g_assert_cmpuint(RM_ALIGNMENT_MAX, >=, 4096);
    site_open(&site, (size_t)6 << 20, RM_THREADS_NONE, RM_COMPACT_ON_DEMAND);
    for (size_t alignment = 1; alignment <= RM_ALIGNMENT_MAX; alignment *= 2)
        for (size_t size = 0; size < 3000; size = size * 2 + rng_between(&rng, 1, 9)) {
            assert_ok(book_alloc(&site.book, size, alignment, 0));
            assert_ok(book_alloc(&site.book, rng_between(&rng, 0, 99), 0, 0));
        }
    site_verify(&site);
    while (site.book.n > 10) {
        compact_fully(site.heap, RM_ALIGNMENT_MAX);
        assert_sound(book_verify(&site.book));
        for (size_t drop = site.book.n / 6 + 1; drop > 0; drop--)
            assert_ok(book_free(&site.book, (size_t)rng_below(&rng, site.book.n)));
        for (size_t i = 0; i < site.book.n; i += 7) /* kept for the block's life */
            assert_ok(book_resize(&site.book, i, rng_between(&rng, 0, 4000)));
        assert_sound(book_verify(&site.book));
    }
    site_close(&site);
}

/* 1, 2, 4, 8 and 16 are powers of two as well; the rule holds all the same. */
static void test_small_alignments(void) {
    struct site site;

    site_open(&site, (size_t)1 << 20, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    for (size_t alignment = 1; alignment <= 16; alignment *= 2)
        for (size_t size = 0; size <= 400; size++)
            assert_ok(book_alloc(&site.book, size, alignment, 0));
    site_verify(&site);
    compact_fully(site.heap, 0);
    site_close(&site);
}

/* Aligned blocks among others in a small, often full region. */
static void aligned_churn(rm_compaction_t compaction) {
    struct site site;
    struct rng rng = test_rng();
    size_t n_aligned = 0;

    site_open(&site, 100000, RM_THREADS_SAFE, compaction);
    for (unsigned i = 0; i < 6000; i++) {
        size_t asked = rng_chance(&rng, 25) ? (size_t)1 << rng_below(&rng, 13) : 0;

        if (rng_chance(&rng, 55)) {
            rm_status_t status =
                book_alloc(&site.book, rng_size(&rng, SHAPE_MIXED, 3000), asked, 0);

            if (status != RM_OK) assert_status(status, RM_ENOMEM);
            n_aligned += status == RM_OK && asked > 16;
        } else if (site.book.n > 0) {
            assert_ok(book_free(&site.book, (size_t)rng_below(&rng, site.book.n)));
        }
        if (i % 100 == 0) site_verify(&site);
        if (i % 500 == 0) compact_fully(site.heap, RM_ALIGNMENT_MAX);
    }
    g_assert_cmpuint(n_aligned, >, 100);
    site_close(&site);
}

static void test_aligned_churn(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++)
        aligned_churn(c);
}

/* ------------------------------------------------------------- RM_NO_COMPACT */

static void no_compact(rm_compaction_t compaction) {
    struct site site;
    struct rng rng = test_rng();
    size_t n_failed = 0, n_helped = 0;

    site_open(&site, 60000, RM_THREADS_SAFE, compaction);
    for (unsigned round = 0; round < 400; round++) {
        struct picture before, after;
        size_t size = rng_size(&rng, SHAPE_MIXED, 20000);
        unsigned char *at[2000];
        size_t n;
        rm_status_t status;

        book_shuffle(&site.book, &rng, 10, SHAPE_MIXED, 2000, false);
        n = MIN(site.book.n, G_N_ELEMENTS(at));
        for (size_t i = 0; i < n; i++) at[i] = book_address(&site.book, i);
        assert_sound(picture_take(&before, site.heap));
        status = book_alloc(&site.book, size, 0, RM_NO_COMPACT);
        assert_sound(picture_take(&after, site.heap));
        g_assert_cmpuint(after.stats.moved, ==, before.stats.moved);
        g_assert_cmpuint(after.stats.moved_blocks, ==, before.stats.moved_blocks);
        for (size_t i = 0; i < n; i++)
            g_assert_true(book_address(&site.book, i) == at[i]);
        if (status != RM_OK) {
            assert_status(status, RM_ENOMEM);
            assert_sound(picture_same(&before, &after));
            n_failed++;
            n_helped += book_alloc(&site.book, size, 0, 0) == RM_OK;
        }
        picture_finish(&before);
        picture_finish(&after);
        while (site.book.requested > 45000)
            assert_ok(book_free(&site.book, (size_t)rng_below(&rng, site.book.n)));
    }
    g_assert_cmpuint(n_failed, >, 0);
    if (compaction != RM_COMPACT_MANUAL)
        g_assert_cmpuint(n_helped, >, 0); /* what moves could do, moves did */
    else
        g_assert_cmpuint(n_helped, ==, 0);
    site_close(&site);
}

static void test_no_compact(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++)
        no_compact(c);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/alloc/zero", test_zero);
    g_test_add_func("/alloc/zero-growable", test_zero_growable);
    g_test_add_func("/alloc/alignments", test_alignments);
    g_test_add_func("/alloc/small-alignments", test_small_alignments);
    g_test_add_func("/alloc/aligned-churn", test_aligned_churn);
    g_test_add_func("/alloc/no-compact", test_no_compact);
    return g_test_run();
}
