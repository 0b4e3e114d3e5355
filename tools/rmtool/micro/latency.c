/* SPDX-License-Identifier: MIT */
#include "micro/latency.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/chance.h"
#include "base/clock.h"
#include "base/say.h"

enum {
    BLOCKS = 16384,      /* of each of the two threads */
    SMALL_LEAST = 16,    /* bytes, and 8 octaves: to 4095 */
    LARGE_LEAST = 16384, /* and 4: to 256 KiB */
    LARGE_EVERY = 512,   /* blocks, one is large */
    BURST = 100,         /* replacements of the other thread between two rests */
    REST_NS = 100000,
    SLICE = 64, /* of the application's, between two looks at whether it is over */
};

/* A thread and its blocks. */
struct user {
    rm_heap_t *heap;
    struct chance chance;
    rm_memory_t *blocks[BLOCKS];
    rm_status_t status; /* the first that was not RM_OK */
    bool over;          /* to be seen by the other thread */
};

struct scene {
    struct user application, other;
    rm_heap_t *heap;
    pthread_t thread;
    cpu_set_t all, one, rest; /* processors */
    bool crowded;             /* there is one for the other thread, too */
};

static void note(struct user *user, rm_status_t status) {
    if (user->status == RM_OK) user->status = status;
}

static size_t size_of_next(struct user *user) {
    if (chance_below(&user->chance, LARGE_EVERY) == 0)
        return chance_log_uniform(&user->chance, LARGE_LEAST, 4);
    return chance_log_uniform(&user->chance, SMALL_LEAST, 8);
}

static rm_memory_t **any(struct user *user) {
    return &user->blocks[chance_below(&user->chance, BLOCKS)];
}

static void write_to(struct user *user, rm_memory_t *handle) {
    void *pointer;
    rm_status_t status = rmlock(handle, &pointer);

    note(user, status);
    if (status != RM_OK) return;
    *(volatile unsigned char *)pointer = 1;
    note(user, rmunlock(handle));
}

static void replace(struct user *user) {
    rm_memory_t **block = any(user);

    note(user, rmfree(*block));
    note(user, rm_heap_alloc(user->heap, block, size_of_next(user), 0, 0));
    write_to(user, *block);
}

/* ------------------------------------------------------------- the other thread */

static void *run_other(void *context) {
    struct user *user = context;
    const struct timespec rest = {.tv_nsec = REST_NS};

    while (!__atomic_load_n(&user->over, __ATOMIC_RELAXED) && user->status == RM_OK) {
        for (int i = 0; i < BURST && user->status == RM_OK; i++) replace(user);
        nanosleep(&rest, NULL);
    }
    return NULL;
}

/* -------------------------------------------------------------- the application */

/* Times what is to be counted; others' clocks end where its own begin. */
static void run_slice(struct user *user, struct histogram times[LATENCY_CALLS]) {
    for (int i = 0; i < SLICE && user->status == RM_OK; i++) {
        uint64_t at[5];
        void *pointer;
        rm_memory_t *read = *any(user), **replaced = any(user);
        size_t size = size_of_next(user);

        at[0] = clock_wall_ns();
        at[1] = clock_wall_ns();
        rm_status_t status = rmlock(read, &pointer);
        at[2] = clock_wall_ns();
        note(user, status);
        if (status != RM_OK) return;
        *(volatile unsigned char *)pointer = 1;
        note(user, rmunlock(read));
        note(user, rmfree(*replaced));
        at[3] = clock_wall_ns();
        note(user, rm_heap_alloc(user->heap, replaced, size, 0, 0));
        at[4] = clock_wall_ns();
        write_to(user, *replaced);
        histogram_add(&times[LATENCY_CLOCK], at[1] - at[0]);
        histogram_add(&times[LATENCY_LOCK], at[2] - at[1]);
        histogram_add(&times[LATENCY_ALLOC], at[4] - at[3]);
    }
}

static void run_clock(struct histogram *times) {
    for (int i = 0; i < SLICE; i++) {
        uint64_t first = clock_wall_ns(), second = clock_wall_ns();
        histogram_add(times, second - first);
    }
}

/* Warms up into histograms that nobody looks at. */
static void run_application(struct latency *latency, struct user *user,
                            struct histogram warm[LATENCY_CALLS]) {
    uint64_t began = clock_wall_ns(), now = began;
    uint64_t counts_from = began + latency->run_ns / 4;
    uint64_t ends = counts_from + latency->run_ns;

    while (now < ends && (!user || user->status == RM_OK)) {
        struct histogram *times = now < counts_from ? warm : latency->times;
        if (user)
            run_slice(user, times);
        else
            run_clock(&times[LATENCY_CLOCK]);
        now = clock_wall_ns();
    }
    latency->wall_ns += now - began;
}

/* ------------------------------------------------------------------- the scene */

/* The last processor for the application; the others for the library's thread, and, where there are two or
   more of them, for the other thread. It does not share one with the library's: who has a mutex when its
   processor goes to somebody else keeps all others waiting, and what would be measured is the scheduler. */
static void share_processors(struct scene *scene) {
    int last = -1;

    CPU_ZERO(&scene->one);
    if (sched_getaffinity(0, sizeof(scene->all), &scene->all) != 0) CPU_ZERO(&scene->all);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &scene->all)) last = i;
    scene->rest = scene->all;
    if (CPU_COUNT(&scene->all) > 1) CPU_CLR(last, &scene->rest);
    if (last >= 0) CPU_SET(last, &scene->one);
    scene->crowded = CPU_COUNT(&scene->rest) > 1;
}

/* Of this thread, and of those that it makes from now on. */
static void run_on(const cpu_set_t *set) {
    if (CPU_COUNT(set) > 0) sched_setaffinity(0, sizeof(*set), set);
}

static void fill(struct user *user, rm_heap_t *heap, uint64_t seed) {
    user->heap = heap;
    user->chance = chance_of(seed);
    for (int i = 0; i < BLOCKS && user->status == RM_OK; i++) {
        note(user, rm_heap_alloc(heap, &user->blocks[i], size_of_next(user), 0, 0));
        if (user->status == RM_OK) write_to(user, user->blocks[i]);
    }
}

static rm_status_t create_heap(struct scene *scene, const struct latency *latency) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    options.compaction = latency->policy;
    if (latency->policy == RM_COMPACT_BACKGROUND) /* always something to do */
        options.watermarks.fragmentation_high = 1e-9;
    return rm_heap_create(&scene->heap, &options);
}

static int play(struct scene *scene, struct latency *latency, struct histogram *warm) {
    struct user *application = &scene->application, *other = &scene->other;

    fill(application, scene->heap, 2 * latency->seed);
    fill(other, scene->heap, 2 * latency->seed + 1);
    int error =
        scene->crowded ? pthread_create(&scene->thread, NULL, run_other, other) : 0;
    if (error) return complain(STATUS_IO, "no second thread: %s", strerror(error));
    run_on(&scene->one);
    run_application(latency, application, warm);
    run_on(&scene->rest);
    __atomic_store_n(&other->over, true, __ATOMIC_RELAXED);
    if (scene->crowded) pthread_join(scene->thread, NULL);
    note(application, other->status);
    note(application, rm_heap_stats_quick(scene->heap, &latency->stats));
    if (application->status == RM_OK) return STATUS_OK;
    return complain(STATUS_FOUND, "a call beside compaction: %s",
                    rm_strerror(application->status));
}

int latency_run(struct latency *latency) {
    struct scene *scene = calloc(1, sizeof(*scene));
    struct histogram *warm = calloc(LATENCY_CALLS, sizeof(*warm));
    int status = STATUS_OK;

    if (!scene || !warm) {
        free(scene);
        free(warm);
        return complain(STATUS_IO, "no memory for a run");
    }
    share_processors(scene);
    if (latency->alone) {
        run_on(&scene->one);
        run_application(latency, NULL, warm);
    } else {
        run_on(&scene->rest); /* a thread of the library's begins in rm_heap_create */
        rm_status_t created = create_heap(scene, latency);
        if (created == RM_OK)
            status = play(scene, latency, warm);
        else
            status = complain(STATUS_FOUND, "rm_heap_create: %s", rm_strerror(created));
        if (created == RM_OK) rm_heap_destroy(scene->heap);
    }
    run_on(&scene->all);
    free(scene);
    free(warm);
    return status;
}
