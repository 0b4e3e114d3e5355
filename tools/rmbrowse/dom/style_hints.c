/* SPDX-License-Identifier: MIT */
/* What attributes say of an element's looks: bgcolor, align, width and the like, from before there were sheets. */
#include "dom/css.h"

#include <glib.h>
#include <string.h>

struct hints {
    const struct style_step *step; /* the element */
    struct bytes *out;
};

static void emit(const struct hints *hints, property_t property,
                 struct declaration value) {
    value.property = (uint8_t)property;
    bytes_add(hints->out, &value, sizeof value);
}

static void emit_px(const struct hints *hints, property_t property, float pixels) {
    emit(hints, property, (struct declaration){.unit = UNIT_PX, .number = pixels});
}

static void emit_word(const struct hints *hints, property_t property, uint32_t word) {
    emit(hints, property, (struct declaration){.unit = UNIT_KEYWORD, .word = word});
}

static const char *attribute(const struct style_step *step, const char *name) {
    return attribute_of(step->attributes, step->attributes_size, name);
}

static struct css_reader reader_of(const char *text) {
    return (struct css_reader){text, text + strlen(text)};
}

/* ---------------------------------------------------------------------------- values */

/* A colour by name, or in six hexadecimal digits, with '#' or, as many have it, without. */
static void hint_colour(const struct hints *hints, const char *name,
                        property_t property) {
    const char *text = attribute(hints->step, name);
    struct declaration value = {0};
    char digits[8] = "#";

    if (text == NULL) return;
    struct css_reader reader = reader_of(text);

    if (css_colour(&reader, &value)) {
        emit(hints, property, value);
        return;
    }
    if (strlen(text) != 6) return;
    g_strlcpy(digits + 1, text, 7);
    reader = reader_of(digits);
    if (css_colour(&reader, &value)) emit(hints, property, value);
}

/* "100", "100px", "50%"; false: something else. */
static bool size_of(const char *text, struct declaration *value) {
    if (text == NULL) return false;
    struct css_reader reader = reader_of(text);
    struct css_token token = css_next(&reader);

    value->unit = css_is_word(&token, "%") ? UNIT_PERCENT : UNIT_PX;
    value->number = (float)CLAMP(token.number, 0, 1e6);
    return token.type == CSS_NUMBER && token.number >= 0 && !css_is_sign(&token, '*');
}

static void hint_size(const struct hints *hints, const char *name, property_t property) {
    struct declaration value = {0};

    if (size_of(attribute(hints->step, name), &value)) emit(hints, property, value);
}

static void hint_keyword(const struct hints *hints, const char *name,
                         property_t property) {
    const char *text = attribute(hints->step, name);
    struct declaration value = {0};

    if (text == NULL) return;
    struct css_reader reader = reader_of(text);

    if (css_keyword(&reader, property, &value)) emit(hints, property, value);
}

static void hint_border(const struct hints *hints, float pixels) {
    for (int i = 0; i < SIDES; i++) {
        emit_px(hints, PROPERTY_BORDER_WIDTH + i, pixels);
        emit_word(hints, PROPERTY_BORDER_STYLE + i, pixels > 0);
        emit(hints, PROPERTY_BORDER_COLOUR + i,
             (struct declaration){.unit = UNIT_COLOUR, .word = 0xFF808080});
    }
}

static bool says(const struct style_step *step, const char *name, const char *value) {
    const char *text = attribute(step, name);

    return text != NULL && g_ascii_strcasecmp(text, value) == 0;
}

static void hint_centred(const struct hints *hints) {
    emit(hints, PROPERTY_MARGIN + SIDE_LEFT, (struct declaration){.unit = UNIT_AUTO});
    emit(hints, PROPERTY_MARGIN + SIDE_RIGHT, (struct declaration){.unit = UNIT_AUTO});
}

/* ---------------------------------------------------------------------- of some elements */

static void hint_font(const struct hints *hints) {
    static const float sizes[] = {10, 13, 16, 18, 24, 32, 48};
    const char *face = attribute(hints->step, "face");
    const char *size = attribute(hints->step, "size");
    struct declaration value = {0};

    hint_colour(hints, "color", PROPERTY_COLOUR);
    if (face != NULL) {
        struct css_reader reader = reader_of(face);

        if (css_font_family(&reader, &value)) emit(hints, PROPERTY_FONT_FAMILY, value);
    }
    if (size == NULL || !g_ascii_isdigit(size[*size == '+' || *size == '-'])) return;
    int step = size[*size == '+' || *size == '-'] - '0';

    if (*size == '+') step = 3 + step;
    if (*size == '-') step = 3 - step;
    emit_px(hints, PROPERTY_FONT_SIZE, sizes[CLAMP(step, 1, 7) - 1]);
}

static void hint_list(const struct hints *hints) {
    static const struct {
        const char *type;
        marker_t marker;
    } markers[] = {{"1", MARKER_DECIMAL},
                   {"a", MARKER_ALPHA},
                   {"A", MARKER_UPPER_ALPHA},
                   {"i", MARKER_ROMAN},
                   {"I", MARKER_UPPER_ROMAN}};
    const char *type = attribute(hints->step, "type");

    for (size_t i = 0; type != NULL && i < G_N_ELEMENTS(markers); i++)
        if (strcmp(type, markers[i].type) == 0)
            emit_word(hints, PROPERTY_LIST_STYLE, markers[i].marker);
    hint_keyword(hints, "type", PROPERTY_LIST_STYLE);
}

/* Of the table that a cell is in. */
static const struct style_step *table_of(const struct style_step *path, size_t depth) {
    for (size_t i = depth - 1; i-- > 0;)
        if (path[i].tag == TAG_TABLE) return path + i;
    return NULL;
}

static void hint_cell(const struct hints *hints, const struct style_step *table) {
    struct declaration value = {0};

    if (table != NULL && size_of(attribute(table, "cellpadding"), &value))
        for (int i = 0; i < SIDES; i++) emit(hints, PROPERTY_PADDING + i, value);
    const char *border = table != NULL ? attribute(table, "border") : NULL;

    if (border != NULL && strcmp(border, "0") != 0) hint_border(hints, 1);
    if (attribute(hints->step, "nowrap") != NULL)
        emit_word(hints, PROPERTY_WHITE_SPACE, 0);
}

static void hint_table(const struct hints *hints, const struct style_step *parent) {
    const char *border = attribute(hints->step, "border");
    struct declaration value = {0};

    if (border != NULL && *border == '\0') border = "1";
    if (size_of(border, &value) && value.number > 0) hint_border(hints, value.number);
    if (says(hints->step, "align", "center") || says(parent, "align", "center"))
        hint_centred(hints);
    hint_keyword(hints, "align", PROPERTY_FLOAT);
}

static void hint_image(const struct hints *hints) {
    struct declaration value = {0};

    if (size_of(attribute(hints->step, "border"), &value))
        hint_border(hints, value.number);
    hint_keyword(hints, "align", PROPERTY_FLOAT);
    hint_keyword(hints, "align", PROPERTY_VERTICAL_ALIGN);
    hint_size(hints, "hspace", PROPERTY_MARGIN + SIDE_LEFT);
    hint_size(hints, "hspace", PROPERTY_MARGIN + SIDE_RIGHT);
    hint_size(hints, "vspace", PROPERTY_MARGIN + SIDE_TOP);
    hint_size(hints, "vspace", PROPERTY_MARGIN + SIDE_BOTTOM);
}

static void hint_rule(const struct hints *hints) {
    hint_colour(hints, "color", PROPERTY_BORDER_COLOUR + SIDE_TOP);
    hint_size(hints, "size", PROPERTY_BORDER_WIDTH + SIDE_TOP);
    hint_size(hints, "width", PROPERTY_WIDTH);
    if (attribute(hints->step, "width") == NULL) return;
    hint_centred(hints);
    if (says(hints->step, "align", "left"))
        emit_px(hints, PROPERTY_MARGIN + SIDE_LEFT, 0);
    if (says(hints->step, "align", "right"))
        emit_px(hints, PROPERTY_MARGIN + SIDE_RIGHT, 0);
}

static void hint_box(const struct hints *hints) {
    hint_colour(hints, "bgcolor", PROPERTY_BACKGROUND);
    hint_size(hints, "width", PROPERTY_WIDTH);
    hint_size(hints, "height", PROPERTY_HEIGHT);
}

void style_hints(const struct style_step *path, size_t depth, struct bytes *out) {
    const struct style_step *step = path + depth - 1,
                            *parent = depth > 1 ? step - 1 : step;
    const struct hints hints = {step, out};

    if (step->attributes_size == 0 && step->tag != TAG_TD && step->tag != TAG_TH &&
        step->tag != TAG_TABLE)
        return;
    if (attribute(step, "hidden") != NULL)
        emit_word(&hints, PROPERTY_DISPLAY, DISPLAY_NONE);
    switch (step->tag) {
    case TAG_BODY:
        hint_colour(&hints, "bgcolor", PROPERTY_BACKGROUND);
        hint_colour(&hints, "text", PROPERTY_COLOUR);
        break;
    case TAG_FONT: hint_font(&hints); break;
    case TAG_BR: hint_keyword(&hints, "clear", PROPERTY_CLEAR); break;
    case TAG_HR: hint_rule(&hints); break;
    case TAG_OL:
    case TAG_UL:
    case TAG_LI: hint_list(&hints); break;
    case TAG_IMG:
    case TAG_OBJECT:
    case TAG_VIDEO:
    case TAG_IFRAME:
        hint_box(&hints);
        hint_image(&hints);
        break;
    case TAG_TABLE:
        hint_box(&hints);
        hint_table(&hints, parent);
        break;
    case TAG_TD:
    case TAG_TH:
        hint_box(&hints);
        hint_cell(&hints, table_of(path, depth));
        hint_keyword(&hints, "align", PROPERTY_TEXT_ALIGN);
        hint_keyword(&hints, "valign", PROPERTY_VERTICAL_ALIGN);
        break;
    case TAG_TR:
    case TAG_THEAD:
    case TAG_TBODY:
    case TAG_TFOOT:
        hint_box(&hints);
        hint_keyword(&hints, "valign", PROPERTY_VERTICAL_ALIGN);
        hint_keyword(&hints, "align", PROPERTY_TEXT_ALIGN);
        break;
    case TAG_DIV:
    case TAG_P:
    case TAG_CAPTION:
    case TAG_H1:
    case TAG_H2:
    case TAG_H3:
    case TAG_H4:
    case TAG_H5:
    case TAG_H6: hint_keyword(&hints, "align", PROPERTY_TEXT_ALIGN); break;
    default: break;
    }
}
