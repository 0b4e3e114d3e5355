/* SPDX-License-Identifier: MIT */
/*
 * Access logs as text, for tests, and models of locking as simple as they can be.
 */
#ifndef TESTS_LOCKS_RMA_H
#define TESTS_LOCKS_RMA_H

#include "locks/access.h"

/* Calls visit for each item of a log. Returns: a status. */
int rma_each(const char *path, void (*visit)(void *, const struct access_item *),
             void *context);

/* Prints the events of the trace that a model makes of a log, without changes of thread. */
int naive_trace(const char *model, const char *path);

#endif
