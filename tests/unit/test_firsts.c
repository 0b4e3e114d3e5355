/* SPDX-License-Identifier: MIT */
/*
 * What a process does once, when two threads do it at the same time: one of them is held up in the middle, by a
 * function of the system's that is the test's here, until the other has done it all.
 */
#include <glib.h>
#include <pthread.h>
#include <rmalloc.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../api/asleep.h"
#include "listed.h"
#include "os.h"
#include "threads.h"

/* --- the one that is held up --- */

static _Atomic bool armed, stopped, goes_on;
static _Atomic unsigned n_keys, n_keys_gone;

static void hold_up(void) {
    if (!atomic_exchange(&armed, false)) return;
    atomic_store(&stopped, true);
    while (!atomic_load(&goes_on)) sched_yield();
}

int __real_pthread_key_create(pthread_key_t *key, void (*end)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*end)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*end)(void *)) {
    n_keys++;
    hold_up();
    return __real_pthread_key_create(key, end);
}
int __real_pthread_key_delete(pthread_key_t key);
int __wrap_pthread_key_delete(pthread_key_t key);
int __wrap_pthread_key_delete(pthread_key_t key) {
    n_keys_gone++;
    return __real_pthread_key_delete(key);
}
pid_t __wrap_getpid(void);
pid_t __wrap_getpid(void) {
    hold_up();
    return (pid_t)syscall(SYS_getpid);
}

/* One thread is held up in `first`, while this one does all of it. */
static void race(void *(*first)(void *), void *context) {
    pthread_t thread;
    atomic_store(&stopped, false);
    atomic_store(&goes_on, false);
    atomic_store(&armed, true);
    g_assert_cmpint(pthread_create(&thread, NULL, first, context), ==, 0);
    while (!atomic_load(&stopped)) sched_yield();
    first(context);
    atomic_store(&goes_on, true);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
}

/* --- a key, by which a thread's end is seen: there is one --- */

static void *keep(void *context) {
    rm_memory_t *made;
    g_assert_cmpint(rm_heap_alloc(context, &made, 40, 0, 0), ==, RM_OK);
    g_assert_cmpint(rmfree(made), ==, RM_OK);
    return NULL;
}

static void test_key(void) {
    rm_heap_t *heap;
    g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
    unsigned before = n_keys, gone = n_keys_gone;
    race(keep, heap);
    g_assert_cmpuint(n_keys - before, ==, 2);
    g_assert_cmpuint(n_keys_gone - gone, ==, 1);
    /* The other thread has ended, and left nothing behind; what this one has is its own. */
    const struct cache *own = threads_cache(registry_live((uintptr_t)heap >> 4));
    g_assert_true(own != NULL);
    g_assert_true(registry_crowd_of((uintptr_t)heap >> 4)->caches == own);
    g_assert_null(own->next);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* --- a descriptor, by which pages move: there is one, or none where the system has no such thing --- */

static void *prepare(void *context) {
    size_t page = os_page();
    char *memory = os_reserve(page);
    g_assert_nonnull(memory);
    *(bool *)context = os_move_prepare(memory, page);
    os_unreserve(memory, page);
    return NULL;
}

static void test_mover(void) {
    bool can;
    unsigned before = n_descriptors();
    race(prepare, &can);
    g_assert_cmpuint(n_descriptors() - before, ==, can);
    prepare(&can);
    g_assert_cmpuint(n_descriptors() - before, ==, can);
}

/* --- the default heap --- */

/* A handler of the program's from before the library's runs when those of the library have been: the registry is
   theirs. */
static pthread_t racers[2];
static _Atomic pid_t ids[2];
static rm_heap_t *defaults[2];
static _Atomic bool forking;

static void *take_default(void *context) {
    unsigned i = (unsigned)(uintptr_t)context;
    atomic_store(&ids[i], (pid_t)syscall(SYS_gettid));
    defaults[i] = rm_heap_default();
    return NULL;
}

static void before_fork(void) {
    if (!atomic_load(&forking)) return;
    for (unsigned i = 0; i < 2; i++) {
        pid_t id;
        pthread_create(&racers[i], NULL, take_default, (void *)(uintptr_t)i);
        while ((id = atomic_load(&ids[i])) == 0 || !is_asleep(id)) sched_yield();
    }
}

__attribute__((constructor(101))) static void come_first(void) {
    pthread_atfork(before_fork, NULL, NULL);
}

/* A sanitizer that has its own locks in a fork lets no thread begin there. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Both have found that there is none, and wait to make it. */
static void test_default(void) {
    int status;
    if (SANITIZED) {
        g_test_skip("no thread can begin in a fork");
        return;
    }
    fflush(NULL);
    g_assert_cmpint(atomic_load(&registry_default_state), ==, 0);
    atomic_store(&forking, true);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) _exit(0);
    atomic_store(&forking, false);
    for (unsigned i = 0; i < 2; i++)
        g_assert_cmpint(pthread_join(racers[i], NULL), ==, 0);
    g_assert_nonnull(defaults[0]);
    g_assert_true(defaults[0] == defaults[1] && defaults[0] == rm_heap_default());
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    g_test_add_func("/firsts/default", test_default);
    g_test_add_func("/firsts/key", test_key);
    g_test_add_func("/firsts/mover", test_mover);
    return g_test_run();
}
