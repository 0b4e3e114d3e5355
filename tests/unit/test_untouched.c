/* SPDX-License-Identifier: MIT */
/*
 * What is left alone: in a fork the mutex of a heap that is not shared, or has been left for good; such a heap, when a
 * thread ends that had something of it; what wakes others, where a call has come with a handle that is stale. And what
 * there is already is used, and no other asked for.
 */
#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call.h"
#include "inject.h"

enum { REGION = 4 << 20, HEAPS = 4 };

/* --- mutexes that are given back --- */

static pthread_mutex_t *mutexes[HEAPS];
static unsigned n_given[HEAPS];

int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex) {
    for (unsigned i = 0; i < HEAPS; i++) n_given[i] += mutex == mutexes[i];
    return __real_pthread_mutex_unlock(mutex);
}

/* --- heaps --- */

struct made {
    char *memory;
    rm_heap_t *heap;
    uint64_t tag;
    struct place *place;
};

static struct made make_heap(rm_threads_t threads, bool integrity) {
    struct made m = {.memory = g_malloc0(REGION)};
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.memory = m.memory;
    options.size = REGION;
    options.threads = threads;
    options.integrity = integrity;
    g_assert_cmpint(rm_heap_create(&m.heap, &options), ==, RM_OK);
    g_assert_cmpint(call_tag(m.heap, &m.tag), ==, RM_OK);
    m.place = (struct place *)(uintptr_t)&registry_sign.places[registry_place(m.tag)];
    return m;
}
static void end_heap(const struct made *m) {
    g_assert_cmpint(rm_heap_destroy(m->heap), ==, RM_OK);
    g_free(m->memory);
}
static rm_memory_t *make_block(const struct made *m, size_t size) {
    rm_memory_t *block = NULL;
    g_assert_cmpint(rm_heap_alloc(m->heap, &block, size, 0, 0), ==, RM_OK);
    return block;
}
/* The calling thread keeps something of it. */
static void keep(const struct made *m) {
    g_assert_cmpint(rmfree(make_block(m, 40)), ==, RM_OK);
}
/* It is left for good, as if it had been found to be damaged. */
static void freeze(const struct made *m) {
    struct access a;
    g_assert_true(registry_enter(m->tag, &a));
    g_assert_cmpint(registry_freeze(&a), ==, RM_ECORRUPT);
}

/* --- fork --- */

static const struct registry_fork *others;
static unsigned n_before, n_after, n_child;
static void before(void) {
    n_before++;
    if (others != NULL) others->before();
}
static void after(void) {
    n_after++;
    if (others != NULL) others->after();
}
static void in_child(void) {
    n_child++;
    if (others != NULL) others->in_child();
}

/* What is taken before is given back after, and nothing else; and who is to be told is. */
static void test_fork(void) {
    static const struct registry_fork mine = {before, after, in_child};
    static const unsigned wanted[HEAPS] = {0, 1, 1, 1};
    struct made heaps[HEAPS] = {
        make_heap(RM_THREADS_NONE, false), make_heap(RM_THREADS_SAFE, false),
        make_heap(RM_THREADS_SAFE, false), make_heap(RM_THREADS_SAFE, true)};
    int status;
    for (unsigned i = 0; i < HEAPS; i++) keep(&heaps[i]);
    freeze(&heaps[2]);
    for (unsigned i = 0; i < HEAPS; i++) mutexes[i] = &heaps[i].place->mutex;
    memset(n_given, 0, sizeof n_given);
    others = registry_fork;
    registry_fork = &mine;
    fflush(NULL);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    bool right = memcmp(n_given, wanted, sizeof wanted) == 0 && n_before == 1;
    if (child == 0) _exit(right && n_child == 1 && n_after == 0 ? 0 : 1);
    registry_fork = others;
    memset(mutexes, 0, sizeof mutexes);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    g_assert_true(right);
    g_assert_true(n_child == 0 && n_after == 1);
    for (unsigned i = 0; i < HEAPS; i++) end_heap(&heaps[i]);
}

/* --- a thread ends --- */

struct turn {
    struct made m;
    pthread_barrier_t barrier;
};
static void *keep_until(void *context) {
    struct turn *turn = context;
    keep(&turn->m);
    g_assert_cmpuint(cache_bytes(threads_cache(registry_live(turn->m.tag))), >, 0);
    pthread_barrier_wait(&turn->barrier);
    pthread_barrier_wait(&turn->barrier);
    return NULL;
}

/* What it had of a heap that has been left for good stays where it was. */
static void test_thread_ends(void) {
    struct turn turn = {.m = make_heap(RM_THREADS_SAFE, false)};
    pthread_t thread;
    pthread_barrier_init(&turn.barrier, NULL, 2);
    g_assert_cmpint(pthread_create(&thread, NULL, keep_until, &turn), ==, 0);
    pthread_barrier_wait(&turn.barrier);
    freeze(&turn.m);
    char *was = g_memdup2(turn.m.memory, REGION);
    pthread_barrier_wait(&turn.barrier);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    g_assert_cmpmem(turn.m.memory, REGION, was, REGION);
    g_assert_null(turn.m.place->crowd.caches);
    g_free(was);
    pthread_barrier_destroy(&turn.barrier);
    end_heap(&turn.m);
}

/* --- what there is --- */

static unsigned count_mine(void) {
    unsigned n = 0;
    for (unsigned i = 0; i < THREADS_CACHES; i++)
        for (const struct cache *c = threads_mine[i]; c != NULL; c = c->chain) n++;
    return n;
}

/* What a thread had of a heap that has gone is the next one's; and the key by which its end is seen is that of all. */
static void *use_two(void *context) {
    struct made heaps[THREADS_CACHES + 1];
    unsigned n = 1, keys = injected->asked[REQUEST_KEY];
    heaps[0] = make_heap(RM_THREADS_SAFE, false);
    keep(&heaps[0]);
    unsigned chain = registry_place(heaps[0].tag) % THREADS_CACHES;
    g_assert_cmpuint(count_mine(), ==, 1);
    const struct cache *c = threads_mine[chain];
    do {
        g_assert_cmpuint(n, <=, THREADS_CACHES);
        heaps[n++] = make_heap(RM_THREADS_SAFE, false);
    } while (registry_place(heaps[n - 1].tag) % THREADS_CACHES != chain);
    end_heap(&heaps[0]);
    keep(&heaps[n - 1]);
    g_assert_cmpuint(count_mine(), ==, 1);
    g_assert_true(threads_cache(registry_live(heaps[n - 1].tag)) == c);
    keep(&heaps[1]);
    g_assert_cmpuint(injected->asked[REQUEST_KEY], ==, keys);
    while (n > 1) end_heap(&heaps[--n]);
    return context;
}

static void test_used(void) {
    struct made m = make_heap(RM_THREADS_SAFE, false);
    pthread_t thread;
    keep(&m); /* there is a key */
    g_assert_cmpuint(injected->asked[REQUEST_KEY], >, 0);
    g_assert_cmpint(pthread_create(&thread, NULL, use_two, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    end_heap(&m);
}

/* --- a call that has done nothing wakes nobody --- */

static void test_stale(void) {
    struct made m = make_heap(RM_THREADS_SAFE, false);
    struct watch watch = {.marks = {.free_low = SIZE_MAX}};
    rm_memory_t *stale = make_block(&m, 5000), *block = make_block(&m, 5000);
    g_assert_cmpint(rmfree(stale), ==, RM_OK);
    m.place->watch = &watch;
    g_assert_cmpint(rmrealloc(stale, 100), ==, RM_EHANDLE);
    g_assert_false(watch.awake);
    g_assert_cmpint(rmrealloc(block, 100), ==, RM_OK);
    g_assert_true(watch.awake);
    m.place->watch = NULL;
    end_heap(&m);
}

static void *nothing(void *context) { return context; }

int main(int argc, char **argv) {
    pthread_t thread;
    g_test_init(&argc, &argv, NULL);
    /* From the first thread on mutexes are taken, and threads keep something. */
    g_assert_cmpint(pthread_create(&thread, NULL, nothing, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    g_test_add_func("/untouched/fork", test_fork);
    g_test_add_func("/untouched/thread-ends", test_thread_ends);
    g_test_add_func("/untouched/used", test_used);
    g_test_add_func("/untouched/stale", test_stale);
    return g_test_run();
}
