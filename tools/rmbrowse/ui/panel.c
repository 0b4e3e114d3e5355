/* SPDX-License-Identifier: MIT */
#include "ui/panel.h"

#include <stdio.h>

#include "base/units.h"
#include "ui/panel_parts.h"

#define MARGIN 14
#define INNER (PANEL_WIDTH - 2 * MARGIN)

void panel_title(cairo_t *cairo, const struct place *line, const char *title,
                 const struct key *keys, size_t n_keys) {
    const struct ink_style bold = {PANEL_TITLE, INK_BRIGHT, INK_LEFT};
    const struct ink_style small = {PANEL_SMALL, INK_DIM, INK_LEFT};
    double x = line->x + line->width;

    ink_text(cairo, &bold, line->x, line->y, line->width, 16, title);
    while (n_keys-- > 0) {
        double width = ink_width(cairo, PANEL_SMALL, keys[n_keys].name, -1);
        x -= width;
        ink_text(cairo, &small, x, line->y, width + 2, 16, keys[n_keys].name);
        x -= 13;
        ink_box(cairo, x, line->y + 4, 9, 9, keys[n_keys].colour);
        x -= 9;
    }
}

static void draw_head(cairo_t *cairo, const struct session *session) {
    const struct ink_style bold = {"Sans Bold 11", INK_BRIGHT, INK_LEFT};
    const struct ink_style small = {PANEL_SMALL, INK_DIM, INK_RIGHT};
    char text[80];

    snprintf(text, sizeof(text), "%s · compaction %s · %s", store_kind,
             compaction_names[session->compaction],
             session->shared ? "one heap" : "a heap a tab");
    ink_text(cairo, &bold, MARGIN, 10, 90, 24, "Memory");
    ink_text(cairo, &small, MARGIN + 90, 11, INNER - 90, 24, text);
}

/* A number that is meant to be seen from afar, and what it is. */
static void draw_large(cairo_t *cairo, int column, const char *number, const char *name) {
    const struct ink_style large = {"Sans Bold 13", INK_BRIGHT, INK_LEFT};
    const struct ink_style small = {PANEL_SMALL, INK_DIM, INK_LEFT};
    double width = INNER / 3.0, x = MARGIN + column * width;

    ink_text(cairo, &large, x, 40, width - 4, 26, number);
    ink_text(cairo, &small, x, 64, width - 4, 16, name);
}

static void draw_large_figures(cairo_t *cairo, const struct memory_figures *memory) {
    char text[SIZE_TEXT];

    if (memory->own_live > 0)
        snprintf(text, sizeof(text), "%.2f×",
                 ratio_of((double)memory->own_footprint, (double)memory->own_live));
    else
        snprintf(text, sizeof(text), "–");
    draw_large(cairo, 0, text, "footprint / live");
    draw_large(cairo, 1, format_size(text, memory->own_live), "live objects");
    draw_large(cairo, 2, format_size(text, memory->own_footprint), "their footprint");
}

/* A name and a value, in one of two columns. */
static void draw_figure(cairo_t *cairo, double y, int column, const char *name,
                        const char *value) {
    const struct ink_style dim = {PANEL_SMALL, INK_DIM, INK_LEFT};
    const struct ink_style right = {PANEL_SMALL, INK_TEXT, INK_RIGHT};
    double width = (INNER - 20) / 2.0, x = MARGIN + column * (width + 20);

    ink_text(cairo, &dim, x, y, width, 16, name);
    ink_text(cairo, &right, x, y, width, 16, value);
}

/* The table of what is no curve. What is locked is so while it is drawn, as on the maps. Returns: its height. */
static double draw_figures(cairo_t *cairo, const struct session *session,
                           const struct moment *moment, double y) {
    const struct memory_figures *memory = &moment->memory;
    const struct session_totals *totals = &session->totals;
    size_t locked_objects, locked = session_locked(&locked_objects);
    char text[2 * SIZE_TEXT], size[SIZE_TEXT];

    snprintf(text, sizeof(text), "%.0f %%", session_fragmentation(memory) * 100);
    draw_figure(cairo, y, 0, "fragmentation", text);
    draw_figure(cairo, y, 1, "largest free", format_size(text, memory->own_largest));
    snprintf(text, sizeof(text), "%zu · %s", locked_objects, format_size(size, locked));
    draw_figure(cairo, y + 16, 0, "locked", text);
    snprintf(text, sizeof(text), "%zu", memory->own_objects);
    draw_figure(cairo, y + 16, 1, "objects", text);
    draw_figure(cairo, y + 32, 0, "moved", format_size(text, session->moved));
    draw_figure(cairo, y + 32, 1, "in compaction",
                format_ns(text, totals->compaction.ns));
    snprintf(text, sizeof(text), "%llu", (unsigned long long)totals->compaction.steps);
    draw_figure(cairo, y + 48, 0, "steps", text);
    draw_figure(cairo, y + 48, 1, "longest step",
                format_ns(text, totals->compaction.longest_ns));
    draw_figure(cairo, y + 64, 0, "libraries", format_size(text, memory->libraries_live));
    draw_figure(cairo, y + 64, 1, "resident", format_size(text, memory->resident));
    return 80;
}

/* In a low window there are no figures, and lower curves: maps are what it is for. */
#define LOW 560

void panel_draw(const struct session *session, cairo_t *cairo, int height) {
    static const struct moment none;
    const struct moment *moment = session_moment(session, 0);
    struct place place = {.x = MARGIN, .y = 88, .width = INNER};

    if (!moment) moment = &none;
    cairo_save(cairo);
    cairo_rectangle(cairo, 0, 0, PANEL_WIDTH, height);
    cairo_clip(cairo);
    ink_box(cairo, 0, 0, PANEL_WIDTH, height, INK_PANEL);
    draw_head(cairo, session);
    draw_large_figures(cairo, &moment->memory);
    place.height = height < LOW ? 66 : 100;
    panel_curve(cairo, session, &place);
    place.y += place.height + 10;
    place.height = height < LOW ? 50 : 70;
    panel_frames(cairo, session, &place);
    place.y += place.height + 8;
    if (height >= LOW) place.y += draw_figures(cairo, session, moment, place.y) + 10;
    place.height = height - MARGIN - place.y;
    panel_maps(cairo, &place);
    cairo_restore(cairo);
}
