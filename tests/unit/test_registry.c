/* SPDX-License-Identifier: MIT */
/*
 * Doors of the registry from inside: whose mutex is taken and given back, what a fork leaves as it was, what threads
 * have in their caches, and what is refused.
 */
#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call.h"
#include "claim.h"
#include "os.h"
#include "run.h"
#include "site.h"

enum { REGION = 4 << 20, WAITING = 3 };

struct made {
    char *memory;
    rm_heap_t *heap;
    uint64_t tag;
    struct place *place;
    struct heap *h;
};

static struct made make_heap(rm_heap_options_t options) {
    struct made m = {.memory = g_malloc0(REGION)};
    options.memory = m.memory;
    options.size = REGION;
    g_assert_cmpint(rm_heap_create(&m.heap, &options), ==, RM_OK);
    g_assert_cmpint(call_tag(m.heap, &m.tag), ==, RM_OK);
    m.place = (struct place *)(uintptr_t)&registry_sign.places[registry_place(m.tag)];
    m.h = (struct heap *)m.place->gate.heap;
    return m;
}
static void end_heap(const struct made *m) {
    g_assert_cmpint(rm_heap_destroy(m->heap), ==, RM_OK);
    g_free(m->memory);
}
static struct made make_plain(rm_threads_t threads) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.threads = threads;
    return make_heap(options);
}
static rm_memory_t *make_block(const struct made *m, size_t size, unsigned flags) {
    rm_memory_t *handle = NULL;
    g_assert_cmpint(rm_heap_alloc(m->heap, &handle, size, 0, flags), ==, RM_OK);
    g_assert_nonnull(handle);
    return handle;
}

static void *nothing(void *context) { return context; }
/* From the first thread on mutexes are taken, and threads keep something. */
static void begin_threads(void) {
    pthread_t thread;
    g_assert_cmpint(pthread_create(&thread, NULL, nothing, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

/* --- places: the first of all heaps keeps its own, whatever comes and goes --- */

static void test_places(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    char memory[64];
    rm_heap_t *heap;
    g_assert_cmpuint(registry_sign.n_fresh, ==, 0);
    struct made first = make_plain(RM_THREADS_NONE);
    options.memory = memory;
    options.size = sizeof memory;
    while (registry_sign.n_fresh < PLACES)
        g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_ENOMEM);
    struct made second = make_plain(RM_THREADS_NONE);
    g_assert_true(second.place != first.place);
    end_heap(&first);
    end_heap(&second);
}

/* --- the default heap, where there is one thread, and where there are more --- */

static size_t size_of(rm_memory_t *block) {
    size_t size = 0;
    g_assert_cmpint(rmsize(block, &size), ==, RM_OK);
    return size;
}

static void test_default_alone(void) {
    static const ssize_t sizes[] = {10, 10, 100, 10, 300, 100};
    rm_memory_t *made = NULL;
    rm_heap_t *heap = rm_heap_default();
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_assert_cmpint(rmalloc(&made, sizes[i]), ==, RM_OK);
        g_assert_cmpuint(size_of(made), ==, (size_t)sizes[i]);
    }
    uint64_t tag = (uintptr_t)heap >> 4;
    struct heap *h = (struct heap *)registry_sign.places[registry_place(tag)].gate.heap;
    h->store.table.room ^= 2;
    for (unsigned i = 0; i < 2; i++) /* the first finds it */
        g_assert_cmpint(rm_heap_trim(heap), ==, RM_ECORRUPT);
    g_assert_cmpint(rmalloc(&made, 10), ==, RM_ECORRUPT);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* The heap has some that rest; what the thread has of its own comes first. */
static void test_default_shared(void) {
    enum { BLOCKS = 300 };
    rm_memory_t *made[BLOCKS], *again;
    begin_threads();
    for (unsigned i = 0; i < BLOCKS; i++)
        g_assert_cmpint(rmalloc(&made[i], 40), ==, RM_OK);
    for (unsigned i = 0; i < BLOCKS; i++) g_assert_cmpint(rmfree(made[i]), ==, RM_OK);
    const struct cache *c = threads_cache(registry_default_state);
    unsigned n = c->n[class_of(40)];
    g_assert_cmpuint(n, <, BLOCKS / 2);
    g_assert_cmpint(rmalloc(&again, 40), ==, RM_OK);
    g_assert_cmpuint(c->n[class_of(40)], ==, n - 1);
    g_assert_cmpint(rmfree(again), ==, RM_OK);
    g_assert_cmpuint(c->n[class_of(40)], ==, n);
    g_assert_cmpint(rm_heap_destroy(rm_heap_default()), ==, RM_OK);
}

/* --- a mutex that is not needed is left alone: it is the test's --- */

enum state { PLAIN, GUARDED, REQUESTED, BOUNDS, FROZEN, SEALED, FENCED, STATES };

static void test_not_shared(void) {
    begin_threads();
    for (enum state state = 0; state < STATES; state++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        options.threads = RM_THREADS_NONE;
        options.integrity = state == SEALED;
        options.fence_every = state == FENCED || state == GUARDED;
        struct made m = make_heap(options);
        rm_status_t status = state <= GUARDED ? RM_OK : RM_ECORRUPT;
        rm_memory_t *stale = make_block(&m, 40, 0);
        g_assert_cmpint(rmfree(stale), ==, RM_OK);
        if (state == REQUESTED || state == SEALED) m.h->store.requested += 8;
        if (state == BOUNDS || state == FROZEN || state == FENCED)
            m.h->region.area_end += UNIT;
        if (state == FROZEN) g_assert_cmpint(rm_heap_trim(m.heap), ==, RM_ECORRUPT);
        pthread_mutex_lock(&m.place->mutex);
        if (status == RM_OK) {
            g_assert_cmpuint(rm_heap_idle(m.heap, os_now_ns() + 100000000), ==, 0);
            g_assert_cmpint(rmrealloc(stale, 50), ==, RM_EHANDLE);
            g_assert_cmpint(pthread_mutex_trylock(&m.place->mutex), !=, 0);
        }
        for (unsigned i = 0; i < 3; i++) {
            if (i == 2)
                g_assert_cmpint(rm_heap_destroy(m.heap), ==, RM_OK);
            else if (state == REQUESTED) /* which a proof alone finds */
                g_assert_cmpint(rm_heap_check(m.heap, NULL), ==, status);
            else
                g_assert_cmpint(rm_heap_trim(m.heap), ==, status);
            g_assert_cmpint(pthread_mutex_trylock(&m.place->mutex), !=, 0);
        }
        pthread_mutex_unlock(&m.place->mutex);
        g_free(m.memory);
    }
}

/* Whoever enters a heap that others may be inside of claims what it moves. */
static void test_concurrent(void) {
    begin_threads();
    for (unsigned fenced = 0; fenced < 2; fenced++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        options.fence_every = fenced;
        struct made m = make_heap(options);
        m.h->store.concurrent = false;
        g_assert_cmpint(rm_heap_trim(m.heap), ==, RM_OK);
        g_assert_true(m.h->store.concurrent);
        end_heap(&m);
    }
}

/* --- fork --- */

struct turn {
    const struct made *m;
    pthread_barrier_t barrier;
};
static void *keep(void *context) {
    struct turn *turn = context;
    g_assert_cmpint(rmfree(make_block(turn->m, 40, 0)), ==, RM_OK);
    g_assert_cmpint(rm_heap_hold(turn->m->heap), ==, RM_OK);
    pthread_barrier_wait(&turn->barrier);
    pthread_barrier_wait(&turn->barrier);
    g_assert_cmpint(rm_heap_release(turn->m->heap), ==, RM_OK);
    return NULL;
}

/* In the child nobody waits, and what another thread had is nobody's. */
static int look_in_child(const struct made *plain, const struct made *frozen) {
    if (atomic_load(&plain->place->waiting) != 0) return 1;
    if (plain->place->crowd.stopped || !frozen->place->crowd.stopped) return 2;
    const struct cache *own = threads_cache(registry_live(plain->tag));
    if (own == NULL || plain->place->crowd.caches != own || own->next != NULL) return 3;
    if (rm_heap_trim(plain->heap) != RM_OK) return 4;
    return rm_heap_check(plain->heap, NULL) == RM_OK ? 0 : 5;
}

static void test_fork(void) {
    begin_threads();
    struct made plain = make_plain(RM_THREADS_SAFE), frozen = make_plain(RM_THREADS_SAFE);
    struct made beside[THREADS_CACHES];
    struct turn turn = {.m = &plain};
    pthread_t thread;
    unsigned n = 0;
    int status;
    g_assert_cmpint(rmfree(make_block(&plain, 40, 0)), ==, RM_OK);
    g_assert_cmpint(rmfree(make_block(&frozen, 40, 0)), ==, RM_OK);
    do { /* the last one's cache comes before the other's in its chain */
        g_assert_cmpuint(n, <, THREADS_CACHES);
        beside[n++] = make_plain(RM_THREADS_SAFE);
    } while (registry_place(beside[n - 1].tag) % THREADS_CACHES !=
             registry_place(plain.tag) % THREADS_CACHES);
    g_assert_cmpint(rmfree(make_block(&beside[n - 1], 40, 0)), ==, RM_OK);
    frozen.h->store.table.room ^= 2;
    g_assert_cmpint(rm_heap_trim(frozen.heap), ==, RM_ECORRUPT);
    g_assert_true(frozen.place->crowd.stopped);
    pthread_barrier_init(&turn.barrier, NULL, 2);
    g_assert_cmpint(pthread_create(&thread, NULL, keep, &turn), ==, 0);
    pthread_barrier_wait(&turn.barrier);
    g_assert_cmpuint(cache_sum(&plain.h->store), >, 0);
    atomic_fetch_add(&plain.place->waiting, WAITING);
    fflush(NULL);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        alarm(20);
        _exit(look_in_child(&plain, &frozen));
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpuint(atomic_fetch_sub(&plain.place->waiting, WAITING), ==, WAITING);
    g_assert_cmpuint(cache_sum(&plain.h->store), ==, 0); /* so that the child has it */
    g_assert_false(plain.place->crowd.stopped);
    g_assert_true(frozen.place->crowd.stopped);
    pthread_barrier_wait(&turn.barrier);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    pthread_barrier_destroy(&turn.barrier);
    while (n > 0) end_heap(&beside[--n]);
    end_heap(&plain);
    end_heap(&frozen);
}

/* --- caches --- */

/* Their owners are kept out; who comes all the same goes inside, and lets them in again. */
static void test_halted(void) {
    begin_threads();
    static const unsigned flags[] = {0, RM_NO_COMPACT};
    struct made m = make_plain(RM_THREADS_SAFE);
    for (unsigned i = 0; i < G_N_ELEMENTS(flags); i++) {
        g_assert_cmpint(rmfree(make_block(&m, 40, 0)), ==, RM_OK);
        struct cache *c = threads_cache(registry_live(m.tag));
        cache_halt(&m.place->crowd);
        g_assert_true(m.place->crowd.stopped && c->stop == 1);
        make_block(&m, 40, flags[i]);
        g_assert_false(m.place->crowd.stopped || c->stop != 0);
    }
    end_heap(&m);
}

/* Of the largest blocks that there are lists of one is had at a time; an object whose slot is about to be given back
   is not kept. */
static void test_lists(void) {
    struct made m = make_plain(RM_THREADS_NONE);
    struct table *t = &m.h->store.table;
    struct cache *c = g_new0(struct cache, 1);
    rm_memory_t *small = make_block(&m, 40, 0);
    uint32_t slot = handle_slot((uintptr_t)small);
    uint64_t e = table_entry(t, slot), last = e & bit_mask(ENTRY_GENERATION_SHIFT);
    last |= (uint64_t)(GENERATION_DROP_MAX - 1) << ENTRY_GENERATION_SHIFT;
    cache_open(c, &m.h->store, 1, CACHE_BYTES);
    table_set(t, slot, last);
    g_assert_false(cache_put(c, slot, last));
    g_assert_true(table_entry(t, slot) == last);
    table_set(t, slot, e);
    rm_memory_t *large = make_block(&m, QUICK_SIZE_MAX, 0);
    g_assert_cmpint(rmfree(large), ==, RM_OK);
    cache_fill(c, QUICK_SIZE_MAX);
    g_assert_cmpuint(cache_bytes(c), ==, units_bytes(QUICK_UNITS_MAX));
    cache_close(c);
    g_free(c);
    end_heap(&m);
}

static void test_last(void) {
    begin_threads();
    struct made m = make_plain(RM_THREADS_SAFE);
    struct table *t = &m.h->store.table;
    uint32_t slot = handle_slot((uintptr_t)make_block(&m, 40, 0));
    const struct cache *c = threads_cache(registry_live(m.tag));
    uint64_t e = table_entry(t, slot) & bit_mask(ENTRY_GENERATION_SHIFT);
    e |= (uint64_t)(GENERATION_DROP_MAX - 1) << ENTRY_GENERATION_SHIFT;
    unsigned n = c->n[class_of(40)];
    table_set(t, slot, e);
    g_assert_cmpint(rmfree(heap_handle(m.h, slot)), ==, RM_OK);
    g_assert_cmpuint(c->n[class_of(40)], ==, n);
    end_heap(&m);
}

/* A thread has no more than so many: one that is not read in is had from any chain. */
enum { EACH = 3, HEAPS = EACH * THREADS_CACHES };
static struct made heaps[EACH]
                        [THREADS_CACHES]; /* by the chain that their caches are in */

static unsigned count_mine(void) {
    unsigned n = 0;
    for (unsigned i = 0; i < THREADS_CACHES; i++)
        for (const struct cache *c = threads_mine[i]; c != NULL; c = c->chain) n++;
    return n;
}

static void read_in(const struct made *m, bool goes_on) {
    g_assert_cmpint(rm_heap_hold(m->heap), ==, RM_OK);
    if (!goes_on) g_assert_cmpint(rm_heap_release(m->heap), ==, RM_OK);
}

static void *use_many(void *context) {
    for (unsigned i = 0; i < THREADS_CACHES; i++) read_in(&heaps[0][i], false);
    g_assert_cmpuint(count_mine(), ==, THREADS_CACHES);
    read_in(&heaps[0][0], true);
    read_in(&heaps[0][5], true);
    read_in(&heaps[1][5], true); /* nothing of its chain, nor of the first */
    g_assert_cmpuint(count_mine(), ==, THREADS_CACHES);
    g_assert_cmpint(rm_heap_release(heaps[0][5].heap), ==, RM_OK);
    g_assert_nonnull(threads_seek(registry_live(heaps[0][5].tag)));
    g_assert_nonnull(threads_seek(registry_live(heaps[1][5].tag))); /* it is the first */
    read_in(&heaps[2][5], true);                                    /* the second goes */
    g_assert_cmpuint(count_mine(), ==, THREADS_CACHES);
    g_assert_null(threads_seek(registry_live(heaps[0][5].tag)));
    for (unsigned i = 1; i < EACH; i++)
        g_assert_cmpint(rm_heap_release(heaps[i][5].heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_release(heaps[0][0].heap), ==, RM_OK);
    return context;
}

static void test_chains(void) {
    begin_threads();
    unsigned n[THREADS_CACHES] = {0};
    struct made *others[HEAPS];
    unsigned n_others = 0;
    pthread_t thread;
    for (unsigned found = 0; found < HEAPS;) {
        struct made m = make_plain(RM_THREADS_SAFE);
        unsigned chain = registry_place(m.tag) % THREADS_CACHES;
        if (n[chain] < EACH) {
            heaps[n[chain]++][chain] = m;
            found++;
        } else {
            g_assert_cmpuint(n_others, <, HEAPS);
            others[n_others++] = g_memdup2(&m, sizeof m);
        }
    }
    g_assert_cmpint(pthread_create(&thread, NULL, use_many, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    for (unsigned i = 0; i < HEAPS; i++) end_heap(&heaps[i / THREADS_CACHES][i % 16]);
    for (unsigned i = 0; i < n_others; i++) {
        end_heap(others[i]);
        g_free(others[i]);
    }
}

/* --- what is refused --- */

/* A word of the table that is no entry, and looks like one. */
static void test_forged(void) {
    begin_threads();
    for (rm_threads_t threads = RM_THREADS_SAFE; threads <= RM_THREADS_NONE; threads++) {
        struct made m = make_plain(threads);
        struct table *t = &m.h->store.table;
        void *at;
        rm_memory_t *block = make_block(&m, 40, 0);
        uint64_t e = table_entry(t, handle_slot((uintptr_t)block)),
                 was = table_entry(t, 0);
        table_set(t, 0, e);
        uint64_t handle = (uintptr_t)heap_handle(m.h, handle_slot((uintptr_t)block));
        rm_memory_t *forged = (rm_memory_t *)(uintptr_t)(uintptr_t)heap_handle(m.h, 0);
        g_assert_cmpuint(handle_slot((uintptr_t)forged), ==, 0);
        g_assert_cmpuint(entry_generation((uintptr_t)forged), ==,
                         entry_generation(handle));
        g_assert_cmpint(rmlock(forged, &at), ==, RM_EHANDLE);
        g_assert_cmpint(rmfree(forged), ==, RM_EHANDLE);
        g_assert_true(table_entry(t, 0) == e);
        table_set(t, 0, was);
        g_assert_cmpint(rm_heap_check(m.heap, NULL), ==, RM_OK);
        end_heap(&m);
    }
}

/* What is no token, though it looks like the heap's. */
static void test_wrong(void) {
    enum { BLOCKS = 400, EACH_SIZE = 1000 };
    struct made m = make_plain(RM_THREADS_NONE);
    rm_heap_t *wrong = (rm_heap_t *)((uintptr_t)m.heap | 3);
    rm_memory_t *blocks[BLOCKS], *made;
    for (unsigned i = 0; i < BLOCKS; i++) blocks[i] = make_block(&m, EACH_SIZE, 0);
    for (unsigned i = 0; i < BLOCKS; i += 2)
        g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    g_assert_cmpuint(rm_heap_idle(m.heap, 0), >, 0);
    g_assert_cmpuint(rm_heap_idle(wrong, 0), ==, 0);
    g_assert_cmpint(rm_heap_alloc(wrong, &made, EACH_SIZE, 0, 0), ==, RM_EINVAL);
    g_assert_null(made);
    end_heap(&m);
}

/* No memory for what a thread has of a heap: it cannot read there. */
static void *hold_without(void *context) {
    const struct made *m = context;
    struct rlimit was, none;
    g_assert_cmpint(getrlimit(RLIMIT_AS, &was), ==, 0);
    none = was;
    none.rlim_cur = 4096;
    g_assert_cmpint(setrlimit(RLIMIT_AS, &none), ==, 0);
    rm_status_t status = rm_heap_hold(m->heap);
    g_assert_cmpint(setrlimit(RLIMIT_AS, &was), ==, 0);
    g_assert_cmpint(status, ==, RM_ESYSTEM);
    g_assert_cmpint(rm_heap_release(m->heap), ==, RM_EUNLOCKED);
    return NULL;
}
static void test_no_memory(void) {
    begin_threads();
    for (unsigned sealed = 0; sealed < 2; sealed++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        pthread_t thread;
        options.integrity = sealed;
        struct made m = make_heap(options);
        g_assert_cmpint(pthread_create(&thread, NULL, hold_without, &m), ==, 0);
        g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
        end_heap(&m);
    }
}

/* --- claims, handles --- */

/* What is not claimed, as there is nobody else, is not dropped. */
static void test_drop(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    uint32_t slot = site_block(site, 1000, 0);
    uint64_t e = table_entry(&s->table, slot);
    table_set(&s->table, slot, entry_with_locks(e, LOCKS_MOVING));
    s->concurrent = false;
    claim_drop(s, entry_span(s, e), LOCKS_MOVING);
    g_assert_cmpuint(entry_locks(table_entry(&s->table, slot)), ==, LOCKS_MOVING);
    s->concurrent = true;
    claim_drop(s, entry_span(s, e), LOCKS_MOVING);
    g_assert_true(table_entry(&s->table, slot) == e);
    s->concurrent = false;
    uint64_t handle = (uintptr_t)heap_handle(site->h, slot);
    g_assert_true(heap_make_lockable(site->h, handle, slot));
    e = entry_with_locks(e, LOCKS_NONE + LOCKS_FEW);
    table_set(&s->table, slot, e);
    handle += (uint64_t)1 << ENTRY_GENERATION_SHIFT; /* of the next one */
    g_assert_false(heap_make_lockable(site->h, handle, slot));
    g_assert_true(table_entry(&s->table, slot) == e);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    g_test_add_func("/registry/places", test_places);
    g_test_add_func("/registry/default-alone", test_default_alone);
    g_test_add_func("/registry/lists", test_lists);
    SITE_ADD("/registry/drop", test_drop, NULL);
    g_test_add_func("/registry/wrong", test_wrong);
    g_test_add_func("/registry/default-shared", test_default_shared);
    g_test_add_func("/registry/not-shared", test_not_shared);
    g_test_add_func("/registry/concurrent", test_concurrent);
    g_test_add_func("/registry/fork", test_fork);
    g_test_add_func("/registry/halted", test_halted);
    g_test_add_func("/registry/last", test_last);
    g_test_add_func("/registry/chains", test_chains);
    g_test_add_func("/registry/forged", test_forged);
    g_test_add_func("/registry/no-memory", test_no_memory);
    return g_test_run();
}
