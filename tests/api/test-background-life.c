/* SPDX-License-Identifier: MIT */
/*
 * The thread of RM_COMPACT_BACKGROUND comes with the first such heap, serves all of them,
 * and is in nobody's way: not of a heap's end, not of the program's, not of fork.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "background.h"

#define MILLISECOND UINT64_C(1000000)

extern char **environ;

/* ---------------------------------------------------------------------- heaps */

/* Ended while it works there: before it has begun, in the midst, when it has just done. */
static void test_destroy_at_work(void) {
    size_t n_midst = 0;

    unsigned rounds = 30;

    /* On a busy machine it may take more of them to meet one. */
    for (unsigned round = 0; round < rounds; round++) {
        struct yard yard;

        yard_open(&yard, (enum yard_kind)(round % N_YARDS), NULL);
        yard_litter(&yard, 2000, 5000);
        if (round % 4 == 0) await_moved(yard.heap, 1);
        sleep_ns(round % 30 * MILLISECOND / 15);
        n_midst += fragmentation_of(yard.heap) > 0.05;
        assert_ok(rm_heap_destroy(yard.heap));
        if (yard.kind ==
            YARD_REGION) { /* it is the caller's again: nobody writes there */
            memset(yard.region.memory, 0x5A, yard.region.size);
            sleep_ns(2 * MILLISECOND);
            for (size_t i = 0; i < yard.region.size; i += 64)
                g_assert_cmpuint(yard.region.memory[i], ==, 0x5A);
            guarded_finish(&yard.region);
        }
        assert_status(rm_heap_pause(yard.heap), RM_EINVAL);
        book_finish(&yard.book);
        if (round + 1 == rounds && n_midst == 0 && rounds < 1000) rounds += 30;
    }
    g_test_message("%zu of %u heaps were in the midst of it", n_midst, rounds);
    g_assert_cmpuint(n_midst, >, 0);
}

/* Twenty at a time, over and over, with the thread in whichever it likes. */
static void test_come_and_go(void) {
    struct yard yards[20];
    struct rng rng = test_rng();

    for (unsigned i = 0; i < G_N_ELEMENTS(yards); i++)
        yard_open(&yards[i], YARD_GROWING, NULL);
    for (unsigned round = 0; round < 200; round++) {
        struct yard *yard = &yards[rng_below(&rng, G_N_ELEMENTS(yards))];

        perforate(&yard->book, 300, 1000);
        if (rng_chance(&rng, 50)) {
            yard_close(yard);
            yard_open(yard, YARD_GROWING, NULL);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(yards); i++) yard_close(&yards[i]);
    for (unsigned round = 0; round < 500; round++) { /* the only one, and at once gone */
        yard_open(&yards[0], YARD_GROWING, NULL);
        assert_ok(book_alloc(&yards[0].book, 100, 0, 0));
        yard_close(&yards[0]);
    }
}

/* One thread for all heaps: none of them waits for ever. */
static void test_many(void) {
    struct yard yards[24];

    for (unsigned i = 0; i < G_N_ELEMENTS(yards); i++) {
        yard_open(&yards[i], i % 3 ? YARD_GROWING : YARD_LIMITED, NULL);
        assert_ok(rm_heap_pause(yards[i].heap));
        perforate(&yards[i].book, 1000, 2000);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(yards); i++)
        assert_ok(rm_heap_resume(yards[i].heap));
    /* one has nothing but locked blocks, one is held, one paused: the others still move */
    for (size_t i = 0; i < yards[0].book.n; i++) (void)book_lock(&yards[0].book, i);
    assert_ok(rm_heap_hold(yards[1].heap));
    assert_ok(rm_heap_pause(yards[2].heap));
    for (unsigned i = 3; i < G_N_ELEMENTS(yards); i++) await_below(yards[i].heap, 0.05);
    book_unlock_all(&yards[0].book);
    assert_ok(rm_heap_release(yards[1].heap));
    assert_ok(rm_heap_resume(yards[2].heap));
    for (unsigned i = 0; i < 3; i++) await_below(yards[i].heap, 0.15 + 1e-9);
    for (unsigned i = 0; i < G_N_ELEMENTS(yards); i++) yard_close(&yards[i]);
}

/* --------------------------------------------------------------- the program's end */

/* In the program that is to end: heaps that the thread has much to do in. No GLib here. */
static rm_heap_t *busy_heap(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap = NULL;
    struct book book;
    rm_stats_t stats = {0};

    options.compaction = RM_COMPACT_BACKGROUND;
    if (rm_heap_create(&heap, &options) != RM_OK) exit(11);
    if (rm_heap_pause(heap) != RM_OK) exit(12);
    book_init(&book, heap);
    for (unsigned i = 0; i < 2500; i++)
        if (book_alloc(&book, 6000, 0, 0) != RM_OK) exit(13);
    for (size_t i = book.n; i-- > 0;)
        if (i % 2 == 0 && book_free(&book, i) != RM_OK) exit(14);
    if (rm_heap_resume(heap) != RM_OK) exit(15);
    for (uint64_t end = patience(); stats.background_steps == 0;)
        if (rm_heap_stats_quick(heap, &stats) != RM_OK || now_ns() > end) exit(16);
    book_finish(&book);
    return heap;
}

static const char *self; /* this program */
static rm_heap_t *left_over;

static void destroy_left_over(void) {
    if (rm_heap_destroy(left_over) != RM_OK) _exit(21);
}

static void use_left_over(void) {
    rm_memory_t *block = NULL;

    if (rm_heap_alloc(left_over, &block, 5000, 0, 0) != RM_OK) _exit(22);
    if (rmfree(block) != RM_OK) _exit(23);
}

static void *exits(void *context) { exit(0); }

/* Ways to end; returning is one. */
static int leave(const char *how) {
    struct worker worker = {0};

    left_over = busy_heap();
    if (strcmp(how, "_exit") == 0) _exit(0);
    if (strcmp(how, "quick_exit") == 0) quick_exit(0);
    if (strcmp(how, "atexit-destroys") == 0) atexit(destroy_left_over);
    if (strcmp(how, "atexit-uses") == 0) atexit(use_left_over);
    if (strcmp(how, "other-thread") == 0) {
        worker_start(&worker, exits);
        worker_join(&worker);
    }
    if (strcmp(how, "main-ends") == 0) { /* the last thread of the caller's ends it */
        worker_start(&worker, exits);
        pthread_exit(NULL);
    }
    if (strcmp(how, "exec") == 0) execl("/bin/true", "true", (char *)NULL);
    if (strcmp(how, "return") != 0) exit(0);
    return 0;
}

static void test_program_ends(void) {
    static const char *const ways[] = {"exit",         "_exit",           "return",
                                       "quick_exit",   "atexit-destroys", "atexit-uses",
                                       "other-thread", "main-ends",       "exec"};

    for (unsigned round = 0; round < (BUILT_FOR_TSAN ? 1 : 2); round++)
        for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++) {
            char *arguments[] = {(char *)self, (char *)"--leave", (char *)ways[i], NULL};
            int status = -1;
            pid_t child;

            g_assert_cmpint(posix_spawn(&child, self, NULL, NULL, arguments, environ), ==,
                            0);
            g_assert_cmpint(waitpid(child, &status, 0), ==, child);
            if (status != 0) g_test_message("leaving by %s: status %#x", ways[i], status);
            g_assert_cmpint(status, ==, 0);
        }
}

/* ------------------------------------------------------------------------ fork */

/* As fragmentation_of, without GLib. */
static double fragmentation_now(rm_heap_t *heap) {
    rm_stats_t stats;

    if (rm_heap_stats_quick(heap, &stats) != RM_OK) return 1;
    return 1 - (double)stats.requested / (double)stats.extent;
}

/* Waits; NULL where it has come to pass. */
static const char *wait_below(rm_heap_t *heap, double mark) {
    for (uint64_t end = patience(); now_ns() < end; sleep_ns(2 * MILLISECOND))
        if (fragmentation_now(heap) < mark) return NULL;
    return "the thread does not work";
}

/* The child has a thread as well, for the heaps that it was given and for new ones. */
static const char *goes_on(void *context) {
    struct yard *yard = context;
    struct book *book = &yard->book;
    size_t steps = steps_of(yard->heap);
    const char *text = book_verify(book);

    for (unsigned round = 0; round < 3 && text == NULL; round++) {
        if (rm_heap_pause(yard->heap) != RM_OK) return "pause";
        for (unsigned i = 0; i < 2000; i++)
            if (book_alloc(book, 3500, 0, 0) != RM_OK) return "alloc";
        for (size_t i = book->n; i-- > 0;)
            if (i % 2 == 0 && book_free(book, i) != RM_OK) return "free";
        if (rm_heap_resume(yard->heap) != RM_OK) return "resume";
        text = wait_below(yard->heap, 0.05);
        if (text == NULL) text = book_verify(book);
    }
    if (text != NULL) return text;
    if (steps_of(yard->heap) <= steps) return "no steps in the child";
    if (rm_heap_check(yard->heap, NULL) != RM_OK) return "damaged";
    return NULL;
}

/* The child of the child, too; which ends with the thread at work. */
static const char *forks_on(void *context) {
    const char *text = in_child(goes_on, context);

    return text != NULL ? text : goes_on(context);
}

static const char *new_heap(void *context) {
    rm_heap_t *heap = busy_heap();

    const char *text = wait_below(heap, 0.05);
    return text == NULL && rm_heap_destroy(heap) != RM_OK ? "destroy" : text;
}

static const char *destroys(void *context) {
    struct yard *yard = context;

    return rm_heap_destroy(yard->heap) != RM_OK ? "destroy" : new_heap(NULL);
}

/* The library's threads are begun by this, in the program before any shared object. */
static bool no_threads;
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*body)(void *), void *context) {
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    return no_threads ? EAGAIN : next(thread, attributes, body, context);
}

/* The child's heap asks for the thread while none can be begun; later it has it all the same. */
static const char *no_thread_at_first(void *context) {
    static char text[80];
    struct yard *yard = context;
    struct book *book = &yard->book;
    size_t steps = steps_of(yard->heap);
    double left;

    for (unsigned i = 0; i < 2000; i++)
        if (book_alloc(book, 3500, 0, 0) != RM_OK) return "alloc";
    no_threads = true;
    for (size_t i = book->n; i-- > 0;)
        if (i % 4 != 0 && book_free(book, i) != RM_OK) return "free";
    if (steps_of(yard->heap) != steps) return "there is a thread";
    no_threads = false;
    for (uint64_t end = patience(); (left = fragmentation_now(yard->heap)) > 0.05;) {
        if (now_ns() > end) {
            snprintf(text, sizeof text, "the thread does not work: %zu steps, %.3f left",
                     steps_of(yard->heap) - steps, left);
            return text;
        }
        if (book_alloc(book, 100, 0, 0) != RM_OK || book_free(book, book->n - 1) != RM_OK)
            return "in use";
        sleep_ns(2 * MILLISECOND); /* it works where nobody is inside */
    }
    return steps_of(yard->heap) > steps ? book_verify(book) : "no steps in the child";
}

static void test_fork(void) {
    static child_fn *const bodies[] = {goes_on, forks_on, destroys, new_heap};

    if (BUILT_FOR_TSAN) {
        g_test_skip("a child of fork cannot have threads here");
        return;
    }
    for (unsigned round = 0; round < 12; round++) {
        struct yard yard;

        yard_open(&yard, (enum yard_kind)(round / 4), NULL);
        yard_litter(&yard, 3000, 3000);
        if (round % 3 > 0) await_moved(yard.heap, 1); /* in the midst of its work */
        if (round % 3 > 1) await_below(yard.heap, 0.05);
        g_test_message("body %u, heap %u, at %u", round % 4, round / 4, round % 3);
        assert_sound(in_child(bodies[round % 4], &yard));
        await_below(yard.heap, 0.05); /* the parent's goes on */
        yard_close(&yard);
    }
    for (enum yard_kind kind = 0; kind < N_YARDS; kind++) {
        struct yard yard;

        yard_open(&yard, kind, NULL);
        assert_sound(in_child(no_thread_at_first, &yard));
        yard_close(&yard);
    }
    assert_sound(in_child(new_heap, NULL)); /* where there is no such heap any more */
}

/* Paused, held: so it is in the child. */
static const char *still_paused(void *context) {
    struct yard *yard = context;
    size_t moved = moved_so_far(yard->heap);
    const char *text;

    sleep_ns(100 * MILLISECOND);
    if (moved_so_far(yard->heap) != moved) return "paused, and it works";
    if (rm_heap_resume(yard->heap) != RM_OK) return "resume";
    text = wait_below(yard->heap, 0.05);
    if (rm_heap_resume(yard->heap) != RM_EUNLOCKED) return "resumed once too often";
    return text != NULL ? text : book_verify(&yard->book);
}

static void test_fork_paused(void) {
    struct yard yard;

    if (BUILT_FOR_TSAN) {
        g_test_skip("a child of fork cannot have threads here");
        return;
    }
    yard_open(&yard, YARD_GROWING, NULL);
    assert_ok(rm_heap_pause(yard.heap));
    perforate(&yard.book, 6000, 2000);
    assert_sound(in_child(still_paused, &yard));
    g_assert_cmpuint(moved_so_far(yard.heap), ==, 0);
    assert_ok(rm_heap_resume(yard.heap));
    await_below(yard.heap, 0.05);
    yard_close(&yard);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "--leave") == 0) return leave(argv[2]);
    self = argv[0];
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/background/destroy-at-work", test_destroy_at_work);
    g_test_add_func("/background/come-and-go", test_come_and_go);
    g_test_add_func("/background/many", test_many);
    g_test_add_func("/background/program-ends", test_program_ends);
    g_test_add_func("/background/fork", test_fork);
    g_test_add_func("/background/fork-paused", test_fork_paused);
    return g_test_run();
}
