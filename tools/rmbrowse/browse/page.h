/* SPDX-License-Identifier: MIT */
/*
 * A page on its way from a URL to what is seen.
 *
 *      EMPTY ──> FETCHING ──> PARSING ──> SHEETS ──> LAYOUT ──> SHOWN
 *                   │ kept source ^  slices   waits for  ^          │ sizes of images are known, or the view's
 *                   └─────────────┘           the last   └──────────┘ width is another
 *
 * It is the page of the current entry of the tab's history. What goes wrong makes it a page that says so.
 */
#ifndef RMBROWSE_PAGE_H
#define RMBROWSE_PAGE_H

#include "browse/engine.h"
#include "browse/history.h"
#include "browse/sheets.h"
#include "dom/build.h"
#include "layout/layout.h"

typedef enum page_state {
    PAGE_EMPTY, /* nothing was loaded yet */
    PAGE_FETCHING,
    PAGE_PARSING,
    PAGE_SHEETS,
    PAGE_LAYOUT,
    PAGE_SHOWN
} page_state_t;

struct page {
    struct engine *engine;
    store_t *store;
    struct history *history;
    page_state_t state;
    uint32_t load; /* the entry's */
    fetch_t *fetch;
    struct source source; /* while it is parsed; the history's before and after */
    size_t fed;           /* bytes of it that were parsed */
    size_t refusals;      /* memory_refusals() before it was begun */
    builder_t *builder;
    document_t document;
    ref_t base; /* a string, where the document names one that differs from its URL */
    image_id_t
        direct; /* a use of the image that is shown as a page, until the layout has one */
    struct sheets sheets;
    layout_t layout;
    float scroll;       /* wanted; page_top() says what can be had */
    bool to_fragment;   /* the URL's fragment says where, until someone scrolls */
    bool failed;        /* it says what went wrong */
    uint32_t version;   /* of the layout */
    unsigned n_layouts; /* of this page */
    uint32_t n_known,
        n_known_now; /* images whose size, or failure, the layout knew; and is known now */
    uint64_t laid_ns;
    uint64_t settled; /* pictures_settled() when the images were looked at last */
    bool
        images_coming; /* some whose sizes matter are on their way, or wait for a place */
};

void page_init(struct page *page, struct engine *engine, store_t *store,
               struct history *history);
/* Frees all that it is made of; it is PAGE_EMPTY then. */
void page_finish(struct page *page);

/* Ends what it was, and begins to load the current entry: from the source that is kept, or from the network. */
void page_load(struct page *page);
/* Becomes a page that says what went wrong. */
void page_fail(struct page *page, const char *title, const char *what);
void page_fail_without_memory(struct page *page);

/* Goes on, at least one step where there is one to do, until the deadline. Returns: whether there is more to do that
   waits for nobody. */
bool page_work(struct page *page, uint64_t deadline_ns);
/* Whether it is not what it will be. */
bool page_busy(const struct page *page);
/* The view has another width. */
void page_resized(struct page *page);

/* What page_work does of page_layout.c: lays it out; fetches images of which no size is known. Returns: whether it is
   to be laid out again, as more is known of them than there was. */
void page_lay_out(struct page *page);
bool page_look_at_images(struct page *page);

static inline bool page_is_laid_out(const struct page *page) {
    return page->layout.root != NO_REF;
}

/* A reference on this page as a URL: url_free(); NULL: none that can be fetched. */
char *page_resolve(const struct page *page, const char *reference);

/* Whole pixels of the page that are above the view. */
int page_top(const struct page *page);
void page_scroll_to(struct page *page, float y);
void page_scroll_by(struct page *page, float pixels);
/* The page's current entry was changed for another one of the same load. */
void page_turn_to_entry(struct page *page);
/* Where it stands is written to the current entry. */
void page_leave_entry(struct page *page);

#endif
