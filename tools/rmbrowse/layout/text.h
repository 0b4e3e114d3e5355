/* SPDX-License-Identifier: MIT */
/* Paragraphs as Pango sees them. The same text, spans and width make the same lines, whenever they are made. */
#ifndef RMBROWSE_TEXT_H
#define RMBROWSE_TEXT_H

#include <pango/pangocairo.h>

#include "layout/box.h"

/*
 * Lines of `n` bytes of text. Spans are counted from byte `from`: the first covers it, though it may begin before.
 * Returns: a layout, for g_object_unref.
 */
PangoLayout *text_layout(const char *text, size_t n, const struct span *spans,
                         size_t n_spans, uint32_t from, float width, align_t align);
PangoLayout *paragraph_layout(const struct paragraph *paragraph);
/* The words that stand for an image, which look like `look`: at most as many as anyone would read there. */
PangoLayout *text_words(const char *words, const struct span *look, float width);

/* The span that has byte `at`. */
size_t span_of(const struct span *spans, size_t n_spans, uint32_t at);

/* Where a line lies in its layout, whole pixels. */
struct line {
    float top, bottom, baseline, left, right;
    int start, length; /* bytes */
};
void text_line(PangoLayoutIter *iter, struct line *line);

/* The size of a layout, whole pixels, and what its glyphs reach beyond that. */
void text_size(PangoLayout *layout, float *width, float *height, struct extent *ink);

/* Who is called for each image while lines are painted: the number of its span in the paragraph, and the left end of
   its bottom edge. NULL: nobody. */
typedef void text_image_fn(void *context, cairo_t *cairo, size_t span, float x, float y);
void text_paint_images(text_image_fn *paint, void *context);

void text_finish(void);

#endif
