/* SPDX-License-Identifier: MIT */
/*
 * Who blocks what: the locked blocks that keep a compaction from making free memory one
 * piece. Looked at after a compaction that is complete, when no unlocked block would fit
 * into a gap below it: what is free below a locked block then is so because of it.
 *
 *      |AAAA| free 1 |locked L|BB| free 2 |locked M|CC| free 3
 *            held back by L       held back by M      by nobody: one piece at the end
 *
 * Every free byte below the highest locked block is counted for exactly one block, the next
 * locked one above it. Pages that a heap has given back are not counted: they are the
 * system's.
 *
 * A look costs O(spans). There are some thousand of them at most, and fewer in a large
 * heap: each stands for the complete compactions since the one before, itself included.
 */
#ifndef RMTOOL_BLOCKERS_H
#define RMTOOL_BLOCKERS_H

#include "base/output.h"
#include "rmalloc.h"
#include "trace/trace.h"

struct blocker_lock; /* a block that is locked now */

/* A block that has held something back. */
struct blocker {
    uint64_t block; /* counted from 0 */
    uint64_t size;
    uint64_t compactions; /* at which it did; by what the looks stand for */
    uint64_t held;        /* bytes held back, summed over these */
    uint64_t most;        /* bytes, the most in one look */
    uint64_t events;      /* for which it was locked, by those locks that were met */
};

struct blockers {
    struct blocker_lock *locked; /* by block */
    struct blocker_entry *found; /* by block */
    uint64_t complete, looks;    /* compactions, and looks at them */
    uint64_t held_up;            /* of the complete ones: something was held back */
    uint64_t held;               /* bytes, summed over the complete ones */
    uint64_t most;               /* bytes, the most in one look */
    uint64_t interval, since;    /* complete compactions between two looks */
    uint64_t looks_left, spans_left;
};

void blockers_init(struct blockers *blockers);

/* For every lock and unlock, in order. `event` is the number of the event. Returns: a
   status. */
int blockers_lock(struct blockers *blockers, uint64_t block, uint64_t size,
                  uint64_t event);
void blockers_unlock(struct blockers *blockers, uint64_t block, uint64_t event);

/*
 * After a complete compaction.
 *  handles: by block.
 *  held:    receives the bytes held back; UINT64_MAX where this one is not looked at.
 * Returns: a status.
 */
int blockers_look(struct blockers *blockers, rm_heap_t *heap, rm_memory_t *const *handles,
                  uint64_t *held);

/* At the end of the trace: counts the locks that are still held. */
void blockers_end(struct blockers *blockers, uint64_t event);

/*
 * Those that held most back, over all compactions.
 *  rows: receives up to n, the worst first.
 * Returns: how many.
 */
size_t blockers_worst(const struct blockers *blockers, struct blocker *rows, size_t n);

/* How many there are. */
size_t blockers_count(const struct blockers *blockers);

/* The header row and one row for each of them, the worst first. Returns: a status. */
int blockers_write(const struct blockers *blockers, struct output *output);

void blockers_finish(struct blockers *blockers);

#endif
