/* SPDX-License-Identifier: MIT */
#include "synth.h"

#include <stdlib.h>

uint64_t synth_scaled(const struct synth *synth, uint64_t n) {
    double scaled = (double)n * synth->scale;

    return scaled < 1 ? 1 : (uint64_t)scaled;
}

/* ------------------------------------------------------------------ events */

static void write_line(struct synth *synth, char op, uint64_t first, uint64_t second) {
    struct trace_line line = {op, first, second, synth->lines + 1};

    if (synth->failed) return;
    if (tape_write(synth->tape, &line))
        synth->lines++;
    else
        synth->failed = true;
}

uint64_t synth_alloc(struct synth *synth, uint64_t size) {
    write_line(synth, 'a', size, 0);
    return synth->made++;
}

uint64_t synth_zero(struct synth *synth, uint64_t size) {
    write_line(synth, 'z', size, 0);
    return synth->made++;
}

void synth_resize(struct synth *synth, uint64_t block, uint64_t size) {
    write_line(synth, 'r', synth->made - 1 - block, size);
}

void synth_free(struct synth *synth, uint64_t block) {
    write_line(synth, 'f', synth->made - 1 - block, 0);
}

/* ---------------------------------------------------------- random numbers */

/* xorshift64*: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators,
   scrambled", ACM Trans. Math. Softw. 42(4), 2016. The state is never 0. */
static uint64_t draw(struct synth *synth) {
    uint64_t x = synth->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    synth->random = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* The high half of a product: a bias below n / 2^32, far from anything that shows. */
uint64_t synth_below(struct synth *synth, uint64_t n) {
    return (draw(synth) >> 32) * n >> 32;
}

uint64_t synth_between(struct synth *synth, uint64_t low, uint64_t high) {
    return low + synth_below(synth, high - low + 1);
}

bool synth_chance(struct synth *synth, unsigned percent) {
    return synth_below(synth, 100) < percent;
}

/* An octave, then by rejection: within one the density falls as 1/x. */
uint64_t synth_log_uniform(struct synth *synth, uint64_t low, unsigned octaves) {
    uint64_t base = low << synth_below(synth, octaves), value;

    do {
        value = base + synth_below(synth, base);
    } while (synth_below(synth, value) >= base);
    return value;
}

/* ---------------------------------------------------------------- live sets */

static bool grow(struct synth_set *set) {
    size_t capacity = set->capacity ? set->capacity * 2 : 1024;
    uint64_t *blocks = realloc(set->blocks, capacity * sizeof(*blocks));

    if (blocks) set->blocks = blocks;
    uint64_t *sizes = blocks ? realloc(set->sizes, capacity * sizeof(*sizes)) : NULL;
    if (!sizes) return false;
    set->sizes = sizes;
    set->capacity = capacity;
    return true;
}

void synth_set_alloc(struct synth *synth, struct synth_set *set, uint64_t size) {
    if (set->n == set->capacity && !grow(set)) synth->failed = true;
    if (synth->failed) return;
    set->blocks[set->n] = synth_alloc(synth, size);
    set->sizes[set->n++] = size;
    set->bytes += size;
}

void synth_set_free(struct synth *synth, struct synth_set *set, size_t i) {
    if (synth->failed) return;
    synth_free(synth, set->blocks[i]);
    set->bytes -= set->sizes[i];
    set->n--;
    set->blocks[i] = set->blocks[set->n];
    set->sizes[i] = set->sizes[set->n];
}

void synth_set_free_any(struct synth *synth, struct synth_set *set) {
    synth_set_free(synth, set, synth_below(synth, set->n));
}

void synth_set_sweep(struct synth *synth, struct synth_set *set,
                     bool (*drop)(struct synth *synth, size_t i, void *context),
                     void *context) {
    size_t kept = 0;

    for (size_t i = 0; i < set->n && !synth->failed; i++) {
        if (!drop || drop(synth, i, context)) {
            synth_free(synth, set->blocks[i]);
            set->bytes -= set->sizes[i];
            continue;
        }
        set->blocks[kept] = set->blocks[i];
        set->sizes[kept++] = set->sizes[i];
    }
    set->n = kept;
}

void synth_set_finish(struct synth_set *set) {
    free(set->blocks);
    free(set->sizes);
    *set = (struct synth_set){0};
}
