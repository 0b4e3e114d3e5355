/* SPDX-License-Identifier: MIT */
/* Every span of one heap, in address order. */
#ifndef RM_WALK_H
#define RM_WALK_H

#include "heap.h"

/* RM_OK, or RM_ECORRUPT where a header makes no sense; the walk ends there. */
rm_status_t walk_heap(const struct heap *h, rm_walk_fn *visit, void *context);

#endif
