/* SPDX-License-Identifier: MIT */
/*
 * The inside of a measuring process. Private to worker.c, which sets it up, and jobs.c,
 * which does what is asked.
 */
#ifndef RMTOOL_JOBS_H
#define RMTOOL_JOBS_H

#include "compare/library.h"
#include "compare/race.h"
#include "compare/worker.h"

struct worker {
    struct job *job;
    const struct reel *reel;
    struct race race;
    struct library library; /* ENTRANT_LIBC, ENTRANT_LIBRARY */
    struct race_bump bump;  /* ENTRANT_FLOOR */
    rm_heap_t *heap;        /* ENTRANT_HANDLES */
    void *region;           /* of that heap; NULL: it grows */
    int rollup;             /* /proc/self/smaps_rollup, open */
    int64_t before;         /* its bytes before the allocator began */
    uint64_t data_before;   /* writable mappings then, in bytes */
    uint64_t *sizes;        /* JOB_LEFT: by slot */
    uint32_t *live;         /* and the slots in use */
};

/* Writes why the job failed. Returns: STATUS_FOUND. */
int worker_fail(struct worker *worker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What the allocator has in memory now, in bytes. */
int64_t worker_footprint(struct worker *worker);

/* Begins what an allocator's first call would not begin by itself. */
bool worker_begin(struct worker *worker);

/* Plays up to a word of the reel. Returns: whether it got there. */
bool worker_play(struct worker *worker, uint64_t word);

/* Does the job. Returns: a status. */
int jobs_run(struct worker *worker);

#endif
