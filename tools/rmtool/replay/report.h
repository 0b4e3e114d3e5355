/* SPDX-License-Identifier: MIT */
/*
 * What a replay has measured, for people and for programs.
 */
#ifndef RMTOOL_REPORT_H
#define RMTOOL_REPORT_H

#include "replay/footprint.h"
#include "replay/replay.h"

struct report {
    const struct trace *trace; /* read to its end */
    const struct replay_options *options;
    const struct replay_result *result;
    const struct replay_result *floor; /* of a null replay; NULL: not measured */
    const struct footprint *footprint;
    double factor; /* --heap was this times the peak; else 0 */
};

void report_text(const struct report *report);

/* The same on standard output as one JSON object. Returns: a status. */
int report_json(const struct report *report);

/* The duration of one operation, in nanoseconds; `total` is that of all. */
double report_per_operation(const struct replay_result *result, uint64_t total);

#endif
