/* SPDX-License-Identifier: MIT */
#include "ui/chrome.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#include "ui/ink.h"

/* The window's own colours. */
enum {
    STRIP = 0xd6dce3,
    GROUND = 0xf7f9fb,
    FIELD = 0xe8ecf1,
    WHITE = 0xffffff,
    DARK = 0x1d2530,
    GREY = 0x5b6775,
    BLUE = 0x1c6fb5,
    SELECTED = 0xb9d8f2
};

#define FONT "Sans 9"
enum { TAB_LEAST = 92, TAB_MOST = 210, NEW = 34, CROSS = 22, BUTTON = 34 };
#define FIELD_X (3 * BUTTON + 12)

/* ------------------------------------------------------------------- tabs */

/* Where the tabs are: those that find no room beside each other, but for some around the shown one, are not there. */
struct strip {
    unsigned numbers[TABS_MAX], n, first, shown;
    double each;
};

static void look_at_tabs(const struct chrome *chrome, struct strip *strip) {
    double width = chrome->width - NEW;
    unsigned room = width > TAB_LEAST ? (unsigned)(width / TAB_LEAST) : 1, at = 0;

    *strip = (struct strip){.shown = browser_shown(chrome->browser)};
    strip->n = browser_tabs(chrome->browser, strip->numbers, TABS_MAX);
    while (at < strip->n && strip->numbers[at] != strip->shown) at++;
    if (strip->n > room) {
        strip->first = at > room / 2 ? at - room / 2 : 0;
        if (strip->first > strip->n - room) strip->first = strip->n - room;
    } else {
        room = strip->n;
    }
    strip->each = floor(fmin(TAB_MOST, width / (room > 0 ? room : 1)));
    strip->n = strip->first + room;
}

static void draw_cross(cairo_t *cairo, double x, double y, uint32_t colour) {
    ink_colour(cairo, colour);
    cairo_set_line_width(cairo, 1.4);
    cairo_move_to(cairo, x - 3.5, y - 3.5);
    cairo_line_to(cairo, x + 3.5, y + 3.5);
    cairo_move_to(cairo, x + 3.5, y - 3.5);
    cairo_line_to(cairo, x - 3.5, y + 3.5);
    cairo_stroke(cairo);
}

static void draw_tab(const struct chrome *chrome, cairo_t *cairo, double x, double width,
                     unsigned number, bool shown) {
    const struct ink_style style = {FONT, shown ? DARK : GREY, INK_LEFT};
    char title[256];

    browser_title(chrome->browser, number, title, sizeof(title));
    if (shown) {
        ink_round(cairo, x + 2, 6, width - 4, CHROME_TABS + 4, 7);
        ink_colour(cairo, GROUND);
        cairo_fill(cairo);
    } else {
        ink_box(cairo, x + width - 1, 12, 1, CHROME_TABS - 18, 0xb5bec9);
    }
    ink_text(cairo, &style, x + 13, 6, width - 16 - CROSS, CHROME_TABS - 6,
             *title && strcmp(title, BLANK_PAGE) != 0 ? title : "New tab");
    draw_cross(cairo, x + width - CROSS / 2.0 - 4, CHROME_TABS / 2.0 + 3.5,
               shown ? GREY : 0x8d98a5);
}

static void draw_tabs(const struct chrome *chrome, cairo_t *cairo) {
    const struct ink_style plus = {"Sans 13", GREY, INK_CENTRE};
    struct strip strip;
    double x = 0;

    look_at_tabs(chrome, &strip);
    ink_box(cairo, 0, 0, chrome->width, CHROME_TABS, STRIP);
    for (unsigned i = strip.first; i < strip.n; i++, x += strip.each)
        draw_tab(chrome, cairo, x, strip.each, strip.numbers[i],
                 strip.numbers[i] == strip.shown);
    ink_text(cairo, &plus, x, 5, NEW, CHROME_TABS - 6, "+");
}

/* ---------------------------------------------------------------- address */

static void draw_arrow(cairo_t *cairo, double x, double y, double side) {
    cairo_move_to(cairo, x - 4 * side, y - 5);
    cairo_line_to(cairo, x + 2 * side, y);
    cairo_line_to(cairo, x - 4 * side, y + 5);
    cairo_stroke(cairo);
}

static void draw_buttons(cairo_t *cairo) {
    double y = CHROME_TABS + CHROME_ADDRESS / 2.0, x = 8 + 2.5 * BUTTON;

    ink_colour(cairo, GREY);
    cairo_set_line_width(cairo, 1.8);
    draw_arrow(cairo, 8 + 0.5 * BUTTON, y, -1);
    draw_arrow(cairo, 8 + 1.5 * BUTTON, y, 1);
    cairo_arc(cairo, x, y, 5.5, -0.6, -0.6 + 5.2);
    cairo_stroke(cairo);
    cairo_move_to(cairo, x + 1.2, y - 2.6);
    cairo_line_to(cairo, x + 7, y - 2);
    cairo_line_to(cairo, x + 6.2, y - 7.6);
    cairo_close_path(cairo);
    cairo_fill(cairo);
}

static double field_width(const struct chrome *chrome) {
    return fmax(chrome->width - FIELD_X - 10, 40);
}

/* How far the text is shifted to the left so that its cursor is in the field. */
static double text_shift(const struct chrome *chrome, cairo_t *cairo) {
    double room = field_width(chrome) - 26;
    double cursor = ink_width(cairo, FONT, chrome->entry->text, chrome->entry->cursor);

    return fmax(cursor - room, 0);
}

static void draw_edited(const struct chrome *chrome, cairo_t *cairo) {
    const struct ink_style style = {FONT, DARK, INK_LEFT};
    const struct entry *entry = chrome->entry;
    double y = CHROME_TABS + 5, height = CHROME_ADDRESS - 10;
    double x = FIELD_X + 12 - text_shift(chrome, cairo);
    double from = ink_width(cairo, FONT, entry->text, entry_from(entry));
    double to = ink_width(cairo, FONT, entry->text, entry_to(entry));
    double cursor = ink_width(cairo, FONT, entry->text, entry->cursor);

    cairo_save(cairo);
    cairo_rectangle(cairo, FIELD_X + 10, y, field_width(chrome) - 20, height);
    cairo_clip(cairo);
    ink_box(cairo, x + from, y + 5, to - from, height - 10, SELECTED);
    ink_text(cairo, &style, x, y, 1e5, height, entry->text);
    ink_box(cairo, round(x + cursor), y + 5, 1, height - 10, DARK);
    cairo_restore(cairo);
}

static void draw_address(const struct chrome *chrome, cairo_t *cairo) {
    const struct ink_style style = {FONT, DARK, INK_LEFT};
    double y = CHROME_TABS + 5, width = field_width(chrome), height = CHROME_ADDRESS - 10;
    char url[ENTRY_MOST];

    ink_box(cairo, 0, CHROME_TABS, chrome->width, CHROME_ADDRESS, GROUND);
    draw_buttons(cairo);
    ink_round(cairo, FIELD_X + 0.5, y + 0.5, width - 1, height - 1, height / 2 - 1);
    ink_colour(cairo, chrome->entry->active ? WHITE : FIELD);
    cairo_fill_preserve(cairo);
    ink_colour(cairo, chrome->entry->active ? BLUE : FIELD);
    cairo_set_line_width(cairo, 1);
    cairo_stroke(cairo);
    if (chrome->entry->active) {
        draw_edited(chrome, cairo);
    } else {
        browser_url(chrome->browser, browser_shown(chrome->browser), url, sizeof(url));
        ink_text(cairo, &style, FIELD_X + 12, y, width - 24, height,
                 strcmp(url, BLANK_PAGE) != 0 ? url : "");
    }
    ink_box(cairo, 0, CHROME_HEIGHT - 2, chrome->width, 2, chrome->busy ? BLUE : STRIP);
}

void chrome_draw(const struct chrome *chrome, cairo_t *cairo) {
    cairo_save(cairo);
    cairo_rectangle(cairo, 0, 0, chrome->width, CHROME_HEIGHT);
    cairo_clip(cairo);
    draw_tabs(chrome, cairo);
    draw_address(chrome, cairo);
    cairo_restore(cairo);
}

/* ------------------------------------------------------------------ spots */

static enum spot spot_of_tabs(const struct chrome *chrome, double x, unsigned *tab) {
    struct strip strip;

    look_at_tabs(chrome, &strip);
    double end = (strip.n - strip.first) * strip.each;
    if (x >= end) return x < end + NEW ? SPOT_NEW : SPOT_NONE;
    *tab = strip.numbers[strip.first + (unsigned)(x / strip.each)];
    return fmod(x, strip.each) >= strip.each - CROSS - 4 ? SPOT_CROSS : SPOT_TAB;
}

/* Where in the text: as it would be drawn. */
static int byte_of_address(const struct chrome *chrome, double x) {
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    cairo_t *cairo = cairo_create(surface);
    int at = ink_byte_at(cairo, FONT, chrome->entry->text,
                         x - FIELD_X - 12 + text_shift(chrome, cairo));

    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    return at;
}

enum spot chrome_spot(const struct chrome *chrome, double x, double y, unsigned *tab,
                      int *at) {
    static const enum spot buttons[] = {SPOT_BACK, SPOT_FORWARD, SPOT_RELOAD};

    if (y < 0 || y >= CHROME_HEIGHT || x < 0) return SPOT_NONE;
    if (y < CHROME_TABS) return spot_of_tabs(chrome, x, tab);
    if (x >= FIELD_X) {
        *at = byte_of_address(chrome, x);
        return SPOT_ADDRESS;
    }
    if (x < 8 || x >= 8 + 3 * BUTTON) return SPOT_NONE;
    return buttons[(int)((x - 8) / BUTTON)];
}
