/* SPDX-License-Identifier: MIT */
/*
 * How long a step of compaction takes: some 2,000 of at most 64 KiB over each of several
 * traces, in a heap that grows, and gives its empty pages back whenever it is compact.
 *
 * Each trace is replayed once a round, and every replay takes the same steps. The clock is
 * that on the wall: a step may wait for a processor that has other things to do, for some
 * milliseconds, in one round but hardly in most. So a step's time is the median of the
 * rounds; the longest of any round is reported beside.
 */
#include "micro/micro.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "replay/replay.h"
#include "base/say.h"

enum { STEPS = 2000, STEP_BYTES = 65536 };

static const char *const usual[] = {
    "synth:redis,scale=0.25",   "synth:churn,scale=0.25",    "synth:fragkill,scale=0.25",
    "synth:browser,scale=0.25", "synth:smallhot,scale=0.25",
};

enum { BINS = 10 };   /* of the histogram, for each tenfold time */
#define LEAST_US 1e-3 /* what is shorter goes to the first one */

static const struct {
    const char *name;
    double share, goal_us;
} quantiles[] = {
    {"half within", 0.5, 12}, {"99 % within", 0.99, 25}, {"longest", 1, 100}};

/* Of one trace, in microseconds. */
struct steps {
    double *times; /* by step, then by round; after the last round the medians by step */
    size_t n;      /* steps */
    unsigned rounds, round;
    double longest; /* in any round */
};

static struct micro_row *add_detail(struct micro *micro, double value, const char *unit,
                                    const char *what, const char *name) {
    struct micro_row *row = micro_add(micro, value, unit, "%s of %s", what, name);

    if (row) row->detail = true;
    return row;
}

/* From most steps to the last one, ten points for each tenfold rarer event. */
static int add_curve(struct micro *micro, const char *name, const struct steps *steps) {
    for (int i = 0;; i++) {
        double longer = pow(10, -i / 10.0);
        if (longer * (double)steps->n < 1) return STATUS_OK;
        struct micro_row *row =
            add_detail(micro, micro_quantile(steps->times, steps->n, 1 - longer), "us",
                       "curve", name);
        if (!row) return STATUS_IO;
        micro_x(row, longer, "share longer");
    }
}

/* The share of the steps from x to the next bin. */
static int add_histogram(struct micro *micro, const char *name,
                         const struct steps *steps) {
    size_t begin = 0, end;

    micro_quantile(steps->times, steps->n, 1); /* sorts them */
    for (; begin < steps->n; begin = end) {
        double bin = floor(BINS * log10(fmax(steps->times[begin], LEAST_US)));
        double limit = pow(10, (bin + 1) / BINS);
        for (end = begin + 1; end < steps->n && steps->times[end] < limit;) end++;
        struct micro_row *row =
            add_detail(micro, 100 * (double)(end - begin) / (double)steps->n, "%",
                       "histogram", name);
        if (!row) return STATUS_IO;
        micro_x(row, pow(10, bin / BINS), "us");
    }
    return STATUS_OK;
}

static int report(struct micro *micro, const char *name, struct steps *steps) {
    if (!add_detail(micro, (double)steps->n, "", "number of steps", name))
        return STATUS_IO;
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        struct micro_row *row =
            micro_add(micro, micro_quantile(steps->times, steps->n, quantiles[i].share),
                      "us", "64 KiB steps of %s, %s", name, quantiles[i].name);
        if (!row) return STATUS_IO;
        micro_at_most(row, quantiles[i].goal_us);
    }
    if (!micro_add(micro, steps->longest, "us",
                   "64 KiB steps of %s, longest of any round", name))
        return STATUS_IO;
    int status = add_curve(micro, name, steps);
    return status ? status : add_histogram(micro, name, steps);
}

/* ------------------------------------------------------------------- replaying */

static void note_step(void *context, const struct replay_step *step) {
    struct steps *steps = context;
    double us = (double)step->progress->nanoseconds / 1000;

    if (steps->n < STEPS) steps->times[steps->n * steps->rounds + steps->round] = us;
    if (us > steps->longest) steps->longest = us;
    steps->n++;
}

static int play_round(struct trace *trace, struct steps *steps,
                      struct replay_result *result) {
    const struct trace_totals *totals = &trace->totals; /* of the whole trace, still */
    struct replay_options options = {
        .driver = &driver_rmalloc,
        .threads = RM_THREADS_NONE,
        .policy = RM_COMPACT_MANUAL,
        .step_every =
            (totals->allocations + totals->reallocations + totals->frees) / STEPS + 1,
        .step = {.bytes = STEP_BYTES},
        .touch = true,
        .trim = true,
        .on_step = note_step,
        .on_step_context = steps,
    };
    size_t n = steps->n;
    int status = trace_rewind(trace);

    steps->n = 0;
    if (status == STATUS_OK) status = replay_run(trace, &options, result);
    if (status == STATUS_OK && (steps->n > STEPS || (steps->round > 0 && steps->n != n)))
        status = complain(STATUS_FOUND, "%s: %zu steps in one replay, %zu in the next",
                          trace->path, n, steps->n);
    return status;
}

static int measure(struct micro *micro, const char *path) {
    struct replay_result *result = calloc(1, sizeof(*result));
    struct steps steps = {.rounds = micro->rounds};
    struct trace trace = {0};
    int status;

    steps.times = calloc((size_t)STEPS * steps.rounds, sizeof(*steps.times));
    status = result && steps.times ? trace_open(&trace, path, micro->limit_events, true)
                                   : complain(STATUS_IO, "no memory for a replay");
    if (status == STATUS_OK) status = trace_scan(&trace);
    for (; steps.round < steps.rounds && status == STATUS_OK; steps.round++)
        status = play_round(&trace, &steps, result);
    for (size_t i = 0; i < steps.n && status == STATUS_OK; i++)
        steps.times[i] =
            micro_quantile(&steps.times[i * steps.rounds], steps.rounds, 0.5);
    if (status == STATUS_OK)
        status = steps.n > 0 ? report(micro, trace.name, &steps)
                             : micro_skip(micro, path, "no operations, no steps");
    trace_close(&trace);
    free(steps.times);
    free(result);
    return status;
}

int micro_steps(struct micro *micro) {
    bool given = micro->n_traces > 0;
    const char *const *traces = given ? micro->traces : usual;
    size_t n = given ? micro->n_traces : sizeof(usual) / sizeof(usual[0]);
    int status = STATUS_OK;

    for (size_t i = 0; i < n && status == STATUS_OK; i++)
        status = measure(micro, traces[i]);
    return status;
}
