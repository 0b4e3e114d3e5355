/* SPDX-License-Identifier: MIT */
/*
 * Read sections of several threads and of several heaps: whoever holds, nothing moves;
 * a compaction with time to spare waits; a section ends with its thread, and with its
 * heap; no section is lost, however many heaps a thread holds or uses.
 */
#include <string.h>

#include "crew.h"
#include "util.h"

#define SECOND UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

/* --------------------------------------------------------- another thread's section */

/* Holds from the first chapter to the second, as often as it has steps. */
static void *holder(void *context) {
    struct worker *worker = context;
    struct tale *tale = worker->context;

    for (; worker->n_done < worker->steps; worker->n_done++)
        fails_status(worker, "hold", rm_heap_hold(worker->heap), RM_OK);
    tale_turn(tale, 1);
    tale_await(tale, 2);
    for (unsigned i = 0; i < worker->steps; i++)
        fails_status(worker, "release", rm_heap_release(worker->heap), RM_OK);
    fails_status(worker, "release", rm_heap_release(worker->heap), RM_EUNLOCKED);
    return NULL;
}

static void start_holder(struct worker *worker, rm_heap_t *heap, unsigned steps,
                         struct tale *tale) {
    memset(worker, 0, sizeof(*worker));
    worker->heap = heap;
    worker->steps = steps;
    worker->context = tale;
    worker_start(worker, holder);
    tale_await(tale, 1);
}

static void end_holder(struct worker *worker) {
    tale_turn(worker->context, 2);
    worker_join(worker);
    g_assert_cmpstr(worker->wrong, ==, NULL);
}

/* Without time nothing is waited for; with some, so long and not much longer. */
static void test_another_thread(void) {
    for (unsigned depth = 1; depth <= 3; depth++) {
        const rm_budget_t budgets[] = {
            {0, 0}, {5000, 0}, {0, 1}, {0, 60 * MILLISECOND}, {5000, 60 * MILLISECOND}};
        struct tale tale = TALE_INIT;
        struct worker worker;
        struct site site;

        site_open(&site, 400000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        perforate(&site.book, 300, 1000);
        start_holder(&worker, site.heap, depth, &tale);
        for (unsigned k = 0; k < G_N_ELEMENTS(budgets); k++) {
            rm_progress_t progress = {99, 99, 99, true};
            uint64_t start = now_ns(), took;

            assert_ok(rm_heap_compact(site.heap, &budgets[k], &progress));
            took = now_ns() - start;
            g_assert_cmpuint(progress.moved, ==, 0);
            g_assert_false(progress.complete);
            g_assert_cmpuint(progress.nanoseconds, <=, took);
            /* half of it: clocks, and what a sleep is rounded to */
            g_assert_cmpuint(took, >=, budgets[k].nanoseconds / 2);
            g_assert_cmpuint(took, <, budgets[k].nanoseconds + 5 * SECOND);
        }
        g_assert_cmpuint(moved_so_far(site.heap), ==, 0);
        /* What this thread may do meanwhile is what the holder may. */
        assert_status(rm_heap_release(site.heap), RM_EUNLOCKED);
        assert_status(book_resize(&site.book, 0, 7000), RM_ELOCKED);
        assert_ok(book_resize(&site.book, 0, 10));
        assert_ok(book_free(&site.book, 20));
        assert_ok(book_alloc(&site.book, 500, 0, 0));
        site_verify(&site);
        end_holder(&worker);
        compact_fully(site.heap, 0);
        g_assert_cmpuint(moved_so_far(site.heap), >, 0);
        site_close(&site);
    }
}

static void *ender(void *context) {
    struct worker *worker = context;

    sleep_ns(30 * MILLISECOND);
    end_holder(worker->context);
    return NULL;
}

/* The section ends while a compaction waits: the compaction goes on then. */
static void test_waits(void) {
    const rm_budget_t budget = {0, 20 * SECOND};

    for (unsigned round = 0; round < 5; round++) {
        struct tale tale = TALE_INIT;
        struct worker worker, other = {0};
        rm_progress_t progress = {0, 0, 0, false};
        uint64_t start = now_ns();
        struct site site;

        site_open(&site, 400000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        perforate(&site.book, 300, 1000);
        start_holder(&worker, site.heap, 1, &tale);
        other.context = &worker;
        worker_start(&other, ender);
        assert_ok(rm_heap_compact(site.heap, &budget, &progress));
        g_assert_cmpuint(progress.moved, >, 0);
        g_assert_true(progress.complete);
        g_assert_cmpuint(now_ns() - start, <, 15 * SECOND);
        worker_join(&other);
        assert_sound(heap_complete_fault(site.heap, 0));
        site_close(&site);
    }
}

/* -------------------------------------------------------------- threads that are gone */

static void *dies_inside(void *context) {
    struct worker *worker = context;

    for (; worker->n_done < worker->steps; worker->n_done++) {
        void *at = NULL;

        fails_status(worker, "hold", rm_heap_hold(worker->heap), RM_OK);
        fails_status(worker, "peek", rmpeek(worker->shared[0], &at), RM_OK);
    }
    return NULL;
}

static void test_thread_ends(void) {
    for (unsigned round = 0; round < 60; round++) {
        struct worker workers[4];
        struct site site;

        site_open(&site, 400000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        perforate(&site.book, 300, 1000);
        for (unsigned i = 0; i < G_N_ELEMENTS(workers); i++) {
            memset(&workers[i], 0, sizeof(workers[i]));
            workers[i].heap = site.heap;
            workers[i].shared = &site.book.blocks[0].handle;
            workers[i].steps = 1 + (round + i) % 3;
            worker_start(&workers[i], dies_inside);
        }
        for (unsigned i = 0; i < G_N_ELEMENTS(workers); i++) {
            worker_join(&workers[i]);
            g_assert_cmpstr(workers[i].wrong, ==, NULL);
        }
        assert_status(rm_heap_release(site.heap), RM_EUNLOCKED);
        compact_fully(site.heap, 0);
        g_assert_cmpuint(moved_so_far(site.heap), >, 0);
        site_close(&site);
    }
}

/* --------------------------------------------------------------- heaps that are gone */

/* So many that a place in the registry, and of the thread's state, comes again. */
static void test_destroyed_while_held(void) {
    static _Alignas(16) unsigned char region[8192];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    options.memory = region;
    options.size = sizeof(region);
    for (unsigned round = 0; round < 2 * RM_HEAPS_MAX + 100; round++) {
        rm_progress_t progress = {0, 0, 0, false};
        struct book book;
        rm_heap_t *heap;

        options.threads = round % 8 == 0 ? RM_THREADS_NONE : RM_THREADS_SAFE;
        heap = heap_with(&options);
        assert_status(rm_heap_release(heap), RM_EUNLOCKED);
        book_init(&book, heap);
        perforate(&book, 4, 600);
        assert_ok(rm_heap_compact(heap, NULL, &progress)); /* held by nobody */
        g_assert_cmpuint(progress.moved, >, 0);
        for (unsigned i = 0; i <= round % 3; i++) assert_ok(rm_heap_hold(heap));
        assert_sound(book_verify(&book));
        assert_ok(rm_heap_destroy(heap));
        assert_status(rm_heap_release(heap), RM_EINVAL);
        book_finish(&book);
    }
}

/* ------------------------------------------------------------------------ many heaps */

#define HEAPS 40

static struct site *open_many(void) {
    struct site *sites = g_new0(struct site, HEAPS);

    for (unsigned i = 0; i < HEAPS; i++) {
        site_open(&sites[i], 60000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        perforate(&sites[i].book, 20, 1000);
    }
    return sites;
}

static void close_many(struct site *sites) {
    for (unsigned i = 0; i < HEAPS; i++) {
        assert_status(rm_heap_release(sites[i].heap), RM_EUNLOCKED);
        compact_fully(sites[i].heap, 0);
        g_assert_cmpuint(moved_so_far(sites[i].heap), >, 0);
        site_close(&sites[i]);
    }
    g_free(sites);
}

/* Held as often as `held` says, and by nobody where that is 0. */
static void assert_held(struct site *site, unsigned held) {
    unsigned char *at = book_address(&site->book, site->book.n - 1);
    rm_progress_t progress = {0, 0, 0, false};

    if (held == 0) return;
    assert_ok(rm_heap_compact(site->heap, NULL, &progress));
    g_assert_cmpuint(progress.moved, ==, 0);
    g_assert_false(progress.complete);
    g_assert_true(book_address(&site->book, site->book.n - 1) == at);
}

/* More heaps than a thread's state is said to have room for, held and used in turn. */
static void test_many_heaps(void) {
    struct site *sites = open_many();
    unsigned held[HEAPS] = {0}, most = 0;
    struct rng rng = test_rng();

    for (unsigned step = 0; step < 6000; step++) {
        unsigned i = (unsigned)rng_below(&rng, HEAPS), n_held = 0;
        /* ever more, and in the end ever fewer */
        bool hold = rng_chance(&rng, step < 4000 ? 55 : 40);

        if (hold) {
            assert_ok(rm_heap_hold(sites[i].heap));
            held[i]++;
        } else if (held[i] > 0) {
            assert_ok(rm_heap_release(sites[i].heap));
            held[i]--;
        } else {
            assert_status(rm_heap_release(sites[i].heap), RM_EUNLOCKED);
        }
        for (unsigned k = 0; k < HEAPS; k++) n_held += held[k] > 0;
        most = MAX(most, n_held);
        i = (unsigned)rng_below(&rng, HEAPS);
        assert_ok(book_alloc(&sites[i].book, rng_below(&rng, 100), 0, 0));
        assert_ok(book_free(&sites[i].book, sites[i].book.n - 1));
        assert_held(&sites[i], held[i]);
        assert_sound(book_verify_one(&sites[i].book, 0));
    }
    g_test_message("at most %u heaps were held at once", most);
    g_assert_cmpuint(most, >, 20);
    for (unsigned i = 0; i < HEAPS; i++) {
        assert_held(&sites[i], held[i]);
        for (; held[i] > 0; held[i]--) assert_ok(rm_heap_release(sites[i].heap));
    }
    close_many(sites);
}

/* A thread that holds all of them, and one after the other ends. */
static void *holds_all(void *context) {
    struct worker *worker = context;
    struct site *sites = worker->context;

    for (; worker->n_done < HEAPS; worker->n_done++)
        if (fails_status(worker, "hold", rm_heap_hold(sites[worker->n_done].heap), RM_OK))
            break;
    for (unsigned i = 0; i < HEAPS; i++) {
        rm_progress_t progress = {0, 0, 0, false};

        fails_status(worker, "compact", rm_heap_compact(sites[i].heap, NULL, &progress),
                     RM_OK);
        if (progress.moved != 0) fails(worker, "a held heap was compacted");
        if (i % 3 == 0)
            fails_status(worker, "release", rm_heap_release(sites[i].heap), RM_OK);
    }
    return NULL;
}

static void test_many_heaps_thread_ends(void) {
    for (unsigned round = 0; round < 10; round++) {
        struct site *sites = open_many();
        struct worker worker = {0};

        worker.context = sites;
        worker_start(&worker, holds_all);
        worker_join(&worker);
        g_assert_cmpstr(worker.wrong, ==, NULL);
        close_many(sites);
    }
}

/* ------------------------------------------------------------ while a heap is at work */

#define READERS 3
#define BLOCKS 200

/* What a section sees stays as it is, where it is; between sections it is moved. */
static void *reader(void *context) {
    struct worker *worker = context;
    const atomic_bool *over = worker->context;

    while (!atomic_load(over) || worker->n_done < worker->steps) {
        size_t i[8];
        void *at[8] = {NULL}, *again = NULL;

        if (fails_status(worker, "hold", rm_heap_hold(worker->heap), RM_OK)) break;
        for (unsigned k = 0; k < 8; k++) {
            i[k] = (size_t)rng_below(&worker->rng, BLOCKS);
            if (fails_status(worker, "peek", rmpeek(worker->shared[i[k]], &at[k]), RM_OK))
                return NULL;
            fails(worker, content_fault(at[k], 40 * i[k], i[k]));
        }
        for (unsigned k = 0; k < 8; k++) {
            fails_status(worker, "peek", rmpeek(worker->shared[i[k]], &again), RM_OK);
            if (again != at[k]) fails(worker, "a block of a held heap has moved");
            fails(worker, content_fault(at[k], 40 * i[k], i[k]));
        }
        fails_status(worker, "release", rm_heap_release(worker->heap), RM_OK);
        if (worker->wrong != NULL) break;
        worker->n_done++;
        if (rng_chance(&worker->rng, 30)) sleep_ns(rng_below(&worker->rng, 100000));
    }
    return NULL;
}

static void readers(rm_heap_t *heap) {
    atomic_bool over = false;
    struct worker workers[READERS];
    rm_memory_t *shared[BLOCKS], *gaps[BLOCKS] = {NULL};
    struct rng rng = test_rng();
    size_t n_moving = 0, n_given = 0;

    for (size_t i = 0; i < BLOCKS; i++) {
        void *at = NULL;

        assert_ok(rm_heap_alloc(heap, &gaps[i], 700, 0, 0));
        assert_ok(rm_heap_alloc(heap, &shared[i], 40 * i, 0, 0));
        assert_ok(rmlock(shared[i], &at));
        content_fill(at, 40 * i, i);
        assert_ok(rmunlock(shared[i]));
    }
    for (unsigned i = 0; i < READERS; i++) {
        memset(&workers[i], 0, sizeof(workers[i]));
        workers[i].heap = heap;
        workers[i].shared = shared;
        workers[i].rng = test_rng();
        workers[i].context = &over;
        workers[i].steps = 1000;
        worker_start(&workers[i], reader);
    }
    for (uint64_t end = now_ns() + SECOND; now_ns() < end;) {
        rm_budget_t budget = {rng_between(&rng, 1, 100000), rng_below(&rng, 200000)};
        rm_progress_t progress = {0, 0, 0, false};

        for (unsigned k = 0; k < 10; k++) {
            size_t i = (size_t)rng_below(&rng, BLOCKS);

            assert_ok(rmfree(gaps[i]));
            /* fails where it would have to compact, now that somebody reads */
            if (rm_heap_alloc(heap, &gaps[i], rng_below(&rng, 2000), 0, 0) == RM_OK)
                n_given++;
        }
        assert_ok(
            rm_heap_compact(heap, rng_chance(&rng, 30) ? NULL : &budget, &progress));
        n_moving += progress.moved > 0;
    }
    atomic_store(&over, true);
    for (unsigned i = 0; i < READERS; i++) {
        worker_join(&workers[i]);
        g_assert_cmpstr(workers[i].wrong, ==, NULL);
        g_assert_cmpuint(workers[i].n_done, >=, workers[i].steps);
    }
    g_test_message("%zu compactions moved something, %zu blocks came", n_moving, n_given);
    g_assert_cmpuint(n_moving, >, 0);
    g_assert_cmpuint(n_given, >, 0);
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_ok(rmfree(shared[i]));
        assert_ok(rmfree(gaps[i]));
    }
    compact_fully(heap, 0);
}

static void test_readers(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c += 2) {
        rm_heap_t *heap = growable_heap(0, c);
        struct site site;

        site_open(&site, 1100000, RM_THREADS_SAFE, c);
        readers(site.heap);
        site_close(&site);
        readers(heap);
        assert_ok(rm_heap_destroy(heap));
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sections/another-thread", test_another_thread);
    g_test_add_func("/sections/waits", test_waits);
    g_test_add_func("/sections/thread-ends", test_thread_ends);
    g_test_add_func("/sections/destroyed-while-held", test_destroyed_while_held);
    g_test_add_func("/sections/many-heaps", test_many_heaps);
    g_test_add_func("/sections/many-heaps-thread-ends", test_many_heaps_thread_ends);
    g_test_add_func("/sections/readers", test_readers);
    return g_test_run();
}
