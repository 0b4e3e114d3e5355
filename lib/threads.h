/* SPDX-License-Identifier: MIT */
/*
 * What a thread has of its own: a cache for each of the heaps that it has used last, which is also where
 * its read sections are noted. Found by the heap's place, without a lock:
 *
 *      threads_mine[place % 16] -> cache -> cache ...      the first is the one used last
 *
 * There are 16 of them, and more only where those are all in read sections. A thread's state ends with the
 * thread, and what other threads had is put in order in a forked child.
 */
#ifndef RM_THREADS_H
#define RM_THREADS_H

#include "registry.h"

enum { THREADS_CACHES = 16 };
extern _Thread_local struct cache *threads_mine[THREADS_CACHES]
    __attribute__((tls_model("initial-exec")));

/* Calls of this thread's that are inside of a heap while it calls into others: then no cache is used for
   another heap, since it may be that heap's. */
extern _Thread_local unsigned threads_inside __attribute__((tls_model("initial-exec")));

/* The calling thread's cache of a heap, by what its gate says; NULL: it has none. */
struct cache *threads_seek(uint32_t live);
static inline struct cache *threads_cache(uint32_t live) {
    struct cache *c = threads_mine[registry_place(live) % THREADS_CACHES];
    if (unlikely(c == NULL)) return NULL;
    if (likely(__atomic_load_n(&c->live, __ATOMIC_RELAXED) == live)) return c;
    return threads_seek(live);
}

/* The same, made where there is none: it is not open then. Not to be called inside of any heap. NULL: there is
   no memory. */
struct cache *threads_make(uint32_t live);
/* Open it, inside of the heap. */
void threads_open(struct cache *c, const struct access *a);

/* Does a thread keep anything of this heap, for other reasons than to read? */
static inline bool threads_keep(const struct heap *h) { return h->cache != 0; }

#endif
