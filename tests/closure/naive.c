/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "closure.h"

_Static_assert(sizeof(struct known) == 8, "a word of each state");

unsigned naive_count(const struct naive *n) {
    unsigned count = 0;
    for (unsigned i = 0; i < SLOTS; i++) count += n->slots[i].live;
    return count;
}

size_t naive_requested(const struct naive *n) {
    size_t sum = 0;
    for (unsigned i = 0; i < SLOTS; i++) sum += n->slots[i].size;
    return sum;
}

unsigned naive_locked(const struct naive *n) {
    unsigned count = 0;
    for (unsigned i = 0; i < SLOTS; i++) count += n->slots[i].locks > 0;
    return count;
}

size_t naive_aligned(const struct naive *n) {
    size_t sum = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        if (n->slots[i].asked > 4) sum += (size_t)1 << n->slots[i].asked;
    return sum;
}

size_t naive_alignment(const struct known *k) {
    size_t rule = k->sixteen ? 16 : 8, asked = (size_t)1 << k->asked;
    return asked > rule ? asked : rule;
}

static uint64_t word_of(unsigned slot, size_t i) {
    return (slot + 1) * UINT64_C(0x9e3779b97f4a7c15) +
           i / 8 * UINT64_C(0xff51afd7ed558ccd);
}

static unsigned char byte_of(unsigned slot, size_t i) {
    return (unsigned char)(word_of(slot, i) >> 8 * (i % 8));
}

void naive_fill(unsigned char *at, unsigned slot, size_t from, size_t to) {
    for (; from < to && from % 8 != 0; from++) at[from] = byte_of(slot, from);
    for (; from + 8 <= to; from += 8) {
        uint64_t word = word_of(slot, from);
        memcpy(at + from, &word, 8);
    }
    for (; from < to; from++) at[from] = byte_of(slot, from);
}

size_t naive_differs(const unsigned char *at, unsigned slot, size_t size) {
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = word_of(slot, i);
        size_t bytes = size - i < 8 ? size - i : 8;
        if (memcmp(at + i, &word, bytes) == 0) continue;
        while (at[i] == byte_of(slot, i)) i++;
        return i;
    }
    return size;
}
