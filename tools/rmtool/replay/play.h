/* SPDX-License-Identifier: MIT */
/*
 * The inside of a replay: single events, what they change in the counts, and the steps of
 * compaction between them. Private to replay.c, which reads the trace and cuts it into
 * segments.
 */
#ifndef RMTOOL_PLAY_H
#define RMTOOL_PLAY_H

#include "replay/replay.h"

#define BATCH_EVENTS 1024

struct player {
    const struct replay_options *options;
    const struct driver *driver;
    struct trace *trace;
    struct replay_result *result;
    struct moment now;
    struct stopwatch watch;
    uint64_t step_due;     /* in operations */
    bool writes;           /* to new blocks by itself: the trace does not lock them */
    rm_memory_t **handles; /* by block; NULL once freed */
    size_t capacity;
    void *region;
    const struct trace_event *segment; /* being played; counted up to now.events */
    uint64_t segment_base;             /* the number of its first event */
    struct trace_event batch[BATCH_EVENTS];
};

/*
 * Plays n events, timed, and counts them.
 *  done: receives how many of them succeeded.
 * Returns: a status, as replay_run does.
 */
int play_segment(struct player *player, const struct trace_event *events, size_t n,
                 size_t *done);

#endif
