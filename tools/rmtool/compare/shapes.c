/* SPDX-License-Identifier: MIT */
/*
 * The shapes in which the threads of a crowd have no business with each other, and larson,
 * in which they do because another one takes over. See crowd.h.
 */
#include "compare/seat.h"

/* ------------------------------------------------------------------ own, larson */

enum {
    OWN_BLOCKS = 1000,
    OWN_SLICE = 500,
    LARSON_BLOCKS = 5000,
    LARSON_SLICE = 500,
    LARSON_ROUNDS = 20, /* of as many replacements as there are blocks */
};

/* 16 to 1000 bytes; one in 32 up to 4096. */
static size_t own_size(struct seat *seat) {
    if (chance_below(&seat->chance, 32) == 0)
        return 1001 + chance_below(&seat->chance, 4096 - 1000);
    return 16 + chance_below(&seat->chance, 1000 - 15);
}

/* 8 to 1000 bytes. */
static size_t larson_size(struct seat *seat) {
    return 8 + chance_below(&seat->chance, 1000 - 7);
}

__attribute__((always_inline)) static inline unsigned
replace(struct seat *seat, unsigned blocks, unsigned times,
        size_t (*size)(struct seat *)) {
    for (unsigned i = 0; i < times; i++) {
        void **block = &seat->blocks[chance_below(&seat->chance, blocks)];
        seat_drop(seat, *block);
        *block = seat_make(seat, size(seat));
        if (seat->failed) return i;
    }
    return times;
}

static void own_prepare(struct seat *seat) {
    for (unsigned i = 0; i < OWN_BLOCKS; i++)
        seat->blocks[i] = seat_make(seat, own_size(seat));
}

static unsigned own_slice(struct seat *seat) {
    return replace(seat, OWN_BLOCKS, OWN_SLICE, own_size);
}

const struct shape shape_own = {
    .n_blocks = OWN_BLOCKS, .prepare = own_prepare, .slice = own_slice};

static void larson_prepare(struct seat *seat) {
    for (unsigned i = 0; i < LARSON_BLOCKS; i++)
        seat->blocks[i] = seat_make(seat, larson_size(seat));
}

static unsigned larson_slice(struct seat *seat) {
    return replace(seat, LARSON_BLOCKS, LARSON_SLICE, larson_size);
}

const struct shape shape_larson = {
    .n_blocks = LARSON_BLOCKS,
    .generation = LARSON_ROUNDS * LARSON_BLOCKS / LARSON_SLICE,
    .prepare = larson_prepare,
    .slice = larson_slice,
};

/* -------------------------------------------------------------------------- sh6 */

enum { SH6_BATCH = 1000, SH6_REPEATED = 8 };

/* Small ones are as many as large ones, by octaves; some of a size follow each other. */
static void sh6_allocate(struct seat *seat, void **blocks) {
    size_t size = 0;

    for (unsigned i = 0, same = 0; i < SH6_BATCH && !seat->failed; i++) {
        if (same == 0) {
            size = chance_log_uniform(&seat->chance, 1, 10);
            same = 1 + (unsigned)chance_below(&seat->chance, SH6_REPEATED);
        }
        blocks[i] = seat_make(seat, size);
        same--;
    }
}

/* What is left of the batch before the last lies in the upper half of the seat's blocks,
   n of them, and goes last to first. */
static unsigned sh6_slice(struct seat *seat) {
    void **batch = seat->blocks, **kept = &seat->blocks[SH6_BATCH];
    unsigned order = (unsigned)(chance_below(&seat->chance, 3));

    sh6_allocate(seat, batch);
    while (seat->n > 0 && !seat->failed) seat_drop(seat, kept[--seat->n]);
    for (unsigned i = 0; i < SH6_BATCH && !seat->failed; i++) {
        if (order == 0)
            seat_drop(seat, batch[i]);
        else if (order == 1)
            seat_drop(seat, batch[SH6_BATCH - 1 - i]);
        else if (i % 2 == 0)
            seat_drop(seat, batch[i]);
        else
            kept[seat->n++] = batch[i];
    }
    return SH6_BATCH;
}

const struct shape shape_sh6 = {.n_blocks = 2 * SH6_BATCH, .slice = sh6_slice};

/* ------------------------------------------------------------------------ locks */

/* Twice as many blocks of one's own as are used, so that no two seats' entries share a line
   of a cache. */
enum { LOCK_BLOCKS = 64, LOCK_ROOM = 2 * LOCK_BLOCKS, LOCK_SIZE = 64, LOCK_SLICE = 2000 };

static bool own_locks_furnish(struct run *run) {
    for (unsigned i = 0; i < run->crowd->n_threads; i++)
        for (unsigned j = 0; j < LOCK_ROOM; j++)
            run->seats[i].blocks[j] = seat_make(&run->seats[i], LOCK_SIZE);
    return true;
}

static bool between_furnish(struct run *run) {
    for (unsigned j = 0; j < LOCK_BLOCKS; j++)
        for (unsigned i = 0; i < run->crowd->n_threads; i++)
            run->seats[i].blocks[j] = seat_make(&run->seats[i], LOCK_SIZE);
    return true;
}

static bool same_furnish(struct run *run) {
    for (unsigned j = 0; j < LOCK_BLOCKS; j++) {
        void *block = seat_make(&run->seats[0], LOCK_SIZE);
        for (unsigned i = 0; i < run->crowd->n_threads; i++)
            run->seats[i].blocks[j] = block;
    }
    return true;
}

static unsigned locks_slice(struct seat *seat) {
    for (unsigned i = 0; i < LOCK_SLICE && !seat->failed; i++)
        seat_visit(seat, seat->blocks[i % LOCK_BLOCKS]);
    return LOCK_SLICE;
}

const struct shape shape_locks_own = {
    .n_blocks = LOCK_ROOM, .furnish = own_locks_furnish, .slice = locks_slice};
const struct shape shape_locks_between = {
    .n_blocks = LOCK_BLOCKS, .furnish = between_furnish, .slice = locks_slice};
const struct shape shape_locks_same = {
    .n_blocks = LOCK_BLOCKS, .furnish = same_furnish, .slice = locks_slice};
