/* SPDX-License-Identifier: MIT */
/*
 * Processes that measure: one for each measurement, this program anew, so that no
 * allocator meets what another has left behind. A job goes to it in shared memory, and its
 * results come back the same way; the reel is a file in memory that it inherits.
 *
 * Such a process calls no malloc but the one it measures: what it needs itself it maps.
 */
#ifndef RMTOOL_WORKER_H
#define RMTOOL_WORKER_H

#include <stdint.h>

#include "compare/crowd.h"
#include "compare/entrants.h"

enum job_kind {
    JOB_PROBE,     /* is the allocator there, and which version */
    JOB_TIME,      /* play the reel, timed */
    JOB_FOOTPRINT, /* play the reel, and look at the footprint at its marks */
    JOB_LEFT,      /* play to the peak, free most at random, give back: what is left */
    JOB_FITS,      /* play the reel within a limit */
    JOB_LARGEST,   /* play the reel, and look for the largest request at its marks */
    JOB_CROWD,     /* several threads at once, no reel */
    JOB_KINDS
};

enum job_state { JOB_BEGUN, JOB_DONE, JOB_FAILED };

#define JOB_MARKS_MAX 2001 /* of a reel */

/* What is left after freeing most blocks, and giving memory back. */
struct job_left {
    int64_t footprint_at_peak, footprint;
    uint64_t live_bytes, live_blocks, frees;
    uint64_t free_ns, trim_ns; /* CPU */
};

struct job {
    enum job_kind kind;
    struct entrant entrant;
    bool no_huge_pages;
    uint64_t seed; /* JOB_LEFT */
    /* JOB_FITS, JOB_LARGEST: the region of a heap with handles; for a malloc the most
       bytes of writable mappings (RLIMIT_DATA) beyond what there was before it. */
    uint64_t limit;
    uint64_t seconds;   /* of CPU time that it may take; 0: any */
    struct crowd crowd; /* JOB_CROWD; its result too */

    /* Results. */
    enum job_state state;
    char reason[ENTRANT_NOTE];  /* why it failed */
    char version[ENTRANT_NOTE]; /* JOB_PROBE */
    uint64_t cpu_ns, wall_ns;   /* JOB_TIME: of the whole reel */
    struct job_left left;
    /* At each mark. JOB_TIME: wall ns since the mark before; JOB_FOOTPRINT: bytes, and at
       the peak of live bytes as well; JOB_LARGEST: bytes. */
    int64_t at_mark[JOB_MARKS_MAX], at_peak;
};

/*
 * Runs a job in a process of its own and waits for it.
 *  reel: its file; -1 where the job needs none.
 * Returns: a status: only what is wrong with running it at all. A job that failed says so
 *        itself.
 */
int worker_run(struct job *job, int reel);

/* The other side: what that process does. Returns: an exit status. */
int worker_main(const char *files);

/* The verb's first argument for it. */
#define WORKER_OPTION "--worker"

#endif
