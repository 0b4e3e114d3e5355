/* SPDX-License-Identifier: MIT */
/*
 * Several threads at once, of rmalloc and of other libraries, each run in a process of its
 * own: how many operations a second, and how many times those of one thread. In each round
 * every allocator has its turn at every number of threads; ratios are taken within a round,
 * and their medians are reported.
 *
 * One thread is measured twice: beside another that sleeps, which is what more threads are
 * compared to, and alone in its process, where an allocator may leave out synchronisation.
 */
#include "micro/micro.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/entrants.h"
#include "base/say.h"
#include "compare/worker.h"

#define ENTRANTS "rmalloc,glibc,jemalloc,mimalloc,tcmalloc"

static const struct {
    enum crowd_shape shape;
    const char *name;
    bool handles;        /* for rmalloc alone */
    double goal;         /* rmalloc's, with two threads, times one; 0: none */
    const char *than[2]; /* whose ratios rmalloc's is to reach */
} contests[] = {
    {CROWD_LOCKS_OWN, "locks, own blocks", true, 0, {NULL}},
    {CROWD_LOCKS_BETWEEN, "locks, entries side by side", true, 0, {NULL}},
    {CROWD_LOCKS_SAME, "locks, the same blocks", true, 0, {NULL}},
    {CROWD_OWN, "own blocks", false, 1.8, {NULL}},
    {CROWD_LARSON, "larson", false, 0, {"mimalloc", "jemalloc"}},
    {CROWD_XMALLOC, "xmalloc-test", false, 0, {"mimalloc", "jemalloc"}},
    {CROWD_SH6, "sh6bench", false, 0, {"mimalloc", "jemalloc"}},
};
enum { N_CONTESTS = sizeof(contests) / sizeof(contests[0]) };

/* Numbers of threads: 1 alone in its process, 1, 2, 4, and so on. */
enum { CROWDS_MAX = 12, ALONE = 0, ONE = 1 };

struct parallel {
    struct micro *micro;
    struct entrants entrants; /* the floor is the first, and takes no part */
    size_t n_crowds;
    /* By contest, entrant, number of threads and round: operations a second; NaN where it
       failed. */
    double *figures;
    char failed[N_CONTESTS][ENTRANTS_MAX][ENTRANT_NOTE];
};

static unsigned threads_of(size_t crowd) {
    return crowd == ALONE ? 1 : 1u << (crowd - 1);
}

static double *figure(const struct parallel *parallel, size_t contest, size_t entrant,
                      size_t crowd, unsigned round) {
    size_t at = (contest * ENTRANTS_MAX + entrant) * CROWDS_MAX + crowd;

    return &parallel->figures[at * parallel->micro->rounds + round];
}

static bool takes_part(const struct parallel *parallel, size_t contest, size_t entrant) {
    const struct entrant *one = &parallel->entrants.list[entrant];

    return one->present && one->kind != ENTRANT_FLOOR &&
           (one->kind == ENTRANT_HANDLES || !contests[contest].handles);
}

/* ------------------------------------------------------------------- measuring */

static int run(struct parallel *parallel, struct job *job, size_t contest, size_t entrant,
               size_t crowd, unsigned round) {
    struct micro *micro = parallel->micro;

    *job = (struct job){
        .kind = JOB_CROWD,
        .entrant = parallel->entrants.list[entrant],
        .crowd = {.shape = contests[contest].shape,
                  .n_threads = threads_of(crowd),
                  .alone = crowd == ALONE,
                  .seed = micro->seed + round * UINT64_C(1000003),
                  .run_ns = micro->run_ns},
    };
    int status = worker_run(job, -1);
    if (status) return status;
    if (job->state != JOB_DONE)
        snprintf(parallel->failed[contest][entrant], ENTRANT_NOTE, "%s", job->reason);
    *figure(parallel, contest, entrant, crowd, round) =
        job->state == JOB_DONE ? job->crowd.per_second : NAN;
    return STATUS_OK;
}

/* The allocators in turn, each beginning one round. */
static int run_round(struct parallel *parallel, struct job *job, unsigned round) {
    size_t n = parallel->entrants.n;

    for (size_t i = 0; i < N_CONTESTS * n; i++) {
        size_t contest = i / n, entrant = (i + round) % n;
        if (takes_part(parallel, contest, entrant))
            for (size_t crowd = 0; crowd < parallel->n_crowds; crowd++) {
                int status = run(parallel, job, contest, entrant, crowd, round);
                if (status) return status;
            }
        progress_update(round * N_CONTESTS * n + i + 1,
                        parallel->micro->rounds * N_CONTESTS * n);
    }
    return STATUS_OK;
}

/* --------------------------------------------------------------------- reporting */

/* The ratio of two figures, round by round; NULL: one. Then the median. NaN where one of
   them failed. */
static double median(const struct parallel *parallel, const double *over,
                     const double *under, const double *over2, const double *under2) {
    double ratios[MICRO_ROUNDS_MAX];
    unsigned n = parallel->micro->rounds;

    for (unsigned i = 0; i < n; i++) {
        ratios[i] = over[i];
        if (under) ratios[i] /= under[i];
        if (over2 && under2) ratios[i] /= over2[i] / under2[i];
        if (isnan(ratios[i])) return NAN;
    }
    return micro_quantile(ratios, n, 0.5);
}

static struct micro_row *add(const struct parallel *parallel, size_t crowd, double value,
                             const char *unit, const char *contest, const char *what) {
    struct micro_row *row =
        micro_add(parallel->micro, value, unit, "%s: %s", contest, what);

    if (row && crowd != ALONE)
        micro_x(row, threads_of(crowd), crowd == ONE ? "thread" : "threads");
    if (row && isnan(value)) snprintf(row->note, sizeof(row->note), "it failed");
    return row;
}

static int report_entrant(const struct parallel *parallel, size_t contest,
                          size_t entrant) {
    const char *name = contests[contest].name;
    const struct entrant *one = &parallel->entrants.list[entrant];
    const double *single = figure(parallel, contest, entrant, ONE, 0);
    char what[64];

    for (size_t crowd = 0; crowd < parallel->n_crowds; crowd++) {
        const double *figures = figure(parallel, contest, entrant, crowd, 0);
        double value = median(parallel, figures, NULL, NULL, NULL) / 1e6;
        snprintf(what, sizeof(what), "%s%s", one->name,
                 crowd == ALONE ? ", alone in its process" : "");
        if (!add(parallel, crowd, value, "M/s", name, what)) return STATUS_IO;
    }
    for (size_t crowd = 0; crowd < parallel->n_crowds; crowd++) {
        const double *figures = figure(parallel, contest, entrant, crowd, 0);
        if (crowd == ONE) continue;
        snprintf(what, sizeof(what), "%s, times one thread%s", one->name,
                 crowd == ALONE ? ": alone" : "");
        struct micro_row *row =
            add(parallel, crowd, median(parallel, figures, single, NULL, NULL), "x", name,
                what);
        if (!row) return STATUS_IO;
        row->detail = crowd == ALONE;
        if (one->kind == ENTRANT_HANDLES && threads_of(crowd) == 2 &&
            contests[contest].goal > 0)
            micro_at_least(row, contests[contest].goal);
    }
    return STATUS_OK;
}

static size_t entrant_named(const struct parallel *parallel, const char *name) {
    for (size_t i = 1; i < parallel->entrants.n; i++)
        if (parallel->entrants.list[i].present &&
            strcmp(parallel->entrants.list[i].name, name) == 0)
            return i;
    return 0;
}

/* rmalloc's ratio over another's. */
static int report_comparison(const struct parallel *parallel, size_t contest,
                             const char *than) {
    size_t ours = entrant_named(parallel, "rmalloc");
    size_t theirs = entrant_named(parallel, than);
    char what[64];

    if (ours == 0 || theirs == 0) return STATUS_OK;
    for (size_t crowd = ONE + 1; crowd < parallel->n_crowds; crowd++) {
        double value = median(parallel, figure(parallel, contest, ours, crowd, 0),
                              figure(parallel, contest, ours, ONE, 0),
                              figure(parallel, contest, theirs, crowd, 0),
                              figure(parallel, contest, theirs, ONE, 0));
        snprintf(what, sizeof(what), "rmalloc's times one thread / %s's", than);
        struct micro_row *row =
            add(parallel, crowd, value, "x", contests[contest].name, what);
        if (!row) return STATUS_IO;
        if (threads_of(crowd) == 2) micro_at_least(row, 1);
    }
    return STATUS_OK;
}

static int report(const struct parallel *parallel) {
    int status = STATUS_OK;

    for (size_t i = 0; i < N_CONTESTS && status == STATUS_OK; i++) {
        for (size_t j = 1; j < parallel->entrants.n && status == STATUS_OK; j++) {
            const char *why = parallel->failed[i][j];
            if (takes_part(parallel, i, j)) status = report_entrant(parallel, i, j);
            if (*why)
                complain(STATUS_OK, "%s: %s: %s", contests[i].name,
                         parallel->entrants.list[j].name, why);
        }
        for (size_t j = 0; j < 2 && contests[i].than[j] && status == STATUS_OK; j++)
            status = report_comparison(parallel, i, contests[i].than[j]);
    }
    return status;
}

static int find_entrants(struct parallel *parallel) {
    entrants_known(&parallel->entrants);
    int status = entrants_keep(&parallel->entrants, ENTRANTS);
    if (status == STATUS_OK) status = entrants_find(&parallel->entrants);
    for (size_t i = 1; i < parallel->entrants.n && status == STATUS_OK; i++) {
        const struct entrant *one = &parallel->entrants.list[i];
        if (!one->present) status = micro_skip(parallel->micro, one->name, one->version);
    }
    return status;
}

int micro_parallel(struct micro *micro) {
    struct parallel *parallel = calloc(1, sizeof(*parallel));
    struct job *job = calloc(1, sizeof(*job));
    int status =
        parallel && job ? STATUS_OK : complain(STATUS_IO, "no memory for figures");

    if (status == STATUS_OK) {
        parallel->micro = micro;
        for (parallel->n_crowds = 1; parallel->n_crowds < CROWDS_MAX;
             parallel->n_crowds++)
            if (threads_of(parallel->n_crowds) > micro->threads_most) break;
        parallel->figures = calloc((size_t)N_CONTESTS * ENTRANTS_MAX * CROWDS_MAX,
                                   micro->rounds * sizeof(double));
        if (!parallel->figures) status = complain(STATUS_IO, "no memory for figures");
    }
    if (status == STATUS_OK) status = find_entrants(parallel);
    for (unsigned i = 0; i < micro->rounds && status == STATUS_OK; i++)
        status = run_round(parallel, job, i);
    if (status == STATUS_OK) status = report(parallel);
    if (parallel) free(parallel->figures);
    free(parallel);
    free(job);
    return status;
}
