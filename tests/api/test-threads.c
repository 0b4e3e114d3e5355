/* SPDX-License-Identifier: MIT */
/*
 * RM_THREADS_SAFE: any thread may make any call at any time. Meant to be run under
 * TSan as well.
 */
#include <string.h>

#include "crew.h"
#include "util.h"

#define THREADS 4
#define SHARED 64

static void run(struct worker *workers, void *(*body)(void *), rm_heap_t *heap,
                unsigned steps, rm_memory_t **shared) {
    for (unsigned i = 0; i < THREADS; i++) {
        memset(&workers[i], 0, sizeof(workers[i]));
        workers[i].heap = heap;
        workers[i].rng = test_rng();
        workers[i].steps = steps;
        workers[i].shared = shared;
        worker_start(&workers[i], body);
    }
    for (unsigned i = 0; i < THREADS; i++) worker_join(&workers[i]);
    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpstr(workers[i].wrong, ==, NULL);
        g_assert_cmpuint(workers[i].n_done, ==, steps);
    }
}

/* ------------------------------------------------------- each its own blocks */

static bool look_at(rm_heap_t *heap, struct rng *rng) {
    rm_budget_t budget = {rng_between(rng, 1, 20000), 0};
    rm_stats_t stats;
    size_t size;

    switch (rng_below(rng, 6)) {
    case 0: return rm_heap_compact(heap, &budget, NULL) == RM_OK;
    case 1: return rm_heap_stats(heap, &stats) == RM_OK;
    case 2: return rm_heap_largest(heap, rng_chance(rng, 50), &size) == RM_OK;
    case 3: return rm_heap_stats_quick(heap, &stats) == RM_OK;
    case 4: return rm_heap_trim(heap) == RM_OK;
    default: return rng_chance(rng, 95) || rm_heap_check(heap, NULL) == RM_OK;
    }
}

static void *own_blocks(void *context) {
    struct worker *worker = context;
    struct book book;

    book_init(&book, worker->heap);
    for (; worker->n_done < worker->steps; worker->n_done++) {
        book_shuffle(&book, &worker->rng, 4, SHAPE_MIXED, 3000, true);
        while (book.requested > 50000 && book.n > 0) {
            while (book.blocks[book.n - 1].locks > 0)
                if (book_unlock(&book, book.n - 1) != RM_OK) fails(worker, "unlock");
            if (book_free(&book, book.n - 1) != RM_OK && fails(worker, "free")) break;
        }
        if (!look_at(worker->heap, &worker->rng) && fails(worker, "a call on the heap"))
            break;
        if (worker->n_done % 50 == 0 && fails(worker, book_verify(&book))) break;
    }
    fails(worker, book_verify(&book));
    book_free_all(&book);
    fails(worker, book.wrong);
    book_finish(&book);
    return NULL;
}

static void assert_empty(rm_heap_t *heap) {
    rm_stats_t stats;

    assert_ok(rm_heap_stats(heap, &stats));
    g_assert_cmpuint(stats.live_blocks, ==, 0);
    g_assert_cmpuint(stats.requested, ==, 0);
    g_assert_cmpuint(stats.allocations, ==, stats.frees);
    assert_sound(heap_fault(heap));
}

static void test_own_blocks(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        struct worker workers[THREADS];
        struct site site;
        rm_heap_t *heap = growable_heap(0, c);

        site_open(&site, 300000, RM_THREADS_SAFE, c); /* tight for four */
        run(workers, own_blocks, site.heap, 600, NULL);
        assert_empty(site.heap);
        site_close(&site);
        run(workers, own_blocks, heap, 800, NULL);
        assert_empty(heap);
        assert_ok(rm_heap_destroy(heap));
    }
}

/* NULL, the default heap, made by whoever comes first. */
static void test_default_heap(void) {
    struct worker workers[THREADS];

    assert_ok(rm_heap_destroy(rm_heap_default()));
    run(workers, own_blocks, NULL, 600, NULL);
    assert_empty(rm_heap_default());
}

/* ------------------------------------------- handles of one used by the others */

/* Read-only blocks that all threads lock, read and unlock while others compact. */
static void *readers(void *context) {
    struct worker *worker = context;

    for (; worker->n_done < worker->steps; worker->n_done++) {
        size_t i = (size_t)rng_below(&worker->rng, SHARED);
        void *at = NULL, *again = NULL;
        size_t size = 0;

        if (rmlock(worker->shared[i], &at) != RM_OK && fails(worker, "lock")) break;
        if ((rmsize(worker->shared[i], &size) != RM_OK || size != 100 * i) &&
            fails(worker, "size"))
            break;
        if (fails(worker, content_fault(at, size, i))) break;
        if ((rmlock(worker->shared[i], &again) != RM_OK || again != at) &&
            fails(worker, "a locked block moved"))
            break;
        if (rmunlock(worker->shared[i]) != RM_OK && fails(worker, "unlock")) break;
        if (fails(worker, content_fault(at, size, i))) break;
        if (rmunlock(worker->shared[i]) != RM_OK && fails(worker, "unlock")) break;
        if (rng_chance(&worker->rng, 20)) {
            rm_memory_t *block = NULL;

            (void)rm_heap_alloc(worker->heap, &block, rng_below(&worker->rng, 5000), 0,
                                0);
            if (!look_at(worker->heap, &worker->rng) && fails(worker, "heap")) break;
            if (rmfree(block) != RM_OK && fails(worker, "free")) break;
        }
    }
    return NULL;
}

static void test_shared_blocks(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        struct worker workers[THREADS];
        rm_memory_t *shared[SHARED];
        struct site site;

        site_open(&site, 300000, RM_THREADS_SAFE, c);
        for (size_t i = 0; i < SHARED; i++) {
            rm_memory_t *gap = NULL;
            void *at = NULL;

            assert_ok(rm_heap_alloc(site.heap, &gap, 500, 0, 0));
            assert_ok(rm_heap_alloc(site.heap, &shared[i], 100 * i, 0, 0));
            assert_ok(rmlock(shared[i], &at));
            content_fill(at, 100 * i, i);
            assert_ok(rmunlock(shared[i]));
            assert_ok(rmfree(gap));
        }
        run(workers, readers, site.heap, 6000, shared);
        for (size_t i = 0; i < SHARED; i++) assert_ok(rmfree(shared[i]));
        assert_empty(site.heap);
        site_close(&site);
    }
}

/* Locks of one block by all threads: none is lost. */
static void *lockers(void *context) {
    struct worker *worker = context;

    for (; worker->n_done < worker->steps; worker->n_done++) {
        void *at;

        if (rmlock(worker->shared[0], &at) != RM_OK && fails(worker, "lock")) break;
        if (worker->n_done % 2 && rmunlock(worker->shared[0]) != RM_OK &&
            fails(worker, "unlock"))
            break;
    }
    return NULL;
}

static void test_lock_count(void) {
    struct worker workers[THREADS];
    struct site site;
    rm_memory_t *block = NULL;
    unsigned locks = 0;

    site_open(&site, 8192, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    assert_ok(rm_heap_alloc(site.heap, &block, 100, 0, 0));
    run(workers, lockers, site.heap, 400, &block);
    assert_ok(rmlocks(block, &locks));
    g_assert_cmpuint(locks, ==, THREADS * 200);
    for (unsigned i = 0; i < THREADS * 200; i++) assert_ok(rmunlock(block));
    assert_status(rmunlock(block), RM_EUNLOCKED);
    assert_ok(rmfree(block));
    site_close(&site);
}

/* One thread allocates, the next frees what it is handed; each is freed once. */
static void *freers(void *context) {
    struct worker *worker = context;

    for (; worker->n_done < worker->steps; worker->n_done++) {
        rm_memory_t *fresh = NULL, *old;
        rm_memory_t **place = &worker->shared[rng_below(&worker->rng, SHARED)];

        if (rm_heap_alloc(worker->heap, &fresh, rng_below(&worker->rng, 300), 0, 0) !=
                RM_OK &&
            fails(worker, "alloc"))
            break;
        old = __atomic_exchange_n(place, fresh, __ATOMIC_ACQ_REL);
        if (rmfree(old) != RM_OK && fails(worker, "free of another thread's block"))
            break;
        if (old != NULL && rmfree(old) != RM_EHANDLE && fails(worker, "freed twice"))
            break;
    }
    return NULL;
}

static void test_handed_on(void) {
    struct worker workers[THREADS];
    rm_memory_t *shared[SHARED] = {NULL};
    struct site site;

    site_open(&site, 200000, RM_THREADS_SAFE, RM_COMPACT_STEADY);
    run(workers, freers, site.heap, 5000, shared);
    for (size_t i = 0; i < SHARED; i++) assert_ok(rmfree(shared[i]));
    assert_empty(site.heap);
    site_close(&site);
}

/* Each thread creates and destroys heaps of its own all the time. */
static void *founders(void *context) {
    struct worker *worker = context;
    unsigned char *memory = g_malloc(8192);

    for (; worker->n_done < worker->steps; worker->n_done++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        rm_memory_t *block = NULL;
        rm_heap_t *heap = NULL;

        options.memory = memory;
        options.size = 8192;
        if (rm_heap_create(&heap, &options) != RM_OK && fails(worker, "create")) break;
        if (rm_heap_alloc(heap, &block, 100, 0, RM_ZERO) != RM_OK &&
            fails(worker, "alloc"))
            break;
        if (rm_heap_destroy(heap) != RM_OK && fails(worker, "destroy")) break;
        if (rmfree(block) != RM_EHANDLE &&
            fails(worker, "a block of a heap that is gone"))
            break;
    }
    g_free(memory);
    return NULL;
}

static void test_heaps_come_and_go(void) {
    struct worker workers[THREADS];

    run(workers, founders, NULL, 2000, NULL);
}

/* ------------------------------------------- what one call of several has moved */

enum { HOLES = 64, HOLE = 20000, ABOVE_AT_ONCE = 300 * 1024, ROUNDS = 3000 };

/* Budgets so large that others are let in: what they move meanwhile is not this call's. */
static void *compact_beside(void *context) {
    struct worker *worker = context;
    rm_memory_t *blocks[HOLES];
    rm_budget_t budget = {ABOVE_AT_ONCE, 0};

    for (; worker->n_done < worker->steps; worker->n_done++) {
        rm_progress_t progress;

        for (unsigned i = 0; i < HOLES; i++)
            if (fails_status(worker, "alloc",
                             rm_heap_alloc(worker->heap, &blocks[i], HOLE, 0, 0), RM_OK))
                return NULL;
        for (unsigned i = 0; i < HOLES; i += 2)
            fails_status(worker, "free", rmfree(blocks[i]), RM_OK);
        fails_status(worker, "compact", rm_heap_compact(worker->heap, &budget, &progress),
                     RM_OK);
        if (progress.moved > ABOVE_AT_ONCE + 65536)
            fails(worker, "a call says that it has moved more than its budget");
        for (unsigned i = 1; i < HOLES; i += 2)
            fails_status(worker, "free", rmfree(blocks[i]), RM_OK);
    }
    return NULL;
}

static void test_progress(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct worker workers[THREADS];
    rm_heap_t *heap;

    options.compaction = RM_COMPACT_MANUAL;
    assert_ok(rm_heap_create(&heap, &options));
    run(workers, compact_beside, heap, BUILT_FOR_TSAN ? ROUNDS / 5 : ROUNDS, NULL);
    assert_empty(heap);
    assert_ok(rm_heap_destroy(heap));
}

/* Without a budget all is done, however many look on: they are let in, and it goes on. */
struct gallery {
    rm_heap_t *heap;
    bool reads; /* at first, and not any more when it is there */
    atomic_bool there, over;
};

static void *looks_on(void *context) {
    struct worker *worker = context;
    struct gallery *gallery = worker->context;

    if (gallery->reads) {
        fails_status(worker, "hold", rm_heap_hold(gallery->heap), RM_OK);
        fails_status(worker, "release", rm_heap_release(gallery->heap), RM_OK);
    }
    atomic_store(&gallery->there, true);
    for (; !atomic_load(&gallery->over); worker->n_done++) {
        rm_stats_t stats;

        fails_status(worker, "stats", rm_heap_stats(gallery->heap, &stats), RM_OK);
    }
    return NULL;
}

static void test_whole(void) {
    enum { BLOCKS = 20000, SIZE = 700, WHOLES = 6 };
    rm_memory_t **blocks = g_new(rm_memory_t *, BLOCKS);

    for (unsigned reads = 0; reads < 2; reads++) {
        struct gallery gallery = {.reads = reads};
        struct worker onlooker = {.context = &gallery};
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

        options.compaction = RM_COMPACT_MANUAL;
        assert_ok(rm_heap_create(&gallery.heap, &options));
        worker_start(&onlooker, looks_on);
        while (!atomic_load(&gallery.there)) sched_yield();
        for (unsigned round = 0; round < (BUILT_FOR_TSAN ? 2 : WHOLES); round++) {
            rm_progress_t progress;

            for (unsigned i = 0; i < BLOCKS; i++)
                assert_ok(rm_heap_alloc(gallery.heap, &blocks[i], SIZE, 0, 0));
            for (unsigned i = 0; i < BLOCKS; i += 2) assert_ok(rmfree(blocks[i]));
            assert_ok(rm_heap_compact(gallery.heap, NULL, &progress));
            g_assert_true(progress.complete);
            for (unsigned i = 1; i < BLOCKS; i += 2) assert_ok(rmfree(blocks[i]));
        }
        atomic_store(&gallery.over, true);
        worker_join(&onlooker);
        g_assert_cmpstr(onlooker.wrong, ==, NULL);
        assert_ok(rm_heap_destroy(gallery.heap));
    }
    g_free(blocks);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/threads/own-blocks", test_own_blocks);
    g_test_add_func("/threads/default-heap", test_default_heap);
    g_test_add_func("/threads/shared-blocks", test_shared_blocks);
    g_test_add_func("/threads/lock-count", test_lock_count);
    g_test_add_func("/threads/handed-on", test_handed_on);
    g_test_add_func("/threads/heaps-come-and-go", test_heaps_come_and_go);
    g_test_add_func("/threads/progress", test_progress);
    g_test_add_func("/threads/whole", test_whole);
    return g_test_run();
}
