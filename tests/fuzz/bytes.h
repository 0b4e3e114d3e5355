/* SPDX-License-Identifier: MIT */
/*
 * Bytes as a source of choices: what a target that is a program of calls takes its decisions from. Where
 * they are at their end every choice is the first one.
 */
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at, *end;
};

static inline bool bytes_ended(const struct bytes *b) { return b->at == b->end; }

static inline uint8_t bytes_one(struct bytes *b) { return b->at < b->end ? *b->at++ : 0; }

/* Of `n` bytes, at most 8, low ones first. */
static inline uint64_t bytes_word(struct bytes *b, size_t n) {
    uint64_t word = 0;

    for (size_t i = 0; i < n; i++) word |= (uint64_t)bytes_one(b) << 8 * i;
    return word;
}

/* One of `n`; 0 of none. */
static inline size_t bytes_below(struct bytes *b, size_t n) {
    if (n < 2) return 0;
    return (size_t)(bytes_word(b, n <= 256 ? 1 : n <= 65536 ? 2 : 4) % n);
}

static inline bool bytes_often(struct bytes *b, unsigned one_of) {
    return bytes_one(b) % one_of != 0;
}

/* A size of at most `most`: small ones, edges of classes, and any. */
static inline size_t bytes_size(struct bytes *b, size_t most) {
    uint8_t form = bytes_one(b);
    size_t size = form % 128;

    if (form >= 224)
        size = (size_t)bytes_word(b, 3);
    else if (form >= 192)
        size = ((size_t)16 << form % 16) + bytes_one(b) - 128;
    else if (form >= 128)
        size = (form % 64 + 1) * (size_t)16 + bytes_one(b) % 32;
    return most == SIZE_MAX ? size : size % (most + 1);
}

/* Any value of 64 bits, edges of its range most often. */
static inline uint64_t bytes_odd(struct bytes *b) {
    uint8_t form = bytes_one(b);

    if (form < 128) return form;
    if (form < 192) return (UINT64_C(1) << form % 64) + (uint64_t)bytes_one(b) - 128;
    if (form < 224) return UINT64_MAX - bytes_one(b);
    return bytes_word(b, 8);
}

#endif
