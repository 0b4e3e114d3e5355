/* SPDX-License-Identifier: MIT */
/*
 * What locks cost compaction: a trace with the locks of a model, replayed in small steps of
 * compaction, and in the smallest region in which it completes. The same trace with no
 * locks is what to compare with.
 */
#ifndef RMTOOL_LOCKCOST_H
#define RMTOOL_LOCKCOST_H

#include <stdbool.h>
#include <stdint.h>

struct lockcost {
    bool known;
    uint64_t region; /* 1.5 times the peak of live bytes and 64 KiB, or, where the trace
                        does not complete in that, 2, 4, ... times as much. In it: */
    uint64_t steps, step_every; /* one every so many operations, 64 KiB at most each */
    double
        footprint; /* extent and metadata over live bytes, the mean over its operations */
    double fragmentation;               /* 1 - largest free span / free bytes, likewise */
    uint64_t moved, regained;           /* bytes */
    double locked_blocks, locked_bytes; /* shares of what is live, at the steps */
    double held_back; /* free bytes below locked blocks, the mean over complete steps */
    uint64_t most_held_back;   /* the most at one of them (blockers.h) */
    uint64_t smallest;         /* region, bytes */
    double smallest_over_live; /* its peak */
};

/* Returns: a status. */
int lockcost_measure(const char *trace, struct lockcost *cost);

#endif
