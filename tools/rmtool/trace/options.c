/* SPDX-License-Identifier: MIT */
#include "trace/options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/arguments.h"
#include "base/say.h"

static const char *const policies[] = {
    [RM_COMPACT_ON_DEMAND] = "demand",
    [RM_COMPACT_MANUAL] = "manual",
    [RM_COMPACT_STEADY] = "steady",
};
static const char *const thread_modes[] = {
    [RM_THREADS_SAFE] = "safe",
    [RM_THREADS_NONE] = "none",
};

static bool find_name(const char *const *names, size_t n, const char *text, size_t *at) {
    for (*at = 0; *at < n; ++*at) {
        if (strcmp(names[*at], text) == 0) return true;
    }
    return false;
}

int parse_policy(const char *verb, const char *text, rm_compaction_t *policy) {
    size_t at;

    if (!find_name(policies, sizeof(policies) / sizeof(policies[0]), text, &at))
        return complain_usage(verb, "--compact is manual, demand or steady, not '%s'",
                              text);
    *policy = (rm_compaction_t)at;
    return STATUS_OK;
}

const char *policy_name(rm_compaction_t policy) { return policies[policy]; }

int parse_threads(const char *verb, const char *text, rm_threads_t *threads) {
    size_t at;

    if (!find_name(thread_modes, sizeof(thread_modes) / sizeof(thread_modes[0]), text,
                   &at))
        return complain_usage(verb, "--threads is safe or none, not '%s'", text);
    *threads = (rm_threads_t)at;
    return STATUS_OK;
}

const char *threads_name(rm_threads_t threads) { return thread_modes[threads]; }

int parse_limit_events(const char *verb, const char *text, uint64_t *limit_events) {
    return parse_number(verb, "limit-events", text, 0, UINT64_MAX - 1, limit_events);
}

int parse_trace(const char *verb, int argc, char **argv, const char **path) {
    if (optind == argc) return complain_usage(verb, "which trace? '-' is standard input");
    if (optind + 1 < argc)
        return complain_usage(verb, "one trace only: what is '%s'?", argv[optind + 1]);
    *path = argv[optind];
    return STATUS_OK;
}
