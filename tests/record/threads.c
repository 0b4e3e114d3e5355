/* SPDX-License-Identifier: MIT */
/*
 * Threads, signal handlers, libraries that are loaded later.
 */
#include "calls.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "rmrecord.h"

#define THREADS 4
#define ROUNDS 30000
#define SHARED 32 /* few, so that all addresses are given from thread to thread */

static void *_Atomic shared[SHARED];

static void *hammer(void *number) {
    uint64_t random = (uintptr_t)number + 1;

    for (int i = 0; i < ROUNDS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        void *_Atomic *place = &shared[random >> 40 & (SHARED - 1)];
        size_t size = (random >> 50) + 1;
        void *block = atomic_exchange(place, NULL);
        if (!block)
            block = random & 1 << 20 ? malloc(size) : calloc(1, size);
        else if (random & 3 << 20)
            block = realloc(block, size * (random >> 30 & 7) + 1);
        else {
            free(block);
            block = NULL;
        }
        free(atomic_exchange(place, block));
    }
    return NULL;
}

void run_threads(void) {
    pthread_t threads[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, hammer, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < SHARED; i++) free(shared[i]);
}

/* The handler allocates, at any time but while this program does: glibc's malloc cannot
   be entered twice, so the recorder alone is what it interrupts. */
static volatile sig_atomic_t handled;
static void *volatile held;

static void on_alarm(int number) {
    for (int i = 0; i < 20; i++) {
        free(held);
        held = malloc(100);
    }
    handled++;
}

void run_signal(void) {
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    char *block = malloc(10);

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    while (handled < 2000) {
        rmrecord_locked(block);
        rmrecord_unlocked(block);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    free(block);
}

/* What is loaded allocates in its constructor, in a call, and in its destructor. */
void run_dlopen(void) {
    char path[4096];
    const char *slash = strrchr(program_path, '/');

    path[0] = '\0';
    if (slash) strncat(path, program_path, (size_t)(slash + 1 - program_path));
    strcat(path, "loaded.so");
    for (int i = 0; i < 3; i++) {
        void *library = dlopen(path, RTLD_NOW);
        if (!library) abort();
        void *(*make)(void) = (void *(*)(void))(uintptr_t)dlsym(library, "loaded_make");
        free(make());
        dlclose(library);
    }
}

/* Nested locks; one that a free ends. */
void run_locks(void) {
    char *block = malloc(100), *other = malloc(200);

    for (int i = 0; i < 10; i++) {
        rmrecord_locked(block);
        rmrecord_locked(block);
        rmrecord_unlocked(block);
        rmrecord_unlocked(block);
    }
    rmrecord_locked(other);
    rmrecord_unlocked(block);
    rmrecord_unlocked(NULL);
    free(other);
    free(block);
}
