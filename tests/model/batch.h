/* SPDX-License-Identifier: MIT */
/*
 * Batches of episodes, each batch a process: what is in them follows from the batch's seed. The
 * first half of each is done before there is a second thread, the rest after that.
 */
#ifndef MODEL_BATCH_H
#define MODEL_BATCH_H

#include "reduce.h"

enum { JOBS_MOST = 64 };

struct plan {
    uint64_t operations;
    uint64_t seed; /* of the first batch */
    bool seeded;   /* by the caller */
    bool quick;    /* failures are not cut down */
    unsigned jobs;
    const char *only, *journal, *directory;
};

/* The exit status. */
int batch_all(struct plan *plan);
int batch_episode(const struct plan *plan, uint64_t seed, bool list);

#endif
