/* SPDX-License-Identifier: MIT */
/*
 * What panel and window are drawn with: colours, texts in a line, boxes.
 */
#ifndef RMBROWSE_INK_H
#define RMBROWSE_INK_H

#include <cairo.h>
#include <stdint.h>

/* Colours as 0xRRGGBB. Blue, orange and greys: told apart by all eyes, and by their brightness alone. */
enum ink {
    INK_PANEL = 0x14181f,
    INK_BRIGHT = 0xf2f5f8,
    INK_TEXT = 0xc3ccd6,
    INK_DIM = 0x8491a0,
    INK_RULE = 0x2a323d,
    INK_LIVE = 0x4aa3df,
    INK_LOCKED = 0xf0a030,
    INK_METADATA = 0xdfe5ec,
    INK_FREE = 0x38424f,
    INK_WORK = 0x93a1b0,
    INK_COMPACTION = 0x1fb58f
};

void ink_colour(cairo_t *cairo, uint32_t colour);
void ink_box(cairo_t *cairo, double x, double y, double width, double height,
             uint32_t colour);
/* Adds a box with round corners to the path. */
void ink_round(cairo_t *cairo, double x, double y, double width, double height,
               double radius);

enum ink_align { INK_LEFT, INK_CENTRE, INK_RIGHT };

/* A text's look: "Sans 9" in points of 96 a 72nd inch, as Pango names fonts. */
struct ink_style {
    const char *font;
    uint32_t colour;
    enum ink_align align;
};

/* A line of text in a box, in the middle of its height; what does not fit ends in dots. Returns: the width taken. */
double ink_text(cairo_t *cairo, const struct ink_style *style, double x, double y,
                double width, double height, const char *text);

/* The width that a text takes up to its n-th byte. */
double ink_width(cairo_t *cairo, const char *font, const char *text, int n);
/* The byte of a text, between characters, that is nearest to x. */
int ink_byte_at(cairo_t *cairo, const char *font, const char *text, double x);

/* Lets go of fonts, at the end of the program. */
void ink_finish(void);

#endif
