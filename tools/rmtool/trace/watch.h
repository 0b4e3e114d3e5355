/* SPDX-License-Identifier: MIT */
/*
 * Looking at a replay while it runs: at regular intervals, about as often as wished,
 * without knowing how long the trace is.
 *
 * An interval is a number of events. Whenever a third more looks than wished have been
 * taken, the interval doubles, and those samples are dropped that it would not have taken:
 *
 *      interval 1   0 1 2 3 4 5 6 7
 *      interval 2   0   2   4   6   8   10 ...
 */
#ifndef RMTOOL_WATCH_H
#define RMTOOL_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rmalloc.h"

/* The replay as it stands between two events. What it counts itself is what the heap's
   own metrics have to agree with. */
struct moment {
    uint64_t events;     /* done so far */
    uint64_t operations; /* those of them that are not locks or unlocks */
    uint64_t allocations, frees;
    uint64_t live_blocks, live_bytes;
    uint64_t locked_blocks, locked_bytes;
    uint64_t compactions; /* calls of rm_heap_compact */
    rm_heap_t *heap;
};

struct watcher {
    /* Takes a sample. Returns: a status; the replay ends unless it is STATUS_OK. */
    int (*look)(void *context, const struct moment *moment);
    /* Drops the samples at events that are no multiple of interval; may be NULL. */
    void (*thin)(void *context, uint64_t interval);
    void *context;
    uint64_t wanted, taken, interval, due;
    uint64_t last; /* event looked at */
};

/*
 * Sets the numbers; the rest is the caller's.
 *  wanted:   how many samples, about; above 0.
 *  expected: events of the trace; 0 where that is not known. A hint.
 */
void watcher_schedule(struct watcher *watcher, uint64_t wanted, uint64_t expected);

/* Looks, if it is due, or `now` and not done at this event. Returns: a status. */
int watcher_look(struct watcher *watcher, const struct moment *moment, bool now);

/* For `thin`: keeps those of n items of `size` bytes whose first member, the uint64_t
   number of the event, is a multiple of interval. Returns how many are left. */
size_t watch_thin_items(void *items, size_t n, size_t size, uint64_t interval);

/* Makes room for one more item in a growing array of n items of `size` bytes. Returns: where
   the items are now; NULL where memory is out, and they stay where they were. */
void *watch_room(void *items, size_t n, size_t *capacity, size_t size);

#endif
