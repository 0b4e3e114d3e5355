/* SPDX-License-Identifier: MIT */
/*
 * The time series: every metric of the heap at some thousand moments, as CSV.
 */
#ifndef RMTOOL_SERIES_H
#define RMTOOL_SERIES_H

#include "base/output.h"
#include "trace/watch.h"

struct series_sample {
    uint64_t event; /* first: see watch_thin_items */
    uint64_t operations, compactions;
    rm_stats_t stats;
};

struct series {
    struct series_sample *samples;
    size_t n, capacity;
};

int series_look(void *context, const struct moment *moment);
void series_thin(void *context, uint64_t interval);

/* The header row and one row per sample. */
void series_write(const struct series *series, struct output *output);
void series_finish(struct series *series);

#endif
