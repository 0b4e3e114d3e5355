/* SPDX-License-Identifier: MIT */
/*
 * Fences: one block in so many is used at an address of its own, in pages that nothing else is in, and that end at one
 * which nobody may touch. After its last unlock nobody may touch any of them, for as long as there are others: so who
 * goes over the end of a block, or uses it too late, is stopped at that instruction.
 *
 *      heap     |  block  |                     the lock copies it here ...
 *      arena    |------|ffffffff[block]+|------|    ... and gives this address; - protected, f and + filled
 *                                               the last unlock copies it back, and protects all of it
 *
 * A block that has a fence is one with many locks (many.h), of which there are none most of the time: then whoever
 * locks it comes through here, and all others, whose entries say nothing of the kind, are locked as fast as ever.
 * A move makes it one like any other, so such blocks are looked through when a call leaves that has moved any.
 *
 * Not while somebody reads (an address that was peeked at is to stay good), nor where the system refuses memory.
 */
#ifndef RM_FENCE_H
#define RM_FENCE_H

#include "heap.h"
#include "origin.h"

/* By slot: what its block has, if its generation is this one less 1; else nothing. */
struct fence_slot {
    uint32_t range; /* its pages are open, from this one on; 0: none are */
    uint32_t stamp;
};

/* By the first of some pages: what is, or was last, in them. */
struct fence_range {
    uint64_t handle;
    size_t size, back; /* so many bytes before the protected page it begins */
    uint32_t pages;    /* that one counted */
    uint32_t unlocked; /* where it was for the last time (origin.h) */
    uint32_t made;
    bool open, late; /* for the sake of who reads, though there is no lock any more */
};

struct fence {
    struct heap *heap;
    struct origins *origins; /* the guard's */
    bool tells;
    uint32_t every, left; /* one block in so many, and until the next */
    uint64_t random;
    struct fence_slot *slots;
    uint32_t n_slots, most;
    uint64_t *blocks; /* handles of those with a fence, stale ones among them */
    uint32_t n_blocks, room,
        sweep; /* with memory; when there are so many the stale ones go */
    char *arena;
    struct fence_range *ranges; /* by page */
    uint32_t *owners;           /* by page: the first of its range */
    uint32_t n_pages, n_known,
        cursor;      /* pages; those with memory for the above; where the next ones are */
    uint32_t n_late; /* ranges that are */
    bool bared;      /* a block was locked when it was to be hidden */
    size_t n_fenced; /* so far */
    struct fence *next; /* of all */
};

/* Of a heap in a region of so many bytes. `tells`: what is found is said on standard error, and the program ended.
   False: the system refuses. */
bool fence_init(struct fence *f, struct heap *h, size_t bytes, uint32_t every,
                struct origins *origins, bool tells);
void fence_finish(struct fence *f);

/* A call leaves the heap. True: the library's own words of some block have changed. */
bool fence_end(struct fence *f);

/* A block has been made, freed, locked for the first time, unlocked for the last. */
bool fence_made(struct fence *f, const struct heap_block *b); /* it has a fence */
void fence_freed(struct fence *f, const struct heap_block *b);
void fence_locked(struct fence *f, const struct heap_block *b);
void fence_unlocked(struct fence *f, const struct heap_block *b);
/* It is to have another size: can it, where it is used? And has. */
bool fence_may_resize(const struct fence *f, const struct heap_block *b, size_t size);
void fence_resized(struct fence *f, const struct heap_block *before,
                   const struct heap_block *after);
/* Where it is used; NULL: where it is. */
char *fence_pointer(const struct fence *f, const struct heap_block *b);

#endif
