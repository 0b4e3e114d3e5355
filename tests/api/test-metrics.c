/* SPDX-License-Identifier: MIT */
/*
 * "Metrics": every field against a recount (picture_audit does most of it) and
 * against what the books say; the walk; that peaks and counters only count.
 */
#include <string.h>

#include "util.h"

/* The counters, kept by the test beside the library. */
struct ledger {
    size_t peak_requested;
    size_t locked_bytes;
};

static void assert_ledger(struct book *book, struct ledger *ledger) {
    rm_stats_t stats;

    ledger->peak_requested = MAX(ledger->peak_requested, book->requested);
    ledger->locked_bytes = 0;
    for (size_t i = 0; i < book->n; i++)
        if (book->blocks[i].locks > 0) ledger->locked_bytes += book->blocks[i].size;
    assert_ok(rm_heap_stats(book->heap, &stats));
    g_assert_cmpuint(stats.live_blocks, ==, book->n);
    g_assert_cmpuint(stats.requested, ==, book->requested);
    g_assert_cmpuint(stats.locked_blocks, ==, book->n_locked);
    g_assert_cmpuint(stats.locked, ==, ledger->locked_bytes);
    g_assert_cmpuint(stats.peak_requested, ==, ledger->peak_requested);
    g_assert_cmpuint(stats.allocations, ==, book->n_allocated);
    g_assert_cmpuint(stats.frees, ==, book->n_freed);
    g_assert_cmpuint(stats.failures, ==, book->n_failed);
    g_assert_cmpuint(stats.used + stats.metadata + stats.free, ==, stats.capacity);
    g_assert_cmpuint(stats.used, >=, stats.requested);
    g_assert_cmpuint(stats.extent, >=, stats.used);
}

static void recount(rm_heap_t *growable, rm_threads_t threads,
                    rm_compaction_t compaction) {
    struct site site;
    struct book *book = &site.book;
    struct rng rng = test_rng();
    struct ledger ledger = {0, 0};

    site_open(&site, 60000, threads, compaction);
    if (growable != NULL) book->heap = growable;
    for (unsigned round = 0; round < 3000; round++) {
        rm_budget_t budget = {rng_between(&rng, 1, 5000), 0};

        book_shuffle(book, &rng, 1, SHAPE_MIXED, 4000, true);
        if (rng_chance(&rng, 3)) assert_ok(rm_heap_compact(book->heap, &budget, NULL));
        if (rng_chance(&rng, 3)) assert_ok(rm_heap_trim(book->heap));
        assert_ledger(book, &ledger);
        if (round % 4 == 0) assert_sound(heap_fault(book->heap));
        while (book->requested > 48000) {
            if (book->n_locked == book->n) book_unlock_all(book);
            if (book->blocks[book->n - 1].locks > 0) book_unlock_all(book);
            assert_ok(book_free(book, book->n - 1));
            assert_ledger(book, &ledger);
        }
    }
    assert_sound(book_verify(book));
    book_free_all(book);
    assert_ledger(book, &ledger);
    assert_sound(heap_fault(book->heap));
    book->heap = site.heap;
    site_close(&site);
}

static void test_recount(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        recount(NULL, RM_THREADS_SAFE, c);
        recount(NULL, RM_THREADS_NONE, c);
    }
}

static void test_recount_growable(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        rm_heap_t *heap = growable_heap((size_t)1 << 20, c);

        recount(heap, RM_THREADS_SAFE, c);
        assert_ok(rm_heap_destroy(heap));
    }
}

/* An empty heap, and one where a gap's place in `unusable` is known. */
static void test_formulas(void) {
    struct site site;
    rm_stats_t stats;
    size_t gap;

    site_open(&site, 100000, RM_THREADS_SAFE, RM_COMPACT_MANUAL);
    assert_ok(rm_heap_stats(site.heap, &stats));
    g_assert_cmpuint(stats.used, ==, 0);
    g_assert_true(stats.internal_fragmentation < 1e-12); /* 0 where used is 0 */
    g_assert_cmpuint(stats.free_spans, ==, 1);
    g_assert_cmpuint(stats.largest_free, ==, stats.free);
    g_assert_true(stats.external_fragmentation < 1e-12);
    g_assert_true(stats.unusable[16] < 1e-12);
    g_assert_true(stats.unusable[17] > 1 - 1e-12); /* all of it is under 128 KiB */
    g_assert_cmpuint(stats.allocations + stats.frees + stats.failures, ==, 0);
    g_assert_cmpuint(stats.moved + stats.moved_blocks, ==, 0);

    assert_ok(book_alloc(&site.book, 3000, 0, 0));
    assert_ok(book_alloc(&site.book, 3000, 0, 0));
    assert_ok(book_free(&site.book, 0));
    assert_ok(rm_heap_stats(site.heap, &stats));
    g_assert_cmpuint(stats.free_spans, ==, 2);
    gap = stats.free - stats.largest_free;
    g_assert_cmpuint(gap, >=, 3000);
    g_assert_cmpuint(gap, <, 3000 + 64);
    g_assert_true(stats.unusable[11] < 1e-12); /* 2048 <= gap < 4096 */
    g_assert_cmpfloat_with_epsilon(stats.unusable[12], (double)gap / (double)stats.free,
                                   1e-9);
    g_assert_cmpfloat_with_epsilon(stats.external_fragmentation,
                                   (double)gap / (double)stats.free, 1e-9);
    g_assert_cmpfloat_with_epsilon(stats.internal_fragmentation,
                                   1 - 3000.0 / (double)stats.used, 1e-9);
    for (unsigned order = 1; order < RM_ORDERS; order++)
        g_assert_true(stats.unusable[order] >= stats.unusable[order - 1]);

    /* a block that moves counts its bytes and itself */
    assert_ok(rm_heap_compact(site.heap, NULL, NULL));
    assert_ok(rm_heap_stats(site.heap, &stats));
    g_assert_cmpuint(stats.moved_blocks, ==, 1);
    g_assert_cmpuint(stats.moved, >=, 3000);
    g_assert_cmpuint(stats.moved, <, 3000 + 64);
    g_assert_true(stats.external_fragmentation < 1e-12);
    site_close(&site);
}

/* Brim-full: free is 0 or next to it, and no formula divides by it. */
static void test_full(void) {
    for (size_t size = 4096; size < 4096 + 64; size += 8) {
        struct site site;
        struct rng rng = test_rng();

        site_open(&site, size, RM_THREADS_NONE, RM_COMPACT_ON_DEMAND);
        book_fill(&site.book, &rng, SHAPE_SMALL, 300);
        site_verify(&site);
        site_close(&site);
    }
}

/* -------------------------------------------------------------------- the walk */

struct visits {
    size_t n, stop_at;
    rm_heap_t *other;
};

static bool visit(const rm_span_t *span, void *context) {
    struct visits *visits = context;

    if (visits->other != NULL) { /* only the same heap is out of bounds */
        rm_memory_t *block = NULL;

        assert_ok(rm_heap_alloc(visits->other, &block, span->size % 100, 0, 0));
        assert_ok(rmfree(block));
    }
    return ++visits->n != visits->stop_at;
}

static void test_walk_stops(void) {
    struct site site, other;
    struct rng rng = test_rng();
    struct visits visits = {0, 0, NULL};
    size_t all;

    site_open(&other, 10000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    site_open(&site, 50000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    book_shuffle(&site.book, &rng, 300, SHAPE_MIXED, 1000, true);
    assert_ok(rm_heap_walk(site.heap, visit, &visits));
    all = visits.n;
    g_assert_cmpuint(all, >, site.book.n);
    visits.other = other.heap;
    for (size_t stop = 1; stop <= all; stop++) {
        visits.n = 0;
        visits.stop_at = stop;
        assert_ok(rm_heap_walk(site.heap, visit, &visits)); /* stopped: RM_OK too */
        g_assert_cmpuint(visits.n, ==, stop);
    }
    site_close(&site);
    site_close(&other);
}

/* Every live block is in exactly one span; blocks low, the table at the top. */
static void test_walk_layout(void) {
    struct site site;
    struct rng rng = test_rng();
    struct picture picture;

    site_open(&site, 100000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    book_shuffle(&site.book, &rng, 500, SHAPE_MIXED, 1000, true);
    book_unlock_all(&site.book);
    compact_fully(site.heap, 0);
    assert_sound(picture_take(&picture, site.heap));
    for (size_t i = 0; i < site.book.n; i++) {
        unsigned char *at = book_address(&site.book, i);
        size_t found = 0;

        for (size_t k = 0; k < picture.n; k++) {
            const rm_span_t *span = &picture.spans[k];

            if (span->handle != site.book.blocks[i].handle) continue;
            found++;
            g_assert_cmpuint(span->requested, ==, site.book.blocks[i].size);
            /* the content lies in the span; offsets count from the region's start */
            g_assert_true(at >= site.region.memory + span->offset);
            g_assert_true(at + span->requested <=
                          site.region.memory + span->offset + span->size);
        }
        g_assert_cmpuint(found, ==, 1);
    }
    g_assert_cmpint(picture.spans[picture.n - 1].kind, ==, RM_SPAN_METADATA);
    for (size_t k = 0, gap = 0; k < picture.n; k++) {
        gap |= picture.spans[k].kind == RM_SPAN_FREE;
        g_assert_true(!gap || picture.spans[k].kind != RM_SPAN_BLOCK);
        g_assert_cmpint(picture.spans[k].kind, !=, RM_SPAN_RESERVED);
    }
    g_assert_cmpuint(picture.stats.extent, <=,
                     picture.stats.capacity - picture.stats.free);
    picture_finish(&picture);
    site_close(&site);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metrics/recount", test_recount);
    g_test_add_func("/metrics/recount-growable", test_recount_growable);
    g_test_add_func("/metrics/formulas", test_formulas);
    g_test_add_func("/metrics/full", test_full);
    g_test_add_func("/metrics/walk-stops", test_walk_stops);
    g_test_add_func("/metrics/walk-layout", test_walk_layout);
    return g_test_run();
}
