/* SPDX-License-Identifier: MIT */
/*
 * libjpeg-turbo writes rows in Cairo's order itself. Only inks, four bytes a pixel as well, are made colours in place.
 */
#include <setjmp.h>
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>

#include "image/decode.h"

/* A picture that comes in passes is decoded again in each; honest ones have some ten. */
enum { SCANS_MOST = 100 };

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CAIRO_ORDER JCS_EXT_BGRA
#else
#define CAIRO_ORDER JCS_EXT_ARGB
#endif

/* All of it outlives a longjmp, as it is not of the frame that sets it. */
struct reading {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    struct picture picture;
    image_status_t status;
};

static void fail(j_common_ptr jpeg) {
    struct reading *r = jpeg->client_data;

    r->status =
        jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? IMAGE_NO_MEMORY : IMAGE_BROKEN;
    longjmp(r->failed, 1);
}

/* Says nothing. That bytes are wrong is for the eye to judge; that they are missing is not. */
static void judge(j_common_ptr jpeg, int level) {
    if (level < 0 && jpeg->err->msg_code == JWRN_JPEG_EOF) fail(jpeg);
}

static void count_scans(j_common_ptr jpeg) {
    if (((j_decompress_ptr)jpeg)->input_scan_number > SCANS_MOST) fail(jpeg);
}

/* Inks to colours. Adobe's programs store how much light is left, not how much ink there is. */
static void inks_to_colours(uint32_t *row, int width, bool light) {
    const unsigned char *inks = (const unsigned char *)row;
    uint32_t turn = light ? 0 : 255;

    for (int x = 0; x < width; x++, inks += 4) {
        uint32_t black = inks[3] ^ turn;
        row[x] = UINT32_C(255) << 24 | byte_times(inks[0] ^ turn, black) << 16 |
                 byte_times(inks[1] ^ turn, black) << 8 |
                 byte_times(inks[2] ^ turn, black);
    }
}

static void read_rows(struct reading *r) {
    j_decompress_ptr jpeg = &r->jpeg;
    bool inks = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;

    jpeg->out_color_space = inks ? JCS_CMYK : CAIRO_ORDER;
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint32_t *row = picture_row(&r->picture, (int)jpeg->output_scanline);
        JSAMPROW samples = (JSAMPROW)row;
        jpeg_read_scanlines(jpeg, &samples, 1);
        if (inks) inks_to_colours(row, r->picture.image.width, jpeg->saw_Adobe_marker);
    }
    jpeg_finish_decompress(jpeg);
}

/* May be left by a longjmp. */
static void read_picture(struct reading *r, const void *bytes, size_t n) {
    jpeg_create_decompress(&r->jpeg);
    r->jpeg.progress = &r->progress;
    jpeg_mem_src(&r->jpeg, bytes, n);
    jpeg_read_header(&r->jpeg, TRUE);
    r->status = picture_room(&r->picture, r->jpeg.image_width, r->jpeg.image_height);
    if (r->status == IMAGE_OK && r->picture.store) read_rows(r);
}

static void read_guarded(struct reading *r, const void *bytes, size_t n) {
    if (setjmp(r->failed) == 0) read_picture(r, bytes, n);
}

image_status_t jpeg_decode(store_t *store, const void *bytes, size_t n, image_t *out) {
    struct reading r = {.picture.store = store};

    r.jpeg.err = jpeg_std_error(&r.errors);
    r.jpeg.client_data = &r;
    r.errors.error_exit = fail;
    r.errors.emit_message = judge;
    r.progress.progress_monitor = count_scans;
    read_guarded(&r, bytes, n);
    jpeg_destroy_decompress(&r.jpeg);
    return picture_end(&r.picture, r.status, out);
}
