/* SPDX-License-Identifier: MIT */
/*
 * One run of rmtool locks: where the items come from, where they go, and what is made of
 * them. cmd_locks.c has the command line.
 */
#ifndef RMTOOL_LOCKS_H
#define RMTOOL_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "locks/accesslog.h"
#include "locks/gather.h"
#include "locks/locking.h"
#include "locks/lockcost.h"

#define LOCKS_MODELS_MAX 64

struct locks {
    /* The source: one of a program to run, an access log, a text of lackey's with the log
       that the recorder has written meanwhile. */
    char *const *command; /* NULL: not this one */
    const char *log_path;
    const char *text_path, *records_path;

    struct lockmodel_spec models[LOCKS_MODELS_MAX];
    size_t n_models;
    uint64_t limit_accesses;
    const char *keep_path; /* the access log goes here; NULL: nowhere */
    const char
        *trace_path; /* and traces here, with the model's name where there are several */
    bool costs;      /* are to be measured, of every model */
    bool output_aside; /* the program's standard output is not ours */
    bool quiet;        /* no progress bar */

    /* What comes of it. */
    struct accesslog_header header;
    struct locking locking;
    struct gather_totals gathered;
    bool has_gathered;
    struct lockcost *cost; /* by model; NULL: not asked for */
    int cost_status;       /* of the first that could not be measured */
    double seconds;
};

/* Returns: a status. Whatever it is, locks_finish is due. */
int locks_run(struct locks *locks);
void locks_finish(struct locks *locks);

#endif
