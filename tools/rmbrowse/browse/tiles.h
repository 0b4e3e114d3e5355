/* SPDX-License-Identifier: MIT */
/*
 * The part of a page that is seen, painted into tiles: objects of the tab's store. There are those that the view
 * shows and one row more in the direction in which it was scrolled:
 *
 *      ┌─────┬─────┬─────┐
 *      │ · · │ · · │ · · │ ─┐
 *      ├─────┼─────┼─────┤  │ the view
 *      │ · · │ · · │ · · │ ─┘
 *      ├─────┼─────┼─────┤
 *      │     │     │     │   ahead
 *      └─────┴─────┴─────┘
 *
 * Their images are pinned in the cache, and fetched again where their pixels were shed. Where there is no memory for a
 * tile, its part of the page is painted each time that the screen is composed: the pixels are the same.
 */
#ifndef RMBROWSE_TILES_H
#define RMBROWSE_TILES_H

#include "browse/page.h"

enum {
    TILE_SIDE = 256,
    TILE_BYTES = TILE_SIDE * TILE_SIDE * 4,
    TILES_MOST = 64 /* with pixels: 16 MiB */
};

struct tile {
    ref_t pixels; /* NO_REF: none */
    bool
        painted; /* with the layout of `version`; what has not been painted again still shows another */
    uint32_t version;
    unsigned missing; /* images that were not there then, but may come */
};

struct tiles {
    struct engine *engine;
    struct page *page; /* NULL: no page is shown */
    int first_row, n_rows, first_seen,
        n_seen; /* rows of tiles: all; those that are seen */
    int n_columns;
    struct tile *list;   /* by rows */
    struct tile *locked; /* the one that is being painted */
    int top;             /* page_top() of what was composed */
    uint32_t version;    /* page->version of what is pinned */
    bool upward;         /* which way it was scrolled */
    bool straight;       /* there is no memory for more */
    bool dirty;          /* the screen is not what it should be */
    bool blank;          /* it shows another page, which is not to be seen any more */
    ref_t pins;          /* image_id_t of what is pinned, in the common store */
    unsigned n_pins,
        n_fetches; /* since the rows changed: what is shed at once is not fetched forever */
    bool images_coming;
    uint64_t settled; /* pictures_settled() when images were looked at */
};

void tiles_init(struct tiles *tiles, struct engine *engine);
/* Shows a page, or none (NULL): the tiles of the other are freed. Also when the view's size has changed. The screen is
   blank until there is something to see. */
void tiles_show(struct tiles *tiles, struct page *page);

/* Of a page whose layout is about to go: tiles and pins go before, where it is the one that is shown. */
void tiles_drop(struct tiles *tiles, struct page *page);
/* Of a page that has a layout now, while the images of the one before are still used. */
void tiles_laid_out(struct tiles *tiles, struct page *page);

/* Follows the page where it was scrolled to or laid out: other tiles, other pins. */
void tiles_follow(struct tiles *tiles);
/* Paints at least one tile where one is missing, what is seen first, until the deadline. Returns: whether more is to
   be painted that need not wait for images. */
bool tiles_paint(struct tiles *tiles, uint64_t deadline_ns);
/* Whether what is seen is not what it will be. */
bool tiles_busy(const struct tiles *tiles);
/* Writes what is seen to the locked pixels of a screen: engine->width x engine->height, rows of 4 * width bytes. */
void tiles_compose(struct tiles *tiles, void *screen);

/* memory.h: frees a tile; false: there is none. Allocates nothing. */
bool tiles_shed(struct tiles *tiles);
/* How many have pixels. */
unsigned tiles_count(const struct tiles *tiles);

#endif
