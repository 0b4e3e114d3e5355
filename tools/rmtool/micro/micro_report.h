/* SPDX-License-Identifier: MIT */
/*
 * The table of micro-benchmarks as text, as JSON and as CSV.
 */
#ifndef RMTOOL_MICRO_REPORT_H
#define RMTOOL_MICRO_REPORT_H

#include "micro/micro.h"
#include "base/output.h"

/* Where they come from, and each row that is no detail, with its goal and whether it keeps
   to it. */
void micro_print(const struct micro *micro, const struct provenance *provenance);

/* All rows. Returns: a status. */
int micro_print_json(const struct micro *micro);

/* All rows, with where they come from. Returns: a status; nothing is left where it fails. */
int micro_write_csv(const struct micro *micro, const char *path,
                    const struct provenance *provenance);

#endif
