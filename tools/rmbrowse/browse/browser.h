/* SPDX-License-Identifier: MIT */
/*
 * The browser without a face: tabs, pages being loaded, history, and the frame, in which everything happens: what has
 * come from the network is taken, a slice of a page is parsed or laid out, missing tiles are painted, and in what is
 * left of 16 ms heaps are compacted.
 *
 *      common store     image cache, own style sheet, the screen
 *      a tab's store    sources, DOM, styles, boxes, tiles, history: one heap a tab, or the common one for all
 */
#ifndef RMBROWSE_BROWSER_H
#define RMBROWSE_BROWSER_H

#include "image/cache.h"
#include "net/fetch.h"
#include "store/memory.h"
#include "store/store.h"

#define FRAME_NS UINT64_C(16000000)
enum { TABS_MAX = 256 };

struct browser_options {
    compaction_t compaction;
    bool shared;         /* one heap for all tabs */
    int width, height;   /* of the view of a page, pixels */
    size_t image_budget; /* bytes of decoded images */
    size_t budget;       /* bytes of footprint, memory.h; 0: no limit */
    struct fetch_limits fetch;
};
extern const struct browser_options
    browser_options_default; /* idle, a heap a tab, 1024 x 768, 8 MiB, none */

typedef struct browser browser_t;

/* Returns: NULL, said on standard error. */
browser_t *browser_create(const struct browser_options *options);
/* Closes all tabs. Returns: how many objects were left in the stores: 0, or there is a mistake. */
size_t browser_destroy(browser_t *browser);

/* ------------------------------------------------------------------ tabs; numbers are for life, from 1 */

/* Opens a tab, shows it, and begins to load. 0: there are too many, or no memory. */
unsigned browser_open(browser_t *browser, const char *url);
/* False: there is none of that number. The tab shown then is the one opened last of those left. */
bool browser_close(browser_t *browser, unsigned tab);
bool browser_show(browser_t *browser, unsigned tab);
unsigned browser_shown(const browser_t *browser); /* 0: no tab is open */
/* The numbers of the open tabs in the order of their opening. Returns: how many. */
unsigned browser_tabs(const browser_t *browser, unsigned *numbers, unsigned most);
/* A tab's title, or its URL where there is none, into `text`; "" where there is no such tab. */
void browser_title(const browser_t *browser, unsigned tab, char *text, size_t size);
void browser_url(const browser_t *browser, unsigned tab, char *text, size_t size);

/* --------------------------------------------------------------------------- of the tab that is shown */

bool browser_go(browser_t *browser, const char *url);
bool browser_back(browser_t *browser); /* false: there is nothing to go back to */
bool browser_forward(browser_t *browser);
bool browser_reload(browser_t *browser);
void browser_scroll_by(browser_t *browser, float pixels);
void browser_scroll_to(browser_t *browser, float y);
float browser_scroll(const browser_t *browser);
float browser_page_height(const browser_t *browser);
/* Follows the link at a point of the view; false: there is none, or it leads to nothing that is fetched. */
bool browser_click(browser_t *browser, float x, float y);
/* Where the link there leads, as a URL, into `url`, or nowhere where size is 0; false: there is none, and nothing is
   written. */
bool browser_link(const browser_t *browser, float x, float y, char *url, size_t size);
/* Follows the first link whose text contains `text`, scrolled into view; false: as above. */
bool browser_click_text(browser_t *browser, const char *text);
void browser_resize(browser_t *browser, int width, int height);

/* ------------------------------------------------------------------------------------------- frames */

/* One frame, and what there is of it to be told. */
struct frame {
    uint64_t number;   /* from 1 */
    uint64_t begin_ns; /* since the browser was created */
    uint64_t work_ns;  /* taken by all but compaction */
    struct store_work compaction;
    uint64_t longest_allocation_ns;
    bool
        busy; /* pages are being loaded, laid out or painted: more frames are wanted soon */
    bool compacting; /* there is more to compact */
    bool changed;    /* the screen has */
};

/*
 * Runs one frame.
 *  wait_ms: how long it may sleep for the network where there is nothing else to do.
 */
void browser_frame(browser_t *browser, int wait_ms, struct frame *frame);

/* The view of the shown page as of the last frame: an object of the common store, CAIRO_FORMAT_ARGB32 without
   transparency, rows of 4 * width bytes; to be locked while it is looked at. NO_REF: no memory. */
ref_t browser_screen(const browser_t *browser, int *width, int *height);

/* Compacts everything now, by a key; what is free is given back. */
void browser_compact(browser_t *browser, struct store_work *work);

/* What has happened since it was created. */
struct browser_counts {
    unsigned tabs, loads,
        failures; /* loads: pages begun, reloads and back included; failures: error pages shown */
    struct cache_figures images;
    size_t tiles, tile_bytes, nodes, boxes,
        sources; /* of all tabs, live: sources in bytes */
};
void browser_count(const browser_t *browser, struct browser_counts *counts);

#endif
