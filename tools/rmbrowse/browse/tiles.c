/* SPDX-License-Identifier: MIT */
#include "browse/tiles.h"

#include <stdlib.h>
#include <string.h>

#include "browse/pictures.h"

void tiles_init(struct tiles *tiles, struct engine *engine) {
    *tiles = (struct tiles){.engine = engine};
}

static struct area area_of(const struct tiles *tiles, int i) {
    return (struct area){
        .x = (float)(i % tiles->n_columns * TILE_SIDE),
        .y = (float)((tiles->first_row + i / tiles->n_columns) * TILE_SIDE),
        .width = TILE_SIDE,
        .height = TILE_SIDE};
}

static int n_tiles(const struct tiles *tiles) { return tiles->n_rows * tiles->n_columns; }

static bool is_seen(const struct tiles *tiles, int i) {
    int row = tiles->first_row + i / tiles->n_columns;
    return row >= tiles->first_seen && row < tiles->first_seen + tiles->n_seen;
}

static void free_tile(struct tiles *tiles, struct tile *tile) {
    store_free(tiles->page->store, tile->pixels);
    *tile = (struct tile){0};
}

/* ---------------------------------------------------------------------------------------------- pins */

struct pinning {
    cache_t *cache;
    image_id_t *ids;
    unsigned n, most;
};

static void count_image(void *context, image_id_t id) {
    struct pinning *pinning = context;
    pinning->most += id != 0;
}

static void pin_image(void *context, image_id_t id) {
    struct pinning *pinning = context;
    if (id == 0 || pinning->n == pinning->most) return;
    cache_pin(pinning->cache, id);
    pinning->ids[pinning->n++] = id;
}

static struct area area_of_all(const struct tiles *tiles) {
    return (struct area){.y = (float)(tiles->first_row * TILE_SIDE),
                         .width = (float)(tiles->n_columns * TILE_SIDE),
                         .height = (float)(tiles->n_rows * TILE_SIDE)};
}

static void unpin(struct tiles *tiles, ref_t pins, unsigned n) {
    if (pins == NO_REF) return;
    const image_id_t *ids = store_lock(pins);
    for (unsigned i = 0; i < n; i++) cache_unpin(tiles->engine->cache, ids[i]);
    store_unlock(pins);
    store_free(tiles->engine->common, pins);
}

/* Pins what the tiles show, and lets go what they do not: in this order, so that nothing is shed in between. Without
   memory for the list nothing is pinned: what is shed then is fetched again some times, not forever. */
static void pin(struct tiles *tiles) {
    struct pinning pinning = {.cache = tiles->engine->cache};
    struct area area = area_of_all(tiles);
    ref_t before = tiles->pins;
    unsigned n_before = tiles->n_pins;
    tiles->pins = NO_REF;
    tiles->n_pins = 0;
    if (n_tiles(tiles) > 0)
        layout_images_in(&tiles->page->layout, &area, count_image, &pinning);
    if (pinning.most > 0)
        tiles->pins = store_new(tiles->engine->common, pinning.most * sizeof(image_id_t));
    if (tiles->pins != NO_REF) {
        pinning.ids = store_lock(tiles->pins);
        layout_images_in(&tiles->page->layout, &area, pin_image, &pinning);
        store_unlock(tiles->pins);
        tiles->n_pins = pinning.n;
    }
    unpin(tiles, before, n_before);
}

/* --------------------------------------------------------------------------------------------- images */

static void want_image(void *context, image_id_t id) {
    struct tiles *tiles = context;
    cache_t *cache = tiles->engine->cache;
    if (id == 0) return;
    if (cache_state(cache, id) == IMAGE_WANTED &&
        tiles->n_fetches < 2 * tiles->n_pins + PICTURES_AT_ONCE) {
        if (pictures_fetch(tiles->engine->pictures, id, tiles->page)) tiles->n_fetches++;
        /* Where there was no place for it, it waits for one. */
        tiles->images_coming |= cache_state(cache, id) == IMAGE_WANTED;
    }
    tiles->images_coming |= cache_state(cache, id) == IMAGE_COMING;
}

static void count_missing(void *context, image_id_t id) {
    struct pinning *counting = context;
    image_state_t state = id != 0 ? cache_state(counting->cache, id) : IMAGE_FAILED;
    counting->n += state == IMAGE_WANTED || state == IMAGE_COMING;
}

static unsigned missing_in(const struct tiles *tiles, const struct area *area) {
    struct pinning counting = {.cache = tiles->engine->cache};
    layout_images_in(&tiles->page->layout, area, count_missing, &counting);
    return counting.n;
}

/* Something came, or failed: what is still wanted is asked for, and tiles that waited for it are painted again. */
static void look_at_images(struct tiles *tiles) {
    struct area area = area_of_all(tiles);
    tiles->images_coming = false;
    layout_images_in(&tiles->page->layout, &area, want_image, tiles);
    tiles->settled = pictures_settled(tiles->engine->pictures);
    for (int i = 0; i < n_tiles(tiles); i++) {
        struct tile *tile = &tiles->list[i];
        struct area part = area_of(tiles, i);
        if (tile->missing > 0 && missing_in(tiles, &part) < tile->missing)
            tile->painted = false;
    }
    tiles->dirty |= tiles->straight;
}

/* ----------------------------------------------------------------------------------------- the region */

static void reset(struct tiles *tiles, struct page *page) {
    if (tiles->page != NULL) {
        for (int i = 0; i < n_tiles(tiles); i++) free_tile(tiles, &tiles->list[i]);
        unpin(tiles, tiles->pins, tiles->n_pins);
    }
    free(tiles->list);
    bool blank = tiles->blank;
    tiles_init(tiles, tiles->engine);
    tiles->page = page;
    tiles->blank = blank;
    tiles->dirty = true;
}

void tiles_show(struct tiles *tiles, struct page *page) {
    tiles->blank = true;
    reset(tiles, page);
}

void tiles_drop(struct tiles *tiles, struct page *page) {
    if (tiles->page == page) reset(tiles, page);
}

void tiles_laid_out(struct tiles *tiles, struct page *page) {
    if (tiles->page == page) tiles_follow(tiles);
}

/* Rows first to first + n; those that stay keep their tiles. */
static void take_rows(struct tiles *tiles, int first, int n) {
    int columns = (tiles->engine->width + TILE_SIDE - 1) / TILE_SIDE;
    struct tile *list = calloc((size_t)(n * columns), sizeof *list);
    if (list == NULL) n = 0; /* everything is painted straight, then */
    for (int i = 0; i < n_tiles(tiles); i++) {
        int to = i + (tiles->first_row - first) * columns;
        if (to >= 0 && to < n * columns && tiles->list[i].pixels != NO_REF) {
            list[to] = tiles->list[i];
        } else {
            free_tile(tiles, &tiles->list[i]);
        }
    }
    free(tiles->list);
    tiles->list = list;
    tiles->first_row = first;
    tiles->n_rows = n;
    tiles->n_columns = columns;
}

void tiles_follow(struct tiles *tiles) {
    struct page *page = tiles->page;
    if (page == NULL || !page_is_laid_out(page)) return;
    int top = page_top(page);
    bool moved = top != tiles->top, other = page->version != tiles->version;
    if (moved) tiles->upward = top < tiles->top;
    tiles->top = top;
    tiles->dirty |= moved || other;

    int end = top + tiles->engine->height, seen = top / TILE_SIDE;
    int n_seen = (end + TILE_SIDE - 1) / TILE_SIDE - seen;
    int first = seen, n = n_seen;
    if (tiles->upward && first > 0) {
        first--, n++;
    } else if (!tiles->upward &&
               (float)((seen + n_seen) * TILE_SIDE) < page->layout.height) {
        n++;
    }
    if (other || first != tiles->first_row || n != tiles->n_rows) {
        take_rows(tiles, first, n);
        tiles->version = page->version;
        tiles->straight = false;
        tiles->n_fetches = 0;
        pin(tiles);
        look_at_images(tiles);
    } else if (tiles->settled != pictures_settled(tiles->engine->pictures)) {
        look_at_images(tiles);
    }
    tiles->first_seen = seen;
    tiles->n_seen = n_seen;
}

/* ------------------------------------------------------------------------------------------- painting */

/* Paints a part of the page at (x, y) of pixels that are locked. */
static bool paint(const struct tiles *tiles, const struct area *area, void *pixels,
                  int width, int height, double x, double y) {
    cairo_surface_t *surface = cairo_image_surface_create_for_data(
        pixels, CAIRO_FORMAT_ARGB32, width, height, width * 4);
    cairo_t *cairo = cairo_create(surface);
    cairo_rectangle(cairo, x, y, (double)area->width, (double)area->height);
    cairo_clip(cairo);
    cairo_translate(cairo, x, y);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    colour_t colour = tiles->page->layout.background;
    cairo_set_source_rgba(cairo, (colour >> 16 & 255) / 255.0,
                          (colour >> 8 & 255) / 255.0, (colour & 255) / 255.0,
                          (colour >> 24) / 255.0);
    cairo_paint(cairo);
    bool complete = layout_paint(&tiles->page->layout, cairo, area);
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    return complete;
}

static bool is_current(const struct tiles *tiles, const struct tile *tile) {
    return tile->pixels != NO_REF && tile->painted &&
           tile->version == tiles->page->version;
}

/* Whether it is to be painted, and can be. */
static bool is_wanted(const struct tiles *tiles, const struct tile *tile) {
    return !is_current(tiles, tile) && (tile->pixels != NO_REF || !tiles->straight);
}

static void paint_tile(struct tiles *tiles, int i) {
    struct tile *tile = &tiles->list[i];
    if (tile->pixels == NO_REF) {
        tiles->locked = tile; /* it is not to be shed while it is being made */
        ref_t pixels = tiles_count(tiles) < TILES_MOST
                           ? store_new(tiles->page->store, TILE_BYTES)
                           : NO_REF;
        tiles->locked = NULL;
        tile->pixels = pixels;
        if (pixels == NO_REF) {
            tiles->straight = tiles->dirty = true;
            return;
        }
    }
    struct area area = area_of(tiles, i);
    tiles->locked = tile;
    bool complete =
        paint(tiles, &area, store_lock(tile->pixels), TILE_SIDE, TILE_SIDE, 0, 0);
    store_unlock(tile->pixels);
    tiles->locked = NULL;
    tile->painted = true;
    tile->version = tiles->page->version;
    tile->missing = complete ? 0 : missing_in(tiles, &area);
    tiles->dirty |= is_seen(tiles, i);
}

static int next_to_paint(const struct tiles *tiles) {
    int ahead = -1;
    for (int i = 0; i < n_tiles(tiles); i++) {
        if (!is_wanted(tiles, &tiles->list[i])) continue;
        if (is_seen(tiles, i)) return i;
        if (ahead < 0) ahead = i;
    }
    return ahead;
}

bool tiles_paint(struct tiles *tiles, uint64_t deadline_ns) {
    if (tiles->page == NULL || !page_is_laid_out(tiles->page)) return false;
    int i;
    while ((i = next_to_paint(tiles)) >= 0) {
        paint_tile(tiles, i);
        if (clock_wall_ns() >= deadline_ns) break;
    }
    return next_to_paint(tiles) >= 0;
}

bool tiles_busy(const struct tiles *tiles) {
    if (tiles->page == NULL || !page_is_laid_out(tiles->page)) return false;
    return tiles->images_coming || next_to_paint(tiles) >= 0 || tiles->dirty;
}

/* ------------------------------------------------------------------------------------------ composing */

/* Copies what is seen of a tile. */
static void copy_tile(const struct tiles *tiles, int i, uint32_t *screen) {
    int width = tiles->engine->width, height = tiles->engine->height;
    int x = i % tiles->n_columns * TILE_SIDE;
    int y = (tiles->first_row + i / tiles->n_columns) * TILE_SIDE - tiles->top;
    int n = width - x < TILE_SIDE ? width - x : TILE_SIDE;
    const uint32_t *from = store_lock(tiles->list[i].pixels);
    for (int row = y < 0 ? -y : 0; row < TILE_SIDE && y + row < height; row++)
        memcpy(screen + (size_t)(y + row) * (size_t)width + x, from + row * TILE_SIDE,
               (size_t)n * sizeof *from);
    store_unlock(tiles->list[i].pixels);
}

static void paint_straight(const struct tiles *tiles, const struct area *area,
                           void *screen) {
    paint(tiles, area, screen, tiles->engine->width, tiles->engine->height,
          (double)area->x, (double)area->y - tiles->top);
}

static void compose_tiles(struct tiles *tiles, uint32_t *screen) {
    for (int i = 0; i < n_tiles(tiles); i++) {
        struct area area = area_of(tiles, i);
        if (!is_seen(tiles, i)) {
            continue;
        } else if (tiles->list[i].pixels != NO_REF) {
            copy_tile(tiles, i, screen);
        } else if (tiles->straight) {
            paint_straight(tiles, &area, screen);
        }
    }
}

void tiles_compose(struct tiles *tiles, void *screen) {
    struct page *page = tiles->page;
    size_t n = (size_t)tiles->engine->width * (size_t)tiles->engine->height;
    bool wait = page != NULL && page->state != PAGE_EMPTY && !page_is_laid_out(page) &&
                page_busy(page);
    bool empty = page == NULL || !page_is_laid_out(page);
    /* What was there is seen until there is something else of the same tab. */
    if (!wait || tiles->blank) memset(screen, 0xff, n * 4);
    if (empty) {
        /* There is nothing to be seen. */
    } else if (n_tiles(tiles) == 0) {
        struct area all = {.y = (float)tiles->top,
                           .width = (float)tiles->engine->width,
                           .height = (float)tiles->engine->height};
        paint_straight(tiles, &all, screen);
    } else {
        compose_tiles(tiles, screen);
    }
    tiles->dirty = tiles->blank = false;
}

/* ------------------------------------------------------------------------------------------- shortage */

unsigned tiles_count(const struct tiles *tiles) {
    unsigned n = 0;
    for (int i = 0; i < n_tiles(tiles); i++) n += tiles->list[i].pixels != NO_REF;
    return n;
}

bool tiles_shed(struct tiles *tiles) {
    int victim = -1;
    for (int i = 0; i < n_tiles(tiles); i++) {
        struct tile *tile = &tiles->list[i];
        if (tile->pixels != NO_REF && tile != tiles->locked &&
            (victim < 0 || !is_seen(tiles, i)))
            victim = i;
    }
    if (victim < 0) return false;
    free_tile(tiles, &tiles->list[victim]);
    /* Or two tiles would take each other's memory, in turn, for ever. */
    tiles->straight = tiles->dirty = true;
    return true;
}
