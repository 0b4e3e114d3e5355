/* SPDX-License-Identifier: MIT */
#include "ui/ink.h"

#include <math.h>
#include <pango/pangocairo.h>

void ink_colour(cairo_t *cairo, uint32_t colour) {
    cairo_set_source_rgb(cairo, (colour >> 16) / 255.0, (colour >> 8 & 255) / 255.0,
                         (colour & 255) / 255.0);
}

void ink_box(cairo_t *cairo, double x, double y, double width, double height,
             uint32_t colour) {
    ink_colour(cairo, colour);
    cairo_rectangle(cairo, x, y, width, height);
    cairo_fill(cairo);
}

void ink_round(cairo_t *cairo, double x, double y, double width, double height,
               double radius) {
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, x + width - radius, y + radius, radius, -G_PI_2, 0);
    cairo_arc(cairo, x + width - radius, y + height - radius, radius, 0, G_PI_2);
    cairo_arc(cairo, x + radius, y + height - radius, radius, G_PI_2, G_PI);
    cairo_arc(cairo, x + radius, y + radius, radius, G_PI, 3 * G_PI_2);
    cairo_close_path(cairo);
}

/* A text of one line. Pixels are meant where points are said, whatever the screen's resolution. */
static PangoLayout *layout_of(cairo_t *cairo, const char *font, const char *text, int n) {
    PangoLayout *layout = pango_cairo_create_layout(cairo);
    PangoFontDescription *description = pango_font_description_from_string(font);

    pango_cairo_context_set_resolution(pango_layout_get_context(layout), 96);
    pango_layout_set_font_description(layout, description);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_text(layout, text, n);
    pango_font_description_free(description);
    return layout;
}

double ink_text(cairo_t *cairo, const struct ink_style *style, double x, double y,
                double width, double height, const char *text) {
    PangoLayout *layout = layout_of(cairo, style->font, text, -1);
    int taken, high;

    pango_layout_get_pixel_size(layout, &taken, &high);
    if (taken > width) {
        pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
        pango_layout_set_width(layout, (int)(fmax(width, 0) * PANGO_SCALE));
        pango_layout_get_pixel_size(layout, &taken, &high);
    }
    if (style->align == INK_RIGHT) x += width - taken;
    if (style->align == INK_CENTRE) x += floor((width - taken) / 2);
    ink_colour(cairo, style->colour);
    cairo_move_to(cairo, x, floor(y + (height - high) / 2));
    pango_cairo_show_layout(cairo, layout);
    g_object_unref(layout);
    return taken;
}

double ink_width(cairo_t *cairo, const char *font, const char *text, int n) {
    PangoLayout *layout = layout_of(cairo, font, text, n);
    int width;

    pango_layout_get_size(layout, &width, NULL);
    g_object_unref(layout);
    return (double)width / PANGO_SCALE;
}

int ink_byte_at(cairo_t *cairo, const char *font, const char *text, double x) {
    PangoLayout *layout = layout_of(cairo, font, text, -1);
    int at, after;

    pango_layout_xy_to_index(layout, (int)(x * PANGO_SCALE), 0, &at, &after);
    g_object_unref(layout);
    return (int)(g_utf8_offset_to_pointer(text + at, after) - text);
}

void ink_finish(void) { pango_cairo_font_map_set_default(NULL); }
