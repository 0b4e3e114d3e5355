/* SPDX-License-Identifier: MIT */
/*
 * Where blocks have been made: for each slot of a table the stack of calls, as a number; equal stacks have the same
 * one. For who has found something and wants to know whose it is. Lies outside of the heap; what there is no memory
 * for is not known.
 */
#ifndef RM_ORIGIN_H
#define RM_ORIGIN_H

#include "base.h"

enum {
    ORIGIN_FRAMES = 14, /* innermost ones, the library's own among them */
    ORIGIN_STACKS = 1 << 14,
    ORIGIN_NONE = 0
};

struct origin_stack {
    uint32_t n; /* 0: there is none */
    void *frames[ORIGIN_FRAMES];
};

struct origins {
    struct origin_stack *stacks; /* NULL: there is no memory */
    uint32_t n_stacks;
    uint32_t *slots, n_slots,
        most; /* numbers by slot: so many have memory, and at most */
};

/* Of a heap in a region of so many bytes. False: the system refuses. */
bool origins_init(struct origins *o, size_t bytes);
void origins_finish(struct origins *o);

/* The stack of calls that leads to here, as a number. */
uint32_t origin_here(struct origins *o);
/* The block of a slot has been made there. */
void origin_set(struct origins *o, uint32_t slot, uint32_t number);
static inline uint32_t origin_of(const struct origins *o, uint32_t slot) {
    return slot < o->n_slots ? o->slots[slot] : ORIGIN_NONE;
}

/* Write a stack on standard error, one frame a line; that it is not known, where it is none. */
void origin_print(const struct origins *o, uint32_t number);
void origin_print_here(void);
/* Write a line on standard error, as with printf. */
void origin_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
