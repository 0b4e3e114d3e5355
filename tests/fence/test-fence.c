/* SPDX-License-Identifier: MIT */
/*
 * Fences: a locked block ends at a protected page and is protected after its last unlock; all else is as without.
 *
 * A seed is printed and taken back: test-fence --seed=R02S...; -m slow does a hundred times as much.
 */
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "book.h"
#include "crew.h"
#include "picture.h"

enum { ROUNDS = 10, STEPS = 40, LONG = 100, REGION = 1 << 20, THREADS = 4 };

static unsigned char region[REGION];

static rm_heap_t *open_heap(unsigned every, rm_threads_t threads) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;

    options.memory = region;
    options.size = sizeof region;
    options.threads = threads;
    options.fence_every = every;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    return heap;
}

static void close_heap(rm_heap_t *heap) {
    g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

static rm_memory_t *make(rm_heap_t *heap, size_t size, size_t alignment) {
    rm_memory_t *handle;

    g_assert_cmpint(rm_heap_alloc(heap, &handle, size, alignment, 0), ==, RM_OK);
    return handle;
}

static unsigned char *lock(rm_memory_t *handle) {
    void *at = NULL;

    g_assert_cmpint(rmlock(handle, &at), ==, RM_OK);
    return at;
}

static void unlock(rm_memory_t *handle) { g_assert_cmpint(rmunlock(handle), ==, RM_OK); }

static bool is_fenced(const unsigned char *at) {
    return at < region || at >= region + sizeof region;
}

/* -------------------------------------------------------------------- places */

/* Each ends where a page does, or as near as it may; its content comes along and goes back. */
static void test_ends(void) {
    static const size_t sizes[] = {0,   1,   7,    8,    16,   20,   24,    100,   128,
                                   500, 512, 4000, 4096, 4097, 8192, 50000, 100000};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    rm_heap_t *heap = open_heap(1, RM_THREADS_NONE);

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        for (size_t alignment = 0; alignment <= 4096;
             alignment = alignment == 0 ? 8 : 2 * alignment) {
            size_t size = sizes[i], rule = rule_alignment(size);
            rm_memory_t *block = make(heap, size, alignment);
            unsigned char *at = lock(block);
            size_t left = -((uintptr_t)at + size) % page;

            if (alignment == 0) g_assert_cmpuint(left, <, rule);
            if (alignment > rule) rule = alignment;
            g_assert_true(is_fenced(at));
            g_assert_cmpuint((uintptr_t)at % rule, ==, 0);
            g_assert_cmpuint(left, <, rule> 16 ? rule : 16);
            g_assert_true(lock(block) == at);
            content_fill(at, size, i);
            unlock(block);
            g_assert_null(content_fault(at, size, i));
            unlock(block);
            g_assert_cmpint(rm_heap_compact(heap, NULL, NULL), ==, RM_OK);
            unsigned char *again = lock(block);
            g_assert_true(is_fenced(again) && (size == 0 || again != at));
            g_assert_null(content_fault(again, size, i));
            g_assert_cmpint(rmfree(block), ==, RM_ELOCKED);
            unlock(block);
            g_assert_cmpint(rmunlock(block), ==, RM_EUNLOCKED);
            g_assert_cmpint(rmfree(block), ==, RM_OK);
        }
    close_heap(heap);
}

static void test_resize(void) {
    rm_heap_t *heap = open_heap(1, RM_THREADS_SAFE);
    rm_memory_t *block = make(heap, 1000, 0);
    unsigned char *at = lock(block);

    content_fill(at, 1000, 1);
    g_assert_cmpint(rmrealloc(block, 400), ==, RM_OK);
    g_assert_true(lock(block) == at);
    unlock(block);
    g_assert_cmpint(rmrealloc(block, 1000), ==, RM_OK);
    content_fill(at, 1000, 2);
    /* There would be room in the heap, but not before the protected page. */
    g_assert_cmpint(rmrealloc(block, 1100), ==, RM_ELOCKED);
    g_assert_null(content_fault(at, 1000, 2));
    unlock(block);
    g_assert_cmpint(rmrealloc(block, 100000), ==, RM_OK);
    at = lock(block);
    g_assert_true(is_fenced(at));
    g_assert_null(content_fault(at, 1000, 2));
    unlock(block);
    g_assert_cmpint(rmfree(block), ==, RM_OK);
    close_heap(heap);
}

/* An address that somebody peeked at is good as long as the section is open, locked in between or not. */
static void test_held(gconstpointer threads) {
    rm_heap_t *heap = open_heap(1, GPOINTER_TO_INT(threads));
    rm_memory_t *block = make(heap, 100, 0), *other = make(heap, 100, 0);
    unsigned char *at = lock(block);
    void *peeked, *again;

    content_fill(at, 100, 1);
    g_assert_cmpint(rm_heap_hold(heap), ==, RM_OK);
    g_assert_cmpint(rmpeek(block, &peeked), ==, RM_OK);
    g_assert_true(peeked == at);
    unlock(block);
    g_assert_null(content_fault(peeked, 100, 1));
    g_assert_true(lock(block) == at);
    content_fill(at, 100, 2);
    unlock(block);
    g_assert_null(content_fault(peeked, 100, 2));
    g_assert_cmpint(rmpeek(block, &again), ==, RM_OK);
    g_assert_true(again == peeked);
    /* One that was not locked before is where it is, and is locked there. */
    g_assert_cmpint(rmpeek(other, &peeked), ==, RM_OK);
    g_assert_true(!is_fenced(peeked));
    g_assert_true(lock(other) == peeked);
    unlock(other);
    g_assert_cmpint(rm_heap_release(heap), ==, RM_OK);
    at = lock(block);
    g_assert_true(is_fenced(at) && at != again);
    g_assert_null(content_fault(at, 100, 2));
    unlock(block);
    at = lock(other);
    g_assert_true(is_fenced(at));
    unlock(other);
    g_assert_cmpint(rm_heap_hold(heap), ==, RM_OK);
    lock(block);
    g_assert_cmpint(rm_heap_release(heap), ==, RM_OK);
    unlock(block);
    g_assert_cmpint(rmfree(block), ==, RM_OK);
    close_heap(heap);
}

/* One in so many, on the mean; and those stay, wherever they move. */
static void test_share(gconstpointer threads) {
    enum { BLOCKS = 4000, EVERY = 10 };
    rm_memory_t *blocks[BLOCKS];
    bool fenced[BLOCKS];
    unsigned n = 0;
    rm_heap_t *heap = open_heap(EVERY, GPOINTER_TO_INT(threads));

    for (unsigned i = 0; i < BLOCKS; i++) blocks[i] = make(heap, i % 100, 0);
    for (unsigned i = 0; i < BLOCKS; i++) {
        fenced[i] = is_fenced(lock(blocks[i]));
        n += fenced[i];
        unlock(blocks[i]);
    }
    g_assert_cmpuint(n, >, BLOCKS / EVERY / 2);
    g_assert_cmpuint(n, <, BLOCKS / EVERY * 2);
    for (unsigned i = 0; i < BLOCKS; i += 2)
        g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    g_assert_cmpint(rm_heap_compact(heap, NULL, NULL), ==, RM_OK);
    for (unsigned i = 1; i < BLOCKS; i += 2) {
        g_assert_cmpint(is_fenced(lock(blocks[i])), ==, fenced[i]);
        unlock(blocks[i]);
        g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    }
    /* In step with the program or not: half of it makes two blocks at a time. */
    for (unsigned turn = n = 0; turn < BLOCKS; turn++) {
        rm_memory_t *first = make(heap, 10, 0), *second = make(heap, 10, 0);
        n += is_fenced(lock(second));
        unlock(second);
        rmfree(first);
        rmfree(second);
    }
    g_assert_cmpuint(n, >, BLOCKS / EVERY / 2);
    g_assert_cmpuint(n, <, BLOCKS / EVERY * 2);
    close_heap(heap);
}

/* Those that are too large for a share of the address space, or have many locks, are used all the same. */
static void test_many_locks(void) {
    rm_heap_t *heap = open_heap(1, RM_THREADS_SAFE);
    rm_memory_t *block = make(heap, 100, 0);
    unsigned char *at = lock(block);
    unsigned count;
    void *beyond;

    for (unsigned i = 1; i < RM_LOCKS_MAX; i++) g_assert_true(lock(block) == at);
    g_assert_cmpint(rmlock(block, &beyond), ==, RM_EOVERFLOW);
    g_assert_cmpint(rmlocks(block, &count), ==, RM_OK);
    g_assert_cmpuint(count, ==, RM_LOCKS_MAX);
    for (unsigned i = 0; i < RM_LOCKS_MAX; i++) unlock(block);
    g_assert_cmpint(rmunlock(block), ==, RM_EUNLOCKED);
    close_heap(heap);
}

/* ------------------------------------------------------------- random states */

struct kind {
    unsigned every;
    rm_compaction_t compaction;
    rm_threads_t threads;
    bool grows;
};

static void test_random(gconstpointer data) {
    const struct kind *kind = data;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct rng rng = {g_test_rand_int()};
    struct book book;
    rm_heap_t *heap;

    options.memory = kind->grows ? NULL : region;
    options.size = kind->grows ? (size_t)4 << 20 : (size_t)1 << 17;
    options.compaction = kind->compaction;
    options.threads = kind->threads;
    options.fence_every = kind->every;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    book_init(&book, heap);
    for (unsigned i = 0; i < ROUNDS * (g_test_slow() ? LONG : 1); i++) {
        rm_budget_t budget = {rng_between(&rng, 1, 30000), 0};
        const char *text;

        book_shuffle(&book, &rng, STEPS, (enum shape)rng_below(&rng, N_SHAPES), 10000,
                     rng_chance(&rng, 60));
        if (rng_chance(&rng, 50)) rm_heap_compact(heap, &budget, NULL);
        text = heap_fault(heap);
        if (text == NULL) text = book.wrong != NULL ? book.wrong : book_verify(&book);
        if (text != NULL) g_error("%s", text);
        if (rng_chance(&rng, 30)) book_unlock_all(&book);
        if (rng_chance(&rng, 10)) {
            book_unlock_all(&book);
            book_free_all(&book);
        }
    }
    book_finish(&book);
    close_heap(heap);
}

static void add_random(void) {
    static const unsigned each[] = {1, 3, 40};
    static const char *const policies[] = {"demand", "manual", "steady"};
    static struct kind kinds[36];
    struct kind *kind = kinds;

    for (unsigned i = 0; i < 3; i++)
        for (unsigned policy = 0; policy < 3; policy++)
            for (unsigned threads = 0; threads < 2; threads++)
                for (unsigned grows = 0; grows < 2; grows++, kind++) {
                    char name[80];

                    *kind = (struct kind){each[i], (rm_compaction_t)policy,
                                          (rm_threads_t)threads, grows};
                    snprintf(name, sizeof name, "/fence/random/%u/%s/%s/%s", each[i],
                             policies[policy], threads ? "none" : "safe",
                             grows ? "growing" : "closed");
                    g_test_add_data_func(name, kind, test_random);
                }
}

/* ------------------------------------------------------------------- findings */

static void over_the_end(rm_heap_t *heap) {
    rm_memory_t *block = make(heap, 128, 0);
    ((volatile unsigned char *)lock(block))[128] = 1;
}
static void beside(rm_heap_t *heap) {
    rm_memory_t *block = make(heap, 100, 0);
    lock(block)[102] = 1;
    unlock(block);
}
static void too_early(rm_heap_t *heap) {
    rm_memory_t *block = make(heap, 100, 0);
    lock(block)[-1] = 1;
    unlock(block);
}
static void too_late(rm_heap_t *heap) {
    rm_memory_t *block = make(heap, 100, 0);
    volatile unsigned char *at = lock(block);
    unlock(block);
    (void)at[99];
}
static void much_too_late(rm_heap_t *heap) {
    rm_memory_t *block = make(heap, 100, 0);
    volatile unsigned char *at = lock(block);
    unlock(block);
    rmfree(block);
    for (unsigned i = 0; i < 10000; i++) {
        rm_memory_t *other = make(heap, 100, 0);
        lock(other);
        unlock(other);
        rmfree(other);
    }
    at[0] = 1;
}

static const struct mistake {
    const char *name, *said;
    void (*make)(rm_heap_t *heap);
} mistakes[] = {
    {"over-the-end", "*stopped an access*offset 128 of a block of 128 bytes*",
     over_the_end},
    {"beside", "*beside a block*offset 102 of a block of 100 bytes*", beside},
    {"too-early", "*beside a block*offset -1 of a block of 100 bytes*", too_early},
    {"too-late", "*offset 99 of a block of 100 bytes*not locked any more*unlocked at*",
     too_late},
    {"much-too-late", "*offset 0 of a block of 100 bytes*not locked any more*",
     much_too_late},
};

static void test_mistake(gconstpointer data) {
    const struct mistake *mistake = data;

    if (g_test_subprocess()) {
        rm_heap_t *heap;

        g_setenv("RMALLOC_FENCE", "1", TRUE);
        g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
        mistake->make(heap);
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr(mistake->said);
    g_test_trap_assert_stderr("*made at*found by RMALLOC_FENCE*");
}

static void on_fault(int number) {
    static const char text[] = "mine\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(3);
}

/* By a heap's option nothing is said, and no handler is set. By the environment, the program's own has its turn. */
static void test_silent(gconstpointer environment) {
    if (g_test_subprocess()) {
        signal(SIGSEGV, on_fault);
        if (environment != NULL) g_setenv("RMALLOC_FENCE", "1", TRUE);
        too_early(open_heap(1, RM_THREADS_SAFE));
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    if (environment == NULL) {
        g_test_trap_assert_passed();
        g_test_trap_assert_stderr_unmatched("*rmalloc*");
    } else {
        g_test_trap_assert_failed();
    }
}

static void test_handler(gconstpointer environment) {
    if (g_test_subprocess()) {
        signal(SIGSEGV, on_fault);
        if (environment != NULL) g_setenv("RMALLOC_FENCE", "1", TRUE);
        too_late(open_heap(1, RM_THREADS_SAFE));
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*mine*");
    if (environment != NULL)
        g_test_trap_assert_stderr("*rmalloc: a fence stopped*mine*");
    else
        g_test_trap_assert_stderr_unmatched("*rmalloc*");
}

/* A page that no block had is told as such; what is no fence's is none of ours. */
static void nowhere(rm_heap_t *heap) {
    volatile unsigned char *at = lock(make(heap, 100, 0));
    (void)at[1000 * sysconf(_SC_PAGESIZE)];
}
static void elsewhere(rm_heap_t *heap) {
    static volatile uintptr_t nobodys = 16;
    (void)heap;
    (void)*(volatile unsigned char *)nobodys;
}

static void test_no_block(gconstpointer fault) {
    bool fenced = fault != NULL;

    if (g_test_subprocess()) {
        signal(SIGSEGV, on_fault);
        g_setenv("RMALLOC_FENCE", "1", TRUE);
        rm_heap_t *heap = open_heap(1, RM_THREADS_SAFE);
        (fenced ? nowhere : elsewhere)(heap);
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*mine*");
    if (fenced)
        g_test_trap_assert_stderr(
            "*rmalloc: a fence stopped an access at 0x*found by RMALLOC_FENCE*mine*");
    else
        g_test_trap_assert_stderr_unmatched("*rmalloc: *");
    g_test_trap_assert_stderr_unmatched("*offset*");
}

/* -------------------------------------------------------------------- threads */

struct common {
    rm_memory_t *handle;
    void *address; /* while some thread has a lock */
};

static void *work(void *context) {
    struct worker *worker = context;
    struct book book;

    book_init(&book, worker->heap);
    for (unsigned i = 0; i < worker->steps; i++) {
        book_shuffle(&book, &worker->rng, 20, SHAPE_MIXED, 3000, true);
        for (unsigned k = 0; k < 4; k++) {
            void *one, *other;
            rmlock(worker->shared[0], &one);
            rmlock(worker->shared[0], &other);
            if (one != other) fails(worker, "two locks at once, two addresses");
            rmunlock(worker->shared[0]);
            rmunlock(worker->shared[0]);
        }
        if (fails(worker, book.wrong) || fails(worker, book_verify(&book))) break;
        if (worker->index == 0) rm_heap_compact(worker->heap, NULL, NULL);
    }
    book_unlock_all(&book);
    book_free_all(&book);
    fails(worker, book.wrong);
    book_finish(&book);
    return NULL;
}

static void test_threads(gconstpointer every) {
    rm_heap_t *heap = open_heap((unsigned)GPOINTER_TO_INT(every), RM_THREADS_SAFE);
    struct worker workers[THREADS];
    rm_memory_t *shared = make(heap, 77, 0);

    memset(workers, 0, sizeof workers);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].heap = heap;
        workers[i].index = i;
        workers[i].shared = &shared;
        workers[i].rng.state = g_test_rand_int();
        workers[i].steps = g_test_slow() ? 5000 : 40;
        worker_start(&workers[i], work);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        worker_join(&workers[i]);
        g_assert_cmpstr(workers[i].wrong, ==, NULL);
    }
    close_heap(heap);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE); /* they would find it before us */
    g_test_add_func("/fence/ends", test_ends);
    g_test_add_func("/fence/resize", test_resize);
    g_test_add_data_func("/fence/held/none", GINT_TO_POINTER(RM_THREADS_NONE), test_held);
    g_test_add_data_func("/fence/held/safe", GINT_TO_POINTER(RM_THREADS_SAFE), test_held);
    g_test_add_data_func("/fence/share/none", GINT_TO_POINTER(RM_THREADS_NONE),
                         test_share);
    g_test_add_data_func("/fence/share/safe", GINT_TO_POINTER(RM_THREADS_SAFE),
                         test_share);
    g_test_add_func("/fence/many-locks", test_many_locks);
    for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        char name[80];

        snprintf(name, sizeof name, "/fence/finds/%s", mistakes[i].name);
        g_test_add_data_func(name, &mistakes[i], test_mistake);
    }
    g_test_add_data_func("/fence/silent/option", NULL, test_silent);
    g_test_add_data_func("/fence/silent/environment", "", test_silent);
    g_test_add_data_func("/fence/handler/option", NULL, test_handler);
    g_test_add_data_func("/fence/handler/environment", "", test_handler);
    g_test_add_data_func("/fence/no-block/fenced", "", test_no_block);
    g_test_add_data_func("/fence/no-block/elsewhere", NULL, test_no_block);
    add_random();
    g_test_add_data_func("/fence/threads/1", GINT_TO_POINTER(1), test_threads);
    g_test_add_data_func("/fence/threads/10", GINT_TO_POINTER(10), test_threads);
    return g_test_run();
}
