/* SPDX-License-Identifier: MIT */
/*
 * What a program did to its heap, in order: accesses to blocks, and the events of its
 * allocator between them. Items come from a running program (gather.h) or from a log of one
 * (accesslog.h), and go to whoever takes them, many at a time.
 *
 * Blocks are named by slot: a small number that is used again once its block is freed. A
 * new block takes the slot that was freed last, or, where none is free, the next one after
 * all others: so whoever counts along knows a new block's slot.
 */
#ifndef RMTOOL_ACCESS_H
#define RMTOOL_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum access_op {
    ACCESS_LOAD, /* the first three are accesses: they advance the clock by one */
    ACCESS_STORE,
    ACCESS_MODIFY, /* loaded and stored by one instruction: one access */
    ACCESS_ALLOC,  /* the events; a block has its slot from here */
    ACCESS_ZERO,
    ACCESS_ALIGNED,
    ACCESS_REALLOC,
    ACCESS_FREE,
    ACCESS_LOCK, /* the program's own, where it has any: may be nested */
    ACCESS_UNLOCK,
    ACCESS_THREAD, /* the items that follow are of thread `value` */
    ACCESS_STACK,  /* they run on stack `value`, which has a depth of its own */
    N_ACCESS_OPS
};

#define ACCESS_IS_ACCESS(op) ((op) <= ACCESS_MODIFY)
#define ACCESS_SLOTS_MAX (UINT32_C(1) << 31)
#define ACCESS_STACKS_MAX (UINT32_C(1) << 16)
#define ACCESS_DEPTH_MAX (UINT32_C(1) << 24)

struct access_item {
    uint8_t op;             /* enum access_op */
    uint8_t alignment_log2; /* ALIGNED */
    uint32_t slot;          /* of the block, where there is one */
    uint32_t low, depth;    /* since the item before it on this stack the frames deeper
                               than `low` have ended, and now there are `depth` */
    uint64_t instructions;  /* done so far, by all threads */
    uint64_t value;         /* ALLOC, ZERO, ALIGNED, REALLOC: the size; THREAD, STACK */
};

/* Takes items, in order. Returns: a status; nothing more is wanted where it is not STATUS_OK. */
struct access_sink {
    int (*take)(void *context, const struct access_item *items, size_t n);
    void *context;
};

/* The slots of live blocks, for whoever makes items. */
struct access_slots {
    uint32_t *freed; /* a stack of those that can be used again */
    size_t n_freed, capacity;
    uint32_t n; /* ever used */
};

/* Returns: false where there are too many blocks, or no memory. */
bool access_slots_take(struct access_slots *slots, uint32_t *slot);
bool access_slots_give(struct access_slots *slots, uint32_t slot);
void access_slots_finish(struct access_slots *slots);

#endif
