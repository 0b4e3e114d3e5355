/* SPDX-License-Identifier: MIT */
/*
 * What the generators of made-up traces write with: events onto a tape, random numbers,
 * and a set of live blocks to draw from. A generator is a function that calls these until
 * its story is told; which there are is in generate.c.
 *
 * After a failure (the tape is full, no memory) all calls do nothing, and synth_ok is
 * false: loops that wait for something to grow have to ask it.
 */
#ifndef RMTOOL_SYNTH_H
#define RMTOOL_SYNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/chance.h"
#include "trace/tape.h"

struct synth {
    struct tape *tape;
    uint64_t made;  /* blocks so far */
    uint64_t lines; /* events so far */
    struct chance chance;
    double scale;
    bool failed;
};

static inline bool synth_ok(const struct synth *synth) { return !synth->failed; }

/* n times the scale, at least 1. */
uint64_t synth_scaled(const struct synth *synth, uint64_t n);

/* ---------------------------------------------------------------- events */

/* An allocation. Returns: the number of the block, counted from 0. */
uint64_t synth_alloc(struct synth *synth, uint64_t size);
uint64_t synth_zero(struct synth *synth, uint64_t size);
void synth_resize(struct synth *synth, uint64_t block, uint64_t size);
void synth_free(struct synth *synth, uint64_t block);

/* -------------------------------------------------------- random numbers */

static inline uint64_t synth_below(struct synth *synth, uint64_t n) {
    return chance_below(&synth->chance, n);
}

/* Either may come. */
static inline uint64_t synth_between(struct synth *synth, uint64_t low, uint64_t high) {
    return low + chance_below(&synth->chance, high - low + 1);
}

static inline bool synth_chance(struct synth *synth, unsigned percent) {
    return chance_below(&synth->chance, 100) < percent;
}

static inline uint64_t synth_log_uniform(struct synth *synth, uint64_t low,
                                         unsigned octaves) {
    return chance_log_uniform(&synth->chance, low, octaves);
}

/* -------------------------------------------------------------- live sets */

struct synth_set {
    uint64_t *blocks, *sizes;
    size_t n, capacity;
    uint64_t bytes; /* the sum of the sizes */
};

/* Allocates a block of that size, and keeps it in the set, behind the others. */
void synth_set_alloc(struct synth *synth, struct synth_set *set, uint64_t size);

/* Frees member i, from 0; the last member takes its place. */
void synth_set_free(struct synth *synth, struct synth_set *set, size_t i);

/* Frees a member drawn at random; there is one. */
void synth_set_free_any(struct synth *synth, struct synth_set *set);

/* Frees every member for which drop(synth, i, context) is true, in the order of the set,
   which stays. NULL: all. */
void synth_set_sweep(struct synth *synth, struct synth_set *set,
                     bool (*drop)(struct synth *synth, size_t i, void *context),
                     void *context);

/* Forgets the members without freeing them, and gives the set's memory back. */
void synth_set_finish(struct synth_set *set);

#endif
