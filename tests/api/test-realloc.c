/* SPDX-License-Identifier: MIT */
/*
 * "rmrealloc keeps the handle": what shrinks keeps its place and alignment, what
 * grows keeps content and the rule, a locked block grows into the free span right
 * behind it or not at all. (That it never fails for want of a place: test-memory.)
 */
#include <string.h>

#include "util.h"

/* ----------------------------------------------------------------- shrinking */

/* Each size to each smaller one: same handle, same place, content kept. */
static void test_shrink_keeps_place(void) {
    struct site site;
    struct rng rng = test_rng();

    site_open(&site, (size_t)1 << 20, RM_THREADS_NONE, RM_COMPACT_ON_DEMAND);
    for (size_t from = 0; from <= 2048; from += from < 300 ? 1 : 37) {
        assert_ok(book_alloc(&site.book, rng_between(&rng, 0, 100), 0, 0));
        assert_ok(book_alloc(&site.book, from, 0, 0));
        for (size_t to = from;;) {
            unsigned char *at = book_address(&site.book, site.book.n - 1);

            assert_ok(book_resize(&site.book, site.book.n - 1, to));
            g_assert_true(book_address(&site.book, site.book.n - 1) == at);
            assert_sound(book_verify_one(&site.book, site.book.n - 1));
            if (to == 0) break;
            to = to > 40 ? rng_between(&rng, to / 2, to - 1) : to - 1;
        }
        assert_ok(book_free(&site.book, site.book.n - 1));
    }
    site_close(&site);
}

/* "... and the alignment it has", also when it moves later. */
static void test_shrink_keeps_alignment(void) {
    struct site site;
    struct rng rng = test_rng();

    site_open(&site, (size_t)1 << 20, RM_THREADS_NONE, RM_COMPACT_ON_DEMAND);
    for (unsigned i = 0; i < 2000; i++) {
        size_t asked = rng_chance(&rng, 30) ? (size_t)1 << rng_below(&rng, 9) : 0;

        assert_ok(book_alloc(&site.book, rng_between(&rng, 0, 300), asked, 0));
    }
    for (size_t i = 0; i < site.book.n; i++)
        assert_ok(
            book_resize(&site.book, i, rng_between(&rng, 0, site.book.blocks[i].size)));
    assert_sound(book_verify(&site.book));
    while (site.book.n > 100) {
        for (unsigned drop = 0; drop < 100; drop++)
            assert_ok(book_free(&site.book, (size_t)rng_below(&rng, site.book.n)));
        compact_fully(site.heap, 256);
        assert_sound(book_verify(&site.book));
    }
    site_close(&site);
}

static void test_zero(void) {
    struct site site;
    size_t size;

    site_open(&site, 65536, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    for (size_t from = 0; from < 3000; from += 100) {
        struct book *book = &site.book;

        assert_ok(book_alloc(book, from, 0, 0));
        assert_ok(book_resize(book, book->n - 1, 0)); /* live, of size 0 */
        assert_ok(rmsize(book->blocks[book->n - 1].handle, &size));
        g_assert_cmpuint(size, ==, 0);
        g_assert_nonnull(book_address(book, book->n - 1));
        assert_ok(book_resize(book, book->n - 1, 500));
        assert_ok(book_resize(book, book->n - 1, 0));
        site_verify(&site);
    }
    site_close(&site);
}

/* ------------------------------------------------------------------- growing */

static void test_growth(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        struct site site;
        struct rng rng = test_rng();

        site_open(&site, (size_t)1 << 20, RM_THREADS_SAFE, c);
        for (unsigned i = 0; i < 300; i++) {
            size_t asked = rng_chance(&rng, 30) ? (size_t)1 << rng_below(&rng, 13) : 0;

            assert_ok(book_alloc(&site.book, rng_between(&rng, 0, 60), asked, 0));
        }
        for (unsigned round = 0; round < 3000; round++) {
            size_t i = (size_t)rng_below(&rng, site.book.n);
            size_t size = rng_size(&rng, SHAPE_MIXED, 2000);

            assert_ok(book_resize(&site.book, i, size));
            assert_sound(book_verify_one(&site.book, i));
        }
        assert_sound(book_verify(&site.book));
        compact_fully(site.heap, 4096);
        site_close(&site);
    }
}

/* Under MANUAL a growing block moves itself, and no other one. */
static void test_manual_moves_own_block(void) {
    struct site site;
    struct rng rng = test_rng();

    site_open(&site, 200000, RM_THREADS_SAFE, RM_COMPACT_MANUAL);
    for (unsigned i = 0; i < 100; i++)
        assert_ok(book_alloc(&site.book, rng_size(&rng, SHAPE_MIXED, 500), 0, 0));
    for (unsigned round = 0; round < 500; round++) {
        size_t own = (size_t)rng_below(&rng, site.book.n);
        unsigned char *at[100];
        rm_status_t status;

        for (size_t i = 0; i < site.book.n; i++) at[i] = book_address(&site.book, i);
        status = book_resize(&site.book, own, rng_size(&rng, SHAPE_MIXED, 3000));
        g_assert_true(status == RM_OK || status == RM_ENOMEM);
        for (size_t i = 0; i < site.book.n; i++)
            if (i != own || status != RM_OK)
                g_assert_true(book_address(&site.book, i) == at[i]);
    }
    site_close(&site);
}

static void test_no_memory_keeps_block(void) {
    struct site site;

    site_open(&site, 20000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    for (unsigned i = 0; i < 10; i++) assert_ok(book_alloc(&site.book, 1000, 0, 0));
    for (size_t size = 20000; size < 10000000; size = size * 3 / 2) {
        assert_status(book_resize(&site.book, 5, size), RM_ENOMEM);
        site_verify(&site);
    }
    assert_ok(book_resize(&site.book, 5, 3000));
    site_close(&site);
}

/* -------------------------------------------------------------------- locked */

/* How many free bytes lie right behind the block of this handle. */
static size_t free_behind(rm_heap_t *heap, rm_memory_t *handle, size_t *room) {
    struct picture picture;
    size_t behind = 0;

    assert_sound(picture_take(&picture, heap));
    for (size_t i = 0; i + 1 < picture.n; i++)
        if (picture.spans[i].handle == handle) {
            *room = picture.spans[i].size;
            if (picture.spans[i + 1].kind == RM_SPAN_FREE)
                behind = picture.spans[i + 1].size;
        }
    picture_finish(&picture);
    return behind;
}

/* A block of its own span (0), a gap of `gap` behind it, another block (1). */
static void gap_behind(struct site *site, size_t size, size_t gap) {
    site_open(site, 200000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    assert_ok(book_alloc(&site->book, size, 0, 0));
    assert_ok(book_alloc(&site->book, gap, 0, 0));
    assert_ok(book_alloc(&site->book, 5000, 0, 0));
    assert_ok(book_free(&site->book, 1));
    assert_ok(book_lock(&site->book, 0));
}

static void test_locked(void) {
    static const size_t sizes[] = {2000, 4096, 5000, 10001, 40000};

    for (size_t k = 0; k < G_N_ELEMENTS(sizes); k++)
        for (size_t gap = 200; gap < 20000; gap = gap * 2 + 8) {
            struct site site;
            size_t room = 0, behind, size = sizes[k];

            gap_behind(&site, size, gap);
            behind = free_behind(site.heap, site.book.blocks[0].handle, &room);
            g_assert_cmpuint(behind, >=, gap);
            /* in place, both ways, in steps, up to the end of the free span */
            assert_ok(book_resize(&site.book, 0, size / 2));
            assert_sound(book_verify(&site.book));
            assert_ok(book_resize(&site.book, 0, size));
            assert_ok(book_resize(&site.book, 0, size + behind / 2));
            assert_sound(heap_fault(site.heap));
            assert_ok(book_resize(&site.book, 0, size + behind - 16));
            assert_sound(book_verify(&site.book));
            /* one step too far */
            assert_status(book_resize(&site.book, 0, room + behind + 1), RM_ELOCKED);
            assert_status(book_resize(&site.book, 0, 60000), RM_ELOCKED);
            site_verify(&site);
            assert_ok(book_resize(&site.book, 0, 0));
            assert_ok(book_unlock(&site.book, 0));
            assert_ok(book_resize(&site.book, 0, 60000));
            site_close(&site);
        }
}

/* At the end of all blocks: the great free span is right behind. */
static void test_locked_last(void) {
    struct site site;

    site_open(&site, 200000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    assert_ok(book_alloc(&site.book, 5000, 0, 0));
    assert_ok(book_lock(&site.book, 0));
    for (size_t size = 6000; size < 150000; size = size * 5 / 4)
        assert_ok(book_resize(&site.book, 0, size));
    assert_status(book_resize(&site.book, 0, 200000), RM_ELOCKED);
    site_close(&site);
}

/* Of every size: in place or not at all, and nothing is lost. */
static void test_locked_any(void) {
    struct site site;
    struct rng rng = test_rng();
    size_t n_grown = 0, n_refused = 0;

    site_open(&site, 400000, RM_THREADS_NONE, RM_COMPACT_STEADY);
    book_shuffle(&site.book, &rng, 1000, SHAPE_MIXED, 3000, false);
    for (unsigned round = 0; round < 3000; round++) {
        size_t i = (size_t)rng_below(&rng, site.book.n);
        size_t size = rng_size(&rng, SHAPE_MIXED, 4000);
        size_t old = site.book.blocks[i].size;
        rm_status_t status;

        assert_ok(book_lock(&site.book, i));
        status = book_resize(&site.book, i, size); /* sees that the place is kept */
        assert_sound(book_verify_one(&site.book, i));
        if (size <= old)
            assert_ok(status);
        else if (status != RM_OK)
            assert_status(status, RM_ELOCKED);
        n_grown += size > old && status == RM_OK;
        n_refused += status == RM_ELOCKED;
        assert_ok(book_unlock(&site.book, i));
    }
    g_assert_cmpuint(n_grown, >, 0);
    g_assert_cmpuint(n_refused, >, 0);
    site_close(&site);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/realloc/shrink-keeps-place", test_shrink_keeps_place);
    g_test_add_func("/realloc/shrink-keeps-alignment", test_shrink_keeps_alignment);
    g_test_add_func("/realloc/zero", test_zero);
    g_test_add_func("/realloc/growth", test_growth);
    g_test_add_func("/realloc/manual-moves-own-block", test_manual_moves_own_block);
    g_test_add_func("/realloc/no-memory-keeps-block", test_no_memory_keeps_block);
    g_test_add_func("/realloc/locked", test_locked);
    g_test_add_func("/realloc/locked-last", test_locked_last);
    g_test_add_func("/realloc/locked-any", test_locked_any);
    return g_test_run();
}
