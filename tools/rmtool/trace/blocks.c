/* SPDX-License-Identifier: MIT */
#include "trace/blocks.h"

#include <stdlib.h>

static bool add_piece(struct blocks *blocks) {
    if (blocks->n_pieces == blocks->capacity) {
        size_t capacity = blocks->capacity ? blocks->capacity * 2 : 64;
        uint64_t **pieces = realloc(blocks->pieces, capacity * sizeof(*pieces));
        if (!pieces) return false;
        blocks->pieces = pieces;
        uint16_t *live = realloc(blocks->live, capacity * sizeof(*live));
        if (!live) return false;
        blocks->live = live;
        blocks->capacity = capacity;
    }
    uint64_t *piece = malloc(BLOCKS_PIECE * sizeof(*piece));
    if (!piece) return false;
    blocks->live[blocks->n_pieces] = 0;
    blocks->pieces[blocks->n_pieces++] = piece;
    return true;
}

bool blocks_add(struct blocks *blocks, uint64_t word) {
    size_t piece = blocks->n / BLOCKS_PIECE;

    if (piece == blocks->n_pieces && !add_piece(blocks)) return false;
    blocks->pieces[piece][blocks->n % BLOCKS_PIECE] = word;
    blocks->live[piece]++;
    blocks->n++;
    return true;
}

void blocks_drop(struct blocks *blocks, uint64_t number) {
    size_t piece = number / BLOCKS_PIECE;

    blocks->pieces[piece][number % BLOCKS_PIECE] = 0;
    /* The last piece stays as long as blocks are added to it. */
    if (--blocks->live[piece] > 0 || blocks->n / BLOCKS_PIECE <= piece) return;
    free(blocks->pieces[piece]);
    blocks->pieces[piece] = NULL;
}

uint64_t blocks_next(const struct blocks *blocks, uint64_t number) {
    while (number < blocks->n && blocks_get(blocks, number) == 0) {
        if (blocks->pieces[number / BLOCKS_PIECE])
            number++;
        else
            number = (number / BLOCKS_PIECE + 1) * BLOCKS_PIECE;
    }
    return number < blocks->n ? number : blocks->n;
}

void blocks_finish(struct blocks *blocks) {
    for (size_t i = 0; i < blocks->n_pieces; i++) free(blocks->pieces[i]);
    free(blocks->pieces);
    free(blocks->live);
    *blocks = (struct blocks){0};
}
