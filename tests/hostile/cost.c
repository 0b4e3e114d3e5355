/* SPDX-License-Identifier: MIT */
/*
 * What a sealed heap costs: nanoseconds for a lock and its unlock, for a small block that rests and comes back, and for a
 * call that has all of the heap's data compared, by what lies in the heap. The least of some turns, since other
 * programs can only add to it.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rmalloc.h>

#include "cost.h"
#include "rng.h"

enum { TURNS = 7, OBJECT = 64, OPERATIONS = 2000 };

/* In nanoseconds a call. */
struct cost {
    double lock, object, whole;
};

static void measure(size_t bytes, bool integrity) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct cost cost = {1e12, 1e12, 1e12};
    size_t n = bytes / OBJECT;
    rm_memory_t **blocks = calloc(n, sizeof *blocks);
    rm_heap_t *heap;
    struct rng rng = {1};

    if (blocks == NULL) exit(3);
    options.threads = RM_THREADS_NONE;
    options.integrity = integrity;
    cost_expect(rm_heap_create(&heap, &options));
    for (size_t i = 0; i < n; i++)
        cost_expect(
            rm_heap_alloc(heap, &blocks[i], OBJECT - 8 + rng_below(&rng, 16), 0, 0));
    for (unsigned turn = 0; turn < TURNS; turn++) {
        double begun = cost_now();
        void *at;

        for (unsigned i = 0; i < OPERATIONS; i++) {
            rm_memory_t *block = blocks[i * 7919 % n];

            cost_expect(rmlock(block, &at));
            cost_expect(rmunlock(block));
        }
        cost.lock = cost_least(cost.lock, (cost_now() - begun) / OPERATIONS / 2);
        begun = cost_now();
        for (unsigned i = 0; i < OPERATIONS; i++) {
            cost_expect(rmfree(blocks[i % n]));
            cost_expect(rm_heap_alloc(heap, &blocks[i % n], OBJECT, 0, 0));
        }
        cost.object = cost_least(cost.object, (cost_now() - begun) / OPERATIONS / 2);
        begun = cost_now();
        for (unsigned i = 0; i < 20; i++) {
            rm_stats_t stats;

            cost_expect(rm_heap_stats_quick(heap, &stats));
        }
        cost.whole = cost_least(cost.whole, (cost_now() - begun) / 20);
    }
    printf("%-10s %8zu %14.0f %14.0f %14.0f\n", integrity ? "sealed" : "plain",
           bytes / 1024, cost.lock, cost.object, cost.whole);
    cost_expect(rm_heap_destroy(heap));
    free(blocks);
}

int main(void) {
    static const size_t sizes[] = {4, 64, 1024, 4096}; /* KiB of objects */

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%-10s %8s %14s %14s %14s\n", "heap", "KiB", "lock or unlock", "alloc or free",
           "whole");
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (unsigned integrity = 0; integrity < 2; integrity++)
            measure(sizes[i] * 1024, integrity);
    return 0;
}
