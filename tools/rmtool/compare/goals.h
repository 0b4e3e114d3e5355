/* SPDX-License-Identifier: MIT */
/*
 * What rmalloc is to reach beside its peers, and what it has reached in a comparison. Only
 * lines whose figures a comparison has; locks, pairs of calls and steps are measured
 * elsewhere.
 */
#ifndef RMTOOL_GOALS_H
#define RMTOOL_GOALS_H

#include "compare/compare.h"

struct goal {
    const char *what;
    double most; /* the figure is to be at most this */
    /* NAN where the comparison does not say: a peer, a trace or a measure is missing. */
    double (*reached)(const struct compare *compare, size_t entrant);
};

/* All there are; the last one's `what` is NULL. */
extern const struct goal goals[];

/* Geometric mean of positive numbers, one of each trace; NAN where one has none. */
double goals_mean(const struct compare *compare, size_t entrant,
                  double (*figure)(const struct outcome *outcome));

#endif
