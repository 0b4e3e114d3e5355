/* SPDX-License-Identifier: MIT */
#include "compare/penalty.h"

#include <math.h>
#include <stdlib.h>

/* The values of the allocators that finished, point by point. */
struct points {
    size_t n, m;
    size_t entrants[ENTRANTS_MAX];
    double *values; /* m times n */
};

static const double *values_of(const struct outcome *outcome, enum penalty_kind kind) {
    return kind == PENALTY_SPEED ? outcome->interval_ns : outcome->largest;
}

static bool finished(const struct compare *compare, enum penalty_kind kind, size_t first,
                     size_t limit, size_t entrant) {
    if (!compare->entrants.list[entrant].present) return false;
    for (size_t i = first; i < limit; i++) {
        const struct outcome *outcome = &compare->traces[i].outcomes[entrant];
        if (outcome->reason[0] || !values_of(outcome, kind)) return false;
    }
    return true;
}

/* The first mark is the beginning: no time has passed, and all memory is free. */
static bool collect(const struct compare *compare, enum penalty_kind kind, size_t first,
                    size_t limit, struct points *points) {
    size_t most = 0;

    *points = (struct points){0};
    for (size_t i = 1; i < compare->entrants.n; i++)
        if (finished(compare, kind, first, limit, i)) points->entrants[points->n++] = i;
    for (size_t i = first; i < limit; i++) most += compare->traces[i].reel.n_marks;
    points->values = calloc(most * points->n + 1, sizeof(*points->values));
    if (!points->values) return false;
    for (size_t i = first; i < limit; i++) {
        const struct compare_trace *trace = &compare->traces[i];
        for (size_t mark = 1; mark < trace->reel.n_marks; mark++) {
            double *row = &points->values[points->m * points->n];
            bool known = true;
            for (size_t j = 0; j < points->n; j++) {
                row[j] = values_of(&trace->outcomes[points->entrants[j]], kind)[mark];
                known = known && !isnan(row[j]); /* no operation between two marks */
            }
            points->m += known;
        }
    }
    return points->n > 0 && points->m > 0;
}

static bool is_better(enum penalty_kind kind, double a, double b) {
    return kind == PENALTY_SPEED ? a < b : a > b;
}

static void score_point(const struct points *points, enum penalty_kind kind,
                        const double *row, struct penalty *rows) {
    double best = row[0];

    for (size_t i = 1; i < points->n; i++)
        if (is_better(kind, row[i], best)) best = row[i];
    for (size_t i = 0; i < points->n; i++) {
        size_t rank = 0, behind = 0;
        for (size_t j = 0; j < points->n; j++) {
            rank += is_better(kind, row[j], row[i]);
            behind += is_better(kind, row[i], row[j]);
        }
        rows[i].count += (double)rank;
        if (best > 0) rows[i].weighted += (double)rank * fabs(row[i] - best) / best;
        rows[i].best += rank == 0;
        rows[i].worst += behind == 0;
        rows[i].average += row[i];
    }
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int by_penalty(const void *a, const void *b) {
    const struct penalty *x = a, *y = b;

    return (x->count > y->count) - (x->count < y->count);
}

static double median(const struct points *points, size_t column) {
    double *values = calloc(points->m, sizeof(*values)), middle = NAN;

    if (!values) return NAN;
    for (size_t i = 0; i < points->m; i++)
        values[i] = points->values[i * points->n + column];
    qsort(values, points->m, sizeof(*values), by_number);
    middle = (values[points->m / 2] + values[(points->m - 1) / 2]) / 2;
    free(values);
    return middle;
}

size_t penalty_score(const struct compare *compare, enum penalty_kind kind, size_t first,
                     size_t limit, struct penalty *rows) {
    struct points points;
    size_t n = 0;

    if (collect(compare, kind, first, limit, &points)) {
        double m = (double)points.m;
        n = points.n;
        for (size_t i = 0; i < n; i++)
            rows[i] = (struct penalty){.entrant = points.entrants[i]};
        for (size_t i = 0; i < points.m; i++)
            score_point(&points, kind, &points.values[i * n], rows);
        for (size_t i = 0; i < n; i++) {
            rows[i].count /= m * (double)n;
            rows[i].weighted /= m * (double)n;
            rows[i].best /= m;
            rows[i].worst /= m;
            rows[i].average /= m;
            rows[i].median = median(&points, i);
        }
        qsort(rows, n, sizeof(*rows), by_penalty);
    }
    free(points.values);
    return n;
}
