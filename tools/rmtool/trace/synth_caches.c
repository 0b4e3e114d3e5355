/* SPDX-License-Identifier: MIT */
/*
 * Caches that are given values of one length, then of another: what was laid out for the
 * first fits the second badly.
 *
 * Two are tests that others have published:
 *  - B. Powers, D. Tench, E. D. Berger, A. McGregor, "Mesh: Compacting Memory Management
 *    for C/C++ Applications", PLDI 2019, section 6: Redis as a cache of 100 MB, 700,000
 *    values of 240 bytes, then 170,000 of 492.
 *  - Redis, tests/unit/memefficiency.tcl, the test of active defragmentation: the same with
 *    150 and 300 bytes.
 */
#include "trace/synth_stories.h"

#include <stdlib.h>

#define LIMIT (UINT64_C(100) << 20) /* Redis's "100mb" */
#define FIRST_VALUES 700000
#define SECOND_VALUES 170000
#define SAMPLES 5 /* Redis's maxmemory-samples */

/* What a Redis entry takes beside its value of n bytes, by the layout of Redis 5 to 7: */
enum {
    OBJECT = 16,     /* robj */
    ENTRY = 24,      /* dictEntry */
    KEY = 18,        /* "key:000000123456" as a short string: a header byte, a 0 */
    VALUE_EXTRA = 4, /* a header of 3 bytes, a 0 */
    BUCKETS_LEAST = 4,
};
/* And of a cache that is no more than that: a key and two links, in one block. */
enum { PLAIN_ENTRY = 48 };
enum { PARTS = 4 }; /* key, object, value, dictEntry */

struct cached {
    uint64_t parts[PARTS];
    uint64_t bytes;
};

struct cache {
    struct synth *synth;
    bool whole; /* all that Redis allocates, not a value and one block for its entry */
    uint64_t bytes, limit;
    struct cached *entries;
    size_t n, capacity;
    uint64_t buckets, table; /* of the dictionary, and the block they lie in */
};

/* The dictionary doubles when it is full: the new table is there before the old goes. */
static void grow_table(struct cache *cache) {
    uint64_t old = cache->table;

    if (cache->buckets > 0 && cache->n < cache->buckets) return;
    uint64_t buckets = cache->buckets ? cache->buckets * 2 : BUCKETS_LEAST;
    cache->table = synth_zero(cache->synth, buckets * 8);
    if (cache->buckets > 0) synth_free(cache->synth, old);
    cache->bytes += (buckets - cache->buckets) * 8;
    cache->buckets = buckets;
}

/* The oldest of a few drawn at random, as Redis approximates "least recently used":
   nothing is ever read here, so age is the order of insertion. */
static void evict(struct cache *cache) {
    size_t victim = synth_below(cache->synth, cache->n);

    for (int i = 1; i < SAMPLES; i++) {
        size_t other = synth_below(cache->synth, cache->n);
        if (cache->entries[other].parts[0] < cache->entries[victim].parts[0])
            victim = other;
    }
    for (int i = 0; i < (cache->whole ? PARTS : 2); i++)
        synth_free(cache->synth, cache->entries[victim].parts[i]);
    cache->bytes -= cache->entries[victim].bytes;
    cache->entries[victim] = cache->entries[--cache->n];
}

static void insert(struct cache *cache, uint64_t size) {
    struct synth *synth = cache->synth;
    struct cached entry;

    while (synth_ok(synth) && cache->n > 0 && cache->bytes + size > cache->limit)
        evict(cache);
    if (cache->n == cache->capacity) {
        size_t capacity = cache->capacity ? cache->capacity * 2 : 4096;
        struct cached *entries = realloc(cache->entries, capacity * sizeof(*entries));
        if (!entries) {
            synth->failed = true;
            return;
        }
        cache->entries = entries;
        cache->capacity = capacity;
    }
    if (cache->whole) {
        grow_table(cache);
        entry.bytes = KEY + OBJECT + size + VALUE_EXTRA + ENTRY;
        entry.parts[2] = synth_alloc(synth, size + VALUE_EXTRA);
        entry.parts[1] = synth_alloc(synth, OBJECT);
        entry.parts[0] = synth_alloc(synth, KEY);
        entry.parts[3] = synth_alloc(synth, ENTRY);
    } else {
        entry.bytes = size + PLAIN_ENTRY;
        entry.parts[0] = synth_alloc(synth, size);
        entry.parts[1] = synth_alloc(synth, PLAIN_ENTRY);
    }
    cache->bytes += entry.bytes;
    cache->entries[cache->n++] = entry;
}

static void tell(struct synth *synth, bool whole, uint64_t first, uint64_t second) {
    struct cache cache = {
        .synth = synth, .whole = whole, .limit = synth_scaled(synth, LIMIT)};
    uint64_t n = synth_scaled(synth, FIRST_VALUES);

    for (uint64_t i = 0; i < n && synth_ok(synth); i++) insert(&cache, first);
    n = synth_scaled(synth, SECOND_VALUES);
    for (uint64_t i = 0; i < n && synth_ok(synth); i++) insert(&cache, second);
    free(cache.entries);
}

void synth_redis(struct synth *synth) { tell(synth, false, 240, 492); }
void synth_mesh_lru(struct synth *synth) { tell(synth, true, 240, 492); }
void synth_redis_defrag(struct synth *synth) { tell(synth, true, 150, 300); }
