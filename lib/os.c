/* SPDX-License-Identifier: MIT */
#include "os.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

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

bool os_uncommit(void *base, size_t bytes) {
    if (refused() || madvise(base, bytes, MADV_DONTNEED) != 0) return false;
    return mprotect(base, bytes, PROT_NONE) == 0;
}

bool os_release(void *base, size_t bytes) {
    return !refused() && madvise(base, bytes, MADV_DONTNEED) == 0;
}

uint64_t os_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
