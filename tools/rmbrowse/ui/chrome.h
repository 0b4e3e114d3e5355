/* SPDX-License-Identifier: MIT */
/*
 * What is around the page in the window: the tabs, and the line with the address.
 *
 *      | Handbook    x | Cairo       x |  +                       |      tabs
 *      |  <  >  o  ( file:///usr/share/doc/...                  ) |      address
 */
#ifndef RMBROWSE_CHROME_H
#define RMBROWSE_CHROME_H

#include <cairo.h>

#include "browse/browser.h"
#include "ui/entry.h"

enum {
    CHROME_TABS = 36,
    CHROME_ADDRESS = 40,
    CHROME_HEIGHT = CHROME_TABS + CHROME_ADDRESS
};

struct chrome {
    browser_t *browser;
    const struct entry *entry;
    int width; /* of the window */
    bool busy;
};

/* What a new tab shows: it has no address to be seen. */
#define BLANK_PAGE "about:blank"

void chrome_draw(const struct chrome *chrome, cairo_t *cairo);

/* What is at a point of it. */
enum spot {
    SPOT_NONE,
    SPOT_TAB,
    SPOT_CROSS, /* that closes a tab */
    SPOT_NEW,
    SPOT_BACK,
    SPOT_FORWARD,
    SPOT_RELOAD,
    SPOT_ADDRESS
};
/*
 *  tab: receives the tab's number, of SPOT_TAB and SPOT_CROSS.
 *  at:  receives the byte of the entry's text, of SPOT_ADDRESS.
 */
enum spot chrome_spot(const struct chrome *chrome, double x, double y, unsigned *tab,
                      int *at);

#endif
