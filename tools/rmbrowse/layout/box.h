/* SPDX-License-Identifier: MIT */
/*
 * What a page that has been laid out is made of: objects of the tab's store.
 *
 *      block ─ first_child ─> lines ─ next ─> block ...
 *        └ content: decor       └ content: paragraph: spans, then the text
 */
#ifndef RMBROWSE_BOX_H
#define RMBROWSE_BOX_H

#include "layout/layout.h"

/* A rectangle of whole pixels of the page, by its edges. */
struct extent {
    float left, top, right, bottom;
};

struct box {
    ref_t next, first_child;
    ref_t content; /* lines: the paragraph; a block: its decor, or NO_REF */
    float x, y, width, height;
    struct extent reach; /* of all that is painted for it and for what is in it */
    bool lines;          /* a box of lines; else a block */
    bool floats;         /* painted after the backgrounds of the blocks around it */
};

struct decor {
    colour_t background, border_colour[SIDES];
    float border[SIDES]; /* whole pixels */
};

enum rise { RISE_NONE, RISE_SUB, RISE_SUPER, RISE_MIDDLE };

/* Text of one look, up to the next span's start; or one U+FFFC in the place of an image. */
struct span {
    uint32_t start; /* byte of the text */
    image_id_t image;
    ref_t link; /* attributes of the <a>; NO_REF: none */
    ref_t
        button; /* attributes of the <img> or <input>: the text where there is no image */
    colour_t colour, background;
    uint16_t width, height; /* of an image; 0: text */
    uint16_t line_height;   /* pixels; 0: as the font says */
    uint8_t font_size;      /* pixels */
    uint8_t family : 2, bold : 1, italic : 1, underline : 1, strike : 1, unbroken : 1;
    uint8_t rise; /* enum rise */
};

struct paragraph {
    float width; /* that it is broken to; LINES_UNBROKEN: not at all */
    uint32_t n_text, n_spans;
    uint32_t align; /* align_t */
    struct span spans[];
    /* char text[n_text]; */
};
#define LINES_UNBROKEN (-1.0f)

static inline const char *paragraph_text(const struct paragraph *paragraph) {
    return (const char *)&paragraph->spans[paragraph->n_spans];
}

/* Whether two areas have a pixel in common. */
static inline bool extent_meets(const struct extent *extent, const struct area *area) {
    return extent->left < area->x + area->width && area->x < extent->right &&
           extent->top < area->y + area->height && area->y < extent->bottom;
}

/* The box, in a held store. */
static inline struct box *box_at(ref_t ref) { return store_peek(ref); }

#endif
