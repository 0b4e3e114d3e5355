/* SPDX-License-Identifier: MIT */
/*
 * The cascade: of all declarations of a property that are meant for an element, the one of the highest rank wins.
 * Ranks are numbers, so that rules may come in any order:
 *
 *      who says it, 4 bits | specificity, 12 | sheet, 16 | number in the sheet, 32
 */
#include "dom/style.h"

#include <glib.h>
#include <string.h>

#include "dom/css.h"

enum origin { /* 0: nobody has said anything */
              ORIGIN_OWN = 1,
              ORIGIN_HINTS,
              ORIGIN_AUTHOR,
              ORIGIN_ATTRIBUTE,
              ORIGIN_AUTHOR_IMPORTANT,
              ORIGIN_ATTRIBUTE_IMPORTANT,
              ORIGIN_OWN_IMPORTANT
};

struct cascade {
    size_t sheet; /* that is looked at */
    uint64_t rank[PROPERTIES];
    struct declaration winner[PROPERTIES];
};

static void take(struct cascade *cascade, const struct declaration *declaration,
                 enum origin origin, uint64_t rank) {
    size_t i = declaration->property;

    rank |= (uint64_t)origin << 60;
    if (rank < cascade->rank[i]) return;
    cascade->rank[i] = rank;
    cascade->winner[i] = *declaration;
}

static void take_rule(void *context, const struct rule *rule,
                      const struct declaration *declarations) {
    struct cascade *cascade = context;
    bool own = cascade->sheet == 0;
    uint64_t rank = (uint64_t)rule->specificity << 48 |
                    (uint64_t)MIN(cascade->sheet, 0xFFFF) << 32 | rule->number;

    for (uint32_t i = 0; i < rule->n_declarations; i++) {
        bool important = declarations[i].important;

        take(cascade, declarations + i,
             own         ? important ? ORIGIN_OWN_IMPORTANT : ORIGIN_OWN
             : important ? ORIGIN_AUTHOR_IMPORTANT
                         : ORIGIN_AUTHOR,
             rank);
    }
}

/* Those of an element itself: of its attributes. */
static void take_attributes(struct cascade *cascade, const struct style_step *path,
                            size_t depth) {
    const struct style_step *step = path + depth - 1;
    const char *text = attribute_of(step->attributes, step->attributes_size, "style");
    struct bytes bytes = {0};

    style_hints(path, depth, &bytes);
    size_t n_hints = bytes.n / sizeof(struct declaration);

    if (text != NULL) {
        struct css_reader reader = {text, text + strlen(text)};

        css_declarations(&reader, &bytes);
    }
    const struct declaration *said = (const struct declaration *)(const void *)bytes.data;

    for (size_t i = 0; i < bytes.n / sizeof *said; i++)
        take(cascade, said + i,
             i < n_hints         ? ORIGIN_HINTS
             : said[i].important ? ORIGIN_ATTRIBUTE_IMPORTANT
                                 : ORIGIN_ATTRIBUTE,
             0);
    bytes_free(&bytes);
}

/* ------------------------------------------------------------------------------ values */

void style_initial(struct style *style) {
    *style = (struct style){.colour = 0xFF000000,
                            .font_size = 16,
                            .root_size = 16,
                            .family = FAMILY_SANS,
                            .marker = MARKER_DISC,
                            .wrap = true};
    for (int side = 0; side < SIDES; side++)
        style->margin[side].unit = style->padding[side].unit = LENGTH_PX;
}

/* Where the value of a property is in a style; of those that have sides, where the first is. Two bytes are for the two
   lowest bits of a keyword. */
#define FIELD(name)                                                                      \
    { offsetof(struct style, name), sizeof((struct style *)0)->name }
static const struct field {
    uint16_t at, size;
} fields[PROPERTY_BORDER_WIDTH] = {
    [PROPERTY_FONT_SIZE] = FIELD(font_size),
    [PROPERTY_LINE_HEIGHT] = FIELD(line_height),
    [PROPERTY_FONT_FAMILY] = FIELD(family),
    [PROPERTY_FONT_WEIGHT] = FIELD(bold),
    [PROPERTY_FONT_STYLE] = FIELD(italic),
    [PROPERTY_COLOUR] = FIELD(colour),
    [PROPERTY_TEXT_ALIGN] = FIELD(align),
    [PROPERTY_TEXT_DECORATION] = {offsetof(struct style, underline), 2},
    [PROPERTY_WHITE_SPACE] = {offsetof(struct style, pre), 2},
    [PROPERTY_VISIBILITY] = FIELD(hidden),
    [PROPERTY_LIST_STYLE] = FIELD(marker),
    [PROPERTY_BORDER_COLLAPSE] = FIELD(collapse),
    [PROPERTY_DISPLAY] = FIELD(display),
    [PROPERTY_FLOAT] = FIELD(float_side),
    [PROPERTY_CLEAR] = FIELD(clear),
    [PROPERTY_VERTICAL_ALIGN] = FIELD(valign),
    [PROPERTY_BACKGROUND] = FIELD(background),
    [PROPERTY_WIDTH] = FIELD(width),
    [PROPERTY_HEIGHT] = FIELD(height),
    [PROPERTY_MAX_WIDTH] = FIELD(most_width),
    [PROPERTY_MARGIN] = FIELD(margin[0]),
    [PROPERTY_PADDING] = FIELD(padding[0]),
};
G_STATIC_ASSERT(offsetof(struct style, strike) == offsetof(struct style, underline) + 1);
G_STATIC_ASSERT(offsetof(struct style, wrap) == offsetof(struct style, pre) + 1);

static struct field field_of(property_t property) {
    property_t first = property < PROPERTY_MARGIN    ? property
                       : property < PROPERTY_PADDING ? PROPERTY_MARGIN
                                                     : PROPERTY_PADDING;
    struct field field = fields[first];

    field.at += (uint16_t)(field.size * (property - first));
    return field;
}

static void copy(struct style *to, const struct style *from, property_t property) {
    struct field field = field_of(property);

    memcpy((char *)to + field.at, (const char *)from + field.at, field.size);
}

/* Borders, until it is known of both that there is a line and how wide it would be. */
struct lines {
    float width[SIDES];
    bool there[SIDES], coloured[SIDES];
    colour_t colour[SIDES];
};

struct computing {
    struct style *style;
    const struct style *parent;
    struct style initial;
    struct lines lines;
};

/* A length in pixels; a share of the font's size where it is one. */
static float pixels(const struct computing *computing, const struct declaration *value,
                    float font_size) {
    switch (value->unit) {
    case UNIT_EM: return value->number * font_size;
    case UNIT_REM: return value->number * computing->style->root_size;
    case UNIT_PERCENT: return value->number / 100 * font_size;
    default: return value->number;
    }
}

static void set_border(struct computing *computing, property_t property,
                       const struct declaration *value) {
    const struct style *parent = computing->parent;
    struct lines *lines = &computing->lines;
    size_t side = (property - PROPERTY_BORDER_WIDTH) % SIDES;
    bool inherit = value->unit == UNIT_INHERIT, set = value->unit > UNIT_INITIAL;

    if (property < PROPERTY_BORDER_STYLE) {
        if (inherit) lines->width[side] = parent->border[side];
        if (set)
            lines->width[side] = pixels(computing, value, computing->style->font_size);
    } else if (property < PROPERTY_BORDER_COLOUR) {
        lines->there[side] = inherit ? parent->border[side] > 0 : set && value->word != 0;
    } else {
        lines->coloured[side] = inherit || value->unit == UNIT_COLOUR;
        lines->colour[side] = inherit ? parent->border_colour[side] : value->word;
    }
}

static void set_keyword(struct style *style, property_t property, uint32_t word) {
    struct field field = field_of(property);
    char *at = (char *)style + field.at;

    if (property == PROPERTY_LINE_HEIGHT) {
        style->line_height = 0;
    } else if (field.size == 1) {
        *at = (char)word;
    } else {
        /* A line through text goes on through all that is in it. */
        bool more = property == PROPERTY_TEXT_DECORATION && word != 0;

        at[0] = (more && at[0]) || (word & 1) != 0;
        at[1] = (more && at[1]) || (word & 2) != 0;
    }
}

static void set(struct computing *computing, property_t property,
                const struct declaration *value) {
    struct style *style = computing->style;
    struct field field;
    struct length length = {value->number, LENGTH_PERCENT};

    if (property >= PROPERTY_BORDER_WIDTH) {
        set_border(computing, property, value);
        return;
    }
    switch (value->unit) {
    case UNIT_INHERIT: copy(style, computing->parent, property); return;
    case UNIT_INITIAL: copy(style, &computing->initial, property); return;
    case UNIT_KEYWORD: set_keyword(style, property, value->word); return;
    default: break;
    }
    switch (property) {
    case PROPERTY_FONT_SIZE:
        style->font_size =
            CLAMP(pixels(computing, value, computing->parent->font_size), 1, 1000);
        return;
    case PROPERTY_LINE_HEIGHT:
        style->line_height =
            value->unit == UNIT_NUMBER
                ? value->number
                : pixels(computing, value, style->font_size) / style->font_size;
        style->line_height = MIN(style->line_height, 100);
        return;
    case PROPERTY_COLOUR:
        if (value->unit == UNIT_COLOUR) style->colour = value->word;
        return;
    case PROPERTY_BACKGROUND:
        style->background = value->unit == UNIT_CURRENT ? style->colour : value->word;
        return;
    default: break;
    }
    if (value->unit == UNIT_AUTO)
        length = computing->initial.width;
    else if (value->unit != UNIT_PERCENT)
        length = (struct length){pixels(computing, value, style->font_size), LENGTH_PX};
    field = field_of(property);
    memcpy((char *)style + field.at, &length, sizeof length);
}

/* What follows from several properties together. */
static void finish(struct computing *computing, size_t depth) {
    struct style *style = computing->style;
    const struct lines *lines = &computing->lines;

    for (int side = 0; side < SIDES; side++) {
        style->border[side] = lines->there[side] ? lines->width[side] : 0;
        style->border_colour[side] =
            lines->coloured[side] ? lines->colour[side] : style->colour;
    }
    if (depth == 1) style->root_size = style->font_size;
    /* What floats is a block, and so is the root. */
    if ((style->float_side != FLOAT_NONE || depth == 1) &&
        style->display != DISPLAY_NONE && style->display != DISPLAY_TABLE &&
        style->display != DISPLAY_LIST_ITEM)
        style->display = DISPLAY_BLOCK;
}

void style_compute(struct style *style, const struct style *parent,
                   const struct style_step *path, size_t depth, const sheet_t *sheets,
                   size_t n_sheets) {
    struct computing computing = {.style = style, .parent = parent};
    struct cascade cascade;

    memset(cascade.rank, 0, sizeof cascade.rank);
    for (cascade.sheet = 0; cascade.sheet < n_sheets; cascade.sheet++)
        css_match(sheets + cascade.sheet, path, depth, take_rule, &cascade);
    take_attributes(&cascade, path, depth);

    style_initial(&computing.initial);
    for (int side = 0; side < SIDES; side++) computing.lines.width[side] = 3; /* medium */
    *style = computing.initial;
    style->root_size = parent->root_size;
    for (property_t i = 0; i < PROPERTY_DISPLAY; i++) copy(style, parent, i);
    /* The font's size and the colour come before all that is counted in them. */
    for (property_t i = 0; i < PROPERTIES; i++)
        if (cascade.rank[i] != 0) set(&computing, i, &cascade.winner[i]);
    finish(&computing, depth);
}
