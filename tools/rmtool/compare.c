/* SPDX-License-Identifier: MIT */
/*
 * Runs are interleaved: the first of every allocator, then the second of every one, so that
 * a machine that slows down slows all of them.
 */
#include "compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "say.h"

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct spread spread_of(const double *values, size_t n) {
    double sorted[COMPARE_RUNS_MAX];

    memcpy(sorted, values, n * sizeof(*values));
    qsort(sorted, n, sizeof(*sorted), by_value);
    return (struct spread){
        .median = (sorted[n / 2] + sorted[(n - 1) / 2]) / 2,
        .least = sorted[0],
        .most = sorted[n - 1],
    };
}

static int run_job(const struct compare *compare, enum job_kind kind, size_t entrant,
                   int reel, struct job *job) {
    *job = (struct job){
        .kind = kind,
        .entrant = compare->entrants.list[entrant],
        .no_huge_pages = compare->options.no_huge_pages,
    };
    return worker_run(job, reel);
}

static void note_failure(struct outcome *outcome, const struct job *job) {
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", job->reason);
}

/* ------------------------------------------------------------------------ time */

static int time_all(struct compare *compare, struct compare_trace *trace, int reel,
                    struct job *job) {
    const struct entrants *entrants = &compare->entrants;
    double operations = trace->reel.operations ? (double)trace->reel.operations : 1;
    uint64_t runs = compare->options.runs;

    for (size_t i = 0; i < entrants->n; i++)
        trace->outcomes[i].timed = entrants->list[i].present && runs > 0;
    for (uint64_t run = 0; run < runs; run++) {
        for (size_t i = 0; i < entrants->n; i++) {
            struct outcome *outcome = &trace->outcomes[i];
            if (!outcome->timed) continue;
            int status = run_job(compare, JOB_TIME, i, reel, job);
            if (status) return status;
            outcome->timed = job->state == JOB_DONE;
            if (!outcome->timed) note_failure(outcome, job);
            outcome->cpu_ns[run] = (double)job->cpu_ns / operations;
            outcome->wall_ns[run] = (double)job->wall_ns / operations;
            progress_update(run * entrants->n + i, (runs + 1) * entrants->n);
        }
    }
    for (size_t i = 0; i < entrants->n; i++) {
        struct outcome *outcome = &trace->outcomes[i];
        if (!outcome->timed) continue;
        outcome->cpu = spread_of(outcome->cpu_ns, runs);
        outcome->wall = spread_of(outcome->wall_ns, runs);
        outcome->net_ns = outcome->cpu.median - trace->outcomes[0].cpu.median;
    }
    return STATUS_OK;
}

/* ------------------------------------------------------------------- footprint */

static void weigh(const struct compare_trace *trace, struct outcome *outcome,
                  const struct job *job) {
    double bytes = 0, live = 0, most = (double)job->at_peak;

    for (size_t i = 0; i < trace->reel.n_marks; i++) {
        bytes += (double)job->footprint[i];
        live += (double)trace->marks[i].live_bytes;
        if ((double)job->footprint[i] > most) most = (double)job->footprint[i];
    }
    outcome->mean = live > 0 ? bytes / live : 0;
    outcome->peak =
        trace->reel.peak_live_bytes > 0 ? most / (double)trace->reel.peak_live_bytes : 0;
    outcome->at_peak = job->at_peak;
}

static int weigh_all(struct compare *compare, struct compare_trace *trace, int reel,
                     struct job *job) {
    const struct entrants *entrants = &compare->entrants;
    size_t bytes = trace->reel.n_marks * sizeof(*trace->outcomes->footprint);

    for (size_t i = 1; i < entrants->n; i++) {
        struct outcome *outcome = &trace->outcomes[i];
        if (!entrants->list[i].present || compare->options.samples == 0) continue;
        int status = run_job(compare, JOB_FOOTPRINT, i, reel, job);
        if (status) return status;
        outcome->weighed = job->state == JOB_DONE;
        if (!outcome->weighed) {
            note_failure(outcome, job);
            continue;
        }
        outcome->footprint = malloc(bytes);
        if (!outcome->footprint) return complain(STATUS_IO, "no memory for samples");
        memcpy(outcome->footprint, job->footprint, bytes);
        weigh(trace, outcome, job);
    }
    return STATUS_OK;
}

/* ---------------------------------------------------------------------- traces */

static int read_trace(struct compare *compare, struct compare_trace *trace, int *reel) {
    const struct compare_options *options = &compare->options;
    struct trace events;
    int status = trace_open(&events, trace->path, options->limit_events, false);
    const struct reel *whole;

    *reel = -1;
    if (status == STATUS_OK)
        status = reel_make(&events, options->samples > 0 ? options->samples : 1, reel,
                           &trace->reel);
    memcpy(trace->name, events.name, sizeof(trace->name));
    trace_close(&events);
    if (status) return status;

    trace->marks = calloc(trace->reel.n_marks, sizeof(*trace->marks));
    trace->outcomes = calloc(compare->entrants.n, sizeof(*trace->outcomes));
    whole = reel_map(*reel);
    if (!trace->marks || !trace->outcomes || !whole)
        return complain(STATUS_IO, "%s: no memory to compare on it", trace->path);
    memcpy(trace->marks, reel_marks(whole), trace->reel.n_marks * sizeof(*trace->marks));
    munmap((void *)whole, trace->reel.bytes);
    return STATUS_OK;
}

static int run_trace(struct compare *compare, struct compare_trace *trace) {
    struct job *job = malloc(sizeof(*job));
    int reel = -1, status = STATUS_OK;

    if (!job) return complain(STATUS_IO, "no memory to measure");
    progress_begin(trace->path, !compare->options.quiet);
    status = read_trace(compare, trace, &reel);
    if (status == STATUS_OK) status = time_all(compare, trace, reel, job);
    if (status == STATUS_OK) status = weigh_all(compare, trace, reel, job);
    progress_end();
    if (reel >= 0) close(reel);
    free(job);
    return status;
}

int compare_run(struct compare *compare, char *const paths[], size_t n) {
    int status = STATUS_OK;

    compare->traces = calloc(n, sizeof(*compare->traces));
    if (!compare->traces) return complain(STATUS_IO, "no memory to compare");
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        struct compare_trace *trace = &compare->traces[compare->n_traces++];
        trace->path = paths[i];
        status = run_trace(compare, trace);
    }
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        for (size_t j = 0; j < compare->entrants.n && status == STATUS_OK; j++)
            if (compare->traces[i].outcomes[j].reason[0]) status = STATUS_FOUND;
    }
    return status;
}

void compare_finish(struct compare *compare) {
    for (size_t i = 0; i < compare->n_traces; i++) {
        struct compare_trace *trace = &compare->traces[i];
        for (size_t j = 0; trace->outcomes && j < compare->entrants.n; j++)
            free(trace->outcomes[j].footprint);
        free(trace->outcomes);
        free(trace->marks);
    }
    free(compare->traces);
    compare->traces = NULL;
}

const struct outcome *compare_outcome(const struct compare *compare, size_t trace,
                                      const char *entrant) {
    for (size_t i = 0; i < compare->entrants.n; i++) {
        if (strcmp(compare->entrants.list[i].name, entrant) == 0)
            return compare->entrants.list[i].present ? &compare->traces[trace].outcomes[i]
                                                     : NULL;
    }
    return NULL;
}
