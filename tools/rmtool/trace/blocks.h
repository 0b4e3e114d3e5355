/* SPDX-License-Identifier: MIT */
/*
 * A word of 64 bits for each block of a trace, by the block's number. Blocks are made in
 * order; the words lie in pieces, and a piece whose blocks have all been freed is given
 * back: it takes 8 bytes for each block that is live, or that has a live neighbour.
 */
#ifndef RMTOOL_BLOCKS_H
#define RMTOOL_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCKS_PIECE 1024 /* words */

struct blocks {
    uint64_t **pieces; /* NULL: given back */
    uint16_t *live;    /* words that are not 0, by piece */
    size_t n_pieces, capacity;
    uint64_t n; /* blocks ever made */
};

/* Block number n comes to be, with a word that is not 0. Returns: false without memory. */
bool blocks_add(struct blocks *blocks, uint64_t word);

/* 0 where the block has been dropped. number: below n. */
static inline uint64_t blocks_get(const struct blocks *blocks, uint64_t number) {
    const uint64_t *piece = blocks->pieces[number / BLOCKS_PIECE];

    return piece ? piece[number % BLOCKS_PIECE] : 0;
}

/* Of a block whose word is not 0; to one that is not 0. */
static inline void blocks_set(struct blocks *blocks, uint64_t number, uint64_t word) {
    blocks->pieces[number / BLOCKS_PIECE][number % BLOCKS_PIECE] = word;
}

/* Its word, which was not 0, is from now on. */
void blocks_drop(struct blocks *blocks, uint64_t number);

/* The first block from `number` on whose word is not 0; blocks->n where there is none. */
uint64_t blocks_next(const struct blocks *blocks, uint64_t number);

void blocks_finish(struct blocks *blocks); /* frees all; empty again */

#endif
