/* SPDX-License-Identifier: MIT */
#include "threads.h"

#include <errno.h>
#include <pthread.h>

#include "os.h"

_Thread_local struct cache *threads_mine[THREADS_CACHES];
_Thread_local unsigned threads_inside;

static _Thread_local unsigned n_mine;
/* By which a thread's end is seen, + 1; 0: there is none yet. */
static _Atomic uint64_t key;

/* --- the end of a thread --- */

static uint64_t tag_of(uint32_t live) { return live ^ RM_GATE_LIVE; }

/* What the cache has goes back to its heap, if there still is one. */
static void close_cache(struct cache *c) {
    struct access a;
    uint32_t live = __atomic_load_n(&c->live, __ATOMIC_ACQUIRE);
    if (live == 0) return;
    if (!registry_enter(tag_of(live), &a)) {
        registry_forget(tag_of(live), c);
        return;
    }
    jmp_buf *edge = damage_edge;
    if (registry_damaged(&a)) {
        registry_freeze(&a);
        registry_forget(tag_of(live), c);
    } else {
        if (__atomic_load_n(&c->live, __ATOMIC_ACQUIRE) == live) cache_close(c);
        registry_leave(&a);
    }
    damage_edge = edge;
}

static void end_thread(void *value) {
    (void)value;
    for (unsigned i = 0; i < THREADS_CACHES; i++) {
        struct cache *c;
        while ((c = threads_mine[i]) != NULL) {
            threads_mine[i] = c->chain;
            close_cache(c);
            os_unreserve(c, sizeof *c);
            n_mine--;
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

/* Is there a key? What has been refused is asked for again the next time: others give theirs back. Not by
   pthread_once, which asks once. */
static bool have_key(void) {
    pthread_key_t made;
    uint64_t none = 0;
    if (likely(atomic_load_explicit(&key, memory_order_acquire) != 0)) return true;
    atomic_store(&registry_lost, lose_others);
    int error = pthread_key_create(&made, end_thread);
    if (error != 0) {
        errno = error;
        return false;
    }
    if (!atomic_compare_exchange_strong(&key, &none, (uint64_t)made + 1))
        pthread_key_delete(made); /* another thread was first */
    return true;
}

/* --- caches --- */

static struct cache **chain_of(uint32_t live) {
    return &threads_mine[registry_place(live) % THREADS_CACHES];
}

/* Take the cache that `link` leads to out of its chain. */
static struct cache *unchain(struct cache **link) {
    struct cache *c = *link;
    *link = c->chain;
    return c;
}

static struct cache *put_first(struct cache **chain, struct cache *c) {
    c->chain = *chain;
    *chain = c;
    return c;
}

struct cache *threads_seek(uint32_t live) {
    struct cache **chain = chain_of(live);
    for (struct cache **link = chain; *link != NULL; link = &(*link)->chain)
        if (__atomic_load_n(&(*link)->live, __ATOMIC_RELAXED) == live)
            return put_first(chain, unchain(link));
    return NULL;
}

/* The last one of a chain that can be used for something else: of no heap; `any`: or of one that is not being
   read. NULL: there is none. */
static struct cache **spare_of(struct cache **chain, bool any) {
    struct cache **spare = NULL;
    for (struct cache **link = chain; *link != NULL; link = &(*link)->chain)
        if (__atomic_load_n(&(*link)->live, __ATOMIC_ACQUIRE) == 0 ||
            (any && (*link)->depth == 0))
            spare = link;
    return spare;
}

/* One that has been used for another heap, where there are enough; of the same chain, if one of it can be had. */
static struct cache *reuse(struct cache **chain) {
    bool many = n_mine >= THREADS_CACHES && threads_inside == 0;
    struct cache **link = spare_of(chain, many);
    for (unsigned i = 0; link == NULL && many && i < THREADS_CACHES; i++)
        link = spare_of(&threads_mine[i], true);
    if (link == NULL) return NULL;
    close_cache(*link);
    return unchain(link);
}

static struct cache *make(void) {
    int error = pthread_setspecific((pthread_key_t)(atomic_load(&key) - 1), threads_mine);
    if (error != 0) {
        errno = error;
        return NULL;
    }
    struct cache *c = os_reserve(sizeof *c);
    if (c == NULL) return NULL;
    if (!os_commit(c, sizeof *c)) {
        os_unreserve(c, sizeof *c);
        return NULL;
    }
    n_mine++;
    return c;
}

struct cache *threads_make(uint32_t live) {
    struct cache *c = threads_cache(live);
    if (c != NULL || !have_key()) return c;
    c = reuse(chain_of(live));
    if (c == NULL) c = make();
    return c != NULL ? put_first(chain_of(live), c) : NULL;
}

void threads_open(struct cache *c, const struct access *a) {
    uint32_t live = (uint32_t)a->heap->tag | RM_GATE_LIVE;
    if (__atomic_load_n(&c->live, __ATOMIC_ACQUIRE) == live) return;
    cache_open(c, &a->heap->store, live, a->heap->cache);
}
