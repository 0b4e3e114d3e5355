/* SPDX-License-Identifier: MIT */
/* A page for tests: built, styled and laid out at once, its sheets and images from files beside it. */
#ifndef RMBROWSE_LAID_H
#define RMBROWSE_LAID_H

#include "layout/layout.h"

enum { LAID_SHEETS = 64 };

struct laid {
    store_t *store;
    cache_t *cache;
    char *folder; /* that what it refers to is relative to */
    document_t document;
    sheet_t sheets[LAID_SHEETS];
    size_t n_sheets;
    layout_t layout;
};

/* Makes all of it; laid->layout is empty where there was no memory. folder: NULL: what it refers to is not there. */
void laid_make(struct laid *laid, store_t *store, cache_t *cache, const char *html,
               size_t n, const char *folder, float width);
/* Lays it out again. */
void laid_again(struct laid *laid, float width);
void laid_free(struct laid *laid);

/* Pixels of an area of it, ARGB32; whether all images were there is in *complete, which may be NULL. */
cairo_surface_t *laid_picture(const struct laid *laid, const struct area *area,
                              bool *complete);

#endif
