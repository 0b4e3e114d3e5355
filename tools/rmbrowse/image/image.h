/* SPDX-License-Identifier: MIT */
/*
 * PNG, JPEG and WebP, decoded by libpng, libjpeg-turbo and libwebp straight into a locked object, as Cairo wants it:
 * CAIRO_FORMAT_ARGB32, alpha premultiplied, rows of `stride` bytes.
 */
#ifndef RMBROWSE_IMAGE_H
#define RMBROWSE_IMAGE_H

#include "store/store.h"

typedef struct image {
    ref_t pixels; /* NO_REF where there are none */
    int width, height, stride;
} image_t;

typedef enum image_status {
    IMAGE_OK,
    IMAGE_UNKNOWN,   /* none of the three */
    IMAGE_BROKEN,    /* truncated, or it lies */
    IMAGE_TOO_LARGE, /* more than IMAGE_PIXELS_MAX pixels, or IMAGE_SIDE_MAX on a side */
    IMAGE_NO_MEMORY
} image_status_t;

enum { IMAGE_SIDE_MAX = 32767, IMAGE_PIXELS_MAX = 64 << 20 };

/* Decodes the `n` bytes at `bytes`, which must stay where they are meanwhile. Only on IMAGE_OK is there anything to
   free (store_free of pixels). */
image_status_t image_decode(store_t *store, const void *bytes, size_t n, image_t *out);

/* The size alone, of what stands in the header: `out` has no pixels. */
image_status_t image_measure(const void *bytes, size_t n, image_t *out);

/* A sentence, for a placeholder. */
const char *image_status_text(image_status_t status);

#endif
