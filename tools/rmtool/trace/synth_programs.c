/* SPDX-License-Identifier: MIT */
/*
 * Programs in outline: what is replaced all the time, what is built against an allocator,
 * what opens and closes documents, and a script that filters its results.
 */
#include "trace/synth_stories.h"

/* Fills the set with sizes from `size`, then replaces members at random. */
static void replace(struct synth *synth, uint64_t bytes, uint64_t replacements,
                    uint64_t (*size)(struct synth *synth)) {
    struct synth_set set = {0};

    while (synth_ok(synth) && set.bytes < bytes)
        synth_set_alloc(synth, &set, size(synth));
    for (uint64_t i = 0; i < replacements && synth_ok(synth); i++) {
        if (set.n > 0) synth_set_free_any(synth, &set);
        while (synth_ok(synth) && set.bytes < bytes)
            synth_set_alloc(synth, &set, size(synth));
    }
    synth_set_finish(&set);
}

static uint64_t churn_size(struct synth *synth) {
    return synth_log_uniform(synth, 16, 8);
}

/* 16 to 4095 bytes, log-uniform, 64 MiB of them at all times. */
void synth_churn(struct synth *synth) {
    replace(synth, synth_scaled(synth, UINT64_C(64) << 20), synth_scaled(synth, 1200000),
            churn_size);
}

static uint64_t hot_size(struct synth *synth) { return synth_between(synth, 8, 128); }

/* Small sizes, so few that a cache holds them: the cost of the calls alone. */
void synth_smallhot(struct synth *synth) {
    replace(synth, synth_scaled(synth, 1400000), synth_scaled(synth, 2000000), hot_size);
}

/* --------------------------------------------------------------- fragkill */

#define KILL_BYTES (UINT64_C(24) << 20)
enum { KILL_FIRST = 16, KILL_ROUNDS = 8 };

static bool every_other(struct synth *synth, size_t i, void *context) {
    return i % 2 == 0;
}

/*
 * Fill with blocks of 16 bytes, free every other of all, fill up with blocks twice as
 * large, and again, to 4 KiB: a hole that the rounds before have left is always just too
 * small, so that what cannot move grows by half of what is live each time, where headers
 * do not happen to help. J. M. Robson's programs of 1971 and 1974 are of this kind.
 */
void synth_fragkill(struct synth *synth) {
    struct synth_set set = {0};
    uint64_t bytes = synth_scaled(synth, KILL_BYTES), size = KILL_FIRST;

    for (int round = 0; round <= KILL_ROUNDS; round++, size *= 2) {
        if (round > 0) synth_set_sweep(synth, &set, every_other, NULL);
        while (synth_ok(synth) && set.bytes + size <= bytes)
            synth_set_alloc(synth, &set, size);
    }
    synth_set_sweep(synth, &set, NULL, NULL);
    synth_set_finish(&set);
}

/* ---------------------------------------------------------------- browser */

enum { DOCUMENTS = 20, OBJECTS = 50000, SURVIVORS = 5, OPEN = 2 };
enum { TEMPORARY_PERCENT = 25, TEMPORARIES = 32, GROWING_PERCENT = 2 };

/* Nodes and styles, strings, arrays, and a few images and scripts. */
static uint64_t object_size(struct synth *synth) {
    uint64_t kind = synth_below(synth, 1000);

    if (kind < 700) return synth_between(synth, 3, 20) * 8;
    if (kind < 900) return synth_log_uniform(synth, 8, 6);
    if (kind < 995) return synth_log_uniform(synth, 64, 6);
    return synth_log_uniform(synth, 4096, 4);
}

/* An array that the last object of the document is, filled bit by bit. */
static void grow_last(struct synth *synth, struct synth_set *set) {
    size_t last = set->n - 1;

    for (uint64_t size = set->sizes[last] * 2; size <= 4096; size *= 2) {
        synth_resize(synth, set->blocks[last], size);
        set->bytes += size - set->sizes[last];
        set->sizes[last] = size;
    }
}

static void open_document(struct synth *synth, struct synth_set *document) {
    struct synth_set temporary = {0};
    uint64_t objects = synth_scaled(synth, OBJECTS);

    for (uint64_t i = 0; i < objects && synth_ok(synth); i++) {
        synth_set_alloc(synth, document, object_size(synth));
        if (synth_ok(synth) && synth_chance(synth, GROWING_PERCENT))
            grow_last(synth, document);
        if (synth_chance(synth, TEMPORARY_PERCENT))
            synth_set_alloc(synth, &temporary, object_size(synth));
        if (temporary.n > TEMPORARIES) synth_set_free_any(synth, &temporary);
    }
    synth_set_sweep(synth, &temporary, NULL, NULL);
    synth_set_finish(&temporary);
}

static bool not_surviving(struct synth *synth, size_t i, void *context) {
    return !synth_chance(synth, SURVIVORS);
}

/* Twenty documents, two open at a time; one object in twenty outlives its own: what a
   cache has kept, or someone has forgotten. */
void synth_browser(struct synth *synth) {
    struct synth_set open[OPEN] = {{0}};

    for (int i = 0; i < DOCUMENTS + OPEN - 1; i++) {
        if (i < DOCUMENTS) open_document(synth, &open[i % OPEN]);
        if (i < OPEN - 1) continue;
        struct synth_set *oldest = &open[(i + 1) % OPEN];
        synth_set_sweep(synth, oldest, not_surviving, NULL);
        synth_set_finish(oldest);
    }
}

/* ------------------------------------------------------------------- ruby */

#define RUBY_BYTES (UINT64_C(128) << 20)
enum { RUBY_FIRST = 512, RUBY_HEADER = 16 };

static bool not_every_fourth(struct synth *synth, size_t i, void *context) {
    return i % 4 != 0;
}

/*
 * The Ruby test of the Mesh paper (PLDI 2019, section 6; test/ruby/frag.rb in its
 * repository): strings of one length fill what is available, three of four are dropped
 * and collected in order, the length doubles; what is available shrinks by twice what
 * has been kept.
 */
void synth_ruby(struct synth *synth) {
    uint64_t available = synth_scaled(synth, RUBY_BYTES), size = RUBY_FIRST;

    while (synth_ok(synth) && available >= size) {
        struct synth_set strings = {0};
        uint64_t n = available / size;
        for (uint64_t i = 0; i < n && synth_ok(synth); i++)
            synth_set_alloc(synth, &strings, size - RUBY_HEADER);
        synth_set_sweep(synth, &strings, not_every_fourth, NULL);
        synth_set_finish(&strings);
        size *= 2;
        available -= n * size / 4;
    }
}
