/* SPDX-License-Identifier: MIT */
/*
 * libpng turns whatever it is into four bytes a pixel in Cairo's order, and writes each row where it belongs; of an
 * interlaced picture it does so in seven passes over the same rows. Alpha is multiplied in when a row is complete.
 */
#include <png.h>
#include <setjmp.h>
#include <string.h>

#include "image/decode.h"

/* All of it outlives a longjmp, as it is not of the frame that sets it. */
struct reading {
    png_structp png;
    png_infop info;
    const unsigned char *at, *end;
    struct picture picture;
    image_status_t status;
};

static void read_bytes(png_structp png, png_bytep to, size_t n) {
    struct reading *r = png_get_io_ptr(png);

    if ((size_t)(r->end - r->at) < n) png_error(png, "truncated");
    memcpy(to, r->at, n);
    r->at += n;
}

static void fail(png_structp png, png_const_charp why) { png_longjmp(png, 1); }
static void ignore(png_structp png, png_const_charp why) {}

/* Texts and colour profiles, which may be long, are for others. */
static void skip_what_is_not_shown(png_structp png) {
    static const unsigned char names[] = "iCCP\0tEXt\0zTXt\0iTXt\0eXIf\0sPLT\0hIST";

    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names,
                                (int)(sizeof names / 5));
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours are lower */
}

/* Any PNG as one of 32 bits a pixel, of Cairo's byte order. Returns: how many passes there are. */
static int transform(png_structp png) {
    png_set_expand(png); /* palettes, few bits, one transparent colour */
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    png_set_bgr(png);
    png_set_filler(png, 0xff, PNG_FILLER_AFTER);
#else
    png_set_swap_alpha(png);
    png_set_filler(png, 0xff, PNG_FILLER_BEFORE);
#endif
    return png_set_interlace_handling(png);
}

static bool is_transparent(struct reading *r) {
    return (png_get_color_type(r->png, r->info) & PNG_COLOR_MASK_ALPHA) != 0 ||
           png_get_valid(r->png, r->info, PNG_INFO_tRNS) != 0;
}

static void premultiply(uint32_t *row, int width) {
    for (int x = 0; x < width; x++) {
        uint32_t pixel = row[x], alpha = pixel >> 24;
        if (alpha == 255) continue;
        row[x] = alpha << 24 | byte_times(pixel >> 16 & 255, alpha) << 16 |
                 byte_times(pixel >> 8 & 255, alpha) << 8 |
                 byte_times(pixel & 255, alpha);
    }
}

static void read_rows(struct reading *r) {
    bool transparent = is_transparent(r);
    int passes = transform(r->png);

    png_read_update_info(r->png, r->info);
    for (int pass = 1; pass <= passes; pass++)
        for (int y = 0; y < r->picture.image.height; y++) {
            uint32_t *row = picture_row(&r->picture, y);
            png_read_row(r->png, (png_bytep)row, NULL);
            if (transparent && pass == passes) premultiply(row, r->picture.image.width);
        }
    png_read_end(r->png, NULL);
}

/* No PNG is smaller than its pixels by more than deflate can do, 1032 to 1: one that claims to be takes no memory. */
static bool is_too_short(const struct reading *r, png_uint_32 height) {
    uint64_t pixels = (uint64_t)png_get_rowbytes(r->png, r->info) * height;

    return r->picture.store && pixels / 1032 > (uint64_t)(r->end - r->at);
}

/* May be left by a longjmp. */
static void read_picture(struct reading *r) {
    png_uint_32 width, height;

    skip_what_is_not_shown(r->png);
    png_set_read_fn(r->png, r, read_bytes);
    png_read_info(r->png, r->info);
    width = png_get_image_width(r->png, r->info);
    height = png_get_image_height(r->png, r->info);
    r->status = picture_fits(width, height);
    if (r->status == IMAGE_OK && is_too_short(r, height)) r->status = IMAGE_BROKEN;
    if (r->status == IMAGE_OK) r->status = picture_room(&r->picture, width, height);
    if (r->status == IMAGE_OK && r->picture.store) read_rows(r);
}

static void read_guarded(struct reading *r) {
    if (setjmp(png_jmpbuf(r->png)) == 0)
        read_picture(r);
    else
        r->status = IMAGE_BROKEN;
}

image_status_t png_decode(store_t *store, const void *bytes, size_t n, image_t *out) {
    struct reading r = {.at = bytes, .end = (const unsigned char *)bytes + n};

    r.picture.store = store;
    r.status = IMAGE_NO_MEMORY;
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, fail, ignore);
    if (r.png && (r.info = png_create_info_struct(r.png))) read_guarded(&r);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return picture_end(&r.picture, r.status, out);
}
