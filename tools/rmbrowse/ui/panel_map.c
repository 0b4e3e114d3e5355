/* SPDX-License-Identifier: MIT */
/*
 * Maps of the stores, each from its low end to its high one. A cell is two pixels wide, and is filled from below by
 * what it consists of. How much of the panel a store has depends on how many there are:
 *
 *      a few               a score                      hundreds, in columns
 *      tab 1    1.2 of 1.4 MiB   tab 1  [::::..:::..   ]     [::..::  ] [:.:::.. ]
 *      [:::::..::::::::::: ]     tab 2  [:::..         ]     [:..     ] [:::::.: ]
 *      [:::.::::...        ]     tab 3  [:::::::::::.. ]     [:::..   ] [::      ]
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "ui/panel_parts.h"

enum {
    CELL = 2,   /* pixels */
    ROW = 11,   /* of a map that has several, with the gap below */
    LABEL = 17, /* above a map */
    BELOW = 5,
    NAME = 76,       /* left of one */
    LINE_LEAST = 11, /* a store with its name beside it */
    LINE_MOST = 22,
    STRIP_LEAST = 4, /* one without */
    ROWS_MOST = 64
};

/* ------------------------------------------------------------------ a map */

/* Fills a column of pixels of a cell from below; `fill` is how much of it is filled. */
static double stack(uint32_t *column, int pitch, int height, double fill, float share,
                    uint32_t colour) {
    int from = (int)(fill * height + 0.5), to;

    fill += (double)share;
    to = (int)((fill < 1 ? fill : 1) * height + 0.5);
    for (; from < to; from++) column[(height - 1 - from) * pitch] = colour;
    return fill;
}

static void draw_cell(uint32_t *at, int pitch, int height,
                      const struct store_cell *cell) {
    for (int i = 0; i < CELL; i++) {
        double fill = stack(at + i, pitch, height, 0, cell->metadata, INK_METADATA);
        fill = stack(at + i, pitch, height, fill, cell->locked, INK_LOCKED);
        fill = stack(at + i, pitch, height, fill, cell->live, INK_LIVE);
        stack(at + i, pitch, height, fill, cell->free, INK_FREE);
    }
}

/* Pixels of a map of so many rows; those beyond the store's memory stay as the panel is. */
static void draw_cells(cairo_surface_t *surface, const struct store_cell *cells,
                       size_t n_columns, size_t n_rows, int height) {
    uint32_t *pixels = (uint32_t *)(void *)cairo_image_surface_get_data(surface);
    int pitch = cairo_image_surface_get_stride(surface) / 4;

    cairo_surface_flush(surface);
    for (size_t row = 0; row < n_rows; row++) {
        uint32_t *at = pixels + row * ROW * (size_t)pitch;
        for (size_t i = 0; i < n_columns; i++)
            draw_cell(at + i * CELL, pitch, height, &cells[row * n_columns + i]);
    }
    cairo_surface_mark_dirty(surface);
}

/* Above its highest block a store has memory, too: free, but for bookkeeping. */
static void add_tail(struct store_cell *cells, size_t n_mapped, size_t n,
                     const struct store_figures *figures) {
    double width = (double)figures->footprint / (double)n, seen = 0, tail;

    for (size_t i = 0; i < n_mapped; i++) seen += (double)cells[i].free * width;
    tail = ratio_of((double)figures->free - seen, (double)(n - n_mapped) * width);
    tail = tail < 0 ? 0 : tail > 1 ? 1 : tail;
    for (size_t i = n_mapped; i < n; i++)
        cells[i] = (struct store_cell){.free = (float)tail, .metadata = 1 - (float)tail};
}

/* All that a store has of the system, in `n` cells. Returns: false where it is not known, or there is nothing. */
static bool map_all(store_t *store, struct store_cell *cells, size_t n) {
    struct store_figures figures;
    size_t extent = store_map(store, cells, n), n_mapped;

    store_look(store, &figures);
    if (extent == 0) return false;
    n_mapped = (size_t)((double)n * ratio_of((double)extent, (double)figures.footprint));
    if (n_mapped >= n) return true;
    if (n_mapped > 0) store_map(store, cells, n_mapped);
    add_tail(cells, n_mapped, n, &figures);
    return true;
}

/*
 * Draws a store's map.
 *  n_rows: of `height` pixels, one of which is a gap; where there are several, height is ROW.
 * Returns: false where it is not known, or there is nothing.
 */
static bool draw_map(cairo_t *cairo, store_t *store, const struct place *place,
                     size_t n_rows, int height) {
    size_t n_columns = (size_t)place->width / CELL;
    struct store_cell *cells = calloc(n_columns * n_rows, sizeof(*cells));
    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)n_columns * CELL, (int)(n_rows - 1) * ROW + height);
    bool known = cells && cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS &&
                 map_all(store, cells, n_columns * n_rows);

    if (known) {
        cairo_t *ground = cairo_create(surface);
        ink_colour(ground, INK_PANEL);
        cairo_paint(ground);
        cairo_destroy(ground);
        draw_cells(surface, cells, n_columns, n_rows, height > 3 ? height - 1 : height);
        cairo_set_source_surface(cairo, surface, place->x, place->y);
        cairo_paint(cairo);
        ink_colour(cairo, INK_PANEL); /* lets go of the surface */
    }
    cairo_surface_destroy(surface);
    free(cells);
    return known;
}

/* ------------------------------------------------------- how many there are */

struct census {
    size_t stores, footprint;
};

static struct census take_census(void) {
    struct census census = {0};

    for (store_t *store = store_first(); store; store = store_next(store)) {
        struct store_figures figures;
        store_look(store, &figures);
        census.stores++;
        census.footprint += figures.footprint;
    }
    return census;
}

static void draw_name(cairo_t *cairo, store_t *store, const struct place *place) {
    const struct ink_style left = {PANEL_SMALL, INK_TEXT, INK_LEFT};

    ink_text(cairo, &left, place->x, place->y, place->width, place->height,
             store_name(store));
}

static void draw_sizes(cairo_t *cairo, const struct store_figures *figures,
                       const struct place *place) {
    const struct ink_style right = {PANEL_SMALL, INK_DIM, INK_RIGHT};
    char live[SIZE_TEXT], held[SIZE_TEXT], text[3 * SIZE_TEXT];

    format_size(live, figures->requested);
    if (figures->footprint > 0)
        snprintf(text, sizeof(text), "%s of %s", live,
                 format_size(held, figures->footprint));
    else
        snprintf(text, sizeof(text), "%s", live);
    ink_text(cairo, &right, place->x, place->y, place->width, place->height, text);
}

/* A few: rows are shared out by what the stores have, each at least one. */
static void draw_blocks(cairo_t *cairo, const struct place *place,
                        const struct census *census) {
    double spare = (place->height - (double)census->stores * (LABEL + ROW + BELOW)) / ROW;
    struct place at = *place;

    for (store_t *store = store_first(); store; store = store_next(store)) {
        struct store_figures figures;
        store_look(store, &figures);
        size_t rows = 1 + (size_t)(spare * ratio_of((double)figures.footprint,
                                                    (double)census->footprint));
        if (rows > ROWS_MOST) rows = ROWS_MOST;
        at.height = LABEL - 2;
        draw_name(cairo, store, &at);
        draw_sizes(cairo, &figures, &at);
        at.y += LABEL;
        draw_map(cairo, store, &at, rows, ROW);
        at.y += (double)rows * ROW + BELOW;
    }
}

/* A score: a line for each. */
static void draw_lines(cairo_t *cairo, const struct place *place, double height) {
    struct place name = {place->x, place->y, NAME - 6, height};
    struct place map = {place->x + NAME, place->y, place->width - NAME, height};

    for (store_t *store = store_first(); store; store = store_next(store)) {
        struct store_figures figures;
        store_look(store, &figures);
        draw_name(cairo, store, &name);
        if (!draw_map(cairo, store, &map, 1, (int)height - 1))
            draw_sizes(cairo, &figures, &map);
        name.y += height;
        map.y += height;
    }
}

/* Many: maps alone, in columns from the top; those that find no place are not shown. */
static void draw_strips(cairo_t *cairo, const struct place *place, size_t n) {
    size_t a_column = (size_t)(place->height / STRIP_LEAST);
    size_t columns = (n + a_column - 1) / a_column, i = 0;
    double width = (place->width + 6) / (double)columns;

    if (width < 16) return;
    a_column = (n + columns - 1) / columns;
    for (store_t *store = store_first(); store; store = store_next(store), i++) {
        double height = place->height / (double)a_column;
        int high = height < ROW ? (int)height : ROW;
        struct place at = {place->x + (double)(i / a_column) * width,
                           place->y + (double)(i % a_column) * high, width - 6, high};
        draw_map(cairo, store, &at, 1, high);
    }
}

/* What there is to be said instead, in malloc. */
static double draw_silence(cairo_t *cairo, const struct place *place) {
    const struct ink_style text = {PANEL_SMALL, INK_LOCKED, INK_LEFT};

    ink_text(cairo, &text, place->x, place->y, place->width, 16,
             "malloc does not tell where what lies: no map.");
    return 20;
}

void panel_maps(cairo_t *cairo, const struct place *place) {
    static const struct key keys[] = {{"live", INK_LIVE},
                                      {"locked", INK_LOCKED},
                                      {"free", INK_FREE},
                                      {"bookkeeping", INK_METADATA}};
    struct census census = take_census();
    bool known = census.footprint > 0 || census.stores == 0;
    struct place rest = {place->x, place->y + 20, place->width, place->height - 20};
    double each;

    panel_title(cairo, place, known ? "Heaps" : "Stores", keys, known ? 4 : 0);
    if (!known) {
        double taken = draw_silence(cairo, &rest);
        rest.y += taken;
        rest.height -= taken;
    }
    if (census.stores == 0 || rest.height < STRIP_LEAST) return;
    each = rest.height / (double)census.stores;
    if (known && each >= LABEL + 2 * ROW + BELOW)
        draw_blocks(cairo, &rest, &census);
    else if (each >= LINE_LEAST)
        draw_lines(cairo, &rest, (int)(each < LINE_MOST ? each : LINE_MOST));
    else if (known)
        draw_strips(cairo, &rest, census.stores);
}
