/* SPDX-License-Identifier: MIT */
/*
 * One function per operation, to be run under callgrind, which collects inside of
 * functions called op_* only and dumps what it has whenever say() is called. Prints, for each
 * in turn, what it did, and how many times:
 *
 *      alloc_64 4096
 *
 * The heap's state before each is the same in every run: no random numbers, and no second
 * thread but one that has ended: what follows it is done as between threads.
 */
#include <rmalloc.h>
#include <rmalloc_inline.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 4096, LOCKED = N / 2, TIMES = 64 }; /* each of those is locked twice */

#define OPERATION __attribute__((noinline, noclone)) static unsigned long

static rm_memory_t *handles[N];

/* Whatever fails makes the counts worthless. */
static void need(rm_status_t status) {
    if (status == RM_OK) return;
    fprintf(stderr, "operations: %s\n", rm_strerror(status));
    exit(1);
}

static rm_heap_t *make_heap(rm_threads_t threads) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;

    options.threads = threads;
    options.compaction = RM_COMPACT_MANUAL;
    need(rm_heap_create(&heap, &options));
    return heap;
}

static void fill(rm_heap_t *heap, size_t size) {
    for (size_t i = 0; i < N; i++) need(rm_heap_alloc(heap, &handles[i], size, 0, 0));
}

static void free_from(size_t first, size_t step) {
    for (size_t i = first; i < N; i += step) need(rmfree(handles[i]));
}

/* -------------------------------------------------------- what is counted */

OPERATION op_alloc(rm_heap_t *heap, size_t size) {
    for (size_t i = 0; i < N; i++) need(rm_heap_alloc(heap, &handles[i], size, 0, 0));
    return N;
}

/* Into the holes that every other block has left. */
OPERATION op_alloc_into_holes(rm_heap_t *heap) {
    for (size_t i = 0; i < N; i += 2) need(rm_heap_alloc(heap, &handles[i], 64, 0, 0));
    return N / 2;
}

OPERATION op_free(void) {
    free_from(0, 1);
    return N;
}

/* A free and an alloc, the block that was made last each time. */
OPERATION op_pair(rm_heap_t *heap) {
    for (size_t i = 0; i < N; i++) {
        need(rmfree(handles[0]));
        need(rm_heap_alloc(heap, &handles[0], 64, 0, 0));
    }
    return N;
}

OPERATION op_lock(void) {
    void *pointer;

    for (size_t i = 0; i < N; i++) need(rmlock(handles[i % LOCKED], &pointer));
    return N;
}

OPERATION op_unlock(void) {
    for (size_t i = 0; i < N; i++) need(rmunlock(handles[i % LOCKED]));
    return N;
}

OPERATION op_lock_inline(void) {
    void *pointer;

    for (size_t i = 0; i < N; i++) need(rmlock_inline(handles[i % LOCKED], &pointer));
    return N;
}

OPERATION op_unlock_inline(void) {
    for (size_t i = 0; i < N; i++) need(rmunlock_inline(handles[i % LOCKED]));
    return N;
}

OPERATION op_peek_inline(void) {
    void *pointer;

    for (size_t i = 0; i < N; i++) need(rmpeek_inline(handles[i], &pointer));
    return N;
}

OPERATION op_peek(void) {
    void *pointer;

    for (size_t i = 0; i < N; i++) need(rmpeek(handles[i], &pointer));
    return N;
}

/* The same slot of a run will do. */
OPERATION op_resize_in_slot(void) {
    for (size_t i = 0; i < N; i++) need(rmrealloc(handles[i], 63 - (ssize_t)(i & 1)));
    return N;
}

/* Shrinks, which leaves a gap behind it, and grows into that again. */
OPERATION op_resize_in_place(void) {
    for (size_t i = 0; i < N; i++) {
        need(rmrealloc(handles[i], 700));
        need(rmrealloc(handles[i], 1000));
    }
    return 2 * N;
}

OPERATION op_move(rm_heap_t *heap) {
    rm_progress_t progress;

    need(rm_heap_compact(heap, NULL, &progress));
    return progress.moved_blocks;
}

OPERATION op_stats_quick(rm_heap_t *heap) {
    rm_stats_t stats;

    for (size_t i = 0; i < TIMES; i++) need(rm_heap_stats_quick(heap, &stats));
    return TIMES;
}

/* ------------------------------------------------------------- the course */

/* callgrind dumps at its beginning. */
__attribute__((noinline, noclone)) static void say(const char *name, unsigned long n) {
    printf("%s %lu\n", name, n);
}

static void small_blocks(void) {
    rm_heap_t *heap = make_heap(RM_THREADS_NONE);

    say("alloc_64", op_alloc(heap, 64));
    free_from(0, 2);
    say("alloc_64_into_holes", op_alloc_into_holes(heap));
    say("free_and_alloc_64", op_pair(heap));
    say("lock", op_lock());
    say("unlock", op_unlock());
    say("lock_inline", op_lock_inline());
    say("unlock_inline", op_unlock_inline());
    say("resize_in_slot", op_resize_in_slot());
    free_from(0, 2);
    say("move_64", op_move(heap));
    say("stats_quick", op_stats_quick(heap));
    need(rm_heap_destroy(heap));

    heap = make_heap(RM_THREADS_NONE);
    fill(heap, 64);
    say("free_64", op_free());
    need(rm_heap_destroy(heap));
}

static void larger_blocks(void) {
    rm_heap_t *heap = make_heap(RM_THREADS_NONE);

    say("alloc_1000", op_alloc(heap, 1000));
    say("resize_in_place", op_resize_in_place());
    free_from(0, 2);
    say("move_1000", op_move(heap));
    need(rm_heap_destroy(heap));

    heap = make_heap(RM_THREADS_NONE);
    fill(heap, 1000);
    say("free_1000", op_free());
    need(rm_heap_destroy(heap));
}

static void safe_for_threads(void) {
    rm_heap_t *heap = make_heap(RM_THREADS_SAFE);

    fill(heap, 64);
    say("lock_safe", op_lock());
    say("unlock_safe", op_unlock());
    say("lock_inline_safe", op_lock_inline());
    say("unlock_inline_safe", op_unlock_inline());
    need(rm_heap_destroy(heap));
}

static void *nothing(void *context) { return context; }

static void between_threads(void) {
    rm_heap_t *heap = make_heap(RM_THREADS_SAFE);
    pthread_t thread;

    if (pthread_create(&thread, NULL, nothing, NULL) != 0) exit(1);
    pthread_join(thread, NULL);
    say("alloc_64_threads", op_alloc(heap, 64));
    say("lock_threads", op_lock());
    say("unlock_threads", op_unlock());
    say("lock_inline_threads", op_lock_inline());
    say("unlock_inline_threads", op_unlock_inline());
    need(rm_heap_hold(heap));
    say("peek_threads", op_peek());
    say("peek_inline_threads", op_peek_inline());
    need(rm_heap_release(heap));
    say("free_and_alloc_64_threads", op_pair(heap));
    free_from(0, 2);
    say("move_64_threads", op_move(heap));
    need(rm_heap_destroy(heap));

    heap = make_heap(RM_THREADS_SAFE);
    fill(heap, 64);
    say("free_64_threads", op_free());
    need(rm_heap_destroy(heap));
}

int main(void) {
    small_blocks();
    larger_blocks();
    safe_for_threads();
    between_threads(); /* to be the last */
    return 0;
}
