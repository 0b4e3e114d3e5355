/* SPDX-License-Identifier: MIT */
#include "hostile.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"

enum { CANARY = 0xa5, SIZES = 6 };

/* The least there may be; without caches; with lists of larger blocks; with blocks moved in pieces. */
static const size_t sizes[SIZES] = {RM_HEAP_SIZE_MIN, 6000,   20000,
                                    100000,           400000, 2400000};

/* --- memory --- */

/* Where the region is, if nothing else is there: some of what is damaged are addresses, and the same seed is to have
   the same damage. */
#if UINTPTR_MAX > UINT32_MAX && !defined(__SANITIZE_THREAD__)
#define ADDRESS ((void *)(UINT64_C(1) << 45))
#else
#define ADDRESS NULL
#endif

static void map(struct scene *s, struct rng *rng) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inside = round_up(s->size, page);
    s->mapped = inside + 2 * page;
    s->mapping = mmap(ADDRESS, s->mapped, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->mapping == MAP_FAILED ||
        mprotect(s->mapping + page, inside, PROT_READ | PROT_WRITE) != 0)
        give_up("no memory for a region");
    memset(s->mapping + page, CANARY, inside);
    bool low = rng_chance(rng, 50);
    s->memory = s->mapping + page + (low ? 0 : inside - s->size);
}

static bool is_canary(const char *from, const char *end) {
    while (from < end)
        if (*(const unsigned char *)from++ != CANARY) return false;
    return true;
}

bool scene_intact(const struct scene *s) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return is_canary(s->mapping + page, s->memory) &&
           is_canary(s->memory + s->size, s->mapping + s->mapped - page);
}

/* --- blocks --- */

/* Takes a handle out of the living, of which it is number i. */
static void forget(struct scene *s, unsigned i, struct rng *rng) {
    unsigned at =
        s->n_stale < STALE_MOST ? s->n_stale++ : (unsigned)rng_below(rng, STALE_MOST);
    s->stale[at] = s->live[i];
    s->live[i] = s->live[--s->n_live];
}

static void make_block(struct scene *s, struct rng *rng) {
    size_t alignment = rng_chance(rng, 6) ? (size_t)16 << rng_below(rng, 5) : 0;
    size_t size = rng_size(rng, SHAPE_MIXED, s->size / 12);
    rm_memory_t *handle;
    if (rm_heap_alloc(s->heap, &handle, size, alignment, 0) == RM_OK)
        s->live[s->n_live++] = handle;
}

/* Some things happen to blocks. */
static void happen(struct scene *s, struct rng *rng) {
    unsigned i = s->n_live > 0 ? (unsigned)rng_below(rng, s->n_live) : 0;
    void *pointer;
    if (s->n_live < LIVE_MOST && (s->n_live == 0 || rng_chance(rng, 60))) {
        make_block(s, rng);
        return;
    }
    switch (rng_below(rng, 12)) {
    case 0:
        rmrealloc(s->live[i], (ssize_t)rng_size(rng, SHAPE_MIXED, s->size / 12));
        break;
    case 1: rmlock(s->live[i], &pointer); break;
    case 2: rmunlock(s->live[i]); break;
    case 3:
        if (rng_chance(rng, 10))
            for (unsigned n = 0; n < 6; n++) rmlock(s->live[i], &pointer);
        break;
    case 4:
        if (rng_chance(rng, 3))
            rm_heap_compact(s->heap, &(rm_budget_t){rng_below(rng, 20000) + 1, 0}, NULL);
        break;
    default:
        if (rmfree(s->live[i]) == RM_OK) forget(s, i, rng);
        break;
    }
}

/* Most locks are given back, so that there is something that moves; a large block may be left half moved,
   and some blocks at rest. */
static void settle(struct scene *s, struct rng *rng) {
    for (unsigned i = 0; i < s->n_live; i++)
        while (i % 16 != 0 && rmunlock(s->live[i]) == RM_OK) continue;
    if (s->size > 300000 && rng_chance(rng, 50)) {
        for (unsigned n = 0; n < 400 && s->h->store.mover.slot == SLOT_NIL; n++)
            rm_heap_compact(s->heap, &(rm_budget_t){.bytes = 2000}, NULL);
    }
    for (unsigned n = (unsigned)rng_below(rng, 60); n > 0 && s->n_live > 20; n--) {
        unsigned i = (unsigned)rng_below(rng, s->n_live);
        if (rmfree(s->live[i]) == RM_OK) forget(s, i, rng);
    }
}

/* --- all that may change --- */

static struct place *place_of(const struct scene *s) {
    return (struct place *)(uintptr_t)(registry_sign.places + s->place);
}

static void remember(struct scene *s) {
    s->place = registry_place((uintptr_t)s->heap >> 4);
    s->was = *place_of(s);
    s->gate = rm_gates[s->place];
    s->image = malloc(s->size);
    if (s->image == NULL) give_up("no memory for a copy");
    memcpy(s->image, s->memory, s->size);
    s->n_caches = 0;
    for (struct cache *c = s->was.crowd.caches; c != NULL; c = c->next) {
        struct cache *copy = malloc(sizeof *copy);
        if (copy == NULL || s->n_caches == CACHES_MOST) give_up("no memory for a cache");
        *copy = *c;
        s->caches[s->n_caches] = c;
        s->copies[s->n_caches++] = copy;
    }
}

void scene_restore(struct scene *s) {
    memcpy(s->memory, s->image, s->size);
    *place_of(s) = s->was;
    rm_gates[s->place] = s->gate;
    for (unsigned i = 0; i < s->n_caches; i++) *s->caches[i] = *s->copies[i];
    if (s->was.guard == NULL) return;
    s->was.guard->corrupt = false;
    if (s->integrity) seal_all(&s->was.guard->seal, s->h);
}

static void *nothing(void *context) { return context; }

void scene_threads(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0 ||
        pthread_join(thread, NULL) != 0)
        give_up("no thread");
}

/* --- the whole --- */

void scene_make(struct scene *s, uint64_t seed, bool integrity) {
    struct rng rng = {seed};
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    size_t most = sizes[rng_below(&rng, SIZES)];
    memset(s, 0, sizeof *s);
    s->integrity = integrity;
    s->size = most + rng_below(&rng, most / 4);
    map(s, &rng);
    options.memory = s->memory;
    options.size = s->size;
    options.threads = rng_chance(&rng, 50) ? RM_THREADS_SAFE : RM_THREADS_NONE;
    options.integrity = integrity;
    options.compaction = (rm_compaction_t)rng_below(&rng, RM_COMPACT_BACKGROUND);
    if (rm_heap_create(&s->heap, &options) != RM_OK) give_up("no heap");
    s->place = registry_place((uintptr_t)s->heap >> 4);
    s->h = (struct heap *)registry_sign.places[s->place].gate.heap;
    uint64_t n = s->size / 40;
    for (uint64_t i = rng_below(&rng, n < 4000 ? n : 4000); i > 0; i--) happen(s, &rng);
    settle(s, &rng);
    s->n_slots = s->h->store.table.n_slots;
    remember(s);
    aim_list(s);
}

void scene_destroy(struct scene *s) {
    if (rm_heap_destroy(s->heap) != RM_OK) give_up("a heap is not destroyed");
    for (unsigned i = 0; i < s->n_caches; i++) free(s->copies[i]);
    free(s->image);
    free(s->words);
    munmap(s->mapping, s->mapped);
}
