/* SPDX-License-Identifier: MIT */
/*
 * Move-stress: everything that may move does, at each call that changes the heap or at every call, and what it has
 * left is filled; so a program that uses a block without a lock reads nonsense, and what it writes is found when it next
 * calls, told on standard error, and the program ended.
 *
 *      enter    what nobody may have written to is as it was (mirror)
 *      call
 *      leave    what may move moves (scramble), the rest is filled and copied (mirror)
 *
 * For debugging alone: RM_COMPACT_MANUAL and RM_NO_COMPACT do not keep blocks from moving, and where a request would
 * not find room because of that, the heap is compacted for it. Nothing moves while somebody reads. Cost of a call:
 * O(memory in use), some 1 ms a MiB.
 */
#ifndef RM_STRESS_H
#define RM_STRESS_H

#include "heap.h"
#include "mirror.h"
#include "origin.h"
#include "scramble.h"
#include "settings.h"

struct stress {
    struct scramble scramble;
    struct trail trail;
    struct mirror mirror;
    const struct origins *origins; /* the guard's */
    enum settings_stress when;
    uint64_t seed; /* what the moves began with */
    bool watched;  /* a tool sees each access, and needs neither copy nor filling */
    bool changed;  /* this call has changed what blocks there are, or who may use them */
    bool spared;   /* not by who called, but to put things together */
    bool same;     /* nothing but the locks of one block, or not even that */
};

/* NULL: there is no memory. */
struct stress *stress_create(struct heap *h, size_t bytes,
                             const struct settings *settings,
                             const struct origins *origins, bool watched);
void stress_destroy(struct stress *t);

/* A call enters. It does not return where something has been written to that nobody may. */
void stress_begin(struct stress *t, struct heap *h);
/* It leaves: what may move moves, if it is to; and then it is noted what there is. `noted`: something of the library's
   own has changed since. */
void stress_move(struct stress *t, struct heap *h);
void stress_end(struct stress *t, struct heap *h, bool noted);

/* A request has found no room: everything is put together. False: it is in vain, or must not be. */
bool stress_make_room(struct stress *t, struct heap *h);

/* In between: so many bytes of a block are new, and nobody's so far. */
void stress_fresh(struct stress *t, const struct heap *h, const char *address,
                  size_t size);
/* A block has been freed, which was there. */
void stress_freed(struct stress *t, const struct heap *h, uint64_t handle,
                  const char *address, size_t size);
/* A lock more on a block, so that it has so many. */
void stress_locked(struct stress *t, const struct heap *h, uint32_t slot, unsigned locks);

#endif
