/* SPDX-License-Identifier: MIT */
/*
 * What a thread is inside of for some nanoseconds, millions of times, against another one
 * that has to find it there: its own cache of freed blocks, a read section.
 */
#include <string.h>

#include "crew.h"
#include "util.h"

#define BLOCKS 24
#define MILLISECOND UINT64_C(1000000)

struct arena {
    rm_heap_t *heap;
    atomic_bool over;
    rm_memory_t *blocks[BLOCKS];
    size_t size;
    bool
        moves; /* it goes on until something has moved, however little time a machine has */
};

/* Not before it has had its turn: a machine may have other things to do. */
static bool is_over(const struct worker *worker) {
    const struct arena *arena = worker->context;

    return atomic_load_explicit(&arena->over, memory_order_relaxed) &&
           worker->n_done >= 1000;
}

/* Runs `body` in threads of their own until `against` has done its part for a while. */
static void run(struct arena *arena, unsigned n_threads, void *(*body)(void *),
                void (*against)(struct arena *arena, struct rng *rng)) {
    struct worker workers[2];
    struct rng rng = test_rng();
    size_t n_rounds = 0, moved = moved_so_far(arena->heap);

    for (unsigned i = 0; i < n_threads; i++) {
        workers[i] = (struct worker){.context = arena, .rng = test_rng(), .index = i};
        worker_start(&workers[i], body);
    }
    for (uint64_t begun = now_ns(), now = begun; now < begun + 30000 * MILLISECOND;
         now = now_ns(), n_rounds++) {
        bool done = !arena->moves || moved_so_far(arena->heap) > moved;

        if (done && now >= begun + 300 * MILLISECOND) break;
        against(arena, &rng);
    }
    atomic_store(&arena->over, true);
    for (unsigned i = 0; i < n_threads; i++) {
        worker_join(&workers[i]);
        g_assert_cmpstr(workers[i].wrong, ==, NULL);
        g_assert_cmpuint(workers[i].n_done, >=, 1000);
        g_test_message("%u times, against %zu", workers[i].n_done, n_rounds);
    }
    assert_sound(heap_fault(arena->heap));
}

/* ------------------------------------------------------------------------- caches */

/* Blocks come and go; each has a number in it that no other one has. */
static void *comes_and_goes(void *context) {
    struct worker *worker = context;
    struct arena *arena = worker->context;
    rm_memory_t *own[BLOCKS] = {NULL};
    uint64_t numbers[BLOCKS];

    for (; !is_over(worker); worker->n_done++) {
        unsigned i = (unsigned)rng_below(&worker->rng, BLOCKS);
        uint64_t found;
        void *at = NULL;

        if (own[i] == NULL) {
            size_t size = 8 + rng_below(&worker->rng, 4) * 40;

            if (fails_status(worker, "alloc",
                             rm_heap_alloc(arena->heap, &own[i], size, 0, 0), RM_OK))
                break;
            numbers[i] = (uint64_t)worker->n_done << 8 | worker->index;
        }
        if (fails_status(worker, "lock", rmlock(own[i], &at), RM_OK)) break;
        memcpy(&found, at, sizeof(found));
        memcpy(at, &numbers[i], sizeof(found));
        fails_status(worker, "unlock", rmunlock(own[i]), RM_OK);
        if (rng_chance(&worker->rng, 50)) continue;
        fails_status(worker, "lock", rmlock(own[i], &at), RM_OK);
        memcpy(&found, at, sizeof(found));
        if (found != numbers[i]) fails(worker, "two blocks in one place");
        fails_status(worker, "unlock", rmunlock(own[i]), RM_OK);
        if (fails_status(worker, "free", rmfree(own[i]), RM_OK)) break;
        own[i] = NULL;
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        if (own[i] != NULL) fails_status(worker, "free", rmfree(own[i]), RM_OK);
    return NULL;
}

/* Empties the caches, which are filled again at once. */
static void looks_at_all(struct arena *arena, struct rng *rng) {
    rm_stats_t stats;

    switch (rng_below(rng, 8)) {
    case 0: assert_ok(rm_heap_compact(arena->heap, NULL, NULL)); break;
    case 1: assert_ok(rm_heap_trim(arena->heap)); break;
    case 2: assert_ok(rm_heap_check(arena->heap, NULL)); break;
    default: assert_ok(rm_heap_stats_quick(arena->heap, &stats)); break;
    }
}

static void test_caches(void) {
    for (unsigned n_threads = 1; n_threads <= 2; n_threads++) {
        struct arena arena = {.heap = growable_heap(0, RM_COMPACT_ON_DEMAND)};
        rm_stats_t stats;

        run(&arena, n_threads, comes_and_goes, looks_at_all);
        assert_ok(rm_heap_stats(arena.heap, &stats));
        g_assert_cmpuint(stats.live_blocks, ==, 0);
        g_assert_cmpuint(stats.requested, ==, 0);
        g_assert_cmpuint(stats.allocations, ==, stats.frees);
        assert_ok(rm_heap_destroy(arena.heap));
    }
}

/* ------------------------------------------------------------------------ sections */

/* For less than a microsecond. */
static void loiter(struct worker *worker) {
    struct arena *arena = worker->context;

    for (uint64_t n = rng_below(&worker->rng, 800); n > 0; n--) atomic_load(&arena->over);
}

static void *peeks(void *context) {
    struct worker *worker = context;
    struct arena *arena = worker->context;

    for (; !is_over(worker); worker->n_done++) {
        size_t i = rng_below(&worker->rng, BLOCKS), last = arena->size / 8 - 1;
        void *at = NULL, *again = NULL;
        const uint64_t *words;

        if (fails_status(worker, "hold", rm_heap_hold(arena->heap), RM_OK)) break;
        fails_status(worker, "peek", rmpeek(arena->blocks[i], &at), RM_OK);
        words = at;
        if (words[0] != i || words[last] != i) fails(worker, "another block's content");
        if (worker->n_done % 2 == 0)
            loiter(worker); /* until a move that has begun shows */
        fails_status(worker, "peek", rmpeek(arena->blocks[i], &again), RM_OK);
        if (at != again) fails(worker, "it moves in a read section");
        if (fails_status(worker, "release", rm_heap_release(arena->heap), RM_OK)) break;
        for (uint64_t n = rng_below(&worker->rng, 64); n > 0;
             n--) /* and out for a while */
            atomic_load(&arena->over);
    }
    return NULL;
}

/* A block grows out of its place, to above all others, and leaves a gap to slide into. */
static void slides_all(struct arena *arena, struct rng *rng) {
    rm_budget_t budget = {rng_chance(rng, 50) ? 0 : 1, 0};
    rm_memory_t *block = arena->blocks[rng_below(rng, BLOCKS)];
    rm_status_t status = rmrealloc(block, (ssize_t)(arena->size * 2));

    if (status != RM_OK) assert_status(status, RM_ELOCKED);
    assert_ok(rmrealloc(block, (ssize_t)arena->size));
    assert_ok(rm_heap_compact(arena->heap, &budget, NULL));
}

static void test_sections(void) {
    static const size_t sizes[] = {16, 200, 4000, 100000};

    for (unsigned round = 0; round < 2 * G_N_ELEMENTS(sizes); round++) {
        struct arena arena = {.heap = growable_heap(0, RM_COMPACT_ON_DEMAND),
                              .moves = true};
        size_t moved;

        arena.size = sizes[round / 2];
        for (size_t i = 0; i < BLOCKS; i++) {
            void *at = NULL;

            assert_ok(rm_heap_alloc(arena.heap, &arena.blocks[i], arena.size, 0, 0));
            assert_ok(rmlock(arena.blocks[i], &at));
            ((uint64_t *)at)[0] = ((uint64_t *)at)[arena.size / 8 - 1] = i;
            assert_ok(rmunlock(arena.blocks[i]));
        }
        moved = moved_so_far(arena.heap);
        run(&arena, 1 + round % 2, peeks, slides_all);
        g_test_message("%zu bytes: %zu moved", arena.size,
                       moved_so_far(arena.heap) - moved);
        g_assert_cmpuint(moved_so_far(arena.heap), >, moved);
        for (size_t i = 0; i < BLOCKS; i++) assert_ok(rmfree(arena.blocks[i]));
        assert_ok(rm_heap_destroy(arena.heap));
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flicker/caches", test_caches);
    g_test_add_func("/flicker/sections", test_sections);
    return g_test_run();
}
