/* SPDX-License-Identifier: MIT */
/*
 * cost: what fences cost those who use blocks without one: nanoseconds for a lock and an unlock, and for a block that
 * is made and freed, in a heap of 10,000 blocks. The least of some turns, since other programs can only add to it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rmalloc.h>

#include "crew.h"

enum { BLOCKS = 10000, OPERATIONS = 50000, TURNS = 9 };

static double now(void) {
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void expect(rm_status_t status) {
    if (status == RM_OK) return;
    fprintf(stderr, "cost: %s\n", rm_strerror(status));
    exit(3);
}

static double least(double a, double b) { return a < b ? a : b; }

static void measure(unsigned every, rm_threads_t threads) {
    static rm_memory_t *blocks[BLOCKS];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    struct rng rng = {1};
    double lock = 1e9, make = 1e9;

    options.fence_every = every;
    options.threads = threads;
    expect(rm_heap_create(&heap, &options));
    for (unsigned i = 0; i < BLOCKS; i++)
        expect(rm_heap_alloc(heap, &blocks[i], 16 + rng_below(&rng, 200), 0, 0));
    for (unsigned turn = 0; turn < TURNS; turn++) {
        double begun = now();
        void *at;

        for (unsigned i = 0; i < OPERATIONS; i++) {
            rm_memory_t *block = blocks[i % BLOCKS];

            rmlock(block, &at);
            *(volatile char *)at;
            rmunlock(block);
        }
        lock = least(lock, (now() - begun) / OPERATIONS);
        begun = now();
        for (unsigned i = 0; i < OPERATIONS; i++) {
            rm_memory_t *block;

            expect(rm_heap_alloc(heap, &block, 16 + i % 200, 0, 0));
            rmfree(block);
        }
        make = least(make, (now() - begun) / OPERATIONS);
    }
    printf("%-8s %-10u %12.1f %12.1f\n", threads == RM_THREADS_NONE ? "none" : "safe",
           every, lock, make);
    expect(rm_heap_destroy(heap));
}

static void *nothing(void *context) { return context; }

int main(void) {
    static const unsigned each[] = {0, 10000, 1000, 100, 1};
    struct worker worker = {.steps = 0};

    setvbuf(stdout, NULL, _IOLBF, 0);

    worker_start(&worker, nothing); /* from here on there have been threads */
    worker_join(&worker);
    printf("%-8s %-10s %12s %12s\n", "threads", "one in", "lock, unlock", "make, free");
    for (unsigned threads = 0; threads < 2; threads++)
        for (unsigned i = 0; i < sizeof each / sizeof *each; i++)
            measure(each[i], (rm_threads_t)threads);
    return 0;
}
