/* SPDX-License-Identifier: MIT */
/*
 * Values of options that several verbs take. Each parser complains about what it cannot
 * read, naming the verb, and returns a status.
 */
#ifndef RMTOOL_ARGUMENTS_H
#define RMTOOL_ARGUMENTS_H

#include <stdint.h>

#include "rmalloc.h"

/* manual, demand or steady. */
int parse_policy(const char *verb, const char *text, rm_compaction_t *policy);
const char *policy_name(rm_compaction_t policy);

/* safe or none. */
int parse_threads(const char *verb, const char *text, rm_threads_t *threads);
const char *threads_name(rm_threads_t threads);

/* A number from least to most. */
int parse_number(const char *verb, const char *option, const char *text, uint64_t least,
                 uint64_t most, uint64_t *number);

/* What is wrong where getopt_long returned `result`, '?' or ':'. Returns STATUS_USAGE. */
int complain_option(const char *verb, int result, char **argv);

/* The one argument that is no option: the trace. */
int parse_trace(const char *verb, int argc, char **argv, const char **path);

#endif
