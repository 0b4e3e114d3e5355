/* SPDX-License-Identifier: MIT */
/* A site in a temporary folder for tests of the browser, and what is done with a browser in all of them. */
#ifndef SITE_H
#define SITE_H

#include "browse/browser.h"

/*
 * Makes the folder:
 *
 *      index.html        links to the others, a style sheet, an image of a size that nobody names
 *      long.html         60 paragraphs, anchors "p1" to "p60", an image every 6
 *      pictures.html     whole, truncated, lying, missing ones
 *      broken.html       what nobody closes, and what is no HTML
 *      text.txt, empty.html, image.png (200 x 100), large.png (1600 x 1200), sound.ogg (neither page nor text)
 *      page0.html ... page11.html   short ones
 */
void site_begin(void);
/* One that another process has made, and removes. */
void site_use(const char *folder);
void site_forget(void);
/* Removes it. */
void site_end(void);
/* The folder. */
const char *site_root(void);
/* The URL of one of its files; good until the next call but seven. */
const char *site_url(const char *name);
void site_write(const char *name, const char *text, size_t n);
void site_remove(const char *name);

/* Options with little patience and a small view. */
struct browser_options site_options(void);
/* Frames until nothing is busy any more: g_error after five minutes. */
void settle(browser_t *browser);
/* Opens a page, or goes to one, and settles. */
unsigned open_page(browser_t *browser, const char *url);
void go_to(browser_t *browser, const char *url);
/* A checksum of the screen, for g_free(). */
char *screen_sum(const browser_t *browser);
/* How many pixels of the screen are white. */
size_t white_pixels(const browser_t *browser);

#endif
