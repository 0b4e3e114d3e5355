/* SPDX-License-Identifier: MIT */
/*
 * The figures of a comparison, from the CSV files that `rmtool compare` writes: bars from
 * its summary, curves from what it measured along the traces.
 */
#ifndef RMTOOL_COMPARE_FIGURES_H
#define RMTOOL_COMPARE_FIGURES_H

#include "plot/figures.h"

/* Whether a file is one of those, or else of `rmtool micro`, by its name: it ends in ".csv". */
bool compare_figures_wanted(const char *path);

/*
 * Draws all figures of one such file, as DIRECTORY/NAME-FIGURE.png and .svg, and prints
 * their names.
 *  name: letters, digits and "-_.+" only.
 * Returns: a status; STATUS_MALFORMED where the file is of neither kind.
 */
int compare_figures_make(struct figures *figures, const char *path, const char *name);

#endif
