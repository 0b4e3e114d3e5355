/* SPDX-License-Identifier: MIT */
/*
 * "Compaction": the budget is a promise, every call makes progress, the next goes on
 * where the last one stopped; blocks larger than a budget move in pieces and can be
 * used in between; what `complete` means.
 */
#include <string.h>

#include "crew.h"
#include "util.h"

#define SLACK ((size_t)64 * 1024)

/* One call: its report agrees with the metrics and with the clock. */
static rm_progress_t step(rm_heap_t *heap, const rm_budget_t *budget) {
    rm_progress_t progress = {99, 99, 99, false};
    rm_stats_t before, after;
    uint64_t start;

    assert_ok(rm_heap_stats_quick(heap, &before));
    start = now_ns();
    assert_ok(rm_heap_compact(heap, budget, &progress));
    g_assert_cmpuint(progress.nanoseconds, <=, now_ns() - start);
    assert_ok(rm_heap_stats_quick(heap, &after));
    g_assert_cmpuint(after.moved - before.moved, ==, progress.moved);
    g_assert_cmpuint(after.moved_blocks - before.moved_blocks, ==, progress.moved_blocks);
    g_assert_cmpuint(after.requested, ==, before.requested);
    g_assert_cmpuint(after.live_blocks, ==, before.live_blocks);
    if (budget != NULL && budget->bytes > 0 && budget->bytes < SIZE_MAX - SLACK)
        g_assert_cmpuint(progress.moved, <=, budget->bytes + SLACK);
    /* It always makes progress: here that can be seen. */
    if (!progress.complete && after.capacity < 8 << 20 &&
        after.returned == before.returned)
        g_assert_cmpuint(progress.moved, >, 0);
    if (budget == NULL || (budget->bytes == 0 && budget->nanoseconds == 0))
        g_assert_true(progress.complete);
    return progress;
}

/* To the end in steps; returns what was moved in all. */
static size_t steps(rm_heap_t *heap, const rm_budget_t *budget) {
    size_t moved = 0;
    rm_progress_t progress;

    for (size_t calls = 0;; calls++) {
        progress = step(heap, budget);
        moved += progress.moved;
        if (progress.complete) break;
        if (calls % 64 == 0) assert_sound(heap_fault(heap));
        g_assert_cmpuint(calls, <, 200000);
    }
    assert_sound(heap_complete_fault(heap, 0));
    return moved;
}

/* -------------------------------------------------------------------- budgets */

static void random_heap(struct site *site, uint64_t seed, bool locks) {
    struct rng rng = {seed};

    book_shuffle(&site->book, &rng, 4000, SHAPE_MIXED, 60000, locks);
    for (size_t drop = site->book.n / 3; drop > 0; drop--) {
        size_t i = (size_t)rng_below(&rng, site->book.n);

        if (site->book.blocks[i].locks == 0) assert_ok(book_free(&site->book, i));
    }
}

static void budgets(rm_compaction_t compaction, bool locks) {
    static const rm_budget_t given[] = {
        {1, 0},     {100, 0},  {4096, 0}, {65536, 0}, {1000000, 0},  {0, 1},
        {0, 20000}, {3000, 1}, {0, 0},    {1, 1},     {SIZE_MAX, 0}, {0, UINT64_MAX}};
    uint64_t seed = test_rng().state;
    struct site site;
    size_t at_once;

    site_open(&site, (size_t)4 << 20, RM_THREADS_SAFE, compaction);
    random_heap(&site, seed, locks);
    at_once = steps(site.heap, NULL);
    g_assert_cmpuint(at_once, >, 0);
    g_assert_cmpuint(step(site.heap, NULL).moved, ==, 0); /* nothing is left to do */
    for (size_t k = 0; k < G_N_ELEMENTS(given); k++) {
        size_t in_steps;

        site_renew(&site);
        random_heap(&site, seed, locks);
        in_steps = steps(site.heap, &given[k]);
        /* Each call goes on where the last one stopped: a pass is not begun anew, though a
           second one may follow the one that STEADY was in the midst of. */
        g_assert_cmpuint(in_steps, <=, 2 * at_once + at_once / 2 + SLACK);
        assert_sound(book_verify(&site.book));
        g_assert_cmpuint(step(site.heap, &given[k]).moved, ==, 0);
    }
    assert_ok(rm_heap_compact(site.heap, &given[0], NULL)); /* progress may be NULL */
    site_close(&site);
}

static void test_budgets(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        budgets(c, false);
        budgets(c, true);
    }
}

/* Time budgets are kept roughly: a call of 1 ns does not run to the end. */
static void test_time(void) {
    struct site site;
    rm_budget_t budget = {0, 1};
    rm_progress_t progress;
    struct rng rng = test_rng();

    site_open(&site, (size_t)32 << 20, RM_THREADS_NONE, RM_COMPACT_MANUAL);
    for (unsigned i = 0; i < 10000; i++) assert_ok(book_alloc(&site.book, 2000, 0, 0));
    for (unsigned i = 0; i < 5000; i++)
        assert_ok(book_free(&site.book, (size_t)rng_below(&rng, site.book.n)));
    progress = step(site.heap, &budget);
    g_assert_false(progress.complete);
    g_assert_cmpuint(progress.moved, <, 2000000);
    steps(site.heap, &budget);
    site_close(&site);
}

/* ------------------------------------------------------- work between the steps */

static void in_between(rm_compaction_t compaction, size_t size, size_t most, size_t bytes,
                       bool locks) {
    struct site site;
    struct rng rng = test_rng();
    rm_budget_t budget = {bytes, 0};
    size_t n_complete = 0;

    site_open(&site, size, RM_THREADS_SAFE, compaction);
    for (unsigned round = 0; round < 1500; round++) {
        book_shuffle(&site.book, &rng, rng_between(&rng, 0, 6), SHAPE_MIXED, most, locks);
        n_complete += step(site.heap, &budget).complete;
        if (round % 25 == 0) site_verify(&site);
        while (site.book.requested > size / 2) {
            size_t i = (size_t)rng_below(&rng, site.book.n);

            if (site.book.blocks[i].locks == 0)
                assert_ok(book_free(&site.book, i));
            else
                assert_ok(book_unlock(&site.book, i));
        }
    }
    g_test_message("%zu of 1500 steps were the last", n_complete);
    book_unlock_all(&site.book);
    steps(site.heap, &budget);
    site_close(&site);
}

static void test_in_between(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        in_between(c, 200000, 4000, 1, true);
        in_between(c, 200000, 4000, 2000, false);
        in_between(c, (size_t)4 << 20, 900000, 1, true);
        in_between(c, (size_t)4 << 20, 900000, 50000, false);
    }
}

/* ----------------------------------------------------------- big blocks in pieces */

enum meddling { LEAVE, LOCK, FREE, SHRINK, GROW, ASK, ALLOCATE, N_MEDDLINGS };

static void meddle(struct site *site, enum meddling what, struct rng *rng) {
    struct book *book = &site->book;
    size_t i = (size_t)rng_below(rng, book->n);

    switch (what) {
    case LOCK:
        assert_ok(book_lock(book, i));
        assert_sound(book_verify_one(book, i));
        assert_ok(book_unlock(book, i));
        break;
    case FREE:
        assert_ok(book_free(book, i));
        assert_ok(book_alloc(book, 700000, 0, 0));
        break;
    case SHRINK:
        assert_ok(book_resize(book, i, rng_between(rng, 0, book->blocks[i].size)));
        break;
    case GROW:
        assert_ok(
            book_resize(book, i, book->blocks[i].size + rng_between(rng, 1, 90000)));
        break;
    case ASK:
        assert_sound(book_verify_one(book, i)); /* through a lock, size and heap too */
        break;
    case ALLOCATE:
        assert_ok(book_alloc(book, rng_between(rng, 0, 100000), 0, 0));
        assert_ok(book_free(book, book->n - 1));
        break;
    default: break;
    }
}

/* Blocks of many budgets each, used half-way; every one of them stays whole. */
static void pieces(rm_compaction_t compaction, enum meddling what, rm_threads_t threads) {
    struct site site;
    struct rng rng = test_rng();
    rm_budget_t budget = {30000, 0};
    size_t n_steps = 0;

    site_open(&site, (size_t)24 << 20, threads, compaction);
    for (unsigned i = 0; i < 10; i++) {
        assert_ok(book_alloc(&site.book, 150000, 0, 0)); /* a gap to be */
        assert_ok(book_alloc(&site.book, 700001 + i, i % 3 ? 0 : 64, 0));
    }
    for (size_t i = 20; i-- > 0;)
        if (i % 2 == 0) assert_ok(book_free(&site.book, i));
    for (;;) {
        rm_progress_t progress = step(site.heap, &budget);

        n_steps++;
        assert_sound(heap_fault(site.heap));
        if (progress.complete) break;
        if (n_steps < 100) meddle(&site, what, &rng);
        assert_sound(heap_fault(site.heap));
        g_assert_cmpuint(n_steps, <, 20000);
    }
    g_assert_cmpuint(n_steps, >, 20);
    assert_sound(heap_complete_fault(site.heap, 64));
    site_close(&site);
}

static void test_pieces(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++)
        for (int what = LEAVE; what < N_MEDDLINGS; what++)
            pieces(c, (enum meddling)what, what % 2 ? RM_THREADS_NONE : RM_THREADS_SAFE);
}

/* One block of 8 MiB above a gap of any size, half-way at every step. */
static void test_pieces_overlapping(void) {
    for (size_t gap = 1000; gap < 3000000; gap = gap * 5 / 2)
        for (unsigned stop = 0; stop < 8; stop++) {
            struct site site;
            rm_budget_t budget = {200000, 0};

            site_open(&site, (size_t)16 << 20, RM_THREADS_NONE, RM_COMPACT_MANUAL);
            assert_ok(book_alloc(&site.book, gap, 0, 0));
            assert_ok(book_alloc(&site.book, (size_t)8 << 20, 0, 0));
            assert_ok(book_free(&site.book, 0));
            for (unsigned i = 0; i <= stop; i++) step(site.heap, &budget);
            assert_sound(heap_fault(site.heap));
            if (stop % 2) assert_ok(book_lock(&site.book, 0));
            assert_sound(book_verify(&site.book)); /* locks: completes or undoes */
            assert_sound(heap_fault(site.heap));
            if (stop % 2) assert_ok(book_unlock(&site.book, 0));
            steps(site.heap, &budget);
            site_close(&site);
        }
}

/* Freed half-way, whatever its alignment was, it leaves nothing behind. */
static void test_pieces_freed(void) {
    for (size_t alignment = 1; alignment <= RM_ALIGNMENT_MAX; alignment *= 2)
        for (size_t gap = 5000; gap < 400000; gap *= 4) {
            struct site site;
            rm_budget_t budget = {1, 0};
            size_t largest = 0;

            site_open(&site, (size_t)1 << 20, RM_THREADS_NONE, RM_COMPACT_ON_DEMAND);
            assert_ok(book_alloc(&site.book, gap, 0, 0));
            assert_ok(book_alloc(&site.book, 300000, alignment, 0));
            assert_ok(book_alloc(&site.book, 1000, 0, 0));
            assert_ok(book_free(&site.book, 0)); /* now the aligned one is 1 */
            g_assert_false(step(site.heap, &budget).complete);
            assert_ok(book_free(&site.book, 1));
            assert_sound(heap_fault(site.heap));
            assert_ok(rm_heap_largest(site.heap, true, &largest));
            assert_status(book_alloc(&site.book, largest + 16, 0, 0), RM_ENOMEM);
            assert_ok(book_alloc(&site.book, largest, 0, 0));
            site_close(&site);
        }
}

/* Growable heaps may move large blocks by pages; all else is the same. */
static void test_growable(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        rm_heap_t *heap = growable_heap((size_t)256 << 20, c);
        rm_budget_t budget = {65536, 0};
        struct rng rng = test_rng();
        struct book book;

        book_init(&book, heap);
        for (unsigned round = 0; round < 150; round++) {
            book_shuffle(&book, &rng, 8, SHAPE_LOG, 3000000, true);
            (void)step(heap, &budget);
            if (round % 10 == 0) assert_sound(book_verify(&book));
            assert_sound(heap_fault(heap));
            while (book.requested > (size_t)24 << 20) {
                book_unlock_all(&book);
                assert_ok(book_free(&book, (size_t)rng_below(&rng, book.n)));
            }
        }
        while (!step(heap, &budget).complete) continue;
        assert_sound(heap_complete_fault(heap, 65536)); /* pages of any machine */
        assert_sound(book_verify(&book));
        assert_ok(rm_heap_destroy(heap));
        book_finish(&book);
    }
}

/* ----------------------------------------------------------------- what it promises */

static void test_complete(void) {
    for (unsigned round = 0; round < 120; round++) {
        struct rng rng = test_rng();
        struct site site;
        rm_budget_t budget = {rng_between(&rng, 1, 100000), 0};

        site_open(&site, rng_between(&rng, 5000, 300000), RM_THREADS_NONE,
                  (rm_compaction_t)(round % 3));
        book_shuffle(&site.book, &rng, rng_between(&rng, 20, 1500), SHAPE_MIXED,
                     rng_between(&rng, 10, 5000), true);
        steps(site.heap, round % 2 ? &budget : NULL);
        assert_sound(book_verify(&site.book));
        book_unlock_all(&site.book);
        steps(site.heap, round % 2 ? NULL : &budget); /* now all free memory is one */
        if (site.book.n > 0) {
            struct picture picture;

            assert_sound(picture_take(&picture, site.heap));
            g_assert_true(picture.stats.external_fragmentation < 1e-12);
            picture_finish(&picture);
        }
        site_close(&site);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/compact/budgets", test_budgets);
    g_test_add_func("/compact/time", test_time);
    g_test_add_func("/compact/in-between", test_in_between);
    g_test_add_func("/compact/pieces", test_pieces);
    g_test_add_func("/compact/pieces-overlapping", test_pieces_overlapping);
    g_test_add_func("/compact/pieces-freed", test_pieces_freed);
    g_test_add_func("/compact/growable", test_growable);
    g_test_add_func("/compact/complete", test_complete);
    return g_test_run();
}
