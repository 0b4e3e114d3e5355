/* SPDX-License-Identifier: MIT */
#include "layout/make.h"

#include <math.h>
#include <stdlib.h>

/* Text is not broken into less than this, as long as there is as much around it: elements may be in one another
   deeper than a page is wide. */
enum { WIDTH_LEAST = 120 };

void flow_init(struct flow *flow, struct making *making, struct frame *frame) {
    *flow = (struct flow){
        .making = making,
        .frame = frame,
        .measuring = !frame->box,
        .anchors = making->anchors->len,
    };
    run_init(&flow->run);
}

static void anchors_resolve(struct flow *flow, float y) {
    GArray *anchors = flow->making->anchors;
    for (size_t i = flow->anchors; i < anchors->len; i++) {
        struct anchor *anchor = &g_array_index(anchors, struct anchor, i);
        if (anchor->y == ANCHOR_WAITS) anchor->y = y;
    }
    flow->anchors = anchors->len;
}

void flow_finish(struct flow *flow) {
    flow_flush(flow);
    flow_settle(flow);
    flow->y = fmaxf(flow->y, float_bottom(flow, CLEAR_LEFT | CLEAR_RIGHT));
    if (flow->floats) g_array_free(flow->floats, TRUE);
    run_finish(&flow->run);
}

void flow_margin(struct flow *flow, float margin) {
    flow->margin = fmaxf(flow->margin, margin);
}

void flow_settle(struct flow *flow) {
    flow->y += flow->tight ? 0 : flow->margin;
    flow->margin = 0;
    flow->tight = false;
    for (struct frame *frame = flow->frame; frame && !frame->topped;
         frame = frame->outer) {
        frame->top = flow->y;
        frame->topped = true;
    }
    if (!flow->measuring && flow->run.text->len == 0) anchors_resolve(flow, flow->y);
}

/* Where a block is between the edges of the one around it: its content's x and width. */
static void block_span(struct flow *flow, struct frame *frame, const struct part *part) {
    const struct frame *outer = frame->outer;
    const struct style *style = frame->style;
    float all = outer->width;
    float left = edge_px(style, SIDE_LEFT, all), right = edge_px(style, SIDE_RIGHT, all);
    float before = fmaxf(0, length_px(&style->margin[SIDE_LEFT], all, 0));
    float after = fmaxf(0, length_px(&style->margin[SIDE_RIGHT], all, 0));
    float most = all - left - right - before - after;
    float width = fminf(most, length_px(&style->width, all, most));
    width = fmaxf(0, fminf(width, length_px(&style->most_width, all, width)));
    if (width < most && width < NARROW)
        width = fmaxf(width, fminf(most, walk_measure(flow->making, part).hard));
    if (style->margin[SIDE_LEFT].unit == LENGTH_AUTO)
        before = style->margin[SIDE_RIGHT].unit == LENGTH_AUTO
                     ? floorf((all - left - right - width) / 2)
                     : all - left - right - width - after;
    float x = outer->x + before + left;
    if (width < WIDTH_LEAST && style->width.unit == LENGTH_AUTO) {
        width = fminf(WIDTH_LEAST, fmaxf(1, all - left - right));
        x = fminf(x, outer->x + all - right - width);
    }
    frame->x = fmaxf(x, outer->x + left);
    frame->width = width;
    frame->box->x = frame->x - left;
    frame->box->width = width + left + right;
}

static const char *attribute(const struct making *making, const char *name) {
    const struct style_step *step = &making->path[making->depth - 1];
    return attribute_of(step->attributes, step->attributes_size, name);
}

/* A number in an attribute; `otherwise` where there is none. */
static int attribute_int(const struct making *making, const char *name, int otherwise) {
    const char *value = attribute(making, name);
    char *end;
    long number = value ? strtol(value, &end, 10) : 0;
    return value && end != value ? CLAMP(number, -999999, 999999) : otherwise;
}

/* The item's number, and its marker: beside its first line, where there is room; else in it. */
static void block_item(struct flow *flow, struct frame *frame,
                       const struct inline_state *state) {
    struct frame *list = frame->outer;
    list->count = attribute_int(flow->making, "value", list->count + 1);
    frame->count = list->count;
    char text[16];
    marker_text(frame->style->marker, frame->count, text);
    if (!*text) return;
    float wanted = frame->style->font_size * (0.6f + 0.6f * g_utf8_strlen(text, -1));
    struct band band = float_band(flow, flow->y + flow->margin, frame->style->font_size);
    frame->marker = frame->x - list->box->x >= wanted && band.left <= frame->x - wanted;
    if (frame->marker) return;
    run_words(&flow->run, text, frame->style, state);
    run_words(&flow->run, " ", frame->style, state);
}

static void block_begin(struct flow *flow, struct frame *frame, ref_t node,
                        const struct inline_state *state) {
    const struct style *style = frame->style;
    block_span(flow, frame,
               &(struct part){
                   .what = PART_CHILDREN, .node = node, .style = style, .state = state});
    flow_margin(flow, length_px(&style->margin[SIDE_TOP], flow->frame->width, 0));
    if (style->clear) {
        float bottom = float_bottom(flow, style->clear);
        if (bottom > flow->y + flow->margin) {
            flow_settle(flow);
            flow->y = bottom;
        }
    }
    float edge = edge_px(style, SIDE_TOP, flow->frame->width);
    flow->frame = frame;
    if (edge > 0) {
        flow_settle(flow);
        flow->y += edge;
    }
    const struct style_step *step = &flow->making->path[flow->making->depth - 1];
    if (step->tag == TAG_OL) frame->count = attribute_int(flow->making, "start", 1) - 1;
    if (style->display == DISPLAY_LIST_ITEM) block_item(flow, frame, state);
}

static void block_end(struct flow *flow, struct frame *frame) {
    const struct style *style = frame->style;
    struct box *box = frame->box;
    struct frame *outer = frame->outer;
    flow_flush(flow);
    flow_marker(flow);
    float edge = edge_px(style, SIDE_BOTTOM, outer->width);
    float top_edge = edge_px(style, SIDE_TOP, outer->width);
    float least = style->height.unit == LENGTH_PX ? length_px(&style->height, 0, 0) : 0;
    if (edge > 0 || least > 0 || top_edge > 0) {
        if (frame->topped && flow->y < frame->top + top_edge + least)
            flow->margin = 0; /* it ends within the height */
        flow_settle(flow);
        flow->y = fmaxf(flow->y, frame->top + top_edge + least) + edge;
    }
    box->y = frame->topped ? frame->top : flow->y + flow->margin;
    box->height = frame->topped ? flow->y - frame->top : 0;
    flow->frame = outer;
    flow_margin(flow, length_px(&style->margin[SIDE_BOTTOM], outer->width, 0));
    box_decorate(flow->making, box, style, style->background);
}

/* What a block that is measured takes of the one around it. */
static void block_measure(struct flow *flow, ref_t node, const struct style *style,
                          const struct inline_state *state) {
    struct frame *outer = flow->frame;
    struct frame frame = {
        .outer = outer, .style = style, .width = outer->width, .topped = true};
    flow->frame = &frame;
    if (style->display == DISPLAY_LIST_ITEM && style->marker != MARKER_NONE)
        run_words(&flow->run, "0. ", style, state); /* if it has to be in the line */
    walk_children(flow, node, style, state);
    flow_flush(flow);
    flow->frame = outer;

    struct widths widths = frame.widths;
    widths.best += frame.beside;
    if (style->most_width.unit == LENGTH_PX)
        widths.best = fminf(widths.best, length_px(&style->most_width, 0, 0));
    if (style->width.unit == LENGTH_PX) widths.best = length_px(&style->width, 0, 0);
    widths.best = fmaxf(widths.best, widths.least);
    float edges = edge_px(style, SIDE_LEFT, 0) + edge_px(style, SIDE_RIGHT, 0) +
                  fmaxf(0, length_px(&style->margin[SIDE_LEFT], 0, 0)) +
                  fmaxf(0, length_px(&style->margin[SIDE_RIGHT], 0, 0));
    widths.hard += edges;
    widths.least += edges;
    widths.best += edges;
    frame_widen(outer, widths);
}

void block_place(struct flow *flow, ref_t node, const struct style *style,
                 const struct inline_state *state) {
    if (flow->measuring) {
        block_measure(flow, node, style, state);
        return;
    }
    struct frame frame = {.outer = flow->frame, .style = style};
    frame.box = box_append(flow->making, flow->frame);
    if (!frame.box) return;
    block_begin(flow, &frame, node, state);
    walk_children(flow, node, style, state);
    block_end(flow, &frame);
}
