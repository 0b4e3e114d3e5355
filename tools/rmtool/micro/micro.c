/* SPDX-License-Identifier: MIT */
#include "micro/micro.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/say.h"

#define ROUND_NS 4000000 /* a case takes about so long in a round */

/* -------------------------------------------------------------------- rows */

struct micro_row *micro_add(struct micro *micro, double value, const char *unit,
                            const char *format, ...) {
    va_list arguments;

    if (micro->n == micro->capacity) {
        size_t capacity = micro->capacity ? micro->capacity * 2 : 64;
        struct micro_row *rows = realloc(micro->rows, capacity * sizeof(*rows));
        if (!rows) {
            complain(STATUS_IO, "no memory for results");
            return NULL;
        }
        micro->rows = rows;
        micro->capacity = capacity;
    }
    struct micro_row *row = &micro->rows[micro->n++];
    *row = (struct micro_row){.group = micro->group, .value = value, .unit = unit};
    va_start(arguments, format);
    vsnprintf(row->what, sizeof(row->what), format, arguments);
    va_end(arguments);
    return row;
}

void micro_at_most(struct micro_row *row, double goal) {
    if (!row) return;
    row->goal_kind = MICRO_AT_MOST;
    row->goal = goal;
}

void micro_at_least(struct micro_row *row, double goal) {
    if (!row) return;
    row->goal_kind = MICRO_AT_LEAST;
    row->goal = goal;
}

void micro_x(struct micro_row *row, double x, const char *unit) {
    if (!row) return;
    row->x = x;
    row->x_unit = unit;
}

int micro_skip(struct micro *micro, const char *what, const char *why) {
    struct micro_row *row = micro_add(micro, NAN, "", "%s", what);

    if (!row) return STATUS_IO;
    snprintf(row->note, sizeof(row->note), "skipped: %s", why);
    return STATUS_OK;
}

bool micro_meets(const struct micro_row *row) {
    if (isnan(row->value) || row->goal_kind == MICRO_NO_GOAL) return true;
    return row->goal_kind == MICRO_AT_MOST ? row->value <= row->goal
                                           : row->value >= row->goal;
}

/* --------------------------------------------------------------- measuring */

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double micro_quantile(double *values, size_t n, double share) {
    if (n == 0) return NAN;
    qsort(values, n, sizeof(*values), compare);
    double rank = ceil(share * (double)n);
    return values[rank < 1 ? 0 : (size_t)rank - 1];
}

static double timed(struct micro_case *one, uint64_t n) {
    uint64_t began = clock_cpu_ns();

    one->run(one->context, n);
    return (double)(clock_cpu_ns() - began);
}

/* Doubles until a round takes long enough; what that runs also warms up. */
static void calibrate(struct micro_case *one) {
    if (one->n > 0) return;
    for (one->n = 1024; timed(one, one->n) < ROUND_NS / 2; one->n *= 2) {
        if (one->n >= UINT64_C(1) << 40) return;
    }
}

int micro_measure(struct micro *micro, struct micro_case *cases, size_t n) {
    double *times = calloc(n * micro->rounds, sizeof(*times));

    if (!times) return complain(STATUS_IO, "no memory for times");
    for (size_t i = 0; i < n; i++) calibrate(&cases[i]);
    for (unsigned round = 0; round < micro->rounds; round++) {
        for (size_t j = 0; j < n; j++) {
            size_t i = (j + round) % n;
            times[i * micro->rounds + round] =
                timed(&cases[i], cases[i].n) / (double)cases[i].n;
        }
        progress_update(round + 1, micro->rounds);
    }
    for (size_t i = 0; i < n; i++)
        cases[i].ns = micro_quantile(&times[i * micro->rounds], micro->rounds, 0.5);
    free(times);
    return STATUS_OK;
}

/* ----------------------------------------------------------------- helpers */

rm_heap_t *micro_heap(rm_threads_t threads) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;

    options.threads = threads;
    options.compaction = RM_COMPACT_MANUAL;
    if (micro_call("rm_heap_create", rm_heap_create(&heap, &options)) != STATUS_OK)
        return NULL;
    return heap;
}

int micro_call(const char *what, rm_status_t status) {
    if (status == RM_OK) return STATUS_OK;
    return complain(STATUS_FOUND, "%s: %s", what, rm_strerror(status));
}
