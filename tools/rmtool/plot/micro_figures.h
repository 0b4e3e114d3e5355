/* SPDX-License-Identifier: MIT */
/*
 * The figures of micro-benchmarks, from the CSV files that `rmtool micro` writes: one for
 * each group in the file that has a picture.
 */
#ifndef RMTOOL_MICRO_FIGURES_H
#define RMTOOL_MICRO_FIGURES_H

#include "plot/figures.h"

/* Whether a CSV file is one of those, by its first row. */
bool micro_figures_wanted(const char *path);

/*
 * Draws all figures of one such file, as DIRECTORY/NAME-GROUP.png and .svg, and prints
 * their names.
 *  name: letters, digits and "-_.+" only.
 * Returns: a status; STATUS_MALFORMED where there is nothing to draw.
 */
int micro_figures_make(struct figures *figures, const char *path, const char *name);

#endif
