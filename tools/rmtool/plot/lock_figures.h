/* SPDX-License-Identifier: MIT */
/*
 * Pictures of what rmtool locks has found.
 */
#ifndef RMTOOL_LOCK_FIGURES_H
#define RMTOOL_LOCK_FIGURES_H

#include "plot/figures.h"

/* Whether a file is a CSV file of rmtool locks. */
bool lock_figures_wanted(const char *path);

/* DIRECTORY/NAME-models, and NAME-cost where costs have been measured. Returns: a status. */
int lock_figures_make(struct figures *figures, const char *path, const char *name);

#endif
