/* SPDX-License-Identifier: MIT */
#include "os.h"

#ifdef __linux__ /* else os_libc.c */

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef SYS_userfaultfd
#include <linux/userfaultfd.h>
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
    void *base =
        mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

/* Where that is refused (its ends may have to be cut out of what lies beside it) nothing is left in it at least. */
void os_unreserve(void *base, size_t bytes) {
    int saved = errno;
    if (munmap(base, bytes) != 0) madvise(base, bytes, MADV_DONTNEED);
    errno = saved;
}

bool os_commit(void *base, size_t bytes) {
    return mprotect(base, bytes, PROT_READ | PROT_WRITE) == 0;
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
    if (madvise(base, bytes, MADV_DONTNEED) != 0) return false;
    return mprotect(base, bytes, PROT_NONE) == 0;
}

bool os_release(void *base, size_t bytes) {
    return madvise(base, bytes, MADV_DONTNEED) == 0;
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
    struct uffdio_register request = {.range = {(uintptr_t)base, bytes},
                                      .mode = UFFDIO_REGISTER_MODE_WP};
    int fd = mover_of_process();
    return fd >= 0 && ioctl(fd, UFFDIO_REGISTER, &request) == 0;
}

/* Is there nothing in a page any more? What has been moved away reads as zeros. */
static bool has_gone(char *page) {
    for (size_t at = 0; at < os_page(); at += sizeof(uint64_t))
        if (load64(page + at) != 0) return false;
    os_release(page, os_page()); /* reading may have put a page of zeros there */
    return true;
}

/* The kernel goes page by page, upward, and refuses a target that is not empty: overlapping
   downward is as safe as memmove's. Linux 6.18 does not count what it has moved where it had to try again, because
   somebody else had looked at a page (to see what is in use): it finds it at the target then, and says EEXIST. So
   a page whose target is not empty has been moved if nothing is where it was. */
size_t os_move(void *to, void *from, size_t bytes) {
    int fd = mover_descriptor(atomic_load(&mover));
    size_t done = 0;
    for (unsigned tries = 0; done < bytes && tries < TRIES; tries++) {
        struct uffdio_move request = {.dst = (uintptr_t)to + done,
                                      .src = (uintptr_t)from + done,
                                      .len = bytes - done,
                                      .mode = UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES};
        if (ioctl(fd, UFFDIO_MOVE, &request) == 0) return bytes;
        size_t moved = request.move > 0 ? (size_t)request.move : 0;
        if (errno == EEXIST && has_gone((char *)from + done)) moved = os_page();
        if (moved == 0 && errno != EAGAIN) break;
        if (moved > 0) done += moved, tries = 0;
    }
    return done;
}

#else
bool os_move_prepare(void *base, size_t bytes) { return false; }
size_t os_move(void *to, void *from, size_t bytes) { return 0; }
#endif

/* --- threads --- */

bool os_barrier_full;
static bool full_seen; /* by everybody: nobody still relies on the system's */

void os_fence(void) {
    static _Atomic int word; /* the sanitizer for threads knows no bare fences */
    atomic_fetch_add(&word, 1);
}

static bool membarrier(int command) {
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}

void os_barrier_open(void) {
    int saved = errno;
    if (!membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) {
        __atomic_store_n(&os_barrier_full, true, __ATOMIC_SEQ_CST);
        __atomic_store_n(&full_seen, true, __ATOMIC_SEQ_CST);
    }
    errno = saved;
}

/* It may be short of memory, or have forgotten that it was asked for. False: it refuses, as a sandbox does that was
   made later. */
enum { BARRIER_TRIES = 100, BARRIER_NS = 1000 * 1000 };
static bool barrier(void) {
    for (unsigned n = 0; n < BARRIER_TRIES; n++) {
        if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return true;
        if (errno == ENOSYS) return false;
        if (errno == EPERM) membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
        sched_yield();
    }
    return false;
}

/* From here on the others pay for a fence. One that has just found that it need not has had its stores seen
   after a while: a processor keeps them to itself for far less, and a thread that was stopped has none there. */
static void give_up_barrier(void) {
    uint64_t begun = os_now_ns();
    __atomic_store_n(&os_barrier_full, true, __ATOMIC_SEQ_CST);
    while (os_now_ns() - begun < BARRIER_NS) sched_yield();
    __atomic_store_n(&full_seen, true, __ATOMIC_SEQ_CST);
}

void os_barrier_seldom(void) {
    int saved = errno;
    if (!__atomic_load_n(&full_seen, __ATOMIC_ACQUIRE)) {
        if (!__atomic_load_n(&os_barrier_full, __ATOMIC_ACQUIRE) && barrier()) {
            errno = saved;
            return;
        }
        give_up_barrier();
    }
    os_fence();
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

void os_be_nice(int nice) {
    int saved = errno;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice);
    errno = saved; /* or not */
}

uint64_t os_random(void) {
    uint64_t x;
    if (getrandom(&x, sizeof x, GRND_NONBLOCK) == (ssize_t)sizeof x) return x;
    return os_now_ns() * UINT64_C(0x9e3779b97f4a7c15) ^ (uintptr_t)&x;
}

uint64_t os_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
