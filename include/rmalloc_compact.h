/* SPDX-License-Identifier: MIT */
/*
 * When blocks move, and when they do not: compaction, within budgets, in idle moments, by the
 * background thread; and read sections. Part of rmalloc.h, which includes it, and whose rules
 * hold here.
 */
#ifndef RMALLOC_COMPACT_H
#define RMALLOC_COMPACT_H

#include "rmalloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------------------------------------- compaction */

/* The most that one call may do; a zero field is no limit. */
typedef struct rm_budget {
    size_t bytes;         /* to move */
    uint64_t nanoseconds; /* to take */
} rm_budget_t;

/* What one call did. */
typedef struct rm_progress {
    size_t moved;         /* bytes */
    size_t moved_blocks;  /* blocks */
    uint64_t nanoseconds; /* taken */
    bool complete;        /* nothing is left to do */
} rm_progress_t;

/*
 * Slide unlocked blocks toward low memory, within a budget.
 *  budget:   NULL runs to the end. A call moves at most `bytes` plus 64 KiB and
 *            always makes progress. What it takes to find and to note what moves is
 *            counted in, as so many bytes, so that no call takes much longer than
 *            moving `bytes` would; one that had to look at very much may not have
 *            come to moving anything yet. Blocks over 64 KiB are moved in pieces, over
 *            several calls if need be; using them in between works as ever, and
 *            the place reserved for them counts as used.
 *  progress: may be NULL. When it says `complete`, no unlocked block would fit,
 *            whole, into a free gap below it; with nothing locked all free memory
 *            is one piece. (Below a block aligned above 16 a gap smaller than that
 *            alignment may remain, and in a heap that grows below one of 256 KiB or
 *            more, whose pages are moved instead of its bytes, one smaller than a page.
 *            A gap of at most 512 bytes, as long as some small block but without room
 *            for its header, is kept as a spare slot: it counts as used until the
 *            next compaction.)
 * Each call goes on where the last one stopped. Within a budget a growing heap also gives
 * pages back, those at its ends above a slack of 1/32 and, once `complete`, those in large
 * gaps: some of them first of all in each call, whether it is complete or not. Without a budget that
 * is left to rm_heap_trim.
 * Moves: yes, under every policy.
 * Cost:  proportional to the bytes moved.
 * Returns: RM_OK; RM_EINVAL (no such heap).
 */
RM_API rm_status_t rm_heap_compact(rm_heap_t *heap, const rm_budget_t *budget,
                                   rm_progress_t *progress);

/*
 * The largest request, with default alignment, that would succeed.
 *  after_compaction: false: now, with RM_NO_COMPACT; true: with moves allowed.
 *  size: receives it, in bytes; what the handle itself will take is counted in.
 *        Where no request at all would succeed it is 0. What will do may be a spare
 *        slot, or else 8-aligned: then a smaller request that must be 16-aligned
 *        may fail.
 * Exact for a heap that cannot grow (a request of 16 bytes more fails); with
 * after_compaction exact while nothing is locked and no block is aligned above
 * 16, else a request of that size succeeds, and a larger one may.
 * Moves: no. Cost: O(orders); with after_compaction also O(runs with a free slot),
 *        and with blocks locked O(blocks).
 * Returns: RM_OK; RM_EINVAL.
 */
RM_API rm_status_t rm_heap_largest(rm_heap_t *heap, bool after_compaction, size_t *size);

/*
 * Give every page that holds nothing back to the operating system.
 * Moves: no. Cost: O(free spans of a page or more) system calls.
 * Returns: RM_OK (also for a heap in caller's memory, which has none to give);
 *        RM_EINVAL; RM_ESYSTEM (some pages were kept).
 */
RM_API rm_status_t rm_heap_trim(rm_heap_t *heap);

/*
 * Compact until a deadline, and give pages back as rm_heap_compact does: for the idle moments of an event loop.
 *  deadline_ns: a time of CLOCK_MONOTONIC, in nanoseconds. On an idle core it is not
 *               exceeded by more than 50 us; what would not be done in time is not begun.
 * Moves: yes, under every policy; nothing in a held heap.
 * Returns: a forecast of how many nanoseconds more it would take until nothing is left to
 *        do, at the speed so far; 0: nothing is left (or there is no such heap).
 *
 *      void when_idle(uint64_t deadline_ns) {
 *          if (rm_heap_idle(heap, deadline_ns) > 0) ask_to_be_called_when_idle();
 *      }
 */
RM_API uint64_t rm_heap_idle(rm_heap_t *heap, uint64_t deadline_ns);

/*
 * Keep the background thread out of a heap, and let it in again. Pauses nest.
 * When rm_heap_pause returns, the thread is not at work there.
 * Returns: RM_OK; RM_EINVAL (no such heap, or not RM_COMPACT_BACKGROUND); RM_EUNLOCKED
 *        (resumed, but not paused).
 */
RM_API rm_status_t rm_heap_pause(rm_heap_t *heap);
RM_API rm_status_t rm_heap_resume(rm_heap_t *heap);

/* ----------------------------------------------------------- read sections */

/*
 * Begin a read section: while any thread is inside one, no block of the heap moves, and
 * rmpeek gives the address of any without a lock to give back. Sections nest, per
 * thread. For the time of one all blocks count as locked, for moving and for
 * resizing: rmrealloc resizes in place or says RM_ELOCKED, an allocation does
 * without compaction, rm_heap_compact moves nothing and is not complete (given
 * nanoseconds it waits so long for other threads' sections to end). Freeing is allowed:
 * whoever frees a block knows that nobody reads it.
 * A section ends with its thread.
 * Cost: O(1); a thread's first one in a heap takes the heap's mutex, and so does one that
 *       meets a compaction, which it waits for: a step, or a piece of a longer one.
 * Returns: RM_OK; RM_EINVAL (no such heap); RM_EOVERFLOW (2^31 - 1 sections are open);
 *       RM_ESYSTEM (no memory for the thread's state).
 */
RM_API rm_status_t rm_heap_hold(rm_heap_t *heap);

/*
 * End the innermost read section of this thread.
 * Cost: O(1). Returns: RM_OK; RM_EINVAL (no such heap); RM_EUNLOCKED (this thread has none).
 */
RM_API rm_status_t rm_heap_release(rm_heap_t *heap);

#ifdef __cplusplus
}
#endif
#endif
