/* SPDX-License-Identifier: MIT */
/* libwebp writes into room that it is given, premultiplied, and in Cairo's order. */
#include <webp/decode.h>

#include "image/decode.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CAIRO_ORDER MODE_bgrA
#else
#define CAIRO_ORDER MODE_Argb
#endif

static image_status_t status_of(VP8StatusCode code) {
    switch (code) {
    case VP8_STATUS_OK: return IMAGE_OK;
    case VP8_STATUS_OUT_OF_MEMORY: return IMAGE_NO_MEMORY;
    case VP8_STATUS_UNSUPPORTED_FEATURE: return IMAGE_UNKNOWN;
    default: return IMAGE_BROKEN;
    }
}

image_status_t webp_decode(store_t *store, const void *bytes, size_t n, image_t *out) {
    struct picture picture = {.store = store};
    WebPDecoderConfig config;
    image_status_t status;

    if (!WebPInitDecoderConfig(&config)) return IMAGE_UNKNOWN;
    status = status_of(WebPGetFeatures(bytes, n, &config.input));
    if (status != IMAGE_OK) return status;
    if (config.input.has_animation) return IMAGE_UNKNOWN;
    status = picture_room(&picture, (unsigned long)config.input.width,
                          (unsigned long)config.input.height);
    if (status == IMAGE_OK && store) {
        config.output.colorspace = CAIRO_ORDER;
        config.output.is_external_memory = 1;
        config.output.u.RGBA.rgba = picture.bytes;
        config.output.u.RGBA.stride = picture.image.stride;
        config.output.u.RGBA.size =
            (size_t)picture.image.stride * (size_t)picture.image.height;
        status = status_of(WebPDecode(bytes, n, &config));
        WebPFreeDecBuffer(&config.output);
    }
    return picture_end(&picture, status, out);
}
