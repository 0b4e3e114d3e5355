/* SPDX-License-Identifier: MIT */
#include "content.h"

#include <string.h>

enum { WORD = 8, WHOLE = 4096, SPARSE = 63 * WORD }; /* blocks up to WHOLE are filled */

static uint64_t word_at(uint64_t number, size_t offset) {
    return (number * 2 + 1) * UINT64_C(0x9e3779b97f4a7c15) +
           offset * UINT64_C(0xbf58476d1ce4e5b9);
}

static size_t step_of(size_t filled) { return filled > WHOLE ? SPARSE : WORD; }

void content_fill(void *at, size_t size, uint64_t number) {
    char *to = at;
    size_t last = size / WORD * WORD;
    uint64_t word = word_at(number, last);

    for (size_t offset = 0; offset < last; offset += step_of(size)) {
        uint64_t w = word_at(number, offset);
        memcpy(to + offset, &w, WORD);
    }
    if (size > last) memcpy(to + last, &word, size - last);
}

bool content_holds(const void *at, size_t filled, size_t size, uint64_t number) {
    const char *from = at;
    size_t last = size / WORD * WORD;
    uint64_t word = word_at(number, last);

    for (size_t offset = 0; offset < last; offset += step_of(filled)) {
        uint64_t w = word_at(number, offset);
        if (memcmp(from + offset, &w, WORD) != 0) return false;
    }
    if (size < filled && filled > WHOLE)
        return true; /* there may be nothing at its end */
    return size == last || memcmp(from + last, &word, size - last) == 0;
}

bool content_zero(const void *at, size_t size) {
    const char *from = at;
    return size == 0 || (from[0] == 0 && memcmp(from, from + 1, size - 1) == 0);
}
