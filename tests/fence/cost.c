/* SPDX-License-Identifier: MIT */
/*
 * cost: what fences cost those who use blocks without one: nanoseconds for a lock and an unlock, and for a block that
 * is made and freed, in a heap of 10,000 blocks. The least of some turns, since other programs can only add to it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <rmalloc.h>

#include "cost.h"
#include "crew.h"

enum { BLOCKS = 10000, OPERATIONS = 50000, TURNS = 9 };

static void measure(unsigned every, rm_threads_t threads) {
    static rm_memory_t *blocks[BLOCKS];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    struct rng rng = {1};
    double lock = 1e9, make = 1e9;

    options.fence_every = every;
    options.threads = threads;
    cost_expect(rm_heap_create(&heap, &options));
    for (unsigned i = 0; i < BLOCKS; i++)
        cost_expect(rm_heap_alloc(heap, &blocks[i], 16 + rng_below(&rng, 200), 0, 0));
    for (unsigned turn = 0; turn < TURNS; turn++) {
        double begun = cost_now();
        void *at;

        for (unsigned i = 0; i < OPERATIONS; i++) {
            rm_memory_t *block = blocks[i % BLOCKS];

            rmlock(block, &at);
            *(volatile char *)at;
            rmunlock(block);
        }
        lock = cost_least(lock, (cost_now() - begun) / OPERATIONS);
        begun = cost_now();
        for (unsigned i = 0; i < OPERATIONS; i++) {
            rm_memory_t *block;

            cost_expect(rm_heap_alloc(heap, &block, 16 + i % 200, 0, 0));
            rmfree(block);
        }
        make = cost_least(make, (cost_now() - begun) / OPERATIONS);
    }
    printf("%-8s %-10u %12.1f %12.1f\n", threads == RM_THREADS_NONE ? "none" : "safe",
           every, lock, make);
    cost_expect(rm_heap_destroy(heap));
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
