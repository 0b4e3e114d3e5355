/* SPDX-License-Identifier: MIT */
#include "layout/columns.h"

#include <math.h>

void grid_init(struct grid *grid) {
    *grid = (struct grid){
        .cells = g_array_new(FALSE, FALSE, sizeof(struct cell)),
        .taken = g_array_new(FALSE, TRUE, sizeof(uint32_t)),
    };
}

void grid_finish(struct grid *grid) {
    g_array_free(grid->cells, TRUE);
    g_array_free(grid->taken, TRUE);
}

static uint32_t *taken(struct grid *grid, uint32_t column) {
    if (column >= grid->taken->len) g_array_set_size(grid->taken, column + 1);
    return &g_array_index(grid->taken, uint32_t, column);
}

void grid_row(struct grid *grid) {
    for (uint32_t column = 0; column < grid->taken->len; column++)
        *taken(grid, column) -= *taken(grid, column) > 0;
    grid->row++;
}

void grid_group_end(struct grid *grid) {
    for (size_t i = grid->group_cell; i < grid->cells->len; i++) {
        struct cell *cell = &g_array_index(grid->cells, struct cell, i);
        cell->rows = MIN(cell->rows, grid->row - cell->row);
    }
    g_array_set_size(grid->taken, 0);
    grid->group_cell = grid->cells->len;
}

void grid_cell(struct grid *grid, struct cell cell) {
    cell.columns = CLAMP(cell.columns, 1, COLUMNS_MAX);
    cell.rows = cell.rows ? MIN(cell.rows, ROWS_MAX) : ROWS_MAX;
    uint32_t column = 0, free = 0;
    while (free < cell.columns && column + free < COLUMNS_MAX) {
        if (*taken(grid, column + free) == 0) {
            free++;
        } else {
            column += free + 1;
            free = 0;
        }
    }
    /* The last columns of a table that has too many: nothing is laid on anything else. */
    if (free == 0) return;
    cell.column = column;
    cell.columns = free;
    cell.row = grid->row - 1;
    for (uint32_t i = 0; i < free; i++) *taken(grid, column + i) = cell.rows;
    g_array_append_val(grid->cells, cell);
}

/* ------------------------------------------------------------------- widths */

static struct column *column_at(const GArray *columns, size_t n) {
    return &g_array_index(columns, struct column, n);
}

static void column_want(struct column *column, const struct cell *cell) {
    struct length *wanted = &column->wanted;
    if (cell->width.unit == LENGTH_AUTO || cell->width.unit < wanted->unit) return;
    float value = cell->width.value;
    wanted->value =
        wanted->unit == cell->width.unit ? fmaxf(wanted->value, value) : value;
    wanted->unit = cell->width.unit;
}

/* A cell over several columns: what it needs beyond them is shared among them. */
static void column_span(GArray *columns, const struct cell *cell, float spacing) {
    float between = spacing * (cell->columns - 1);
    struct widths more = {cell->widths.hard - between, cell->widths.least - between,
                          cell->widths.best - between};
    for (uint32_t i = 0; i < cell->columns; i++) {
        const struct widths *widths = &column_at(columns, cell->column + i)->widths;
        more.hard -= widths->hard;
        more.least -= widths->least;
        more.best -= widths->best;
    }
    for (uint32_t i = 0; i < cell->columns; i++) {
        struct widths *widths = &column_at(columns, cell->column + i)->widths;
        widths->hard += ceilf(fmaxf(0, more.hard) / cell->columns);
        widths->least += ceilf(fmaxf(0, more.least) / cell->columns);
        widths->best += ceilf(fmaxf(0, more.best) / cell->columns);
        widths->least = fmaxf(widths->least, widths->hard);
        widths->best = fmaxf(widths->best, widths->least);
    }
}

void columns_measure(GArray *columns, GArray *cells, float spacing) {
    /* Columns that no cell begins in are not there. */
    uint32_t n = 0;
    for (size_t i = 0; i < cells->len; i++)
        n = MAX(n, g_array_index(cells, struct cell, i).column + 1);
    g_array_set_size(columns, n);
    for (size_t i = 0; i < cells->len; i++) {
        struct cell *cell = &g_array_index(cells, struct cell, i);
        cell->columns = MIN(cell->columns, n - cell->column);
        if (cell->columns > 1) continue;
        struct column *column = column_at(columns, cell->column);
        column->widths.hard = fmaxf(column->widths.hard, cell->widths.hard);
        column->widths.least = fmaxf(column->widths.least, cell->widths.least);
        column->widths.best = fmaxf(column->widths.best, cell->widths.best);
        column_want(column, cell);
    }
    for (uint32_t i = 0; i < n; i++) {
        struct column *column = column_at(columns, i);
        if (column->wanted.unit == LENGTH_PX)
            column->widths.best = fmaxf(column->widths.least, column->wanted.value);
    }
    for (size_t i = 0; i < cells->len; i++) {
        const struct cell *cell = &g_array_index(cells, struct cell, i);
        if (cell->columns > 1) column_span(columns, cell, spacing);
    }
}

struct widths columns_widths(const GArray *columns) {
    struct widths sum = {0};
    float share = 0, others = 0, whole = 0;
    for (size_t i = 0; i < columns->len; i++) {
        const struct column *column = column_at(columns, i);
        sum.hard += column->widths.hard;
        sum.least += column->widths.least;
        sum.best += column->widths.best;
        if (column->wanted.unit == LENGTH_PERCENT && column->wanted.value > 0) {
            share += column->wanted.value;
            whole = fmaxf(whole, column->widths.best * 100 / column->wanted.value);
        } else {
            others += column->widths.best;
        }
    }
    if (share > 0 && share < 100) whole = fmaxf(whole, others * 100 / (100 - share));
    sum.best = fmaxf(sum.best, whole);
    return sum;
}

/* How much more a column would take, in each of the rounds in which room is given away. */
enum round { ROUND_LEAST, ROUND_PERCENT, ROUND_FIXED, ROUND_BEST, ROUNDS };
static float column_wish(const struct column *column, enum round round, float width) {
    bool percent = column->wanted.unit == LENGTH_PERCENT;
    bool fixed = column->wanted.unit == LENGTH_PX;
    float to = column->width;
    if (round == ROUND_LEAST)
        to = column->widths.least;
    else if (round == ROUND_PERCENT && percent)
        to = column->wanted.value * width / 100;
    else if (round == ROUND_FIXED && fixed)
        to = column->widths.best;
    else if (round == ROUND_BEST && !percent && !fixed)
        to = column->widths.best;
    return fmaxf(0, to - column->width);
}

/* What is left when all have their best: to those of which nobody said how wide they are, by their size. */
static void columns_spread(GArray *columns, float rest) {
    float all = 0, open = 0;
    for (size_t i = 0; i < columns->len; i++) {
        const struct column *column = column_at(columns, i);
        all += column->width + 1;
        open += column->wanted.unit == LENGTH_AUTO ? column->width + 1 : 0;
    }
    for (size_t i = 0; i < columns->len; i++) {
        struct column *column = column_at(columns, i);
        if (open == 0 || column->wanted.unit == LENGTH_AUTO)
            column->width += rest * (column->width + 1) / (open > 0 ? open : all);
    }
}

void columns_share(GArray *columns, float width) {
    float rest = width - columns_widths(columns).hard;
    for (size_t i = 0; i < columns->len; i++)
        column_at(columns, i)->width = column_at(columns, i)->widths.hard;
    for (enum round round = 0; round < ROUNDS; round++) {
        float wishes = 0;
        for (size_t i = 0; i < columns->len; i++)
            wishes += column_wish(column_at(columns, i), round, width);
        float share = wishes > rest ? rest / wishes : 1;
        for (size_t i = 0; i < columns->len; i++) {
            struct column *column = column_at(columns, i);
            column->width += share * column_wish(column, round, width);
        }
        rest = fmaxf(0, rest - wishes);
    }
    if (rest > 0) columns_spread(columns, rest);
    /* Whole pixels, of which none is lost. */
    float end = 0;
    for (size_t i = 0; i < columns->len; i++) {
        struct column *column = column_at(columns, i);
        float from = roundf(end);
        end += column->width;
        column->width = roundf(end) - from;
    }
}
