/* SPDX-License-Identifier: MIT */
/* The properties by name: what each takes, and which others it stands for. */
#include "dom/css.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------- the value of one property */

static bool weight(struct css_reader *reader, struct declaration *value) {
    struct css_token token = css_peek(*reader);

    if (token.type != CSS_NUMBER || token.n > 0)
        return css_keyword(reader, PROPERTY_FONT_WEIGHT, value);
    css_next(reader);
    value->unit = UNIT_KEYWORD;
    value->word = token.number >= 600;
    return token.number >= 1 && token.number <= 1000;
}

static bool line_height(struct css_reader *reader, struct declaration *value) {
    struct css_token token = css_peek(*reader);

    if (token.type != CSS_NUMBER) return css_keyword(reader, PROPERTY_LINE_HEIGHT, value);
    if (token.n > 0) return css_length(reader, value) && value->number >= 0;
    css_next(reader);
    value->unit = UNIT_NUMBER;
    value->number = (float)token.number;
    return value->number >= 0;
}

/* Words, of which those that are not known say how lines are drawn. */
static bool decoration(struct css_reader *reader, struct declaration *value) {
    uint32_t lines = 0;

    while (css_peek(*reader).type != CSS_END) {
        struct css_reader word = *reader;

        if (css_keyword(&word, PROPERTY_TEXT_DECORATION, value)) lines |= value->word;
        css_next(reader);
    }
    value->unit = UNIT_KEYWORD;
    value->word = lines;
    return true;
}

/* Lengths and percentages; names that are `automatic`. */
static bool size(struct css_reader *reader, const char *automatic,
                 struct declaration *value) {
    struct css_token token = css_peek(*reader);

    if (token.type != CSS_NAME) return css_length(reader, value);
    css_next(reader);
    value->unit = UNIT_AUTO;
    value->number = 0;
    return css_is_word(&token, automatic);
}

static bool border_width(struct css_reader *reader, struct declaration *value) {
    static const char *const names[] = {"thin", "medium", "thick"};
    struct css_token token = css_peek(*reader);

    if (token.type != CSS_NAME)
        return css_length(reader, value) && value->unit != UNIT_PERCENT &&
               value->number >= 0;
    css_next(reader);
    value->unit = UNIT_PX;
    for (int i = 0; i < 3; i++) {
        value->number = 1 + 2 * (float)i;
        if (css_is_word(&token, names[i])) return true;
    }
    return false;
}

static bool read_value(struct css_reader *reader, property_t property,
                       struct declaration *value) {
    switch (property) {
    case PROPERTY_FONT_SIZE: return css_font_size(reader, value);
    case PROPERTY_FONT_FAMILY: return css_font_family(reader, value);
    case PROPERTY_FONT_WEIGHT: return weight(reader, value);
    case PROPERTY_LINE_HEIGHT: return line_height(reader, value);
    case PROPERTY_TEXT_DECORATION: return decoration(reader, value);
    case PROPERTY_COLOUR:
    case PROPERTY_BACKGROUND: return css_colour(reader, value);
    case PROPERTY_WIDTH:
    case PROPERTY_HEIGHT: return size(reader, "auto", value) && value->number >= 0;
    case PROPERTY_MAX_WIDTH: return size(reader, "none", value) && value->number >= 0;
    default: break;
    }
    if (property < PROPERTY_MARGIN) return css_keyword(reader, property, value);
    if (property < PROPERTY_PADDING) return size(reader, "auto", value);
    if (property < PROPERTY_BORDER_WIDTH)
        return css_length(reader, value) && value->number >= 0;
    if (property < PROPERTY_BORDER_STYLE) return border_width(reader, value);
    return property < PROPERTY_BORDER_COLOUR
               ? css_keyword(reader, PROPERTY_BORDER_STYLE, value)
               : css_colour(reader, value);
}

/* -------------------------------------------------------------------------- shorthands */

/* Appends the declarations that a value of a name makes; what was appended does not count where it returns false. */
typedef bool read_fn(struct css_reader *reader, property_t first, struct bytes *out);

static void emit(struct bytes *out, property_t property, struct declaration value) {
    value.property = (uint8_t)property;
    bytes_add(out, &value, sizeof value);
}

static bool read_one(struct css_reader *reader, property_t property, struct bytes *out) {
    struct declaration value = {0};
    bool fine = read_value(reader, property, &value);

    if (fine) emit(out, property, value);
    return fine;
}

/* One to four values: of all sides; of top and bottom, and the others; of top, of left and right, of bottom; of each. */
static bool read_sides(struct css_reader *reader, property_t first, struct bytes *out) {
    static const int from[SIDES][SIDES] = {
        {0, 0, 0, 0}, {0, 1, 0, 1}, {0, 1, 2, 1}, {0, 1, 2, 3}};
    struct declaration values[SIDES] = {0};
    int n = 0;

    while (n < SIDES && css_peek(*reader).type != CSS_END)
        if (!read_value(reader, first, &values[n++])) return false;
    for (int side = 0; side < SIDES && n > 0; side++)
        emit(out, first + side, values[from[n - 1][side]]);
    return n > 0;
}

/* A width, a style, a colour, in any order; what is missing is as at the beginning. */
static bool border_of(struct css_reader *reader, property_t side, int n,
                      struct bytes *out) {
    static const property_t parts[] = {PROPERTY_BORDER_WIDTH, PROPERTY_BORDER_STYLE,
                                       PROPERTY_BORDER_COLOUR};
    struct declaration values[3] = {
        {.unit = UNIT_INITIAL}, {.unit = UNIT_INITIAL}, {.unit = UNIT_INITIAL}};
    bool any = false;

    while (css_peek(*reader).type != CSS_END) {
        bool known = false;

        for (int i = 0; i < 3 && !known; i++) {
            struct css_reader word = *reader;
            struct declaration value = {0};

            known = values[i].unit == UNIT_INITIAL && read_value(&word, parts[i], &value);
            if (!known) continue;
            values[i] = value;
            *reader = word;
        }
        if (!known) return false;
        any = true;
    }
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < n; j++)
            emit(out, parts[i] + (side - PROPERTY_BORDER_WIDTH) + j, values[i]);
    return any;
}

static bool read_border(struct css_reader *reader, property_t property,
                        struct bytes *out) {
    return border_of(reader, property, SIDES, out);
}

static bool read_border_side(struct css_reader *reader, property_t property,
                             struct bytes *out) {
    return border_of(reader, property, 1, out);
}

/* Images, places and repetitions are passed over; a colour may be among them. */
static bool read_background(struct css_reader *reader, property_t property,
                            struct bytes *out) {
    struct declaration found = {.unit = UNIT_INITIAL};

    while (css_peek(*reader).type != CSS_END) {
        struct css_reader word = *reader;
        struct declaration value = {0};

        if (css_colour(&word, &value)) {
            found = value;
            *reader = word;
            continue;
        }
        if (css_next(reader).type != CSS_FUNCTION) continue;
        css_until(reader, ")");
        css_next(reader);
    }
    emit(out, property, found);
    return true;
}

/* Types of markers; images and places are passed over. */
static bool read_list_style(struct css_reader *reader, property_t property,
                            struct bytes *out) {
    struct declaration found = {.unit = UNIT_INITIAL};

    while (css_peek(*reader).type != CSS_END) {
        struct css_reader word = *reader;
        struct declaration value = {0};

        if (css_keyword(&word, property, &value)) found = value;
        css_next(reader);
    }
    emit(out, property, found);
    return true;
}

/* [italic || bold || small-caps] size [/ line-height] family */
static bool read_font(struct css_reader *reader, property_t property, struct bytes *out) {
    for (property_t i = PROPERTY_FONT_SIZE; i <= PROPERTY_FONT_STYLE; i++)
        emit(out, i, (struct declaration){.unit = UNIT_INITIAL});
    for (;;) {
        struct css_reader word = *reader;

        if (read_one(&word, PROPERTY_FONT_SIZE, out)) {
            *reader = word;
            break;
        }
        word = *reader;
        if (!read_one(&word, PROPERTY_FONT_STYLE, out)) {
            word = *reader;
            if (!read_one(&word, PROPERTY_FONT_WEIGHT, out)) {
                word = *reader;
                if (css_next(&word).type != CSS_NAME) return false;
            }
        }
        *reader = word;
    }
    struct css_token slash = css_peek(*reader);

    if (css_is_sign(&slash, '/')) {
        css_next(reader);
        if (!read_one(reader, PROPERTY_LINE_HEIGHT, out)) return false;
    }
    return read_one(reader, PROPERTY_FONT_FAMILY, out);
}

/* ------------------------------------------------------------------------------- names */

/* Sorted by name. Each stands for `n` properties, `stride` apart. */
// clang-format off
static const struct name {
    const char *name;
    read_fn *read;
    uint8_t first, n, stride;
} names[] = {
    {"background", read_background, PROPERTY_BACKGROUND, 1, 1},
    {"background-color", read_one, PROPERTY_BACKGROUND, 1, 1},
    {"border", read_border, PROPERTY_BORDER_WIDTH, 12, 1},
    {"border-bottom", read_border_side, PROPERTY_BORDER_WIDTH + SIDE_BOTTOM, 3, 4},
    {"border-bottom-color", read_one, PROPERTY_BORDER_COLOUR + SIDE_BOTTOM, 1, 1},
    {"border-bottom-style", read_one, PROPERTY_BORDER_STYLE + SIDE_BOTTOM, 1, 1},
    {"border-bottom-width", read_one, PROPERTY_BORDER_WIDTH + SIDE_BOTTOM, 1, 1},
    {"border-collapse", read_one, PROPERTY_BORDER_COLLAPSE, 1, 1},
    {"border-color", read_sides, PROPERTY_BORDER_COLOUR, 4, 1},
    {"border-left", read_border_side, PROPERTY_BORDER_WIDTH + SIDE_LEFT, 3, 4},
    {"border-left-color", read_one, PROPERTY_BORDER_COLOUR + SIDE_LEFT, 1, 1},
    {"border-left-style", read_one, PROPERTY_BORDER_STYLE + SIDE_LEFT, 1, 1},
    {"border-left-width", read_one, PROPERTY_BORDER_WIDTH + SIDE_LEFT, 1, 1},
    {"border-right", read_border_side, PROPERTY_BORDER_WIDTH + SIDE_RIGHT, 3, 4},
    {"border-right-color", read_one, PROPERTY_BORDER_COLOUR + SIDE_RIGHT, 1, 1},
    {"border-right-style", read_one, PROPERTY_BORDER_STYLE + SIDE_RIGHT, 1, 1},
    {"border-right-width", read_one, PROPERTY_BORDER_WIDTH + SIDE_RIGHT, 1, 1},
    {"border-style", read_sides, PROPERTY_BORDER_STYLE, 4, 1},
    {"border-top", read_border_side, PROPERTY_BORDER_WIDTH + SIDE_TOP, 3, 4},
    {"border-top-color", read_one, PROPERTY_BORDER_COLOUR + SIDE_TOP, 1, 1},
    {"border-top-style", read_one, PROPERTY_BORDER_STYLE + SIDE_TOP, 1, 1},
    {"border-top-width", read_one, PROPERTY_BORDER_WIDTH + SIDE_TOP, 1, 1},
    {"border-width", read_sides, PROPERTY_BORDER_WIDTH, 4, 1},
    {"clear", read_one, PROPERTY_CLEAR, 1, 1},
    {"color", read_one, PROPERTY_COLOUR, 1, 1},
    {"display", read_one, PROPERTY_DISPLAY, 1, 1},
    {"float", read_one, PROPERTY_FLOAT, 1, 1},
    {"font", read_font, PROPERTY_FONT_SIZE, 5, 1},
    {"font-family", read_one, PROPERTY_FONT_FAMILY, 1, 1},
    {"font-size", read_one, PROPERTY_FONT_SIZE, 1, 1},
    {"font-style", read_one, PROPERTY_FONT_STYLE, 1, 1},
    {"font-weight", read_one, PROPERTY_FONT_WEIGHT, 1, 1},
    {"height", read_one, PROPERTY_HEIGHT, 1, 1},
    {"line-height", read_one, PROPERTY_LINE_HEIGHT, 1, 1},
    {"list-style", read_list_style, PROPERTY_LIST_STYLE, 1, 1},
    {"list-style-type", read_one, PROPERTY_LIST_STYLE, 1, 1},
    {"margin", read_sides, PROPERTY_MARGIN, 4, 1},
    {"margin-bottom", read_one, PROPERTY_MARGIN + SIDE_BOTTOM, 1, 1},
    {"margin-left", read_one, PROPERTY_MARGIN + SIDE_LEFT, 1, 1},
    {"margin-right", read_one, PROPERTY_MARGIN + SIDE_RIGHT, 1, 1},
    {"margin-top", read_one, PROPERTY_MARGIN + SIDE_TOP, 1, 1},
    {"max-width", read_one, PROPERTY_MAX_WIDTH, 1, 1},
    {"padding", read_sides, PROPERTY_PADDING, 4, 1},
    {"padding-bottom", read_one, PROPERTY_PADDING + SIDE_BOTTOM, 1, 1},
    {"padding-left", read_one, PROPERTY_PADDING + SIDE_LEFT, 1, 1},
    {"padding-right", read_one, PROPERTY_PADDING + SIDE_RIGHT, 1, 1},
    {"padding-top", read_one, PROPERTY_PADDING + SIDE_TOP, 1, 1},
    {"text-align", read_one, PROPERTY_TEXT_ALIGN, 1, 1},
    {"text-decoration", read_one, PROPERTY_TEXT_DECORATION, 1, 1},
    {"text-decoration-line", read_one, PROPERTY_TEXT_DECORATION, 1, 1},
    {"vertical-align", read_one, PROPERTY_VERTICAL_ALIGN, 1, 1},
    {"visibility", read_one, PROPERTY_VISIBILITY, 1, 1},
    {"white-space", read_one, PROPERTY_WHITE_SPACE, 1, 1},
    {"width", read_one, PROPERTY_WIDTH, 1, 1},
};
// clang-format on

static int by_name(const void *key, const void *entry) {
    const struct css_token *token = key;
    const char *name = ((const struct name *)entry)->name;
    int order = g_ascii_strncasecmp(token->text, name, token->n);

    return order != 0 ? order : name[token->n] != '\0' ? -1 : 0;
}

/* `inherit` and the like, which every property takes. */
static bool read_global(struct css_reader *reader, const struct name *name,
                        struct bytes *out) {
    struct css_token word = css_next(reader);
    bool unset = css_is_word(&word, "unset"), inherit = css_is_word(&word, "inherit");

    if (word.type != CSS_NAME || !(unset || inherit || css_is_word(&word, "initial")))
        return false;
    if (unset) inherit = name->first < PROPERTY_DISPLAY;
    for (int i = 0; i < name->n; i++)
        emit(out, name->first + i * name->stride,
             (struct declaration){.unit = inherit ? UNIT_INHERIT : UNIT_INITIAL});
    return true;
}

/* Takes "!important" off the end of a value. */
static bool take_important(struct css_reader *value) {
    struct css_reader ahead = *value;
    struct css_reader before = css_until(&ahead, "!");
    struct css_token sign = css_next(&ahead), word = css_next(&ahead);

    if (!css_is_sign(&sign, '!') || word.type != CSS_NAME ||
        !css_is_word(&word, "important"))
        return false;
    *value = before;
    return true;
}

static void declare(const struct css_token *token, struct css_reader value,
                    struct bytes *out) {
    const struct name *name =
        bsearch(token, names, G_N_ELEMENTS(names), sizeof *names, by_name);
    bool important = take_important(&value);
    struct css_reader again = value;
    size_t n = out->n;

    if (name == NULL) return;
    bool fine = read_global(&again, name, out);

    if (!fine) {
        again = value;
        fine = name->read(&again, name->first, out);
    }
    if (!fine || css_peek(again).type != CSS_END) out->n = n;
    for (; n < out->n; n += sizeof(struct declaration))
        ((struct declaration *)(void *)(out->data + n))->important = important;
}

void css_declarations(struct css_reader *reader, struct bytes *out) {
    for (;;) {
        struct css_token name = css_next(reader), colon = css_peek(*reader);

        if (name.type == CSS_END) return;
        if (css_is_sign(&name, ';')) continue;
        if (name.type == CSS_NAME && css_is_sign(&colon, ':')) {
            css_next(reader);
            declare(&name, css_until(reader, ";"), out);
        } else {
            *reader = (struct css_reader){name.from, reader->end};
            css_until(reader, ";");
        }
        css_next(reader);
    }
}
