/* SPDX-License-Identifier: MIT */
/*
 * Models at work: takes a program's items once, in order, and lets any number of models
 * lock its blocks at the same time, each with a book of its own and, where wanted, a trace.
 */
#ifndef RMTOOL_LOCKING_H
#define RMTOOL_LOCKING_H

#include "locks/access.h"
#include "locks/lockmodel.h"
#include "trace/trace_writer.h"

struct locking_model {
    struct lockmodel model;
    struct trace_writer *writer; /* NULL: no trace */
    char *path;                  /* of the trace; on the heap */
    struct locking *locking;
};

struct locking {
    struct locking_model *models;
    size_t n_models;
    struct locking_model
        *truth; /* one of them; NULL: the program's own locks are not asked for */
    struct population population;
    uint32_t stack;
    uint64_t loads, stores, modifies; /* accesses in all: population.clock */
    uint64_t events, instructions;    /* of the items so far */
    uint64_t threads_seen;            /* the highest number */
    uint64_t reallocations, frees, own_locks;
};

/*
 * Sets it up for n models. One of them may be "truth": the others are then compared with it.
 * Returns: a status. Whatever it is, locking_finish is due.
 */
int locking_init(struct locking *locking, const struct lockmodel_spec *specs, size_t n);

/*
 * Wants the trace of model number `model` in a file.
 *  path:          "-" is standard output. Copied.
 *  name, command: of the program, for the header.
 */
int locking_trace(struct locking *locking, size_t model, const char *path,
                  const char *name, const char *command);

/* For an access_sink; context is the struct locking. */
int locking_take(void *context, const struct access_item *items, size_t n);

/* The figures are complete and the traces in their places. Returns: a status. */
int locking_end(struct locking *locking);

/* Also removes traces that have not come to their end. */
void locking_finish(struct locking *locking);

#endif
