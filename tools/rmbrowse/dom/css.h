/* SPDX-License-Identifier: MIT */
/* What is between the text of CSS and a computed style: declarations, and rules that are found by what they match. */
#ifndef RMBROWSE_CSS_H
#define RMBROWSE_CSS_H

#include "dom/css_token.h"
#include "dom/style.h"

/* Those that are inherited come first; those that a shorthand sets stand together, sides as in side_t. */
typedef enum property {
    PROPERTY_FONT_SIZE,
    PROPERTY_LINE_HEIGHT,
    PROPERTY_FONT_FAMILY,
    PROPERTY_FONT_WEIGHT,
    PROPERTY_FONT_STYLE,
    PROPERTY_COLOUR,
    PROPERTY_TEXT_ALIGN,
    PROPERTY_TEXT_DECORATION,
    PROPERTY_WHITE_SPACE,
    PROPERTY_VISIBILITY,
    PROPERTY_LIST_STYLE,
    PROPERTY_BORDER_COLLAPSE,
    PROPERTY_DISPLAY, /* not inherited from here on */
    PROPERTY_FLOAT,
    PROPERTY_CLEAR,
    PROPERTY_VERTICAL_ALIGN,
    PROPERTY_BACKGROUND,
    PROPERTY_WIDTH,
    PROPERTY_HEIGHT,
    PROPERTY_MAX_WIDTH,
    PROPERTY_MARGIN,
    PROPERTY_PADDING = PROPERTY_MARGIN + SIDES,
    PROPERTY_BORDER_WIDTH = PROPERTY_PADDING + SIDES,
    PROPERTY_BORDER_STYLE = PROPERTY_BORDER_WIDTH + SIDES,
    PROPERTY_BORDER_COLOUR = PROPERTY_BORDER_STYLE + SIDES,
    PROPERTIES = PROPERTY_BORDER_COLOUR + SIDES
} property_t;

typedef enum unit {
    UNIT_INHERIT,
    UNIT_INITIAL,
    UNIT_KEYWORD, /* `word`: of an enum of style.h, 0 or 1, or as css_keywords.c says */
    UNIT_COLOUR,  /* `word` */
    UNIT_CURRENT, /* the colour of the text */
    UNIT_AUTO,
    UNIT_NUMBER, /* these in `number` */
    UNIT_PX,
    UNIT_EM,
    UNIT_REM,
    UNIT_PERCENT
} unit_t;

struct declaration {
    uint8_t property; /* property_t */
    uint8_t unit;     /* unit_t */
    bool important;
    union {
        float number;
        uint32_t word;
    };
};

enum { DECORATION_UNDERLINE = 1, DECORATION_STRIKE = 2 }; /* 0: none of them */
enum { SPACE_PRE = 1, SPACE_WRAP = 2 };

/* ------------------------------------------------------------------- declarations, css_property.c */

/* Appends the declarations of "name: value; ..." up to the end, to an array of struct declaration. */
void css_declarations(struct css_reader *reader, struct bytes *out);

/* ------------------------------------------------------------------------------ values, css_value.c */

/* Each reads a value, and says false where there is none of its kind; `value` is then undefined. */
bool css_colour(struct css_reader *reader, struct declaration *value);
bool css_length(struct css_reader *reader, struct declaration *value); /* percent too */
/* One of the keywords of a property. */
bool css_keyword(struct css_reader *reader, property_t property,
                 struct declaration *value);
bool css_font_size(struct css_reader *reader, struct declaration *value);
bool css_font_family(struct css_reader *reader, struct declaration *value);

/* A colour by its name; false: there is none. */
bool css_colour_name(const char *name, size_t n, colour_t *colour);

/* ------------------------------------------------------------------- rules, css_rule.c, css_select.c */

/* One selector, and its declarations. */
struct rule {
    uint32_t
        key; /* a hash of what an element must have: an id, a class, a tag, or nothing */
    uint32_t selector;     /* where it begins among the selectors */
    uint32_t declarations; /* its first one */
    uint32_t n_declarations;
    uint32_t specificity; /* 12 bits: at most 15 ids, 15 classes, 15 tags */
    uint32_t number;      /* in the sheet */
};

/* The rules of a sheet in one object: this, then as many arrays as it names. A rule is in the bucket of its key. */
struct rules {
    uint32_t n_rules, n_buckets, n_declarations; /* n_buckets: a power of two */
    /* uint32_t first[n_buckets + 1]; struct rule[n_rules]; struct declaration[n_declarations]; selectors */
};

/* Appends one selector, "ul li.a"; its key and specificity go into *rule. Returns: false where it is none that is
   known; something may have been appended nevertheless. */
bool css_selector(struct css_reader *reader, struct bytes *out, struct rule *rule);
/* Whether the last element of a path is meant by a selector. */
bool css_matches(const char *selector, const struct style_step *path, size_t depth);

typedef void css_rule_fn(void *context, const struct rule *rule,
                         const struct declaration *declarations);
/* Calls `visit` for each rule that an element's path matches; the sheet is held. */
void css_match(const sheet_t *sheet, const struct style_step *path, size_t depth,
               css_rule_fn *visit, void *context);

/* The keys of a rule, and of an element: of 'i' an id, 'c' a class, 't' a tag's text, '*' anything. */
uint32_t css_key(char kind, const char *name, size_t n);

/* ----------------------------------------------------------------------- attributes, style_hints.c */

/* Appends what an element's attributes say of its looks, as declarations. */
void style_hints(const struct style_step *path, size_t depth, struct bytes *out);

#endif
