/* SPDX-License-Identifier: MIT */
/* The operations, and what each must answer. */
#ifndef MODEL_OPERATE_H
#define MODEL_OPERATE_H

#include "world.h"

/* Does one, as the actor that it names. NULL, or what is wrong. What cannot be done (its block is
   not there) is passed over, and counted so. */
const char *operate(struct world *world, const struct op *op);

/* Those on one block (blocks.c), and on a whole heap (heaps.c). `*skipped` is set where it is passed over. */
const char *operate_on_block(struct world *world, const struct op *op, bool *skipped);
const char *operate_on_heap(struct world *world, const struct op *op, bool *skipped);
/* Calls that have to be refused, whatever the heap (wrong.c). */
const char *operate_stale(struct world *world, const struct op *op, bool *skipped);
const char *operate_forged(struct world *world, const struct op *op, bool *skipped);
const char *operate_wrong(struct world *world, const struct op *op);

/* Is any read section open? */
bool operate_is_held(const struct world *world, unsigned heap);

#endif
