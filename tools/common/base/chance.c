/* SPDX-License-Identifier: MIT */
/*
 * xorshift64*: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators,
 * scrambled", ACM Trans. Math. Softw. 42(4), 2016.
 */
#include "base/chance.h"

static uint64_t draw(struct chance *chance) {
    uint64_t x = chance->state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    chance->state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* A state that is not 0, with some bits set for seeds such as 1 and 2 too: the first step
   of splitmix64, of which one seed alone gives 0. */
struct chance chance_of(uint64_t seed) {
    uint64_t x = seed + UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    x ^= x >> 31;
    return (struct chance){x ? x : 1};
}

/* The high half of a product: a bias below n / 2^32, far from anything that shows. */
uint64_t chance_below(struct chance *chance, uint64_t n) {
    return (draw(chance) >> 32) * n >> 32;
}

/* An octave, then by rejection: within one the density falls as 1/x. */
uint64_t chance_log_uniform(struct chance *chance, uint64_t low, unsigned octaves) {
    uint64_t base = low << chance_below(chance, octaves), value;

    do {
        value = base + chance_below(chance, base);
    } while (chance_below(chance, value) >= base);
    return value;
}

void chance_shuffle(struct chance *chance, uint32_t *items, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t j = chance_below(chance, i + 1);
        items[i] = items[j];
        items[j] = (uint32_t)i;
    }
}
