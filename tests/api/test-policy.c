/* SPDX-License-Identifier: MIT */
/*
 * When blocks move: MANUAL only inside rm_heap_compact (and a block's own rmrealloc),
 * ON_DEMAND also when an allocation would fail or grow the heap, STEADY also in small
 * steps with each allocation.
 */
#include <string.h>

#include "util.h"

#define PLACES 4000

/* Where every block is. */
static void take_places(struct book *book, unsigned char **at) {
    g_assert_cmpuint(book->n, <=, PLACES);
    for (size_t i = 0; i < book->n; i++) at[i] = book_address(book, i);
}

static size_t count_moved(struct book *book, unsigned char **at) {
    size_t moved = 0;

    for (size_t i = 0; i < book->n; i++) moved += book_address(book, i) != at[i];
    return moved;
}

/* ------------------------------------------------------------------- MANUAL */

static rm_status_t any_call(struct book *book, struct rng *rng, size_t *own) {
    size_t i = book->n ? (size_t)rng_below(rng, book->n) : 0;
    size_t largest;

    *own = SIZE_MAX;
    switch (book->n ? rng_below(rng, 8) : 0) {
    case 0:
    case 1:
        return book_alloc(book, rng_size(rng, SHAPE_MIXED, 20000),
                          rng_chance(rng, 10) ? 256 : 0,
                          rng_chance(rng, 20) ? RM_ZERO : 0);
    case 2: /* not the last one: its place in the books changes */
        if (book->blocks[book->n - 1].locks > 0) return RM_ELOCKED;
        *own = book->n - 1;
        return book_free(book, book->n - 1);
    case 3: *own = i; return book_resize(book, i, rng_size(rng, SHAPE_MIXED, 3000));
    case 4: return book->blocks[i].locks < 4 ? book_lock(book, i) : RM_OK;
    case 5: return book_unlock(book, i);
    case 6: return rm_heap_largest(book->heap, rng_chance(rng, 50), &largest);
    default: return rm_heap_trim(book->heap);
    }
}

static void manual(rm_heap_t *heap, rm_threads_t threads) {
    struct site site;
    struct rng rng = test_rng();
    struct book *book = &site.book;
    struct book own_book;
    unsigned char *at[PLACES];
    size_t n_refused = 0;

    site_open(&site, 60000, threads, RM_COMPACT_MANUAL);
    if (heap != NULL) { /* a growing one, in its place */
        book_init(&own_book, heap);
        book = &own_book;
    }
    for (unsigned round = 0; round < 2500; round++) {
        size_t own, n = book->n;
        rm_status_t status;

        take_places(book, at);
        status = any_call(book, &rng, &own);
        n_refused += status == RM_ENOMEM;
        for (size_t i = 0; i < MIN(n, book->n); i++)
            if (i != own) g_assert_true(book_address(book, i) == at[i]);
        if (round % 500 == 499) {
            book_unlock_all(book);
            take_places(book, at);
            assert_ok(rm_heap_compact(book->heap, NULL, NULL));
            g_assert_cmpuint(count_moved(book, at), >, 0); /* here they do */
            while (book->requested > 20000)
                assert_ok(book_free(book, (size_t)rng_below(&rng, book->n)));
        }
    }
    if (heap == NULL) g_assert_cmpuint(n_refused, >, 0);
    assert_sound(book_verify(book));
    if (heap != NULL) book_finish(&own_book);
    site_close(&site);
}

static void test_manual(void) {
    manual(NULL, RM_THREADS_SAFE);
    manual(NULL, RM_THREADS_NONE);
}

static void test_manual_growable(void) {
    rm_heap_t *heap = growable_heap(0, RM_COMPACT_MANUAL);

    manual(heap, RM_THREADS_SAFE);
    assert_sound(heap_fault(heap));
    assert_ok(rm_heap_destroy(heap));
}

/* ---------------------------------------------------------------- ON_DEMAND */

/* While it fits, nothing moves; when it does not, what can move does. */
static void test_on_demand(void) {
    struct site site;
    unsigned char *at[PLACES];
    size_t largest;

    site_open(&site, 400000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    perforate(&site.book, 300, 1000);
    take_places(&site.book, at);
    for (;;) {
        assert_ok(rm_heap_largest(site.heap, false, &largest));
        if (largest < 600) break;
        assert_ok(book_alloc(&site.book, MIN(largest, 3000), 0, 0));
    }
    g_assert_cmpuint(moved_so_far(site.heap), ==, 0);
    for (size_t i = 0; i < 150; i++) g_assert_true(book_address(&site.book, i) == at[i]);
    /* the gaps are full now: free some, and ask for more than any of them */
    for (size_t i = 140; i > 0; i -= 20) assert_ok(book_free(&site.book, i));
    assert_status(book_alloc(&site.book, 6000, 0, RM_NO_COMPACT), RM_ENOMEM);
    assert_ok(book_alloc(&site.book, 6000, 0, 0));
    g_assert_cmpuint(moved_so_far(site.heap), >, 0);
    site_close(&site);
}

/* A growing heap compacts before it grows. */
static void test_before_growth(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        rm_heap_t *heap = growable_heap((size_t)1 << 30, c);
        struct book book;
        rm_stats_t before, after;

        book_init(&book, heap);
        perforate(&book, 4000, 3000);
        assert_ok(rm_heap_stats(heap, &before));
        g_assert_cmpuint(before.free, >=, 2000 * 3000);
        assert_ok(book_alloc(&book, 2000000, 0, 0));
        assert_ok(rm_heap_stats(heap, &after));
        if (c == RM_COMPACT_MANUAL) {
            g_assert_cmpuint(after.moved, ==, 0);
            g_assert_cmpuint(after.capacity, >=, before.capacity + 1000000);
        } else {
            g_assert_cmpuint(after.moved, >, 0);
            g_assert_cmpuint(after.capacity, <=, before.capacity);
        }
        assert_sound(book_verify(&book));
        assert_sound(heap_fault(heap));
        /* unless moving is not wanted: then it grows */
        if (c != RM_COMPACT_MANUAL) {
            assert_ok(book_alloc(&book, 20000000, 0, RM_NO_COMPACT));
            g_assert_cmpuint(moved_so_far(heap), ==, after.moved);
        }
        assert_ok(rm_heap_destroy(heap));
        book_finish(&book);
    }
}

/* ------------------------------------------------------------------- STEADY */

/* With a wide region nothing has to move; STEADY moves all the same, a little. */
static void test_steady(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        struct site site;
        size_t most = 0;

        site_open(&site, (size_t)16 << 20, RM_THREADS_NONE, c);
        perforate(&site.book, 3000, 3000);
        for (unsigned i = 0; i < 1500; i++) {
            size_t before = moved_so_far(site.heap);

            /* does not fit into the gaps, does fit behind them */
            assert_ok(book_alloc(&site.book, 3100, 0, 0));
            most = MAX(most, moved_so_far(site.heap) - before);
            g_assert_cmpuint(moved_so_far(site.heap), >=, before);
        }
        g_test_message("policy %d: %zu bytes moved, at most %zu with one allocation",
                       (int)c, moved_so_far(site.heap), most);
        if (c == RM_COMPACT_STEADY) {
            g_assert_cmpuint(moved_so_far(site.heap), >, 0);
            g_assert_cmpuint(most, <=, 256 * 1024); /* small, bounded */
        } else {
            g_assert_cmpuint(moved_so_far(site.heap), ==, 0);
        }
        site_close(&site);
    }
}

/* Below the threshold there is nothing to do: a dense heap is left alone. */
static void test_steady_dense(void) {
    struct site site;

    site_open(&site, (size_t)4 << 20, RM_THREADS_NONE, RM_COMPACT_STEADY);
    for (unsigned i = 0; i < 3000; i++) assert_ok(book_alloc(&site.book, 1000, 0, 0));
    g_assert_cmpuint(moved_so_far(site.heap), ==, 0);
    site_close(&site);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/policy/manual", test_manual);
    g_test_add_func("/policy/manual-growable", test_manual_growable);
    g_test_add_func("/policy/on-demand", test_on_demand);
    g_test_add_func("/policy/before-growth", test_before_growth);
    g_test_add_func("/policy/steady", test_steady);
    g_test_add_func("/policy/steady-dense", test_steady_dense);
    return g_test_run();
}
