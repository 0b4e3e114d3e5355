/* SPDX-License-Identifier: MIT */
/*
 * Scores as in M. Jansson's thesis on the first rmalloc (Chalmers, 2015), so that its
 * results can be continued. At every point of a trace all allocators are ranked, 0 for the
 * best. Of n allocators at m points, with rank r and value v, the best's value being b:
 *
 *      penalty (c)     sum of r / (n m)
 *      penalty (w)     sum of r |v - b| / b / (n m)
 *      best, worst     share of the points at which it was that
 *
 * An allocator without a value at every point did not finish, and is left out. Those that
 * are equal have the better rank, all of them.
 */
#ifndef RMTOOL_PENALTY_H
#define RMTOOL_PENALTY_H

#include "compare/compare.h"

enum penalty_kind {
    PENALTY_SPEED, /* time of an operation between two marks; least is best */
    PENALTY_SPACE, /* largest request at a mark; most is best */
};

struct penalty {
    size_t entrant;
    double count, weighted, best, worst; /* shares */
    double average, median;              /* of the values */
};

/*
 * Scores all that finished, the least penalty first.
 *  first, limit: the traces.
 *  rows:         ENTRANTS_MAX of them.
 * Returns: how many rows; 0 where nothing was measured, or memory is out.
 */
size_t penalty_score(const struct compare *compare, enum penalty_kind kind, size_t first,
                     size_t limit, struct penalty *rows);

#endif
