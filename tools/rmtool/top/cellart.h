/* SPDX-License-Identifier: MIT */
/*
 * A cell of a heap's map as one character: what it is, how much of it, and how that looks.
 */
#ifndef RMTOOL_CELLART_H
#define RMTOOL_CELLART_H

#include <stdbool.h>

#include "top/look.h"

enum cell_kind { CELL_NOTHING, CELL_FREE, CELL_USED, CELL_LOCKED, CELL_METADATA };
enum { CELL_LEVELS = 4 }; /* of how full a cell is: 0 to 3 */

/* Anything locked in it is shown; else what there is most of. *level: how much of it is taken. */
enum cell_kind cell_kind(const struct look_cell *cell, unsigned *level);

/* UTF-8, or ASCII; `marked`: locked cells are told from used ones by the character. */
const char *cell_glyph(enum cell_kind kind, unsigned level, bool unicode, bool marked);

/* The locale is set, and its characters are UTF-8. */
bool cell_unicode(void);

#endif
