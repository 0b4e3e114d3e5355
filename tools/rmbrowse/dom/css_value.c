/* SPDX-License-Identifier: MIT */
#include "dom/css.h"

#include <glib.h>
#include <math.h>
#include <string.h>

/* ----------------------------------------------------------------------------- colours */

static uint32_t channel(double value) { return (uint32_t)lround(CLAMP(value, 0, 255)); }

static bool hex_colour(const char *text, size_t n, colour_t *colour) {
    uint32_t digits[8], step = n > 4 ? 2 : 1, c = 0;

    if (n != 3 && n != 4 && n != 6 && n != 8) return false;
    for (size_t i = 0; i < n; i++) {
        if (!g_ascii_isxdigit(text[i])) return false;
        digits[i] = (uint32_t)g_ascii_xdigit_value(text[i]);
    }
    for (size_t i = 0; i < n; i += step)
        c = c << 8 | digits[i] << 4 | digits[i + step - 1];
    *colour = n == 3 || n == 6 ? 0xFF000000 | c : c >> 8 | c << 24;
    return true;
}

/* What rgb() and hsl() have: three or four numbers with commas, spaces, a slash between them; how many, or 0. In
   percent: of 255, of 1 for the last one. */
static size_t arguments(struct css_reader *reader, double *numbers, bool hsl) {
    size_t n = 0;

    for (;;) {
        struct css_token token = css_next(reader);

        if (css_is_sign(&token, ')') || token.type == CSS_END) return n >= 3 ? n : 0;
        if (css_is_sign(&token, ',') || css_is_sign(&token, '/')) continue;
        if (token.type != CSS_NUMBER || n == 4) return 0;
        bool percent = css_is_word(&token, "%");

        if (token.n > 0 && !percent && !(hsl && n == 0 && css_is_word(&token, "deg")))
            return 0;
        numbers[n] = token.number;
        if (percent && (!hsl || n == 3)) numbers[n] *= n == 3 ? 0.01 : 2.55;
        n++;
    }
}

/* CSS Color 4, 7.1 */
static double hsl_channel(const double *hsl, double n) {
    double saturation = CLAMP(hsl[1] / 100, 0, 1), light = CLAMP(hsl[2] / 100, 0, 1);
    double k = fmod(n + fmod(hsl[0], 360) / 30 + 12, 12);
    double a = saturation * MIN(light, 1 - light);

    return 255 * (light - a * MAX(-1, MIN(MIN(k - 3, 9 - k), 1)));
}

static bool function_colour(const struct css_token *name, struct css_reader *reader,
                            colour_t *colour) {
    bool hsl = css_is_word(name, "hsl") || css_is_word(name, "hsla");
    double numbers[4] = {0}, rgb[3];

    if (!hsl && !css_is_word(name, "rgb") && !css_is_word(name, "rgba")) return false;
    size_t n = arguments(reader, numbers, hsl);

    if (n == 0) return false;
    for (int i = 0; i < 3; i++)
        rgb[i] = hsl ? hsl_channel(numbers, (const double[]){0, 8, 4}[i]) : numbers[i];
    *colour = channel(n == 4 ? 255 * numbers[3] : 255) << 24 | channel(rgb[0]) << 16 |
              channel(rgb[1]) << 8 | channel(rgb[2]);
    return true;
}

bool css_colour(struct css_reader *reader, struct declaration *value) {
    struct css_token token = css_next(reader);

    value->unit = UNIT_COLOUR;
    if (token.type == CSS_HASH) return hex_colour(token.text, token.n, &value->word);
    if (token.type == CSS_FUNCTION) return function_colour(&token, reader, &value->word);
    if (token.type != CSS_NAME) return false;
    if (css_is_word(&token, "currentcolor")) {
        value->unit = UNIT_CURRENT;
        return true;
    }
    value->word = COLOUR_NONE;
    return css_is_word(&token, "transparent") ||
           css_colour_name(token.text, token.n, &value->word);
}

/* ----------------------------------------------------------------------------- lengths */

bool css_length(struct css_reader *reader, struct declaration *value) {
    static const struct {
        const char *name;
        unit_t unit;
        double times;
    } units[] = {
        {"px", UNIT_PX, 1},         {"em", UNIT_EM, 1},   {"%", UNIT_PERCENT, 1},
        {"pt", UNIT_PX, 96. / 72},  {"rem", UNIT_REM, 1}, {"ex", UNIT_EM, 0.5},
        {"ch", UNIT_EM, 0.5},       {"in", UNIT_PX, 96},  {"cm", UNIT_PX, 96 / 2.54},
        {"mm", UNIT_PX, 96 / 25.4}, {"pc", UNIT_PX, 16},
    };
    struct css_token token = css_next(reader);

    if (token.type != CSS_NUMBER) return false;
    if (token.n == 0 && token.number == 0) {
        value->unit = UNIT_PX;
        value->number = 0;
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (!css_is_word(&token, units[i].name)) continue;
        value->unit = units[i].unit;
        value->number = (float)CLAMP(token.number * units[i].times, -1e6, 1e6);
        return true;
    }
    return false;
}

/* ---------------------------------------------------------------------------- keywords */

static const struct keyword {
    property_t property;
    const char *name;
    uint8_t value;
} keywords[] = {
    {PROPERTY_FONT_WEIGHT, "normal", 0},
    {PROPERTY_FONT_WEIGHT, "bold", 1},
    {PROPERTY_FONT_WEIGHT, "bolder", 1},
    {PROPERTY_FONT_WEIGHT, "lighter", 0},
    {PROPERTY_FONT_STYLE, "normal", 0},
    {PROPERTY_FONT_STYLE, "italic", 1},
    {PROPERTY_FONT_STYLE, "oblique", 1},
    {PROPERTY_LINE_HEIGHT, "normal", 0},
    {PROPERTY_TEXT_ALIGN, "left", ALIGN_LEFT},
    {PROPERTY_TEXT_ALIGN, "start", ALIGN_LEFT},
    {PROPERTY_TEXT_ALIGN, "center", ALIGN_CENTER},
    {PROPERTY_TEXT_ALIGN, "middle", ALIGN_CENTER}, /* of the attribute `align` */
    {PROPERTY_TEXT_ALIGN, "right", ALIGN_RIGHT},
    {PROPERTY_TEXT_ALIGN, "end", ALIGN_RIGHT},
    {PROPERTY_TEXT_ALIGN, "justify", ALIGN_JUSTIFY},
    {PROPERTY_TEXT_DECORATION, "none", 0},
    {PROPERTY_TEXT_DECORATION, "underline", DECORATION_UNDERLINE},
    {PROPERTY_TEXT_DECORATION, "line-through", DECORATION_STRIKE},
    {PROPERTY_WHITE_SPACE, "normal", SPACE_WRAP},
    {PROPERTY_WHITE_SPACE, "nowrap", 0},
    {PROPERTY_WHITE_SPACE, "pre", SPACE_PRE},
    {PROPERTY_WHITE_SPACE, "pre-wrap", SPACE_PRE | SPACE_WRAP},
    {PROPERTY_WHITE_SPACE, "pre-line", SPACE_PRE | SPACE_WRAP},
    {PROPERTY_WHITE_SPACE, "break-spaces", SPACE_PRE | SPACE_WRAP},
    {PROPERTY_VISIBILITY, "visible", 0},
    {PROPERTY_VISIBILITY, "hidden", 1},
    {PROPERTY_VISIBILITY, "collapse", 1},
    {PROPERTY_LIST_STYLE, "none", MARKER_NONE},
    {PROPERTY_LIST_STYLE, "disc", MARKER_DISC},
    {PROPERTY_LIST_STYLE, "circle", MARKER_CIRCLE},
    {PROPERTY_LIST_STYLE, "square", MARKER_SQUARE},
    {PROPERTY_LIST_STYLE, "decimal", MARKER_DECIMAL},
    {PROPERTY_LIST_STYLE, "decimal-leading-zero", MARKER_DECIMAL},
    {PROPERTY_LIST_STYLE, "lower-alpha", MARKER_ALPHA},
    {PROPERTY_LIST_STYLE, "lower-latin", MARKER_ALPHA},
    {PROPERTY_LIST_STYLE, "upper-alpha", MARKER_UPPER_ALPHA},
    {PROPERTY_LIST_STYLE, "upper-latin", MARKER_UPPER_ALPHA},
    {PROPERTY_LIST_STYLE, "lower-roman", MARKER_ROMAN},
    {PROPERTY_LIST_STYLE, "upper-roman", MARKER_UPPER_ROMAN},
    {PROPERTY_BORDER_COLLAPSE, "separate", 0},
    {PROPERTY_BORDER_COLLAPSE, "collapse", 1},
    {PROPERTY_DISPLAY, "none", DISPLAY_NONE},
    {PROPERTY_DISPLAY, "inline", DISPLAY_INLINE},
    {PROPERTY_DISPLAY, "contents", DISPLAY_INLINE},
    {PROPERTY_DISPLAY, "block", DISPLAY_BLOCK},
    {PROPERTY_DISPLAY, "flow-root", DISPLAY_BLOCK},
    {PROPERTY_DISPLAY, "flex", DISPLAY_BLOCK},
    {PROPERTY_DISPLAY, "grid", DISPLAY_BLOCK},
    {PROPERTY_DISPLAY, "inline-block", DISPLAY_INLINE_BLOCK},
    {PROPERTY_DISPLAY, "inline-flex", DISPLAY_INLINE_BLOCK},
    {PROPERTY_DISPLAY, "inline-grid", DISPLAY_INLINE_BLOCK},
    {PROPERTY_DISPLAY, "inline-table", DISPLAY_INLINE_BLOCK},
    {PROPERTY_DISPLAY, "list-item", DISPLAY_LIST_ITEM},
    {PROPERTY_DISPLAY, "table", DISPLAY_TABLE},
    {PROPERTY_DISPLAY, "table-row-group", DISPLAY_TABLE_GROUP},
    {PROPERTY_DISPLAY, "table-header-group", DISPLAY_TABLE_GROUP},
    {PROPERTY_DISPLAY, "table-footer-group", DISPLAY_TABLE_GROUP},
    {PROPERTY_DISPLAY, "table-row", DISPLAY_TABLE_ROW},
    {PROPERTY_DISPLAY, "table-cell", DISPLAY_TABLE_CELL},
    {PROPERTY_DISPLAY, "table-caption", DISPLAY_TABLE_CAPTION},
    {PROPERTY_DISPLAY, "table-column", DISPLAY_NONE},
    {PROPERTY_DISPLAY, "table-column-group", DISPLAY_NONE},
    {PROPERTY_FLOAT, "none", FLOAT_NONE},
    {PROPERTY_FLOAT, "left", FLOAT_LEFT},
    {PROPERTY_FLOAT, "right", FLOAT_RIGHT},
    {PROPERTY_CLEAR, "none", 0},
    {PROPERTY_CLEAR, "left", CLEAR_LEFT},
    {PROPERTY_CLEAR, "right", CLEAR_RIGHT},
    {PROPERTY_CLEAR, "both", CLEAR_LEFT | CLEAR_RIGHT},
    {PROPERTY_CLEAR, "all", CLEAR_LEFT | CLEAR_RIGHT}, /* of the attribute `clear` */
    {PROPERTY_VERTICAL_ALIGN, "baseline", VALIGN_TOP},
    {PROPERTY_VERTICAL_ALIGN, "top", VALIGN_TOP},
    {PROPERTY_VERTICAL_ALIGN, "text-top", VALIGN_TOP},
    {PROPERTY_VERTICAL_ALIGN, "sub", VALIGN_SUB},
    {PROPERTY_VERTICAL_ALIGN, "super", VALIGN_SUPER},
    {PROPERTY_VERTICAL_ALIGN, "middle", VALIGN_MIDDLE},
    {PROPERTY_VERTICAL_ALIGN, "bottom", VALIGN_BOTTOM},
    {PROPERTY_VERTICAL_ALIGN, "text-bottom", VALIGN_BOTTOM},
    /* Whether there is a line. */
    {PROPERTY_BORDER_STYLE, "none", 0},
    {PROPERTY_BORDER_STYLE, "hidden", 0},
    {PROPERTY_BORDER_STYLE, "solid", 1},
    {PROPERTY_BORDER_STYLE, "dotted", 1},
    {PROPERTY_BORDER_STYLE, "dashed", 1},
    {PROPERTY_BORDER_STYLE, "double", 1},
    {PROPERTY_BORDER_STYLE, "groove", 1},
    {PROPERTY_BORDER_STYLE, "ridge", 1},
    {PROPERTY_BORDER_STYLE, "inset", 1},
    {PROPERTY_BORDER_STYLE, "outset", 1},
};

bool css_keyword(struct css_reader *reader, property_t property,
                 struct declaration *value) {
    struct css_token token = css_next(reader);

    value->unit = UNIT_KEYWORD;
    if (token.type != CSS_NAME) return false;
    for (size_t i = 0; i < G_N_ELEMENTS(keywords); i++) {
        if (keywords[i].property != property || !css_is_word(&token, keywords[i].name))
            continue;
        value->word = keywords[i].value;
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------------------- fonts */

bool css_font_size(struct css_reader *reader, struct declaration *value) {
    static const struct {
        const char *name;
        unit_t unit;
        float number;
    } sizes[] = {
        {"xx-small", UNIT_PX, 9},  {"x-small", UNIT_PX, 10},
        {"small", UNIT_PX, 13},    {"medium", UNIT_PX, 16},
        {"large", UNIT_PX, 18},    {"x-large", UNIT_PX, 24},
        {"xx-large", UNIT_PX, 32}, {"xxx-large", UNIT_PX, 48},
        {"larger", UNIT_EM, 1.2f}, {"smaller", UNIT_EM, 1 / 1.2f},
    };
    struct css_reader name = *reader;
    struct css_token token = css_next(&name);

    if (token.type != CSS_NAME) return css_length(reader, value) && value->number >= 0;
    *reader = name;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        if (!css_is_word(&token, sizes[i].name)) continue;
        value->unit = sizes[i].unit;
        value->number = sizes[i].number;
        return true;
    }
    return false;
}

/* What kind a family is of, by what is said in its name; false: nothing is. */
static bool family_of(const struct css_token *token, uint32_t *family) {
    static const struct {
        const char *part;
        family_t family;
    } parts[] = {
        {"mono", FAMILY_MONO},       {"courier", FAMILY_MONO},
        {"consol", FAMILY_MONO},     {"menlo", FAMILY_MONO},
        {"typewriter", FAMILY_MONO}, {"fixed", FAMILY_MONO},
        {"sans", FAMILY_SANS},       {"arial", FAMILY_SANS},
        {"helvetica", FAMILY_SANS},  {"verdana", FAMILY_SANS},
        {"tahoma", FAMILY_SANS},     {"trebuchet", FAMILY_SANS},
        {"lucida", FAMILY_SANS},     {"system-ui", FAMILY_SANS},
        {"segoe", FAMILY_SANS},      {"roboto", FAMILY_SANS},
        {"cantarell", FAMILY_SANS},  {"ubuntu", FAMILY_SANS},
        {"serif", FAMILY_SERIF},     {"times", FAMILY_SERIF},
        {"georgia", FAMILY_SERIF},   {"roman", FAMILY_SERIF},
        {"palatino", FAMILY_SERIF},  {"garamond", FAMILY_SERIF},
        {"bookman", FAMILY_SERIF},   {"century", FAMILY_SERIF},
    };
    char name[64];
    size_t n = MIN(token->n, sizeof name - 1);

    for (size_t i = 0; i < n; i++) name[i] = g_ascii_tolower(token->text[i]);
    name[n] = '\0';
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (strstr(name, parts[i].part) == NULL) continue;
        *family = parts[i].family;
        return true;
    }
    return false;
}

bool css_font_family(struct css_reader *reader, struct declaration *value) {
    bool found = false;

    value->unit = UNIT_KEYWORD;
    for (;;) {
        struct css_token token = css_next(reader);

        if (token.type == CSS_END) return found;
        if (token.type != CSS_NAME && token.type != CSS_STRING &&
            !css_is_sign(&token, ','))
            return false;
        if (!found && !css_is_sign(&token, ',')) found = family_of(&token, &value->word);
    }
}
