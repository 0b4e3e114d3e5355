/* SPDX-License-Identifier: MIT */
/*
 * One look at one heap of another program: its figures, what lies where, what is locked.
 * If a call is going on in the heap at that moment the program goes on, and is looked at
 * again a little later, a bounded number of times.
 *
 * The map is the heap's address space cut into cells of equal size, without the reserved
 * space between the blocks of a growing heap and its handle table:
 *
 *      |blocks ... | table|      cells 0 to low - 1, low to n - 1
 */
#ifndef RMTOOL_LOOK_H
#define RMTOOL_LOOK_H

#include "top/target.h"

struct look_cell {
    uint64_t used, locked, free, metadata; /* bytes */
};

/* Locked blocks that were locked at the last look too, by their handles. */
struct look_lock;

struct look {
    /* what it is of */
    rm_view_heap_t heap;
    uint64_t at_ns; /* monotonic */
    bool taken;     /* what follows is true */
    rm_stats_t stats;
    /* what it took */
    uint64_t stopped_ns; /* the last stop, */
    uint64_t longest_ns; /* the longest, */
    uint64_t all_ns;     /* and all of them */
    unsigned tries;
    size_t bytes;       /* that were read */
    rm_fault_t fault;   /* of the last copy that was not sound */
    bool damaged;       /* all of them were not */
    uint64_t oldest_ns; /* so long one block, at least, has been seen locked */
    struct look_lock *locks;
    /* the map */
    size_t n_cells, low, room;
    uint64_t cell_bytes;
    struct look_cell *cells;
};

/*
 * Looks at a heap, and cuts it into at most n_cells cells; 0: no map. `look` is the last
 * one of the same heap, or zero.
 * Returns: STATUS_OK; STATUS_FOUND: taken is false: in all tries a call was going on, or the
 * heap is damaged; look->heap.heap is NULL: there is no such heap any more; or a complaint's.
 *  *ended: receives whether the program has.
 */
int look_take(struct look *look, struct target *target, const rm_view_heap_t *heap,
              size_t n_cells, bool *ended);
void look_finish(struct look *look);

/* The number by which users name a heap: its place in the other's registry. */
unsigned look_number(const rm_heap_t *heap);

/* The program's heaps, those with the most memory first; by number where `sorted` is false.
   STATUS_FOUND: it has ended. `heaps` grows. */
int look_heaps(struct target *target, bool sorted, rm_view_heap_t **heaps, size_t *n);

#endif
