/* SPDX-License-Identifier: MIT */
/*
 * Threads of a test. Assertions that end the program are not for them: a worker notes
 * what was wrong, and whoever started it looks at that afterwards.
 */
#ifndef RMTEST_CREW_H
#define RMTEST_CREW_H

#include <pthread.h>
#include <stdatomic.h>

#include <rmalloc.h>

#include "rng.h"

struct worker {
    pthread_t thread;
    unsigned index;
    struct rng rng;
    rm_heap_t *heap;
    rm_memory_t **shared;
    void *context;
    unsigned steps, n_done;
    const char *wrong; /* the first fault, else NULL */
    char text[400];
};

/* Notes a fault (NULL is none). Says whether there is one, now or from before. */
bool fails(struct worker *worker, const char *text);
/* Notes it where `status` is not the wanted one. */
bool fails_status(struct worker *worker, const char *call, rm_status_t status,
                  rm_status_t wanted);

/* Begin and await one. What else it is to have is set in the worker beforehand. */
void worker_start(struct worker *worker, void *(*body)(void *));
void worker_join(struct worker *worker);

/*
 * Threads meet: each goes on as soon as all of them have come for the k-th time, at
 * the same moment as far as a machine can do that. It spins: for races, not for waiting.
 */
struct meeting {
    atomic_uint n_come;
    unsigned n_threads;
};
/* k counts from 1. */
void meet(struct meeting *meeting, unsigned k);

/* A story told by several threads: each waits until the tale is at its own chapter. */
struct tale {
    pthread_mutex_t mutex;
    pthread_cond_t turned;
    unsigned chapter;
};
#define TALE_INIT                                                                        \
    { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }
void tale_turn(struct tale *tale, unsigned chapter);
void tale_await(struct tale *tale, unsigned chapter);

/*
 * Run it in a child of fork. NULL where it returned NULL, else the fault that it
 * returned, or how it ended instead. A child that takes two minutes is ended.
 */
typedef const char *child_fn(void *context);
const char *in_child(child_fn *body, void *context);

/* ThreadSanitizer: the child of a program with threads can have none of its own. */
#if defined(__SANITIZE_THREAD__)
#define BUILT_FOR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BUILT_FOR_TSAN 1
#endif
#endif
#ifndef BUILT_FOR_TSAN
#define BUILT_FOR_TSAN 0
#endif

uint64_t now_ns(void);
void sleep_ns(uint64_t nanoseconds);

#endif
