/* SPDX-License-Identifier: MIT */
/*
 * A heap, what is in it as a naive list knows it, and calls that are judged: whatever the system has refused
 * meanwhile, a call says what it may say, and where it has failed the heap is as before.
 */
#ifndef WORLD_H
#define WORLD_H

#include <rmalloc.h>

#include "inject.h"
#include "picture.h"
#include "rng.h"

enum { ITEMS_MOST = 1024 };

struct item {
    rm_memory_t *handle;
    size_t size;
    unsigned char fill;
    unsigned locks;
};

struct world {
    rm_heap_t *heap;
    struct rng rng;
    struct item items[ITEMS_MOST];
    unsigned n, n_made, n_failed;
    size_t requested;
    bool limited; /* RM_ENOMEM is an answer too */
    bool
        looked; /* the heap is looked at before each call, which has what rests given back */
    struct picture before;
};

/* Stops with a message: what happened is wrong. */
_Noreturn void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

void world_init(struct world *world, uint64_t seed, bool looked);

/* False: refused, and there is no heap. */
bool world_create(struct world *world, const rm_heap_options_t *options);
bool world_alloc(struct world *world, size_t size, size_t alignment, unsigned flags);
bool world_resize(struct world *world, unsigned i, size_t size);
bool world_trim(struct world *world);
/* These are never refused. */
void world_free(struct world *world, unsigned i);
void world_lock(struct world *world, unsigned i);
void world_unlock(struct world *world, unsigned i);
/* At most so many bytes; 0: to the end. Returns whether nothing is left. */
bool world_compact(struct world *world, size_t bytes);
/* Begins a read section, and ends one. */
bool world_hold(struct world *world);
void world_release(struct world *world);
/* With all that is in it. */
void world_destroy(struct world *world);

/* Any other call: before it, and what it has said. `may_fail`: RM_ESYSTEM is an answer. Returns whether it
   has succeeded. */
void world_call(struct world *world);
bool world_said(struct world *world, const char *call, rm_status_t status, bool may_fail);

/* Contents, sizes, locks, counters, the proof of the heap: all is as it should be. Nothing is refused meanwhile. */
void world_verify(struct world *world);
/* Nothing is refused any more: everything works, and in the end all is given back. */
void world_end(struct world *world);

#endif
