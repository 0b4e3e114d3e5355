/* SPDX-License-Identifier: MIT */
/*
 * The naive side: what each block must hold, how long it must be, how often it is locked,
 * which handles must be refused; and what the metrics of each heap must say. Knows nothing
 * of how the library does it.
 *
 * Blocks belong to the actor (a thread) that has made or been given them. Where actors
 * race, each uses its own blocks alone, so no entry of the books is for two of them.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include <rmalloc.h>

#include "guarded.h"
#include "trace.h"

/* NULL, where a function returns what is wrong. */
#define FINE ((const char *)0)

enum block_state { BLOCK_NEVER = 0, BLOCK_LIVE, BLOCK_FREED };

struct block {
    rm_memory_t *handle;
    size_t size;
    uint64_t content;         /* its number */
    unsigned char *locked_at; /* while it is locked */
    unsigned char *seen_at;   /* where it was last, and what had been moved until then */
    size_t seen_moved, seen_epoch;
    size_t buried;  /* of world.n_freed, when it was freed */
    uint32_t asked; /* the alignment, 0 for the rule */
    uint32_t align; /* what is promised now */
    uint32_t place; /* in its actor's list */
    uint16_t locks;
    uint8_t heap, owner, state;
};

/* The numbers of the live blocks of an actor. */
struct list {
    uint32_t *ids;
    size_t n, room;
};

/* The books of a heap. Racing actors all count here, so these are added to atomically. */
struct home {
    rm_heap_t *heap;
    struct guarded region;
    size_t n_live, n_locked, requested, aligned; /* sum of alignments above 16 */
    size_t n_allocated, n_freed, n_failed, peak;
    size_t epoch;  /* calls of rm_heap_compact */
    unsigned idle; /* of them, in a row, that moved nothing */
    unsigned held; /* read sections open */
    unsigned paused;
};

struct actor {
    struct list live;
    unsigned depth[HEAPS_MOST]; /* read sections */
    const char *wrong;
    char text[400];
    uint64_t done, skipped; /* operations */
};

/* What was looked at, how often. */
struct tally {
    uint64_t operations, skipped;
    uint64_t proofs, verified, pictures; /* of whole heaps */
    uint64_t refused;                    /* RM_ENOMEM and RM_ESYSTEM */
    uint64_t traces;                     /* episodes */
};

struct world {
    const struct spec *spec;
    bool restless; /* by the environment: blocks move whenever they can */
    struct home homes[HEAPS_MOST];
    struct actor actors[ACTORS_MOST];
    struct block *blocks; /* by number */
    size_t n_ids, room;
    size_t n_freed; /* blocks, of all heaps: a slot has not been used again more often */
    struct tally tally;
};

/* Makes the heaps. Numbers of blocks are below `n_ids`. The world may be one that was closed. */
const char *world_open(struct world *world, const struct spec *spec, size_t n_ids);
/* Looks at all once more, and ends the heaps: then every handle is stale. */
const char *world_close(struct world *world);
/* Frees what the books take. */
void world_finish(struct world *world);

const char *world_open_heap(struct world *world, unsigned heap);
/* Its blocks are gone with it. */
const char *world_close_heap(struct world *world, unsigned heap);

/* The block of a number, or NULL where there are not so many. */
struct block *world_block(struct world *world, uint32_t id);
/* A live one, that this actor may use; NULL: there is none. */
struct block *world_live(struct world *world, unsigned actor, uint32_t id);
bool world_is_handle(const struct world *world, rm_memory_t *handle);

/* Into the books: a block has been made, freed, given away. */
void world_take(struct world *world, unsigned actor, uint32_t id, rm_memory_t *handle,
                const struct op *op, size_t size);
void world_drop(struct world *world, uint32_t id);
void world_give(struct world *world, uint32_t id, unsigned actor);

/* Of racing actors more than one may be here. */
static inline void count(size_t *counter, size_t by) {
    __atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

#endif
