/* SPDX-License-Identifier: MIT */
/*
 * The call frames of a program, found from its instructions and accesses alone.
 *
 * A call stores 8 bytes, the return address, and the next instruction is not the one that
 * follows; a return loads them from the same place and goes on where they say. So each frame
 * is known by its slot, the address of its return address. Stacks grow downwards: whatever
 * calls or returns at a slot has no frames below it any more, however they were left:
 *
 *      slot   high                        low
 *             | main | parse | read | strlen |
 *                            ^ a return here, or a longjmp and then a call here,
 *                              ends read and strlen
 *
 * Threads have stacks of their own, told apart by their addresses: a slot belongs to the
 * stack whose first frame is the nearest above it, within 8 MiB. What is not exact:
 *
 *      - stacks that lie closer to each other than they are deep (those made by hand);
 *      - signal handlers, whose frames end with the next call or return of what they
 *        interrupted;
 *      - threads: nothing says that another one runs, until it calls or returns, so up to
 *        there its accesses are taken for those of the frame before. Where the last
 *        instruction in front of the switch stored 8 bytes, it looks like a call;
 *      - the end of a thread: its last frames stay until another gets the same stack.
 */
#ifndef RMTOOL_SHADOW_H
#define RMTOOL_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "locks/lackey.h"

struct shadow_frame {
    uint64_t slot, returns_to;
};

struct shadow_stack {
    uint64_t base; /* the highest slot seen */
    struct shadow_frame *frames;
    uint32_t depth, capacity;
    uint32_t low; /* the smallest depth since it was last asked for */
};

struct shadow {
    struct shadow_stack *stacks;
    uint32_t n, capacity;
    uint32_t current;
    uint32_t *by_base, n_by_base; /* numbers of stacks, lowest base first */

    /* The instruction before this one: */
    uint64_t pc, next; /* where it is, and the one behind it */
    uint64_t slot;     /* its last access, where that is one of 8 bytes */
    char access;       /* its kind, L or S; 0: none of 8 bytes */
};

/* Returns: false where there is no memory. */
bool shadow_init(struct shadow *shadow);
void shadow_finish(struct shadow *shadow);

/* An instruction is about to run: whether the one before it was a call or a return. */
bool shadow_change(struct shadow *shadow, uint64_t pc);

static inline bool shadow_instruction(struct shadow *shadow,
                                      const struct lackey_line *line) {
    bool fine = true;

    if (shadow->access && line->address != shadow->next)
        fine = shadow_change(shadow, line->address);
    shadow->pc = line->address;
    shadow->next = line->address + line->size;
    shadow->access = 0;
    return fine;
}

/* An access of that instruction. */
static inline void shadow_access(struct shadow *shadow, const struct lackey_line *line) {
    shadow->access = line->size == 8 && line->kind != 'M' ? line->kind : 0;
    shadow->slot = line->address;
}

/* That access was to something which is no stack. */
static inline void shadow_no_stack(struct shadow *shadow) { shadow->access = 0; }

#endif
