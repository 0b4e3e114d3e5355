/* SPDX-License-Identifier: MIT */
/*
 * The inside of a crowd. Private to crowd.c, which seats its threads, and the shapes, which
 * say what they do there.
 */
#ifndef RMTOOL_SEAT_H
#define RMTOOL_SEAT_H

#include "base/chance.h"
#include "compare/crowd.h"

struct run;

/* A thread's place; in larson one thread after the other. */
struct seat {
    _Alignas(64) struct run *run;
    unsigned number;
    struct chance chance;
    void **blocks;    /* room for as many as the shape says */
    unsigned n;       /* of them in use, where that changes */
    uint64_t slices;  /* done */
    bool over;        /* set by who has nothing to do any more */
    bool failed;      /* a call of the allocator */
    int error;        /* of the system */
    uint64_t counted; /* operations */
    uint64_t began, ended;
};

struct shape {
    unsigned n_blocks;   /* of each seat */
    unsigned generation; /* slices, after which another thread takes over; 0: none does */
    /* Before there are threads. Returns: whether there is memory. NULL: nothing. */
    bool (*furnish)(struct run *run);
    /* Before the clock starts, in the seat's thread. NULL: nothing. */
    void (*prepare)(struct seat *seat);
    /* Some ten to hundred microseconds' worth. Returns: operations done. */
    unsigned (*slice)(struct seat *seat);
    /* When a seat's time is over. NULL: nothing. */
    void (*leave)(struct seat *seat);
};

extern const struct shape shape_own, shape_larson, shape_xmalloc, shape_sh6,
    shape_locks_own, shape_locks_between, shape_locks_same;

struct run {
    struct crowd *crowd;
    const struct shape *shape;
    struct crowd_allocator allocator;
    uint64_t counts_from, ends; /* by the clock on the wall */
    struct seat *seats;
    struct queue *queue; /* of xmalloc */
};

/* A block that is written to; NULL, noted, where there is none. */
void *seat_make(struct seat *seat, size_t size);
void seat_drop(struct seat *seat, void *block);
/* Lock, write, unlock: of a heap's block. */
void seat_visit(struct seat *seat, void *block);

/* Memory that no allocator knows of; NULL, noted. */
void *seat_map(size_t bytes);

#endif
