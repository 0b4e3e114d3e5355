/* SPDX-License-Identifier: MIT */
/*
 * The system where there is libc and little else: WebAssembly. Address space is memory there, and what was
 * once had stays: so pages are only made to read as zero. There is one thread.
 */
#include <stdlib.h>
#include <time.h>

#include "os.h"

#ifndef __linux__

enum { PAGE = 4096 };

size_t os_page(void) { return PAGE; }

void *os_reserve(size_t bytes) { return aligned_alloc(PAGE, round_up(bytes, PAGE)); }
void os_unreserve(void *base, size_t bytes) { free(base); }

bool os_commit(void *base, size_t bytes) {
    memset(base, 0, bytes);
    return true;
}
void os_prefer_huge(void *base, size_t bytes) {}
void os_avoid_huge(void *base, size_t bytes) {}
bool os_uncommit(void *base, size_t bytes) { return true; }
bool os_release(void *base, size_t bytes) { return os_commit(base, bytes); }

bool os_move_prepare(void *base, size_t bytes) { return false; }
size_t os_move(void *to, void *from, size_t bytes) { return 0; }

bool os_barrier_full;
void os_barrier_open(void) {}
void os_barrier_seldom(void) {}
void os_fence(void) {}
void os_wait(unsigned n) {}
void os_be_nice(int nice) {}

uint64_t os_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
