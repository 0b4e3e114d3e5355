/* SPDX-License-Identifier: MIT */

/* Out of memory, uthash leaves an element out of the table and says so by its hh.tbl. */
#define HASH_NONFATAL_OOM 1
/* The upper half of a product with 2^64 / the golden ratio depends on each bit of a key.
   */
#define HASH_FUNCTION(keyptr, keylen, hashv)                                             \
    (hashv) = (unsigned)(*(const uint64_t *)(const void *)(keyptr)*UINT64_C(             \
                             0x9e3779b97f4a7c15) >>                                      \
                         32)

#include "record/record_blocks.h"

#include <stdlib.h>

#define SLAB 1024

struct record_slab {
    struct record_slab *next;
    struct record_block blocks[SLAB];
};

struct record_block *record_blocks_find(struct record_blocks *blocks, uint64_t address) {
    struct record_block *block;

    HASH_FIND(hh, blocks->by_address, &address, sizeof(address), block);
    return block;
}

struct record_block *record_blocks_make(struct record_blocks *blocks) {
    struct record_block *block = blocks->unused;

    if (!block) {
        struct record_slab *slab = malloc(sizeof(*slab));
        if (!slab) return NULL;
        slab->next = blocks->slabs;
        blocks->slabs = slab;
        for (size_t i = 0; i < SLAB; i++) {
            slab->blocks[i].next = blocks->unused;
            blocks->unused = &slab->blocks[i];
        }
        block = blocks->unused;
    }
    blocks->unused = block->next;
    *block = (struct record_block){0};
    return block;
}

bool record_blocks_put(struct record_blocks *blocks, struct record_block *block,
                       uint64_t address) {
    block->address = address;
    block->hh.tbl = NULL;
    HASH_ADD(hh, blocks->by_address, address, sizeof(block->address), block);
    return block->hh.tbl != NULL;
}

void record_blocks_take(struct record_blocks *blocks, struct record_block *block) {
    HASH_DEL(blocks->by_address, block);
}

void record_blocks_drop(struct record_blocks *blocks, struct record_block *block) {
    block->next = blocks->unused;
    blocks->unused = block;
}

static int by_number(const void *a, const void *b) {
    const struct record_heir *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

struct record_heir *record_blocks_list(const struct record_blocks *blocks, size_t *n) {
    const struct record_block *block;
    struct record_heir *list;
    size_t i = 0;

    *n = HASH_COUNT(blocks->by_address);
    if (*n == 0) return NULL;
    list = malloc(*n * sizeof(*list));
    if (!list) return NULL;
    for (block = blocks->by_address; block; block = block->hh.next)
        list[i++] = (struct record_heir){block->address, block->number, block->size};
    qsort(list, *n, sizeof(*list), by_number);
    return list;
}

void record_blocks_finish(struct record_blocks *blocks) {
    HASH_CLEAR(hh, blocks->by_address);
    while (blocks->slabs) {
        struct record_slab *next = blocks->slabs->next;
        free(blocks->slabs);
        blocks->slabs = next;
    }
    *blocks = (struct record_blocks){0};
}
