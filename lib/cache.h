/* SPDX-License-Identifier: MIT */
/*
 * What a thread keeps of one heap for its own next requests: slots whose blocks rest, as on the heap's quick
 * lists, but out of reach of everybody else. So it allocates and frees without the heap's mutex; lists are
 * filled and emptied a batch at a time, with it.
 *
 *      entry      place, slot in its run | LOCKS_MOVING | the generation its next handle has
 *
 * The owner says while it is inside; whoever holds the mutex may stop it, and has the cache when the owner is
 * out (motion.h has the same dance):
 *
 *      owner     busy = 1; often; stop?       1: back out, to the mutex
 *      others    stop = 1; seldom; wait until busy is 0
 *
 * What a cache holds is bounded. Invariant 16.
 */
#ifndef RM_CACHE_H
#define RM_CACHE_H

#include "os.h"
#include "quick.h"

enum {
    CACHE_SMALL = 120,        /* objects of a class, */
    CACHE_BLOCKS = 32,        /* larger blocks of a length; */
    CACHE_BATCH = 4 * 1024,   /* bytes that are had at once */
    CACHE_FIRST = 128 * 1024, /* bytes in all, at first, */
    CACHE_BYTES =
        2 * 1024 * 1024, /* and at most; more than at first while all threads keep ... */
    CACHE_ALL = 4 * 1024 * 1024, /* ... no more than this, */
    CACHE_USED = 8,              /* and such a share of what blocks take */
    CACHE_SHARE = 512,           /* of a heap's limit at most; */
    CACHE_LEAST = 4 * 1024,      /* where that is less there are no caches */
    CACHE_LISTS = CLASSES + QUICK_BLOCKS,
    CACHE_SPARE = 64
};

struct cache {
    uint32_t live;  /* what the heap's gate says; 0: there is none any more */
    uint32_t busy;  /* its owner is inside */
    uint32_t stop;  /* it may not be, for a while */
    uint32_t holds; /* 1: its owner is in a read section (motion.h) ... */
    uint32_t depth; /* ... of so many, one inside the other */
    bool holder;    /* it has ever been in one, and is counted */
    struct store *store;
    struct cache *next, *previous; /* of the same heap */
    struct cache *chain;           /* of the same thread */
    size_t bytes, most, limit;     /* it has, may have as things are, and may ever have */
    uint64_t allocations;          /* the heap's counters do not know of yet; */
    size_t requested;              /* likewise, modulo 2^64 */
    /* Free slots of the table, out of lines of a cache that nobody else's are in: of two threads that use
       blocks at the same time each would wait for the other's entries otherwise. */
    uint32_t spare[CACHE_SPARE], n_spare;
    uint8_t n[CACHE_LISTS];
    uint32_t small[CLASSES][CACHE_SMALL];
    uint32_t blocks[QUICK_BLOCKS][CACHE_BLOCKS];
};

/* What threads have of one heap. It lies apart, out of reach of what damages the heap. */
struct crowd {
    struct cache *caches;
    uint32_t holders; /* of them, whose threads have had read sections here */
    uint32_t held;    /* open read sections, where there is only one thread at a time */
    bool stopped;     /* the owners are kept out, until the mutex is given back */
    size_t
        wanted; /* bytes in caches that the pass under way wants to have (cache_gather) */
    uint64_t not_before; /* when the background thread may want them again, ns */
};

/* How much a thread may keep of a heap of so many bytes (0: without a limit). */
static inline size_t cache_most(size_t bytes) {
    size_t most = bytes / CACHE_SHARE;
    if (bytes == 0 || most > CACHE_BYTES) return CACHE_BYTES;
    return most < CACHE_LEAST ? 0 : most;
}

/* --- by its owner --- */

static inline void cache_leave(struct cache *c) {
    __atomic_store_n(&c->busy, 0, __ATOMIC_RELEASE);
}
/* False: not now. */
static inline bool cache_enter(struct cache *c) {
    __atomic_store_n(&c->busy, 1, __ATOMIC_RELAXED);
    os_barrier_often();
    if (likely(!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE))) return true;
    cache_leave(c);
    return false;
}

/* What it has is looked at by others too, who are content with any value there was. */
static inline size_t cache_bytes(const struct cache *c) {
    return __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
}
static inline void cache_set_bytes(struct cache *c, size_t bytes) {
    __atomic_store_n(&c->bytes, bytes, __ATOMIC_RELAXED);
}

/* An object for `size` bytes, 1 to SMALL_MAX: its slot, live again, and its entry. SLOT_NIL: there is none. */
static inline uint32_t cache_take(struct cache *c, size_t size, uint64_t *entry) {
    unsigned class_id = class_of(size), n = c->n[class_id];
    if (unlikely(n == 0)) return SLOT_NIL;
    uint32_t slot = c->small[class_id][n - 1];
    char *at = store_slot(c->store, slot);
    c->n[class_id] = (uint8_t)(n - 1);
    *entry = word_load(at) + shape_to_live(size) - ENTRY_LOCK_ONE;
    word_store(at, *entry);
    cache_set_bytes(c, cache_bytes(c) - size_classes[class_id].stride);
    c->allocations++;
    c->requested += size;
    return slot;
}
/* The same for a medium block, of up to QUICK_SIZE_MAX. */
uint32_t cache_take_block(struct cache *c, size_t size, uint64_t *entry);

/* A plain object, unlocked or being copied, whose entry is `e`, comes to rest here. False: there is no room,
   or it has another entry by now. */
static inline bool cache_put(struct cache *c, uint32_t slot, uint64_t e) {
    size_t size = shape_size(e);
    unsigned class_id = class_of(size), n = c->n[class_id];
    size_t bytes = cache_bytes(c) + size_classes[class_id].stride;
    if (unlikely(n >= CACHE_SMALL) || unlikely(bytes > c->most) ||
        unlikely(entry_generation(e) == GENERATION_DROP_MAX - 1))
        return false;
    uint64_t rest = shape_to_rest(e) + ENTRY_LOCK_ONE;
    if (unlikely(!word_swap(store_slot(c->store, slot), &e, rest))) return false;
    c->small[class_id][n] = slot;
    c->n[class_id] = (uint8_t)(n + 1);
    cache_set_bytes(c, bytes);
    c->requested -= size;
    return true;
}
bool cache_put_block(struct cache *c, uint32_t slot, uint64_t e);

/* --- with the mutex held --- */

/* What a thread keeps of a heap from now on; or no more: it is empty then, as at first. */
void cache_open(struct cache *c, struct store *s, uint32_t live, size_t most);
void cache_close(struct cache *c);
/* The same of a heap that is damaged, or about to go: what it has is given up; and of all caches of a heap. */
void cache_discard(struct crowd *crowd, struct cache *c);
void cache_forget(struct crowd *crowd);

/* Its owner: a slot for a block that is about to be made, whose entry is MOVING and has no place; SLOT_NIL: there
   is none. */
uint32_t cache_slot(struct cache *c);
/* Some for requests of this size, if there are any, without more memory than one of them
   would need. */
void cache_fill(struct cache *c, size_t size);
/* And room for a block like that of an entry. */
void cache_spill(struct cache *c, uint64_t e);

/* Bytes in all caches of the heap. */
size_t cache_sum(const struct store *s);
static inline bool cache_any(const struct store *s) { return cache_sum(s) > 0; }
/* Their owners are kept out, until cache_go; and then nothing is in any of them, and all is counted. */
void cache_halt(struct crowd *crowd);
void cache_go(struct crowd *crowd);
void cache_stop(struct store *s);
/* The same for a moment, of up to so many bytes at least. Returns how many there were. */
size_t cache_gather(struct store *s, size_t most);

/* What is in a cache and not counted yet, for rm_heap_check: slots, each told to `visit`. */
void cache_look(const struct cache *c, void (*visit)(void *, uint32_t, unsigned),
                void *context);

#endif
