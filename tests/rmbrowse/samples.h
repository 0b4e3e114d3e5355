/* SPDX-License-Identifier: MIT */
/* Images of all forms that the decoders know, made by the libraries' encoders, and the pixels that they should give. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <glib.h>
#include <stdint.h>

enum { SAMPLES_PNG = 34, SAMPLES_JPEG = 8, SAMPLES_WEBP = 4 };
enum { SAMPLES = SAMPLES_PNG + SAMPLES_JPEG + SAMPLES_WEBP };

/*
 * The file of a sample, of random pixels where the form keeps them exactly, of smooth ones where it does not.
 *  wanted: width * height pixels as CAIRO_FORMAT_ARGB32 has them.
 *  tolerance: how far a channel may be from that.
 * g_byte_array_unref frees it.
 */
GByteArray *sample_make(int sample, int width, int height, uint32_t *wanted,
                        int *tolerance);

/* For messages; static. */
const char *sample_name(int sample);

#endif
