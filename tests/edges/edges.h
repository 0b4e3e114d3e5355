/* SPDX-License-Identifier: MIT */
/* What is done to a heap that has just been made in a region, whatever its size. */
#ifndef EDGES_H
#define EDGES_H

#include <rmalloc.h>

/* Fill it to the last byte, use it, compact it, let its table grow and shrink; `whole`: until not one
   object more fits, too. NULL, or what is wrong. `n_blocks` counts those that have been made. */
const char *edges_use(rm_heap_t *heap, size_t bytes, bool whole, uint64_t *n_blocks);

#endif
