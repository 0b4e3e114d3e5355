/* SPDX-License-Identifier: MIT */
/*
 * rmalloc: a heap whose blocks may move, and which therefore does not fragment.
 *
 * A caller holds a *handle*. Locking the handle gives a pointer; while a block
 * is locked it stays where it is. Whatever is unlocked may be slid toward low
 * memory by the compactor, so that free memory becomes one piece again:
 *
 *      before   |AAAA|    |BB|        |CCCC| |D|            |handles|
 *      after    |AAAA|BB|CCCC|D|                            |handles|
 *      offset   0 -->                                    <-- table grows down
 *
 * The states of a block:
 *
 *        rmalloc            rmlock
 *      ---------> unlocked ---------> locked, count 1..RM_LOCKS_MAX
 *                    |     <---------
 *             rmfree |      rmunlock (the last one)
 *                    v
 *                  stale: every call refuses the handle with RM_EHANDLE
 *
 * Example
 * -------
 *      memory_t *bitmap;
 *      unsigned char *ptr;
 *      rmalloc(&bitmap, WIDTH*HEIGHT);
 *      rmlock(bitmap, (void **)&ptr);
 *      for (y=0; y<HEIGHT; y++)
 *          for (x=0; x<WIDTH; x++)
 *              ptr[x + y*WIDTH] = x^y;
 *      rmunlock(bitmap);
 *      draw_bitmap(bitmap);
 *      rmfree(bitmap);
 *
 * Rules said once
 * ---------------
 *  - Sizes are in bytes, times in nanoseconds.
 *  - No call aborts, prints or raises a signal because of a bad argument: it
 *    returns a status. After any error nothing has changed: blocks keep their
 *    content, counts their values; the out-parameters of calls that allocate or
 *    create are set to NULL. (Moves already made by a compaction that did not
 *    help in the end, and the counters `moved` and `failures`, stay.)
 *  - Alignment holds at every lock and after every move. Without one asked for,
 *    a pointer is 16-aligned where the size asked for is a multiple of 16 (0 is
 *    not one here) or at least 128, else 8-aligned.
 *  - Limits: RM_HEAP_SIZE_MAX bytes per heap, RM_BLOCK_MAX bytes per block,
 *    RM_HANDLES_MAX handles per heap, RM_LOCKS_MAX nested locks per block,
 *    RM_HEAPS_MAX heaps at once. Where a pointer has 32 bits most are smaller.
 *  - A handle carries a generation. A stale handle is told apart for the next
 *    RM_REUSES_MAX reuses of its slot while the slot stays in the table; a slot given
 *    back and made anew starts above every generation given back. A handle of a
 *    destroyed heap is told apart for the next 31 heaps that get the same place in
 *    the registry (places are reused in turn, so for some 130,000 heaps), and for
 *    eight times as many where its slot has not been reused 4,000 times. On 32 bits
 *    it is for the next one (some 60 heaps), and for six where its slot has not been
 *    reused 20 times.
 *  - Threads: with RM_THREADS_SAFE any thread may make any call at any time,
 *    rm_heap_destroy excepted; with RM_THREADS_NONE one thread at a time.
 *    "Moves" below says whether unlocked blocks may be relocated by a call.
 *    rmlock, rmunlock and rmpeek never wait for a mutex in the common case:
 *    see each. A lock belongs to the block, not to a thread: any thread may give
 *    it back, and one that ends without doing so leaves the block locked.
 *  - Each thread keeps freed blocks of up to 4 KiB for its own next requests: at
 *    most 2 MiB, and at most 1/512 of a heap whose size is limited, for each of the
 *    16 heaps that it has used last; more than 128 KiB only while all threads together
 *    keep no more of the heap than 4 MiB and 1/8 of what its blocks take. They count as used. They are given back when
 *    the thread ends, by compaction, rm_heap_trim and every call that looks at the
 *    heap, and before an allocation fails.
 *  - Damage: where a heap's own data have been written over, no call crashes, hangs, or writes
 *    outside of the heap. The call that finds it says RM_ECORRUPT, and so does every later one on
 *    the heap and its handles (rm_heap_idle says 0); its memory is written to no more.
 *    rm_heap_destroy works. What blocks contain, and an address that rmlock or rmpeek
 *    hands out of a block whose own handle entry is damaged, may be anything. A heap with the
 *    option `integrity` finds damage before it does anything.
 *  - fork: the child has every heap as it was, with the locks that were held, and
 *    may use all of them. Read sections of other threads than the one that
 *    forked are over there. (A fork from within rm_walk_fn is not provided for.)
 *
 * To find mistakes of a program, without building it anew
 * -------------------------------------------------------
 * The environment is read when a heap is made, but not by programs with the rights of
 * another user. A value that makes no sense is said on standard error, once.
 *
 *      RMALLOC_TOOLS=yes          (the default) in a program with AddressSanitizer, and
 *                                 under valgrind, each use of a block that is not locked,
 *                                 or freed, or of what lies beside one, is reported: the
 *                                 line, the block, where it was made and last unlocked
 *      RMALLOC_STRESS=onchange    everything movable moves at each last unlock, free,
 *                                 allocation and change of a size; =onall: at each call.
 *                                 onchange:7 gives the moves of another run again
 *      RMALLOC_FENCE=100          one block in 100 lies, while it is locked, at an
 *                                 address that ends at a protected page; after its last
 *                                 unlock all of it is protected. 1: each block
 *
 *  - These tools are told that nothing of a heap may be touched but the bytes asked for of
 *    locked blocks; of all blocks while anybody reads (rm_heap_hold). Whether a bit is
 *    defined is remembered over unlock, move and lock. The library need not be built
 *    with either. A call takes microseconds then, and the heap's mutex.
 *  - Under RMALLOC_STRESS what blocks have left, free memory, what lies behind the size
 *    asked for and fresh blocks are filled. A byte that is written there, or to a block
 *    without a lock (but in a read section), is found by the next call on the heap, or
 *    at the end of the program where the library has reserved the heap's memory. It is
 *    said on standard error, with the block and where it was made, and the program is
 *    ended by abort(). Blocks move under every policy, and below RM_NO_COMPACT; nothing
 *    moves in a held heap. No block goes to where it was before its last move. What stays:
 *    a block with no free memory between the locked ones, or the heap's ends, that it
 *    lies between, or with so little that it could only go back. Pages are not moved,
 *    nor given back while blocks are freed. RM_NO_COMPACT finds less room in a closed heap;
 *    with onall, what one call says of free memory the next one may not.
 *  - Under RMALLOC_FENCE a touched page raises SIGSEGV as ever, after the block, where it
 *    was made and where it was unlocked have been said on standard error; bytes written
 *    between a block and its pages' ends are found by the last unlock, which aborts.
 *    By rm_heap_options_t.fence_every nothing is said, and no handler set.
 *    A locked block that has a fence grows in place by no more than its alignment
 *    leaves; else RM_ELOCKED. Blocks over 512 MiB, and those first locked while the heap
 *    is held, have none. Which blocks have one is random, and stays.
 *
 * The library itself needs libc alone.
 */
#ifndef RMALLOC_H
#define RMALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h> /* ssize_t */

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RM_API __attribute__((visibility("default")))
#else
#define RM_API
#endif

#define RM_VERSION_MAJOR 0
#define RM_VERSION_MINOR 1
#define RM_VERSION_PATCH 0

#if UINTPTR_MAX > UINT32_MAX
/* The most bytes of one heap, 16 GiB; and in one block (such a heap holds at most one). */
#define RM_HEAP_SIZE_MAX ((size_t)((UINT64_C(1) << 34) - 32))
#define RM_BLOCK_MAX ((size_t)((UINT64_C(1) << 33) - 64))
/* The most handles of one heap. */
#define RM_HANDLES_MAX ((size_t)(UINT32_C(1) << 28) - (UINT32_C(1) << 23))
/* The most heaps that exist at once, beside the default one. */
#define RM_HEAPS_MAX 4096u
/* For so many reuses of its slot a stale handle is told apart. */
#define RM_REUSES_MAX 32767u
#else /* 32 bits: 2 GiB, and 1 GiB */
#define RM_HEAP_SIZE_MAX ((size_t)INT32_MAX - 0xffff)
#define RM_BLOCK_MAX (((size_t)1 << 30) - 64)
#define RM_HANDLES_MAX (((size_t)1 << 20) - ((size_t)1 << 15))
#define RM_HEAPS_MAX 31u
#define RM_REUSES_MAX 63u
#endif
/* The most nested locks of one block. */
#define RM_LOCKS_MAX 1007u
/* The largest alignment that rm_heap_alloc honours, in bytes. */
#define RM_ALIGNMENT_MAX ((size_t)4096)
/* A region of this many bytes, at any address, always holds an empty heap. */
#define RM_HEAP_SIZE_MIN ((size_t)3712)

/* A handle. Opaque: a value to be kept and passed, never dereferenced. */
typedef struct rm_memory rm_memory_t;
/* A heap. Opaque likewise. */
typedef struct rm_heap rm_heap_t;

typedef enum rm_status {
    RM_OK = 0,
    RM_ENOMEM,    /* no block of that size can be made, by compacting or growing */
    RM_EINVAL,    /* an argument is outside its domain */
    RM_EHANDLE,   /* names no live block */
    RM_ELOCKED,   /* the call must move or release the block, and it is locked */
    RM_EUNLOCKED, /* unlock of a block that is not locked */
    RM_EOVERFLOW, /* lock count at RM_LOCKS_MAX, or count * size overflows */
    RM_EPURGED,   /* the content of a purgeable block has been discarded */
    RM_ECORRUPT,  /* the heap's own data is damaged, or fails verification */
    RM_ESYSTEM    /* the operating system refused; errno says why */
} rm_status_t;

#ifndef RM_NO_SHORT_NAMES
typedef rm_status_t status_t;
typedef rm_memory_t memory_t;
#endif

/*
 * One sentence on a status, in English.
 *  status: any value; an unknown one has a sentence too.
 * Returns: a static string, never NULL. Cost: O(1). Threads: any.
 */
RM_API const char *rm_strerror(rm_status_t status);

/* ------------------------------------------------------------------ blocks */

/*
 * Allocate a block of `size` bytes in the default heap. Content is undefined.
 *  out:  receives the handle; NULL on error.
 *  size: 0 to RM_BLOCK_MAX bytes. 0 gives a distinct handle whose lock gives a
 *        pointer that is not NULL.
 * Moves: yes, where the block would otherwise not fit or the heap would grow.
 * Cost:  O(1) usually; O(orders) where a new span is cut; with compaction
 *        proportional to the bytes moved.
 * Returns: RM_OK; RM_EINVAL (out is NULL, size negative); RM_ENOMEM (free
 *        something, unlock something, or ask for less); RM_ESYSTEM (the system
 *        refused pages, and there was no other way).
 */
RM_API rm_status_t rmalloc(rm_memory_t **out, ssize_t size);

/*
 * As rmalloc, for `count` times `size` bytes, filled with zeros.
 * Returns: as rmalloc; RM_EOVERFLOW where the product overflows.
 */
RM_API rm_status_t rmcalloc(rm_memory_t **out, ssize_t count, ssize_t size);

/*
 * Change the size of a block; the handle stays. Content up to the smaller of
 * the two sizes is kept, the rest is undefined.
 *  handle: a live block, of any heap.
 *  size:   0 to RM_BLOCK_MAX bytes; 0 leaves a live block of size 0.
 * A block that shrinks keeps its place and alignment. One that grows keeps the
 * alignment rule (that of its new size, and whatever was asked for), by moving
 * where needed. A locked block shrinks in place, and grows in place where its
 * own room and the free span right behind it allow. With nothing locked and moves
 * allowed only the growth has to be free (rounded to 16, and with the padding of
 * blocks aligned above 16); between threads a block of up to 512 bytes needs a second
 * place while it is copied.
 * Moves: the block itself under any policy; other blocks except under
 *        RM_COMPACT_MANUAL.
 * Cost:  O(1) in place, else that of allocating and copying.
 * Returns: RM_OK; RM_EINVAL (size negative); RM_EHANDLE; RM_ELOCKED (it would
 *        have to move: unlock it first); RM_ENOMEM; RM_ESYSTEM. On an error the
 *        block is as it was.
 */
RM_API rm_status_t rmrealloc(rm_memory_t *handle, ssize_t size);

/*
 * Free a block. The handle is stale from then on.
 *  handle: a live, unlocked block; NULL is allowed and does nothing.
 * Moves: no. Cost: O(1), and O(orders) where a span of memory becomes free.
 * Returns: RM_OK; RM_EHANDLE; RM_ELOCKED (nothing has changed).
 */
RM_API rm_status_t rmfree(rm_memory_t *handle);

/*
 * Lock a block and get its address. Locks nest.
 *  pointer: receives the address, good until the matching last rmunlock; it is
 *           left alone on error.
 * Moves: no; but a block that a budget left half moved is completed or undone
 *        first. Cost: O(1); for a half-moved block O(its size).
 * Threads: one compare-and-swap on the handle's own word, whoever else holds what. A
 *        block that is just being copied stays where it is, and the copy is void; one
 *        that moves by less than its size, by pages, or with others in a run is
 *        waited for, for one piece of at most 64 KiB. When a fourth lock is taken
 *        at a time, the heap's mutex is, once: until the block is next moved,
 *        resized or freed its count, up to RM_LOCKS_MAX, is all compare-and-swap.
 * Returns: RM_OK; RM_EINVAL (pointer is NULL); RM_EHANDLE; RM_EOVERFLOW
 *        (RM_LOCKS_MAX locks are held already).
 */
RM_API rm_status_t rmlock(rm_memory_t *handle, void **pointer);

/*
 * Give back one lock. After the last one the address must not be used. It need not be
 * the thread that locked which unlocks.
 * Moves: no. Cost: O(1); lock-free, as rmlock.
 * Returns: RM_OK; RM_EHANDLE; RM_EUNLOCKED.
 */
RM_API rm_status_t rmunlock(rm_memory_t *handle);

/*
 * The address of a block of a held heap (rm_heap_hold), or of a locked one. There is
 * nothing to give back: it is good until the calling thread's outermost
 * rm_heap_release, or as long as the block is locked.
 *  pointer: receives the address; it is left alone on error.
 * Moves: no; a block that was half moved before the heap was held is completed first.
 * Cost: O(1), loads alone, no atomic operation.
 * Returns: RM_OK; RM_EINVAL (pointer is NULL); RM_EHANDLE.
 */
RM_API rm_status_t rmpeek(rm_memory_t *handle, void **pointer);

/*
 * The size that was asked for, in bytes, not the rounded one.
 * Cost: O(1). Returns: RM_OK; RM_EINVAL (size is NULL); RM_EHANDLE.
 */
RM_API rm_status_t rmsize(rm_memory_t *handle, size_t *size);

/*
 * How many locks are held on a block.
 * Cost: O(1). Returns: RM_OK; RM_EINVAL (count is NULL); RM_EHANDLE.
 */
RM_API rm_status_t rmlocks(rm_memory_t *handle, unsigned *count);

/*
 * The heap that a block lives in.
 * Cost: O(1). Returns: RM_OK; RM_EINVAL (heap is NULL); RM_EHANDLE.
 */
RM_API rm_status_t rmheap(rm_memory_t *handle, rm_heap_t **heap);

/* ------------------------------------------------------------------- heaps */

typedef enum rm_threads {
    RM_THREADS_SAFE = 0, /* any thread may make any call at any time */
    RM_THREADS_NONE      /* one thread at a time; no cost of synchronisation */
} rm_threads_t;

typedef enum rm_compaction {
    RM_COMPACT_ON_DEMAND = 0, /* when an allocation would fail or grow the heap */
    RM_COMPACT_MANUAL,        /* only in rm_heap_compact, and rmrealloc's own block */
    RM_COMPACT_STEADY,        /* on demand, and a small step with each allocation
                                 while fragmentation is above a threshold */
    RM_COMPACT_BACKGROUND     /* on demand, and by a thread of the library's, one for
                                 all heaps, between watermarks; RM_THREADS_SAFE only */
} rm_compaction_t;

/*
 * When RM_COMPACT_BACKGROUND works, in the terms of Linux' kswapd: it wakes when things
 * are worse than one mark, and works until they are better than the other.
 *
 *   fragmentation  the share of the memory below the highest block's end that no block
 *                  uses, 0 to 1: it wakes above `high` and works until it is below `low`.
 *   free           bytes that are free in one piece at the heap's end, what it may still
 *                  grow by counted in: it wakes below `low` and works until there are `high`,
 *                  as long as that much is free in all.
 *
 * Both zero: the default, 0.05 and 0.15 for the fragmentation; for free memory 1/16 and
 * 1/8 of the heap's limit where `size` gives one, else none.
 */
typedef struct rm_watermarks {
    double fragmentation_low, fragmentation_high;
    size_t free_low, free_high;
} rm_watermarks_t;

typedef struct rm_heap_options {
    /* A region of the caller's, at any address; the heap lives in it entirely
       and writes nowhere else. It must outlive the heap. NULL: the library
       reserves address space, commits pages as needed and gives them back: in
       steps of compaction, in rm_heap_trim, and while large blocks are freed. */
    void *memory;
    /* With `memory`: its size in bytes; up to RM_HEAP_SIZE_MAX of it are used. Without:
       the most the heap may grow to, in bytes, rounded down to whole pages;
       0 leaves that to the library (16 GiB, or what address space allows; on 32 bits
       512 MiB, since other heaps need addresses too). */
    size_t size;
    rm_threads_t threads;
    rm_compaction_t compaction;
    rm_watermarks_t watermarks; /* of RM_COMPACT_BACKGROUND */
    /* The heap's own data are verified before each call, and sealed by a keyed sum behind it,
       outside of the heap: whatever has been written over since then is found, all but one in
       2^48 times, and for certain where it is one word. Calls on one block that are done by its
       handle's entry alone (locking, looking, making and freeing one of a size that has lately been
       freed) verify that and the heap's structure: 1.2 us. All others take time in proportion to
       the heap's own data: 6 us for 64 KiB of objects of 64 bytes, 75 us for 1 MiB. There are no
       fast paths, and one thread at a time is inside. Also: RMALLOC_INTEGRITY=1 in the environment. */
    bool integrity;
    unsigned fence_every; /* one block in so many has a fence (RMALLOC_FENCE); 0: none */
} rm_heap_options_t;

/* The defaults: a growing heap, safe for threads, compacted on demand. */
#ifdef __cplusplus
#define RM_HEAP_OPTIONS_INIT                                                             \
    rm_heap_options_t {                                                                  \
        nullptr, 0, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND, {0, 0, 0, 0}, false, 0        \
    }
#else
#define RM_HEAP_OPTIONS_INIT                                                             \
    ((rm_heap_options_t){                                                                \
        NULL, 0, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND, {0, 0, 0, 0}, false, 0})
#endif

/*
 * Create a heap.
 *  out:     receives the heap; NULL on error.
 *  options: NULL takes the defaults.
 * Cost: O(1) system calls; a caller's region costs 8 bytes of writes per 64 KiB.
 * Returns: RM_OK; RM_EINVAL (out is NULL, an option unknown, RM_COMPACT_BACKGROUND
 *        without RM_THREADS_SAFE, a watermark out of its domain or a low one above its
 *        high one); RM_ENOMEM (the region is too small: RM_HEAP_SIZE_MIN always
 *        suffices; or RM_HEAPS_MAX heaps exist beside the default one); RM_ESYSTEM (no
 *        memory, or no thread).
 */
RM_API rm_status_t rm_heap_create(rm_heap_t **out, const rm_heap_options_t *options);

/*
 * Destroy a heap and every block in it, locked ones too. Its handles are stale
 * from then on. A caller's region is the caller's again.
 *  heap: not NULL. The default heap may be destroyed: the next call that needs it makes
 *        a new one.
 * Threads: must not overlap another call on this heap or its handles; calls that
 *        start after it has returned are refused.
 * Returns: RM_OK; RM_EINVAL (NULL, or does not exist).
 */
RM_API rm_status_t rm_heap_destroy(rm_heap_t *heap);

/*
 * The default heap, made at first use with the default options.
 * Returns: the heap, or NULL where it cannot be made.
 */
RM_API rm_heap_t *rm_heap_default(void);

/* Flags of rm_heap_alloc. */
#define RM_ZERO 1u       /* fill with zeros */
#define RM_NO_COMPACT 2u /* fail (or grow) rather than move anything */

/*
 * Allocate a block in a heap.
 *  heap:      NULL means the default heap, here and in every call below.
 *  out:       receives the handle; NULL on error.
 *  size:      0 to RM_BLOCK_MAX bytes.
 *  alignment: 0 for the rule above, or a power of two up to RM_ALIGNMENT_MAX.
 *             One above 8 is kept for the block's life and puts the block into a
 *             span of its own (9 to 24 bytes beside its own, instead of 4 to 15).
 *  flags:     RM_ZERO, RM_NO_COMPACT, or'ed.
 * Moves: by the heap's policy; never with RM_NO_COMPACT.
 * Cost:  as rmalloc.
 * Returns: RM_OK; RM_EINVAL (out NULL, alignment, flags, heap); RM_ENOMEM; RM_ESYSTEM.
 *        With nothing locked and moves allowed, RM_ENOMEM comes only where free
 *        memory in all is smaller than the block with its header and padding,
 *        and its handle (8 bytes in the table, which grows by 16 at a time; by 32
 *        once in 2,048 handles, and by 48 once in two million).
 */
RM_API rm_status_t rm_heap_alloc(rm_heap_t *heap, rm_memory_t **out, size_t size,
                                 size_t alignment, unsigned flags);

#ifdef __cplusplus
}
#endif

#include "rmalloc_compact.h" /* rm_heap_compact, rm_heap_idle, rm_heap_hold, ... */
#include "rmalloc_metrics.h" /* rm_heap_stats, rm_heap_walk, rm_heap_check */

#endif
