/* SPDX-License-Identifier: MIT */
/*
 * Models of when a program that was written for malloc would lock its blocks, had it been
 * written for handles. All lock a block just before an access to it; they differ in when
 * they unlock it:
 *
 *      gap:G        after G accesses to other blocks without one to it
 *      gap:Ti       after T instructions without one
 *      frame[:UP]   when the call frame ends that accessed it first, or the frame UP callers
 *                   above that one
 *      life:CAP[:OWN:FOREIGN]
 *                   when its life has come to 0. Each access to it adds OWN (1), up to CAP;
 *                   each to another block takes FOREIGN (0.5) away
 *      truth        when the program itself does, where it says so
 *      none         never locks anything
 *
 * All unlock it before its realloc and its free. O(1) for an access, amortised; O(log n) of
 * n locked blocks for life, of n frames that hold blocks for frame, and up to UP more.
 */
#ifndef RMTOOL_LOCKMODEL_H
#define RMTOOL_LOCKMODEL_H

#include "locks/access.h"
#include "locks/lockbook.h"

enum lockmodel_kind {
    LOCKMODEL_NONE,
    LOCKMODEL_GAP,
    LOCKMODEL_PAUSE, /* gap in instructions */
    LOCKMODEL_FRAME,
    LOCKMODEL_LIFE,
    LOCKMODEL_TRUTH,
};

#define LOCKMODEL_NAME 48

struct lockmodel_spec {
    enum lockmodel_kind kind;
    uint64_t parameter;    /* G, T, UP, or CAP x LOCKMODEL_UNIT */
    uint64_t own, foreign; /* of life, x LOCKMODEL_UNIT */
    char name[LOCKMODEL_NAME];
};

#define LOCKMODEL_UNIT 1000

/* Returns: false where that is no model. */
bool lockmodel_parse(const char *text, struct lockmodel_spec *spec);

/* "gap", "pause", "frame", "life", "truth", "none". */
const char *lockmodel_kind_name(enum lockmodel_kind kind);

struct lockmodel_block {
    uint64_t
        last; /* gap: access or instruction; life: the access from which life counts */
    uint32_t a, b;         /* neighbours in a list; life: the life left then (64 bits) */
    uint32_t depth, stack; /* frame: where it is held; life: place in the heap, from 1 */
};

struct lockmodel_frame {
    uint32_t depth;
    uint32_t head; /* a list of what it holds; slot + 1 */
};

struct lockmodel {
    struct lockmodel_spec spec;
    struct lockbook book;
    /* Hears of each lock and unlock; may be NULL. Returns: a status. */
    int (*on_change)(void *context, bool locks, uint32_t slot);
    void *context;
    int status; /* of all calls so far; one without memory is an error as well */

    struct lockmodel_block *blocks; /* by the number that the book gives to a lock, - 1 */
    size_t capacity;
    uint32_t first,
        last; /* gap: those locked, the one accessed longest ago first; slot + 1 */
    struct lockmodel_due { /* life: a heap, the earliest on top */
        uint64_t due;      /* not unlocked before; perhaps later */
        uint32_t slot;
    } * heap;
    size_t n_heap, heap_capacity;
    struct lockmodel_stack {            /* frame: what the frames of each stack hold */
        struct lockmodel_frame *frames; /* those that have held something, by depth */
        uint32_t n, capacity;
    } * stacks;
    uint32_t n_stacks;
    uint32_t *nested; /* truth: locks held, by slot */
};

/* Room for a slot. Returns: false without memory. */
bool lockmodel_reserve(struct lockmodel *model, uint32_t slot);

/* The order of calls for an item: lockmodel_before for each; for an access lockmodel_access,
   then the clock moves on, and lockmodel_after. For a realloc or a free lockmodel_drop. */
void lockmodel_before(struct lockmodel *model, const struct access_item *item,
                      uint32_t stack);
void lockmodel_access(struct lockmodel *model, const struct access_item *item,
                      uint32_t stack);
void lockmodel_after(struct lockmodel *model);
void lockmodel_drop(struct lockmodel *model, uint32_t slot);

/* The program's own locks, for the model "truth". */
void lockmodel_own_lock(struct lockmodel *model, uint32_t slot);
void lockmodel_own_unlock(struct lockmodel *model, uint32_t slot);

void lockmodel_finish(struct lockmodel *model);

#endif
