/* SPDX-License-Identifier: MIT */
#include "rng.h"

uint64_t rng_mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t rng_next(struct rng *rng) {
    uint64_t value = rng_mix(rng->state);

    rng->state += UINT64_C(0x9e3779b97f4a7c15);
    return value;
}

uint64_t rng_below(struct rng *rng, uint64_t n) { return rng_next(rng) % n; }

size_t rng_between(struct rng *rng, size_t low, size_t high) {
    return low + (size_t)rng_below(rng, (uint64_t)(high - low) + 1);
}

bool rng_chance(struct rng *rng, unsigned percent) {
    return rng_below(rng, 100) < percent;
}

static size_t size_at_class_edge(struct rng *rng) {
    size_t edge = rng_chance(rng, 50) ? (size_t)1 << rng_between(rng, 2, 13)
                                      : 16 * rng_between(rng, 1, 80);

    edge += rng_between(rng, 0, 18);
    return edge > 9 ? edge - 9 : 0;
}

static size_t size_log_uniform(struct rng *rng, size_t most) {
    unsigned top = 0;
    size_t bound;

    while (top < 40 && (most >> top) > 1) top++;
    bound = (size_t)1 << rng_between(rng, 0, top);
    return rng_between(rng, bound / 2, bound);
}

size_t rng_size(struct rng *rng, enum shape shape, size_t most) {
    size_t size;

    if (shape == SHAPE_MIXED) {
        uint64_t dice = rng_below(rng, 100);

        shape = dice < 45   ? SHAPE_SMALL
                : dice < 65 ? SHAPE_CLASS
                : dice < 95 ? SHAPE_LOG
                            : SHAPE_LARGE;
    }
    switch (shape) {
    case SHAPE_SMALL: size = rng_chance(rng, 5) ? 0 : rng_between(rng, 1, 128); break;
    case SHAPE_CLASS: size = size_at_class_edge(rng); break;
    case SHAPE_LARGE: size = rng_between(rng, most / 8, most); break;
    default: size = size_log_uniform(rng, most); break;
    }
    return size < most ? size : most;
}
