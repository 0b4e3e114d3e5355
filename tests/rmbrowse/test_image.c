/* SPDX-License-Identifier: MIT */
/*
 * The decoders: what the encoders wrote comes out; what was harmed is refused without a word of the libraries', and
 * nothing stays in the store.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "image/image.h"
#include "samples.h"
#include "store/memory.h"

static store_t *store;

static void begin(void) {
    store = store_open("images", COMPACT_STEADY);
    g_assert_nonnull(store);
}

static void end(void) { g_assert_cmpuint(store_close(store), ==, 0); }

/* From a copy that ends where it ends. */
static image_status_t decode(const void *bytes, size_t n, image_t *image) {
    void *copy = g_memdup2(bytes, n);
    image_status_t status = image_decode(store, n ? copy : "", n, image);

    g_free(copy);
    return status;
}

/* Of what is there, all pixels can be read; then it is freed, and nothing is left. */
static uint32_t look_and_free(const image_t *image) {
    struct store_figures figures;
    uint32_t sum = 0;

    g_assert_cmpint(image->stride, ==, 4 * image->width);
    g_assert_cmpuint(store_size(image->pixels), ==,
                     (size_t)image->stride * image->height);
    const uint32_t *pixels = store_lock(image->pixels);
    for (int i = 0; i < image->width * image->height; i++) sum += pixels[i];
    store_unlock(image->pixels);
    store_free(store, image->pixels);
    store_look(store, &figures);
    g_assert_cmpuint(figures.objects, ==, 0);
    return sum;
}

static void assert_refused(const void *bytes, size_t n, image_status_t wanted) {
    struct store_figures figures;
    image_t image;

    g_assert_cmpint(decode(bytes, n, &image), ==, wanted);
    g_assert_true(image.pixels == NO_REF);
    store_look(store, &figures);
    g_assert_cmpuint(figures.objects, ==, 0);
}

/* ------------------------------------------------------------------ what is fine */

static void assert_like(uint32_t pixel, uint32_t wanted, int tolerance) {
    for (int shift = 0; shift < 32; shift += 8) {
        int is = (int)(pixel >> shift & 255), was = (int)(wanted >> shift & 255);
        if (abs(is - was) > tolerance) g_error("%08x, not %08x", pixel, wanted);
    }
}

static void test_forms(void) {
    static const int sizes[][2] = {{1, 1}, {2, 1}, {3, 7}, {8, 8}, {61, 47}, {300, 5}};

    begin();
    for (int sample = 0; sample < SAMPLES; sample++)
        for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
            int width = sizes[i][0], height = sizes[i][1], tolerance;
            uint32_t *wanted = g_new(uint32_t, width * height);
            GByteArray *file = sample_make(sample, width, height, wanted, &tolerance);
            image_t image;

            g_test_message("%s, %d x %d", sample_name(sample), width, height);
            g_assert_cmpint(image_measure(file->data, file->len, &image), ==, IMAGE_OK);
            g_assert_cmpint(image.width, ==, width);
            g_assert_cmpint(image.height, ==, height);
            g_assert_true(image.pixels == NO_REF);
            g_assert_cmpint(decode(file->data, file->len, &image), ==, IMAGE_OK);
            g_assert_cmpint(image.width, ==, width);
            g_assert_cmpint(image.height, ==, height);
            const uint32_t *pixels = store_lock(image.pixels);
            for (int at = 0; at < width * height; at++)
                assert_like(pixels[at], wanted[at], tolerance);
            store_unlock(image.pixels);
            look_and_free(&image);
            g_byte_array_unref(file);
            g_free(wanted);
        }
    end();
}

/* ------------------------------------------------------------------ what is not */

/* Standard error, into a file that has to stay empty. */
static int listen_begin(FILE **file) {
    int before = dup(STDERR_FILENO);

    *file = tmpfile();
    g_assert_nonnull(*file);
    fflush(stderr);
    dup2(fileno(*file), STDERR_FILENO);
    return before;
}

static void listen_end(FILE *file, int before) {
    dup2(before, STDERR_FILENO);
    close(before);
    g_assert_cmpint(fseek(file, 0, SEEK_END), ==, 0);
    g_assert_cmpint(ftell(file), ==, 0);
    fclose(file);
}

static GByteArray *make(int sample, int width, int height) {
    uint32_t *pixels = g_new(uint32_t, width * height);
    int tolerance;
    GByteArray *file = sample_make(sample, width, height, pixels, &tolerance);

    g_free(pixels);
    return file;
}

/* At most as many bytes as its kind is told by. */
static bool may_be_unknown(int sample, size_t n) {
    return n < (sample < SAMPLES_PNG ? 8 : sample < SAMPLES_PNG + SAMPLES_JPEG ? 3 : 12);
}

static void test_truncated(void) {
    FILE *heard;
    int before;

    begin();
    before = listen_begin(&heard);
    for (int sample = 0; sample < SAMPLES; sample++) {
        GByteArray *file = make(sample, 40, 33);
        size_t step = file->len / 100 + 1;

        g_test_message("%s, %u bytes", sample_name(sample), file->len);
        for (size_t n = 0; n < file->len; n += n + 20 < file->len && n > 40 ? step : 1)
            assert_refused(file->data, n,
                           may_be_unknown(sample, n) ? IMAGE_UNKNOWN : IMAGE_BROKEN);
        g_byte_array_unref(file);
    }
    listen_end(heard, before);
    end();
}

static void test_flipped(void) {
    FILE *heard;
    int before, n_ok = 0, n_refused = 0;

    begin();
    memory_limit(memory_footprint() + (64 << 20));
    before = listen_begin(&heard);
    for (int sample = 0; sample < SAMPLES; sample++) {
        GByteArray *file = make(sample, 24, 19);
        for (int trial = 0; trial < 60; trial++) {
            GByteArray *harmed =
                g_byte_array_append(g_byte_array_new(), file->data, file->len);
            image_t image;

            for (int n = g_test_rand_int_range(1, 9); n > 0; n--) {
                int within = trial % 2 ? (int)file->len : MIN(64, (int)file->len);
                harmed->data[g_test_rand_int_range(0, within)] ^=
                    (guint8)(1 << g_test_rand_int_range(0, 8));
            }
            if (decode(harmed->data, harmed->len, &image) == IMAGE_OK) {
                look_and_free(&image);
                n_ok++;
            } else {
                n_refused++;
            }
            g_byte_array_unref(harmed);
        }
        g_byte_array_unref(file);
    }
    listen_end(heard, before);
    memory_limit(0);
    g_test_message("%d decoded, %d refused", n_ok, n_refused);
    g_assert_cmpint(n_refused, >, 100);
    end();
}

/* ------------------------------------------------------------------- what lies */

static void put_big(guint8 *at, uint32_t word) {
    for (int i = 0; i < 4; i++) at[i] = (guint8)(word >> (24 - 8 * i));
}

/* With a checksum that says it is fine. */
static void assert_png(uint32_t width, uint32_t height, image_status_t wanted) {
    GByteArray *file = make(0, 8, 8);

    put_big(file->data + 16, width);
    put_big(file->data + 20, height);
    put_big(file->data + 29, (uint32_t)crc32(0, file->data + 12, 17));
    g_test_message("PNG, %u x %u", width, height);
    assert_refused(file->data, file->len, wanted);
    g_byte_array_unref(file);
}

/* Where its frame begins is told by a marker. */
static void assert_jpeg(unsigned width, unsigned height, image_status_t wanted) {
    GByteArray *file = make(SAMPLES_PNG, 8, 8);
    guint8 *at = memmem(file->data, file->len, "\xff\xc0", 2);

    g_assert_nonnull(at);
    at[5] = (guint8)(height >> 8);
    at[6] = (guint8)height;
    at[7] = (guint8)(width >> 8);
    at[8] = (guint8)width;
    g_test_message("JPEG, %u x %u", width, height);
    assert_refused(file->data, file->len, wanted);
    g_byte_array_unref(file);
}

/* 14 bits each, after the signature of a lossless one. */
static void assert_webp(unsigned width, unsigned height, image_status_t wanted) {
    GByteArray *file = make(SAMPLES_PNG + SAMPLES_JPEG, 8, 8);
    uint32_t bits = (width - 1) | (height - 1) << 14;

    for (int i = 0; i < 4; i++) file->data[21 + i] = (guint8)(bits >> 8 * i);
    g_test_message("WebP, %u x %u", width, height);
    assert_refused(file->data, file->len, wanted);
    g_byte_array_unref(file);
}

static void test_lies(void) {
    begin();
    assert_png(0, 8, IMAGE_BROKEN);
    assert_png(8, 9, IMAGE_BROKEN);
    assert_png(32768, 1, IMAGE_TOO_LARGE);
    assert_png(1, 32768, IMAGE_TOO_LARGE);
    assert_png(32767, 32767, IMAGE_TOO_LARGE);
    assert_png(0x7fffffff, 0x7fffffff, IMAGE_TOO_LARGE);
    assert_png(0x80000000, 1, IMAGE_BROKEN);
    assert_jpeg(0, 8, IMAGE_BROKEN);
    assert_jpeg(8, 0, IMAGE_BROKEN);
    assert_jpeg(32768, 1, IMAGE_TOO_LARGE);
    assert_jpeg(65500, 65500, IMAGE_TOO_LARGE);
    assert_jpeg(20000, 20000, IMAGE_TOO_LARGE);
    assert_webp(16383, 16383, IMAGE_TOO_LARGE);
    assert_webp(8, 500, IMAGE_BROKEN);
    memory_limit(1); /* what is refused for its size takes none */
    assert_png(8000, 8000, IMAGE_BROKEN);
    assert_png(40000, 40000, IMAGE_TOO_LARGE);
    assert_jpeg(40000, 40000, IMAGE_TOO_LARGE);
    memory_limit(0);
    end();
}

static void test_others(void) {
    static const char animated[] =
        "RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x07\0\0\x07\0\0"
        "ANIM\x06\0\0\0\0\0\0\0\0\0";
    begin();
    assert_refused("", 0, IMAGE_UNKNOWN);
    assert_refused("GIF89a\1\0\1\0\0\0\0", 13, IMAGE_UNKNOWN);
    assert_refused("<html><img>", 11, IMAGE_UNKNOWN);
    assert_refused("RIFF\4\0\0\0WAVE", 12, IMAGE_UNKNOWN);
    assert_refused(animated, sizeof animated - 1, IMAGE_UNKNOWN);
    for (int status = IMAGE_OK; status <= IMAGE_NO_MEMORY; status++)
        g_assert_cmpuint(strlen(image_status_text((image_status_t)status)), >, 0);
    end();
}

/* So large that no process has room for it by chance. */
static void test_no_memory(void) {
    static const int samples[] = {1, SAMPLES_PNG - 1, SAMPLES_PNG, SAMPLES - 1};

    begin();
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        GByteArray *file = make(samples[i], 600, 600);
        memory_limit(1);
        assert_refused(file->data, file->len, IMAGE_NO_MEMORY);
        memory_limit(0);
        g_byte_array_unref(file);
    }
    end();
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/forms", test_forms);
    g_test_add_func("/image/truncated", test_truncated);
    g_test_add_func("/image/flipped", test_flipped);
    g_test_add_func("/image/lies", test_lies);
    g_test_add_func("/image/others", test_others);
    g_test_add_func("/image/no-memory", test_no_memory);
    return g_test_run();
}
