/* SPDX-License-Identifier: MIT */
#include "trace/trace_keys.h"

#define KEY(name, member)                                                                \
    { name, offsetof(struct trace_totals, member), false }
#define LOCK_KEY(name, member)                                                           \
    { name, offsetof(struct trace_totals, member), true }

const struct trace_key trace_keys[TRACE_KEYS] = {
    KEY("events", events),
    KEY("threads", threads),
    KEY("allocs", allocations),
    KEY("reallocs", reallocations),
    KEY("frees", frees),
    LOCK_KEY("locks", locks),
    LOCK_KEY("unlocks", unlocks),
    LOCK_KEY("max-locked-blocks", peak_locked_blocks),
    LOCK_KEY("max-locked-bytes", peak_locked_bytes),
    KEY("peak-live-bytes", peak_live_bytes),
    KEY("peak-live-blocks", peak_live_blocks),
    KEY("end-live-bytes", live_bytes),
    KEY("end-live-blocks", live_blocks),
    KEY("max-size", largest),
};
