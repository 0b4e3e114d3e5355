/* SPDX-License-Identifier: MIT */
/*
 * Scrambling: everything that may move does, so that whoever uses a block after its last unlock is at the
 * wrong place (Lua and Palm OS test with such a mode).
 *
 *      |AA|L|bb|cc|..............|         L is locked; b and c are objects in runs
 *      |..|L|..|..|AA|.bb|..cc|..|         what they have left is nobody's, and stays so for a while:
 *      |c.|L|..|..|..|...|....|AA|.bb|     the next ones go on from there, and come round at the end
 *
 * No block goes to where it was before its last move. A span goes into a free span elsewhere; an object in a
 * run with something locked goes to another slot, or becomes a block of its own; where no free span is large
 * enough, neighbours slide up and down through those there are. What stays has no room at all: nothing free
 * between the pinned spans, or the ends, that it lies between, or so little that it would have to go back.
 *
 * Knows nothing of what is in the blocks, and of who looks. Invariant 10.
 */
#ifndef RM_SCRAMBLE_H
#define RM_SCRAMBLE_H

#include "place.h"
#include "trail.h"

struct scramble {
    uint64_t random;
    unit_t cursor;        /* where the next search for a place begins */
    size_t moved, stayed; /* blocks in the last turn; `stayed`: for want of room */
};

/* Move everything movable in a heap that was entered, in which nothing is kept by threads, and no other thread is
   at an entry: so what may be claimed is. A growing heap grows for it. False: nothing moves, since somebody reads, or there is no memory for the trail. */
bool scramble(struct heap *h, struct scramble *c, struct trail *trail);

/* A random number below n > 0. */
uint32_t scramble_random(struct scramble *c, uint32_t n);

#endif
