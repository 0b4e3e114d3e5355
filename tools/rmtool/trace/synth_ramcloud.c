/* SPDX-License-Identifier: MIT */
/*
 * The workloads W1 to W8 of S. M. Rumble, A. Kejriwal, J. Ousterhout, "Log-structured
 * Memory for DRAM-based Storage", FAST 2014, table 1: a store that holds objects of some
 * sizes, loses a share of them, and then gets others. They are one trace, one after the
 * other, each beginning with an empty store.
 *
 *      five times the store's size is allocated by the first sizes, while objects drawn
 *      at random are freed to keep within it | the share is freed, at random | five
 *      times as much again by the second sizes
 *
 * There the store was 10 GB; here it is 8 MiB.
 */
#include "trace/synth_stories.h"

#define STORE (UINT64_C(8) << 20)
#define TURNOVER 5

struct sizes {
    uint64_t low, high; /* uniform between them */
};

static const struct workload {
    struct sizes before;
    unsigned freed_percent;
    struct sizes after; /* 0: there is no second half */
} workloads[] = {
    {{100, 100}, 0, {0, 0}},          {{100, 100}, 0, {130, 130}},
    {{100, 100}, 90, {130, 130}},     {{100, 150}, 0, {200, 250}},
    {{100, 150}, 90, {200, 250}},     {{100, 200}, 50, {1000, 2000}},
    {{1000, 2000}, 90, {1500, 2500}}, {{50, 150}, 90, {5000, 15000}},
};

static void turn_over(struct synth *synth, struct synth_set *set, uint64_t store,
                      const struct sizes *sizes) {
    uint64_t written = 0;

    while (synth_ok(synth) && written < store * TURNOVER) {
        uint64_t size = synth_between(synth, sizes->low, sizes->high);
        while (synth_ok(synth) && set->n > 0 && set->bytes + size > store)
            synth_set_free_any(synth, set);
        synth_set_alloc(synth, set, size);
        written += size;
    }
}

static bool by_chance(struct synth *synth, size_t i, void *context) {
    return synth_chance(synth, *(const unsigned *)context);
}

void synth_ramcloud(struct synth *synth) {
    uint64_t store = synth_scaled(synth, STORE);

    for (size_t i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++) {
        struct workload w = workloads[i];
        struct synth_set set = {0};
        turn_over(synth, &set, store, &w.before);
        synth_set_sweep(synth, &set, by_chance, &w.freed_percent);
        if (w.after.high > 0) turn_over(synth, &set, store, &w.after);
        synth_set_sweep(synth, &set, NULL, NULL);
        synth_set_finish(&set);
    }
}
