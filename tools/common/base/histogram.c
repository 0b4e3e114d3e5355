/* SPDX-License-Identifier: MIT */
/*
 * Values below 2^6 have a bucket each. Above, a value with its highest bit at b belongs to
 * group b - 5, and the six bits below the highest say which part of it:
 *
 *      value    0 .. 63   64 65 .. 127   128,129  130,131 ..   256..259 ..
 *      group    0         1              2                     3
 */
#include "base/histogram.h"

#define PARTS (1u << HISTOGRAM_PARTS_LOG2)

static unsigned group_of(uint64_t value) {
    unsigned highest = 63u - (unsigned)__builtin_clzll(value | 1);

    return highest < HISTOGRAM_PARTS_LOG2 ? 0 : highest - HISTOGRAM_PARTS_LOG2 + 1;
}

static unsigned bucket_of(uint64_t value) {
    unsigned group = group_of(value);
    unsigned shift = group > 0 ? group - 1 : 0;

    return (group << HISTOGRAM_PARTS_LOG2) + (unsigned)((value >> shift) & (PARTS - 1));
}

uint64_t histogram_last(unsigned bucket) {
    unsigned group = bucket >> HISTOGRAM_PARTS_LOG2;
    uint64_t part = bucket & (PARTS - 1);

    if (group == 0) return part;
    return ((part + PARTS + 1) << (group - 1)) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value) {
    histogram->counts[bucket_of(value)]++;
    histogram->count++;
    if (value > histogram->largest) histogram->largest = value;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other) {
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        histogram->counts[i] += other->counts[i];
    histogram->count += other->count;
    if (other->largest > histogram->largest) histogram->largest = other->largest;
}

double histogram_share(const struct histogram *histogram, unsigned bucket) {
    if (histogram->count == 0) return 0;
    return (double)histogram->counts[bucket] / (double)histogram->count;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share) {
    uint64_t seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && (double)seen >= share * (double)histogram->count) {
            uint64_t last = histogram_last(i);
            return last < histogram->largest ? last : histogram->largest;
        }
    }
    return 0;
}
