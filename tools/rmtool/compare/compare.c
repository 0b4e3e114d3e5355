/* SPDX-License-Identifier: MIT */
/*
 * Runs are interleaved: the first of every allocator, then the second of every one, so that
 * a machine that slows down slows all of them.
 */
#include "compare/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bisect.h"
#include "base/say.h"

/* How close the smallest heap is looked for, as a share of the peak of live bytes: heaps
   with handles have to be exact, mappings come in pages and more. */
#define HANDLES_SHARE 2048
#define MALLOC_SHARE 128
/* A heap that is all but full may compact at every turn. It suffices where the trace takes
   no more than so many times what it takes without a limit, or so many seconds. */
#define PATIENCE_TIMES 10
#define PATIENCE_SECONDS 2
#define REGION_MAX (UINT64_C(16) << 30)
#define MAPPINGS_MORE (UINT64_C(512) << 20) /* the most a malloc is given beyond... */
#define MAPPINGS_TIMES 8                    /* so many times the peak */

/* One trace while it is measured. */
struct measuring {
    struct compare *compare;
    struct compare_trace *trace;
    int reel;
    struct job *job;   /* the last one */
    size_t entrant;    /* for the bisection */
    int pages;         /* for the time */
    uint64_t patience; /* seconds that a limited run may take */
    uint64_t done, steps;
};

static int run_job(struct measuring *m, enum job_kind kind, size_t entrant,
                   uint64_t limit, uint64_t seconds) {
    const struct compare_options *options = &m->compare->options;
    int status;

    *m->job = (struct job){
        .kind = kind,
        .entrant = m->compare->entrants.list[entrant],
        .no_huge_pages = options->no_huge_pages || m->pages == PAGES_SMALL,
        .seed = options->seed,
        .limit = limit,
        .seconds = seconds,
    };
    status = worker_run(m->job, m->reel);
    progress_update(++m->done, m->steps);
    return status;
}

/* A job for an entrant that is there; what it failed by is noted. */
static int run_noting(struct measuring *m, enum job_kind kind, size_t entrant,
                      uint64_t limit, bool *good) {
    struct outcome *outcome = &m->trace->outcomes[entrant];
    int status = run_job(m, kind, entrant, limit, 0);

    *good = status == STATUS_OK && m->job->state == JOB_DONE;
    if (status == STATUS_OK && !*good)
        snprintf(outcome->reason, sizeof(outcome->reason), "%s", m->job->reason);
    return status;
}

static double *numbers(size_t n) {
    double *array = calloc(n > 0 ? n : 1, sizeof(*array));

    if (!array) complain(STATUS_IO, "no memory for measurements");
    return array;
}

/* The job's numbers at the marks. */
static double *numbers_at_marks(const struct measuring *m) {
    double *array = numbers(m->trace->reel.n_marks);

    for (size_t i = 0; array && i < m->trace->reel.n_marks; i++)
        array[i] = (double)m->job->at_mark[i];
    return array;
}

static double over(double part, double whole) { return whole > 0 ? part / whole : NAN; }

/* ------------------------------------------------------------------------ time */

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

/* What happened between the marks: medians of the runs. */
static void time_intervals(struct measuring *m, struct outcome *outcome,
                           const double *intervals) {
    uint64_t runs = m->compare->options.runs, n_marks = m->trace->reel.n_marks;

    for (size_t i = 1; i < n_marks; i++) {
        const struct reel_mark *mark = &m->trace->marks[i];
        double values[COMPARE_RUNS_MAX];
        for (size_t run = 0; run < runs; run++)
            values[run] = intervals[run * n_marks + i];
        outcome->interval_ns[i] = over(spread_of(values, runs).median,
                                       (double)(mark->operations - mark[-1].operations));
    }
}

/* One run of one allocator. */
static int time_run(struct measuring *m, size_t entrant, size_t run, double *intervals) {
    struct timing *timing = &m->trace->outcomes[entrant].time[m->pages];
    double operations = (double)m->trace->reel.operations;
    bool good;
    int status = run_noting(m, JOB_TIME, entrant, 0, &good);

    timing->cpu_ns[run] = over((double)m->job->cpu_ns, operations);
    timing->wall_ns[run] = over((double)m->job->wall_ns, operations);
    for (size_t i = 0; i < m->trace->reel.n_marks; i++)
        intervals[run * m->trace->reel.n_marks + i] = (double)m->job->at_mark[i];
    return status;
}

static bool make_room(struct measuring *m, size_t entrant, double **intervals) {
    struct outcome *outcome = &m->trace->outcomes[entrant];
    struct timing *timing = &outcome->time[m->pages];
    size_t runs = m->compare->options.runs, n_marks = m->trace->reel.n_marks;

    timing->cpu_ns = numbers(runs);
    timing->wall_ns = numbers(runs);
    *intervals = numbers(runs * n_marks);
    if (m->pages == PAGES_GIVEN) outcome->interval_ns = numbers(n_marks);
    return timing->cpu_ns && timing->wall_ns && *intervals &&
           (m->pages != PAGES_GIVEN || outcome->interval_ns);
}

static int time_all(struct measuring *m) {
    size_t n = m->compare->entrants.n, runs = m->compare->options.runs;
    double *intervals[ENTRANTS_MAX] = {NULL};
    int status = STATUS_OK;

    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        if (!m->compare->entrants.list[i].present) continue;
        if (!make_room(m, i, &intervals[i])) status = STATUS_IO;
    }
    for (size_t j = 0; j < runs * n && status == STATUS_OK; j++) {
        if (intervals[j % n] && !m->trace->outcomes[j % n].reason[0])
            status = time_run(m, j % n, j / n, intervals[j % n]);
    }
    for (size_t i = 0; i < n; i++) {
        struct outcome *outcome = &m->trace->outcomes[i];
        struct timing *timing = &outcome->time[m->pages];
        if (status == STATUS_OK && intervals[i] && !outcome->reason[0]) {
            timing->cpu = spread_of(timing->cpu_ns, runs);
            timing->wall = spread_of(timing->wall_ns, runs);
            timing->net_ns = timing->cpu.median -
                             m->trace->outcomes[COMPARE_FLOOR].time[m->pages].cpu.median;
            if (m->pages == PAGES_GIVEN) time_intervals(m, outcome, intervals[i]);
        }
        free(intervals[i]);
    }
    return status;
}

/* ---------------------------------------------------------------------- memory */

static int weigh(struct measuring *m, size_t entrant) {
    struct outcome *outcome = &m->trace->outcomes[entrant];
    double bytes = 0, live = 0, most;
    bool good;
    int status = run_noting(m, JOB_FOOTPRINT, entrant, 0, &good);

    if (!good) return status;
    outcome->footprint = numbers_at_marks(m);
    if (!outcome->footprint) return STATUS_IO;
    most = outcome->at_peak = (double)m->job->at_peak;
    for (size_t i = 0; i < m->trace->reel.n_marks; i++) {
        bytes += outcome->footprint[i];
        live += (double)m->trace->marks[i].live_bytes;
        if (outcome->footprint[i] > most) most = outcome->footprint[i];
    }
    outcome->mean = over(bytes, live);
    outcome->peak = over(most, (double)m->trace->reel.peak_live_bytes);
    return STATUS_OK;
}

static int weigh_left(struct measuring *m, size_t entrant) {
    struct outcome *outcome = &m->trace->outcomes[entrant];
    bool good;
    int status = run_noting(m, JOB_LEFT, entrant, 0, &good);

    if (!good) return status;
    outcome->left = m->job->left;
    outcome->left_over_live =
        over((double)outcome->left.footprint, (double)outcome->left.live_bytes);
    return STATUS_OK;
}

static int try_limit(void *context, uint64_t size, bool *good) {
    struct measuring *m = context;
    int status = run_job(m, JOB_FITS, m->entrant, size, m->patience);

    *good = m->job->state == JOB_DONE;
    return status;
}

static int set_patience(struct measuring *m, size_t entrant) {
    bool good;
    int status = run_noting(m, JOB_TIME, entrant, 0, &good);

    m->patience = PATIENCE_SECONDS;
    if (m->job->cpu_ns * PATIENCE_TIMES / 1000000000u > m->patience)
        m->patience = m->job->cpu_ns * PATIENCE_TIMES / 1000000000u;
    return status;
}

static int find_smallest(struct measuring *m, size_t entrant) {
    struct outcome *outcome = &m->trace->outcomes[entrant];
    uint64_t peak = m->trace->reel.peak_live_bytes;
    bool handles = m->compare->entrants.list[entrant].kind == ENTRANT_HANDLES;
    struct bisection sizes = {
        .fails = peak,
        .resolution = peak / (handles ? HANDLES_SHARE : MALLOC_SHARE),
        .most = handles ? REGION_MAX : MAPPINGS_TIMES * peak + MAPPINGS_MORE,
    };
    int status;

    status = set_patience(m, entrant);
    if (status) return status;
    if (sizes.resolution < (handles ? 16 : 4096)) sizes.resolution = handles ? 16 : 4096;
    m->entrant = entrant;
    status = bisect(&sizes, peak + peak / 4 + (UINT64_C(64) << 10), try_limit, m);
    if (status || sizes.suffices == 0) return status;
    outcome->smallest = (double)sizes.suffices;
    outcome->smallest_over_live = over(outcome->smallest, (double)peak);
    return STATUS_OK;
}

static int find_largest(struct measuring *m, size_t entrant) {
    struct outcome *outcome = &m->trace->outcomes[entrant];
    double sum = 0;
    int status = run_job(m, JOB_LARGEST, entrant, m->trace->largest_limit, 0);

    /* That it does not complete in such a heap is a result, not a failure. */
    if (status || m->job->state != JOB_DONE) return status;
    outcome->largest = numbers_at_marks(m);
    if (!outcome->largest) return STATUS_IO;
    for (size_t i = 0; i < m->trace->reel.n_marks; i++) sum += outcome->largest[i];
    outcome->largest_share =
        over(sum, (double)m->trace->reel.n_marks * (double)m->trace->largest_limit);
    return STATUS_OK;
}

static int measure_all(struct measuring *m) {
    static const struct {
        unsigned measure;
        int (*run)(struct measuring *m, size_t entrant);
    } parts[] = {
        {MEASURE_FOOTPRINT, weigh},
        {MEASURE_LEFT, weigh_left},
        {MEASURE_SMALLEST, find_smallest},
        {MEASURE_LARGEST, find_largest},
    };
    unsigned measures = m->compare->options.measures;
    int status = measures & MEASURE_TIME ? time_all(m) : STATUS_OK;

    m->pages = PAGES_SMALL;
    if (status == STATUS_OK && measures & MEASURE_SMALL_PAGES) status = time_all(m);
    m->pages = PAGES_GIVEN;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!(measures & parts[i].measure)) continue;
        for (size_t j = 1; j < m->compare->entrants.n && status == STATUS_OK; j++) {
            if (m->compare->entrants.list[j].present && !m->trace->outcomes[j].reason[0])
                status = parts[i].run(m, j);
        }
    }
    return status;
}

/* ---------------------------------------------------------------------- traces */

static struct outcome *no_outcomes(size_t n) {
    struct outcome *outcomes = calloc(n, sizeof(*outcomes));

    for (size_t i = 0; outcomes && i < n; i++) {
        struct spread none = {NAN, NAN, NAN};
        struct outcome *outcome = &outcomes[i];
        for (size_t j = 0; j < N_PAGES; j++)
            outcome->time[j] = (struct timing){NULL, NULL, none, none, NAN};
        outcome->at_peak = outcome->peak = outcome->mean = NAN;
        outcome->left_over_live = outcome->smallest = outcome->smallest_over_live = NAN;
        outcome->largest_share = NAN;
    }
    return outcomes;
}

static int read_trace(struct measuring *m) {
    const struct compare_options *options = &m->compare->options;
    struct compare_trace *trace = m->trace;
    struct trace events;
    int status = trace_open(&events, trace->path, options->limit_events, false);
    const struct reel *whole;

    if (status == STATUS_OK)
        status = reel_make(&events, options->samples, &m->reel, &trace->reel);
    memcpy(trace->name, events.name, sizeof(trace->name));
    trace_close(&events);
    if (status) return status;

    trace->largest_limit =
        trace->reel.peak_live_bytes + trace->reel.peak_live_bytes / 10 * 3;
    if (trace->largest_limit < trace->reel.peak_live_bytes + (UINT64_C(256) << 10))
        trace->largest_limit = trace->reel.peak_live_bytes + (UINT64_C(256) << 10);
    trace->marks = calloc(trace->reel.n_marks, sizeof(*trace->marks));
    trace->outcomes = no_outcomes(m->compare->entrants.n);
    whole = reel_map(m->reel);
    if (!trace->marks || !trace->outcomes || !whole)
        return complain(STATUS_IO, "%s: no memory to compare on it", trace->path);
    memcpy(trace->marks, reel_marks(whole), trace->reel.n_marks * sizeof(*trace->marks));
    munmap((void *)whole, trace->reel.bytes);
    return STATUS_OK;
}

/* How many jobs there will be, about: a bisection takes some fifteen. */
static uint64_t expected_jobs(const struct compare *compare) {
    unsigned measures = compare->options.measures;
    uint64_t runs = compare->options.runs;
    uint64_t jobs = (measures & MEASURE_TIME ? runs : 0) +
                    (measures & MEASURE_SMALL_PAGES ? runs : 0);

    jobs += (measures & MEASURE_FOOTPRINT ? 1 : 0) + (measures & MEASURE_LEFT ? 1 : 0) +
            (measures & MEASURE_LARGEST ? 1 : 0) + (measures & MEASURE_SMALLEST ? 15 : 0);
    return jobs * compare->entrants.n;
}

static int run_trace(struct compare *compare, struct compare_trace *trace) {
    struct measuring m = {.compare = compare, .trace = trace, .reel = -1};
    int status;

    m.job = malloc(sizeof(*m.job));
    if (!m.job) return complain(STATUS_IO, "no memory to measure");
    m.steps = expected_jobs(compare);
    progress_begin(trace->path, !compare->options.quiet);
    status = read_trace(&m);
    if (status == STATUS_OK) status = measure_all(&m);
    progress_end();
    if (m.reel >= 0) close(m.reel);
    free(m.job);
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
        for (size_t j = 0; j < compare->entrants.n; j++)
            if (compare->traces[i].outcomes[j].reason[0]) status = STATUS_FOUND;
    }
    return status;
}

void compare_finish(struct compare *compare) {
    for (size_t i = 0; i < compare->n_traces; i++) {
        struct compare_trace *trace = &compare->traces[i];
        for (size_t j = 0; trace->outcomes && j < compare->entrants.n; j++) {
            struct outcome *outcome = &trace->outcomes[j];
            double *arrays[] = {outcome->interval_ns,     outcome->footprint,
                                outcome->largest,         outcome->time[0].cpu_ns,
                                outcome->time[0].wall_ns, outcome->time[1].cpu_ns,
                                outcome->time[1].wall_ns};
            for (size_t k = 0; k < sizeof(arrays) / sizeof(arrays[0]); k++)
                free(arrays[k]);
        }
        free(trace->outcomes);
        free(trace->marks);
    }
    free(compare->traces);
    compare->traces = NULL;
}
