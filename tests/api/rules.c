/* SPDX-License-Identifier: MIT */
#include "rules.h"

size_t rule_alignment(size_t size) {
    return (size > 0 && size % 16 == 0) || size >= 128 ? 16 : 8;
}

size_t block_need(size_t size, size_t asked) {
    /* A header, a byte that remembers an alignment, whole units, and the way to the next
       aligned address. */
    return (size + 8 + (asked > 8) + 15) / 16 * 16 + (asked > 16 ? asked : 0);
}

size_t slot_need(size_t n_blocks) { return n_blocks < 1900 ? 16 : 48; }
