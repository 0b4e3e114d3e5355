/* SPDX-License-Identifier: MIT */
/*
 * A document laid out for a width: a tree of boxes, objects of the tab's store, in page pixels from the top left. A
 * box of lines is a paragraph: its text with white space collapsed, and spans of it that have a font, a colour, a
 * link, an image. Pango breaks it into lines when it is laid out and again when it is painted; it gives the same lines
 * both times, so that none of its own objects are kept.
 */
#ifndef RMBROWSE_LAYOUT_H
#define RMBROWSE_LAYOUT_H

#include <cairo.h>

#include "dom/style.h"
#include "image/cache.h"

/* What a page's images are called by the layout: the entry of the cache for a URL as it stands in the document
   (relative); 0: none. Called once an <img>. */
typedef image_id_t image_of_fn(void *context, const char *src);

struct layout_input {
    const document_t *document;
    const sheet_t *sheets; /* own first; all may be in several stores */
    size_t n_sheets;
    float width;    /* of the page */
    cache_t *cache; /* for images' sizes and pixels */
    image_of_fn *image_of;
    void *context;
};

typedef struct layout {
    store_t *store;
    ref_t root;    /* of the boxes; NO_REF: nothing is laid out */
    ref_t anchors; /* ids and names with their y, sorted */
    ref_t
        images; /* image_id_t of every image that it shows, in order, each one a use of the cache's */
    uint32_t n_anchors, n_images, n_boxes;
    float width, height; /* of the page: of what is in it, where that is wider */
    colour_t background;
    cache_t *cache;
    bool truncated; /* memory ran out */
} layout_t;

/* Lays out from nothing; the stores are held meanwhile. The document has to outlive the layout, whose links and
   placeholders are its attributes. Returns: false where nothing could be made; there is nothing to free then. */
bool layout_make(layout_t *layout, store_t *store, const struct layout_input *input);
void layout_free(layout_t *layout);

/* A rectangle of a page. */
struct area {
    float x, y, width, height;
};

/* Paints what lies in `area` of the page, its top left corner at the origin of the surface. Images that are not there
   are placeholders. Returns: false where one that is wanted was not there yet. */
bool layout_paint(const layout_t *layout, cairo_t *cairo, const struct area *area);

/* The link at a point of the page: its href as it stands, for the caller to free(); NULL: none. */
char *layout_link_at(const layout_t *layout, float x, float y);
/* The first link whose text contains `text`, as a point in it; false: none. An image says what its `alt` does. */
bool layout_find_link(const layout_t *layout, const char *text, float *x, float *y);
/* Where an id, or a name of <a>, is; false: nowhere. */
bool layout_anchor(const layout_t *layout, const char *name, float *y);
/* Calls `visit` for each image in an area, once for each place that it is shown at. */
void layout_images_in(const layout_t *layout, const struct area *area,
                      void (*visit)(void *context, image_id_t id), void *context);

/* Lets go of fonts, at the end of the program. A thread of Pango's may hold them a while longer, so that Cairo and
   fontconfig cannot be asked to forget them. */
void layout_finish(void);

#endif
