/* SPDX-License-Identifier: MIT */
/*
 * Several threads at one allocator: benchmarks of the shapes that the literature knows, for
 * a set time, and how many operations a second they come to. Written from the published
 * descriptions.
 *
 *   own      each thread replaces blocks of a working set of its own
 *   larson   each thread replaces blocks of an array, and after some rounds a fresh thread
 *            takes the array over: a server with a thread for each of its connections
 *            (P. Larson and M. Krishnan, "Memory allocation for long-running server
 *            applications", ISMM 1998)
 *   xmalloc  half of the threads allocate batches, the others free them (C. Lever and
 *            D. Boreham, "malloc() performance in a multithreaded Linux environment",
 *            USENIX 2000)
 *   sh6      batches of mixed sizes, freed in the order of allocation, in the reverse, or
 *            half of them later (MicroQuill's SH6BENCH)
 *   locks    nothing but lock, write, unlock: of blocks of one's own; of one's own whose
 *            entries lie between those of others; of blocks of all
 *
 * An operation is an allocation with its free, or a lock with its unlock; it writes to the
 * block, a byte of every 64.
 */
#ifndef RMTOOL_CROWD_H
#define RMTOOL_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "compare/library.h"
#include "rmalloc.h"

enum crowd_shape {
    CROWD_OWN,
    CROWD_LARSON,
    CROWD_XMALLOC,
    CROWD_SH6,
    CROWD_LOCKS_OWN,
    CROWD_LOCKS_BETWEEN,
    CROWD_LOCKS_SAME,
    CROWD_SHAPES
};

enum { CROWD_THREADS_MAX = 1024 };

/* Plain data: it is handed to measuring processes as it is. */
struct crowd {
    enum crowd_shape shape;
    unsigned n_threads; /* a power of two */
    /* The process keeps to its one thread, with n_threads 1: nobody takes over. Else there
       is always another, which sleeps. */
    bool alone;
    uint64_t seed;
    uint64_t run_ns; /* how long it runs; a quarter of that goes before, uncounted */

    double per_second; /* result */
};

/* Who is asked for blocks: a heap, or where that is NULL, a malloc. */
struct crowd_allocator {
    rm_heap_t *heap;
    const struct race_calls *calls;
};

/*
 * Runs it. To be called once in a process: what is still allocated stays so.
 * Returns: whether it could; errno says what else. False with errno 0: a call of the
 *          allocator failed.
 */
bool crowd_run(struct crowd *crowd, const struct crowd_allocator *allocator);

#endif
