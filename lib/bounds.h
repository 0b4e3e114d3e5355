/* SPDX-License-Identifier: MIT */
/*
 * Whatever a heap's structure says of where its parts lie, and how long they are, is compared with what is known
 * apart from it, before a call relies on it: then nothing that is within these bounds is outside of the heap
 * (damage.h). O(1).
 */
#ifndef RM_BOUNDS_H
#define RM_BOUNDS_H

#include "heap.h"

/* What is so as long as there is the heap: as its structure says when it has just been made. */
struct bounds {
    const char *low; /* its region */
    size_t bytes;
    const char *base;
    const struct zone *zones;
    const struct crowd *crowd;
    const struct moves *moves;
    const uint32_t *blocks; /* tops of quick lists; and their pool */
    uint32_t pool, n_chunks;
    size_t cache;
    uint64_t tag;
    bool pages;
};
struct bounds bounds_of(const struct heap *h);

/* The heap is within them, or the call ends. */
void bounds_compare(const struct heap *h, const struct bounds *b);

#endif
