/* SPDX-License-Identifier: MIT */
/* Calls on one heap, the same each time; what they answer, and where blocks are put, is kept as a number. */
#ifndef DETERMINISM_SCRIPT_H
#define DETERMINISM_SCRIPT_H

#include <stdbool.h>

#include <rmalloc.h>

#include "rng.h"

enum { BLOCKS_MOST = 100000 };

struct script {
    rm_heap_t *heap;
    rm_memory_t *blocks[BLOCKS_MOST]; /* by number; NULL: none */
    uint8_t locks[BLOCKS_MOST];
    size_t n;       /* numbers given out */
    uint64_t trail; /* of all answers so far */
    struct rng rng;
};

void script_begin(struct script *script, rm_heap_t *heap, uint64_t seed);
/* Random calls, blocks of at most `most` bytes. */
void script_random(struct script *script, enum shape shape, size_t most, unsigned steps);
/* Small blocks come and go for long, above holes of whole pages; then large ones do. */
void script_tide(struct script *script);
/* The events of a trace, in text, with a step of compaction now and then. False: a line makes no sense. */
bool script_trace(struct script *script, const char *name);
/* Frees what is left. */
void script_end(struct script *script);

#endif
