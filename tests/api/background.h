/* SPDX-License-Identifier: MIT */
/*
 * What the tests of RM_COMPACT_BACKGROUND share: heaps of that kind with their books,
 * and waiting, with an end, for what another thread is to do.
 */
#ifndef RMTEST_BACKGROUND_H
#define RMTEST_BACKGROUND_H

#include "crew.h"
#include "util.h"

enum yard_kind {
    YARD_GROWING, /* without a limit */
    YARD_REGION,  /* in memory of the test's, guarded */
    YARD_LIMITED, /* growing up to YARD_LIMIT */
    N_YARDS
};
#define YARD_LIMIT ((size_t)24 << 20)

struct yard {
    enum yard_kind kind;
    rm_heap_t *heap;
    struct book book;
    struct guarded region; /* of YARD_REGION */
};

/* marks: NULL takes the defaults. */
void yard_open(struct yard *yard, enum yard_kind kind, const rm_watermarks_t *marks);
/* Verifies all while the thread is kept out, and destroys the heap. */
void yard_close(struct yard *yard);
/* Perforated while the thread is kept out: half of the heap is gaps when it may begin. */
void yard_litter(struct yard *yard, size_t n, size_t size);
/* Frees so many percent of the blocks, spread over the heap; none of them is locked. */
void yard_free_share(struct yard *yard, unsigned percent);

/*
 * The share of the memory below the highest block's end that was not asked for. By what
 * counts as used it would be less: a large block on its way has two places, or a gap.
 */
double fragmentation_of(rm_heap_t *heap);
/* What is free behind the highest block, and may be grown by: not more than that. */
size_t free_end(rm_heap_t *heap);
size_t steps_of(rm_heap_t *heap);
size_t moved_by_thread(rm_heap_t *heap);

/* The time at which waiting ends: in half a minute. */
uint64_t patience(void);
/* Until the fragmentation is below the mark. */
void await_below(rm_heap_t *heap, double mark);
/* Until the thread has moved so many bytes. */
void await_moved(rm_heap_t *heap, size_t bytes);
/* Until the thread has moved nothing for a while. Returns its steps. */
size_t await_rest(rm_heap_t *heap);

#endif
