/* SPDX-License-Identifier: MIT */
#include "image/image.h"

#include <string.h>

#include "image/decode.h"

static image_status_t decode(store_t *store, const void *bytes, size_t n, image_t *out) {
    static const unsigned char png[] = "\x89PNG\r\n\x1a\n", jpeg[] = "\xff\xd8\xff";
    const char *text = bytes;

    *out = (image_t){.pixels = NO_REF};
    if (n >= 8 && memcmp(bytes, png, 8) == 0) return png_decode(store, bytes, n, out);
    if (n >= 3 && memcmp(bytes, jpeg, 3) == 0) return jpeg_decode(store, bytes, n, out);
    if (n >= 12 && memcmp(text, "RIFF", 4) == 0 && memcmp(text + 8, "WEBP", 4) == 0)
        return webp_decode(store, bytes, n, out);
    return IMAGE_UNKNOWN;
}

image_status_t image_decode(store_t *store, const void *bytes, size_t n, image_t *out) {
    return decode(store, bytes, n, out);
}

image_status_t image_measure(const void *bytes, size_t n, image_t *out) {
    return decode(NULL, bytes, n, out);
}

image_status_t picture_fits(unsigned long width, unsigned long height) {
    if (width == 0 || height == 0) return IMAGE_BROKEN;
    if (width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX ||
        width * height > IMAGE_PIXELS_MAX)
        return IMAGE_TOO_LARGE;
    return IMAGE_OK;
}

image_status_t picture_room(struct picture *picture, unsigned long width,
                            unsigned long height) {
    image_status_t status = picture_fits(width, height);

    if (status != IMAGE_OK) return status;
    picture->image.width = (int)width;
    picture->image.height = (int)height;
    picture->image.stride = (int)width * 4;
    if (!picture->store) return IMAGE_OK;

    picture->image.pixels = store_new(picture->store, width * height * 4);
    if (picture->image.pixels == NO_REF) return IMAGE_NO_MEMORY;
    picture->bytes = store_lock(picture->image.pixels);
    return IMAGE_OK;
}

image_status_t picture_end(struct picture *picture, image_status_t status, image_t *out) {
    if (picture->bytes) store_unlock(picture->image.pixels);
    if (status == IMAGE_OK)
        *out = picture->image;
    else if (picture->store)
        store_free(picture->store, picture->image.pixels);
    return status;
}

const char *image_status_text(image_status_t status) {
    switch (status) {
    case IMAGE_OK: return "The image is fine.";
    case IMAGE_UNKNOWN: return "The image is neither PNG nor JPEG nor WebP.";
    case IMAGE_BROKEN: return "The image is broken.";
    case IMAGE_TOO_LARGE: return "The image is too large.";
    case IMAGE_NO_MEMORY: return "There is no memory for the image.";
    }
    return "";
}
