/* SPDX-License-Identifier: MIT */
/* Of a page: its layout, what its images have to do with that, and where it is scrolled to. */
#include "browse/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "browse/pictures.h"
#include "browse/tiles.h"
#include "net/url.h"

/* So often a page is laid out before all its images have come, and so far apart: that one of them hangs keeps nobody
   from reading. */
enum { LAYOUTS_EARLY = 4 };
#define EARLY_NS UINT64_C(1000000000)

/* -------------------------------------------------------------------------------------------- layout */

static image_id_t image_of(void *context, const char *src) {
    struct page *page = context;
    char *url = page_resolve(page, src);
    image_id_t id = url != NULL ? cache_use(page->engine->cache, url) : 0;
    url_free(url);
    return id;
}

static void forget_images(struct page *page, ref_t images, uint32_t n) {
    if (images == NO_REF) return;
    const image_id_t *ids = store_lock(images);
    for (uint32_t i = 0; i < n; i++) {
        if (ids[i] != 0) cache_unuse(page->engine->cache, ids[i]);
    }
    store_unlock(images);
    store_free(page->store, images);
}

static void go_to_fragment(struct page *page) {
    char *url = history_url(page->history);
    char *fragment = url != NULL ? url_fragment(url) : NULL;
    float y = 0;
    if (fragment == NULL || fragment[0] == '\0' ||
        layout_anchor(&page->layout, fragment, &y) || strcmp(fragment, "top") == 0)
        page->scroll = y;
    url_free(fragment);
    free(url);
}

static bool is_known(cache_t *cache, image_id_t id) {
    int width, height;
    return cache_size(cache, id, &width, &height) ||
           cache_state(cache, id) == IMAGE_FAILED;
}

/* How many of its images will not surprise the layout any more; begins to fetch the others where `fetch`. */
static uint32_t count_known(struct page *page, bool fetch) {
    cache_t *cache = page->engine->cache;
    uint32_t known = 0;
    if (fetch) page->images_coming = false;
    if (page->layout.images == NO_REF) return 0;
    const image_id_t *ids = store_lock(page->layout.images);
    for (uint32_t i = 0; i < page->layout.n_images; i++) {
        if (ids[i] == 0) continue;
        if (fetch && !is_known(cache, ids[i]) &&
            cache_state(cache, ids[i]) == IMAGE_WANTED)
            pictures_fetch(page->engine->pictures, ids[i], page);
        if (is_known(cache, ids[i])) {
            known++;
        } else if (fetch) {
            page->images_coming = true;
        }
    }
    store_unlock(page->layout.images);
    return known;
}

static void laid_out(struct page *page) {
    if (page->direct != 0) cache_unuse(page->engine->cache, page->direct);
    page->direct = 0;
    page->state = PAGE_SHOWN;
    page->version++;
    page->n_layouts++;
    page->laid_ns = clock_wall_ns();
    page->n_known = count_known(page, false);
    page->settled = pictures_settled(page->engine->pictures) - 1; /* to be looked at */
    if (page->to_fragment) go_to_fragment(page);
    tiles_laid_out(page->engine->tiles, page);
}

void page_lay_out(struct page *page) {
    /* The images stay used from one layout to the next, or their sizes would be forgotten in between. */
    ref_t images = page->layout.images;
    uint32_t n_images = page->layout.n_images;
    page->layout.images = NO_REF;
    page->layout.n_images = 0;
    if (page->layout.store != NULL) layout_free(&page->layout);
    page->layout = (layout_t){0};

    struct layout_input input = {.document = &page->document,
                                 .sheets = page->sheets.list,
                                 .n_sheets = page->sheets.n,
                                 .width = (float)page->engine->width,
                                 .cache = page->engine->cache,
                                 .image_of = image_of,
                                 .context = page};
    bool made = layout_make(&page->layout, page->store, &input);
    if (!made) page->layout = (layout_t){0};
    if (made && !page->layout.truncated) {
        laid_out(page);
    } else {
        page_fail_without_memory(page);
    }
    forget_images(page, images, n_images);
}

bool page_look_at_images(struct page *page) {
    uint64_t settled = pictures_settled(page->engine->pictures);
    if (page->settled == settled && !page->images_coming) return false;
    if (page->settled != settled) page->n_known_now = count_known(page, true);
    page->settled = pictures_settled(page->engine->pictures);
    if (page->n_known_now <= page->n_known) return false;
    return !page->images_coming || (page->n_layouts < LAYOUTS_EARLY &&
                                    clock_wall_ns() - page->laid_ns >= EARLY_NS);
}

void page_resized(struct page *page) {
    if (page->state == PAGE_SHOWN && page_is_laid_out(page)) page->state = PAGE_LAYOUT;
}

/* ----------------------------------------------------------------------------------------- scrolling */

int page_top(const struct page *page) {
    if (!page_is_laid_out(page)) return 0;
    float most = ceilf(page->layout.height) - (float)page->engine->height;
    float top = roundf(page->scroll);
    return (int)(top < most ? top : most > 0 ? most : 0);
}

/* While a page is not what it will be, nobody knows where it ends: what is wanted is kept as it is, so that it does not
   depend on what had come when it was asked for. */
static float wanted(const struct page *page) {
    return page_is_laid_out(page) && !page_busy(page) ? (float)page_top(page)
                                                      : page->scroll;
}

void page_scroll_to(struct page *page, float y) {
    page->to_fragment = false;
    page->scroll = y > 0 ? fminf(y, 1e7F) : 0;
    page->scroll = wanted(page);
}

void page_scroll_by(struct page *page, float pixels) {
    float from = page_is_laid_out(page) ? (float)page_top(page) : page->scroll;
    page_scroll_to(page, from + pixels);
}

void page_turn_to_entry(struct page *page) {
    struct entry entry = history_look(page->history);
    page->to_fragment = entry.scroll < 0;
    if (!page->to_fragment) {
        page->scroll = entry.scroll;
    } else if (page_is_laid_out(page)) {
        go_to_fragment(page);
    }
}

void page_leave_entry(struct page *page) {
    if (page->state == PAGE_EMPTY) return;
    history_set_scroll(page->history,
                       page->to_fragment && page_busy(page) ? -1 : wanted(page));
}
