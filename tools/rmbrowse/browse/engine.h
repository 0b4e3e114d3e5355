/* SPDX-License-Identifier: MIT */
/* What all pages of a browser are made with. */
#ifndef RMBROWSE_ENGINE_H
#define RMBROWSE_ENGINE_H

#include "base/clock.h"
#include "browse/browser.h"
#include "dom/style.h"

struct pictures;
struct tiles;

struct engine {
    store_t *common; /* the screen, the browser's own style sheet */
    /* The cache's: it may not be held where images are named, as layouts hold others. */
    store_t *images;
    fetcher_t *fetcher;
    cache_t *cache;
    struct pictures *pictures;
    struct tiles *tiles; /* of the tab that is shown */
    sheet_t own;         /* the browser's own style sheet */
    int width, height;   /* of the view */
    unsigned loads, failures;
};

#endif
