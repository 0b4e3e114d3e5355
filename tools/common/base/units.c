/* SPDX-License-Identifier: MIT */
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool parse_count(const char *text, uint64_t *value) {
    uint64_t n = 0;

    if (!is_digit(*text)) return false;
    for (; is_digit(*text); text++) {
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n))
            return false;
    }
    *value = n;
    return *text == '\0';
}

/* Digits with at most one point: strtod alone would take signs, hex, nan and inf too. */
static bool parse_decimal(const char *text, double *value, const char **end) {
    const char *p = text;

    if (!is_digit(*p)) return false;
    while (is_digit(*p)) p++;
    if (*p == '.') {
        if (!is_digit(*++p)) return false;
        while (is_digit(*p)) p++;
    }
    if (p - text >= 32) return false;

    char digits[32];
    memcpy(digits, text, (size_t)(p - text));
    digits[p - text] = '\0';
    *value = strtod(digits, NULL);
    *end = p;
    return true;
}

bool parse_size(const char *text, uint64_t *bytes) {
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {
        {"", 1},         {"B", 1},          {"K", 1u << 10},    {"M", 1u << 20},
        {"G", 1u << 30}, {"KiB", 1u << 10}, {"MiB", 1u << 20},  {"GiB", 1u << 30},
        {"kB", 1000},    {"MB", 1000000},   {"GB", 1000000000},
    };
    const char *unit;
    double number;

    /* Whole bytes are read as integers: a double would round large ones. */
    if (parse_count(text, bytes)) return *bytes < UINT64_C(1) << 62;
    if (!parse_decimal(text, &number, &unit)) return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].name) == 0) {
            number *= (double)units[i].bytes;
            if (number >= 0x1p62) return false;
            *bytes = (uint64_t)number;
            return true;
        }
    }
    return false;
}

bool parse_factor(const char *text, double *factor) {
    const char *end;

    return parse_decimal(text, factor, &end) && strcmp(end, "x") == 0 && *factor > 0 &&
           *factor <= 1000;
}

double ratio_of(double part, double whole) { return whole > 0 ? part / whole : 0; }

const char *format_size(char text[SIZE_TEXT], uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double number = (double)bytes / 1024;
    size_t i = 0;

    if (bytes < 10240) {
        snprintf(text, SIZE_TEXT, "%" PRIu64 " B", bytes);
        return text;
    }
    while (number >= 1024 && i < 3) {
        number /= 1024;
        i++;
    }
    snprintf(text, SIZE_TEXT, number < 100 ? "%.2f %s" : "%.1f %s", number, units[i]);
    return text;
}

const char *format_ns(char text[SIZE_TEXT], uint64_t ns) {
    static const char *const units[] = {"us", "ms", "s"};
    double number = (double)ns / 1000;
    size_t i = 0;

    if (ns < 1000) {
        snprintf(text, SIZE_TEXT, "%" PRIu64 " ns", ns);
        return text;
    }
    while (number >= 1000 && i < 2) {
        number /= 1000;
        i++;
    }
    snprintf(text, SIZE_TEXT, number < 100 ? "%.2f %s" : "%.0f %s", number, units[i]);
    return text;
}

size_t put_count(char *text, uint64_t value) {
    char digits[COUNT_TEXT];
    size_t n = sizeof(digits);

    do digits[--n] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    memcpy(text, digits + n, sizeof(digits) - n);
    return sizeof(digits) - n;
}
