/* SPDX-License-Identifier: MIT */
/*
 * A comparison: traces by allocators, and what was measured of each pair. Here it is run;
 * tables and files are made of it elsewhere.
 */
#ifndef RMTOOL_COMPARE_H
#define RMTOOL_COMPARE_H

#include "compare/entrants.h"
#include "compare/reel.h"
#include "compare/worker.h"

#define COMPARE_RUNS_MAX 101
#define COMPARE_FLOOR 0 /* the entrant that is the replay alone */

/* What to measure. */
enum {
    MEASURE_TIME = 1,
    MEASURE_FOOTPRINT = 2,
    MEASURE_LEFT = 4,
    MEASURE_SMALLEST = 8,
    MEASURE_LARGEST = 16,
    MEASURE_SMALL_PAGES = 32,
    MEASURE_ALL = 63
};

struct compare_options {
    uint64_t limit_events, runs, samples, seed;
    unsigned measures;
    bool no_huge_pages, quiet;
    bool scores; /* of every trace, beside those of all */
};

struct spread {
    double median, least, most;
};

/* The runs of one pair, per operation; the floor is not taken off but in net_ns. */
struct timing {
    double *cpu_ns, *wall_ns; /* of each run */
    struct spread cpu, wall;
    double net_ns; /* median CPU less the floor's */
};

/* Which pages the allocators may take. */
enum {
    PAGES_GIVEN, /* those that the system, or an option, allows */
    PAGES_SMALL, /* no huge ones */
    N_PAGES
};

/* One allocator on one trace. Numbers are NAN, and arrays NULL, where there are none: not
   measured, or failed. Arrays have a number for each mark of the reel. */
struct outcome {
    char reason[ENTRANT_NOTE]; /* why a measurement failed */
    struct timing time[N_PAGES];
    double *interval_ns;  /* wall, per operation since the mark before; medians */
    double *footprint;    /* bytes */
    double at_peak;       /* bytes at the peak of live bytes */
    double peak, mean;    /* footprint over live bytes */
    struct job_left left; /* where left_over_live is a number */
    double left_over_live;
    double smallest; /* bytes; over the peak of live bytes: */
    double smallest_over_live;
    double *largest; /* bytes; their mean over the limit: */
    double largest_share;
};

struct compare_trace {
    const char *path;
    char name[64];
    struct reel reel;
    struct reel_mark *marks;
    uint64_t largest_limit;   /* the heap in which the largest request is looked for */
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

#endif
