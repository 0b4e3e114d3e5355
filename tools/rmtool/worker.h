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

#include "entrants.h"

enum job_kind {
    JOB_PROBE,     /* is the allocator there, and which version */
    JOB_TIME,      /* play the reel, timed */
    JOB_FOOTPRINT, /* play the reel, and look at the footprint at its marks */
};

enum job_state { JOB_BEGUN, JOB_DONE, JOB_FAILED };

#define JOB_SAMPLES_MAX 2000 /* intervals between marks */

struct job {
    enum job_kind kind;
    struct entrant entrant;
    bool no_huge_pages;

    /* Results. */
    enum job_state state;
    char reason[ENTRANT_NOTE];  /* why it failed */
    char version[ENTRANT_NOTE]; /* JOB_PROBE */
    uint64_t cpu_ns, wall_ns;   /* JOB_TIME */
    /* JOB_FOOTPRINT: bytes at each mark of the reel, and at its peak of live bytes. */
    int64_t footprint[JOB_SAMPLES_MAX + 1], at_peak;
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
