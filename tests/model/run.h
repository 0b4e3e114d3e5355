/* SPDX-License-Identifier: MIT */
/*
 * One episode: heaps are made, operations done, heaps ended. By one thread; by several, by
 * turns, so that the same happens each time; or by several that race from one meeting to
 * the next.
 */
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include "generate.h"
#include "world.h"

/* The room of a trace of an episode, in operations. */
enum { TRACE_MOST = 1 << 16 };

/* Begins the process: once, before any episode; `between`: there is to be a second thread, once. */
void run_init(void);
void run_between(void);

/*
 * A random episode by seed, or `trace` again. What is done is in the trace before it is done, in memory
 * that outlives the process if the caller has it so. NULL, or what is wrong; trace->n is how far it came.
 */
const char *run_random(struct world *world, struct trace *trace, uint64_t seed);
/* `closely`: the heap is proved after each operation. */
const char *run_again(struct world *world, struct trace *trace, bool closely);

#endif
