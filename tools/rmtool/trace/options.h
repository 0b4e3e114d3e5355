/* SPDX-License-Identifier: MIT */
/*
 * Values of options that several verbs take: of a trace, and of the heap it is replayed into. Each function
 * complains about what it cannot read, naming the verb, and returns a status.
 */
#ifndef RMTOOL_OPTIONS_H
#define RMTOOL_OPTIONS_H

#include <stdint.h>

#include "rmalloc.h"

/* manual, demand or steady. */
int parse_policy(const char *verb, const char *text, rm_compaction_t *policy);
const char *policy_name(rm_compaction_t policy);

/* safe or none. */
int parse_threads(const char *verb, const char *text, rm_threads_t *threads);
const char *threads_name(rm_threads_t threads);

/* The first N events of a trace only. */
int parse_limit_events(const char *verb, const char *text, uint64_t *limit_events);

/* The one argument that is no option: the trace. */
int parse_trace(const char *verb, int argc, char **argv, const char **path);

#endif
