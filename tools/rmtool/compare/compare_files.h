/* SPDX-License-Identifier: MIT */
/*
 * A comparison as tables for people, as CSV with a comment header, and as JSON.
 */
#ifndef RMTOOL_COMPARE_FILES_H
#define RMTOOL_COMPARE_FILES_H

#include "compare/compare.h"
#include "base/output.h"

/* One row for each trace and allocator, with all that was measured. */
void compare_write_summary(const struct compare *compare, struct output *output,
                           const struct provenance *provenance);

/* One row for each mark of a trace and allocator. */
void compare_write_series(const struct compare *compare, struct output *output,
                          const struct provenance *provenance);

/* One row for each timed run. */
void compare_write_runs(const struct compare *compare, struct output *output,
                        const struct provenance *provenance);

/* The tables, on standard output. */
void compare_print(const struct compare *compare, const struct provenance *provenance);

/* All, on standard output. Returns: a status. */
int compare_print_json(const struct compare *compare,
                       const struct provenance *provenance);

#endif
