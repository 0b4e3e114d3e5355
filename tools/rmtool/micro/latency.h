/* SPDX-License-Identifier: MIT */
/*
 * What an application thread waits for, call by call, while the heap is at work elsewhere:
 *
 *      the application     clock clock lock clock write unlock free clock alloc clock ...
 *      another thread      free alloc free alloc ...    a moment's rest     free alloc ...
 *      the library's       compaction without end
 *
 * Two clock reads with nothing between them are taken as well, each time: that is what the
 * machine itself lets a thread wait. Where there are several processors the application has
 * the last one for itself, and all others share the rest.
 */
#ifndef RMTOOL_LATENCY_H
#define RMTOOL_LATENCY_H

#include <stdbool.h>

#include "base/histogram.h"
#include "rmalloc.h"

/* What is timed. */
enum latency_call { LATENCY_CLOCK, LATENCY_LOCK, LATENCY_ALLOC, LATENCY_CALLS };

struct latency {
    /* Wishes. */
    bool alone; /* only the clock: no heap, no other thread */
    rm_compaction_t policy;
    uint64_t run_ns; /* a quarter of that goes before, untimed */
    uint64_t seed;

    /* Results, added to what is there. */
    struct histogram times[LATENCY_CALLS]; /* nanoseconds */
    uint64_t wall_ns;
    rm_stats_t stats; /* of the last run, at its end */
};

/* Runs it once. Returns: a status. */
int latency_run(struct latency *latency);

#endif
