/* SPDX-License-Identifier: MIT */
/*
 * How often each duration occurred, in constant memory. Buckets are powers of two cut
 * into 64 equal parts, so a percentile is at most 1/64 too high.
 */
#ifndef RMTOOL_HISTOGRAM_H
#define RMTOOL_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_PARTS_LOG2 6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_PARTS_LOG2 + 1) << HISTOGRAM_PARTS_LOG2)

struct histogram {
    uint64_t count, largest;
    uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);

/* The value that the given share (0 to 1) of all values do not exceed; 0 where there are
   none. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
