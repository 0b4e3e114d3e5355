/* SPDX-License-Identifier: MIT */
/*
 * Where blocks have been: of each slot where its block was before its last move, and a log of the places
 * that blocks have left lately. For who moves blocks to find those who use them too late, and for who
 * has found something and wants to know whose it was. Lies outside of the heap.
 */
#ifndef RM_TRAIL_H
#define RM_TRAIL_H

#include "base.h"

/* A place that a block has left, in bytes from the heap's base. */
struct departure {
    uint64_t handle;
    size_t place, size;
    uint32_t turn;
    bool freed; /* or moved */
};

/* Of a slot: where its block was, in 8 byte units, until the last move that was noted here. */
struct trail_slot {
    uint32_t before, turn;
};

enum { TRAIL_LOG = 1 << 15 };

struct trail {
    struct trail_slot *slots; /* NULL: there is no memory */
    uint32_t n_slots, most;   /* with memory, and at most */
    uint32_t turn;
    struct departure *log;
    size_t n_left; /* so far: of them TRAIL_LOG are remembered */
};

/* Of a heap in a region of so many bytes. False: the system refuses. */
bool trail_init(struct trail *t, size_t bytes);
void trail_finish(struct trail *t);
/* There is memory for so many slots; false: the system refuses. */
bool trail_reach(struct trail *t, uint32_t n_slots);

/* A slot that has memory. */
static inline struct trail_slot *trail_of(const struct trail *t, uint32_t slot) {
    return &t->slots[slot];
}
/* A block has left its place. */
static inline void trail_left(struct trail *t, uint64_t handle, size_t place, size_t size,
                              bool freed) {
    t->log[t->n_left++ % TRAIL_LOG] =
        (struct departure){handle, place, size, t->turn, freed};
}
/* The last one of those remembered that lay over a place; NULL: none did. */
const struct departure *trail_find(const struct trail *t, size_t place);

#endif
