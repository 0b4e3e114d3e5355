/* SPDX-License-Identifier: MIT */
#include "locks/lockcost.h"

#include "base/bisect.h"
#include "replay/blockers.h"
#include "replay/replay.h"
#include "base/say.h"
#include "base/units.h"

#define SAMPLES 4000
#define STEPS 400 /* at least, where there are so many operations */
#define STEP_EVERY_MOST 1000
#define STEP_BYTES ((size_t)64 << 10)
#define RESOLUTION_SHARE 1024 /* of the peak: 0.1 % */
#define RESOLUTION_LEAST 16

/* ------------------------------------------------------------------------- steps */

/* Sums along the trace, where an allocation, a reallocation and a free take one unit of time
   and a lock event takes none: models that lock more often have to be measured at the same
   moments. */
struct course {
    uint64_t operations; /* so far */
    double time, extent, live, fragmentation;
};

static int course_look(void *context, const struct moment *moment) {
    struct course *course = context;
    double time = (double)(moment->operations - course->operations);
    rm_stats_t stats;
    rm_status_t status = rm_heap_stats_quick(moment->heap, &stats);

    if (status != RM_OK)
        return complain(STATUS_FOUND, "rm_heap_stats_quick: %s", rm_strerror(status));
    course->operations = moment->operations;
    course->time += time;
    course->extent += time * (double)(stats.extent + stats.metadata);
    course->live += time * (double)moment->live_bytes;
    if (stats.free > 0)
        course->fragmentation +=
            time * (1 - (double)stats.largest_free / (double)stats.free);
    return STATUS_OK;
}

/* ran_out: the region does not suffice; then there is no complaint, and nothing in cost. */
static int measure_steps(struct trace *trace, uint64_t operations, uint64_t region,
                         struct lockcost *cost, bool *ran_out) {
    struct course course = {0};
    struct watcher watcher = {.look = course_look, .context = &course};
    struct blockers blockers;
    struct replay_options options = {
        .driver = &driver_rmalloc,
        .blockers = &blockers,
        .touch = true,
        .heap_size = region,
        .memory_may_run_out = region < REGION_MAX,
        .step = {.bytes = STEP_BYTES},
        .watchers = &watcher,
        .n_watchers = 1,
        .final_compaction = true, /* for the figures at the end of the trace */
    };
    struct replay_result result = {0};
    int status;

    blockers_init(&blockers);
    options.step_every = operations / STEPS;
    if (options.step_every < 1) options.step_every = 1;
    if (options.step_every > STEP_EVERY_MOST) options.step_every = STEP_EVERY_MOST;
    watcher_schedule(&watcher, SAMPLES, trace_expected_events(trace));
    status = replay_run(trace, &options, &result);
    *ran_out = result.out_of_memory && options.memory_may_run_out;
    if (status == STATUS_OK) {
        cost->footprint = ratio_of(course.extent, course.live);
        cost->fragmentation = ratio_of(course.fragmentation, course.time);
        cost->locked_blocks =
            ratio_of(result.step_locked_blocks, result.step_live_blocks);
        cost->locked_bytes = ratio_of(result.step_locked_bytes, result.step_live_bytes);
        cost->held_back = ratio_of(blockers.held, blockers.complete);
        cost->most_held_back = blockers.most;
        cost->region = region;
        cost->steps = result.steps;
        cost->step_every = options.step_every;
        cost->moved = result.before.moved;
        cost->regained = result.before.regained;
    }
    blockers_finish(&blockers);
    return *ran_out ? STATUS_OK : status;
}

/* In half as much again as is live at most; in twice that where blocks are so small, or
   locks so in the way, that it does not suffice, and so on. */
static int measure_in_steps(struct trace *trace, uint64_t operations, uint64_t peak,
                            struct lockcost *cost) {
    uint64_t region = peak + peak / 2 + (UINT64_C(64) << 10);
    bool ran_out = true;
    int status = STATUS_OK;

    while (ran_out && status == STATUS_OK) {
        status = trace_rewind(trace);
        if (region > REGION_MAX) region = REGION_MAX;
        if (status == STATUS_OK)
            status = measure_steps(trace, operations, region, cost, &ran_out);
        region *= 2;
    }
    return status;
}

/* -------------------------------------------------------------- the smallest region */

struct search {
    struct trace *trace;
    struct replay_options options;
};

static int try_size(void *context, uint64_t size, bool *good) {
    struct search *search = context;
    struct replay_result result;
    int status = trace_rewind(search->trace);

    if (status) return status;
    search->options.heap_size = size;
    status = replay_run(search->trace, &search->options, &result);
    *good = status == STATUS_OK;
    return result.out_of_memory ? STATUS_OK : status;
}

static int measure_smallest(struct trace *trace, uint64_t peak, struct lockcost *cost) {
    struct search search = {
        .trace = trace,
        .options = {.driver = &driver_rmalloc, .memory_may_run_out = true},
    };
    struct bisection sizes = {.fails = peak, .most = REGION_MAX};
    int status;

    sizes.resolution = peak / RESOLUTION_SHARE / RESOLUTION_LEAST * RESOLUTION_LEAST;
    if (sizes.resolution < RESOLUTION_LEAST) sizes.resolution = RESOLUTION_LEAST;
    status = bisect(&sizes, peak + peak / 4 + (UINT64_C(64) << 10), try_size, &search);
    cost->smallest = sizes.suffices;
    cost->smallest_over_live = ratio_of(sizes.suffices, peak);
    return status;
}

int lockcost_measure(const char *path, struct lockcost *cost) {
    struct trace trace;
    uint64_t operations = 0, peak = 0;
    int status = trace_open(&trace, path, UINT64_MAX, true);

    *cost = (struct lockcost){0};
    if (status == STATUS_OK) status = trace_scan(&trace);
    if (status == STATUS_OK) {
        const struct trace_totals *t = &trace.totals;
        operations = t->allocations + t->reallocations + t->frees;
        peak = t->peak_live_bytes;
        status = measure_in_steps(&trace, operations, peak, cost);
    }
    if (status == STATUS_OK) status = measure_smallest(&trace, peak, cost);
    cost->known = status == STATUS_OK;
    trace_close(&trace);
    return status;
}
