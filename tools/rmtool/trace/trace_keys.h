/* SPDX-License-Identifier: MIT */
/*
 * The keys of a trace's header that count what is in it: "# events: 115325". One table for
 * those who write them, read them, recompute them.
 */
#ifndef RMTOOL_TRACE_KEYS_H
#define RMTOOL_TRACE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What has been read so far. Sizes are requested bytes. */
struct trace_totals {
    uint64_t events; /* operations, locks and unlocks */
    uint64_t threads;
    uint64_t allocations, reallocations, frees, locks, unlocks;
    uint64_t blocks; /* ever made */
    uint64_t live_blocks, live_bytes;
    uint64_t peak_live_blocks, peak_live_bytes;
    /* The same where a realloc that grows a block has its old and its new copy. */
    uint64_t peak_copies_bytes;
    uint64_t locked_blocks, locked_bytes;
    uint64_t peak_locked_blocks, peak_locked_bytes;
    uint64_t largest; /* size asked for */
};

/* Indices of some. */
enum { TRACE_KEY_EVENTS = 0, TRACE_KEY_LOCKS = 5, TRACE_KEYS = 14 };

struct trace_key {
    const char *name;
    size_t offset; /* in struct trace_totals */
    bool of_locks; /* left out where a trace has no lock events */
};

/* In the order in which they stand in a header. */
extern const struct trace_key trace_keys[TRACE_KEYS];

static inline uint64_t trace_key_value(const struct trace_totals *totals, size_t key) {
    return *(const uint64_t *)(const void *)((const char *)totals +
                                             trace_keys[key].offset);
}

/* What a header says under these keys. */
struct trace_claims {
    uint64_t values[TRACE_KEYS], lines[TRACE_KEYS]; /* lines: 0 where it says nothing */
};

#endif
