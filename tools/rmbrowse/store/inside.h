/* SPDX-License-Identifier: MIT */
/*
 * What the files of this room tell each other. stores.c has the list of stores and makes objects within the budget,
 * which memory.c has; a kind, store_heap.c or store_malloc.c, has the objects themselves.
 */
#ifndef RMBROWSE_INSIDE_H
#define RMBROWSE_INSIDE_H

#include "store/store.h"

struct store {
    struct store *next; /* younger */
    const char *name;
    compaction_t compaction;
    unsigned held;
    /* Of a heap; in malloc 0. Calls that made or freed an object, up to the last idle time, and up to the last trim
       at such a time. */
    rm_heap_t *heap;
    size_t idle_calls, trimmed_calls;
    /* Of a store in malloc, where a heap knows by itself. What its objects occupy there. */
    size_t objects, requested, occupied;
};

/* ------------------------------------------------------------------ a kind */

/* Whether objects lie in malloc, among what libraries have there. */
extern const bool kind_in_malloc;

/* Fills in what the kind needs of a new store. Returns: whether there was memory. */
bool kind_open(struct store *store);
void kind_close(struct store *store);

/* One try, with no regard to the budget. They return NO_REF, or false, where there is no memory. */
ref_t kind_new(struct store *store, size_t bytes, bool zeroed);
bool kind_resize(struct store *store, ref_t *object, size_t bytes);
void kind_free(struct store *store, ref_t object);

/* Bytes that the store has of the system, beside malloc's. */
size_t kind_footprint(struct store *store);

/* store_look, but for what is locked. */
void kind_look(struct store *store, struct store_figures *figures);

/* Compacts until a deadline, CLOCK_MONOTONIC. Returns: whether more is left to do. */
bool kind_idle(struct store *store, uint64_t deadline_ns);

/* One step of about a millisecond, which always comes further. Returns: as above. */
bool kind_step(struct store *store);

/* Bytes moved since it was opened. */
uint64_t kind_moved(struct store *store);

/* Gives back what is free. */
void kind_trim(struct store *store);

/* --------------------------------------------------------------- the budget */

/* Whether an allocation of so many bytes, which has just been made, has to be held against the limit. */
bool memory_due(size_t bytes);
bool memory_exceeded(size_t footprint);
/* Whether the limit was exceeded at the last look: each allocation has to be compared with what there was before it
   then, or small ones, each in the page that the one before had to give up, would go ever further. */
bool memory_is_beyond(void);

/*
 * Makes room, in one more way.
 *  way:   0 at first, and counted on here.
 *  bytes: that are wanted.
 * Returns: false where there is no other.
 */
bool memory_make_room(unsigned *way, size_t bytes);
void memory_refused(void);

/* Gives back what is free in malloc, in both kinds. */
void memory_trim(void);

/* Compacts the stores that have a policy, or all, to the end, and gives back what is free in all of them and in
   malloc. `work` may be NULL. */
void stores_shrink(bool compact, bool all, struct store_work *work);

/* A mistake of the browser's: says so, and ends the program. */
_Noreturn void store_misused(const char *call, const char *what);

/* Bytes of malloc that objects of all stores take. */
size_t stores_occupied(void);

#endif
