/* SPDX-License-Identifier: MIT */
/*
 * What comes of a model's locks: it keeps book of which blocks are locked from when to when,
 * for the figures, and beside the program's own locks, where it has any.
 *
 * Time is the number of accesses to the heap that have been done. A lock taken just before
 * access number c (counted from 1) and released just after it lasts from c - 1 to c.
 */
#ifndef RMTOOL_LOCKBOOK_H
#define RMTOOL_LOCKBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The blocks there are, the same for all books. */
struct lockbook_block {
    uint64_t size;
    uint64_t number; /* in the order in which blocks were made, from 0 */
};

struct population {
    struct lockbook_block *blocks; /* by slot */
    size_t capacity;
    uint64_t clock, n_blocks; /* accesses done, blocks made */
    uint64_t live_blocks, live_bytes;
    uint64_t counted;      /* the sums below are as of this time */
    double block_accesses; /* live blocks x time */
    double byte_accesses;  /* live bytes x time */
};

/* One block in one book, beside the truth. */
struct comparison {
    uint64_t compared; /* up to then */
    bool paired;       /* this lock with one of the truth's */
    bool truth_paired; /* the truth's present lock with one of this book's */
};

/* Of many blocks few are locked: so by slot there is no more than a number, and what is to
   be known of a lock is in an array of those there are. */
struct lockbook {
    struct population *population;
    struct lockbook *truth; /* NULL: there is none, or this is it */
    uint32_t *held;         /* by slot: the number of the lock, from 1; 0: not locked */
    struct comparison *comparisons; /* by slot; where there is a truth */
    size_t capacity, compared_capacity;
    uint64_t
        *since; /* by number - 1: locked since then; or the next that is not in use */
    size_t n_since, since_capacity;
    uint32_t unused; /* a list of numbers; 0: none */

    uint64_t locks;
    uint64_t locked_blocks, locked_bytes; /* now */
    uint64_t most_locked_blocks, most_locked_bytes;
    double held_time;                   /* time x blocks that were locked */
    double held_bytes;                  /* and their bytes */
    uint64_t longest;                   /* lock */
    double both, only_here, only_truth; /* time x blocks locked here and in truth */
    uint64_t pairs; /* locks that have one of the truth's for themselves */
};

/* Room for a slot, in all that is by slot. Returns: false without memory. */
bool population_reserve(struct population *population, uint32_t slot);
bool lockbook_reserve(struct lockbook *book, uint32_t slot);

void population_count(struct population *population); /* the sums, up to now */

static inline bool lockbook_is_locked(const struct lockbook *book, uint32_t slot) {
    return book->held[slot] != 0;
}

/* Room for one more lock, whose number is no higher than since_capacity. Returns: false
   without memory. */
bool lockbook_reserve_lock(struct lockbook *book);

/* A block is locked, and there is room, or it is not any more. It was not, or was. */
void lockbook_lock(struct lockbook *book, uint32_t slot);
void lockbook_unlock(struct lockbook *book, uint32_t slot);

/* The truth is about to lock or unlock this block: compares up to now. */
void lockbook_truth_changes(struct lockbook *book, uint32_t slot);
/* It has been locked by the truth. */
void lockbook_truth_locked(struct lockbook *book, uint32_t slot);

/* Ends all locks: nothing but the figures is of use then. */
void lockbook_end(struct lockbook *book);
void lockbook_finish(struct lockbook *book);

#endif
