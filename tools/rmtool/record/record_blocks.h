/* SPDX-License-Identifier: MIT */
/*
 * The blocks of a recorded process that are live, by address.
 */
#ifndef RMTOOL_RECORD_BLOCKS_H
#define RMTOOL_RECORD_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

struct record_block {
    uint64_t address;
    uint64_t number; /* in the trace */
    uint64_t size;
    uint32_t locks;
    struct record_block *next; /* among the unused */
    UT_hash_handle hh;
};

struct record_slab;

/* All zero: no blocks. */
struct record_blocks {
    struct record_block *by_address, *unused;
    struct record_slab *slabs;
};

/* As a child finds it. */
struct record_heir {
    uint64_t address, number, size;
};

/* NULL: no block is there. */
struct record_block *record_blocks_find(struct record_blocks *blocks, uint64_t address);

/* A block that is in no map; NULL: no memory. */
struct record_block *record_blocks_make(struct record_blocks *blocks);
/* false: no memory. */
bool record_blocks_put(struct record_blocks *blocks, struct record_block *block,
                       uint64_t address);

/* Out of the map: the block stays good until it is put again, or dropped. */
void record_blocks_take(struct record_blocks *blocks, struct record_block *block);
void record_blocks_drop(struct record_blocks *blocks, struct record_block *block);

/* All that are in the map, in the order in which they were made. n: receives how
   many; NULL where there are none, or no memory. */
struct record_heir *record_blocks_list(const struct record_blocks *blocks, size_t *n);

void record_blocks_finish(struct record_blocks *blocks);

#endif
