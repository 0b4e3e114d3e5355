/* SPDX-License-Identifier: MIT */
/*
 * Clocks and a stopwatch that can be paused. Reading the processor clock is a system call
 * of some hundred nanoseconds, so what one start and stop cost by themselves is measured
 * once and taken off.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_wall_ns(void);
uint64_t clock_cpu_ns(void); /* user and system time of the process */

struct stopwatch {
    uint64_t wall_ns, cpu_ns;             /* collected so far */
    uint64_t wall_began, cpu_began;       /* while it runs */
    uint64_t wall_overhead, cpu_overhead; /* of one start and stop */
};

/* At zero, not running; measures the overhead, which takes about 0.1 ms. */
void stopwatch_init(struct stopwatch *watch);
void stopwatch_start(struct stopwatch *watch);
void stopwatch_stop(struct stopwatch *watch);

#endif
