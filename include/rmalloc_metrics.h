/* SPDX-License-Identifier: MIT */
/*
 * What a heap looks like: counters, spans, a proof of its consistency. Part of
 * rmalloc.h, which includes it, and whose rules hold here.
 */
#ifndef RMALLOC_METRICS_H
#define RMALLOC_METRICS_H

#include "rmalloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Orders of rm_stats_t.unusable: spans of less than 2^0 to 2^(RM_ORDERS-1) bytes. */
#define RM_ORDERS 36

typedef struct rm_stats {
    size_t capacity; /* what the heap holds now: the region, or committed pages */
    size_t limit;    /* the most it may hold */
    /* Where the highest block ends, from the heap's low end: the first byte of the caller's region,
       or of the first block of a heap that grows. */
    size_t extent;

    size_t live_blocks;
    size_t requested; /* sum of the sizes asked for */
    size_t used;      /* what blocks occupy, with padding and headers */
    size_t metadata;  /* handle table and bookkeeping */
    size_t free;      /* used + metadata + free == capacity */
    size_t free_spans;
    size_t largest_free; /* the largest free span, bytes */

    size_t locked_blocks; /* these two cost a pass over the handle table; */
    size_t locked;        /* rm_heap_stats_quick leaves them at 0 (requested bytes) */

    size_t moved_blocks; /* since the heap was made: blocks and bytes moved */
    size_t moved;
    size_t regained; /* bytes by which compactions have lowered the extent */
    size_t returned; /* bytes of pages that their budgets have given back */
    size_t peak_requested;
    size_t peak_capacity;
    size_t allocations; /* those that succeeded */
    size_t frees;
    size_t failures; /* allocations and resizes that ended in RM_ENOMEM or RM_ESYSTEM */
    size_t voided; /* moves that came to nothing, because a block was wanted meanwhile */

    /* Of RM_COMPACT_BACKGROUND: steps that its thread has made, bytes they have moved, the time
       they have taken, and how often it has stopped short of a low mark, having achieved nothing. */
    size_t background_steps, background_moved;
    uint64_t background_nanoseconds;
    size_t background_backoffs;

    double internal_fragmentation; /* 1 - requested / used, 0 where used is 0 */
    double external_fragmentation; /* 1 - largest_free / free, 0 where free is 0 */
    /* The share of free memory in spans of less than 2^order bytes. */
    double unusable[RM_ORDERS];
} rm_stats_t;

/*
 * The heap's metrics, exact whenever no other thread is inside a call; but peak_requested may be off by
 * what threads keep of the heap (rmalloc.h), either way.
 * Cost: O(orders) and a pass over the handle table; _quick: O(orders).
 * Returns: RM_OK; RM_EINVAL (stats NULL, no such heap).
 */
RM_API rm_status_t rm_heap_stats(rm_heap_t *heap, rm_stats_t *stats);
RM_API rm_status_t rm_heap_stats_quick(rm_heap_t *heap, rm_stats_t *stats);

typedef enum rm_span_kind {
    RM_SPAN_BLOCK,    /* a block; without a handle: a header, padding or spare slot */
    RM_SPAN_FREE,     /* free memory; two are never adjacent */
    RM_SPAN_METADATA, /* handle table and bookkeeping */
    RM_SPAN_RESERVED  /* address space that holds no memory; not in capacity */
} rm_span_kind_t;

typedef struct rm_span {
    size_t offset; /* from the heap's low end, bytes */
    size_t size;   /* bytes */
    rm_span_kind_t kind;
    rm_memory_t *handle; /* of a live block, else NULL */
    size_t requested;    /* the size asked for */
    unsigned locks;      /* held on it */
} rm_span_t;

/* Visits one span; returns false to stop. May not call into the same heap; nor, where several threads
   walk, into a heap that another thread walks and from which it comes here. */
typedef bool rm_walk_fn(const rm_span_t *span, void *context);

/*
 * Visit every span of a heap in address order. Each begins where the last one
 * ended; the sizes, without the reserved, add up to the capacity.
 * A caller's region counts from its first byte, a growing heap from its first block.
 * Cost: O(spans). Moves: no.
 * Returns: RM_OK (also where visit stopped it); RM_EINVAL; RM_ECORRUPT (a header makes
 *        no sense; the walk ended there. Where damage is to be expected, ask
 *        rm_heap_check first: it trusts nothing).
 */
RM_API rm_status_t rm_heap_walk(rm_heap_t *heap, rm_walk_fn *visit, void *context);

/* What rm_heap_check found. */
typedef struct rm_fault {
    unsigned invariant; /* its number in lib/README.rst; 0: no fault */
    size_t offset;      /* where, from the heap's low end */
    char text[120];     /* a sentence */
} rm_fault_t;

/*
 * Prove a heap's consistency: spans tile; every block's back-reference and table
 * entry agree; the free index holds exactly the free spans; counters equal a
 * recount. Neither crashes nor hangs on a damaged heap.
 *  fault: may be NULL; says what is wrong and where (invariant 0 where nothing is).
 * Cost: O(heap). Moves: no.
 * Returns: RM_OK; RM_ECORRUPT; RM_EINVAL.
 */
RM_API rm_status_t rm_heap_check(rm_heap_t *heap, rm_fault_t *fault);

#ifdef __cplusplus
}
#endif
#endif
