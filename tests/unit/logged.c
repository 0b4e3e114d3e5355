/* SPDX-License-Identifier: MIT */
#include "logged.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/userfaultfd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sums.h"

enum { HUGE = 2 << 20, LOOK_NS = 900, MOVE = 0x05, MOVES = 99 };

/* As in Linux 6.8. */
struct move {
    uint64_t to, from, bytes, mode;
    int64_t moved;
};

uint64_t logged_sum;
static unsigned refuses, n_requests, refused_then;
static uint64_t ns;
static char *reserved;

void logged_begin(unsigned every) {
    logged_sum = ns = 0;
    refuses = every;
    n_requests = 0;
}

void logged_refuse(unsigned then) { refused_then = then; }
const char *logged_reserved(void) { return reserved; }

void logged_mix(uint64_t word) { logged_sum = sum_with(logged_sum, word); }

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static bool refused_now(void) {
    if (refused_then == LOGGED_ALL) return true;
    return refused_then > 0 && --refused_then == 0;
}

static bool refused(uint64_t kind, const void *at, size_t bytes, int reason) {
    logged_mix(kind);
    logged_mix((uint64_t)((const char *)at - reserved));
    logged_mix(bytes);
    if (refused_now()) {
        errno = reason;
        return true;
    }
    uint32_t chance = ++n_requests * UINT32_C(2654435761) >> 16;
    if (refuses == 0 || chance % refuses != 0 || (refuses == 1 && kind != MOVES))
        return false;
    errno = reason;
    return true;
}

/* --- memory --- */

/* At a multiple of what a huge page has, so that it is the same each time. */
void *__wrap_mmap64(void *at, size_t bytes, int access, int flags, int file, off_t from);
void *__wrap_mmap64(void *at, size_t bytes, int access, int flags, int file, off_t from) {
    void *__real_mmap64(void *, size_t, int, int, int, off_t);
    if (access != PROT_NONE || at != NULL)
        return __real_mmap64(at, bytes, access, flags, file, from);
    if (refused_now()) return MAP_FAILED;
    char *low = __real_mmap64(NULL, bytes + HUGE, access, flags, file, from);
    g_assert_true(low != MAP_FAILED);
    size_t below = HUGE - (uintptr_t)low % HUGE;
    munmap(low, below);
    reserved = low + below;
    if (below < HUGE) munmap(reserved + bytes, HUGE - below);
    logged_mix(bytes);
    return reserved;
}

int __wrap_mprotect(void *at, size_t bytes, int access);
int __wrap_mprotect(void *at, size_t bytes, int access) {
    int __real_mprotect(void *, size_t, int);
    if (refused(access == PROT_NONE ? 1 : 2, at, bytes, ENOMEM)) return -1;
    return __real_mprotect(at, bytes, access);
}

int __wrap_madvise(void *at, size_t bytes, int advice);
int __wrap_madvise(void *at, size_t bytes, int advice) {
    int __real_madvise(void *, size_t, int);
    if (refused(3 + (uint64_t)advice, at, bytes, EAGAIN)) return -1;
    return advice == MADV_DONTNEED ? __real_madvise(at, bytes, advice) : 0;
}

/* --- pages that move --- */

static bool is_empty(void *at) {
    unsigned char there;
    g_assert_cmpint(mincore(at, page(), &there), ==, 0);
    return !(there & 1);
}

static int move(struct move *m) {
    int __real_madvise(void *, size_t, int);
    char *to = (char *)(uintptr_t)m->to, *from = (char *)(uintptr_t)m->from;
    size_t done = 0;
    bool none = refused(MOVES, to, m->bytes, refuses == 1 ? ENOMEM : EBUSY);
    logged_mix((uint64_t)(from - to));
    for (; !none && done < m->bytes && is_empty(to + done); done += page()) {
        if (is_empty(from + done)) continue;
        memcpy(to + done, from + done, page());
        __real_madvise(from + done, page(), MADV_DONTNEED);
    }
    m->moved = (int64_t)done;
    if (done == m->bytes) return 0;
    if (!none) errno = done > 0 ? EAGAIN : EEXIST;
    return -1;
}

int __wrap_ioctl(int file, unsigned long command, ...);
int __wrap_ioctl(int file, unsigned long command, ...) {
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    return _IOC_NR(command) == MOVE ? move(argument) : 0; /* ready, always */
}

/* Whatever was given: three words at most. */
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
    long __real_syscall(long, ...), a[3];
    va_list list;
    if (number == SYS_userfaultfd) return open("/dev/null", O_RDONLY | O_CLOEXEC);
    va_start(list, number);
    for (unsigned i = 0; i < 3; i++) a[i] = va_arg(list, long);
    va_end(list);
    return __real_syscall(number, a[0], a[1], a[2]);
}

/* --- time --- */

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    (void)clock;
    ns += LOOK_NS;
    logged_mix(LOOK_NS);
    *now = (struct timespec){(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    return 0;
}
