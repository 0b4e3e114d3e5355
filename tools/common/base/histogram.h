/* SPDX-License-Identifier: MIT */
/*
 * How often each duration occurred, in constant memory. Buckets are powers of two cut
 * into 64 equal parts, so a percentile is at most 1/64 too high.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_PARTS_LOG2 6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_PARTS_LOG2 + 1) << HISTOGRAM_PARTS_LOG2)

struct histogram {
    uint64_t count, largest;
    uint64_t counts[HISTOGRAM_BUCKETS];
};

/* The share of all values in a bucket, and the largest value that belongs there. */
double histogram_share(const struct histogram *histogram, unsigned bucket);
uint64_t histogram_last(unsigned bucket);

/* Adds what is in another one. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

void histogram_add(struct histogram *histogram, uint64_t value);

/* The value that the given share (0 to 1) of all values do not exceed; 0 where there are
   none. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
