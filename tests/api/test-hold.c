/* SPDX-License-Identifier: MIT */
/*
 * Read sections, by one thread: they nest; rmpeek gives what rmlock gives; while one is
 * open every block stays where it is, and every call that would move one does without.
 */
#include <string.h>

#include "crew.h"
#include "util.h"

#define SECOND UINT64_C(1000000000)

static const rm_threads_t modes[] = {RM_THREADS_SAFE, RM_THREADS_NONE};

/* ------------------------------------------------------------------- nesting */

static void nest(rm_heap_t *heap) {
    for (unsigned depth = 0; depth < 50; depth += 7) {
        assert_status(rm_heap_release(heap), RM_EUNLOCKED);
        for (unsigned i = 0; i < depth; i++) assert_ok(rm_heap_hold(heap));
        for (unsigned i = 0; i < depth; i++) assert_ok(rm_heap_release(heap));
        assert_status(rm_heap_release(heap), RM_EUNLOCKED);
    }
}

static void test_nesting(void) {
    for (unsigned m = 0; m < G_N_ELEMENTS(modes); m++) {
        struct site site;

        site_open(&site, 65536, modes[m], RM_COMPACT_ON_DEMAND);
        nest(site.heap);
        perforate(&site.book, 40, 500);
        for (unsigned depth = 1; depth < 5; depth++) { /* held until the outermost ends */
            rm_progress_t progress = {0, 0, 0, false};

            for (unsigned i = 0; i < depth; i++) assert_ok(rm_heap_hold(site.heap));
            for (unsigned i = 0; i < depth; i++) {
                assert_ok(rm_heap_compact(site.heap, NULL, &progress));
                g_assert_cmpuint(progress.moved, ==, 0);
                g_assert_false(progress.complete);
                assert_ok(rm_heap_release(site.heap));
            }
            assert_ok(rm_heap_compact(site.heap, NULL, &progress));
            g_assert_cmpuint(progress.moved, >, 0);
            g_assert_true(progress.complete);
            perforate(&site.book, 20, 500);
        }
        site_close(&site);
    }
    nest(NULL); /* the default heap */
}

static void test_no_such_heap(void) {
    struct site site;
    rm_heap_t *gone;

    site_open(&site, 65536, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    gone = site.heap;
    site_renew(&site);
    assert_status(rm_heap_hold(gone), RM_EINVAL);
    assert_status(rm_heap_release(gone), RM_EINVAL);
    for (uintptr_t value = 1; value != 0; value <<= 1) {
        rm_heap_t *forged = (rm_heap_t *)((uintptr_t)site.heap ^ value);

        assert_status(rm_heap_hold(forged), RM_EINVAL);
        assert_status(rm_heap_release(forged), RM_EINVAL);
    }
    assert_status(rm_heap_release(site.heap), RM_EUNLOCKED);
    site_close(&site);
}

/* -------------------------------------------------------------------- rmpeek */

static unsigned char *peek(rm_memory_t *handle) {
    void *at = NULL;

    assert_ok(rmpeek(handle, &at));
    g_assert_nonnull(at);
    return at;
}

static void peek_all(struct book *book) {
    for (size_t i = 0; i < book->n; i++) {
        struct block *block = &book->blocks[i];
        unsigned char *at = peek(block->handle);
        unsigned locks = 99;

        g_assert_true(at == book_address(book, i));
        assert_sound(content_fault(at, block->size, block->seed));
        assert_ok(rmlocks(block->handle, &locks));
        g_assert_cmpuint(locks, ==, block->locks); /* peeking locks nothing */
    }
}

static void test_peek(void) {
    for (unsigned round = 0; round < 24; round++) {
        struct site site;
        struct rng rng = test_rng();

        site_open(&site, 1000000, modes[round % 2], (rm_compaction_t)(round % 3));
        book_shuffle(&site.book, &rng, 3000, SHAPE_MIXED, 30000, true);
        assert_ok(rm_heap_hold(site.heap));
        peek_all(&site.book);
        book_shuffle(&site.book, &rng, 500, SHAPE_MIXED, 30000, true);
        peek_all(&site.book);
        site_verify(&site);
        assert_ok(rm_heap_release(site.heap));
        site_close(&site);
    }
}

/* Of a locked block it needs no read section. */
static void test_peek_locked(void) {
    for (unsigned m = 0; m < G_N_ELEMENTS(modes); m++) {
        struct site site;
        unsigned char *at[20];

        site_open(&site, 200000, modes[m], RM_COMPACT_ON_DEMAND);
        perforate(&site.book, 40, 1000);
        for (size_t i = 0; i < 20; i++) {
            /* by one to twenty locks: the count is kept in several ways */
            for (size_t locks = 0; locks <= i; locks++)
                assert_ok(book_lock(&site.book, i));
            at[i] = peek(site.book.blocks[i].handle);
            g_assert_true(at[i] == site.book.blocks[i].locked_at);
        }
        assert_ok(rm_heap_compact(site.heap, NULL, NULL));
        for (size_t i = 0; i < 20; i++)
            g_assert_true(peek(site.book.blocks[i].handle) == at[i]);
        book_unlock_all(&site.book);
        site_close(&site);
    }
}

/* The pointer is left alone where there is none to give. */
static void assert_no_peek(rm_memory_t *handle) {
    char here;
    void *at = &here;

    assert_status(rmpeek(handle, &at), RM_EHANDLE);
    g_assert_true(at == &here);
}

static void test_peek_refused(void) {
    for (unsigned m = 0; m < G_N_ELEMENTS(modes); m++) {
        struct site site, other;
        struct rng rng = test_rng();
        rm_memory_t *handle;

        site_open(&site, 100000, modes[m], RM_COMPACT_ON_DEMAND);
        site_open(&other, 100000, modes[m], RM_COMPACT_ON_DEMAND);
        assert_ok(book_alloc(&other.book, 100, 0, 0));
        book_shuffle(&site.book, &rng, 300, SHAPE_MIXED, 5000, false);
        assert_ok(book_alloc(&site.book, 100, 0, 0));
        assert_ok(rm_heap_hold(site.heap));
        assert_status(rmpeek(site.book.blocks[0].handle, NULL), RM_EINVAL);
        assert_no_peek(NULL);
        for (size_t i = 0; i < site.book.n; i++)
            for (unsigned bit = 0; bit < 64; bit++) { /* another slot, heap, generation */
                rm_memory_t *forged =
                    (rm_memory_t *)((uintptr_t)site.book.blocks[i].handle ^ (uintptr_t)1
                                                                                << bit);
                size_t size;
                void *at = NULL;

                if (rmsize(forged, &size) == RM_OK)
                    assert_ok(rmpeek(forged, &at)); /* happens to be a block */
                else
                    assert_no_peek(forged);
            }
        for (unsigned i = 0; i < 5000; i++)
            assert_no_peek((rm_memory_t *)(uintptr_t)rng_next(&rng));
        while (site.book.n > 0) {
            handle = site.book.blocks[site.book.n - 1].handle;
            assert_ok(book_free(&site.book, site.book.n - 1)); /* allowed meanwhile */
            assert_no_peek(handle);
        }
        assert_ok(rm_heap_release(site.heap));
        handle = other.book.blocks[0].handle;
        site_renew(&other);
        assert_no_peek(handle);
        site_close(&other);
        site_close(&site);
    }
}

/* --------------------------------------------------------- what a section keeps back */

/* By the own section nothing is waited for: it would never end. */
static void test_nothing_moves(void) {
    static const rm_budget_t budgets[] = {{0, 0},     {1, 0},           {100000, 0},
                                          {0, 20000}, {0, 4 * SECOND}, {1, 4 * SECOND}};

    for (unsigned round = 0; round < 12; round++) {
        struct site site;
        unsigned char *at[150];
        uint64_t start = now_ns();

        site_open(&site, 400000, modes[round % 2], (rm_compaction_t)(round % 3));
        perforate(&site.book, 300, 1000);
        for (size_t i = 0; i < 150; i++) at[i] = book_address(&site.book, i);
        assert_ok(rm_heap_hold(site.heap));
        for (unsigned k = 0; k < G_N_ELEMENTS(budgets); k++) {
            rm_progress_t progress = {99, 99, 99, true};
            size_t before = moved_so_far(site.heap);

            assert_ok(rm_heap_compact(site.heap, &budgets[k], &progress));
            g_assert_cmpuint(progress.moved, ==, 0);
            g_assert_cmpuint(progress.moved_blocks, ==, 0);
            g_assert_false(progress.complete);
            g_assert_cmpuint(moved_so_far(site.heap), ==, before);
        }
        g_assert_cmpuint(now_ns() - start, <, 3 * SECOND);
        assert_ok(book_alloc(&site.book, 400, 0, 0)); /* with STEADY's small step */
        assert_ok(rm_heap_trim(site.heap));
        for (size_t i = 0; i < 150; i++)
            g_assert_true(peek(site.book.blocks[i].handle) == at[i]);
        site_verify(&site);
        assert_ok(rm_heap_release(site.heap));
        compact_fully(site.heap, 0);
        g_assert_cmpuint(moved_so_far(site.heap), >, 0);
        site_close(&site);
    }
}

static void resize(size_t size, rm_threads_t threads) {
    struct site site;
    struct book *book = &site.book;
    struct picture before, after;
    unsigned char *at;

    site_open(&site, 400000, threads, RM_COMPACT_ON_DEMAND);
    for (unsigned i = 0; i < 30; i++) assert_ok(book_alloc(book, size, 0, 0));
    assert_ok(rm_heap_hold(site.heap));
    at = peek(book->blocks[10].handle);
    assert_sound(picture_take(&before, site.heap));
    assert_status(book_resize(book, 10, size + 5000), RM_ELOCKED);
    assert_status(book_resize(book, 0, 40 * size + 400), RM_ELOCKED);
    assert_sound(picture_take(&after, site.heap));
    assert_sound(picture_same(&before, &after));
    picture_finish(&before);
    picture_finish(&after);
    g_assert_true(peek(book->blocks[10].handle) == at);
    assert_sound(book_verify(book));
    assert_ok(book_resize(book, 10, size / 2)); /* in its own room */
    g_assert_true(peek(book->blocks[10].handle) == at);
    assert_ok(book_resize(book, 10, size));
    g_assert_true(peek(book->blocks[10].handle) == at);
    site_verify(&site);
    assert_ok(rm_heap_release(site.heap));
    assert_ok(book_resize(book, 10, size + 5000));
    assert_ok(book_resize(book, 0, 40 * size + 400));
    site_close(&site);
}

static void test_realloc(void) {
    for (unsigned m = 0; m < G_N_ELEMENTS(modes); m++)
        for (size_t size = 16; size < 9000; size = size * 3 + 4) resize(size, modes[m]);
}

/* Into the free span right behind it a block grows in place. */
static void test_realloc_in_place(void) {
    for (unsigned m = 0; m < G_N_ELEMENTS(modes); m++) {
        struct site site;
        unsigned char *at;

        site_open(&site, 400000, modes[m], RM_COMPACT_ON_DEMAND);
        for (unsigned i = 0; i < 3; i++) assert_ok(book_alloc(&site.book, 20000, 0, 0));
        assert_ok(book_free(&site.book, 1)); /* now the last one is 1 */
        assert_ok(rm_heap_compact(site.heap, NULL, NULL));
        assert_ok(book_alloc(&site.book, 10000, 0, 0));
        assert_ok(rm_heap_hold(site.heap));
        at = peek(site.book.blocks[2].handle);
        assert_ok(book_resize(&site.book, 2, 50000)); /* the last one, at the free end */
        g_assert_true(peek(site.book.blocks[2].handle) == at);
        assert_status(book_resize(&site.book, 0, 50000), RM_ELOCKED);
        assert_ok(rm_heap_release(site.heap));
        assert_ok(book_resize(&site.book, 0, 50000));
        site_close(&site);
    }
}

/* A closed heap of gaps: what fits into one is given, more only after the section. */
static void test_alloc(void) {
    for (unsigned round = 0; round < 6; round++) {
        struct site site;
        rm_memory_t *block = (rm_memory_t *)(uintptr_t)1;
        rm_stats_t before, after;
        struct rng rng = test_rng();
        size_t largest;

        site_open(&site, 200000, modes[round % 2], (rm_compaction_t)(round / 2));
        book_fill(&site.book, &rng, SHAPE_LARGE, 3000);
        for (unsigned i = 0; i < 20; i++)
            assert_ok(book_free(&site.book, (size_t)rng_below(&rng, site.book.n)));
        assert_ok(rm_heap_hold(site.heap));
        assert_ok(rm_heap_stats(site.heap, &before));
        assert_ok(rm_heap_largest(site.heap, false, &largest));
        g_assert_cmpuint(largest, <, before.free / 2);
        assert_status(rm_heap_alloc(site.heap, &block, before.free - 100, 0, 0),
                      RM_ENOMEM);
        g_assert_null(block);
        assert_ok(rm_heap_stats(site.heap, &after));
        g_assert_cmpuint(after.moved, ==, before.moved);
        g_assert_cmpuint(after.failures, ==, before.failures + 1);
        assert_ok(book_alloc(&site.book, largest, 0, 0));
        assert_ok(rm_heap_largest(site.heap, true, &largest)); /* right, also now */
        if (largest > 0) assert_ok(book_alloc(&site.book, largest, 0, 0));
        g_assert_cmpuint(moved_so_far(site.heap), ==, before.moved);
        site_verify(&site);
        assert_ok(book_free(&site.book, site.book.n - 1));
        assert_ok(rm_heap_release(site.heap));
        if (round / 2 == RM_COMPACT_MANUAL)
            assert_ok(rm_heap_compact(site.heap, NULL, NULL));
        assert_ok(book_alloc(&site.book, free_now(site.heap) - 100, 0, 0));
        site_close(&site);
    }
}

/* A heap that can grow does, where otherwise it would compact first. */
static void test_alloc_growable(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        rm_heap_t *heap = growable_heap(0, c);
        struct book book;
        rm_stats_t before, after;

        book_init(&book, heap);
        perforate(&book, 4000, 3000);
        assert_ok(rm_heap_hold(heap));
        assert_ok(rm_heap_stats(heap, &before));
        assert_ok(book_alloc(&book, 2000000, 0, 0));
        assert_ok(rm_heap_stats(heap, &after));
        g_assert_cmpuint(after.moved, ==, before.moved);
        g_assert_cmpuint(after.capacity, >=, before.capacity + 1000000);
        peek_all(&book);
        assert_ok(rm_heap_release(heap));
        assert_sound(book_verify(&book));
        assert_sound(heap_fault(heap));
        assert_ok(rm_heap_destroy(heap));
        book_finish(&book);
    }
}

/* -------------------------------------------------------------- half moved blocks */

/* Each call of one byte leaves the large block half moved; a section then peeks at it. */
static void half_moved(rm_heap_t *heap, size_t gap) {
    const rm_budget_t budget = {1, 0};
    struct book book;
    rm_progress_t progress = {0, 0, 0, false};
    size_t n_steps = 0;

    book_init(&book, heap);
    assert_ok(book_alloc(&book, gap, 0, 0));
    assert_ok(book_alloc(&book, (size_t)1 << 20, 0, 0));
    assert_ok(book_alloc(&book, 100000, 0, 0));
    assert_ok(book_free(&book, 0)); /* now the large one is 1 */
    while (!progress.complete) {
        size_t moved;
        unsigned char *at;

        for (unsigned i = 0; i <= n_steps % 5; i++)
            assert_ok(rm_heap_compact(heap, &budget, &progress));
        assert_ok(rm_heap_hold(heap));
        if (n_steps % 2 == 0) assert_sound(heap_fault(heap));
        at = peek(book.blocks[1].handle);
        assert_sound(content_fault(at, book.blocks[1].size, book.blocks[1].seed));
        peek_all(&book);
        moved = moved_so_far(heap);
        assert_ok(rm_heap_compact(heap, NULL, NULL));
        g_assert_cmpuint(moved_so_far(heap), ==, moved);
        g_assert_true(peek(book.blocks[1].handle) == at);
        assert_ok(rm_heap_release(heap));
        assert_sound(book_verify(&book));
        g_assert_cmpuint(++n_steps, <, 1000);
    }
    assert_sound(heap_fault(heap));
    book_free_all(&book);
    assert_sound(book.wrong);
    book_finish(&book);
}

static void test_half_moved(void) {
    for (unsigned m = 0; m < G_N_ELEMENTS(modes); m++)
        for (size_t gap = 3000; gap < 3000000; gap *= 7) {
            rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
            rm_heap_t *heap;
            struct site site;

            site_open(&site, (size_t)6 << 20, modes[m], RM_COMPACT_ON_DEMAND);
            half_moved(site.heap, gap);
            site_close(&site);
            options.threads = modes[m];
            heap = heap_with(&options);
            half_moved(heap, gap);
            assert_ok(rm_heap_destroy(heap));
        }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hold/nesting", test_nesting);
    g_test_add_func("/hold/no-such-heap", test_no_such_heap);
    g_test_add_func("/hold/peek", test_peek);
    g_test_add_func("/hold/peek-locked", test_peek_locked);
    g_test_add_func("/hold/peek-refused", test_peek_refused);
    g_test_add_func("/hold/nothing-moves", test_nothing_moves);
    g_test_add_func("/hold/realloc", test_realloc);
    g_test_add_func("/hold/realloc-in-place", test_realloc_in_place);
    g_test_add_func("/hold/alloc", test_alloc);
    g_test_add_func("/hold/alloc-growable", test_alloc_growable);
    g_test_add_func("/hold/half-moved", test_half_moved);
    return g_test_run();
}
