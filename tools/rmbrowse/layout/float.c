/* SPDX-License-Identifier: MIT */
#include "layout/make.h"

#include <math.h>

enum { FLOATS_MOST = 500 };

/* Those that end above the cursor are in nothing's way any more: it only goes down. */
static void floats_forget(struct flow *flow) {
    GArray *floats = flow->floats;
    for (size_t i = 0; i < floats->len;)
        if (g_array_index(floats, struct floating, i).extent.bottom <= flow->y)
            g_array_remove_index_fast(floats, i);
        else
            i++;
}

struct band float_band(struct flow *flow, float y, float height) {
    struct band band = {-INFINITY, INFINITY, INFINITY, INFINITY};
    if (flow->floats) floats_forget(flow);
    for (size_t i = 0; flow->floats && i < flow->floats->len; i++) {
        const struct floating *floating =
            &g_array_index(flow->floats, struct floating, i);
        const struct extent *extent = &floating->extent;
        if (extent->bottom <= y) continue;
        if (extent->top >= y + height) {
            band.narrower = fminf(band.narrower, extent->top);
            continue;
        }
        band.wider = fminf(band.wider, extent->bottom);
        if (floating->left)
            band.left = fmaxf(band.left, extent->right);
        else
            band.right = fminf(band.right, extent->left);
    }
    if (!isfinite(band.wider)) band.wider = y;
    return band;
}

float float_bottom(const struct flow *flow, unsigned clear) {
    float bottom = flow->y;
    for (size_t i = 0; flow->floats && i < flow->floats->len; i++) {
        const struct floating *floating =
            &g_array_index(flow->floats, struct floating, i);
        if (clear & (floating->left ? CLEAR_LEFT : CLEAR_RIGHT))
            bottom = fmaxf(bottom, floating->extent.bottom);
    }
    return bottom;
}

/* Each that floats is looked at for each line and for each other one. Beside more than so many nothing stands: it goes
   on beside the last of them, or below all. */
static void floats_bound(struct flow *flow) {
    if (flow->floats->len < FLOATS_MOST) return;
    flow_settle(flow);
    flow->y = fmaxf(flow->y, flow->floated);
    floats_forget(flow);
    if (flow->floats->len < FLOATS_MOST / 2) return;
    flow->y = float_bottom(flow, CLEAR_LEFT | CLEAR_RIGHT);
    floats_forget(flow);
}

/* The first place from y on where something so wide and high fits, at its side. */
static struct extent float_find(struct flow *flow, float y, float width, float height,
                                bool left) {
    const struct frame *frame = flow->frame;
    for (;;) {
        struct band band = float_band(flow, y, fmaxf(height, 1));
        float from = fmaxf(frame->x, band.left);
        float to = fminf(frame->x + frame->width, band.right);
        if (width <= to - from || band.wider <= y) {
            float x = left ? from : fmaxf(from, to - width);
            return (struct extent){x, y, x + fmaxf(width, 0), y + height};
        }
        y = band.wider;
    }
}

/* How wide it is between its margins. */
static float float_width(struct flow *flow, ref_t node, const struct style *style,
                         const struct inline_state *state, float most) {
    float all = flow->frame->width;
    float edges = edge_px(style, SIDE_LEFT, all) + edge_px(style, SIDE_RIGHT, all);
    bool said = style->width.unit != LENGTH_AUTO;
    float width = said ? fminf(all, length_px(&style->width, all, 0) + edges) : 0;
    if (width >= NARROW) return width;
    struct widths widths = walk_measure(flow->making, &(struct part){.what = PART_ELEMENT,
                                                                     .node = node,
                                                                     .style = style,
                                                                     .state = state});
    return fmaxf(widths.hard, said ? width : fminf(most, widths.best));
}

void float_place(struct flow *flow, ref_t node, const struct style *from,
                 const struct inline_state *state) {
    struct style style = *from;
    float all = flow->frame->width;
    float before = length_px(&style.margin[SIDE_LEFT], all, 0);
    float after = length_px(&style.margin[SIDE_RIGHT], all, 0);
    style.margin[SIDE_LEFT] = style.margin[SIDE_RIGHT] = (struct length){0, LENGTH_PX};
    struct part part = {
        .what = PART_ELEMENT, .node = node, .style = &style, .state = state};
    if (flow->measuring) {
        struct widths widths = walk_measure(flow->making, &part);
        float margins = before + after;
        flow->frame->beside += fmaxf(0, widths.best + margins);
        frame_widen(flow->frame,
                    (struct widths){widths.hard + margins, widths.least + margins,
                                    widths.least + margins});
        return;
    }
    float width = float_width(flow, node, &style, state, all - before - after);
    if (style.width.unit != LENGTH_AUTO) /* a share is of what it floats in */
        style.width = (struct length){width - edge_px(&style, SIDE_LEFT, all) -
                                          edge_px(&style, SIDE_RIGHT, all),
                                      LENGTH_PX};
    struct box *box = box_append(flow->making, flow->frame);
    if (!box) return;
    box->floats = true;
    box->width = width;
    size_t anchors = flow->making->anchors->len;
    struct frame frame = {.style = &style, .box = box, .width = width, .topped = true};
    struct flow own;
    flow_init(&own, flow->making, &frame);
    walk_part(&own, &part);
    flow_finish(&own);
    box->height = own.y;

    bool left = style.float_side == FLOAT_LEFT;
    float y = fmaxf(flow->y + flow->margin, flow->floated);
    if (style.clear) y = fmaxf(y, float_bottom(flow, style.clear));
    struct floating floating = {.left = left};
    box_reach(box);
    float reach = fmaxf(width, ceilf(box->reach.right)); /* a table may stick out */
    floating.extent = float_find(flow, y, reach + before + after, box->height, left);
    flow->floated = floating.extent.top;
    box_move(box, floating.extent.left + before, floating.extent.top);
    anchors_move(flow->making, anchors, flow->making->anchors->len, floating.extent.top);
    if (!flow->floats) flow->floats = g_array_new(FALSE, FALSE, sizeof floating);
    g_array_append_val(flow->floats, floating);
    floats_bound(flow);
}
