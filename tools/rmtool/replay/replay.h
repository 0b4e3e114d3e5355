/* SPDX-License-Identifier: MIT */
/*
 * The engine: replays a trace into a heap, measures, and lets watchers look. Writes no
 * file and no report; complains only about what ends the replay.
 *
 * Events are read in batches, and only the calls into the heap are timed:
 *
 *      read a batch | play a segment | look | play | step | play | ... | read a batch
 *                    ^^^^^^^^^^^^^^         ^^^^          ^^^^
 *
 * A segment ends where a watcher is due.
 */
#ifndef RMTOOL_REPLAY_H
#define RMTOOL_REPLAY_H

#include "replay/blockers.h"
#include "base/clock.h"
#include "replay/contents.h"
#include "base/histogram.h"
#include "rmalloc.h"
#include "trace/trace.h"
#include "trace/watch.h"

/* The calls that a replay makes for a trace's events. */
struct driver {
    rm_status_t (*alloc)(rm_heap_t *heap, rm_memory_t **out, size_t size,
                         size_t alignment, unsigned flags);
    rm_status_t (*resize)(rm_memory_t *handle, ssize_t size);
    rm_status_t (*free)(rm_memory_t *handle);
    rm_status_t (*lock)(rm_memory_t *handle, void **pointer);
    rm_status_t (*unlock)(rm_memory_t *handle);
};

extern const struct driver driver_rmalloc;
/* Does nothing, so that what remains is the cost of replaying: no watchers, steps,
   contents or touching with it. */
extern const struct driver driver_null;

/* A step of compaction, and what it met. */
struct replay_step {
    uint64_t event; /* how many events came before it */
    const rm_progress_t *progress;
    const struct moment *now; /* what is live, and what of it is locked */
    uint64_t held_back; /* bytes, as blockers.h says; UINT64_MAX where nobody looked */
};

struct replay_options {
    const struct driver *driver;
    size_t heap_size; /* of the caller's region; 0: the heap grows */
    rm_threads_t threads;
    rm_compaction_t policy;
    uint64_t step_every; /* operations between two steps; 0: no steps */
    rm_budget_t step;
    bool touch;                /* write to every 64th byte of what is new */
    bool trim;                 /* rm_heap_trim after every complete compaction */
    bool final_compaction;     /* and metrics before and after it */
    bool memory_may_run_out;   /* without a complaint */
    struct contents *contents; /* verify all content; NULL: do not */
    struct blockers *blockers; /* who holds what back; NULL: do not look */
    struct watcher *watchers;
    size_t n_watchers;
    /* Called after every step; may be NULL. */
    void (*on_step)(void *context, const struct replay_step *step);
    void *on_step_context;
};

struct replay_result {
    bool whole; /* the replay has come to its end */
    bool out_of_memory;
    struct moment end;           /* of the trace; its heap is gone */
    struct stopwatch operations; /* all but steps */
    uint64_t reallocations, locks;
    uint64_t reduced_alignments; /* events that asked for more than RM_ALIGNMENT_MAX */
    uint64_t most_locked_blocks, most_locked_bytes;

    /* Steps: the calls of rm_heap_compact before the end of the trace. */
    uint64_t steps, steps_complete, steps_over_budget;
    uint64_t steps_ns, step_longest_ns, step_most_bytes;
    struct histogram step_ns;
    /* What was live and locked when they were made: sums over them, and the most. */
    uint64_t step_live_blocks, step_live_bytes, step_locked_blocks, step_locked_bytes;
    uint64_t step_most_locked_blocks, step_most_locked_bytes;

    /* The end of the trace, and what one complete compaction then makes of it. */
    rm_stats_t before, after;
    rm_progress_t final;
};

/* No heap uses more. */
#define REGION_MAX (UINT64_C(16) << 30)

/* More than a step's budget in bytes that a step may move. */
#define STEP_SLACK ((size_t)64 << 10)

/*
 * Replays a trace from where it stands to its end, in a heap made for it.
 *  result: receives what was measured; meaningful as far as the replay has come.
 * Returns: a status: STATUS_FOUND where memory ran out, a call failed, a step moved more
 *        than its budget allows, or a verification failed.
 */
int replay_run(struct trace *trace, const struct replay_options *options,
               struct replay_result *result);

#endif
