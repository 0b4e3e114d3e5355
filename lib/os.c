/* SPDX-License-Identifier: MIT */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef SYS_userfaultfd
#include <linux/userfaultfd.h>
#endif

#include "check.h"

#if RM_CHECKS >= RM_CHECKS_ENTRY
static atomic_uint fail_countdown;
static atomic_bool fail_all;

/* One request to the system is about to be made: is it the one that is to fail? */
static bool refused(void) {
    unsigned n = atomic_load(&fail_countdown);
    if (n == 0) return false;
    if (n == 1) {
        if (!atomic_load(&fail_all)) atomic_store(&fail_countdown, 0);
        errno = ENOMEM;
        return true;
    }
    atomic_store(&fail_countdown, n - 1);
    return false;
}

void os_fail_after(unsigned n, bool all) {
    atomic_store(&fail_all, all);
    atomic_store(&fail_countdown, n);
}
#else
static inline bool refused(void) { return false; }
void os_fail_after(unsigned n, bool all) { (void)n, (void)all; }
#endif

static inline void pause_processor(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

size_t os_page(void) {
    static size_t page; /* a race writes the same value twice */
    size_t bytes = __atomic_load_n(&page, __ATOMIC_RELAXED);
    if (unlikely(bytes == 0)) {
        bytes = (size_t)sysconf(_SC_PAGESIZE);
        __atomic_store_n(&page, bytes, __ATOMIC_RELAXED);
    }
    return bytes;
}

void *os_reserve(size_t bytes) {
    if (refused()) return NULL;
    void *base =
        mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

void os_unreserve(void *base, size_t bytes) { munmap(base, bytes); }

bool os_commit(void *base, size_t bytes) {
    return !refused() && mprotect(base, bytes, PROT_READ | PROT_WRITE) == 0;
}

void os_prefer_huge(void *base, size_t bytes) {
#ifdef MADV_HUGEPAGE
    int saved = errno;
    if (madvise(base, bytes, MADV_HUGEPAGE) != 0) errno = saved;
#else
    (void)base, (void)bytes;
#endif
}

void os_avoid_huge(void *base, size_t bytes) {
#ifdef MADV_NOHUGEPAGE
    int saved = errno;
    if (madvise(base, bytes, MADV_NOHUGEPAGE) != 0) errno = saved;
#else
    (void)base, (void)bytes;
#endif
}

bool os_uncommit(void *base, size_t bytes) {
    if (refused() || madvise(base, bytes, MADV_DONTNEED) != 0) return false;
    return mprotect(base, bytes, PROT_NONE) == 0;
}

bool os_release(void *base, size_t bytes) {
    return !refused() && madvise(base, bytes, MADV_DONTNEED) == 0;
}

/* --- pages that change their place --- */

#if defined(UFFDIO_REGISTER_MODE_WP) /* Linux 5.7 */

/* What the headers of Linux 6.8 have, include/uapi/linux/userfaultfd.h. */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef UFFDIO_MOVE
#define UFFD_FEATURE_MOVE (1 << 16)
#define UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES ((__u64)1 << 1)
struct uffdio_move {
    __u64 dst, src, len, mode;
    __s64 move; /* bytes moved, or an error, negative */
};
#define UFFDIO_MOVE _IOWR(UFFDIO, 0x05, struct uffdio_move)
#endif

enum { TRIES = 3 }; /* of a move that is to be tried again */

/* The process that has opened the descriptor in the high half, the descriptor + 1 in the low
   half. 0 there: refused. */
static _Atomic uint64_t mover;

static int mover_descriptor(uint64_t state) { return (int)(uint32_t)state - 1; }

static int mover_open(void) {
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_MOVE};
    if (fd < 0 || ioctl(fd, UFFDIO_API, &api) == 0) return fd;
    close(fd);
    return -1;
}

/* Ours alone: with one inherited, a child would make the parent's memory ready. */
static int mover_of_process(void) {
    uint64_t state = atomic_load(&mover), process = (uint64_t)getpid() << 32;
    if (state >> 32 == process >> 32) return mover_descriptor(state);
    int fd = mover_open();
    if (atomic_compare_exchange_strong(&mover, &state, process | (uint32_t)(fd + 1)))
        return fd;
    if (fd >= 0) close(fd); /* another thread was first */
    return mover_descriptor(state);
}

/* Of the modes, write protection is the one in which nothing happens unless it is asked for. */
bool os_move_prepare(void *base, size_t bytes) {
    if (refused()) return false;
    struct uffdio_register request = {.range = {(uintptr_t)base, bytes},
                                      .mode = UFFDIO_REGISTER_MODE_WP};
    int fd = mover_of_process();
    return fd >= 0 && ioctl(fd, UFFDIO_REGISTER, &request) == 0;
}

/* The kernel goes page by page, upward, and refuses a target that is not empty: overlapping
   downward is as safe as memmove's. */
size_t os_move(void *to, void *from, size_t bytes) {
    if (refused()) return 0;
    int fd = mover_descriptor(atomic_load(&mover));
    size_t done = 0;
    for (unsigned tries = 0; done < bytes && tries < TRIES; tries++) {
        struct uffdio_move request = {.dst = (uintptr_t)to + done,
                                      .src = (uintptr_t)from + done,
                                      .len = bytes - done,
                                      .mode = UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES};
        if (ioctl(fd, UFFDIO_MOVE, &request) == 0) return bytes;
        if (request.move > 0) done += (size_t)request.move, tries = 0;
        if (errno != EAGAIN) break;
    }
    return done;
}

#else
bool os_move_prepare(void *base, size_t bytes) { return false; }
size_t os_move(void *to, void *from, size_t bytes) { return 0; }
#endif

/* --- threads --- */

bool os_barrier_full;

void os_fence(void) {
    static _Atomic int word; /* the sanitizer for threads knows no bare fences */
    atomic_fetch_add(&word, 1);
}

static bool membarrier(int command) {
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}

void os_barrier_open(void) {
    int saved = errno;
    if (!membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))
        __atomic_store_n(&os_barrier_full, true, __ATOMIC_SEQ_CST);
    errno = saved;
}

void os_barrier_seldom(void) {
    int saved = errno;
    if (__atomic_load_n(&os_barrier_full, __ATOMIC_RELAXED)) {
        os_fence();
        return;
    }
    /* Once registered it may be short of memory, or have been forgotten. */
    while (!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) && errno != ENOSYS) {
        if (errno == EPERM) membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
        sched_yield();
    }
    errno = saved;
}

enum { WAIT_PAUSES = 2000, WAIT_YIELDS = 20, WAIT_NS = 20 * 1000 };

/* At first the other one runs on another processor and is soon done; it may also wait for this one, or be of
   lower priority. */
void os_wait(unsigned n) {
    const struct timespec nap = {0, WAIT_NS};
    int saved = errno;
    if (n < WAIT_PAUSES)
        pause_processor();
    else if (n < WAIT_PAUSES + WAIT_YIELDS)
        sched_yield();
    else
        syscall(SYS_nanosleep, &nap, NULL); /* no cancellation point */
    errno = saved;
}

uint64_t os_random(void) {
    uint64_t x;
    if (!refused() && getrandom(&x, sizeof x, GRND_NONBLOCK) == (ssize_t)sizeof x)
        return x;
    return os_now_ns() * UINT64_C(0x9e3779b97f4a7c15) ^ (uintptr_t)&x;
}

uint64_t os_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
