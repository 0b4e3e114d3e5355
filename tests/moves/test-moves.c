/* SPDX-License-Identifier: MIT */
/*
 * RMALLOC_STRESS: everything movable moves at each change, or at each call; blocks are as they were all the same,
 * in all kinds of heap. What is found: test-finds.c.
 *
 * A seed is printed and taken back: test-moves --seed=R02S...; -m slow does a hundred times as much, with heaps four
 * times as large.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "crew.h"
#include "picture.h"

#ifdef __SANITIZE_ADDRESS__
enum { ROUNDS = 2 }; /* ten times as slow there */
#else
enum { ROUNDS = 6 };
#endif
enum { STEPS = 25, LONG = 100, MOST_REGION = 1 << 20, THREADS = 4 };

static const char *const modes[] = {"onchange", "onall"};

static void stress(const char *mode) { g_setenv("RMALLOC_STRESS", mode, TRUE); }

/* ------------------------------------------------------------- random states */

struct kind {
    size_t region, limit, most;
    rm_compaction_t compaction;
    rm_threads_t threads;
    const char *mode;
};

static rm_heap_t *open_heap(const struct kind *kind, void *memory) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;

    options.memory = kind->region > 0 ? memory : NULL;
    options.size = kind->region > 0 ? kind->region : kind->limit;
    options.compaction = kind->compaction;
    options.threads = kind->threads;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    return heap;
}

/* Where everything moves at each call, or at any time, one call says another thing of free memory than the next. */
static void sound(struct book *book, const struct kind *kind) {
    bool still =
        strcmp(kind->mode, "onall") != 0 && kind->compaction != RM_COMPACT_BACKGROUND;
    const char *text = still ? heap_fault(book->heap) : NULL;

    if (rm_heap_check(book->heap, NULL) != RM_OK) text = "rm_heap_check finds a fault";
    if (text == NULL) text = book->wrong != NULL ? book->wrong : book_verify(book);
    if (text != NULL) g_error("%s", text);
}

static void test_random(gconstpointer data) {
    static unsigned char memory[MOST_REGION];
    const struct kind *kind = data;
    struct rng rng = {g_test_rand_int()};
    struct book book;

    stress(kind->mode);
    book_init(&book, open_heap(kind, memory));
    for (unsigned i = 0; i < ROUNDS * (g_test_slow() ? LONG : 1); i++) {
        rm_budget_t budget = {rng_between(&rng, 1, kind->most), 0};

        book_shuffle(&book, &rng, STEPS, (enum shape)rng_below(&rng, N_SHAPES),
                     kind->most, rng_chance(&rng, 60));
        sound(&book, kind);
        if (rng_chance(&rng, 30)) rm_heap_compact(book.heap, &budget, NULL);
        if (rng_chance(&rng, 10)) rm_heap_trim(book.heap);
        if (rng_chance(&rng, 30)) book_unlock_all(&book);
        if (rng_chance(&rng, 10)) book_fill(&book, &rng, SHAPE_MIXED, kind->most);
        sound(&book, kind);
        if (rng_chance(&rng, 20)) {
            book_unlock_all(&book);
            book_free_all(&book);
        }
    }
    sound(&book, kind);
    g_assert_cmpint(rm_heap_destroy(book.heap), ==, RM_OK);
    book_finish(&book);
}

static void add_random(void) {
    static const char *const policies[] = {"demand", "manual", "steady", "background"};
    static const size_t regions[] = {4096, 16384, 100000, 0};
    static struct kind kinds[64];
    struct kind *kind = kinds;

    for (unsigned mode = 0; mode < 2; mode++)
        for (unsigned region = 0; region < 4; region++)
            for (unsigned policy = 0; policy < 4; policy++, kind++) {
                char name[80];

                *kind = (struct kind){.region = regions[region],
                                      .limit = (size_t)1 << (g_test_slow() ? 19 : 17),
                                      .compaction = (rm_compaction_t)policy,
                                      .threads =
                                          policy % 2 ? RM_THREADS_SAFE : RM_THREADS_NONE,
                                      .mode = modes[mode]};
                if (policy == 1) kind->threads = RM_THREADS_NONE;
                kind->most = regions[region] > 0 ? regions[region] / 8 : 20000;
                snprintf(name, sizeof name, "/moves/random/%s/%zu/%s", kind->mode,
                         kind->region, policies[policy]);
                g_test_add_data_func(name, kind, test_random);
            }
}

/* -------------------------------------------------------------------- places */

static unsigned char *lock(rm_memory_t *handle) {
    void *at = NULL;

    g_assert_cmpint(rmlock(handle, &at), ==, RM_OK);
    return at;
}

static void unlock(rm_memory_t *handle) { g_assert_cmpint(rmunlock(handle), ==, RM_OK); }

static rm_heap_t *growing(const char *mode, rm_threads_t threads) {
    struct kind kind = {.threads = threads};

    stress(mode);
    return open_heap(&kind, NULL);
}

static rm_memory_t *make(rm_heap_t *heap, size_t size, unsigned flags) {
    rm_memory_t *handle;

    g_assert_cmpint(rm_heap_alloc(heap, &handle, size, 0, flags), ==, RM_OK);
    return handle;
}

/* At each unlock all of them go. */
static void test_places(void) {
    enum { BLOCKS = 12, TURNS = 40 };
    static const size_t sizes[] = {0,   1,   20,   24,   100,   100,
                                   100, 512, 3000, 5000, 70000, 300000};
    rm_heap_t *heap = growing("onchange", RM_THREADS_NONE);
    rm_memory_t *blocks[BLOCKS];
    unsigned char *now[BLOCKS];

    for (unsigned i = 0; i < BLOCKS; i++) blocks[i] = make(heap, sizes[i], 0);
    for (unsigned i = 0; i < BLOCKS; i++) now[i] = lock(blocks[i]);
    for (unsigned i = 0; i < BLOCKS; i++) unlock(blocks[i]);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        unsigned char *at = lock(blocks[turn % BLOCKS]);

        g_assert_true(at != now[turn % BLOCKS]);
        unlock(blocks[turn % BLOCKS]);
        now[turn % BLOCKS] = lock(blocks[turn % BLOCKS]);
        g_assert_true(now[turn % BLOCKS] != at);
        unlock(blocks[turn % BLOCKS]);
    }
    rm_heap_destroy(heap);
}

/* What is locked lies anywhere then; but the table of a closed heap has to grow by its last units all the same. */
static void test_table_grows(void) {
    enum { SEEDS = 100, BLOCKS = 36 };
    static const size_t sizes[] = {8,   24,  24,  56,   100,  120,
                                   200, 400, 900, 1500, 3000, 6000};
    static unsigned char region[262144];
    struct kind kind = {.region = sizeof region, .threads = RM_THREADS_NONE};
    rm_memory_t *blocks[BLOCKS];

    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        char *mode = g_strdup_printf("onchange:%u", seed);
        stress(mode);
        rm_heap_t *heap = open_heap(&kind, region);
        for (unsigned i = 0; i < BLOCKS; i++) {
            size_t size = i < G_N_ELEMENTS(sizes) ? sizes[i] : 16;
            lock(blocks[i] = make(heap, size, 0));
            unlock(blocks[i]);
            if (i >= G_N_ELEMENTS(sizes)) lock(blocks[i]);
        }
        rm_heap_destroy(heap);
        g_free(mode);
    }
}

/* The same seed makes the same moves. */
static void test_seed(void) {
    enum { BLOCKS = 20 };
    static unsigned char region[2][65536];
    struct kind kind = {.region = sizeof *region, .threads = RM_THREADS_NONE};
    size_t at[3][BLOCKS];

    for (unsigned turn = 0; turn < 3; turn++) {
        stress(turn < 2 ? "onchange:77" : "onchange:78");
        unsigned char *low = region[turn == 1];
        rm_heap_t *heap = open_heap(&kind, low);
        for (unsigned i = 0; i < BLOCKS; i++) {
            rm_memory_t *block = make(heap, 40, 0);
            at[turn][i] = (size_t)(lock(block) - low);
            unlock(block);
        }
        rm_heap_destroy(heap);
    }
    g_assert_cmpmem(at[0], sizeof *at, at[1], sizeof *at);
    g_assert_true(memcmp(at[0], at[2], sizeof *at) != 0);
}

/* What is read too late is nonsense; so is what has never been written. */
static void test_filled(void) {
    rm_heap_t *heap = growing("onchange", RM_THREADS_NONE);
    rm_memory_t *block = make(heap, 100, 0), *zeros = make(heap, 100, RM_ZERO);
    rm_memory_t *rest = make(heap, 101, 0);
    unsigned char *at = lock(block), *zero = lock(zeros);

    for (unsigned i = 0; i < 100; i++) {
        g_assert_cmphex(at[i], ==, 0xcf);
        g_assert_cmphex(zero[i], ==, 0);
    }
    g_assert_cmphex(lock(rest)[101], ==, 0xef); /* what the size was rounded up by */
    unlock(rest);
    for (unsigned i = 0; i < 100; i++) at[i] = 'a';
    unlock(block);
    for (unsigned i = 64; i < 100; i++) g_assert_cmphex(at[i], !=, 'a');
    at = lock(block);
    for (unsigned i = 0; i < 100; i++) g_assert_cmphex(at[i], ==, 'a');
    unlock(block);
    rm_heap_destroy(heap);
}

/* Nothing moves in a read section, and who reads may write. */
static void test_held(gconstpointer threads) {
    rm_heap_t *heap = growing("onall", GPOINTER_TO_INT(threads));
    rm_memory_t *block = make(heap, 100, 0);
    void *at, *later;

    g_assert_cmpint(rm_heap_hold(heap), ==, RM_OK);
    g_assert_cmpint(rmpeek(block, &at), ==, RM_OK);
    memset(at, 'a', 100);
    rmfree(make(heap, 1000, 0));
    g_assert_cmpint(rmpeek(block, &later), ==, RM_OK);
    g_assert_true(at == later);
    memset(at, 'b', 100);
    g_assert_cmpint(rm_heap_release(heap), ==, RM_OK);
    at = lock(block);
    g_assert_true(at != later);
    g_assert_cmpint(*(char *)at, ==, 'b');
    unlock(block);
    rm_heap_destroy(heap);
}

/* However many locks, the library's own words of a block are its own. */
static void test_many_locks(gconstpointer mode) {
    enum { LOCKS = 20 };
    static const size_t sizes[] = {7, 100, 600, 5000, 200000};
    rm_heap_t *heap = growing(mode, RM_THREADS_SAFE);

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        rm_memory_t *block = make(heap, sizes[i], 0), *beside = make(heap, 100, 0);
        unsigned char *at = lock(block);
        unsigned count;

        memset(at, 'm', sizes[i]);
        for (unsigned n = 1; n < LOCKS; n++) g_assert_true(lock(block) == at);
        g_assert_cmpint(rmlocks(block, &count), ==, RM_OK);
        g_assert_cmpuint(count, ==, LOCKS);
        for (unsigned n = 0; n < LOCKS; n++) unlock(block);
        at = lock(block);
        for (size_t n = 0; n < sizes[i]; n++) g_assert_cmpint(at[n], ==, 'm');
        unlock(block);
        g_assert_cmpint(rmfree(beside), ==, RM_OK);
    }
    g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
    rm_heap_destroy(heap);
}

/* A step of a compaction that ends amid a large block. */
static void test_half_moved(gconstpointer mode) {
    enum { BLOCKS = 6, STEPS_MOST = 20, SIZE = 300000 };
    struct kind kind = {.compaction = RM_COMPACT_MANUAL, .threads = RM_THREADS_NONE};
    rm_memory_t *blocks[BLOCKS];

    stress(mode);
    rm_heap_t *heap = open_heap(&kind, NULL);
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = make(heap, SIZE, 0);
        memset(lock(blocks[i]), (int)i, SIZE);
        unlock(blocks[i]);
    }
    for (unsigned step = 0; step < STEPS_MOST; step++) {
        rm_budget_t budget = {1, 0};
        rm_progress_t progress;
        unsigned char *at = lock(blocks[step % BLOCKS]);

        g_assert_true(at[0] == step % BLOCKS && memcmp(at, at + 1, SIZE - 1) == 0);
        unlock(blocks[step % BLOCKS]);
        g_assert_cmpint(rm_heap_compact(heap, &budget, &progress), ==, RM_OK);
        g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
    }
    rm_heap_destroy(heap);
}

/* A heap that may not compact on its own account has room all the same, as it would without all this. */
static void test_manual(void) {
    enum { BYTES = 16384, BLOCK = 1000, BLOCKS = 12 };
    static unsigned char memory[BYTES];
    struct kind kind = {.region = BYTES, .compaction = RM_COMPACT_MANUAL};
    rm_memory_t *blocks[BLOCKS];

    stress("onchange");
    rm_heap_t *heap = open_heap(&kind, memory);
    for (unsigned turn = 0; turn < 20; turn++) {
        for (unsigned i = 0; i < BLOCKS; i++) blocks[i] = make(heap, BLOCK, 0);
        for (unsigned i = 0; i < BLOCKS; i++)
            g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    }
    rm_heap_destroy(heap);
}

/* -------------------------------------------------------------------- threads */

static void *work(void *context) {
    struct worker *worker = context;
    struct book book;

    book_init(&book, worker->heap);
    for (unsigned i = 0; i < worker->steps; i++) {
        book_shuffle(&book, &worker->rng, 20, SHAPE_MIXED, 3000, true);
        if (fails(worker, book.wrong) || fails(worker, book_verify(&book))) break;
    }
    book_unlock_all(&book);
    book_free_all(&book);
    fails(worker, book.wrong);
    book_finish(&book);
    return NULL;
}

static void test_threads(gconstpointer mode) {
    rm_heap_t *heap = growing(mode, RM_THREADS_SAFE);
    struct worker workers[THREADS];

    memset(workers, 0, sizeof workers);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].heap = heap;
        workers[i].rng.state = g_test_rand_int();
        workers[i].steps = g_test_slow() ? 1000 : 10;
        worker_start(&workers[i], work);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        worker_join(&workers[i]);
        g_assert_cmpstr(workers[i].wrong, ==, NULL);
    }
    g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
    rm_heap_destroy(heap);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    g_test_add_func("/moves/places", test_places);
    g_test_add_func("/moves/table-grows", test_table_grows);
    g_test_add_func("/moves/seed", test_seed);
    g_test_add_func("/moves/filled", test_filled);
    g_test_add_data_func("/moves/held/none", GINT_TO_POINTER(RM_THREADS_NONE), test_held);
    g_test_add_data_func("/moves/held/safe", GINT_TO_POINTER(RM_THREADS_SAFE), test_held);
    g_test_add_func("/moves/manual", test_manual);
    g_test_add_data_func("/moves/many-locks/onchange", "onchange", test_many_locks);
    g_test_add_data_func("/moves/many-locks/onall", "onall", test_many_locks);
    g_test_add_data_func("/moves/half-moved/onchange", "onchange", test_half_moved);
    g_test_add_data_func("/moves/half-moved/onall", "onall", test_half_moved);
    add_random();
    for (unsigned i = 0; i < 2; i++) {
        char name[80];

        snprintf(name, sizeof name, "/moves/threads/%s", modes[i]);
        g_test_add_data_func(name, modes[i], test_threads);
    }
    return g_test_run();
}
