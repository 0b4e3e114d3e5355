/* SPDX-License-Identifier: MIT */
/*
 * A comparison: traces by allocators, and what was measured of each pair. Here it is run;
 * tables and files are made of it elsewhere.
 */
#ifndef RMTOOL_COMPARE_H
#define RMTOOL_COMPARE_H

#include "entrants.h"
#include "reel.h"
#include "worker.h"

#define COMPARE_RUNS_MAX 101

struct compare_options {
    uint64_t limit_events, runs, samples;
    bool no_huge_pages, quiet;
};

/* Of the runs of one pair. */
struct spread {
    double median, least, most;
};

/* One allocator on one trace. */
struct outcome {
    bool timed, weighed;       /* whether there is something to see: */
    char reason[ENTRANT_NOTE]; /* why not */
    double cpu_ns[COMPARE_RUNS_MAX], wall_ns[COMPARE_RUNS_MAX]; /* per operation */
    struct spread cpu, wall; /* the floor not yet taken off */
    double net_ns;           /* median CPU less the floor's */
    double peak, mean;       /* footprint over live bytes */
    int64_t *footprint;      /* at each mark */
    int64_t at_peak;
};

struct compare_trace {
    const char *path;
    char name[64];
    struct reel reel;
    struct reel_mark *marks;
    struct outcome *outcomes; /* by entrant */
};

struct compare {
    struct compare_options options;
    struct entrants entrants;
    struct compare_trace *traces;
    size_t n_traces;
};

/*
 * Runs all of it; the entrants have been looked for.
 * Returns: a status: STATUS_FOUND where an allocator did not complete a trace.
 */
int compare_run(struct compare *compare, char *const paths[], size_t n);

void compare_finish(struct compare *compare);

/* The outcome of an allocator by its name; NULL where it was not there. */
const struct outcome *compare_outcome(const struct compare *compare, size_t trace,
                                      const char *entrant);

/* The tables for people. */
void compare_print(const struct compare *compare);

#endif
