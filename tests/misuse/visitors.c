/* SPDX-License-Identifier: MIT */
/* Calls from where none may come from: out of a walk, and by two threads into a heap for one. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stage.h"

struct visit {
    rm_heap_t *heap;
    rm_status_t status;
    unsigned visited;
    bool called;
};

static bool visit_alloc(const rm_span_t *span, void *context) {
    struct visit *v = context;
    memory_t *h;
    v->visited++;
    if (v->called || span->handle == NULL) return true;
    v->called = true;
    WRONG(GUILTY(v->status = rm_heap_alloc(v->heap, &h, 100, 0, 0)));
    return true;
}

CASE(visitor_allocates, "an allocation in the heap that is being walked") {
    struct visit v = {.heap = heap};
    call(rm_heap_walk(heap, visit_alloc, &v));
    call(v.status);
}

static bool visit_free(const rm_span_t *span, void *context) {
    struct visit *v = context;
    v->visited++;
    if (span->handle == NULL || span->requested != 77) return true;
    WRONG(GUILTY(v->status = rmfree(span->handle)));
    return true;
}

CASE(visitor_frees, "blocks freed in the heap that is being walked") {
    struct visit v = {.heap = heap};
    for (unsigned i = 0; i < 9; i++) bytes_block(77, 'v');
    call(rm_heap_walk(heap, visit_free, &v));
    call(v.status);
}

static bool visit_compact(const rm_span_t *span, void *context) {
    struct visit *v = context;
    v->visited++;
    if (v->called || span->kind != RM_SPAN_FREE) return true;
    v->called = true;
    WRONG(GUILTY(v->status = rm_heap_compact(v->heap, NULL, NULL)));
    return true;
}

CASE(visitor_compacts, "a compaction of the heap that is being walked") {
    struct visit v = {.heap = heap};
    memory_t *gap = gap_open(3000);
    bytes_block(2000, 'c');
    drop(gap);
    call(rm_heap_walk(heap, visit_compact, &v));
    call(v.status);
}

static void *nothing(void *unused) { return unused; }

CASE(visitor_hangs, "the same in a heap that threads share, in a program that has some") {
    rm_heap_t *shared = open_growing(RM_THREADS_SAFE);
    struct visit v = {.heap = shared};
    in_thread(nothing, NULL);
    block_in(shared, 3000);
    memory_t *gap = block_in(shared, 30000);
    block_in(shared, 3000);
    drop(gap);
    WRONG(alarm(2));
    call(rm_heap_walk(shared, visit_compact, &v));
    call(v.status);
}

/* --- two threads in a heap for one --- */

struct meeting {
    pthread_barrier_t inside, done;
    memory_t *made;
};
static struct meeting meeting;

static bool visit_meeting(const rm_span_t *span, void *context) {
    struct visit *v = context;
    if (v->called || span->kind != RM_SPAN_BLOCK) return true;
    v->called = true;
    pthread_barrier_wait(&meeting.inside);
    pthread_barrier_wait(&meeting.done);
    return true;
}

static void *allocate_meanwhile(void *in) {
    pthread_barrier_wait(&meeting.inside);
    WRONG(GUILTY(call(rm_heap_alloc(in, &meeting.made, 5000, 0, 0))));
    pthread_barrier_wait(&meeting.done);
    return NULL;
}

CASE(threads_none_walk, "a heap for one thread: another one allocates during a walk") {
    struct visit v = {.heap = heap};
    pthread_t thread;
    pthread_barrier_init(&meeting.inside, NULL, 2);
    pthread_barrier_init(&meeting.done, NULL, 2);
    expect(pthread_create(&thread, NULL, allocate_meanwhile, heap) == 0, "no thread");
    call(rm_heap_walk(heap, visit_meeting, &v));
    pthread_join(thread, NULL);
}
