/* SPDX-License-Identifier: MIT */
/* The metrics of one heap. */
#ifndef RM_STATS_H
#define RM_STATS_H

#include "heap.h"

/* All but `locked_blocks` and `locked`, which become 0. O(orders). */
void stats_quick(const struct heap *h, rm_stats_t *stats);
/* What the background thread has done; NULL: there is none. */
void stats_watch(const struct watch *w, rm_stats_t *stats);
/* Those two. O(slots of the table). */
void stats_locked(const struct heap *h, rm_stats_t *stats);

#endif
