/* SPDX-License-Identifier: MIT */
/* Looking: a block, a heap, all of it held against the books. */
#ifndef MODEL_LOOK_H
#define MODEL_LOOK_H

#include "world.h"

/* Of one live block: place, alignment, locks, content; now and then size and heap. */
const char *look_block(struct world *world, struct block *block, bool closely);
/* rm_heap_check alone: changes nothing in the heap. */
const char *look_prove(struct world *world, unsigned heap);
/* The metrics, and each block. Nobody else may be at it. */
const char *look_verify(struct world *world, unsigned heap);
/* What the heap tells by walk, metrics and check, held against each other; `complete`: so it
   has said of itself. Nobody else may be at it. */
const char *look_picture(struct world *world, unsigned heap, bool complete);
/* What has been moved so far; SIZE_MAX: the metrics cannot be had. */
size_t look_moved(const struct world *world, unsigned heap);

/* May blocks be elsewhere at any time: by the heap's own thread, by others, by a setting of the environment? */
static inline bool moves_by_itself(const struct world *world, unsigned heap) {
    return world->spec->racing || world->restless ||
           world->spec->heaps[heap].policy == RM_COMPACT_BACKGROUND;
}

#endif
