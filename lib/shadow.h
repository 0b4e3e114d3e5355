/* SPDX-License-Identifier: MIT */
/*
 * What tools see of a heap: of its area nobody may touch anything but the bytes that were asked for of a block that
 * is locked, or, while anybody reads (motion.h), of any block. So moves are nothing to ASan; to memcheck blocks
 * have names, which follow them.
 *
 *      | hdr  locked block  rounding | hdr  unlocked | free ...  | hdr  run  ref  slot  ref ... |
 *      |......^^^^^^^^^^^^...........|.............................................................|   ^ shown
 *
 * What memcheck knows of bits that are not defined is put aside when a block is hidden, and comes back.
 */
#ifndef RM_SHADOW_H
#define RM_SHADOW_H

#include "heap.h"
#include "notes.h"

enum { SHADOW_SAID = 512 };

struct shadow {
    struct heap *heap;
    struct notes *notes;
    struct aside *aside;
    const char *low, *end; /* what is hidden */
    const char *root;      /* where LSan looks for pointers, */
    size_t root_bytes;
    uint32_t n_slots;   /* that have ever been named */
    bool held;          /* all blocks are shown */
    struct moves moves; /* that the names have not followed yet */
    /* Bytes that memcheck knows by what they were: a ring. */
    struct {
        const char *low, *end;
        unsigned note;
        bool used;
    } said[SHADOW_SAID];
    unsigned n_said;
    char grave[64];      /* where names end */
    struct shadow *next; /* of all there are */
};

/* A heap without blocks, in its region. */
void shadow_open(struct shadow *sh, struct heap *h, struct notes *notes,
                 struct aside *aside, const char *low, size_t bytes);
void shadow_close(struct shadow *sh);

/* A call enters; and leaves. Before, while its heap may still be changed: whoever reads a block that is half moved
   would have it completed, so it is, and all are shown where they will be read. */
void shadow_begin(struct shadow *sh);
void shadow_settle(struct shadow *sh);
void shadow_end(struct shadow *sh);
/* In between the program's own code runs; and no longer. */
void shadow_outside(void);
void shadow_inside(void);

/* What a call has done to a block, as guard.h has it. */
void shadow_made(struct shadow *sh, const struct heap_block *b, bool zero);
void shadow_lessens(struct shadow *sh, const struct heap_block *b, size_t size);
void shadow_freed(struct shadow *sh, const struct heap_block *b);
void shadow_locked(struct shadow *sh, const struct heap_block *b);
void shadow_unlocked(struct shadow *sh, const struct heap_block *b);
void shadow_resized(struct shadow *sh, const struct heap_block *before,
                    const struct heap_block *after);

#endif
