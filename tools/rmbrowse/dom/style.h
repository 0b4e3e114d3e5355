/* SPDX-License-Identifier: MIT */
/*
 * What an element looks like: a few properties of CSS, computed. Sheets are parsed into objects of a store;
 * selectors know tags, classes, ids, attributes, the universal one, descendants, children and lists of these, ":link"
 * and ":visited" (any link), ":first-child", ":root"; of a list, those with anything else are left out, and so are
 * unknown properties, broken declarations, and @-rules other than @media for screens.
 */
#ifndef RMBROWSE_STYLE_H
#define RMBROWSE_STYLE_H

#include "dom/node.h"

typedef enum display {
    DISPLAY_INLINE,
    DISPLAY_BLOCK,
    DISPLAY_INLINE_BLOCK, /* laid out as inline */
    DISPLAY_LIST_ITEM,
    DISPLAY_TABLE,
    DISPLAY_TABLE_GROUP, /* thead, tbody, tfoot */
    DISPLAY_TABLE_ROW,
    DISPLAY_TABLE_CELL,
    DISPLAY_TABLE_CAPTION,
    DISPLAY_NONE
} display_t;
typedef enum family { FAMILY_SERIF, FAMILY_SANS, FAMILY_MONO } family_t;
typedef enum align { ALIGN_LEFT, ALIGN_CENTER, ALIGN_RIGHT, ALIGN_JUSTIFY } align_t;
typedef enum side { SIDE_TOP, SIDE_RIGHT, SIDE_BOTTOM, SIDE_LEFT, SIDES } side_t;
typedef enum marker {
    MARKER_NONE,
    MARKER_DISC,
    MARKER_CIRCLE,
    MARKER_SQUARE,
    MARKER_DECIMAL,
    MARKER_ALPHA,
    MARKER_UPPER_ALPHA,
    MARKER_ROMAN,
    MARKER_UPPER_ROMAN
} marker_t;
typedef enum float_side { FLOAT_NONE, FLOAT_LEFT, FLOAT_RIGHT } float_side_t;
enum { CLEAR_LEFT = 1, CLEAR_RIGHT = 2 };
typedef enum valign {
    VALIGN_TOP, /* of a cell; else the baseline */
    VALIGN_SUB,
    VALIGN_SUPER,
    VALIGN_MIDDLE,
    VALIGN_BOTTOM
} valign_t;

#define COLOUR_NONE UINT32_C(0) /* fully transparent */
typedef uint32_t colour_t;      /* 0xAARRGGBB, not premultiplied */

/* A length in pixels, or a share of the containing block's width, in percent; or `auto`. */
struct length {
    float value;
    enum { LENGTH_AUTO, LENGTH_PX, LENGTH_PERCENT } unit;
};

struct style {
    /* Inherited. */
    colour_t colour;
    float font_size;   /* px */
    float root_size;   /* px: the font's size of the root element */
    float line_height; /* times the font's size; 0: as the font says */
    uint8_t family, align, marker;
    bool bold, italic, underline, strike, pre /* white space kept */,
        wrap /* lines broken at its end */, hidden,
        collapse; /* borders of a table's cells */
    /* Not inherited. */
    uint8_t display, float_side, clear, /* 0, or of CLEAR_LEFT | CLEAR_RIGHT */
        valign;
    colour_t background;
    struct length margin[SIDES], padding[SIDES], width, height, most_width;
    float border[SIDES]; /* px */
    colour_t border_colour[SIDES];
};

/* A style sheet: an object of a store with its rules, in it or behind it. */
enum { SHEET_SCREEN_WIDTH = 1024 }; /* pixels: what widths in @media are compared with */

typedef struct sheet {
    store_t *store;
    ref_t rules; /* NO_REF: none */
    uint32_t n_rules;
} sheet_t;

/* Parses CSS; never fails: what cannot be understood, or finds no memory, is left out. `css` must not lie in an
   unlocked object. */
void sheet_parse(sheet_t *sheet, store_t *store, const char *css, size_t n);
/* The browser's own sheet: what headings, lists, tables and links look like without any other. */
void sheet_parse_own(sheet_t *sheet, store_t *store);
void sheet_free(sheet_t *sheet);
/* Calls `visit` for each sheet that CSS imports for screens, with its URL as it stands: "@import url(a.css);". Their
   rules come before its own. `css` as for sheet_parse. */
void sheet_imports(const char *css, size_t n, void (*visit)(void *context, const char *url),
                   void *context);
/* Whether a list of media, as in an attribute `media`, is for screens that are SHEET_SCREEN_WIDTH wide. */
bool sheet_media(const char *media, size_t n);

/* One element on the way from the root to the one that is styled. */
struct style_step {
    tag_t tag;
    bool first_child;       /* of its parent's elements */
    const char *attributes; /* of its node, and how many bytes; NULL: none */
    size_t attributes_size;
};

/* The style of the root's parent, from which all is inherited. */
void style_initial(struct style *style);

/*
 * The style of the last element of a path, which begins at the root: own sheet first, then the author's in order, by
 * specificity; attributes that are presentational (bgcolor, align, width, height, border, color, face, size ...) below
 * the author's rules; then its attribute `style`.
 *  sheets: in held stores.   parent: its parent's style.
 */
void style_compute(struct style *style, const struct style *parent,
                   const struct style_step *path, size_t depth, const sheet_t *sheets,
                   size_t n_sheets);

#endif
