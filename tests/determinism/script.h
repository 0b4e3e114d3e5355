/* SPDX-License-Identifier: MIT */
/* Calls on one heap, the same each time; what they answer, and where blocks are put, is kept as a number. */
#ifndef DETERMINISM_SCRIPT_H
#define DETERMINISM_SCRIPT_H

#include <stdbool.h>

#include <rmalloc.h>

#include "rng.h"

enum { BLOCKS_MOST = 100000 };

/* What of a heap may be told of, and asked for. */
enum {
    SCRIPT_CLOSED = 1,  /* it is in a region: what it says is the largest request is */
    SCRIPT_NOWHERE = 2, /* where blocks are is not the heap's own to say (fences) */
    SCRIPT_VIEWED = 4,  /* it is looked at from outside, too */
    SCRIPT_SLOW = 8     /* each call takes long: no blocks with very many locks */
};

struct script {
    rm_heap_t *heap;
    unsigned how;
    rm_memory_t *blocks[BLOCKS_MOST]; /* by number; NULL: none */
    uint64_t contents[BLOCKS_MOST];   /* content.h */
    uint16_t locks[BLOCKS_MOST];
    size_t n;          /* numbers given out */
    unsigned step;     /* of random ones, so far */
    uint64_t trail;    /* of all answers so far */
    uint64_t n_filled; /* each block anew */
    uint64_t n_visits;
    size_t n_lost;      /* contents that were not as they had been left: never */
    rm_memory_t *stale; /* the last block that was freed */
    struct rng rng;
};

void script_begin(struct script *script, rm_heap_t *heap, uint64_t seed, unsigned how);
/* Random calls, blocks of at most `most` bytes. */
void script_random(struct script *script, enum shape shape, size_t most, unsigned steps);
/* Some of them; and what comes after the last. */
void script_some(struct script *script, enum shape shape, size_t most, unsigned steps);
void script_finish(struct script *script);
/* Of each size many come, and go: more than anybody keeps. */
void script_waves(struct script *script);
/* Small blocks come and go for long, above holes of whole pages; then large ones do. */
void script_tide(struct script *script);
/* The events of a trace, in text, with a step of compaction now and then. False: a line makes no sense. */
bool script_trace(struct script *script, const char *name);
/* Frees what is left. */
void script_end(struct script *script);

#endif
