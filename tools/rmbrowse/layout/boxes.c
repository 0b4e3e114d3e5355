/* SPDX-License-Identifier: MIT */
#include "layout/make.h"

#include <math.h>

struct box *box_append(struct making *making, struct frame *frame) {
    layout_t *layout = making->layout;
    ref_t ref = store_new_zeroed(layout->store, sizeof(struct box));
    if (ref == NO_REF) {
        layout->truncated = true;
        return NULL;
    }
    if (frame->last)
        frame->last->next = ref;
    else
        frame->box->first_child = ref;
    frame->last = box_at(ref);
    layout->n_boxes++;
    return frame->last;
}

void box_decorate(struct making *making, struct box *box, const struct style *style,
                  colour_t background) {
    struct decor decor = {.background = background};
    bool any = background >> 24;
    for (side_t side = SIDE_TOP; side < SIDES; side++)
        if (style->border[side] > 0 && style->border_colour[side] >> 24) {
            decor.border[side] = fmaxf(1, rintf(style->border[side]));
            decor.border_colour[side] = style->border_colour[side];
            any = true;
        }
    if (!any || style->hidden) return;
    box->content = store_copy(making->layout->store, &decor, sizeof decor);
    making->layout->truncated |= box->content == NO_REF;
}

void box_free(store_t *store, ref_t ref) {
    while (ref != NO_REF) {
        struct box box = *box_at(ref);
        store_free(store, ref);
        store_free(store, box.content);
        box_free(store, box.first_child);
        ref = box.next;
    }
}

void box_move(struct box *box, float dx, float dy) {
    box->x += dx;
    box->y += dy;
    box->reach.left += dx;
    box->reach.right += dx;
    box->reach.top += dy;
    box->reach.bottom += dy;
    for (ref_t ref = box->first_child; ref != NO_REF; ref = box_at(ref)->next)
        box_move(box_at(ref), dx, dy);
}

size_t box_reach(struct box *box) {
    struct extent own = {box->x, box->y, box->x + box->width, box->y + box->height};
    struct extent reach = box->lines ? box->reach : own;
    size_t n = 1;
    for (ref_t ref = box->first_child; ref != NO_REF; ref = box_at(ref)->next) {
        n += box_reach(box_at(ref));
        const struct extent *child = &box_at(ref)->reach;
        reach.left = fminf(reach.left, child->left);
        reach.top = fminf(reach.top, child->top);
        reach.right = fmaxf(reach.right, child->right);
        reach.bottom = fmaxf(reach.bottom, child->bottom);
    }
    box->reach = reach;
    return n;
}

void anchors_move(struct making *making, size_t from, size_t to, float dy) {
    for (size_t i = from; i < to; i++)
        g_array_index(making->anchors, struct anchor, i).y += dy;
}

float length_px(const struct length *length, float of, float otherwise) {
    switch (length->unit) {
    case LENGTH_PX: return rintf(length->value);
    case LENGTH_PERCENT: return floorf(length->value * of / 100);
    default: return otherwise;
    }
}

float edge_px(const struct style *style, side_t side, float of) {
    return rintf(style->border[side]) + fmaxf(0, length_px(&style->padding[side], of, 0));
}

void frame_widen(struct frame *frame, struct widths widths) {
    frame->widths.hard = fmaxf(frame->widths.hard, widths.hard);
    frame->widths.least = fmaxf(frame->widths.least, widths.least);
    frame->widths.best = fmaxf(frame->widths.best, widths.best);
}
