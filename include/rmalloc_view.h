/* SPDX-License-Identifier: MIT */
/*
 * Looking at the heaps of another process, or of one that has left a core file.
 *
 * The other one need not know, and may have been stripped or linked statically: its
 * registry of heaps is found by RM_VIEW_MAGIC in memory that it may write to. A heap is
 * *copied*, as it is at one moment, into memory of the caller's process; then the copy is
 * proven to be sound and looked at as a heap of one's own would be. Nothing is ever
 * written to the other, and nothing that is read there is believed.
 *
 *      stop the other                     ptrace(2), or nothing for a core file
 *      rm_view_copy                       RM_VIEW_BUSY: a call was going on: let it go,
 *      let it go                          try again a little later
 *      rm_view_settle                     RM_VIEW_DAMAGED: likewise, and if it stays so
 *      rm_view_stats, rm_view_walk        it is true
 *      rm_view_forget                     until the next look
 *
 * The other has to have been built with the same version of the library, and the same
 * layout: what it was is compared. Not part of what programs that use heaps need.
 */
#ifndef RMALLOC_VIEW_H
#define RMALLOC_VIEW_H

#include "rmalloc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the registry of a process begins with: these 16 bytes, at a multiple of 8. */
#define RM_VIEW_MAGIC "rmalloc registry"
#define RM_VIEW_MAGIC_BYTES 16

typedef enum rm_view_status {
    RM_VIEW_OK = 0,
    RM_VIEW_NONE,    /* there is no registry, or no such heap (any more) */
    RM_VIEW_FOREIGN, /* another version or layout of the library */
    RM_VIEW_BUSY,    /* a call is going on in the heap */
    RM_VIEW_DAMAGED, /* the copy fails verification: see BUSY, or the heap is damaged */
    RM_VIEW_UNREADABLE, /* the reader has failed */
    RM_VIEW_NO_MEMORY,  /* here, for the copy */
    RM_VIEW_EINVAL      /* an argument is outside its domain */
} rm_view_status_t;

/* One sentence on a status, in English; never NULL. */
RM_API const char *rm_view_strerror(rm_view_status_t status);

/*
 * Reads `size` bytes of the other's memory at `address` into `to`, which holds zeros.
 * What holds no memory there (pages never touched, or given back) may be left out.
 * Returns: false where it cannot be read.
 */
typedef bool rm_view_read_fn(uint64_t address, void *to, size_t size, void *context);

/* Somebody else's heaps. */
typedef struct rm_view rm_view_t;

/*
 * Look at a registry.
 *  out:     receives the view; NULL on error.
 *  address: where RM_VIEW_MAGIC was found in the other's memory.
 *  version: may be NULL; receives the version of the other's library, also where that is
 *           RM_VIEW_FOREIGN: 20 bytes, ended by a 0.
 * Returns: RM_VIEW_OK; RM_VIEW_NONE (the magic is there by chance); RM_VIEW_FOREIGN;
 *        RM_VIEW_UNREADABLE; RM_VIEW_NO_MEMORY; RM_VIEW_EINVAL.
 */
RM_API rm_view_status_t rm_view_open(rm_view_t **out, uint64_t address,
                                     rm_view_read_fn *read, void *context,
                                     char version[20]);
/* Nothing is left of it, copies included. NULL is allowed. */
RM_API void rm_view_close(rm_view_t *view);

/* A heap that the other has. */
typedef struct rm_view_heap {
    rm_heap_t *heap;      /* its name there, and in the calls below */
    uint64_t address;     /* of its low end */
    bool grows;           /* else it is in a region of the caller's */
    bool is_default;      /* the default heap */
    rm_threads_t threads; /* RM_THREADS_NONE: calls that go on are not seen as such */
    rm_compaction_t compaction;                /* its policy */
    size_t limit, capacity, used, live_blocks; /* as in rm_stats_t, roughly */
} rm_view_heap_t;

/*
 * The heaps there are, oldest place first. The other may run meanwhile: what is said of
 * each is rough then.
 *  heaps: receives up to `most` of them.   n: receives how many there are.
 * Returns: RM_VIEW_OK; RM_VIEW_NONE (the registry is not there any more: another program
 *        runs, say); RM_VIEW_UNREADABLE; RM_VIEW_NO_MEMORY.
 */
RM_API rm_view_status_t rm_view_heaps(rm_view_t *view, rm_view_heap_t *heaps, size_t most,
                                      size_t *n);

/*
 * Copy a heap, and forget the last copy. The other must stand still.
 *  bytes: may be NULL; receives how many have been asked for.
 * Cost: what the heap holds, as far as it can matter (the insides of large blocks cannot).
 * Returns: RM_VIEW_OK; RM_VIEW_NONE; RM_VIEW_BUSY (a thread is inside of a call: try again
 *        a moment later); RM_VIEW_DAMAGED (the heap is not where its registry says: likewise);
 *        RM_VIEW_UNREADABLE; RM_VIEW_NO_MEMORY.
 */
RM_API rm_view_status_t rm_view_copy(rm_view_t *view, rm_heap_t *heap, size_t *bytes);

/*
 * Prove the copy, as rm_heap_check does. The other may run again. Then what threads keep for
 * their next requests is free, as it is in what rm_heap_stats says in the other.
 *  fault: may be NULL; says what is wrong and where.
 * Cost: O(heap).
 * Returns: RM_VIEW_OK; RM_VIEW_DAMAGED: it is damaged, or a call of a heap of
 *        RM_THREADS_NONE, or of a process with one thread, was going on.
 */
RM_API rm_view_status_t rm_view_settle(rm_view_t *view, rm_fault_t *fault);

/*
 * rm_heap_stats and rm_heap_walk of the copy.
 * Returns: RM_VIEW_OK; RM_VIEW_EINVAL (there is no copy that is settled).
 */
RM_API rm_view_status_t rm_view_stats(rm_view_t *view, rm_stats_t *stats);
RM_API rm_view_status_t rm_view_walk(rm_view_t *view, rm_walk_fn *visit, void *context);

/* Forget the copy, whose memory goes back. Without one, or of NULL, it does nothing. */
RM_API void rm_view_forget(rm_view_t *view);

#ifdef __cplusplus
}
#endif
#endif
