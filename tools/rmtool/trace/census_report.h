/* SPDX-License-Identifier: MIT */
/*
 * What rmtool stats says of a census: for people, as JSON, as CSV.
 */
#ifndef RMTOOL_CENSUS_REPORT_H
#define RMTOOL_CENSUS_REPORT_H

#include <jansson.h>

#include "trace/census.h"
#include "base/output.h"

void census_print(const struct census *census, const char *path);
json_t *census_json(const struct census *census, const char *path);

/* Rows with their header row: the curve; the classes of sizes; lifetimes, by powers of
   two. */
void census_write_curve(const struct census *census, struct output *output);
void census_write_sizes(const struct census *census, struct output *output);
void census_write_lifetimes(const struct census *census, struct output *output);

#endif
