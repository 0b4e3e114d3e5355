/* SPDX-License-Identifier: MIT */
#include "content.h"

#include <string.h>

#include "fault.h"
#include "rng.h"

enum { CHUNK = 4096, STARTS = 65536 };

static unsigned char bytes[STARTS + CHUNK];
static const unsigned char zeros[CHUNK];

void content_init(void) {
    struct rng rng = {UINT64_C(0x243f6a8885a308d3)}; /* any: of pi */

    for (size_t i = 0; i < sizeof(bytes); i += 8) {
        uint64_t word = rng_next(&rng);

        memcpy(bytes + i, &word, 8);
    }
}

/* Each chunk of a block has another place in the table. */
static const unsigned char *chunk_of(uint64_t number, size_t at) {
    return bytes + (number * UINT64_C(0x9e3779b97f4a7c15) + at / CHUNK * 40503) % STARTS;
}

void content_write(unsigned char *at, size_t size, uint64_t number) {
    for (size_t i = 0; i < size; i += CHUNK)
        memcpy(at + i, chunk_of(number, i), size - i < CHUNK ? size - i : CHUNK);
}

static size_t first_other(const unsigned char *a, const unsigned char *b) {
    size_t i = 0;

    while (a[i] == b[i]) i++;
    return i;
}

const char *content_differs(const unsigned char *at, size_t size, uint64_t number) {
    for (size_t i = 0; i < size; i += CHUNK) {
        const unsigned char *wanted = chunk_of(number, i);

        if (memcmp(at + i, wanted, size - i < CHUNK ? size - i : CHUNK) != 0)
            return fault("content differs from byte %zu of %zu on",
                         i + first_other(at + i, wanted), size);
    }
    return NULL;
}

const char *content_zero(const unsigned char *at, size_t size) {
    for (size_t i = 0; i < size; i += CHUNK)
        if (memcmp(at + i, zeros, size - i < CHUNK ? size - i : CHUNK) != 0)
            return fault("byte %zu of %zu is not zero", i + first_other(at + i, zeros),
                         size);
    return NULL;
}
