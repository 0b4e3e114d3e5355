/* SPDX-License-Identifier: MIT */
#include "compare/crowd.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "compare/seat.h"

#if RACE_INLINE_LOCKS
#include "rmalloc_inline.h"
#define LOCK rmlock_inline
#define UNLOCK rmunlock_inline
#else
#define LOCK rmlock
#define UNLOCK rmunlock
#endif

#define TOUCH_EVERY 64

static const struct shape *const shapes[CROWD_SHAPES] = {
    [CROWD_OWN] = &shape_own,
    [CROWD_LARSON] = &shape_larson,
    [CROWD_XMALLOC] = &shape_xmalloc,
    [CROWD_SH6] = &shape_sh6,
    [CROWD_LOCKS_OWN] = &shape_locks_own,
    [CROWD_LOCKS_BETWEEN] = &shape_locks_between,
    [CROWD_LOCKS_SAME] = &shape_locks_same,
};

/* Who waits for whom: the threads for the start, the first one for their ends. */
static pthread_barrier_t start;
static sem_t left;

/* ------------------------------------------------------------------- the blocks */

static void touch(void *block, size_t size) {
    unsigned char *bytes = block; /* others may do so at the same time */

    for (size_t i = 0; i < size; i += TOUCH_EVERY)
        __atomic_store_n(&bytes[i], 1, __ATOMIC_RELAXED);
}

void *seat_make(struct seat *seat, size_t size) {
    const struct crowd_allocator *allocator = &seat->run->allocator;
    rm_memory_t *handle;
    void *block = NULL;

    if (!allocator->heap) {
        block = allocator->calls->malloc(size);
        if (block) touch(block, size);
        seat->failed |= !block;
        return block;
    }
    if (rm_heap_alloc(allocator->heap, &handle, size, 0, 0) == RM_OK &&
        LOCK(handle, &block) == RM_OK) {
        touch(block, size);
        if (UNLOCK(handle) == RM_OK) return handle;
    }
    seat->failed = true;
    return NULL;
}

void seat_drop(struct seat *seat, void *block) {
    const struct crowd_allocator *allocator = &seat->run->allocator;

    if (allocator->heap)
        seat->failed |= rmfree(block) != RM_OK;
    else
        allocator->calls->free(block);
}

void seat_visit(struct seat *seat, void *block) {
    void *pointer;

    if (LOCK(block, &pointer) != RM_OK) {
        seat->failed = true;
        return;
    }
    touch(pointer, 1);
    seat->failed |= UNLOCK(block) != RM_OK;
}

void *seat_map(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

/* ------------------------------------------------------------------ the threads */

static void *take_over(void *context);

static int begin_thread(struct seat *seat, void *(*body)(void *)) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, seat);

    if (error == 0) pthread_detach(thread);
    return error;
}

/* Slices until the time is over and something has been counted, or until another thread has
   taken over. Only whole slices after the time from which they count do so. Returns:
   whether it has not been taken over. */
static bool play(struct seat *seat) {
    const struct run *run = seat->run;
    const struct shape *shape = run->shape;

    while (!seat->failed && seat->error == 0 && !seat->over) {
        unsigned n = shape->slice(seat);
        uint64_t now = clock_wall_ns();

        if (seat->began > 0) {
            seat->counted += n;
            seat->ended = now;
        } else if (now >= run->counts_from) {
            seat->began = now;
        }
        if (now >= run->ends && seat->counted > 0) break;
        if (shape->generation > 0 && ++seat->slices % shape->generation == 0 &&
            !run->crowd->alone) {
            seat->error = begin_thread(seat, take_over);
            if (seat->error == 0) return false;
        }
    }
    return true;
}

static void stay(struct seat *seat) {
    if (!play(seat)) return;
    if (seat->run->shape->leave) seat->run->shape->leave(seat);
    if (!seat->run->crowd->alone) sem_post(&left);
}

static void *take_over(void *context) {
    stay(context);
    return NULL;
}

static void *sit_down(void *context) {
    struct seat *seat = context;

    if (seat->run->shape->prepare) seat->run->shape->prepare(seat);
    pthread_barrier_wait(&start); /* all are there */
    pthread_barrier_wait(&start); /* the clock is set */
    stay(seat);
    return NULL;
}

static void set_clock(struct run *run) {
    uint64_t now = clock_wall_ns();

    run->counts_from = now + run->crowd->run_ns / 4;
    run->ends = run->counts_from + run->crowd->run_ns;
}

static int play_alone(struct run *run) {
    struct seat *seat = run->seats;

    if (run->shape->prepare) run->shape->prepare(seat);
    set_clock(run);
    stay(seat);
    return 0;
}

/* This thread is the one that sleeps. Where a thread cannot be had those that wait for it
   do so until the process ends. */
static int play_together(struct run *run) {
    unsigned n = run->crowd->n_threads;
    int error = pthread_barrier_init(&start, NULL, n + 1);

    if (error == 0 && sem_init(&left, 0, 0) != 0) error = errno;
    for (unsigned i = 0; i < n && error == 0; i++)
        error = begin_thread(&run->seats[i], sit_down);
    if (error) return error;
    pthread_barrier_wait(&start);
    set_clock(run);
    pthread_barrier_wait(&start);
    for (unsigned i = 0; i < n; i++)
        while (sem_wait(&left) != 0) continue;
    return 0;
}

/* -------------------------------------------------------------------- the whole */

static bool seat_all(struct run *run) {
    unsigned n = run->crowd->n_threads, n_blocks = run->shape->n_blocks;

    run->seats = seat_map(n * sizeof(*run->seats));
    if (!run->seats) return false;
    for (unsigned i = 0; i < n; i++) {
        run->seats[i] = (struct seat){.run = run,
                                      .number = i,
                                      .chance = chance_of(run->crowd->seed + i),
                                      .blocks = seat_map(n_blocks * sizeof(void *))};
        if (!run->seats[i].blocks) return false;
    }
    return !run->shape->furnish || run->shape->furnish(run);
}

static bool sum(struct run *run) {
    run->crowd->per_second = 0;
    for (unsigned i = 0; i < run->crowd->n_threads; i++) {
        const struct seat *seat = &run->seats[i];
        if (seat->failed || seat->error) {
            errno = seat->error;
            return false;
        }
        if (seat->counted > 0)
            run->crowd->per_second +=
                1e9 * (double)seat->counted / (double)(seat->ended - seat->began);
    }
    return true;
}

bool crowd_run(struct crowd *crowd, const struct crowd_allocator *allocator) {
    static struct run run; /* threads that end late may still look at it */

    run = (struct run){
        .crowd = crowd, .shape = shapes[crowd->shape], .allocator = *allocator};
    if (!seat_all(&run)) return false;
    errno = crowd->alone ? play_alone(&run) : play_together(&run);
    return errno == 0 && sum(&run);
}
