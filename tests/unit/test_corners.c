/* SPDX-License-Identifier: MIT */
/*
 * What a thread keeps of a heap, and what calls do at the limits of counters: where there is no room, where a cache is
 * stopped, where an entry is another than it was, where the environment ends.
 */
#include <glib.h>
#include <pthread.h>
#include <rmalloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "site.h"
#include "small.h"
#include "threads.h"

enum { SIZE = 4 << 20 };

/* --- a cache by itself --- */

static struct cache *open_cache(const struct site *site, size_t most) {
    struct cache *c = g_new0(struct cache, 1);
    cache_open(c, &site->h->store, 1, most);
    return c;
}
static void close_cache(const struct site *site, struct cache *c) {
    cache_close(c);
    g_free(c);
    site_assert_sound(site);
}

/* A block is put where there is room for it, and as it is; else nothing changes. */
static void test_put(struct site *site, gconstpointer none) {
    struct table *t = &site->h->store.table;
    struct cache *c = open_cache(site, CACHE_BYTES);
    uint32_t slot = site_block(site, 1000, 0);
    uint64_t e = table_entry(t, slot), taken;
    uint64_t last = e & bit_mask(ENTRY_GENERATION_SHIFT);
    last |= (uint64_t)(GENERATION_DROP_MAX - 1) << ENTRY_GENERATION_SHIFT;
    g_assert_cmpuint(cache_take_block(c, 1000, &taken), ==, SLOT_NIL);
    /* There is no list of so large ones. */
    cache_fill(c, QUICK_SIZE_MAX + 1);
    g_assert_cmpuint(cache_bytes(c), ==, 0);
    g_assert_false(cache_put_block(c, slot, e + ENTRY_LOCK_ONE)); /* it was locked */
    table_set(t, slot, last); /* one handle more, and its slot is given back */
    g_assert_false(cache_put_block(c, slot, last));
    g_assert_true(table_entry(t, slot) == last);
    table_set(t, slot, e);
    c->most = 1000;
    g_assert_false(cache_put_block(c, slot, e));
    c->most = CACHE_BYTES;
    g_assert_cmpuint(cache_bytes(c), ==, 0);
    g_assert_true(cache_put_block(c, slot, e));
    g_assert_cmpuint(cache_bytes(c), ==, units_bytes(block_units(1000, false)));
    g_assert_cmpuint(cache_take_block(c, 996, &taken), ==, slot);
    g_assert_true(taken == table_entry(t, slot) && shape_medium_size(taken) == 996);
    g_assert_cmpint(free_slot(site->h, slot), ==, RM_OK);
    close_cache(site, c);
}

/* Where half of what there is goes and leaves no room for a block, all goes. */
static void test_spill(struct site *site, gconstpointer none) {
    enum { MOST = 1100, OBJECT = 200 };
    struct table *t = &site->h->store.table;
    struct cache *c = open_cache(site, MOST);
    uint32_t slot = site_block(site, 1000, 0), objects[3];
    for (unsigned i = 0; i < 3; i++) objects[i] = site_block(site, OBJECT, 0);
    for (unsigned i = 0; i < 3; i++)
        g_assert_true(cache_put(c, objects[i], table_entry(t, objects[i])));
    cache_spill(c, table_entry(t, objects[0]));
    g_assert_cmpuint(c->n[class_of(OBJECT)], ==, 3); /* for one more of these there is */
    cache_spill(c, table_entry(t, slot));
    g_assert_cmpuint(cache_bytes(c), ==, 0);
    uint64_t taken; /* so small a heap has no list for it */
    g_assert_true(cache_put_block(c, slot, table_entry(t, slot)));
    g_assert_cmpuint(cache_take_block(c, 1000, &taken), ==, slot);
    close_cache(site, c);
}

/* A thread may keep more as long as all together do not keep too much. */
static void test_more(struct site *site, gconstpointer none) {
    struct table *t = &site->h->store.table;
    struct cache *c = open_cache(site, CACHE_BYTES),
                 *other = open_cache(site, CACHE_BYTES);
    uint32_t slot = site_block(site, 1000, 0);
    cache_set_bytes(c, CACHE_FIRST);
    cache_set_bytes(other, 2 * CACHE_ALL);
    cache_spill(c, table_entry(t, slot));
    g_assert_cmpuint(c->most, ==, CACHE_FIRST);
    cache_set_bytes(other, 0);
    cache_set_bytes(c, CACHE_FIRST);
    cache_spill(c, table_entry(t, slot));
    g_assert_cmpuint(c->most, ==, 2 * CACHE_FIRST);
    cache_set_bytes(c, 0);
    close_cache(site, other);
    close_cache(site, c);
}

/* A table that is full. */
static void test_slots(struct site *site, gconstpointer none) {
    struct table *t = &site->h->store.table;
    struct cache *c = open_cache(site, CACHE_BYTES);
    GArray *slots = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (uint32_t slot; (slot = cache_slot(c)) != SLOT_NIL;)
        g_array_append_val(slots, slot);
    g_assert_true(slots->len > 0 && t->n_free == 0);
    for (guint i = 0; i < slots->len; i++)
        table_untake(t, g_array_index(slots, uint32_t, i));
    g_assert_cmpuint(t->n_free, ==, slots->len);
    g_array_free(slots, TRUE);
    close_cache(site, c);
}

/* --- calls, where the thread has a cache --- */

struct own {
    char *memory;
    rm_heap_t *heap;
    struct heap *h;
    struct cache *cache;
};

static uint64_t tag_of(const struct own *own) { return (uintptr_t)own->heap >> 4; }

static void open_own(struct own *own, size_t size, rm_threads_t threads, bool integrity) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_memory_t *made;
    own->memory = g_malloc0(size);
    options.memory = own->memory;
    options.size = size;
    options.threads = threads;
    options.integrity = integrity;
    g_assert_cmpint(rm_heap_create(&own->heap, &options), ==, RM_OK);
    own->h = (struct heap *)registry_sign.places[registry_place(tag_of(own))].gate.heap;
    own->cache = NULL;
    if (threads == RM_THREADS_NONE || integrity) return;
    g_assert_cmpint(rm_heap_alloc(own->heap, &made, 40, 0, 0), ==, RM_OK);
    g_assert_cmpint(rmfree(made), ==, RM_OK);
    own->cache = threads_cache(registry_live(tag_of(own)));
    g_assert_cmpuint(own->cache->n[class_of(40)], >, 0);
}
static void close_own(struct own *own) {
    g_assert_cmpint(rm_heap_destroy(own->heap), ==, RM_OK);
    g_free(own->memory);
}

/* Whoever has the mutex keeps the owner out: it takes the long way. */
static void test_stopped(void) {
    static const size_t sizes[] = {40, 1000};
    struct own own;
    rm_memory_t *made;
    open_own(&own, SIZE, RM_THREADS_SAFE, false);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        __atomic_store_n(&own.cache->stop, 1, __ATOMIC_RELAXED);
        g_assert_cmpint(rm_heap_alloc(own.heap, &made, sizes[i], 0, 0), ==, RM_OK);
        g_assert_cmpint(rmfree(made), ==, RM_OK);
        g_assert_cmpuint(own.cache->busy, ==, 0);
        __atomic_store_n(&own.cache->stop, 0, __ATOMIC_RELAXED);
    }
    g_assert_cmpint(rm_heap_check(own.heap, NULL), ==, RM_OK);
    close_own(&own);
}

/* What is to be zeroed lies where a damaged entry says: nothing is written outside of the heap. */
static void test_zero(void) {
    for (unsigned i = 0; i < 3; i++) {
        struct own own;
        rm_memory_t *made;
        open_own(&own, SIZE, RM_THREADS_SAFE, false);
        struct cache *c = own.cache;
        uint32_t slot = c->small[class_of(40)][c->n[class_of(40)] - 1u];
        uint64_t e = table_entry(&own.h->store.table, slot);
        uint64_t far = e | ENTRY_PLACE_MASK; /* 16 GiB behind */
        uint64_t end = (e & ~ENTRY_PLACE_MASK) | (own.h->region.bytes - 40) >> 3;
        uint64_t many = entry_with_locks(e, LOCKS_MANY - 1);
        table_set(&own.h->store.table, slot, i == 0 ? far : i == 1 ? end : many);
        g_assert_cmpint(rm_heap_alloc(own.heap, &made, 40, 0, RM_ZERO), ==, RM_OK);
        g_assert_cmpuint(handle_slot((uintptr_t)made), ==, slot);
        g_assert_cmpint(rm_heap_check(own.heap, NULL), ==, RM_ECORRUPT);
        close_own(&own);
    }
}

/* A block of which a copy is being made is as free as any. */
static void test_copying(void) {
    struct own own;
    rm_memory_t *made;
    void *pointer;
    open_own(&own, SIZE, RM_THREADS_SAFE, false);
    struct table *t = &own.h->store.table;
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(rm_heap_alloc(own.heap, &made, 40, 0, 0), ==, RM_OK);
        uint32_t slot = handle_slot((uintptr_t)made);
        table_set(t, slot, entry_with_locks(table_entry(t, slot), LOCKS_COPYING));
        if (i == 0) {
            g_assert_cmpint(rmlock(made, &pointer), ==, RM_OK);
            g_assert_cmpint(rmunlock(made), ==, RM_OK);
        }
        g_assert_cmpint(rmfree(made), ==, RM_OK);
        g_assert_cmpint(rmlock(made, &pointer), ==, RM_EHANDLE);
    }
    g_assert_cmpint(rm_heap_check(own.heap, NULL), ==, RM_OK);
    close_own(&own);
}

/* Read sections are counted as far as a counter goes. */
static void test_sections(void) {
    for (unsigned i = 0; i < 3; i++) {
        struct own own;
        open_own(&own, SIZE, i == 0 ? RM_THREADS_NONE : RM_THREADS_SAFE, i == 2);
        g_assert_cmpint(rm_heap_hold(own.heap), ==, RM_OK);
        struct cache *c = threads_cache(registry_live(tag_of(&own)));
        uint32_t *open = i == 0 ? &registry_crowd_of(tag_of(&own))->held : &c->depth;
        g_assert_cmpuint(*open, ==, 1);
        *open = INT32_MAX;
        g_assert_cmpint(rm_heap_hold(own.heap), ==, RM_EOVERFLOW);
        *open = 1;
        g_assert_cmpint(rm_heap_release(own.heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_release(own.heap), ==, RM_EUNLOCKED);
        close_own(&own);
    }
}

/* Nobody has read here: there is nothing to be ended. */
static void test_never_held(void) {
    struct own own;
    open_own(&own, SIZE, RM_THREADS_SAFE, true);
    g_assert_cmpint(rm_heap_release(own.heap), ==, RM_EUNLOCKED);
    close_own(&own);
}

/* Medium blocks, where there are lists of them and where there are not; of what is no heap at all. */
static void test_medium(void) {
    for (size_t size = 64 << 10; size <= SIZE; size *= 8) {
        struct own own;
        rm_memory_t *first, *second;
        open_own(&own, size, RM_THREADS_NONE, false);
        g_assert_cmpint(rm_heap_alloc(own.heap, &first, 1000, 0, 0), ==, RM_OK);
        g_assert_cmpint(rmfree(first), ==, RM_OK);
        g_assert_cmpint(rm_heap_alloc(own.heap, &second, 1000, 0, 0), ==, RM_OK);
        g_assert_true(second != first);
        g_assert_cmpint(rm_heap_check(own.heap, NULL), ==, RM_OK);
        rm_heap_t *wrong = (rm_heap_t *)((uintptr_t)own.heap | 3);
        g_assert_cmpint(rm_heap_alloc(wrong, &first, 1000, 0, 0), ==, RM_EINVAL);
        g_assert_cmpint(rm_heap_alloc(NULL, &first, 1000, 0, 0), ==, RM_OK);
        g_assert_cmpint(rmfree(first), ==, RM_OK);
        close_own(&own);
    }
}

/* --- guarded heaps --- */

/* A thread has read in a heap, which is found to be damaged before the thread ends: what was the thread's is
   nobody's then, or the heap could not be looked at, nor ended. */
struct turn {
    struct own own;
    pthread_barrier_t barrier;
};
static void *read_and_end(void *context) {
    struct turn *turn = context;
    g_assert_cmpint(rm_heap_hold(turn->own.heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_release(turn->own.heap), ==, RM_OK);
    pthread_barrier_wait(&turn->barrier);
    pthread_barrier_wait(&turn->barrier);
    return NULL;
}
static void test_reader_ends(void) {
    struct turn turn;
    pthread_t thread;
    pthread_barrier_init(&turn.barrier, NULL, 2);
    open_own(&turn.own, SIZE, RM_THREADS_SAFE, true);
    g_assert_cmpint(pthread_create(&thread, NULL, read_and_end, &turn), ==, 0);
    pthread_barrier_wait(&turn.barrier);
    turn.own.h->store.requested ^= 64;
    g_assert_cmpint(rm_heap_trim(turn.own.heap), ==, RM_ECORRUPT);
    pthread_barrier_wait(&turn.barrier);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    g_assert_null(registry_crowd_of(tag_of(&turn.own))->caches);
    g_assert_cmpint(rm_heap_check(turn.own.heap, NULL), ==, RM_ECORRUPT);
    close_own(&turn.own);
    pthread_barrier_destroy(&turn.barrier);
}

/* A proof fails, in a heap with fences and in one without: that is left as it is. */
static void test_checked(void) {
    for (unsigned i = 0; i < 4; i++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        rm_heap_t *heap;
        rm_memory_t *made;
        rm_fault_t fault;
        options.threads = i / 2 ? RM_THREADS_NONE : RM_THREADS_SAFE;
        options.fence_every = i % 2;
        g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
        g_assert_cmpint(rm_heap_alloc(heap, &made, 100, 0, 0), ==, RM_OK);
        struct heap *h =
            (struct heap *)registry_sign.places[registry_place((uintptr_t)heap >> 4)]
                .gate.heap;
        h->store.requested += 8;
        for (unsigned k = 0; k < 2; k++) {
            g_assert_cmpint(rm_heap_check(heap, &fault), ==, RM_ECORRUPT);
            g_assert_cmpuint(fault.invariant, ==, 9);
        }
        h->store.requested -= 8;
        g_assert_cmpint(rm_heap_check(heap, &fault), ==, RM_OK);
        g_assert_cmpint(rmfree(made), ==, RM_OK);
        g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
    }
}

/* The same of several, while the heap is looked at: what they take from it is not looked at any more. */
static void test_readers_end(void) {
    enum { READERS = 8, ROUNDS = 20 };
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct turn turn;
        pthread_t readers[READERS];
        open_own(&turn.own, SIZE, RM_THREADS_SAFE, false);
        pthread_barrier_init(&turn.barrier, NULL, READERS + 1);
        for (unsigned i = 0; i < READERS; i++)
            g_assert_cmpint(pthread_create(&readers[i], NULL, read_and_end, &turn), ==,
                            0);
        pthread_barrier_wait(&turn.barrier);
        turn.own.h->store.table.room ^= 2;
        g_assert_cmpint(rm_heap_trim(turn.own.heap), ==, RM_ECORRUPT);
        turn.own.h->store.table.room ^= 2; /* nothing is seen: all is looked at */
        pthread_barrier_wait(&turn.barrier);
        for (unsigned i = 0; i < READERS; i++)
            g_assert_cmpint(rm_heap_check(turn.own.heap, NULL), ==, RM_ECORRUPT);
        for (unsigned i = 0; i < READERS; i++)
            g_assert_cmpint(pthread_join(readers[i], NULL), ==, 0);
        pthread_barrier_destroy(&turn.barrier);
        close_own(&turn.own);
    }
}

/* No memory for fences: there is no heap, and the caller's memory is as good as before. */
static void test_no_fence(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap = NULL;
    struct rlimit was, none;
    options.memory = g_malloc(SIZE);
    options.size = SIZE;
    options.fence_every = 2;
    g_assert_cmpint(getrlimit(RLIMIT_AS, &was), ==, 0);
    none = was;
    none.rlim_cur = 4096;
    g_assert_cmpint(setrlimit(RLIMIT_AS, &none), ==, 0);
    rm_status_t status = rm_heap_create(&heap, &options);
    g_assert_cmpint(setrlimit(RLIMIT_AS, &was), ==, 0);
    g_assert_cmpint(status, ==, RM_ESYSTEM);
    g_assert_null(heap);
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
    g_free(options.memory);
}

/* A program ends while somebody is inside of a guarded heap: it does not wait for that. */
static void test_end_inside(void) {
    int status;
    fflush(NULL);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        rm_heap_t *heap;
        alarm(20);
        options.fence_every = 1;
        if (rm_heap_create(&heap, &options) != RM_OK) exit(1);
        const struct place *p =
            &registry_sign.places[registry_place((uintptr_t)heap >> 4)];
        pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&p->mutex);
        exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

/* A forked child has heaps that are guarded, and those that have been found to be damaged, as they are. */
static void test_fork(void) {
    struct own sealed, frozen;
    int status;
    open_own(&sealed, SIZE, RM_THREADS_SAFE, true);
    open_own(&frozen, SIZE, RM_THREADS_SAFE, false);
    frozen.h->store.table.room ^= 2;
    g_assert_cmpint(rm_heap_trim(frozen.heap), ==, RM_ECORRUPT);
    fflush(NULL);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        rm_memory_t *made;
        alarm(20);
        if (rm_heap_alloc(sealed.heap, &made, 100, 0, 0) != RM_OK ||
            rm_heap_check(sealed.heap, NULL) != RM_OK ||
            rm_heap_alloc(frozen.heap, &made, 100, 0, 0) != RM_ECORRUPT)
            _exit(1);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    close_own(&sealed);
    close_own(&frozen);
}

static void *nothing(void *context) { return context; }

int main(int argc, char **argv) {
    pthread_t thread;
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    SITE_ADD("/corners/put", test_put, NULL);
    SITE_ADD("/corners/spill", test_spill, NULL);
    SITE_ADD("/corners/more", test_more, NULL);
    SITE_ADD("/corners/slots", test_slots, NULL);
    /* From the first thread on mutexes are taken, and threads keep something. */
    g_assert_cmpint(pthread_create(&thread, NULL, nothing, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    g_test_add_func("/corners/stopped", test_stopped);
    g_test_add_func("/corners/zero", test_zero);
    g_test_add_func("/corners/copying", test_copying);
    g_test_add_func("/corners/sections", test_sections);
    g_test_add_func("/corners/never-held", test_never_held);
    g_test_add_func("/corners/medium", test_medium);
    g_test_add_func("/corners/reader-ends", test_reader_ends);
    g_test_add_func("/corners/readers-end", test_readers_end);
    g_test_add_func("/corners/checked", test_checked);
    g_test_add_func("/corners/no-fence", test_no_fence);
    g_test_add_func("/corners/end-inside", test_end_inside);
    g_test_add_func("/corners/fork", test_fork);
    return g_test_run();
}
