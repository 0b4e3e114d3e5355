/* SPDX-License-Identifier: MIT */
/*
 * What a heap takes, over time, next to what is asked of it. The footprint of a growing
 * heap is the memory it has committed; that of a heap in a caller's region is its extent
 * and its metadata, since the region itself does not change.
 */
#ifndef RMTOOL_FOOTPRINT_H
#define RMTOOL_FOOTPRINT_H

#include "trace/watch.h"

struct footprint_sample {
    uint64_t event; /* first: see watch_thin_items */
    uint64_t bytes, live_bytes, live_blocks, locked_bytes, locked_blocks;
};

struct footprint {
    bool region;   /* the heap is in a caller's region */
    uint64_t peak; /* of all samples, dropped ones too */
    struct footprint_sample *samples;
    size_t n, capacity;
};

/* Over the samples, which are evenly spaced: sums divided by sums. 0 where nothing was
   live. */
struct footprint_means {
    double over_live;     /* footprint / requested bytes */
    double locked_blocks; /* share of the live blocks */
    double locked_bytes;  /* share of the requested bytes */
};

int footprint_look(void *context, const struct moment *moment);
void footprint_thin(void *context, uint64_t interval);
struct footprint_means footprint_means(const struct footprint *footprint);
void footprint_finish(struct footprint *footprint);

#endif
