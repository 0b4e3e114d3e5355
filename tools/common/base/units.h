/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people write them: sizes such as 64MiB, and back.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, the whole of text, and no overflow. */
bool parse_count(const char *text, uint64_t *value);

/*
 * A size in bytes: a number, with a decimal point if need be, then nothing, B, KiB, MiB
 * or GiB (K, M and G mean the same), or kB, MB, GB for powers of 1000. Rounded down to
 * whole bytes; below 2^62.
 */
bool parse_size(const char *text, uint64_t *bytes);

/* A factor such as 1.3x, of something known later; above 0 and at most 1000. */
bool parse_factor(const char *text, double *factor);

/* part / whole; 0 where whole is 0. */
double ratio_of(double part, double whole);

/* A size for reading: "14.3 MiB", exact below 10 KiB. Returns text. */
#define SIZE_TEXT 24
const char *format_size(char text[SIZE_TEXT], uint64_t bytes);

/* A time for reading: "850 ns", "12.5 us", "3.21 ms", "4.00 s". Returns text. */
const char *format_ns(char text[SIZE_TEXT], uint64_t ns);

/* Writes a number's digits, without a NUL; up to 20. Returns: how many. */
#define COUNT_TEXT 20
size_t put_count(char *text, uint64_t value);

#endif
