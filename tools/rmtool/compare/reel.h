/* SPDX-License-Identifier: MIT */
/*
 * A trace wound up for racing allocators: everything that can be known before is, so that
 * playing it costs next to nothing beside the allocator. It lies in a memory file, which
 * processes that measure map; none of them reads a trace.
 *
 * An event is one word, and a second where its op needs one:
 *
 *      | size:36 | slot:25 | op:3 |   | old size of a realloc, alignment of an aligned |
 *
 * A slot is a place in the table of the blocks that live. The place that was left last is
 * taken first, so that the table is as small as the most blocks ever alive.
 */
#ifndef RMTOOL_REEL_H
#define RMTOOL_REEL_H

#include <stddef.h>
#include <stdint.h>

#include "trace/trace.h"

#define REEL_OP_BITS 3
#define REEL_SLOT_BITS 25
#define REEL_SIZE_BITS 36

static inline enum trace_op reel_op(uint64_t word) {
    return (enum trace_op)(word & ((1u << REEL_OP_BITS) - 1));
}
static inline size_t reel_slot(uint64_t word) {
    return (size_t)(word >> REEL_OP_BITS) & (((size_t)1 << REEL_SLOT_BITS) - 1);
}
static inline size_t reel_size(uint64_t word) {
    return (size_t)(word >> (REEL_OP_BITS + REEL_SLOT_BITS));
}
static inline unsigned reel_words(uint64_t word) {
    return reel_op(word) == TRACE_REALLOC || reel_op(word) == TRACE_ALIGNED ? 2 : 1;
}

/* A moment between two events. */
struct reel_mark {
    uint64_t word; /* the next event's */
    uint64_t operations, live_bytes, live_blocks;
};

/* What the memory file begins with; the words follow, then the marks. */
struct reel {
    uint64_t bytes; /* of the whole file */
    uint64_t n_words, n_slots, n_marks;
    uint64_t operations, events;
    uint64_t peak_live_blocks, peak_live_bytes;
    uint64_t largest; /* block */
    uint64_t reduced_alignments;
    struct reel_mark peak; /* right after the event with the most live bytes */
};

static inline const uint64_t *reel_begin(const struct reel *reel) {
    return (const uint64_t *)(reel + 1);
}
/* Evenly spaced in events; the first is the beginning and the last is the end. */
static inline const struct reel_mark *reel_marks(const struct reel *reel) {
    return (const struct reel_mark *)(reel_begin(reel) + reel->n_words);
}

/*
 * Winds up what is left of a trace.
 *  marks: how many intervals between marks there should be; fewer in a trace of fewer
 *         events.
 *  file:  receives a descriptor, which children inherit; the caller closes it.
 *  head:  receives a copy of the beginning.
 * Returns: a status.
 */
int reel_make(struct trace *trace, uint64_t marks, int *file, struct reel *head);

/* Maps a reel for reading, with its pages in place. Returns: NULL where it cannot. */
const struct reel *reel_map(int file);

#endif
