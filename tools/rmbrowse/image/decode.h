/* SPDX-License-Identifier: MIT */
/*
 * What the decoders share. Each looks at the header, asks for room, and fills it while it is locked; where there is
 * no store to ask, the header is all that is wanted.
 *
 *      struct picture picture = {.store = store};
 *      status = picture_room(&picture, width, height);      then for each y: picture_row(&picture, y)
 *      return picture_end(&picture, status, out);           unlocks; frees, unless all went well
 */
#ifndef RMBROWSE_DECODE_H
#define RMBROWSE_DECODE_H

#include "image/image.h"

struct picture {
    store_t *store; /* NULL: the size alone */
    image_t image;
    unsigned char *bytes; /* of the locked pixels; NULL where there are none */
};

/* Whether a picture may be so large. */
image_status_t picture_fits(unsigned long width, unsigned long height);
/* The same, and the locked room for it, the bytes of which are undefined. */
image_status_t picture_room(struct picture *picture, unsigned long width,
                            unsigned long height);
static inline uint32_t *picture_row(const struct picture *picture, int y) {
    return (uint32_t *)(picture->bytes + (size_t)y * (size_t)picture->image.stride);
}
image_status_t picture_end(struct picture *picture, image_status_t status, image_t *out);

image_status_t png_decode(store_t *store, const void *bytes, size_t n, image_t *out);
image_status_t jpeg_decode(store_t *store, const void *bytes, size_t n, image_t *out);
image_status_t webp_decode(store_t *store, const void *bytes, size_t n, image_t *out);

/* c * a / 255, rounded. */
static inline uint32_t byte_times(uint32_t c, uint32_t a) {
    uint32_t product = c * a + 128;

    return (product + (product >> 8)) >> 8;
}

#endif
