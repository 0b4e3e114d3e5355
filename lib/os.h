/* SPDX-License-Identifier: MIT */
/*
 * The operating system: address space, pages, the clock. The only room that makes system calls; tests/faults
 * has each of them refused.
 */
#ifndef RM_OS_H
#define RM_OS_H

#include "base.h"

/* Bytes of a page. */
size_t os_page(void);

/* The most address space that a heap without a limit takes: others need some too. */
#if UINTPTR_MAX > UINT32_MAX
#define OS_RESERVE_MOST SIZE_MAX
#elif defined(__linux__)
#define OS_RESERVE_MOST ((size_t)512 << 20)
#else /* it is memory */
#define OS_RESERVE_MOST ((size_t)64 << 20)
#endif
/* Address space of so many bytes (whole pages) that holds no memory yet; NULL: refused. */
void *os_reserve(size_t bytes);
/* Give the address space back, and the pages in it. */
void os_unreserve(void *base, size_t bytes);

/* Make pages readable and writable; they read as zero. False: refused, errno says why. */
bool os_commit(void *base, size_t bytes);
/* Pages just made usable had better be huge ones, of OS_HUGE bytes. No harm where the system has none,
   or is not willing. */
enum { OS_HUGE = 2 * 1024 * 1024 };
void os_prefer_huge(void *base, size_t bytes);
/* Or had better not be, since few of them will be touched. */
void os_avoid_huge(void *base, size_t bytes);
/* Give pages back; touching them afterwards is a fault. False: refused. */
bool os_uncommit(void *base, size_t bytes);
/* Give the memory of pages back; they stay usable and read as zero. False: refused. */
bool os_release(void *base, size_t bytes);

/*
 * Pages that change their place, so that bytes need not: userfaultfd(2), UFFDIO_MOVE, since
 * Linux 6.8. One descriptor per process is opened at the first need and never closed; it
 * is of no use in a forked child. No page fault is ever delivered to it.
 */
/* Make address space that was reserved ready for os_move. False: refused. */
bool os_move_prepare(void *base, size_t bytes);
/* Move whole pages down or into a place apart. The target's pages must be empty, unless they are
   source pages that have been moved on by then; where the source is empty, so is the target.
   Returns how many bytes have been moved, from the low end on; fewer: refused. */
size_t os_move(void *to, void *from, size_t bytes);

/* An order between two threads, one of which does this often, the other seldom: what each has written
   before its barrier the other reads behind its own, or the other way round. os_barrier_open before the
   first of either; the seldom one is a call of the system, or as dear, and the other's free. */
void os_barrier_open(void);
void os_barrier_seldom(void);
extern bool os_barrier_full; /* the system has no such thing: the other's is not free */
void os_fence(void);
static inline void os_barrier_often(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(__atomic_load_n(&os_barrier_full, __ATOMIC_RELAXED), 0))
        os_fence();
}

/* Wait for what another thread is about to do: for the n-th time, from 0. */
void os_wait(unsigned n);

/* A number that nobody can guess, as far as the system has one. */
uint64_t os_random(void);

/* The calling thread is so much nicer to others than most, where the system knows of such a thing. */
void os_be_nice(int nice);

/* Monotonic time. */
uint64_t os_now_ns(void);

#endif
