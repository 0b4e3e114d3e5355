/* SPDX-License-Identifier: MIT */
/*
 * Locks belong to blocks, not to threads: they outlive the thread, another one may give
 * them back, and up to RM_LOCKS_MAX their count is exact, whoever takes how many. And a
 * handle that is stale is refused in any thread, while its slot is used anew.
 */
#include <string.h>

#include "crew.h"
#include "util.h"

#define MOST 8

/* ------------------------------------------------------------------ across threads */

static void *locks_all(void *context) {
    struct worker *worker = context;
    struct book *book = worker->context;

    for (size_t i = 0; i < book->n; i++)
        for (size_t k = 0; k < i % 9; k++)
            fails_status(worker, "lock", book_lock(book, i), RM_OK);
    return NULL;
}

static void *unlocks_all(void *context) {
    struct worker *worker = context;

    book_unlock_all(worker->context);
    return NULL;
}

/* The lockers end without a word; the blocks stay locked until somebody else unlocks. */
static void test_outlive_the_thread(void) {
    for (unsigned round = 0; round < 30; round++) {
        struct worker worker = {0};
        struct site site;

        site_open(&site, 400000, RM_THREADS_SAFE, (rm_compaction_t)(round % 3));
        perforate(&site.book, 300, 1000);
        worker.context = &site.book;
        worker_start(&worker, locks_all);
        worker_join(&worker);
        g_assert_cmpstr(worker.wrong, ==, NULL);
        g_assert_cmpuint(site.book.n_locked, >, 100);
        assert_ok(rm_heap_compact(site.heap, NULL, NULL));
        site_verify(&site); /* places and counts */
        for (size_t i = 0; i < site.book.n; i++)
            if (site.book.blocks[i].locks > 0)
                assert_status(rmfree(site.book.blocks[i].handle), RM_ELOCKED);
        if (round % 2) {
            worker_start(&worker, unlocks_all);
            worker_join(&worker);
        } else {
            book_unlock_all(&site.book);
        }
        for (size_t i = 0; i < site.book.n; i++)
            assert_status(rmunlock(site.book.blocks[i].handle), RM_EUNLOCKED);
        compact_fully(site.heap, 0);
        g_assert_cmpuint(moved_so_far(site.heap), >, 0);
        site_close(&site);
    }
}

/* -------------------------------------------------- the first thread beside the first */

#define COMERS 4

/* Unlocks what the first thread has locked, one block after the other. */
static void *comes_later(void *context) {
    struct worker *worker = context;
    struct book *book = worker->context;

    for (size_t i = worker->index; i < book->n; i += COMERS) {
        struct block *block = &book->blocks[i];
        void *at = NULL;

        fails_status(worker, "lock", rmlock(block->handle, &at), RM_OK);
        if (block->locks > 0 && at != block->locked_at) fails(worker, "it has moved");
        if (fails(worker, content_fault(at, block->size, block->seed))) break;
        fails_status(worker, "unlock", rmunlock(block->handle), RM_OK);
        for (size_t k = 0; k < block->locks; k++)
            fails_status(worker, "unlock", rmunlock(block->handle), RM_OK);
        if (fails_status(worker, "unlock", rmunlock(block->handle), RM_EUNLOCKED)) break;
    }
    return NULL;
}

/* In a process that has one thread until now: locks of all counts, a block half moved. */
static const char *alone_and_not(void *context) {
    const rm_budget_t budget = {1, 0};
    const unsigned *round = context;
    struct worker workers[COMERS];
    const char *text = NULL;
    struct book book;
    struct site site;

    site_open(&site, (size_t)4 << 20, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    book = site.book;
    perforate(&book, 200, 1000);
    for (size_t i = 0; i < book.n; i++)
        for (size_t k = 0; k < (i + *round) % 9; k++)
            if (book_lock(&book, i) != RM_OK) return "no lock";
    if (book_alloc(&book, 300000, 0, 0) != RM_OK) return "no gap";
    if (book_alloc(&book, 1 << 20, 0, 0) != RM_OK) return "no large block";
    if (book_free(&book, book.n - 2) != RM_OK) return "no free";
    for (unsigned i = 0; i < 1 + *round % 5; i++)
        if (rm_heap_compact(site.heap, &budget, NULL) != RM_OK) return "no compaction";
    for (unsigned i = 0; i < COMERS; i++) {
        workers[i] = (struct worker){.context = &book, .index = i};
        worker_start(&workers[i], comes_later);
    }
    for (unsigned i = 0; i < 20; i++)
        if (rm_heap_compact(site.heap, &budget, NULL) != RM_OK) return "no compaction";
    for (unsigned i = 0; i < COMERS; i++) {
        worker_join(&workers[i]);
        if (workers[i].wrong != NULL) text = fault("%s", workers[i].wrong);
    }
    if (text != NULL) return text;
    for (size_t i = 0; i < book.n; i++) book.blocks[i].locks = 0;
    if (rm_heap_compact(site.heap, NULL, NULL) != RM_OK) return "no compaction";
    text = book_verify(&book);
    return text != NULL ? text : heap_complete_fault(site.heap, 0);
}

/* This has to be the first test: then its children have one thread each. */
static void test_first_threads(void) {
    for (unsigned round = 0; round < 20; round++)
        assert_sound(in_child(alone_and_not, &round));
}

/* ------------------------------------------------------------------------ the count */

struct many {
    rm_heap_t *heap;
    rm_memory_t *handle;
    size_t size;
    struct meeting meeting;
    atomic_uint n_locked, n_unlocked, n_refused;
    atomic_bool over;
};

/* Up to the limit together, and back together. */
static void *up_and_down(void *context) {
    struct worker *worker = context;
    struct many *many = worker->context;

    for (; worker->n_done < worker->steps; worker->n_done++) {
        unsigned count = 0;

        meet(&many->meeting, 3 * worker->n_done + 1);
        for (bool refused = false; !refused;) {
            void *at = NULL;
            rm_status_t status = rmlock(many->handle, &at);

            refused = status != RM_OK;
            atomic_fetch_add(refused ? &many->n_refused : &many->n_locked, 1);
            if (refused) fails_status(worker, "lock", status, RM_EOVERFLOW);
        }
        meet(&many->meeting, 3 * worker->n_done + 2);
        fails_status(worker, "locks", rmlocks(many->handle, &count), RM_OK);
        if (count != RM_LOCKS_MAX) fails(worker, fault("%u locks, not the most", count));
        meet(&many->meeting, 3 * worker->n_done + 3);
        for (rm_status_t status; (status = rmunlock(many->handle)) != RM_EUNLOCKED;) {
            if (fails_status(worker, "unlock", status, RM_OK)) break;
            atomic_fetch_add(&many->n_unlocked, 1);
        }
    }
    return NULL;
}

static void *compacts(void *context) {
    struct worker *worker = context;
    struct many *many = worker->context;

    for (; !atomic_load(&many->over); worker->n_done++)
        fails_status(worker, "compact", rm_heap_compact(many->heap, NULL, NULL), RM_OK);
    return NULL;
}

static void up_down(unsigned n_threads, unsigned steps) {
    struct many many = {.size = 100, .meeting = {.n_threads = n_threads}};
    struct worker workers[MOST], compactor = {.context = &many};
    struct site site;
    unsigned locks = 99;

    site_open(&site, 65536, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    perforate(&site.book, 20, 500);
    many.heap = site.heap;
    many.handle = site.book.blocks[5].handle;
    worker_start(&compactor, compacts);
    for (unsigned i = 0; i < n_threads; i++) {
        workers[i] = (struct worker){.context = &many, .steps = steps};
        worker_start(&workers[i], up_and_down);
    }
    for (unsigned i = 0; i < n_threads; i++) {
        worker_join(&workers[i]);
        g_assert_cmpstr(workers[i].wrong, ==, NULL);
    }
    atomic_store(&many.over, true);
    worker_join(&compactor);
    g_assert_cmpstr(compactor.wrong, ==, NULL);
    g_assert_cmpuint(many.n_locked, ==, steps * RM_LOCKS_MAX);
    g_assert_cmpuint(many.n_unlocked, ==, steps * RM_LOCKS_MAX);
    g_assert_cmpuint(many.n_refused, ==, steps * n_threads);
    assert_ok(rmlocks(many.handle, &locks));
    g_assert_cmpuint(locks, ==, 0);
    site_verify(&site);
    assert_ok(book_free(&site.book, 5));
    site_close(&site);
}

static void test_up_and_down(void) {
    up_down(1, 20);
    up_down(2, 200);
    up_down(MOST, 30);
}

/* As many as there are threads: so past the few that a word holds, and back. */
static void *same_block(void *context) {
    struct worker *worker = context;
    struct many *many = worker->context;

    for (; worker->n_done < worker->steps; worker->n_done++) {
        void *at[3] = {NULL};
        unsigned n = (unsigned)rng_between(&worker->rng, 1, 3), locks = 0;

        for (unsigned i = 0; i < n; i++) {
            fails_status(worker, "lock", rmlock(many->handle, &at[i]), RM_OK);
            if (at[i] != at[0]) fails(worker, "a locked block has moved");
        }
        if (fails(worker, content_fault(at[0], many->size, 4711))) break;
        fails_status(worker, "locks", rmlocks(many->handle, &locks), RM_OK);
        if (locks < n || locks > 3 * MOST)
            fails(worker, fault("%u locks, of which %u are mine", locks, n));
        if (rmfree(many->handle) != RM_ELOCKED) fails(worker, "a locked block is freed");
        for (unsigned i = 0; i < n; i++)
            fails_status(worker, "unlock", rmunlock(many->handle), RM_OK);
    }
    return NULL;
}

static void test_same_block(void) {
    for (unsigned round = 0; round < 4; round++) {
        struct many many = {.size = round % 2 ? 60 : 3000};
        struct worker workers[MOST], compactor = {.context = &many};
        struct site site;
        void *at = NULL;

        site_open(&site, 300000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        many.heap = site.heap;
        assert_ok(rm_heap_alloc(site.heap, &many.handle, many.size, 0, 0));
        assert_ok(rmlock(many.handle, &at));
        content_fill(at, many.size, 4711);
        assert_ok(rmunlock(many.handle));
        worker_start(&compactor, compacts);
        for (unsigned i = 0; i < MOST; i++) {
            workers[i] = (struct worker){.context = &many, .steps = 4000};
            workers[i].rng = test_rng();
            worker_start(&workers[i], same_block);
        }
        for (unsigned i = 0; i < MOST; i++) {
            worker_join(&workers[i]);
            g_assert_cmpstr(workers[i].wrong, ==, NULL);
        }
        atomic_store(&many.over, true);
        worker_join(&compactor);
        assert_status(rmunlock(many.handle), RM_EUNLOCKED); /* none is left over */
        /* and it can be moved again */
        perforate(&site.book, 20, 500);
        assert_ok(rmrealloc(many.handle, 100000));
        assert_ok(rmrealloc(many.handle, (ssize_t)many.size));
        compact_fully(site.heap, 0);
        assert_ok(rmlock(many.handle, &at));
        assert_sound(content_fault(at, many.size, 4711));
        assert_ok(rmunlock(many.handle));
        assert_ok(rmfree(many.handle));
        site_close(&site);
    }
}

/* One takes its count past the few that a word holds, and back, over and over ... */
static void *crosses(void *context) {
    struct worker *worker = context;
    struct many *many = worker->context;
    rm_memory_t *behind = NULL;

    for (; worker->n_done < worker->steps; worker->n_done++) {
        unsigned n = (unsigned)rng_between(&worker->rng, 3, 5);
        void *at = NULL, *first = NULL;
        rm_status_t status;

        for (unsigned i = 0; i < n; i++) {
            fails_status(worker, "lock", rmlock(many->handle, &at), RM_OK);
            if (i == 0) first = at;
            if (at != first) fails(worker, "a locked block has moved");
        }
        for (unsigned i = 0; i < n; i++)
            fails_status(worker, "unlock", rmunlock(many->handle), RM_OK);
        /* Where nobody has it, it is counted in the word again at the next move: away from
           here, for want of room, and back. */
        status = rmrealloc(many->handle, (ssize_t)(3 * many->size));
        if (status != RM_ELOCKED) fails_status(worker, "grow", status, RM_OK);
        worker->index += status == RM_OK;
        fails_status(worker, "free", rmfree(behind), RM_OK);
        fails_status(worker, "shrink", rmrealloc(many->handle, (ssize_t)many->size),
                     RM_OK);
        fails_status(worker, "compact", rm_heap_compact(many->heap, NULL, NULL), RM_OK);
        fails_status(worker, "alloc", rm_heap_alloc(many->heap, &behind, 600, 0, 0),
                     RM_OK);
        if (worker->wrong != NULL) break;
    }
    atomic_store(&many->over, true);
    fails_status(worker, "free", rmfree(behind), RM_OK);
    return NULL;
}

/* ... while another one locks and unlocks. */
static void *flickers(void *context) {
    struct worker *worker = context;
    struct many *many = worker->context;

    for (; !atomic_load(&many->over) && worker->wrong == NULL; worker->n_done++) {
        void *at = NULL, *again = NULL;

        fails_status(worker, "lock", rmlock(many->handle, &at), RM_OK);
        fails_status(worker, "peek", rmpeek(many->handle, &again), RM_OK);
        if (at != again) fails(worker, "a locked block has moved");
        fails_status(worker, "unlock", rmunlock(many->handle), RM_OK);
    }
    return NULL;
}

static void test_few_and_many(void) {
    static const size_t sizes[] = {40, 1000, 9000};

    for (unsigned round = 0; round < 2 * G_N_ELEMENTS(sizes); round++) {
        struct many many = {.size = sizes[round / 2]};
        struct worker workers[2];
        struct site site;

        site_open(&site, 65536, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        many.heap = site.heap;
        if (round % 2) perforate(&site.book, 8, 500);
        assert_ok(rm_heap_alloc(site.heap, &many.handle, many.size, 0, 0));
        for (unsigned i = 0; i < 2; i++) {
            workers[i] = (struct worker){.context = &many,
                                         .steps = BUILT_FOR_TSAN ? 10000 : 100000};
            workers[i].rng = test_rng();
            worker_start(&workers[i], i == 0 ? crosses : flickers);
        }
        for (unsigned i = 0; i < 2; i++) {
            worker_join(&workers[i]);
            g_assert_cmpstr(workers[i].wrong, ==, NULL);
        }
        g_test_message("%zu bytes: %u of %u times resized, while locked %u times",
                       many.size, workers[0].index, workers[0].n_done, workers[1].n_done);
        assert_status(rmunlock(many.handle), RM_EUNLOCKED); /* none is left over */
        assert_ok(rmfree(many.handle));
        site_close(&site);
    }
}

/* ----------------------------------------------------------------------- stale handles */

#define KEPT 512

/* One thread reuses slots all the time; the others try what it has thrown away. */
struct stale {
    rm_heap_t *heap;
    _Atomic(rm_memory_t *) gone[KEPT];
    atomic_bool over;
};

static void *tries_stale(void *context) {
    struct worker *worker = context;
    struct stale *stale = worker->context;

    for (; !atomic_load(&stale->over) || worker->n_done < worker->steps;
         worker->n_done++) {
        rm_memory_t *handle = stale->gone[rng_below(&worker->rng, KEPT)];
        rm_status_t status = RM_EHANDLE;
        void *at = worker;
        unsigned locks = 4711;
        size_t size = 4711;

        if (handle == NULL) continue;
        switch (rng_below(&worker->rng, 7)) {
        case 0:
        case 1: status = rmlock(handle, &at); break;
        case 2: status = rmunlock(handle); break;
        case 3: status = rmfree(handle); break;
        case 4: status = rmrealloc(handle, 10); break;
        case 5: status = rmsize(handle, &size); break;
        default: status = rmlocks(handle, &locks); break;
        }
        if (fails_status(worker, "a stale handle", status, RM_EHANDLE)) break;
        if (at != worker || locks != 4711 || size != 4711)
            fails(worker, "an out-parameter was touched");
    }
    return NULL;
}

static void test_stale(void) {
    for (unsigned round = 0; round < 2; round++) {
        struct stale *stale = g_new0(struct stale, 1);
        struct worker workers[3];
        struct rng rng = test_rng();
        struct site site;
        size_t n = 0;

        site_open(&site, 200000, RM_THREADS_SAFE,
                  round ? RM_COMPACT_STEADY : RM_COMPACT_ON_DEMAND);
        stale->heap = site.heap;
        for (unsigned i = 0; i < 3; i++) {
            workers[i] = (struct worker){.context = stale, .rng = test_rng()};
            workers[i].steps = 1000;
            worker_start(&workers[i], tries_stale);
        }
        for (unsigned step = 0; step < 60000 && site.book.wrong == NULL; step++) {
            size_t i = site.book.n ? (size_t)rng_below(&rng, site.book.n) : 0;

            if (site.book.n < 40) {
                assert_ok(book_alloc(&site.book, rng_below(&rng, 300), 0, 0));
            } else {
                rm_memory_t *handle = site.book.blocks[i].handle;

                /* nobody else has locked, freed or resized it */
                if (step % 8 == 0) assert_sound(book_verify_one(&site.book, i));
                assert_ok(book_free(&site.book, i));
                stale->gone[n++ % KEPT] = handle; /* only now it is a stale one */
            }
            if (step % 500 == 0) assert_ok(rm_heap_compact(site.heap, NULL, NULL));
        }
        atomic_store(&stale->over, true);
        for (unsigned i = 0; i < 3; i++) {
            worker_join(&workers[i]);
            g_assert_cmpstr(workers[i].wrong, ==, NULL);
            g_assert_cmpuint(workers[i].n_done, >=, workers[i].steps);
        }
        g_assert_cmpuint(n, >, 20000);
        site_close(&site);
        g_free(stale);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/locks/first-threads", test_first_threads);
    g_test_add_func("/locks/outlive-the-thread", test_outlive_the_thread);
    g_test_add_func("/locks/up-and-down", test_up_and_down);
    g_test_add_func("/locks/same-block", test_same_block);
    g_test_add_func("/locks/few-and-many", test_few_and_many);
    g_test_add_func("/locks/stale", test_stale);
    return g_test_run();
}
