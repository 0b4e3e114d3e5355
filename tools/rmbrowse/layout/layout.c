/* SPDX-License-Identifier: MIT */
#include "layout/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layout/make.h"
#include "layout/text.h"

/* The object `anchors`: entries by name, then the names. */
struct anchor_entry {
    uint32_t name; /* byte of the object */
    float y;
};

static int by_name(const void *a, const void *b) {
    const struct anchor *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : (left->y > right->y) - (left->y < right->y);
}

/* Sorts the anchors, the first of a name only, and packs them. */
static void anchors_pack(struct making *making) {
    layout_t *layout = making->layout;
    struct anchor *anchors = (struct anchor *)(void *)making->anchors->data;
    size_t n = 0, bytes = 0;
    if (anchors) qsort(anchors, making->anchors->len, sizeof *anchors, by_name);
    for (size_t i = 0; i < making->anchors->len; i++) {
        if (n && strcmp(anchors[n - 1].name, anchors[i].name) == 0) continue;
        anchors[n++] = anchors[i];
        bytes += sizeof(struct anchor_entry) + strlen(anchors[i].name) + 1;
    }
    if (n == 0 || bytes > UINT32_MAX) return;
    layout->anchors = store_new(layout->store, bytes);
    if (layout->anchors == NO_REF) {
        layout->truncated = true;
        return;
    }
    layout->n_anchors = n;
    struct anchor_entry *entries = store_peek(layout->anchors);
    char *names = (char *)&entries[n];
    for (size_t i = 0; i < n; i++) {
        entries[i] = (struct anchor_entry){names - (char *)entries, anchors[i].y};
        names = stpcpy(names, anchors[i].name) + 1;
    }
}

bool layout_anchor(const layout_t *layout, const char *name, float *y) {
    if (layout->n_anchors == 0) return false;
    const struct anchor_entry *entries = store_lock(layout->anchors);
    size_t low = 0, high = layout->n_anchors;
    bool found = false;
    while (low < high && !found) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, (const char *)entries + entries[middle].name);
        found = order == 0;
        if (found)
            *y = entries[middle].y;
        else if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    store_unlock(layout->anchors);
    return found;
}

/* The whole page is painted with the background of its root, or of its body. */
static colour_t page_background(const struct box *root) {
    const struct box *box = root;
    for (int depth = 0; depth < 2 && box->first_child != NO_REF; depth++) {
        for (ref_t ref = box->first_child; ref != NO_REF; ref = box->next) {
            box = box_at(ref);
            const struct decor *decor =
                box->content && !box->lines ? store_peek(box->content) : NULL;
            if (decor && decor->background >> 24) return decor->background;
        }
    }
    return UINT32_C(0xffffffff);
}

/* From the root element on, into a box as wide as the page. */
static void make_boxes(struct making *making) {
    layout_t *layout = making->layout;
    struct style style;
    style_initial(&style);
    struct box *root = box_at(layout->root);
    layout->n_boxes = 1;
    root->width = layout->width;
    struct frame frame = {
        .style = &style, .box = root, .width = layout->width, .topped = true};
    struct flow flow;
    flow_init(&flow, making, &frame);
    walk_part(&flow, &(struct part){.what = PART_NODE,
                                    .node = making->input->document->root,
                                    .first = true,
                                    .style = &style,
                                    .state = &(struct inline_state){0}});
    flow_finish(&flow);
    root->height = flow.y;
    box_reach(root);
    layout->width = fmaxf(layout->width, ceilf(root->reach.right));
    layout->height = ceilf(fmaxf(root->height, root->reach.bottom));
    layout->background = page_background(root);
}

/* The document and the sheets are read while boxes are made. */
static void hold_all(const layout_t *layout, const struct layout_input *input,
                     void (*hold)(store_t *store)) {
    hold(layout->store);
    hold(input->document->store);
    for (size_t i = 0; i < input->n_sheets; i++)
        if (input->sheets[i].store) hold(input->sheets[i].store);
}

bool layout_make(layout_t *layout, store_t *store, const struct layout_input *input) {
    *layout = (layout_t){
        .store = store,
        .width = floorf(input->width),
        .background = UINT32_C(0xffffffff),
        .cache = input->cache,
    };
    if (input->document->root == NO_REF) return false;
    layout->root = store_new_zeroed(store, sizeof(struct box));
    if (layout->root == NO_REF) {
        layout->truncated = true;
        return false;
    }
    struct making *making = g_new0(struct making, 1);
    making->input = input;
    making->layout = layout;
    making->anchors = g_array_new(FALSE, FALSE, sizeof(struct anchor));
    making->measured = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    making->pictures = g_array_new(FALSE, FALSE, sizeof(struct picture));
    pictures_use(making);
    hold_all(layout, input, store_hold);
    make_boxes(making);
    anchors_pack(making);
    hold_all(layout, input, store_release);
    g_array_free(making->anchors, TRUE);
    g_hash_table_destroy(making->measured);
    g_array_free(making->pictures, TRUE);
    g_free(making);
    return true;
}

void layout_free(layout_t *layout) {
    if (!layout->store) return;
    if (layout->n_images) {
        const image_id_t *images = store_lock(layout->images);
        for (size_t i = 0; i < layout->n_images; i++)
            cache_unuse(layout->cache, images[i]);
        store_unlock(layout->images);
    }
    store_free(layout->store, layout->images);
    store_free(layout->store, layout->anchors);
    store_hold(layout->store);
    box_free(layout->store, layout->root);
    store_release(layout->store);
    *layout = (layout_t){0};
}

void layout_finish(void) { text_finish(); }
