/* SPDX-License-Identifier: MIT */
#include "browse/browser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"
#include "browse/frame.h"
#include "browse/pictures.h"
#include "net/url.h"

const struct browser_options browser_options_default = {.compaction = COMPACT_IDLE,
                                                        .width = 1024,
                                                        .height = 768,
                                                        .image_budget = 8 << 20,
                                                        .fetch = FETCH_LIMITS_DEFAULT};

/* ---------------------------------------------------------------------------------------------- life */

static bool shed_tile(void *context) {
    browser_t *browser = context;
    return tiles_shed(&browser->tiles);
}

/* Of tabs that are not shown first. */
static bool shed_source(void *context) {
    browser_t *browser = context;
    for (unsigned i = 0; i < browser->n_tabs; i++) {
        struct tab *tab = browser->tabs[i];
        if (tab != browser->shown && history_shed(&tab->history)) return true;
    }
    return browser->shown != NULL && history_shed(&browser->shown->history);
}

/* What is short is taken of tiles first, which are soonest made again; then of images; then of sources. */
static bool begin(browser_t *browser) {
    struct engine *engine = &browser->engine;
    memory_limit(browser->options.budget);
    memory_on_shortage(shed_tile, browser);
    engine->common = store_open("browser", browser->options.compaction);
    engine->images = store_open("images", browser->options.compaction);
    engine->fetcher = fetcher_create(&browser->options.fetch);
    engine->pictures = pictures_create(engine);
    if (engine->common == NULL || engine->images == NULL) return false;
    engine->cache = cache_create(engine->images, browser->options.image_budget);
    memory_on_shortage(shed_source, browser);
    if (engine->fetcher == NULL || engine->pictures == NULL || engine->cache == NULL)
        return false;
    sheet_parse_own(&engine->own, engine->common);
    return true;
}

browser_t *browser_create(const struct browser_options *options) {
    browser_t *browser = calloc(1, sizeof *browser);
    if (browser != NULL) {
        browser->options = *options;
        browser->begin_ns = clock_wall_ns();
        browser->engine.width = options->width > 0 ? options->width : 1;
        browser->engine.height = options->height > 0 ? options->height : 1;
        browser->engine.tiles = &browser->tiles;
        tiles_init(&browser->tiles, &browser->engine);
        browser->tiles.dirty = true;
        if (begin(browser)) return browser;
        browser_destroy(browser);
    }
    complain(STATUS_IO, "there is no memory to begin with");
    return NULL;
}

size_t browser_destroy(browser_t *browser) {
    if (browser == NULL) return 0;
    struct engine *engine = &browser->engine;
    size_t left = 0;
    while (browser->n_tabs > 0) browser_close(browser, browser->tabs[0]->number);
    left += browser->left;
    pictures_destroy(engine->pictures);
    cache_destroy(engine->cache);
    fetcher_destroy(engine->fetcher);
    if (engine->own.store != NULL) sheet_free(&engine->own);
    if (browser->screen != NO_REF) store_free(engine->common, browser->screen);
    memory_forget_shortage(shed_tile, browser);
    memory_forget_shortage(shed_source, browser);
    left += store_close(engine->images);
    left += store_close(engine->common);
    memory_limit(0);
    free(browser);
    return left;
}

/* ---------------------------------------------------------------------------------------------- tabs */

static int index_of(const browser_t *browser, unsigned number) {
    for (unsigned i = 0; i < browser->n_tabs; i++) {
        if (browser->tabs[i]->number == number) return (int)i;
    }
    return -1;
}

static const struct tab *tab_of(const browser_t *browser, unsigned number) {
    int i = index_of(browser, number);
    return i < 0 ? NULL : browser->tabs[i];
}

static void show(browser_t *browser, struct tab *tab) {
    if (tab == browser->shown) return;
    browser->shown = tab;
    browser->stirred = true;
    tiles_show(&browser->tiles, tab != NULL ? &tab->page : NULL);
}

unsigned browser_open(browser_t *browser, const char *url) {
    if (browser->n_tabs == TABS_MAX) return 0;
    struct tab *tab =
        tab_open(&browser->engine, browser->last_number + 1, browser->options.compaction,
                 browser->options.shared ? browser->engine.common : NULL);
    if (tab == NULL) return 0;
    if (!tab_go(tab, url)) {
        browser->left += tab_close(tab);
        return 0;
    }
    browser->tabs[browser->n_tabs++] = tab;
    browser->last_number++;
    show(browser, tab);
    return tab->number;
}

bool browser_close(browser_t *browser, unsigned number) {
    int i = index_of(browser, number);
    if (i < 0) return false;
    struct tab *tab = browser->tabs[i];
    browser->n_tabs--;
    memmove(&browser->tabs[i], &browser->tabs[i + 1],
            (browser->n_tabs - (unsigned)i) * sizeof browser->tabs[0]);
    if (tab == browser->shown)
        show(browser, browser->n_tabs > 0 ? browser->tabs[browser->n_tabs - 1] : NULL);
    browser->left += tab_close(tab);
    browser->stirred = true;
    return true;
}

bool browser_show(browser_t *browser, unsigned number) {
    int i = index_of(browser, number);
    if (i >= 0) show(browser, browser->tabs[i]);
    return i >= 0;
}

unsigned browser_shown(const browser_t *browser) {
    return browser->shown != NULL ? browser->shown->number : 0;
}

unsigned browser_tabs(const browser_t *browser, unsigned *numbers, unsigned most) {
    for (unsigned i = 0; i < browser->n_tabs && i < most; i++)
        numbers[i] = browser->tabs[i]->number;
    return browser->n_tabs;
}

void browser_title(const browser_t *browser, unsigned number, char *text, size_t size) {
    const struct tab *tab = tab_of(browser, number);
    if (size > 0) text[0] = '\0';
    if (tab != NULL) tab_title(tab, text, size);
}

void browser_url(const browser_t *browser, unsigned number, char *text, size_t size) {
    const struct tab *tab = tab_of(browser, number);
    if (size > 0) text[0] = '\0';
    if (tab != NULL) tab_url(tab, text, size);
}

/* ------------------------------------------------------------------------------------------ commands */

bool browser_go(browser_t *browser, const char *url) {
    browser->stirred = true;
    return browser->shown != NULL && tab_go(browser->shown, url);
}

bool browser_back(browser_t *browser) {
    browser->stirred = true;
    return browser->shown != NULL && tab_travel(browser->shown, -1);
}

bool browser_forward(browser_t *browser) {
    browser->stirred = true;
    return browser->shown != NULL && tab_travel(browser->shown, 1);
}

bool browser_reload(browser_t *browser) {
    browser->stirred = true;
    return browser->shown != NULL && tab_reload(browser->shown);
}

void browser_scroll_by(browser_t *browser, float pixels) {
    browser->stirred = true;
    if (browser->shown != NULL) page_scroll_by(&browser->shown->page, pixels);
}

void browser_scroll_to(browser_t *browser, float y) {
    browser->stirred = true;
    if (browser->shown != NULL) page_scroll_to(&browser->shown->page, y);
}

float browser_scroll(const browser_t *browser) {
    return browser->shown != NULL ? (float)page_top(&browser->shown->page) : 0;
}

float browser_page_height(const browser_t *browser) {
    return browser->shown != NULL ? browser->shown->page.layout.height : 0;
}

static char *link_at(const browser_t *browser, float x, float y) {
    return browser->shown != NULL
               ? tab_link_at(browser->shown, x, y + browser_scroll(browser))
               : NULL;
}

bool browser_click(browser_t *browser, float x, float y) {
    char *href = link_at(browser, x, y);
    bool followed = href != NULL && tab_follow(browser->shown, href);
    browser->stirred = true;
    free(href);
    return followed;
}

bool browser_link(const browser_t *browser, float x, float y, char *url, size_t size) {
    char *href = link_at(browser, x, y);
    char *whole = href != NULL ? page_resolve(&browser->shown->page, href) : NULL;
    bool leads = whole != NULL;
    if (leads) snprintf(url, size, "%s", whole);
    url_free(whole);
    free(href);
    return leads;
}

bool browser_click_text(browser_t *browser, const char *text) {
    float x, y, height = (float)browser->engine.height;
    if (browser->shown == NULL) return false;
    struct page *page = &browser->shown->page;
    if (!page_is_laid_out(page) || !layout_find_link(&page->layout, text, &x, &y))
        return false;
    float top = browser_scroll(browser);
    if (y < top || y >= top + height) page_scroll_to(page, y - height / 2);
    return browser_click(browser, x, y - browser_scroll(browser));
}

void browser_resize(browser_t *browser, int width, int height) {
    struct engine *engine = &browser->engine;
    bool other_width = width != engine->width;
    if (width < 1 || height < 1 || (!other_width && height == engine->height)) return;
    engine->width = width;
    engine->height = height;
    if (browser->screen != NO_REF) store_free(engine->common, browser->screen);
    browser->screen = NO_REF;
    browser->stirred = true;
    tiles_show(&browser->tiles, browser->tiles.page);
    for (unsigned i = 0; i < browser->n_tabs && other_width; i++)
        page_resized(&browser->tabs[i]->page);
}
