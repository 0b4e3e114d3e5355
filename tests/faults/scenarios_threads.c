/* SPDX-License-Identifier: MIT */
/* Scenarios of threads: those of the program, the library's own, and what a fork makes of them. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenarios.h"
#include "world.h"

enum { BLOCKS = 60, SIZE_MOST = 4000, WAIT_NS = 1000 * 1000, WAITS = 20 };

/* A thread of the test's own, from beginning to end: one at a time runs. */
static void run_thread(void *(*body)(void *), void *context) {
    pthread_t thread;

    inject_suspend();
    int error = pthread_create(&thread, NULL, body, context);
    inject_resume();
    if (error != 0) wrong("no thread");
    pthread_join(thread, NULL);
}

static void churn(struct world *world, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        world_alloc(world, rng_below(&world->rng, SIZE_MOST), 0, 0);
    for (unsigned i = 0; i < n / 2 && world->n > 0; i++)
        world_free(world, (unsigned)rng_below(&world->rng, world->n));
}

/* What it keeps goes back at its end; it ends inside of a read section. */
static void *visit(void *context) {
    struct world *world = context;

    churn(world, BLOCKS);
    if (world_hold(world)) {
        world_compact(world, 0);
        world_release(world);
    }
    if (world->n > 1) world_lock(world, 0);
    churn(world, BLOCKS);
    world_hold(world);
    return NULL;
}

static rm_heap_options_t options_of(rm_compaction_t compaction) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    options.compaction = compaction;
    return options;
}

void scenario_threads(uint64_t seed, bool looked) {
    static struct world world;
    const rm_heap_options_t options = options_of(RM_COMPACT_ON_DEMAND);

    world_init(&world, seed, looked);
    if (world_create(&world, &options)) {
        churn(&world, BLOCKS); /* while there is one thread */
        run_thread(visit, &world);
        churn(&world, BLOCKS);
        run_thread(visit, &world);
        world_compact(&world, 0);
        world_trim(&world);
        bool held = world_hold(&world);
        churn(&world, BLOCKS);
        if (held) world_release(&world);
        while (!world_compact(&world, SIZE_MOST)) continue;
    }
    world_end(&world);
}

/* --- the background thread --- */

/* Until it has done something, or for a while: it may not be there. */
static void let_work(struct world *world) {
    const struct timespec nap = {0, WAIT_NS};
    rm_stats_t stats = {.background_steps = 0};
    size_t before;

    if (rm_heap_stats(world->heap, &stats) != RM_OK) wrong("rm_heap_stats fails");
    before = stats.background_steps;
    for (unsigned i = 0; i < WAITS && stats.background_steps == before; i++) {
        nanosleep(&nap, NULL);
        rm_heap_stats(world->heap, &stats);
    }
}

static void pause_and_resume(struct world *world) {
    if (rm_heap_pause(world->heap) != RM_OK) wrong("rm_heap_pause fails");
    world_verify(world);
    if (rm_heap_resume(world->heap) != RM_OK) wrong("rm_heap_resume fails");
}

void scenario_background(uint64_t seed, bool looked) {
    static struct world worlds[2];
    const rm_heap_options_t options = options_of(RM_COMPACT_BACKGROUND);
    for (unsigned i = 0; i < 2; i++) {
        struct world *world = &worlds[i];
        world_init(world, seed + i, false); /* to look is a race with the thread */
        if (!world_create(world, &options)) continue;
        for (unsigned k = 0; k < BLOCKS; k++) world_alloc(world, 3 * SIZE_MOST, 0, 0);
        for (unsigned k = world->n; k > 1; k -= 2) world_free(world, k - 2);
        let_work(world);
        pause_and_resume(world);
    }
    (void)looked;
    for (unsigned i = 0; i < 2; i++) world_end(&worlds[i]);
    /* Where it was refused it may be had now. */
    inject_end();
    rm_heap_t *heap;
    if (rm_heap_create(&heap, &options) != RM_OK || rm_heap_destroy(heap) != RM_OK)
        wrong("no background thread, and nothing is refused any more");
}

/* --- fork --- */

/* Everything is there, and works; the background thread too, as soon as it may begin. */
static void be_child(struct world *worlds) {
    struct world *world = &worlds[1];

    for (unsigned i = 0; i < 2; i++)
        if (worlds[i].heap != NULL) world_verify(&worlds[i]);
    if (world->heap != NULL) {
        churn(world, BLOCKS);
        for (unsigned k = world->n; k > 1; k -= 2)
            if (world->items[k - 2].locks == 0) world_free(world, k - 2);
        world_compact(world, 10000);
        inject_end();
        let_work(world);
    }
    for (unsigned i = 0; i < 2; i++) world_end(&worlds[i]);
}

void scenario_fork(uint64_t seed, bool looked) {
    static struct world worlds[2];
    int status;

    for (unsigned i = 0; i < 2; i++) {
        const rm_heap_options_t options =
            options_of(i ? RM_COMPACT_BACKGROUND : RM_COMPACT_ON_DEMAND);
        world_init(&worlds[i], seed, looked && i == 0);
        if (world_create(&worlds[i], &options)) churn(&worlds[i], BLOCKS);
    }
    if (worlds[0].heap != NULL) run_thread(visit, &worlds[0]);
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) wrong("no child");
    if (child == 0) {
        be_child(worlds);
        fflush(stdout);
        exit(0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        wrong("the child has ended with %d", status);
    for (unsigned i = 0; i < 2; i++) world_end(&worlds[i]);
}
