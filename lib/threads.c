/* SPDX-License-Identifier: MIT */
#include "threads.h"

#include <pthread.h>

#include "os.h"

_Thread_local struct cache *threads_mine[THREADS_CACHES];

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool ready; /* the key is there, so a thread's end will be seen */

/* --- the end of a thread --- */

static uint64_t tag_of(uint32_t live) { return live ^ RM_GATE_LIVE; }

/* What the cache has goes back to its heap, if there still is one. */
static void close_cache(struct cache *c) {
    struct access a;
    uint32_t live = __atomic_load_n(&c->live, __ATOMIC_RELAXED);
    if (live == 0 || !registry_enter(tag_of(live), &a)) return;
    if (__atomic_load_n(&c->live, __ATOMIC_RELAXED) == live) cache_close(c);
    registry_leave(&a);
}

static void end_thread(void *value) {
    (void)value;
    for (unsigned i = 0; i < THREADS_CACHES; i++) {
        struct cache *c;
        while ((c = threads_mine[i]) != NULL) {
            threads_mine[i] = c->chain;
            close_cache(c);
            os_unreserve(c, sizeof *c);
        }
    }
}

/* --- fork --- */

static bool is_mine(const struct cache *cache) {
    for (unsigned i = 0; i < THREADS_CACHES; i++)
        for (const struct cache *c = threads_mine[i]; c != NULL; c = c->chain)
            if (c == cache) return true;
    return false;
}

/* In a forked child there is only one thread: what others had in a heap is nobody's. */
static void lose_others(struct heap *h) {
    struct cache *next;
    for (struct cache *c = h->store.crowd->caches; c != NULL; c = next) {
        next = c->next;
        if (is_mine(c)) continue;
        cache_close(c);
        os_unreserve(c, sizeof *c);
    }
}

static void thaw_child(void) { registry_thaw_child(lose_others); }

static void prepare(void) {
    os_barrier_open();
    ready = pthread_key_create(&key, end_thread) == 0;
    ready &= pthread_atfork(registry_freeze, registry_thaw, thaw_child) == 0;
}

/* --- caches --- */

/* Take the cache that `link` leads to out of its chain. */
static struct cache *unchain(struct cache **link) {
    struct cache *c = *link;
    *link = c->chain;
    return c;
}

/* One of a chain that can be had: that of the heap, or one of no heap, or else of whichever is not being
   read. NULL: there is none. */
static struct cache *find(struct cache **chain, uint32_t live) {
    struct cache **other = NULL;
    for (struct cache **link = chain; *link != NULL; link = &(*link)->chain) {
        uint32_t its = __atomic_load_n(&(*link)->live, __ATOMIC_RELAXED);
        if (its == live) return unchain(link);
        if (its == 0 || (*link)->depth == 0) other = link;
    }
    if (other == NULL) return NULL;
    close_cache(*other);
    return unchain(other);
}

struct cache *threads_held(uint32_t live) {
    struct cache *c = threads_mine[registry_place(live) % THREADS_CACHES];
    while (c != NULL &&
           (c->depth == 0 || __atomic_load_n(&c->live, __ATOMIC_RELAXED) != live))
        c = c->chain;
    return c;
}

struct cache *threads_make(uint32_t live) {
    struct cache **chain = &threads_mine[registry_place(live) % THREADS_CACHES];
    pthread_once(&once, prepare);
    if (!ready) return NULL;
    struct cache *c = find(chain, live);
    if (c == NULL) {
        if (pthread_setspecific(key, threads_mine) != 0) return NULL;
        c = os_reserve(sizeof *c);
        if (c == NULL) return NULL;
        if (!os_commit(c, sizeof *c)) {
            os_unreserve(c, sizeof *c);
            return NULL;
        }
    }
    c->chain = *chain;
    *chain = c;
    return c;
}

void threads_open(struct cache *c, const struct access *a) {
    uint32_t live = (uint32_t)a->heap->tag | RM_GATE_LIVE;
    if (__atomic_load_n(&c->live, __ATOMIC_RELAXED) == live) return;
    cache_open(c, &a->heap->store, live, a->heap->cache);
}
