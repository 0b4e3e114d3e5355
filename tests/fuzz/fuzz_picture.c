/* SPDX-License-Identifier: MIT */
/*
 * Images of pages, as rmbrowse decodes them: what is there is as large as its header said, and whole; what is
 * refused leaves nothing behind.
 */
#include "fuzz.h"
#include "image/image.h"

enum { PIXELS_MOST = 1 << 18 }; /* more only takes longer */

static void look(store_t *store, const image_t *image, const image_t *measured) {
    const uint32_t *pixels = store_lock(image->pixels);
    size_t n = (size_t)image->width * (size_t)image->height;

    FUZZ_HOLDS(image->width == measured->width && image->height == measured->height);
    FUZZ_HOLDS(image->stride == 4 * image->width);
    FUZZ_HOLDS(store_size(image->pixels) == 4 * n);
    for (size_t i = 0; i < n;
         i++) { /* no colour is more than its alpha, by which it has been multiplied */
        uint32_t alpha = pixels[i] >> 24;
        FUZZ_HOLDS((pixels[i] >> 16 & 255) <= alpha && (pixels[i] >> 8 & 255) <= alpha &&
                   (pixels[i] & 255) <= alpha);
    }
    store_unlock(image->pixels);
    store_free(store, image->pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static store_t *store;
    struct store_figures left;
    image_t measured, image;
    image_status_t status = image_measure(data, size, &measured);

    if (!store) store = store_open("pictures", COMPACT_STEADY);
    FUZZ_HOLDS(measured.pixels == NO_REF);
    if (status == IMAGE_OK) {
        FUZZ_HOLDS(measured.width > 0 && measured.width <= IMAGE_SIDE_MAX);
        FUZZ_HOLDS(measured.height > 0 && measured.height <= IMAGE_SIDE_MAX);
        if ((int64_t)measured.width * measured.height > PIXELS_MOST) return 0;
    }
    if (!store) return 0;
    if (image_decode(store, data, size, &image) == IMAGE_OK) {
        FUZZ_HOLDS(status == IMAGE_OK);
        look(store, &image, &measured);
    } else {
        FUZZ_HOLDS(image.pixels == NO_REF);
    }
    store_look(store, &left);
    FUZZ_HOLDS(left.objects == 0);
    return 0;
}
