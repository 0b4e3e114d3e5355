/* SPDX-License-Identifier: MIT */
/*
 * The largest request that would succeed, now or after a compaction, told without making it.
 */
#ifndef RM_LARGEST_H
#define RM_LARGEST_H

#include "heap.h"

/* In bytes, with default alignment, the handle's slot counted in; 0: none would. What rests is
   freed for that. O(orders); after compaction O(runs with a free slot), with anything locked
   O(blocks). */
size_t largest_request(struct heap *h, bool after_compaction);

#endif
