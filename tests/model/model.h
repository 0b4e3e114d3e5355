/* SPDX-License-Identifier: MIT */
/*
 * Random operations on one heap, each held against a naive model: what must be
 * granted, what must be refused, where a block must be, what must be in it.
 */
#ifndef RMTEST_MODEL_H
#define RMTEST_MODEL_H

#include <stdio.h>

#include <rmalloc.h>

#include "book.h"
#include "guarded.h"
#include "rng.h"

/* A kind of heap, and how much of it is looked at. */
struct kind {
    const char *name;
    size_t region;        /* bytes of caller's memory; 0: growable */
    size_t limit;         /* growable: the most it may grow to */
    size_t most;          /* the largest size asked for */
    unsigned check_every; /* steps between checks of the whole heap */
    unsigned phase;       /* steps before the habits change */
};

/* What the random program does for a while. */
struct habits {
    enum shape shape;
    unsigned fill;    /* percent of the heap to be requested */
    unsigned locks;   /* percent of steps that lock or unlock */
    unsigned aligned; /* percent of allocations with an alignment */
    unsigned compact; /* percent of steps */
};

/* Calls, as C, for whoever reduces a failure to a small program. */
#define LOG(model, ...)                                                                  \
    do {                                                                                 \
        if ((model)->log) printf("# " __VA_ARGS__);                                      \
    } while (0)

#define GRAVES 512
#define IDLE_STEPS_MAX 1000

struct model {
    const struct kind *kind;
    rm_compaction_t compaction;
    rm_threads_t threads;
    bool stress;  /* compact to the end after every step */
    bool log;     /* print every call */
    bool between; /* there has been another thread */

    struct guarded region;
    rm_heap_t *heap;
    struct book book;
    struct rng rng;
    struct habits habits;
    size_t capacity;
    size_t step;
    size_t epoch; /* calls of rm_heap_compact */
    unsigned
        idle_steps; /* of them, in a row, that moved nothing: gave pages back, or looked */
    size_t peak_requested;
    rm_memory_t *graves[GRAVES]; /* stale handles, ... */
    size_t buried[GRAVES];       /* ... and how many had been freed before each */
    size_t n_graves;
    size_t n_refused; /* allocations and growths that ended in RM_ENOMEM */
};

/* Returns NULL, or what is wrong; model->step says where it stopped. */
const char *model_run(struct model *model, uint64_t seed, size_t steps);

/* One random operation (operations.c). */
const char *operate(struct model *model);
/* Compact, with this budget or to the end; what it says is held against the heap. */
const char *operate_compact(struct model *model, const rm_budget_t *budget);

#endif
