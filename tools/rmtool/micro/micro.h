/* SPDX-License-Identifier: MIT */
/*
 * Micro-benchmarks: what no trace shows by itself. A group of them is a function that adds
 * rows to a table, each with the goal that it is held against, if there is one.
 *
 * Times are of the processor, the median of several rounds; in each round all cases that
 * are to be compared take their turn, so that what disturbs one disturbs all.
 */
#ifndef RMTOOL_MICRO_H
#define RMTOOL_MICRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/chance.h"
#include "rmalloc.h"

#define MICRO_ROUNDS_MAX 1000

enum micro_goal { MICRO_NO_GOAL, MICRO_AT_MOST, MICRO_AT_LEAST };

struct micro_row {
    const char *group;
    char what[72];
    double x; /* what the value depends on, with a unit; NULL: on nothing */
    const char *x_unit;
    double value; /* NaN: not measured, the note says why */
    const char *unit;
    enum micro_goal goal_kind;
    double goal;
    bool detail; /* for CSV and JSON, not for the table */
    char note[96];
};

struct micro {
    /* Wishes. */
    unsigned rounds;
    uint64_t seed;
    uint64_t memory_most; /* bytes that a group may take */
    const char *const *traces;
    size_t n_traces;
    uint64_t limit_events; /* of each trace */
    unsigned threads_most; /* that run at a time */
    uint64_t run_ns;       /* how long they run, each time */
    bool quiet;

    struct micro_row *rows;
    size_t n, capacity;
    const char *group;    /* the one that runs */
    struct chance chance; /* begins anew in each group */
};

/*
 * Adds a row to the group that runs.
 * Returns: it, for x, goal and note to be set; good until the next call. NULL where there
 *        is no memory, having complained.
 */
struct micro_row *micro_add(struct micro *micro, double value, const char *unit,
                            const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void micro_at_most(struct micro_row *row, double goal);
void micro_at_least(struct micro_row *row, double goal);
void micro_x(struct micro_row *row, double x, const char *unit);

/* A row for what is not measured here, and why. Returns: a status. */
int micro_skip(struct micro *micro, const char *what, const char *why);

/* Whether a row keeps to its goal; true where it has none or was not measured. */
bool micro_meets(const struct micro_row *row);

struct micro_case {
    const char *what;
    void (*run)(void *context, uint64_t n); /* does it n times */
    void *context;
    uint64_t n; /* so many times a round; 0: found out */
    double ns;  /* receives the median for one time */
};

/* Returns: a status. */
int micro_measure(struct micro *micro, struct micro_case *cases, size_t n);

/* Sorts them. Returns: the value that the given share of them does not exceed. */
double micro_quantile(double *values, size_t n, double share);

/* A heap of rmalloc's, made for measuring: grows, compacts when asked. NULL where it cannot
   be made, having complained. */
rm_heap_t *micro_heap(rm_threads_t threads);

/* For a call of rmalloc that has to succeed. Returns: a status, having complained. */
int micro_call(const char *what, rm_status_t status);

/* The groups. Each returns a status. */
int micro_lock(struct micro *micro);
int micro_alloc(struct micro *micro);
int micro_compact(struct micro *micro);
int micro_steps(struct micro *micro);
int micro_scale(struct micro *micro);
int micro_small(struct micro *micro);
int micro_threads(struct micro *micro);
int micro_parallel(struct micro *micro);
int micro_latency(struct micro *micro);

/* A part of micro_threads: wants to run beside a second thread. */
int micro_beside(struct micro *micro);

#endif
