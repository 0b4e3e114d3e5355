/* SPDX-License-Identifier: MIT */
/*
 * One PangoContext serves all pages. Its options are fixed, so that neither the desktop's settings nor the surface
 * that is painted on change what lines are made: glyphs stand on whole pixels, and a tile has them where its
 * neighbour does.
 */
#include "layout/text.h"

#include <math.h>
#include <string.h>

enum { FAMILIES = 3, SIZES = 256, WORDS_MOST = 1000 };

static struct {
    PangoFontMap *map;
    PangoContext *context;
    PangoFontDescription *fonts[FAMILIES][2][2][SIZES];
    text_image_fn *paint;
    void *painter;
} text;

/* Pango comes to an image; its data is the number of its span, plus one. */
static void on_shape(cairo_t *cairo, PangoAttrShape *shape, gboolean path,
                     gpointer data) {
    if (path || !text.paint) return;
    double x = 0, y = 0;
    cairo_get_current_point(cairo, &x, &y);
    y += PANGO_PIXELS(shape->ink_rect.y + shape->ink_rect.height);
    text.paint(text.painter, cairo, GPOINTER_TO_SIZE(shape->data) - 1, rint(x), rint(y));
}

static PangoContext *text_context(void) {
    if (text.context) return text.context;
    text.map = pango_cairo_font_map_new();
    pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(text.map), 96);
    text.context = pango_font_map_create_context(text.map);
    pango_context_set_language(text.context, pango_language_from_string("en"));
    pango_context_set_base_dir(text.context, PANGO_DIRECTION_LTR);
    pango_context_set_round_glyph_positions(text.context, TRUE);

    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_ON);
    pango_cairo_context_set_font_options(text.context, options);
    cairo_font_options_destroy(options);
    pango_cairo_context_set_shape_renderer(text.context, on_shape, NULL, NULL);
    return text.context;
}

void text_paint_images(text_image_fn *paint, void *context) {
    text.paint = paint;
    text.painter = context;
}

static const PangoFontDescription *font_of(const struct span *span) {
    static const char *const families[FAMILIES] = {
        [FAMILY_SERIF] = "serif", [FAMILY_SANS] = "sans", [FAMILY_MONO] = "monospace"};
    PangoFontDescription **font =
        &text.fonts[span->family][span->bold][span->italic][span->font_size];
    if (!*font) {
        *font = pango_font_description_new();
        pango_font_description_set_family_static(*font, families[span->family]);
        pango_font_description_set_absolute_size(*font, span->font_size * PANGO_SCALE);
        pango_font_description_set_weight(*font, span->bold ? PANGO_WEIGHT_BOLD
                                                            : PANGO_WEIGHT_NORMAL);
        pango_font_description_set_style(*font, span->italic ? PANGO_STYLE_ITALIC
                                                             : PANGO_STYLE_NORMAL);
    }
    return *font;
}

static void add(PangoAttrList *list, PangoAttribute *attribute, guint start, guint end) {
    attribute->start_index = start;
    attribute->end_index = end;
    pango_attr_list_insert(list, attribute);
}

/* A colour's channel, of 8 bits at `shift`, with 16. */
static guint16 channel(colour_t colour, unsigned shift) {
    return (colour >> shift & 0xff) * 0x101;
}

static void add_image(PangoAttrList *list, const struct span *span, size_t number,
                      guint start, guint end) {
    int width = span->width * PANGO_SCALE, height = span->height * PANGO_SCALE;
    int top = span->rise == RISE_MIDDLE
                  ? -(span->height + span->font_size / 2) / 2 * PANGO_SCALE
                  : -height;
    PangoRectangle rectangle = {.y = top, .width = width, .height = height};
    add(list,
        pango_attr_shape_new_with_data(&rectangle, &rectangle,
                                       GSIZE_TO_POINTER(number + 1), NULL, NULL),
        start, end);
}

static void add_span(PangoAttrList *list, const struct span *span, size_t number,
                     guint start, guint end) {
    if (span->width) {
        add_image(list, span, number, start, end);
        return;
    }
    colour_t colour = span->colour, background = span->background;
    add(list, pango_attr_font_desc_new(font_of(span)), start, end);
    add(list,
        pango_attr_foreground_new(channel(colour, 16), channel(colour, 8),
                                  channel(colour, 0)),
        start, end);
    if (colour >> 24 < 0xff) /* 0 would be opaque to Pango */
        add(list, pango_attr_foreground_alpha_new(MAX(channel(colour, 24), 1)), start,
            end);
    if (background >> 24) {
        add(list,
            pango_attr_background_new(channel(background, 16), channel(background, 8),
                                      channel(background, 0)),
            start, end);
        add(list, pango_attr_background_alpha_new(channel(background, 24)), start, end);
    }
    if (span->underline)
        add(list, pango_attr_underline_new(PANGO_UNDERLINE_SINGLE), start, end);
    if (span->strike) add(list, pango_attr_strikethrough_new(TRUE), start, end);
    if (span->line_height)
        add(list, pango_attr_line_height_new_absolute(span->line_height * PANGO_SCALE),
            start, end);
    if (span->unbroken) add(list, pango_attr_allow_breaks_new(FALSE), start, end);
    int rise = span->rise == RISE_SUPER ? span->font_size * 2 / 5
               : span->rise == RISE_SUB ? -span->font_size / 4
                                        : 0;
    if (rise) add(list, pango_attr_rise_new(rise * PANGO_SCALE), start, end);
}

size_t span_of(const struct span *spans, size_t n_spans, uint32_t at) {
    size_t low = 0, high = n_spans;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (spans[middle].start <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

PangoLayout *text_layout(const char *bytes, size_t n, const struct span *spans,
                         size_t n_spans, uint32_t from, float width, align_t align) {
    PangoLayout *layout = pango_layout_new(text_context());
    PangoAttrList *list = pango_attr_list_new();
    size_t first = span_of(spans, n_spans, from);
    for (size_t i = first; i < n_spans && (spans[i].start < from + n || i == first);
         i++) {
        guint start = spans[i].start > from ? spans[i].start - from : 0;
        guint end = i + 1 < n_spans ? MIN(spans[i + 1].start - from, n) : n;
        /* An empty line has the height of what would stand on it. */
        add_span(list, &spans[i], i, start, n ? end : G_MAXUINT);
    }
    /* A word broken because nothing else helps has no more characters than it had. */
    add(list, pango_attr_insert_hyphens_new(FALSE), 0, G_MAXUINT);
    pango_layout_set_font_description(layout, font_of(&spans[first]));
    pango_layout_set_attributes(layout, list);
    pango_attr_list_unref(list);
    pango_layout_set_auto_dir(layout, FALSE);
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_width(layout, width < 0 ? -1 : lrintf(width) * PANGO_SCALE);
    /* Justified lines are left as they are: paragraphs are cut into several of these, and Pango spaces the letters of
       a line of one word. */
    pango_layout_set_alignment(layout, align == ALIGN_CENTER  ? PANGO_ALIGN_CENTER
                                       : align == ALIGN_RIGHT ? PANGO_ALIGN_RIGHT
                                                              : PANGO_ALIGN_LEFT);
    pango_layout_set_text(layout, bytes, n);
    return layout;
}

PangoLayout *paragraph_layout(const struct paragraph *paragraph) {
    return text_layout(paragraph_text(paragraph), paragraph->n_text, paragraph->spans,
                       paragraph->n_spans, 0, paragraph->width, paragraph->align);
}

PangoLayout *text_words(const char *words, const struct span *look, float width) {
    size_t n = strnlen(words, WORDS_MOST);
    while (n == WORDS_MOST && ((unsigned char)words[n] & 0xc0) == 0x80) n--;
    return text_layout(words, n, look, 1, 0, width, ALIGN_LEFT);
}

void text_line(PangoLayoutIter *iter, struct line *line) {
    PangoRectangle logical;
    pango_layout_iter_get_line_extents(iter, NULL, &logical);
    PangoLayoutLine *of = pango_layout_iter_get_line_readonly(iter);
    *line = (struct line){
        .top = PANGO_PIXELS(logical.y),
        .bottom = PANGO_PIXELS(logical.y + logical.height),
        .baseline = PANGO_PIXELS(pango_layout_iter_get_baseline(iter)),
        .left = PANGO_PIXELS(logical.x),
        .right = PANGO_PIXELS_CEIL(logical.x + logical.width),
        .start = of->start_index,
        .length = of->length,
    };
}

void text_size(PangoLayout *layout, float *width, float *height, struct extent *reach) {
    PangoRectangle ink, logical;
    pango_layout_get_pixel_extents(layout, &ink, &logical);
    *width = logical.width;
    *height = logical.height;
    *reach = (struct extent){
        .left = MIN(ink.x, logical.x) - 1,
        .top = MIN(ink.y, logical.y) - 1,
        .right = MAX(ink.x + ink.width, logical.x + logical.width) + 1,
        .bottom = MAX(ink.y + ink.height, logical.y + logical.height) + 1,
    };
}

void text_finish(void) {
    for (size_t i = 0; i < sizeof text.fonts / sizeof(PangoFontDescription *); i++)
        pango_font_description_free((&text.fonts[0][0][0][0])[i]);
    if (text.context) {
        g_object_unref(text.context);
        g_object_unref(text.map);
    }
    memset(&text, 0, sizeof text);
}
