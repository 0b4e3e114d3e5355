/* SPDX-License-Identifier: MIT */
/*
 * One frame, from its begin:
 *
 *      0                  4       9       13                   16 ms
 *      | network | images | pages | tiles | screen | compaction |
 *
 * Each part goes on at least one step, and stops at its end when there is more.
 */
#include "browse/frame.h"

#include "browse/pictures.h"

#define IMAGES_END_NS UINT64_C(4000000)
#define PAGES_END_NS UINT64_C(9000000)
#define TILES_END_NS UINT64_C(13000000)

/* The shown tab's page first, then the others' in what is left. */
static bool work_on_pages(browser_t *browser, uint64_t deadline_ns) {
    bool more = false;
    if (browser->shown != NULL) more = page_work(&browser->shown->page, deadline_ns);
    for (unsigned i = 0; i < browser->n_tabs; i++) {
        if (clock_wall_ns() >= deadline_ns) return true;
        if (browser->tabs[i] != browser->shown)
            more |= page_work(&browser->tabs[i]->page, deadline_ns);
    }
    return more;
}

/* Returns: whether the screen has changed. */
static bool compose(browser_t *browser) {
    struct engine *engine = &browser->engine;
    struct tiles *tiles = &browser->tiles;
    if (!tiles->dirty) return false;
    if (browser->screen == NO_REF) {
        size_t bytes = (size_t)engine->width * (size_t)engine->height * 4;
        browser->screen = store_new(engine->common, bytes);
        tiles->blank = true;
    }
    if (browser->screen == NO_REF) {
        tiles->dirty = false; /* it is tried again when something else is to be seen */
        return false;
    }
    tiles_compose(tiles, store_lock(browser->screen));
    store_unlock(browser->screen);
    return true;
}

static bool is_busy(const browser_t *browser) {
    if (browser->more || tiles_busy(&browser->tiles) ||
        pictures_coming(browser->engine.pictures) > 0)
        return true;
    for (unsigned i = 0; i < browser->n_tabs; i++) {
        if (page_busy(&browser->tabs[i]->page)) return true;
    }
    return false;
}

void browser_frame(browser_t *browser, int wait_ms, struct frame *frame) {
    struct engine *engine = &browser->engine;
    bool idle = !browser->stirred && !browser->more && !browser->compacting;
    browser->stirred = false;
    if (idle && wait_ms > 0) fetcher_poll(engine->fetcher, wait_ms); /* asleep */

    uint64_t begin_ns = clock_wall_ns(), end_ns = begin_ns + FRAME_NS;
    *frame = (struct frame){.number = ++browser->n_frames,
                            .begin_ns = begin_ns - browser->begin_ns};
    fetcher_poll(engine->fetcher, 0);
    browser->more = pictures_work(engine->pictures, begin_ns + IMAGES_END_NS);
    browser->more |= work_on_pages(browser, begin_ns + PAGES_END_NS);
    tiles_follow(&browser->tiles);
    browser->more |= tiles_paint(&browser->tiles, begin_ns + TILES_END_NS);
    frame->changed = compose(browser);
    frame->busy = is_busy(browser);
    frame->work_ns = clock_wall_ns() - begin_ns;

    if (clock_wall_ns() < end_ns)
        browser->compacting = store_idle(end_ns, &frame->compaction);
    frame->compacting = browser->compacting;
    frame->longest_allocation_ns = store_longest_allocation();
}

ref_t browser_screen(const browser_t *browser, int *width, int *height) {
    *width = browser->engine.width;
    *height = browser->engine.height;
    return browser->screen;
}

void browser_compact(browser_t *browser, struct store_work *work) {
    browser->compacting = false;
    store_compact_all(work);
}

void browser_count(const browser_t *browser, struct browser_counts *counts) {
    *counts = (struct browser_counts){.tabs = browser->n_tabs,
                                      .loads = browser->engine.loads,
                                      .failures = browser->engine.failures,
                                      .tiles = tiles_count(&browser->tiles)};
    counts->tile_bytes = counts->tiles * TILE_BYTES;
    cache_look(browser->engine.cache, &counts->images);
    for (unsigned i = 0; i < browser->n_tabs; i++) {
        const struct tab *tab = browser->tabs[i];
        counts->nodes += tab->page.document.n_nodes;
        counts->boxes += tab->page.layout.n_boxes;
        counts->sources += tab->history.source_bytes;
        if (tab->page.source.bytes != NO_REF) counts->sources += tab->page.source.size;
    }
}
