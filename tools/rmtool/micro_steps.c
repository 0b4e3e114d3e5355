/* SPDX-License-Identifier: MIT */
/*
 * How long a step of compaction takes: some 2,000 of at most 64 KiB over each of several
 * traces, in a heap that grows, and gives its empty pages back whenever it is compact.
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

static const struct {
    const char *name;
    double share, goal_us;
} quantiles[] = {
    {"half within", 0.5, 12}, {"99 % within", 0.99, 25}, {"longest", 1, 100}};

/* From most steps to the last one, ten points for each tenfold rarer event. */
static int add_curve(struct micro *micro, const char *name,
                     const struct histogram *histogram) {
    for (int i = 0; i <= 50; i++) {
        double longer = pow(10, -i / 10.0);
        if (longer * (double)histogram->count < 1) break;
        struct micro_row *row =
            micro_add(micro, (double)histogram_quantile(histogram, 1 - longer) / 1000,
                      "us", "curve of %s", name);
        if (!row) return STATUS_IO;
        micro_x(row, longer, "share longer");
        row->detail = true;
    }
    return STATUS_OK;
}

static int report(struct micro *micro, const char *name,
                  const struct replay_result *result) {
    const struct histogram *histogram = &result->step_ns;

    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        uint64_t ns = quantiles[i].share < 1
                          ? histogram_quantile(histogram, quantiles[i].share)
                          : result->step_longest_ns;
        struct micro_row *row =
            micro_add(micro, (double)ns / 1000, "us", "64 KiB steps of %s, %s", name,
                      quantiles[i].name);
        if (!row) return STATUS_IO;
        micro_at_most(row, quantiles[i].goal_us);
    }
    return add_curve(micro, name, histogram);
}

static int measure(struct micro *micro, const char *path) {
    struct replay_result *result = calloc(1, sizeof(*result));
    struct replay_options options = {
        .driver = &driver_rmalloc,
        .threads = RM_THREADS_NONE,
        .policy = RM_COMPACT_MANUAL,
        .step = {.bytes = STEP_BYTES},
        .touch = true,
        .trim = true,
    };
    struct trace trace;
    int status;

    if (!result) return complain(STATUS_IO, "no memory for a replay");
    status = trace_open(&trace, path, UINT64_MAX, true);
    if (status == STATUS_OK) status = trace_scan(&trace);
    if (status == STATUS_OK) {
        const struct trace_totals *totals = &trace.totals;
        uint64_t operations = totals->allocations + totals->reallocations + totals->frees;
        options.step_every = operations / STEPS + 1;
        status = trace_rewind(&trace);
    }
    if (status == STATUS_OK) status = replay_run(&trace, &options, result);
    if (status == STATUS_OK && result->steps > 0)
        status = report(micro, trace.name, result);
    trace_close(&trace);
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
