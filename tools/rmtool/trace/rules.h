/* SPDX-License-Identifier: MIT */
/*
 * The rules of a trace that need the state of the block a line names: trace.c's other half.
 */
#ifndef RMTOOL_RULES_H
#define RMTOOL_RULES_H

#include "trace/trace.h"

/*
 * Checks a line against the state of the trace's blocks, and updates state and totals.
 *  event: receives the event, unless the line is a change of thread.
 * Returns: a status; STATUS_MALFORMED where a rule is broken.
 */
int rules_apply(struct trace *trace, const struct trace_line *line,
                struct trace_event *event);

/* Whether a block is locked, and its size, 0 where it has been freed. block: one that has
   been made. */
bool rules_locked(const struct trace *trace, uint64_t block);
uint64_t rules_size(const struct trace *trace, uint64_t block);

#endif
