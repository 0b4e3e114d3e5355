/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <webp/encode.h>

/* c * a / 255, rounded: the other way to compute it than the decoders'. */
static uint32_t times(uint32_t c, uint32_t a) { return (2 * c * a + 255) / 510; }

static uint32_t pixel_of(uint32_t r, uint32_t g, uint32_t b, uint32_t a) {
    return a << 24 | times(r, a) << 16 | times(g, a) << 8 | times(b, a);
}

/* Smooth ones, in which what JPEG and WebP leave out does not show: up to 300 x 100 of them. */
static void smooth(unsigned char *bytes, int width, int height, int channels) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const int parts[] = {20 + x / 2, 60 + y, 230 - x / 2, 250 - y};
            for (int c = 0; c < channels; c++) *bytes++ = (unsigned char)parts[c];
        }
}

/* ------------------------------------------------------------------------- PNG */

static const struct png_form {
    const char *name;
    int type, depth;
    bool transparent; /* has a tRNS chunk */
} png_forms[SAMPLES_PNG / 2] = {
    {"PNG, grey, 1 bit", PNG_COLOR_TYPE_GRAY, 1, false},
    {"PNG, grey, 2 bits", PNG_COLOR_TYPE_GRAY, 2, false},
    {"PNG, grey, 4 bits", PNG_COLOR_TYPE_GRAY, 4, true},
    {"PNG, grey, 8 bits", PNG_COLOR_TYPE_GRAY, 8, false},
    {"PNG, grey, 8 bits, a transparent one", PNG_COLOR_TYPE_GRAY, 8, true},
    {"PNG, grey, 16 bits", PNG_COLOR_TYPE_GRAY, 16, true},
    {"PNG, palette, 1 bit", PNG_COLOR_TYPE_PALETTE, 1, false},
    {"PNG, palette, 2 bits, alpha", PNG_COLOR_TYPE_PALETTE, 2, true},
    {"PNG, palette, 4 bits", PNG_COLOR_TYPE_PALETTE, 4, false},
    {"PNG, palette, 8 bits", PNG_COLOR_TYPE_PALETTE, 8, false},
    {"PNG, palette, 8 bits, alpha", PNG_COLOR_TYPE_PALETTE, 8, true},
    {"PNG, grey and alpha, 8 bits", PNG_COLOR_TYPE_GRAY_ALPHA, 8, false},
    {"PNG, grey and alpha, 16 bits", PNG_COLOR_TYPE_GRAY_ALPHA, 16, false},
    {"PNG, colour, 8 bits", PNG_COLOR_TYPE_RGB, 8, false},
    {"PNG, colour, 16 bits, a transparent one", PNG_COLOR_TYPE_RGB, 16, true},
    {"PNG, colour and alpha, 8 bits", PNG_COLOR_TYPE_RGB_ALPHA, 8, false},
    {"PNG, colour and alpha, 16 bits", PNG_COLOR_TYPE_RGB_ALPHA, 16, false},
};

/* What is written: as many samples a pixel as the form has channels. */
struct png_writing {
    png_structp png;
    png_infop info;
    png_color palette[256];
    unsigned char alphas[256];
    png_color_16 transparent;
    unsigned *samples;
    int channels;
};

static void append(png_structp png, png_bytep bytes, size_t n) {
    g_byte_array_append(png_get_io_ptr(png), bytes, (guint)n);
}
static void no_flush(png_structp png) {}

static void make_samples(struct png_writing *w, const struct png_form *form, int n) {
    int most = 1 << form->depth;

    w->channels = form->type == PNG_COLOR_TYPE_GRAY_ALPHA  ? 2
                  : form->type == PNG_COLOR_TYPE_RGB       ? 3
                  : form->type == PNG_COLOR_TYPE_RGB_ALPHA ? 4
                                                           : 1;
    w->samples = g_new(unsigned, n * w->channels);
    for (int i = 0; i < n * w->channels; i++)
        w->samples[i] = (unsigned)g_test_rand_int_range(0, most);
    for (int i = 0; i < 256; i++) {
        w->palette[i] =
            (png_color){(png_byte)g_test_rand_int(), (png_byte)g_test_rand_int(),
                        (png_byte)g_test_rand_int()};
        w->alphas[i] = (unsigned char)g_test_rand_int();
    }
    w->transparent.gray = w->transparent.red = (png_uint_16)w->samples[0];
    if (w->channels >= 3) {
        w->transparent.green = (png_uint_16)w->samples[1];
        w->transparent.blue = (png_uint_16)w->samples[2];
    }
}

static void set_header(struct png_writing *w, const struct png_form *form,
                       bool interlaced, int width, int height) {
    bool palette = form->type == PNG_COLOR_TYPE_PALETTE;

    png_set_IHDR(w->png, w->info, (png_uint_32)width, (png_uint_32)height, form->depth,
                 form->type, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (palette) png_set_PLTE(w->png, w->info, w->palette, 1 << form->depth);
    if (form->transparent)
        png_set_tRNS(w->png, w->info, palette ? w->alphas : NULL,
                     palette ? 1 << form->depth : 1, palette ? NULL : &w->transparent);
    png_write_info(w->png, w->info);
    if (form->depth < 8) png_set_packing(w->png);
}

static void write_rows(struct png_writing *w, int depth, int width, int height) {
    size_t per_row = (size_t)(width * w->channels), bytes = depth == 16 ? 2 : 1;
    unsigned char **rows = g_new(unsigned char *, height);

    for (int y = 0; y < height; y++) {
        rows[y] = g_malloc(per_row * bytes);
        for (size_t i = 0; i < per_row; i++) {
            unsigned sample = w->samples[(size_t)y * per_row + i];
            if (bytes == 2) rows[y][2 * i] = (unsigned char)(sample >> 8);
            rows[y][bytes * i + bytes - 1] = (unsigned char)sample;
        }
    }
    png_write_image(w->png, rows);
    png_write_end(w->png, NULL);
    for (int y = 0; y < height; y++) g_free(rows[y]);
    g_free(rows);
}

static uint32_t png_pixel(const struct png_writing *w, const struct png_form *form,
                          const unsigned *samples) {
    unsigned most = (1u << form->depth) - 1, part[4];
    bool colours = w->channels >= 3;
    bool clear = form->transparent && samples[0] == w->transparent.red &&
                 (!colours || (samples[1] == w->transparent.green &&
                               samples[2] == w->transparent.blue));

    if (form->type == PNG_COLOR_TYPE_PALETTE) {
        png_color colour = w->palette[samples[0]];
        return pixel_of(colour.red, colour.green, colour.blue,
                        form->transparent ? w->alphas[samples[0]] : 255);
    }
    for (int c = 0; c < w->channels; c++)
        part[c] = (unsigned)((2 * (uint64_t)samples[c] * 255 + most) / (2 * most));
    if (w->channels % 2 == 1) part[w->channels] = clear ? 0 : 255;
    return colours ? pixel_of(part[0], part[1], part[2], part[3])
                   : pixel_of(part[0], part[0], part[0], part[1]);
}

static GByteArray *make_png(const struct png_form *form, bool interlaced, int width,
                            int height, uint32_t *wanted) {
    GByteArray *file = g_byte_array_new();
    struct png_writing w = {
        .png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL)};

    w.info = png_create_info_struct(w.png);
    png_set_write_fn(w.png, file, append, no_flush);
    make_samples(&w, form, width * height);
    set_header(&w, form, interlaced, width, height);
    write_rows(&w, form->depth, width, height);
    for (int i = 0; i < width * height; i++)
        wanted[i] = png_pixel(&w, form, w.samples + i * w.channels);
    png_destroy_write_struct(&w.png, &w.info);
    g_free(w.samples);
    return file;
}

/* ------------------------------------------------------------------------- JPEG */

static const struct jpeg_form {
    const char *name;
    J_COLOR_SPACE of, as; /* what is given, what is stored */
    bool progressive, halved, plain_inks;
} jpeg_forms[SAMPLES_JPEG] = {
    {"JPEG, grey", JCS_GRAYSCALE, JCS_GRAYSCALE, false, false, false},
    {"JPEG, grey, progressive", JCS_GRAYSCALE, JCS_GRAYSCALE, true, false, false},
    {"JPEG, colour", JCS_RGB, JCS_YCbCr, false, false, false},
    {"JPEG, colour, halved", JCS_RGB, JCS_YCbCr, false, true, false},
    {"JPEG, colour, halved, progressive", JCS_RGB, JCS_YCbCr, true, true, false},
    {"JPEG, colour as it is", JCS_RGB, JCS_RGB, false, false, false},
    {"JPEG, Adobe's inks", JCS_CMYK, JCS_YCCK, false, false, false},
    {"JPEG, plain inks", JCS_CMYK, JCS_CMYK, true, false, true},
};

static uint32_t jpeg_pixel(const struct jpeg_form *form, const unsigned char *at) {
    unsigned turn = form->plain_inks ? 255 : 0, black = at[3] ^ turn;

    if (form->of == JCS_GRAYSCALE) return pixel_of(at[0], at[0], at[0], 255);
    if (form->of == JCS_RGB) return pixel_of(at[0], at[1], at[2], 255);
    return pixel_of(times(at[0] ^ turn, black), times(at[1] ^ turn, black),
                    times(at[2] ^ turn, black), 255);
}

static void set_form(j_compress_ptr jpeg, const struct jpeg_form *form) {
    jpeg_set_defaults(jpeg);
    jpeg_set_colorspace(jpeg, form->as);
    jpeg_set_quality(jpeg, 98, TRUE);
    for (int i = 0; i < jpeg->num_components; i++)
        jpeg->comp_info[i].h_samp_factor = jpeg->comp_info[i].v_samp_factor =
            form->halved && i == 0 ? 2 : 1;
    if (form->plain_inks) jpeg->write_Adobe_marker = FALSE;
    if (form->progressive) jpeg_simple_progression(jpeg);
}

static GByteArray *make_jpeg(const struct jpeg_form *form, int width, int height,
                             uint32_t *wanted) {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL, *bytes;
    unsigned long n = 0;
    GByteArray *file = g_byte_array_new();
    int channels = form->of == JCS_GRAYSCALE ? 1 : form->of == JCS_RGB ? 3 : 4;

    bytes = g_malloc((size_t)(width * height * channels) + 3);
    smooth(bytes, width, height, channels);
    for (int i = 0; i < width * height; i++)
        wanted[i] = jpeg_pixel(form, bytes + i * channels);

    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &out, &n);
    jpeg.image_width = (unsigned)width;
    jpeg.image_height = (unsigned)height;
    jpeg.input_components = channels;
    jpeg.in_color_space = form->of;
    set_form(&jpeg, form);
    jpeg_start_compress(&jpeg, TRUE);
    for (int y = 0; y < height; y++) {
        JSAMPROW row = bytes + y * width * channels;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    g_byte_array_append(file, out, (guint)n);
    free(out);
    g_free(bytes);
    return file;
}

/* ------------------------------------------------------------------------- WebP */

static const char *const webp_names[SAMPLES_WEBP] = {
    "WebP, lossless", "WebP, lossless, alpha", "WebP, lossy", "WebP, lossy, alpha"};

static GByteArray *make_webp(bool lossy, bool alpha, int width, int height,
                             uint32_t *wanted) {
    int n = width * height, channels = alpha ? 4 : 3;
    unsigned char *bytes = g_malloc((size_t)(n * channels)), *out = NULL;
    GByteArray *file = g_byte_array_new();
    size_t size;

    smooth(bytes, width, height, channels);
    for (int i = 0; i < n * channels && !lossy; i++)
        bytes[i] = (unsigned char)g_test_rand_int();
    for (int i = 0; i < n; i++) {
        const unsigned char *at = bytes + i * channels;
        wanted[i] = pixel_of(at[0], at[1], at[2], alpha ? at[3] : 255);
    }
    if (lossy)
        size = alpha ? WebPEncodeRGBA(bytes, width, height, width * 4, 98, &out)
                     : WebPEncodeRGB(bytes, width, height, width * 3, 98, &out);
    else
        size = alpha ? WebPEncodeLosslessRGBA(bytes, width, height, width * 4, &out)
                     : WebPEncodeLosslessRGB(bytes, width, height, width * 3, &out);
    g_assert_cmpuint(size, >, 0);
    g_byte_array_append(file, out, (guint)size);
    WebPFree(out);
    g_free(bytes);
    return file;
}

/* ------------------------------------------------------------------------- all */

GByteArray *sample_make(int sample, int width, int height, uint32_t *wanted,
                        int *tolerance) {
    *tolerance = 0;
    if (sample < SAMPLES_PNG)
        return make_png(&png_forms[sample / 2], sample % 2, width, height, wanted);
    sample -= SAMPLES_PNG;
    *tolerance = 8;
    if (sample < SAMPLES_JPEG)
        return make_jpeg(&jpeg_forms[sample], width, height, wanted);
    sample -= SAMPLES_JPEG;
    *tolerance = sample < 2 ? 1 : 12; /* libwebp rounds premultiplied ones down */
    return make_webp(sample >= 2, sample % 2, width, height, wanted);
}

const char *sample_name(int sample) {
    return sample < SAMPLES_PNG ? png_forms[sample / 2].name
           : sample < SAMPLES_PNG + SAMPLES_JPEG
               ? jpeg_forms[sample - SAMPLES_PNG].name
               : webp_names[sample - SAMPLES_PNG - SAMPLES_JPEG];
}
