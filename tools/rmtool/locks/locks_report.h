/* SPDX-License-Identifier: MIT */
/*
 * What rmtool locks has found, for people, for programs, and for plots.
 */
#ifndef RMTOOL_LOCKS_REPORT_H
#define RMTOOL_LOCKS_REPORT_H

#include "locks/gather.h"
#include "locks/lockcost.h"
#include "locks/locking.h"
#include "base/output.h"

struct locks_report {
    const char *name;    /* of the program */
    const char *command; /* that ran it */
    const struct locking *locking;
    const struct gather_totals *gathered; /* NULL: the accesses come from a log */
    const struct lockcost *costs;         /* by model; NULL: not asked for */
    double seconds;                       /* that it took */
};

void locks_report_text(const struct locks_report *report);
int locks_report_json(const struct locks_report *report);

/* The comment lines that only this CSV has, the header row, and a row for each model. */
void locks_report_csv(const struct locks_report *report, struct output *output);

#endif
