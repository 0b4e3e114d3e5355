/* SPDX-License-Identifier: MIT */
/*
 * Random numbers, the same everywhere for the same seed: integers only.
 */
#ifndef BASE_CHANCE_H
#define BASE_CHANCE_H

#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state; /* not 0 */
};

/* Any seed will do. */
struct chance chance_of(uint64_t seed);

uint64_t chance_below(struct chance *chance, uint64_t n); /* 0 to n-1; n below 2^32 */

/*
 * Log-uniform: as many from low to 2*low as from 2*low to 4*low, and so on.
 *  octaves: so many doublings; the largest is low * 2^octaves - 1.
 */
uint64_t chance_log_uniform(struct chance *chance, uint64_t low, unsigned octaves);

/* Makes 0..n-1 of the items, in random order. */
void chance_shuffle(struct chance *chance, uint32_t *items, size_t n);

#endif
