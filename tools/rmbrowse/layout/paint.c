/* SPDX-License-Identifier: MIT */
/*
 * Boxes to pixels, in the order of CSS: the backgrounds of blocks, what floats, text. All edges are whole pixels, so
 * that a tile has exactly what the whole page has there.
 */
#include <math.h>

#include "layout/text.h"

enum { CELL = 256, FRAME = 4 };

struct painting {
    const layout_t *layout;
    cairo_t *cairo;
    const struct area *area;
    const struct paragraph *paragraph; /* whose lines are painted */
    bool complete;
};

enum phase { PHASE_BACKGROUND, PHASE_FLOATS, PHASE_TEXT };

static void set_colour(cairo_t *cairo, colour_t colour) {
    cairo_set_source_rgba(cairo, (colour >> 16 & 0xff) / 255.0,
                          (colour >> 8 & 0xff) / 255.0, (colour & 0xff) / 255.0,
                          (colour >> 24) / 255.0);
}

static void fill(cairo_t *cairo, colour_t colour, float x, float y, float width,
                 float height) {
    if (colour >> 24 == 0 || width <= 0 || height <= 0) return;
    set_colour(cairo, colour);
    cairo_rectangle(cairo, x, y, width, height);
    cairo_fill(cairo);
}

static void paint_decor(struct painting *painting, const struct box *box) {
    if (box->content == NO_REF) return;
    const struct decor *decor = store_peek(box->content);
    const float *border = decor->border;
    const colour_t *colour = decor->border_colour;
    cairo_t *cairo = painting->cairo;
    float x = box->x, y = box->y, width = box->width, height = box->height;
    fill(cairo, decor->background, x, y, width, height);
    fill(cairo, colour[SIDE_TOP], x, y, width, fminf(border[SIDE_TOP], height));
    fill(cairo, colour[SIDE_BOTTOM], x, y + height - border[SIDE_BOTTOM], width,
         border[SIDE_BOTTOM]);
    fill(cairo, colour[SIDE_LEFT], x, y, border[SIDE_LEFT], height);
    fill(cairo, colour[SIDE_RIGHT], x + width - border[SIDE_RIGHT], y, border[SIDE_RIGHT],
         height);
}

/* ---------------------------------------------------------------------- images */

/* A scaled image is made in cells that are counted from its own corner: whichever tile a cell is painted on, it has
   the same pixels. */
static void paint_scaled(struct painting *painting, cairo_surface_t *from, int from_width,
                         int from_height, const struct extent *to) {
    const struct area *area = painting->area;
    double width = to->right - to->left, height = to->bottom - to->top;
    int first_row = fmaxf(0, floorf((area->y - to->top) / CELL));
    int first_column = fmaxf(0, floorf((area->x - to->left) / CELL));
    for (int row = first_row; row * CELL < height; row++) {
        double y = to->top + row * CELL;
        if (y >= area->y + area->height) break;
        for (int column = first_column; column * CELL < width; column++) {
            double x = to->left + column * CELL;
            if (x >= area->x + area->width) break;
            double cell_width = fmin(CELL, width - column * CELL);
            double cell_height = fmin(CELL, height - row * CELL);
            cairo_surface_t *cell =
                cairo_image_surface_create(CAIRO_FORMAT_ARGB32, cell_width, cell_height);
            cairo_t *scaled = cairo_create(cell);
            cairo_translate(scaled, -column * CELL, -row * CELL);
            cairo_scale(scaled, width / from_width, height / from_height);
            cairo_set_source_surface(scaled, from, 0, 0);
            cairo_pattern_set_extend(cairo_get_source(scaled), CAIRO_EXTEND_PAD);
            cairo_paint(scaled);
            cairo_destroy(scaled);
            cairo_set_source_surface(painting->cairo, cell, x, y);
            cairo_rectangle(painting->cairo, x, y, cell_width, cell_height);
            cairo_fill(painting->cairo);
            cairo_surface_destroy(cell);
        }
    }
}

/* False: there are no pixels. */
static bool paint_pixels(struct painting *painting, image_id_t id,
                         const struct extent *to) {
    cache_t *cache = painting->layout->cache;
    image_t image;
    void *pixels;
    if (!cache_lock(cache, id, &image, &pixels)) return false;
    cairo_surface_t *from = cairo_image_surface_create_for_data(
        pixels, CAIRO_FORMAT_ARGB32, image.width, image.height, image.stride);
    if (to->right - to->left == image.width && to->bottom - to->top == image.height) {
        cairo_set_source_surface(painting->cairo, from, to->left, to->top);
        cairo_paint(painting->cairo);
    } else {
        paint_scaled(painting, from, image.width, image.height, to);
    }
    cairo_set_source_rgb(painting->cairo, 0, 0, 0); /* lets go of the surface */
    cairo_surface_destroy(from);
    cache_unlock(cache, id);
    return true;
}

/* A thin frame, and the words that stand for the image, if they fit. */
static void paint_placeholder(cairo_t *cairo, const struct span *span,
                              const struct extent *to) {
    float width = to->right - to->left, height = to->bottom - to->top;
    set_colour(cairo, 0xffc0c0c0);
    cairo_set_line_width(cairo, 1);
    cairo_rectangle(cairo, to->left + 0.5, to->top + 0.5, width - 1, height - 1);
    cairo_stroke(cairo);
    const char *words = span->button ? attribute_of(store_peek(span->button),
                                                    store_size(span->button), "alt")
                                     : NULL;
    if (!words || !*words || width <= 2 * FRAME || height <= 2 * FRAME) return;
    struct span look = *span;
    look.start = look.width = look.height = look.line_height = 0;
    look.rise = RISE_NONE;
    PangoLayout *layout = text_words(words, &look, width - 2 * FRAME);
    float words_width, words_height;
    struct extent reach;
    text_size(layout, &words_width, &words_height, &reach);
    if (words_width <= width && words_height <= height) {
        cairo_move_to(cairo, to->left + FRAME, to->top + FRAME);
        pango_cairo_show_layout(cairo, layout);
    }
    g_object_unref(layout);
}

static void paint_image(void *context, cairo_t *cairo, size_t number, float x, float y) {
    struct painting *painting = context;
    const struct span *span = &painting->paragraph->spans[number];
    struct extent to = {x, y - span->height, x + span->width, y};
    if (!extent_meets(&to, painting->area)) return;
    if (span->image && paint_pixels(painting, span->image, &to)) return;
    paint_placeholder(cairo, span, &to);
    if (span->image && cache_state(painting->layout->cache, span->image) != IMAGE_FAILED)
        painting->complete = false;
}

/* ----------------------------------------------------------------------- boxes */

static void paint_lines(struct painting *painting, const struct box *box) {
    const struct paragraph *paragraph = store_peek(box->content);
    const struct area *area = painting->area;
    PangoLayout *layout = paragraph_layout(paragraph);
    PangoLayoutIter *iter = pango_layout_get_iter(layout);
    painting->paragraph = paragraph;
    do {
        struct line line;
        text_line(iter, &line);
        float reach = line.bottom - line.top; /* of ink, above and below the line */
        if (box->y + line.bottom + reach < area->y ||
            box->y + line.top - reach > area->y + area->height)
            continue;
        text_paint_images(paint_image,
                          painting); /* placeholders have none of their own */
        cairo_move_to(painting->cairo, box->x + line.left, box->y + line.baseline);
        pango_cairo_show_layout_line(painting->cairo,
                                     pango_layout_iter_get_line_readonly(iter));
    } while (pango_layout_iter_next_line(iter));
    pango_layout_iter_free(iter);
    g_object_unref(layout);
}

static void paint_box(struct painting *painting, const struct box *box, enum phase phase);

static void paint_all(struct painting *painting, const struct box *box) {
    paint_box(painting, box, PHASE_BACKGROUND);
    paint_box(painting, box, PHASE_FLOATS);
    paint_box(painting, box, PHASE_TEXT);
}

static void paint_box(struct painting *painting, const struct box *box,
                      enum phase phase) {
    if (!extent_meets(&box->reach, painting->area)) return;
    if (box->lines && phase == PHASE_TEXT) paint_lines(painting, box);
    if (!box->lines && phase == PHASE_BACKGROUND) paint_decor(painting, box);
    const struct box *child;
    for (ref_t ref = box->first_child; ref != NO_REF; ref = child->next) {
        child = box_at(ref);
        if (!child->floats)
            paint_box(painting, child, phase);
        else if (phase == PHASE_FLOATS)
            paint_all(painting, child);
    }
}

bool layout_paint(const layout_t *layout, cairo_t *cairo, const struct area *area) {
    struct painting painting = {layout, cairo, area, NULL, true};
    store_hold(layout->store);
    cairo_save(cairo);
    cairo_rectangle(cairo, 0, 0, area->width, area->height);
    cairo_clip(cairo);
    fill(cairo, layout->background, 0, 0, area->width, area->height);
    cairo_translate(cairo, -area->x, -area->y);
    cairo_new_path(cairo);
    if (layout->root != NO_REF) paint_all(&painting, box_at(layout->root));
    text_paint_images(NULL, NULL);
    cairo_restore(cairo);
    store_release(layout->store);
    return painting.complete;
}
