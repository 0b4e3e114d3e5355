/* SPDX-License-Identifier: MIT */
#include "trace/synth.h"

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
