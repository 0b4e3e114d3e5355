/* SPDX-License-Identifier: MIT */
/* Where the cells of a table are in its grid, and how wide its columns are. */
#ifndef RMBROWSE_COLUMNS_H
#define RMBROWSE_COLUMNS_H

#include "layout/make.h"

enum { COLUMNS_MAX = 1000, ROWS_MAX = 65534 };

struct cell {
    size_t number;                       /* as it was met */
    uint32_t row, column, rows, columns; /* where it begins, how far it goes */
    struct widths widths;                /* with its edges */
    struct length width;                 /* wanted */
    struct box *box;                     /* once it is laid out; NULL: not */
    float bottom;                        /* of what is in it, and its edge */
    uint8_t valign;
    size_t anchors, anchors_end; /* of the page's, that are in it */
};

struct column {
    struct widths widths;
    struct length wanted;
    float x, width;
};

/* Rows that cells from above still take, by column. A cell's place is the first where no other is. */
struct grid {
    GArray *cells;     /* struct cell */
    GArray *taken;     /* uint32_t */
    uint32_t row;      /* rows begun */
    size_t group_cell; /* the first of the group */
};

void grid_init(struct grid *grid);
void grid_finish(struct grid *grid);
void grid_row(struct grid *grid);
/* Rows end; what goes on into further ones of the same group is cut there. */
void grid_group_end(struct grid *grid);
void grid_cell(struct grid *grid, struct cell cell);

/* How wide the columns are at least and at best, from cells; `columns` has those that <col> says something of. */
void columns_measure(GArray *columns, GArray *cells, float spacing);
/* All of them together, without the space between them. */
struct widths columns_widths(const GArray *columns);
/* Gives each its width: `width` in all, which is not less than is hard. */
void columns_share(GArray *columns, float width);

#endif
