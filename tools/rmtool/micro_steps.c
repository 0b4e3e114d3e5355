/* SPDX-License-Identifier: MIT */
/*
 * How long a step of compaction takes: some 2,000 of at most 64 KiB over each of several
 * traces, in a heap that grows, and gives its empty pages back whenever it is compact.
 * Each trace is replayed once a round. The percentiles are the medians of those of the
 * rounds, so that what disturbs one round does not count; the distribution is that of all
 * rounds together, disturbances included.
 */
#include "micro.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "replay.h"
#include "say.h"

enum { STEPS = 2000, STEP_BYTES = 65536 };

static const char *const usual[] = {
    "synth:redis,scale=0.25",   "synth:churn,scale=0.25",    "synth:fragkill,scale=0.25",
    "synth:browser,scale=0.25", "synth:smallhot,scale=0.25",
};

enum { BINS = 10 }; /* of the distribution, for each tenfold time */

static const struct {
    const char *name;
    double share, goal_us;
} quantiles[] = {
    {"half within", 0.5, 12}, {"99 % within", 0.99, 25}, {"longest", 1, 100}};
enum { N_QUANTILES = sizeof(quantiles) / sizeof(quantiles[0]) };

/* Of one trace, in microseconds. */
struct steps {
    struct histogram all; /* rounds, in nanoseconds */
    double *us[N_QUANTILES];
    unsigned rounds;
};

static struct micro_row *add_detail(struct micro *micro, double value, const char *unit,
                                    const char *what, const char *name) {
    struct micro_row *row = micro_add(micro, value, unit, "%s of %s", what, name);

    if (row) row->detail = true;
    return row;
}

/* From most steps to the last one, ten points for each tenfold rarer event. */
static int add_curve(struct micro *micro, const char *name,
                     const struct histogram *histogram) {
    for (int i = 0; i <= 60; i++) {
        double longer = pow(10, -i / 10.0);
        if (longer * (double)histogram->count < 1) break;
        struct micro_row *row =
            add_detail(micro, (double)histogram_quantile(histogram, 1 - longer) / 1000,
                       "us", "curve", name);
        if (!row) return STATUS_IO;
        micro_x(row, longer, "share longer");
    }
    return STATUS_OK;
}

/* The share of the steps from x to the next bin. */
static int add_distribution(struct micro *micro, const char *name,
                            const struct histogram *histogram) {
    uint64_t below = 0;

    for (int i = 0; below < histogram->count; i++) {
        double from_ns = pow(10, (double)i / BINS), to_ns = pow(10, (i + 1.0) / BINS);
        uint64_t up_to = histogram_at_most(histogram, (uint64_t)to_ns);
        if (up_to > below) {
            struct micro_row *row = add_detail(
                micro, 100 * (double)(up_to - below) / (double)histogram->count, "%",
                "histogram", name);
            if (!row) return STATUS_IO;
            micro_x(row, from_ns / 1000, "us");
        }
        below = up_to;
    }
    return STATUS_OK;
}

static int report(struct micro *micro, const char *name, struct steps *steps) {
    if (!add_detail(micro, (double)steps->all.count / steps->rounds, "a round", "steps",
                    name))
        return STATUS_IO;
    for (size_t i = 0; i < N_QUANTILES; i++) {
        struct micro_row *row =
            micro_add(micro, micro_quantile(steps->us[i], steps->rounds, 0.5), "us",
                      "64 KiB steps of %s, %s", name, quantiles[i].name);
        if (!row) return STATUS_IO;
        micro_at_most(row, quantiles[i].goal_us);
    }
    if (!add_detail(micro, (double)steps->all.largest / 1000, "us",
                    "longest of all rounds", name))
        return STATUS_IO;
    int status = add_curve(micro, name, &steps->all);
    return status ? status : add_distribution(micro, name, &steps->all);
}

static int play_round(struct trace *trace, unsigned round, struct steps *steps,
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
    };
    int status = trace_rewind(trace);

    if (status == STATUS_OK) status = replay_run(trace, &options, result);
    if (status) return status;
    for (size_t i = 0; i < N_QUANTILES; i++) {
        uint64_t ns = quantiles[i].share < 1
                          ? histogram_quantile(&result->step_ns, quantiles[i].share)
                          : result->step_longest_ns;
        steps->us[i][round] = (double)ns / 1000;
    }
    histogram_merge(&steps->all, &result->step_ns);
    return STATUS_OK;
}

static int measure(struct micro *micro, const char *path) {
    struct replay_result *result = calloc(1, sizeof(*result));
    struct steps *steps = calloc(1, sizeof(*steps));
    double *us = calloc(N_QUANTILES * micro->rounds, sizeof(*us));
    struct trace trace = {0};
    int status = result && steps && us
                     ? trace_open(&trace, path, micro->limit_events, true)
                     : complain(STATUS_IO, "no memory for a replay");

    if (status == STATUS_OK) status = trace_scan(&trace);
    if (status == STATUS_OK) {
        steps->rounds = micro->rounds;
        for (size_t i = 0; i < N_QUANTILES; i++) steps->us[i] = us + i * micro->rounds;
    }
    for (unsigned round = 0; round < micro->rounds && status == STATUS_OK; round++)
        status = play_round(&trace, round, steps, result);
    if (status == STATUS_OK)
        status = steps->all.count > 0
                     ? report(micro, trace.name, steps)
                     : micro_skip(micro, path, "no operations, no steps");
    trace_close(&trace);
    free(us);
    free(steps);
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
