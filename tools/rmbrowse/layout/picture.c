/* SPDX-License-Identifier: MIT */
#include "layout/make.h"

#include <math.h>
#include <string.h>

#include "layout/text.h"

enum { SIDE_MOST = 32767, EMPTY_SIDE = 20, FRAME = 4 };

/* The images of the document in its order: the elements, and their copied src. */
static void pictures_list(struct making *making, GPtrArray *sources) {
    const document_t *document = making->input->document;
    for (ref_t ref = document->root; ref != NO_REF;
         ref = node_following(ref, document->root)) {
        const struct node *node = store_peek(ref);
        if (node->tag != TAG_IMG || node->content == NO_REF) continue;
        const char *src =
            attribute_of(store_peek(node->content), store_size(node->content), "src");
        if (!src || !*src) continue;
        struct picture picture = {.number = node->number};
        g_array_append_val(making->pictures, picture);
        g_ptr_array_add(sources, g_strdup(src));
    }
}

void pictures_use(struct making *making) {
    layout_t *layout = making->layout;
    const struct layout_input *input = making->input;
    GPtrArray *sources = g_ptr_array_new_with_free_func(g_free);
    store_hold(input->document->store);
    pictures_list(making, sources);
    store_release(input->document->store);

    GArray *images = g_array_new(FALSE, FALSE, sizeof(image_id_t));
    for (size_t i = 0; i < sources->len && input->image_of; i++) {
        image_id_t image = input->image_of(input->context, sources->pdata[i]);
        g_array_index(making->pictures, struct picture, i).image = image;
        if (image) g_array_append_val(images, image);
    }
    if (images->len)
        layout->images =
            store_copy(layout->store, images->data, images->len * sizeof(image_id_t));
    layout->n_images = layout->images == NO_REF ? 0 : images->len;
    if (layout->n_images <
        images->len) { /* there is no memory: no page without its list */
        for (size_t i = 0; i < images->len; i++)
            cache_unuse(layout->cache, g_array_index(images, image_id_t, i));
        g_array_set_size(making->pictures, 0);
        layout->truncated = true;
    }
    g_array_free(images, TRUE);
    g_ptr_array_free(sources, TRUE);
}

static image_id_t picture_image(const struct making *making, uint32_t number) {
    const GArray *pictures = making->pictures;
    size_t low = 0, high = pictures->len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct picture *picture = &g_array_index(pictures, struct picture, middle);
        if (picture->number == number) return picture->image;
        if (picture->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* The size of the words that stand for an image. */
static void words_size(const char *words, const struct style *style, float most,
                       float *width, float *height) {
    *width = *height = EMPTY_SIDE;
    if (!words || !*words) return;
    struct span span;
    span_of_style(&span, style, &(struct inline_state){0});
    PangoLayout *layout = text_words(words, &span, most - 2 * FRAME);
    struct extent reach;
    text_size(layout, width, height, &reach);
    g_object_unref(layout);
    *width += 2 * FRAME;
    *height += 2 * FRAME;
}

void picture_size(struct making *making, const struct node *node,
                  const struct style *style, float most, struct span *span) {
    const char *attributes = node->content ? store_peek(node->content) : NULL;
    size_t n = node->content ? store_size(node->content) : 0;
    span->image = picture_image(making, node->number);
    float width = length_px(&style->width, most, 0);
    float height = style->height.unit == LENGTH_PX ? length_px(&style->height, 0, 0) : 0;
    int known_width = 0, known_height = 0;
    bool known = span->image && cache_size(making->input->cache, span->image,
                                           &known_width, &known_height);
    if (known && known_width > 0 && known_height > 0) {
        float aspect = (float)known_height / known_width;
        if (width <= 0 && height <= 0)
            width = known_width, height = known_height;
        else if (width <= 0)
            width = height / aspect;
        else if (height <= 0)
            height = width * aspect;
    } else if (width <= 0 || height <= 0) {
        float words_width, words_height;
        words_size(attribute_of(attributes, n, "alt"), style, most, &words_width,
                   &words_height);
        width = width > 0 ? width : words_width;
        height = height > 0 ? height : words_height;
    }
    float all = fmaxf(most, 1);
    if (style->most_width.unit != LENGTH_AUTO)
        all = fminf(all, length_px(&style->most_width, most, all));
    if (width > all) {
        height *= all / width;
        width = all;
    }
    span->width = CLAMP(lrintf(width), 1, SIDE_MOST);
    span->height = CLAMP(lrintf(height), 1, SIDE_MOST);
}
