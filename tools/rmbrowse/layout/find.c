/* SPDX-License-Identifier: MIT */
/* What is at a point, and where something is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layout/text.h"

/* Calls `visit` for each box of lines that meets an area, in order, until it says true. */
typedef bool lines_fn(void *context, const struct box *box,
                      const struct paragraph *paragraph);
static bool each_lines(const struct box *box, const struct area *area, lines_fn *visit,
                       void *context) {
    if (area && !extent_meets(&box->reach, area)) return false;
    if (box->lines && visit(context, box, store_peek(box->content))) return true;
    for (ref_t ref = box->first_child; ref != NO_REF; ref = box_at(ref)->next)
        if (each_lines(box_at(ref), area, visit, context)) return true;
    return false;
}

static bool layout_each(const layout_t *layout, const struct area *area, lines_fn *visit,
                        void *context) {
    if (layout->root == NO_REF) return false;
    store_hold(layout->store);
    bool stopped = each_lines(box_at(layout->root), area, visit, context);
    store_release(layout->store);
    return stopped;
}

/* --------------------------------------------------------------- a link at a point */

struct at_point {
    float x, y;
    char *href;
};

static bool paragraph_links(const struct paragraph *paragraph) {
    for (size_t i = 0; i < paragraph->n_spans; i++)
        if (paragraph->spans[i].link != NO_REF) return true;
    return false;
}

static char *href_of(ref_t link) {
    const char *href = attribute_of(store_peek(link), store_size(link), "href");
    return href ? strdup(href) : NULL;
}

static bool link_at(void *context, const struct box *box,
                    const struct paragraph *paragraph) {
    struct at_point *at = context;
    if (!paragraph_links(paragraph)) return false;
    PangoLayout *layout = paragraph_layout(paragraph);
    int index = 0, trailing;
    if (pango_layout_xy_to_index(layout, (at->x - box->x) * PANGO_SCALE,
                                 (at->y - box->y) * PANGO_SCALE, &index, &trailing)) {
        const struct span *span =
            &paragraph->spans[span_of(paragraph->spans, paragraph->n_spans, index)];
        if (span->link != NO_REF) at->href = href_of(span->link);
    }
    g_object_unref(layout);
    return at->href;
}

char *layout_link_at(const layout_t *layout, float x, float y) {
    struct at_point at = {x, y, NULL};
    layout_each(layout, &(struct area){x, y, 1, 1}, link_at, &at);
    return at.href;
}

/* ---------------------------------------------------------------- a link by its text */

struct by_text {
    const char *text;
    size_t n;
    float x, y;
};

/* The end of the spans from `first` on that have the same link. */
static size_t link_end(const struct paragraph *paragraph, size_t first) {
    size_t end = first + 1;
    while (end < paragraph->n_spans &&
           paragraph->spans[end].link == paragraph->spans[first].link)
        end++;
    return end;
}

/* Where the text is in the spans of a link: a byte; or -1. An image says what stands for it. */
static long link_match(const struct paragraph *paragraph, size_t first, size_t end,
                       const struct by_text *by) {
    uint32_t from = paragraph->spans[first].start;
    uint32_t to =
        end < paragraph->n_spans ? paragraph->spans[end].start : paragraph->n_text;
    const char *text = paragraph_text(paragraph);
    const char *found = memmem(text + from, to - from, by->text, by->n);
    if (found) return found - text;
    for (size_t i = first; i < end; i++) {
        ref_t button = paragraph->spans[i].button;
        const char *words =
            button ? attribute_of(store_peek(button), store_size(button), "alt") : NULL;
        if (words && strstr(words, by->text)) return paragraph->spans[i].start;
    }
    return -1;
}

static bool link_by_text(void *context, const struct box *box,
                         const struct paragraph *paragraph) {
    struct by_text *by = context;
    size_t end;
    for (size_t i = 0; i < paragraph->n_spans; i = end) {
        end = link_end(paragraph, i);
        if (paragraph->spans[i].link == NO_REF) continue;
        long index = link_match(paragraph, i, end, by);
        if (index < 0) continue;
        PangoLayout *layout = paragraph_layout(paragraph);
        PangoRectangle at;
        pango_layout_index_to_pos(layout, index, &at);
        by->x = box->x + (at.x + at.width / 2) / (float)PANGO_SCALE;
        by->y = box->y + (at.y + at.height / 2) / (float)PANGO_SCALE;
        g_object_unref(layout);
        return true;
    }
    return false;
}

bool layout_find_link(const layout_t *layout, const char *text, float *x, float *y) {
    struct by_text by = {text, strlen(text), 0, 0};
    if (!layout_each(layout, NULL, link_by_text, &by)) return false;
    *x = by.x;
    *y = by.y;
    return true;
}

/* -------------------------------------------------------------------------- images */

struct in_area {
    const struct area *area;
    void (*visit)(void *context, image_id_t id);
    void *context;
};

static bool images_of(void *context, const struct box *box,
                      const struct paragraph *paragraph) {
    const struct in_area *in = context;
    PangoLayout *layout = NULL;
    for (size_t i = 0; i < paragraph->n_spans; i++) {
        const struct span *span = &paragraph->spans[i];
        if (!span->image) continue;
        if (!layout) layout = paragraph_layout(paragraph);
        PangoRectangle at;
        pango_layout_index_to_pos(layout, span->start, &at);
        float x = box->x + PANGO_PIXELS(at.x), y = box->y + PANGO_PIXELS(at.y);
        struct extent extent = {x, y, x + PANGO_PIXELS(at.width),
                                y + PANGO_PIXELS(at.height)};
        if (extent_meets(&extent, in->area)) in->visit(in->context, span->image);
    }
    if (layout) g_object_unref(layout);
    return false;
}

void layout_images_in(const layout_t *layout, const struct area *area,
                      void (*visit)(void *context, image_id_t id), void *context) {
    struct in_area in = {area, visit, context};
    layout_each(layout, area, images_of, &in);
}
