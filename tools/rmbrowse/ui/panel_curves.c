/* SPDX-License-Identifier: MIT */
/*
 * The last frames, the newest at the right:
 *
 *      12 MiB                  scale: the largest value, rounded up to 1, 2 or 5 of something
 *      ......:::::::::::::     held besides: free, bookkeeping
 *      ...:::#############     live
 */
#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "ui/panel_parts.h"

enum { TITLE = 18 };

/* Where the n-th last frame is. */
static double frame_x(const struct place *place, size_t n) {
    return place->x + place->width -
           (double)(n + 1) * place->width / (double)SESSION_MOMENTS;
}

static struct place below_title(const struct place *place) {
    return (struct place){place->x, place->y + TITLE, place->width,
                          place->height - TITLE};
}

static void draw_ground(cairo_t *cairo, const struct place *chart) {
    ink_box(cairo, chart->x, chart->y, chart->width, 1, INK_RULE);
    ink_box(cairo, chart->x, chart->y + chart->height - 1, chart->width, 1, INK_RULE);
}

static void draw_scale(cairo_t *cairo, const struct place *chart, double y,
                       const char *text) {
    const struct ink_style small = {"Sans 6.5", INK_TEXT, INK_LEFT};

    ink_box(cairo, chart->x, y + 1, ink_width(cairo, small.font, text, -1) + 4, 12,
            INK_PANEL);
    ink_text(cairo, &small, chart->x, y + 1, chart->width, 12, text);
}

static size_t moment_live(const struct moment *moment) { return moment->memory.own_live; }
static size_t moment_held(const struct moment *moment) {
    return moment->memory.own_footprint;
}

/* The area under a curve. */
static void draw_area(cairo_t *cairo, const struct session *session,
                      const struct place *chart, size_t (*value)(const struct moment *),
                      double most, uint32_t colour) {
    const struct moment *moment;
    double floor = chart->y + chart->height, x = chart->x + chart->width;
    size_t n = 0;

    cairo_move_to(cairo, x, floor);
    for (; (moment = session_moment(session, n)); n++) {
        double y = floor - (double)value(moment) / most * chart->height;
        cairo_line_to(cairo, x, y);
        x = frame_x(chart, n);
        cairo_line_to(cairo, x, y);
    }
    cairo_line_to(cairo, x, floor);
    cairo_close_path(cairo);
    ink_colour(cairo, colour);
    cairo_fill(cairo);
}

/* A power of two of bytes, or three quarters of one: what a curve's top stands for. */
static double round_up(double bytes) {
    double power = exp2(ceil(log2(fmax(bytes, 65536))));

    return bytes <= power * 0.75 ? power * 0.75 : power;
}

void panel_curve(cairo_t *cairo, const struct session *session,
                 const struct place *place) {
    static const struct key keys[] = {{"live", INK_LIVE}, {"free, bookkeeping", INK_FREE}};
    struct place chart = below_title(place);
    const struct moment *moment;
    char text[SIZE_TEXT];
    double most = 0;

    for (size_t n = 0; (moment = session_moment(session, n)); n++)
        most = fmax(most, (double)moment_held(moment));
    most = round_up(most);
    panel_title(cairo, place, "Footprint", keys, 2);
    draw_area(cairo, session, &chart, moment_held, most, INK_FREE);
    draw_area(cairo, session, &chart, moment_live, most, INK_LIVE);
    draw_ground(cairo, &chart);
    draw_scale(cairo, &chart, chart.y, format_size(text, (uint64_t)most));
}

/* ------------------------------------------------------------ frame times */

#define TOP_NS 20e6 /* of the chart; longer frames end there, in another colour */

static void draw_bar(cairo_t *cairo, const struct place *chart, size_t n,
                     const struct frame *frame) {
    double x = frame_x(chart, n), width = chart->width / SESSION_MOMENTS;
    double floor = chart->y + chart->height - 1, scale = (chart->height - 1) / TOP_NS;
    double work = fmin((double)frame->work_ns, TOP_NS) * scale;
    double all =
        fmin((double)(frame->work_ns + frame->compaction.ns), TOP_NS) * scale - work;

    ink_box(cairo, x, floor - work, width, work,
            frame->work_ns > FRAME_NS ? INK_LOCKED : INK_WORK);
    ink_box(cairo, x, floor - work - all, width, all, INK_COMPACTION);
}

void panel_frames(cairo_t *cairo, const struct session *session,
                  const struct place *place) {
    static const struct key keys[] = {
        {"work", INK_WORK}, {"over 16 ms", INK_LOCKED}, {"compaction", INK_COMPACTION}};
    struct place chart = below_title(place);
    const struct moment *moment;
    double y = floor(chart.y + chart.height * (1 - FRAME_NS / TOP_NS));

    panel_title(cairo, place, "Frames", keys, 3);
    for (size_t n = 0; (moment = session_moment(session, n)); n++)
        draw_bar(cairo, &chart, n, &moment->frame);
    draw_ground(cairo, &chart);
    ink_colour(cairo, INK_DIM);
    cairo_set_line_width(cairo, 1);
    cairo_set_dash(cairo, (const double[]){2, 3}, 2, 0);
    cairo_move_to(cairo, chart.x, y + 0.5);
    cairo_line_to(cairo, chart.x + chart.width, y + 0.5);
    cairo_stroke(cairo);
    cairo_set_dash(cairo, NULL, 0, 0);
    draw_scale(cairo, &chart, y, "16 ms");
}
