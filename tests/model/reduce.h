/* SPDX-License-Identifier: MIT */
/*
 * Episodes in processes of their own, so that what crashes, hangs or is ended by a sanitizer
 * is a fault like any other; and a failing one cut down to the operations that it takes.
 */
#ifndef MODEL_REDUCE_H
#define MODEL_REDUCE_H

#include "run.h"

/* What a child and its parent share. */
struct shared {
    struct trace trace;
    struct op ops[TRACE_MOST];
    struct tally tally;
    uint64_t seed; /* of the episode in progress */
    char wrong[400];
};
struct shared *shared_make(void);
/* Ends the child that calls it: 0, or 1 and what is wrong. */
_Noreturn void shared_exit(struct shared *shared, const char *text);
/* How a child has ended, as a sentence; NULL: well. */
const char *shared_outcome(struct shared *shared, int status);

/* Does what is in shared->trace again, in a child. NULL, or what is wrong. quiet: a sanitizer's report is
   not shown. Cuts the trace to where it ends. */
const char *reduce_replay(struct shared *shared, bool closely, bool quiet);
/*
 * Delta debugging (Zeller and Hildebrandt 2002): leaves out ever smaller parts of the trace, as
 * long as what is left fails, in whatever way. Then tries smaller numbers. `*closely` is how it fails.
 * The last fault, in words; NULL: the trace alone does not fail.
 */
const char *reduce(struct shared *shared, bool *closely);

#endif
