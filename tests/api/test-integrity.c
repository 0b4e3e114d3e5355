/* SPDX-License-Identifier: MIT */
/*
 * A heap that is found to be damaged is frozen: every call on it and its handles says RM_ECORRUPT,
 * its memory is written to no more, and it can be destroyed. So with the option `integrity`, where
 * any word of its own data is seen; and without, where damage is met.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

enum { BLOCKS = 300, SIZE = 200000 };

struct frozen {
    unsigned char memory[SIZE], before[SIZE];
    rm_heap_t *heap;
    rm_memory_t *blocks[BLOCKS];
};

static void fill(struct frozen *f, rm_threads_t threads, bool integrity) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    options.memory = f->memory;
    options.size = SIZE;
    options.threads = threads;
    options.integrity = integrity;
    f->heap = heap_with(&options);
    for (size_t i = 0; i < BLOCKS; i++)
        assert_ok(rm_heap_alloc(f->heap, &f->blocks[i], i % 7 * i, 0, RM_ZERO));
    for (size_t i = 0; i < BLOCKS; i += 3) assert_ok(rmfree(f->blocks[i]));
}

/* The heap's structure begins with its own address: that is another then. */
static void damage(struct frozen *f) {
    for (size_t at = SIZE / 16 * 16 - 16; at > 0; at -= 16) {
        uintptr_t word;

        memcpy(&word, f->memory + at, sizeof word);
        if (word != (uintptr_t)(f->memory + at)) continue;
        f->memory[at + 3] ^= 0x10;
        return;
    }
    g_assert_not_reached();
}
static void repair(struct frozen *f) { memcpy(f->memory, f->before, SIZE); }

static bool never(const rm_span_t *span, void *context) {
    (void)span, (void)context;
    g_assert_not_reached();
}

static void assert_frozen(struct frozen *f) {
    rm_heap_t *heap = f->heap;
    rm_memory_t *block = f->blocks[1], *made = block;
    rm_progress_t progress;
    rm_stats_t stats;
    rm_fault_t fault = {0, 0, ""};
    void *pointer = NULL;
    size_t size;
    unsigned locks;

    assert_status(rm_heap_compact(heap, NULL, &progress), RM_ECORRUPT);
    memcpy(f->before, f->memory, SIZE);
    assert_status(rm_heap_alloc(heap, &made, 10, 0, 0), RM_ECORRUPT);
    g_assert_null(made);
    assert_status(rm_heap_alloc(heap, &made, 10000, 64, RM_ZERO), RM_ECORRUPT);
    assert_status(rmlock(block, &pointer), RM_ECORRUPT);
    assert_status(rmunlock(block), RM_ECORRUPT);
    assert_status(rmpeek(block, &pointer), RM_ECORRUPT);
    g_assert_null(pointer);
    assert_status(rmsize(block, &size), RM_ECORRUPT);
    assert_status(rmlocks(block, &locks), RM_ECORRUPT);
    assert_status(rmheap(block, &heap), RM_ECORRUPT);
    assert_status(rmrealloc(block, 1), RM_ECORRUPT);
    assert_status(rmfree(block), RM_ECORRUPT);
    assert_status(rmfree(f->blocks[0]), RM_ECORRUPT); /* a stale one */
    assert_status(rm_heap_compact(heap, NULL, &progress), RM_ECORRUPT);
    assert_status(rm_heap_largest(heap, true, &size), RM_ECORRUPT);
    assert_status(rm_heap_trim(heap), RM_ECORRUPT);
    assert_status(rm_heap_hold(heap), RM_ECORRUPT);
    assert_status(rm_heap_release(heap), RM_ECORRUPT);
    assert_status(rm_heap_pause(heap), RM_ECORRUPT);
    assert_status(rm_heap_stats(heap, &stats), RM_ECORRUPT);
    assert_status(rm_heap_stats_quick(heap, &stats), RM_ECORRUPT);
    assert_status(rm_heap_walk(heap, never, NULL), RM_ECORRUPT);
    assert_status(rm_heap_check(heap, &fault), RM_ECORRUPT);
    g_assert_true(fault.invariant != 0 && fault.text[0] != '\0');
    assert_status(rm_heap_check(heap, NULL), RM_ECORRUPT);
    g_assert_true(rm_heap_idle(heap, UINT64_MAX) == 0);
    g_assert_true(memcmp(f->before, f->memory, SIZE) == 0);
}

static void test_frozen(void) {
    for (rm_threads_t threads = RM_THREADS_SAFE; threads <= RM_THREADS_NONE; threads++)
        for (unsigned integrity = 0; integrity < 2; integrity++) {
            struct frozen *f = g_new0(struct frozen, 1),
                          *other = g_new0(struct frozen, 1);

            fill(f, threads, integrity);
            fill(other, threads, integrity);
            damage(f);
            assert_frozen(f);
            assert_sound(heap_fault(other->heap)); /* it is no business of other heaps */
            assert_ok(rm_heap_destroy(f->heap));
            assert_status(rm_heap_check(f->heap, NULL), RM_EINVAL);
            assert_status(rmfree(f->blocks[1]), RM_EHANDLE);
            fill(f, threads,
                 integrity); /* its memory, and its place, are good for another */
            assert_sound(heap_fault(f->heap));
            assert_ok(rm_heap_destroy(f->heap));
            assert_ok(rm_heap_destroy(other->heap));
            g_free(f);
            g_free(other);
        }
}

/* Integrity finds it before the first call does anything; that it has been put right comes too late then. */
static void test_first_call(void) {
    for (unsigned which = 0; which < 3; which++) {
        struct frozen *f = g_new0(struct frozen, 1);
        void *pointer;
        rm_memory_t *made;

        fill(f, RM_THREADS_NONE, true);
        assert_ok(rmlock(f->blocks[1], &pointer));
        memset(pointer, 0xAA, 1); /* content is its user's */
        assert_ok(rmunlock(f->blocks[1]));
        memcpy(f->before, f->memory, SIZE);
        damage(f);
        if (which == 0) assert_status(rmlock(f->blocks[2], &pointer), RM_ECORRUPT);
        if (which == 1) assert_status(rmfree(f->blocks[2]), RM_ECORRUPT);
        if (which == 2)
            assert_status(rm_heap_alloc(f->heap, &made, 9, 0, 0), RM_ECORRUPT);
        repair(f);
        assert_frozen(f);
        assert_ok(rm_heap_destroy(f->heap));
        g_free(f);
    }
}

/* --- threads --- */

struct turn {
    struct frozen *f;
    pthread_barrier_t barrier;
};

/* Keeps some blocks for itself, and ends with the heap frozen. */
static void *keep_some(void *context) {
    struct turn *turn = context;
    rm_memory_t *blocks[40];

    for (size_t i = 0; i < 40; i++)
        assert_ok(rm_heap_alloc(turn->f->heap, &blocks[i], 48, 0, 0));
    for (size_t i = 0; i < 39; i++) assert_ok(rmfree(blocks[i]));
    pthread_barrier_wait(&turn->barrier);
    pthread_barrier_wait(&turn->barrier);
    assert_status(rmfree(blocks[39]), RM_ECORRUPT);
    assert_status(rm_heap_alloc(turn->f->heap, &blocks[0], 48, 0, 0), RM_ECORRUPT);
    return NULL;
}

static void test_threads(void) {
    for (unsigned integrity = 0; integrity < 2; integrity++) {
        struct turn turn = {.f = g_new0(struct frozen, 1)};
        pthread_t thread;

        pthread_barrier_init(&turn.barrier, NULL, 2);
        fill(turn.f, RM_THREADS_SAFE, integrity);
        g_assert_cmpint(pthread_create(&thread, NULL, keep_some, &turn), ==, 0);
        pthread_barrier_wait(&turn.barrier);
        damage(turn.f);
        assert_frozen(turn.f);
        pthread_barrier_wait(&turn.barrier);
        g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
        assert_frozen(turn.f);
        assert_ok(rm_heap_destroy(turn.f->heap));
        pthread_barrier_destroy(&turn.barrier);
        g_free(turn.f);
    }
}

/* A forked child has it as it is. */
static void test_fork(void) {
    struct frozen *f = g_new0(struct frozen, 1);
    int status = 1;
    pid_t child;

    fill(f, RM_THREADS_SAFE, false);
    damage(f);
    fflush(NULL);
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        assert_frozen(f);
        _exit(rm_heap_destroy(f->heap) == RM_OK ? 0 : 2);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    assert_frozen(f);
    assert_ok(rm_heap_destroy(f->heap));
    g_free(f);
}

/* The background thread leaves it alone. */
static void test_background(void) {
    struct frozen *f = g_new0(struct frozen, 1);
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    options.memory = f->memory;
    options.size = SIZE;
    options.compaction = RM_COMPACT_BACKGROUND;
    f->heap = heap_with(&options);
    for (size_t i = 0; i < BLOCKS; i++)
        assert_ok(rm_heap_alloc(f->heap, &f->blocks[i], i % 7 * i, 0, 0));
    assert_ok(rm_heap_pause(f->heap));
    damage(f);
    assert_frozen(f);
    usleep(20000);
    assert_frozen(f);
    assert_ok(rm_heap_destroy(f->heap));
    g_free(f);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/integrity/frozen", test_frozen);
    g_test_add_func("/integrity/first-call", test_first_call);
    g_test_add_func("/integrity/threads", test_threads);
    g_test_add_func("/integrity/fork", test_fork);
    g_test_add_func("/integrity/background", test_background);
    return g_test_run();
}
