/* SPDX-License-Identifier: MIT */
/*
 * The sheet of one or several sessions of rmbrowse, and a table of what they come to.
 */
#ifndef RMTOOL_SESSION_FIGURES_H
#define RMTOOL_SESSION_FIGURES_H

#include <stddef.h>

#include "plot/figures.h"

/* Draws all of these files on one sheet, DIRECTORY/session.png and .svg. Checks nothing. Returns: a status. */
int session_figures_draw(struct figures *figures, const char *const *paths, size_t n);

/*
 * Reads and checks sessions, prints a table with a row for each, draws their sheet and prints its names.
 * Returns: a status. Where one of the files is malformed nothing is drawn.
 */
int session_figures_make(struct figures *figures, const char *const *paths, size_t n);

#endif
