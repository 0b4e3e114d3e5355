/* SPDX-License-Identifier: MIT */
/* Scenarios of what a process has once: the registry, the default heap, a view, its beginning. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rmalloc_view.h>

#include "asleep.h"
#include "registry.h"
#include "scenarios.h"
#include "world.h"

/* --- the registry is full --- */

enum { GROWING = 12 };

void scenario_many(uint64_t seed, bool looked) {
    static rm_heap_t *heaps[RM_HEAPS_MAX];
    static struct world world;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    const size_t each = RM_HEAP_SIZE_MIN;
    unsigned n = 0;
    char *memory = malloc(each * RM_HEAPS_MAX);

    if (memory == NULL) wrong("no memory for the test");
    options.size = each;
    for (; n < RM_HEAPS_MAX - GROWING; n++) {
        options.memory = memory + n * each;
        if (rm_heap_create(&heaps[n], &options) != RM_OK)
            wrong("no heap in a region of the caller's");
    }
    options = (rm_heap_options_t)RM_HEAP_OPTIONS_INIT;
    for (unsigned refused = 0; n < RM_HEAPS_MAX && refused < GROWING;) {
        world_init(&world, seed, looked);
        if (world_create(&world, &options)) /* a place that was refused is not lost */
            heaps[n++] = world.heap;
        else
            refused++;
    }
    inject_end();
    while (n < RM_HEAPS_MAX)
        if (rm_heap_create(&heaps[n++], &options) != RM_OK) wrong("a place is lost");
    rm_heap_t *none = heaps[0];
    if (rm_heap_create(&none, &options) != RM_ENOMEM || none != NULL)
        wrong("one heap too many");
    rm_memory_t *block;
    if (rmalloc(&block, 100) != RM_OK || rmfree(block) != RM_OK)
        wrong("no default heap beside all others");
    for (unsigned i = 0; i < n; i++)
        if (rm_heap_destroy(heaps[i]) != RM_OK) wrong("rm_heap_destroy fails");
    rm_heap_destroy(rm_heap_default());
    free(memory);
}

/* --- the default heap --- */

void scenario_default(uint64_t seed, bool looked) {
    rm_memory_t *block = (rm_memory_t *)&block;
    rm_status_t status = RM_OK;
    rm_stats_t stats;

    (void)seed, (void)looked;
    for (unsigned i = 0; i < 3; i++) {
        errno = 0;
        inject_mark();
        if (i == 0) status = rmalloc(&block, 100);
        if (i == 1) status = rmcalloc(&block, 10, 10);
        if (i == 2) status = rm_heap_alloc(NULL, &block, 100, 0, 0);
        int why = errno;
        if (status == RM_OK && rmfree(block) != RM_OK) wrong("rmfree fails");
        if (status == RM_OK) continue;
        if (status != RM_ESYSTEM || block != NULL || !inject_gave(why))
            wrong("without a default heap: %d, errno %d", status, why);
    }
    errno = 0;
    inject_mark();
    rm_heap_t *heap = rm_heap_default();
    if (heap == NULL && !inject_gave(errno)) wrong("no default heap, errno %d", errno);
    errno = 0;
    status = rm_heap_stats(NULL, &stats);
    if (status != RM_OK && (status != RM_ESYSTEM || !inject_gave(errno)))
        wrong("the counters of a default heap that there is not: %d", status);
    if (status == RM_OK && rm_heap_destroy(rm_heap_default()) != RM_OK)
        wrong("the default heap cannot be destroyed");
    inject_end();
    if (rmalloc(&block, 100) != RM_OK) wrong("no default heap, later");
    if (rm_heap_destroy(rm_heap_default()) != RM_OK) wrong("it cannot be destroyed");
}

/* --- a view, of this process --- */

static bool read_own(uint64_t address, void *to, size_t size, void *context) {
    (void)context;
    memcpy(to, (const void *)(uintptr_t)address, size);
    return true;
}

static bool is_view_status(rm_view_status_t status, const char *call) {
    if (status == RM_VIEW_OK) return true;
    if (status != RM_VIEW_NO_MEMORY) wrong("%s: %s", call, rm_view_strerror(status));
    if (injected->n_refused == 0) wrong("%s is refused memory that there is", call);
    return false;
}

static bool go_on(const rm_span_t *span, void *context) {
    *(size_t *)context += span->kind == RM_SPAN_RESERVED ? 0 : span->size;
    return true;
}

static void look(rm_view_t *view, struct world *world) {
    rm_stats_t there, here;
    size_t sum = 0;

    if (!is_view_status(rm_view_copy(view, world->heap, NULL), "rm_view_copy")) {
        if (rm_view_stats(view, &there) != RM_VIEW_EINVAL) wrong("a copy that is none");
        return;
    }
    if (rm_view_settle(view, NULL) != RM_VIEW_OK) wrong("the copy is damaged");
    if (rm_view_stats(view, &there) != RM_VIEW_OK) wrong("a copy without counters");
    if (rm_view_walk(view, go_on, &sum) != RM_VIEW_OK) wrong("a copy without spans");
    if (rm_heap_stats(world->heap, &here) != RM_OK || sum != here.capacity ||
        there.live_blocks != world->n || there.requested != world->requested)
        wrong("the copy is not what there is");
}

static void *keep_some(void *context) {
    struct world *world = context;

    for (unsigned i = 0; i < 30; i++) world_alloc(world, i * 37 % 900, 0, 0);
    for (unsigned i = 0; i < 10; i++) world_free(world, 0);
    return NULL;
}

void scenario_view(uint64_t seed, bool looked) {
    static struct world worlds[3];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_view_t *view = NULL;
    pthread_t thread;
    unsigned heaps = 0;

    inject_suspend(); /* the heaps are there; it is the view that is refused */
    for (unsigned i = 0; i < 3; i++) {
        world_init(&worlds[i], seed + i, looked);
        if (world_create(&worlds[i], &options)) heaps++;
        if (i == 0 && pthread_create(&thread, NULL, keep_some, &worlds[0]) == 0)
            pthread_join(thread, NULL);
        if (i == 1) keep_some(&worlds[1]); /* this thread's cache */
        if (i == 2) world_alloc(&worlds[2], (size_t)40 << 20, 0, 0);
    }
    inject_resume();
    size_t kept = inject_kept();
    if (is_view_status(
            rm_view_open(&view, (uintptr_t)&registry_sign, read_own, NULL, NULL),
            "rm_view_open")) {
        rm_view_heap_t are[8];
        size_t n = 0;
        if (is_view_status(rm_view_heaps(view, are, 8, &n), "rm_view_heaps") &&
            n != heaps)
            wrong("%zu heaps, not %u", n, heaps);
        for (unsigned i = 0; i < 6; i++) look(view, &worlds[i % 3]);
        rm_view_forget(view);
        look(view, &worlds[1]);
        rm_view_close(view);
    } else if (view != NULL) {
        wrong("a view and no view");
    }
    if (inject_kept() != kept) wrong("a view that was closed has left a mapping");
    for (unsigned i = 0; i < 3; i++) world_end(&worlds[i]);
}

/* --- before main --- */

void scenario_loaded(void) {
    static struct world worlds[2];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    int status;

    for (unsigned i = 0; i < 2; i++) {
        options.compaction = i ? RM_COMPACT_BACKGROUND : RM_COMPACT_ON_DEMAND;
        world_init(&worlds[i], 1, false);
        if (!world_create(&worlds[i], &options)) continue;
        if (injected->asked[REQUEST_ATFORK] == injected->refused[REQUEST_ATFORK])
            wrong("a heap that a child would not have whole");
        for (unsigned k = 0; k < 20; k++) world_alloc(&worlds[i], 1000, 0, 0);
    }
    inject_end();
    /* A heap that there is comes whole to a child. */
    fflush(stdout);
    await_begun();
    pid_t child = fork();
    if (child < 0) wrong("no child");
    if (child == 0) {
        alarm(60); /* one's own is not handed on */
        for (unsigned i = 0; i < 2; i++) world_end(&worlds[i]);
        exit(0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        wrong("the child has ended with %d", status);
    for (unsigned i = 0; i < 2; i++) world_end(&worlds[i]);
    if (rm_heap_create(&worlds[0].heap, &options) != RM_OK ||
        rm_heap_destroy(worlds[0].heap) != RM_OK)
        wrong("no background thread, and nothing is refused any more");
}
