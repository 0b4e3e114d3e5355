/* SPDX-License-Identifier: MIT */
/*
 * Random numbers that are the same on every machine for the same seed
 * (splitmix64), and the sizes that tests ask for.
 */
#ifndef RMTEST_RNG_H
#define RMTEST_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

/* Distributions of block sizes. */
enum shape {
    SHAPE_SMALL, /* 0 to 128, as most objects of programs */
    SHAPE_CLASS, /* around powers of two and multiples of 16: class edges */
    SHAPE_LOG,   /* log-uniform up to the most */
    SHAPE_LARGE, /* between an eighth of the most and the most */
    SHAPE_MIXED, /* any of the above, small most often */
    N_SHAPES
};

/* One step of splitmix64 as a function: scrambles 64 bits. */
uint64_t rng_mix(uint64_t x);
/* A sum of many values, of which the order matters as well. */
static inline uint64_t rng_sum(uint64_t sum, uint64_t value) {
    return rng_mix(sum ^ rng_mix(value));
}
uint64_t rng_next(struct rng *rng);
/* In [0, n); n above 0. */
uint64_t rng_below(struct rng *rng, uint64_t n);
/* In [low, high]. */
size_t rng_between(struct rng *rng, size_t low, size_t high);
bool rng_chance(struct rng *rng, unsigned percent);
/* A size of at most `most` bytes. */
size_t rng_size(struct rng *rng, enum shape shape, size_t most);

#endif
