/* SPDX-License-Identifier: MIT */
/*
 * What a heap, and what is noted of its threads, count after calls: no block is had twice, none is lost, a call that
 * succeeds has not failed, and who reads is counted once.
 */
#include <glib.h>
#include <pthread.h>
#include <unistd.h>

#include "call.h"
#include "motion.h"

enum { REGION = 4 << 20 };

struct made {
    rm_heap_t *heap;
    uint64_t tag;
    struct place *place;
    struct heap *h;
};

static struct made look_at(rm_heap_t *heap) {
    struct made m = {.heap = heap};
    g_assert_cmpint(call_tag(heap, &m.tag), ==, RM_OK);
    m.place = (struct place *)(uintptr_t)&registry_sign.places[registry_place(m.tag)];
    m.h = (struct heap *)m.place->gate.heap;
    return m;
}
static struct made make_heap(size_t size, rm_threads_t threads, bool integrity) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    options.size = size;
    options.threads = threads;
    options.integrity = integrity;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    return look_at(heap);
}
static void end_heap(const struct made *m) {
    g_assert_cmpint(rm_heap_destroy(m->heap), ==, RM_OK);
}
static rm_memory_t *make(const struct made *m, size_t size) {
    rm_memory_t *block = NULL;
    g_assert_cmpint(rm_heap_alloc(m->heap, &block, size, 0, 0), ==, RM_OK);
    g_assert_nonnull(block);
    return block;
}

static void *nothing(void *context) { return context; }
/* From the first thread on mutexes are taken, and threads keep something. */
static void begin_threads(void) {
    pthread_t thread;
    g_assert_cmpint(pthread_create(&thread, NULL, nothing, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

/* --- blocks --- */

/* Of each request there is one block, from the default heap and from any other. */
static void test_blocks(void) {
    enum { BLOCKS = 500 };
    for (unsigned own = 0; own < 2; own++) {
        struct made m =
            own ? make_heap(REGION, RM_THREADS_SAFE, false) : look_at(rm_heap_default());
        rm_stats_t stats;
        rm_memory_t *block;
        for (unsigned i = 0; i < BLOCKS; i++) {
            size_t size = i % 5 * 150 + 1;
            if (own)
                make(&m, size);
            else
                g_assert_cmpint(rmalloc(&block, (ssize_t)size), ==, RM_OK);
        }
        g_assert_cmpint(rm_heap_stats(m.heap, &stats), ==, RM_OK);
        g_assert_cmpuint(stats.live_blocks, ==, BLOCKS);
        g_assert_cmpuint(stats.failures, ==, 0);
        end_heap(&m);
    }
}

/* What the thread has of its own comes first, though the heap has some that rest. */
static void test_first(void) {
    enum { BLOCKS = 300 };
    rm_memory_t *blocks[BLOCKS];
    begin_threads();
    struct made m = make_heap(REGION, RM_THREADS_SAFE, false);
    make(&m, 1);
    const struct cache *c = threads_cache(registry_live(m.tag));
    for (size_t size = 1; size <= 40;
         size += 39) { /* as many as there is room for, or as may be kept */
        for (unsigned i = 0; i < BLOCKS; i++) blocks[i] = make(&m, size);
        for (unsigned i = 0; i < BLOCKS; i++) {
            g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
            g_assert_cmpuint(c->n[class_of(size)], <=, CACHE_SMALL);
        }
    }
    unsigned n = c->n[class_of(40)];
    g_assert_cmpuint(n, <, BLOCKS / 2);
    make(&m, 40);
    g_assert_cmpuint(c->n[class_of(40)], ==, n - 1);
    end_heap(&m);
}

/* Whoever has been kept out frees inside, and lets all in again. */
static void test_halted(void) {
    static const size_t sizes[] = {40, 1000};
    begin_threads();
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct made m = make_heap(REGION, RM_THREADS_SAFE, false);
        rm_memory_t *block = make(&m, sizes[i]);
        cache_halt(&m.place->crowd);
        g_assert_true(m.place->crowd.stopped);
        g_assert_cmpint(rmfree(block), ==, RM_OK);
        g_assert_false(m.place->crowd.stopped);
        end_heap(&m);
    }
}

/* A size that can be had is asked for once. */
static void test_resized(void) {
    begin_threads();
    struct made m = make_heap(REGION, RM_THREADS_SAFE, false);
    rm_memory_t *block = make(&m, 40);
    rm_stats_t stats;
    g_assert_true(cache_any(&m.h->store));
    g_assert_cmpint(rmrealloc(block, 400), ==, RM_OK);
    g_assert_cmpint(rmrealloc(block, 30), ==, RM_OK);
    g_assert_true(cache_any(&m.h->store)); /* nobody's has been taken away */
    g_assert_cmpint(rmrealloc(block, 2 * REGION), ==, RM_ENOMEM);
    g_assert_cmpint(rm_heap_stats(m.heap, &stats), ==, RM_OK);
    g_assert_cmpuint(stats.failures, ==, 1);
    end_heap(&m);
}

/* With the last block all runs go that were kept for the next object of a size. */
static void test_kept(void) {
    struct made m = make_heap(REGION, RM_THREADS_NONE, false);
    rm_memory_t *large = make(&m, 100000), *small[4];
    for (unsigned i = 0; i < 4; i++) small[i] = make(&m, 40 + 100 * i);
    for (unsigned i = 0; i < 4; i++) g_assert_cmpint(rmfree(small[i]), ==, RM_OK);
    heap_settle(m.h);
    g_assert_cmpint(rmfree(large), ==, RM_OK);
    const struct area *a = &m.h->store.area;
    g_assert_cmpuint(m.h->store.table.n_taken, ==, 0);
    g_assert_cmpuint(a->free_units, ==, a->limit);
    end_heap(&m);
}

/* Nobody waits for a heap that is not between threads, whatever is counted: a budget is used. */
static void test_alone(void) {
    enum { BLOCKS = 200 };
    const rm_budget_t budget = {.bytes = 1 << 20};
    struct made m = make_heap(REGION, RM_THREADS_NONE, false);
    rm_memory_t *blocks[BLOCKS];
    rm_progress_t progress = {.complete = false};
    for (unsigned i = 0; i < BLOCKS; i++) blocks[i] = make(&m, 1000);
    for (unsigned i = 0; i < BLOCKS; i += 2)
        g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    atomic_store(&m.place->waiting, 1);
    g_assert_cmpint(rm_heap_compact(m.heap, &budget, &progress), ==, RM_OK);
    g_assert_cmpuint(progress.moved, >, 0);
    atomic_store(&m.place->waiting, 0);
    end_heap(&m);
}

/* --- threads --- */

/* So much a thread may keep: of a heap without a limit as much as of the largest. */
static void test_most(void) {
    static const struct {
        size_t size, most;
    } cases[] = {{0, CACHE_BYTES},
                 {CACHE_LEAST * CACHE_SHARE, CACHE_LEAST},
                 {CACHE_LEAST * CACHE_SHARE / 2, 0},
                 {(size_t)CACHE_BYTES * CACHE_SHARE, CACHE_BYTES}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct made m = make_heap(cases[i].size, RM_THREADS_SAFE, false);
        if (cases[i].size != 0 || m.h->asked == 0)
            g_assert_cmpuint(m.h->cache, ==, cases[i].most);
        g_assert_cmpuint(cache_most(cases[i].size), ==, cases[i].most);
        end_heap(&m);
    }
}

static void *read_twice(void *context) {
    const struct made *m = context;
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(rm_heap_hold(m->heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_hold(m->heap), ==, RM_OK);
        g_assert_cmpuint(m->place->crowd.holders, ==, 2);
        g_assert_true(motion_is_held(&m->h->store));
        g_assert_cmpint(rm_heap_release(m->heap), ==, RM_OK);
        g_assert_true(motion_is_held(&m->h->store));
        g_assert_cmpint(rm_heap_release(m->heap), ==, RM_OK);
        g_assert_false(motion_is_held(&m->h->store));
    }
    return NULL;
}
static void *keep(void *context) {
    g_assert_cmpint(rmfree(make(context, 40)), ==, RM_OK);
    return NULL;
}
/* A thread that has read is counted once, and not any more when it has ended. */
static void test_readers(void) {
    begin_threads();
    for (unsigned sealed = 0; sealed < 2; sealed++) {
        struct made m = make_heap(REGION, RM_THREADS_SAFE, sealed);
        pthread_t thread;
        g_assert_cmpint(rm_heap_hold(m.heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_release(m.heap), ==, RM_OK);
        g_assert_cmpuint(m.place->crowd.holders, ==, 1);
        if (!sealed)
            m.h->store.table.motion = 1; /* he waits for whoever moves something */
        g_assert_cmpint(rm_heap_hold(m.heap), ==, RM_OK);
        g_assert_cmpuint(m.h->store.table.motion, ==, 0);
        g_assert_cmpint(rm_heap_release(m.heap), ==, RM_OK);
        for (unsigned reads = 0; reads < 2; reads++) {
            g_assert_cmpint(pthread_create(&thread, NULL, reads ? read_twice : keep, &m),
                            ==, 0);
            g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
            g_assert_cmpuint(m.place->crowd.holders, ==, 1);
        }
        end_heap(&m);
    }
}

/* A thread that is inside of a heap does not take from another what it may be working at. */
static bool visit(const rm_span_t *span, void *context) {
    struct made *others = context;
    unsigned n = 0;
    (void)span;
    for (unsigned i = 0; i < 4; i++) {
        g_assert_cmpint(rm_heap_hold(others[i].heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_release(others[i].heap), ==, RM_OK);
    }
    for (unsigned i = 0; i < THREADS_CACHES; i++)
        for (const struct cache *c = threads_mine[i]; c != NULL; c = c->chain) n++;
    g_assert_cmpuint(n, ==, THREADS_CACHES + 4);
    return false;
}
static void *walk(void *context) {
    struct made *heaps = context;
    for (unsigned i = 0; i < THREADS_CACHES; i++) {
        g_assert_cmpint(rm_heap_hold(heaps[i].heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_release(heaps[i].heap), ==, RM_OK);
    }
    g_assert_cmpint(rm_heap_walk(heaps[0].heap, visit, heaps + THREADS_CACHES), ==,
                    RM_OK);
    return NULL;
}
static void test_inside(void) {
    enum { HEAPS = THREADS_CACHES + 4 };
    struct made heaps[HEAPS];
    pthread_t thread;
    begin_threads();
    for (unsigned i = 0; i < HEAPS; i++)
        heaps[i] = make_heap(REGION, RM_THREADS_SAFE, false);
    make(&heaps[0], 100);
    g_assert_cmpint(pthread_create(&thread, NULL, walk, heaps), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    for (unsigned i = 0; i < HEAPS; i++) end_heap(&heaps[i]);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    g_test_add_func("/counted/blocks", test_blocks);
    g_test_add_func("/counted/kept", test_kept);
    g_test_add_func("/counted/alone", test_alone);
    g_test_add_func("/counted/most", test_most);
    g_test_add_func("/counted/first", test_first);
    g_test_add_func("/counted/halted", test_halted);
    g_test_add_func("/counted/resized", test_resized);
    g_test_add_func("/counted/readers", test_readers);
    g_test_add_func("/counted/inside", test_inside);
    return g_test_run();
}
