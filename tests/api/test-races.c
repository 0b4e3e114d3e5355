/* SPDX-License-Identifier: MIT */
/*
 * Two threads want the same block at the same moment: exactly one of two frees wins, a
 * lock or a free, and no lock, no write and no count is ever lost.
 */
#include <string.h>

#include "crew.h"
#include "util.h"

enum { ROUNDS = BUILT_FOR_TSAN ? 5000 : 20000 };

/* ------------------------------------------------------------ two calls, one winner */

struct duel;
typedef rm_status_t duel_fn(struct duel *duel);

/* Round by round: the first thread makes a block, both do their thing to it, the first
   looks at what has come of it. */
struct duel {
    rm_heap_t *heap;
    struct meeting meeting;
    struct worker first, second;
    duel_fn *calls[2];
    const char *(*judge)(struct duel *duel);
    rm_memory_t *handle;
    size_t size;
    uint64_t seed;
    void *locked_at; /* by whoever locks */
    rm_status_t status[2];
    size_t n_won[2]; /* RM_OK, for each */
};

static rm_status_t call_free(struct duel *duel) { return rmfree(duel->handle); }

static rm_status_t call_lock(struct duel *duel) {
    return rmlock(duel->handle, &duel->locked_at);
}

/* To a size that asks for another place. */
static rm_status_t call_grow(struct duel *duel) {
    return rmrealloc(duel->handle, (ssize_t)(2 * duel->size + 100));
}

/* Moves the block, which has a gap below it. */
static rm_status_t call_compact(struct duel *duel) {
    return rm_heap_compact(duel->heap, NULL, NULL);
}

static const char *prepare(struct duel *duel, rm_memory_t **gap, struct rng *rng) {
    void *at = NULL;

    duel->size = rng_size(rng, SHAPE_MIXED, 3000);
    duel->seed = rng_next(rng);
    duel->handle = duel->locked_at = NULL;
    if (rm_heap_alloc(duel->heap, gap, rng_below(rng, 3000), 0, 0) != RM_OK ||
        rm_heap_alloc(duel->heap, &duel->handle, duel->size, 0, 0) != RM_OK)
        return "no memory";
    if (rmfree(*gap) != RM_OK || rmlock(duel->handle, &at) != RM_OK)
        return "a fresh block";
    content_fill(at, duel->size, duel->seed);
    return rmunlock(duel->handle) == RM_OK ? NULL : "a fresh block cannot be unlocked";
}

/* Now the one is first, now the other, and sometimes nobody is. */
static void dither(struct rng *rng) {
    static atomic_uint nothing;

    for (uint64_t n = rng_chance(rng, 50) ? rng_below(rng, 400) : 0; n > 0; n--)
        atomic_exchange(&nothing, 1);
}

static void *fight_first(void *context) {
    struct worker *worker = context;
    struct duel *duel = worker->context;

    for (unsigned k = 0; k < worker->steps; k++) {
        rm_memory_t *gap = NULL;

        fails(worker, prepare(duel, &gap, &worker->rng));
        meet(&duel->meeting, 2 * k + 1);
        dither(&worker->rng);
        duel->status[0] = duel->calls[0](duel);
        meet(&duel->meeting, 2 * k + 2);
        duel->n_won[0] += duel->status[0] == RM_OK;
        duel->n_won[1] += duel->status[1] == RM_OK;
        fails(worker, duel->judge(duel)); /* the other one waits, for the next round */
        worker->n_done++;
    }
    return NULL;
}

static void *fight_second(void *context) {
    struct worker *worker = context;
    struct duel *duel = worker->context;

    for (unsigned k = 0; k < worker->steps; k++) {
        meet(&duel->meeting, 2 * k + 1);
        dither(&worker->rng);
        duel->status[1] = duel->calls[1](duel);
        meet(&duel->meeting, 2 * k + 2);
    }
    return NULL;
}

static void fight(const char *name, duel_fn *first, duel_fn *second,
                  const char *(*judge)(struct duel *duel)) {
    rm_heap_t *heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
    struct duel duel = {.heap = heap,
                        .meeting = {.n_threads = 2},
                        .calls = {first, second},
                        .judge = judge};
    struct worker *workers[] = {&duel.first, &duel.second};
    rm_stats_t stats;

    for (unsigned i = 0; i < 2; i++) {
        workers[i]->context = &duel;
        workers[i]->rng = test_rng();
        workers[i]->steps = ROUNDS;
        worker_start(workers[i], i == 0 ? fight_first : fight_second);
    }
    for (unsigned i = 0; i < 2; i++) {
        worker_join(workers[i]);
        g_assert_cmpstr(workers[i]->wrong, ==, NULL);
    }
    g_assert_cmpuint(duel.first.n_done, ==, ROUNDS);
    g_test_message("%s: %zu and %zu of %d succeeded", name, duel.n_won[0], duel.n_won[1],
                   ROUNDS);
    assert_ok(rm_heap_stats(heap, &stats));
    g_assert_cmpuint(stats.live_blocks, ==, 0);
    g_assert_cmpuint(stats.requested, ==, 0);
    g_assert_cmpuint(stats.allocations, ==, stats.frees);
    assert_sound(heap_fault(heap));
    assert_ok(rm_heap_destroy(heap));
}

/* --------------------------------------------------------------------- the judges */

static const char *contradiction(struct duel *duel) {
    return fault("a block of %zu bytes: %s and %s", duel->size,
                 status_name(duel->status[0]), status_name(duel->status[1]));
}

static const char *is_gone(struct duel *duel) {
    void *at = NULL;
    size_t size;

    if (rmlock(duel->handle, &at) != RM_EHANDLE ||
        rmsize(duel->handle, &size) != RM_EHANDLE)
        return "a freed block answers";
    return rmfree(duel->handle) == RM_EHANDLE ? NULL : "freed twice";
}

static const char *one_frees(struct duel *duel) {
    if (duel->status[duel->status[0] != RM_OK] != RM_OK ||
        duel->status[duel->status[0] == RM_OK] != RM_EHANDLE)
        return contradiction(duel);
    return is_gone(duel);
}

/* The first has freed or the second has locked, and the other was refused. */
static const char *frees_or_locks(struct duel *duel) {
    if (duel->status[0] == RM_OK)
        return duel->status[1] == RM_EHANDLE ? is_gone(duel) : contradiction(duel);
    if (duel->status[0] != RM_ELOCKED || duel->status[1] != RM_OK)
        return contradiction(duel);
    if (content_fault(duel->locked_at, duel->size, duel->seed) != NULL)
        return "a block that was locked, and could not be freed, has other content";
    if (rmunlock(duel->handle) != RM_OK) return "no unlock";
    if (rmunlock(duel->handle) != RM_EUNLOCKED) return "a lock too many";
    return rmfree(duel->handle) == RM_OK ? is_gone(duel) : "no free in the end";
}

/* It is freed, before or after it was resized or moved. */
static const char *frees(struct duel *duel) {
    if (duel->status[0] != RM_OK) return contradiction(duel);
    if (duel->status[1] != RM_OK && duel->status[1] != RM_EHANDLE)
        return contradiction(duel);
    return is_gone(duel);
}

/* It is locked at an address that stays its own, whatever else was under way. */
static const char *locks(struct duel *duel) {
    size_t size = SIZE_MAX;
    void *again = NULL;
    unsigned count = 99;

    if (duel->status[0] != RM_OK) return contradiction(duel);
    if (duel->status[1] != RM_OK && duel->status[1] != RM_ELOCKED)
        return contradiction(duel);
    if (rmlocks(duel->handle, &count) != RM_OK || count != 1) return "a lock is lost";
    if (rmlock(duel->handle, &again) != RM_OK || again != duel->locked_at)
        return "a locked block is somewhere else";
    if (content_fault(again, duel->size, duel->seed) != NULL)
        return "the content is another one";
    if (rmsize(duel->handle, &size) != RM_OK) return "no size";
    if (duel->calls[1] == call_grow &&
        size != (duel->status[1] == RM_OK ? 2 * duel->size + 100 : duel->size))
        return "resized, and it is not; or the other way round";
    memset(again, 0x77, size); /* all of it is there */
    if (rmunlock(duel->handle) != RM_OK || rmunlock(duel->handle) != RM_OK)
        return "no unlock";
    return rmfree(duel->handle) == RM_OK ? NULL : "no free in the end";
}

static void test_free_free(void) { fight("free, free", call_free, call_free, one_frees); }
static void test_free_lock(void) {
    fight("free, lock", call_free, call_lock, frees_or_locks);
}
static void test_free_grow(void) { fight("free, grow", call_free, call_grow, frees); }
static void test_free_compact(void) {
    fight("free, compact", call_free, call_compact, frees);
}
static void test_lock_grow(void) { fight("lock, grow", call_lock, call_grow, locks); }
static void test_lock_compact(void) {
    fight("lock, compact", call_lock, call_compact, locks);
}

/* ---------------------------------------------------------------- no write is lost */

/* Counts in a block under a lock, while the other thread keeps moving it. */
struct counting {
    rm_memory_t *handle;
    size_t size;
    atomic_bool over;
};

static void *counts(void *context) {
    struct worker *worker = context;
    struct counting *counting = worker->context;

    for (; worker->n_done < worker->steps && worker->wrong == NULL; worker->n_done++) {
        void *at = NULL;
        size_t last = counting->size / 8 - 1;
        uint64_t *words;

        if (fails_status(worker, "lock", rmlock(counting->handle, &at), RM_OK)) break;
        words = at;
        if (words[0] != worker->n_done || words[last] != worker->n_done ||
            words[last / 2] != worker->n_done)
            fails(worker,
                  fault("after %u times: %llu, %llu, %llu", worker->n_done,
                        (unsigned long long)words[0], (unsigned long long)words[last / 2],
                        (unsigned long long)words[last]));
        words[0] = words[last] = words[last / 2] = worker->n_done + 1;
        fails_status(worker, "unlock", rmunlock(counting->handle), RM_OK);
        if (worker->n_done % 64 == 0) sleep_ns(1); /* let it be moved */
    }
    atomic_store(&counting->over, true);
    return NULL;
}

/* A block of other sizes comes and goes below it: there is always somewhere to move. */
static void lost_writes(rm_heap_t *heap, size_t size, unsigned steps) {
    struct counting counting = {.size = size};
    struct worker worker = {.context = &counting, .steps = steps};
    struct rng rng = test_rng();
    rm_memory_t *below = NULL;
    size_t moved = moved_so_far(heap);
    rm_stats_t stats;

    assert_ok(rm_heap_alloc(heap, &below, size, 0, 0));
    assert_ok(rm_heap_alloc(heap, &counting.handle, size, 0, RM_ZERO));
    worker_start(&worker, counts);
    while (!atomic_load(&counting.over)) {
        rm_budget_t budget = {rng_below(&rng, 3) * 50000, 0};

        assert_ok(rmfree(below));
        assert_ok(rm_heap_compact(heap, &budget, NULL));
        assert_ok(
            rm_heap_alloc(heap, &below, rng_between(&rng, size / 16, 2 * size), 0, 0));
        /* out of its low place again: by growing into a new one */
        if (rng_chance(&rng, 20)) {
            rm_status_t status = rmrealloc(counting.handle, (ssize_t)(size + 5000));

            g_assert_true(status == RM_OK || status == RM_ELOCKED);
            status = rmrealloc(counting.handle, (ssize_t)size);
            g_assert_true(status == RM_OK);
        }
    }
    worker_join(&worker);
    g_assert_cmpstr(worker.wrong, ==, NULL);
    g_assert_cmpuint(worker.n_done, ==, steps);
    assert_ok(rm_heap_stats(heap, &stats));
    g_test_message("%zu bytes: moved %zu times, %zu moves were void", size,
                   (stats.moved - moved) / size, stats.voided);
    g_assert_cmpuint(stats.moved, >, moved);
    assert_ok(rmfree(counting.handle));
    assert_ok(rmfree(below));
    assert_sound(heap_fault(heap));
}

static void test_lost_writes(void) {
    static const size_t sizes[] = {16, 48, 200, 1000, 5000, 40000, 100000, 600000};

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        rm_heap_t *heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
        unsigned steps = sizes[i] < 50000 ? 30000 : 3000;
        struct site site;

        site_open(&site, (size_t)4 << 20, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        lost_writes(site.heap, sizes[i], steps);
        site_close(&site);
        lost_writes(heap, sizes[i], steps);
        assert_ok(rm_heap_destroy(heap));
    }
}

/* Likewise many blocks, by one thread or two, each its own; gaps of others in between. */
struct field {
    struct book book;
    atomic_bool *over;
};

static void *tills(void *context) {
    struct worker *worker = context;
    struct field *field = worker->context;

    for (; !atomic_load(field->over) || worker->n_done < worker->steps;
         worker->n_done++) {
        struct block *block = &field->book.blocks[rng_below(&worker->rng, field->book.n)];
        void *at = NULL;

        if (fails_status(worker, "lock", rmlock(block->handle, &at), RM_OK)) break;
        if (fails(worker, content_fault(at, block->size, block->seed))) break;
        content_fill(at, block->size, ++block->seed);
        if (fails_status(worker, "unlock", rmunlock(block->handle), RM_OK)) break;
    }
    return NULL;
}

static void fields(rm_heap_t *heap, enum shape shape, size_t most, unsigned n_tillers) {
    enum { GAPS = 200, TILLERS = 2 };
    atomic_bool over = false;
    struct field tilled[TILLERS];
    struct worker workers[TILLERS];
    struct rng rng = test_rng();
    rm_memory_t *gaps[GAPS] = {NULL};
    rm_stats_t stats;

    for (unsigned t = 0; t < n_tillers; t++) {
        tilled[t].over = &over;
        book_init(&tilled[t].book, heap);
    }
    for (unsigned i = 0; i < GAPS; i++) {
        size_t size = rng_size(&rng, shape, most);

        assert_ok(rm_heap_alloc(heap, &gaps[i], rng_size(&rng, shape, most), 0, 0));
        assert_ok(book_alloc(&tilled[i % n_tillers].book, size, 0, 0));
    }
    for (unsigned t = 0; t < n_tillers; t++) {
        workers[t] = (struct worker){.context = &tilled[t], .rng = test_rng()};
        workers[t].steps = BUILT_FOR_TSAN ? 500 : 2000;
        worker_start(&workers[t], tills);
    }
    uint64_t time = g_test_slow() ? UINT64_C(250000000) : UINT64_C(100000000);
    for (uint64_t end = now_ns() + time; now_ns() < end;) {
        rm_budget_t budget = {rng_below(&rng, 2) * rng_below(&rng, 100000), 0};

        for (uint64_t n = rng_below(&rng, 20); n > 0; n--) {
            rm_memory_t **gap = &gaps[rng_below(&rng, GAPS)];

            assert_ok(rmfree(*gap));
            assert_ok(rm_heap_alloc(heap, gap, rng_size(&rng, shape, most), 0, 0));
        }
        assert_ok(rm_heap_compact(heap, &budget, NULL));
    }
    atomic_store(&over, true);
    for (unsigned t = 0; t < n_tillers; t++) {
        worker_join(&workers[t]);
        g_assert_cmpstr(workers[t].wrong, ==, NULL);
        assert_sound(book_verify(&tilled[t].book));
        book_free_all(&tilled[t].book);
        assert_sound(tilled[t].book.wrong);
        book_finish(&tilled[t].book);
    }
    assert_ok(rm_heap_stats(heap, &stats));
    g_test_message("up to %zu bytes, %u threads: %zu moved, %zu moves were void", most,
                   n_tillers, stats.moved, stats.voided);
    g_assert_cmpuint(stats.moved, >, 0);
    for (unsigned i = 0; i < GAPS; i++) assert_ok(rmfree(gaps[i]));
    assert_sound(heap_fault(heap));
}

static void test_lost_writes_of_many(void) {
    static const size_t mosts[] = {60, 600, 8000, 60000, 400000};

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(mosts); i++) {
        size_t most = mosts[i / 2];
        rm_heap_t *heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
        enum shape shape = i % 3 == 0 ? SHAPE_LARGE : SHAPE_LOG;
        struct site site;

        site_open(&site, 100000 + 900 * most, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        fields(site.heap, shape, most, 1 + i % 2);
        site_close(&site);
        fields(heap, shape, most, 1 + i % 2);
        assert_ok(rm_heap_destroy(heap));
    }
}

/* ------------------------------------------------------------------------ newcomers */

/* Threads that have never been here, and are gone again, while the heap is compacted. */
struct visit {
    rm_heap_t *heap;
    struct book *book;
    atomic_uint *n_inside;
};

static void *visits(void *context) {
    struct worker *worker = context;
    struct visit *visit = worker->context;
    struct block *block = &visit->book->blocks[worker->index];
    rm_memory_t *own = NULL;
    void *at = NULL, *again = NULL;

    switch (rng_below(&worker->rng, 4)) { /* the first that it does */
    case 0: fails_status(worker, "hold", rm_heap_hold(visit->heap), RM_OK); break;
    case 1:
        fails_status(worker, "alloc", rm_heap_alloc(visit->heap, &own, 100, 0, 0), RM_OK);
        break;
    case 2: fails_status(worker, "free of nothing", rmfree(NULL), RM_OK); break;
    default: break;
    }
    fails_status(worker, "lock", rmlock(block->handle, &at), RM_OK);
    fails(worker, content_fault(at, block->size, block->seed));
    block->seed = rng_next(&worker->rng);
    content_fill(at, block->size, block->seed);
    fails_status(worker, "peek", rmpeek(block->handle, &again), RM_OK);
    if (at != again) fails(worker, "a locked block has moved");
    fails(worker, content_fault(again, block->size, block->seed));
    fails_status(worker, "unlock", rmunlock(block->handle), RM_OK);
    fails_status(worker, "free", rmfree(own), RM_OK);
    worker->n_done = 1;
    atomic_fetch_sub(visit->n_inside, 1);
    return NULL; /* out of the section too, where there is one */
}

static void test_newcomers(void) {
    enum { VISITORS = 3, VISITS = 300 };
    struct rng rng = test_rng();
    struct site site;

    site_open(&site, 200000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    for (unsigned i = 0; i < 2 * VISITORS; i++)
        assert_ok(book_alloc(&site.book, rng_between(&rng, 50, 3000), 0, 0));
    for (unsigned k = 0; k < VISITS; k++) {
        atomic_uint n_inside = VISITORS;
        struct visit visit = {site.heap, &site.book, &n_inside};
        struct worker workers[VISITORS];

        for (unsigned i = 0; i < VISITORS; i++) {
            workers[i] =
                (struct worker){.context = &visit, .index = i, .rng = test_rng()};
            worker_start(&workers[i], visits);
        }
        do { /* what nobody visits comes and goes */
            size_t i = (size_t)rng_between(&rng, VISITORS, 2 * VISITORS - 1);
            size_t size = rng_between(&rng, 50, 9000);
            rm_status_t status = rmrealloc(site.book.blocks[i].handle, (ssize_t)size);

            if (status == RM_OK) site.book.blocks[i].size = size;
            if (status != RM_OK) assert_status(status, RM_ELOCKED); /* a section */
            assert_ok(rm_heap_compact(site.heap, NULL, NULL));
        } while (atomic_load(&n_inside) > 0);
        for (unsigned i = 0; i < VISITORS; i++) {
            worker_join(&workers[i]);
            g_assert_cmpstr(workers[i].wrong, ==, NULL);
            g_assert_cmpuint(workers[i].n_done, ==, 1);
            assert_sound(book_verify_one(&site.book, i));
        }
    }
    assert_sound(heap_fault(site.heap));
    site.book.requested = 0;
    while (site.book.n > 0) assert_ok(rmfree(site.book.blocks[--site.book.n].handle));
    site_close(&site);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/races/free-free", test_free_free);
    g_test_add_func("/races/free-lock", test_free_lock);
    g_test_add_func("/races/free-grow", test_free_grow);
    g_test_add_func("/races/free-compact", test_free_compact);
    g_test_add_func("/races/lock-grow", test_lock_grow);
    g_test_add_func("/races/lock-compact", test_lock_compact);
    g_test_add_func("/races/lost-writes", test_lost_writes);
    g_test_add_func("/races/lost-writes-of-many", test_lost_writes_of_many);
    g_test_add_func("/races/newcomers", test_newcomers);
    return g_test_run();
}
