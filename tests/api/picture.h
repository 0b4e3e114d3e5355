/* SPDX-License-Identifier: MIT */
/*
 * A picture of a heap: what rm_heap_walk and rm_heap_stats say of it, held
 * against each other. No other thread may be inside a call on that heap.
 */
#ifndef RMTEST_PICTURE_H
#define RMTEST_PICTURE_H

#include <rmalloc.h>

struct picture {
    rm_heap_t *heap;
    rm_span_t *spans;
    size_t n, room;
    rm_stats_t stats;
};

/* Takes one; picture_finish frees it, also after a fault. */
const char *picture_take(struct picture *picture, rm_heap_t *heap);
void picture_finish(struct picture *picture);

/*
 * Spans tile; two free ones are never adjacent; every handle is live, in this
 * heap, and of the size and locks said; every field of the metrics equals a
 * recount; rm_heap_stats_quick says the same but for the locked.
 */
const char *picture_audit(const struct picture *picture);
/*
 * What `complete` promises. align: the largest alignment asked for by any block
 * (of the heap's page size where blocks of 256 KiB and more are in a growable
 * heap); at most 16 where none was asked for. Gaps smaller than one above 16
 * are outside the promise.
 */
const char *picture_complete(const struct picture *picture, size_t align);
/* Spans equal, metrics equal; `failures` excepted. */
const char *picture_same(const struct picture *before, const struct picture *after);
/* One character per `scale` bytes: # used, . free, M metadata, blank reserved. */
void picture_draw(const struct picture *picture, char *line, size_t columns);

/* Take, audit and rm_heap_check in one. */
const char *heap_fault(rm_heap_t *heap);
/* Likewise, and picture_complete. */
const char *heap_complete_fault(rm_heap_t *heap, size_t align);

#endif
