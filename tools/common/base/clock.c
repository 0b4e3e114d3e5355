/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

#define OVERHEAD_ROUNDS 64

static uint64_t read_ns(clockid_t id) {
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_wall_ns(void) { return read_ns(CLOCK_MONOTONIC); }

uint64_t clock_cpu_ns(void) { return read_ns(CLOCK_PROCESS_CPUTIME_ID); }

/* The wall clock is read inside the processor clock: it is the cheap one, and so neither
   counts much of the other. */
void stopwatch_start(struct stopwatch *watch) {
    watch->cpu_began = clock_cpu_ns();
    watch->wall_began = clock_wall_ns();
}

static uint64_t less(uint64_t interval, uint64_t overhead) {
    return interval > overhead ? interval - overhead : 0;
}

void stopwatch_stop(struct stopwatch *watch) {
    uint64_t wall = clock_wall_ns() - watch->wall_began;
    uint64_t cpu = clock_cpu_ns() - watch->cpu_began;

    watch->wall_ns += less(wall, watch->wall_overhead);
    watch->cpu_ns += less(cpu, watch->cpu_overhead);
}

void stopwatch_init(struct stopwatch *watch) {
    uint64_t wall = UINT64_MAX, cpu = UINT64_MAX;

    /* The least of many rounds: what a round takes beyond that is not the clock's. */
    for (int i = 0; i < OVERHEAD_ROUNDS; i++) {
        *watch = (struct stopwatch){0};
        stopwatch_start(watch);
        stopwatch_stop(watch);
        wall = watch->wall_ns < wall ? watch->wall_ns : wall;
        cpu = watch->cpu_ns < cpu ? watch->cpu_ns : cpu;
    }
    *watch = (struct stopwatch){.wall_overhead = wall, .cpu_overhead = cpu};
}
