/* SPDX-License-Identifier: MIT */
/*
 * Where the browser's own objects live. Each is named by a reference, is locked while it is used, and may be
 * elsewhere the next time. store_heap.c has them in heaps of rmalloc's, where a reference is a handle;
 * store_malloc.c has the same objects in malloc, where it is an address and locking is nothing. No other file
 * knows which of the two the program was linked with.
 *
 *      ref_t text = store_new(store, n);            reading many, changing none:
 *      if (text == NO_REF) return false;                store_hold(store);
 *      memcpy(store_lock(text), from, n);               const struct node *at = store_peek(ref);
 *      store_unlock(text);                              store_release(store);
 *
 * An object that is freed, resized or unlocked in a state in which that is not allowed is a mistake of the browser's:
 * where it is seen, it is said, and the program aborts. malloc sees fewer of them.
 *
 * Stores are for one thread. What one store's objects refer to may lie in another.
 */
#ifndef RMBROWSE_STORE_H
#define RMBROWSE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RM_NO_SHORT_NAMES
#include "rmalloc.h"

/* A reference to an object. It may be kept in other objects, copied and compared. */
typedef rm_memory_t *ref_t;
#define NO_REF NULL

/* When blocks move. */
typedef enum compaction {
    COMPACT_OFF,   /* never */
    COMPACT_IDLE,  /* in what is left of a frame (store_idle), and when memory is short */
    COMPACT_STEADY /* a little with each allocation, and when memory is short */
} compaction_t;

typedef struct store store_t;

/*
 * A store of its own; `name` is for people and has to outlive it.
 * Returns: NULL where the system has no memory for it.
 */
store_t *store_open(const char *name, compaction_t compaction);

/* All objects must have been freed: how many are left is said on standard error, with the name, and they go (in malloc
   they stay, as nobody knows where they are). NULL does nothing. Returns: how many were left. */
size_t store_close(store_t *store);

/* "rmalloc" or "malloc". */
extern const char *const store_kind;

/* ----------------------------------------------------------------- objects */

/*
 * A new object of so many bytes, which are undefined.
 * Returns: NO_REF where there is no memory within the budget (memory.h), after all has been tried.
 */
ref_t store_new(store_t *store, size_t bytes);
ref_t store_new_zeroed(store_t *store, size_t bytes);
/* One that begins as a copy of `bytes` bytes, which must not lie in an unlocked object. */
ref_t store_copy(store_t *store, const void *from, size_t bytes);

/* Changes the size of an object that is neither locked nor in a held store; what is kept, is kept from its
   beginning. In malloc the object may have another reference afterwards, which takes the place of *object: whoever
   else has the old one must be told. Returns: false where there is no memory; it is as it was then. */
bool store_resize(store_t *store, ref_t *object, size_t bytes);

/* Frees an object that is not locked. NO_REF does nothing. */
void store_free(store_t *store, ref_t object);

/* The address of an object, good until the matching store_unlock. Locks nest. */
void *store_lock(ref_t object);
void store_unlock(ref_t object);

/* The size asked for, in bytes. */
size_t store_size(ref_t object);

/* A read section: nothing of the store moves, and store_peek gives the address of any of its objects, with nothing
   to give back. Sections nest. Objects may be made and freed inside, but not resized. */
void store_hold(store_t *store);
void store_release(store_t *store);
void *store_peek(ref_t object);

/* -------------------------------------------------------------- compaction */

/* What compaction has done; times in nanoseconds. */
struct store_work {
    uint64_t ns;         /* taken by steps in all */
    uint64_t longest_ns; /* by the longest step */
    uint64_t steps;
    uint64_t moved; /* bytes */
};

/*
 * Compacts all stores whose policy is not COMPACT_OFF, in steps of at most about a millisecond, until
 * `deadline_ns` of CLOCK_MONOTONIC. Adds to *work what that took. And of all stores, memory that has been free for a
 * while is given back. Of malloc's none is: it does so by itself, or not.
 * Returns: whether more is left to do. Never, in malloc.
 */
bool store_idle(uint64_t deadline_ns, struct store_work *work);

/* Compacts to the end and gives back what is free, whatever the policy: by a key. In malloc: malloc_trim. */
void store_compact_all(struct store_work *work);

/* ------------------------------------------------------------------- looks */

struct store_figures {
    size_t objects, requested; /* live objects, and the bytes asked for them */
    size_t footprint;          /* bytes held of the system, bookkeeping included */
    size_t free, largest_free; /* bytes free inside of that, and in one piece */
    size_t locked, locked_bytes;
    uint64_t moved; /* bytes since it was opened */
};

/* The figures of a store. In malloc: footprint, free and largest_free are 0, as malloc knows no stores; memory.h has
   those of the process. */
void store_look(store_t *store, struct store_figures *figures);

/* Visits each store, oldest first. */
store_t *store_first(void);
store_t *store_next(const store_t *store);
const char *store_name(const store_t *store);

/* The memory of a store as a row of `n` cells from its low end to its highest block's, for a map: for each of four
   kinds of memory, the share of the cell that it has, 0 to 1. Returns: how many bytes the row stands for; 0: it is
   not known (malloc), or there is nothing. */
struct store_cell {
    float live, locked, free, metadata;
};
size_t store_map(store_t *store, struct store_cell *cells, size_t n);

/* Bytes that have been moved in all stores since the program began, by steps and by allocations, in stores that have
   been closed too. */
uint64_t store_moved(void);

/* The longest call of store_new or store_resize since the last time this was asked, nanoseconds. */
uint64_t store_longest_allocation(void);

#endif
