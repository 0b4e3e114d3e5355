/* SPDX-License-Identifier: MIT */
#include "inject.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    REASONS = 8,
    MOVE_REQUEST = 0x05,
    ENDS = 8 << 20 /* of a mapping, that are looked at */
};

/* As the manual pages have it, and the kernel: what the call can answer to arguments that are right. */
static const struct {
    const char *name;
    int reasons[REASONS];
} requests[N_REQUESTS] = {
    [REQUEST_RESERVE] = {"mmap", {ENOMEM, EAGAIN, EPERM}},
    [REQUEST_COMMIT] = {"mprotect, to be used", {ENOMEM, EACCES}},
    [REQUEST_PROTECT] = {"mprotect, not to be used", {ENOMEM, EACCES}},
    [REQUEST_RELEASE] = {"madvise DONTNEED", {EINVAL, ENOMEM, EAGAIN, EPERM}},
    [REQUEST_ADVISE] = {"madvise, huge pages", {EINVAL, ENOMEM, EAGAIN}},
    [REQUEST_UNMAP] = {"munmap", {ENOMEM, EINVAL, EPERM}},
    [REQUEST_USERFAULTFD] = {"userfaultfd", {EPERM, ENOSYS, EMFILE, ENFILE, ENOMEM}},
    [REQUEST_UFFD_API] = {"UFFDIO_API", {EINVAL, EPERM}},
    [REQUEST_UFFD_REGISTER] = {"UFFDIO_REGISTER", {EINVAL, EBUSY, ENOMEM, EPERM}},
    [REQUEST_UFFD_MOVE] = {"UFFDIO_MOVE",
                           {EBUSY, EAGAIN, EEXIST, ENOENT, ENOMEM, EINVAL, ESRCH}},
    [REQUEST_CLOSE] = {"close", {EINTR, EIO}},
    [REQUEST_BARRIER_OPEN] = {"membarrier, to register", {ENOSYS, EINVAL, EPERM, ENOMEM}},
    [REQUEST_BARRIER] = {"membarrier", {ENOMEM, EPERM, ENOSYS, EINVAL}},
    [REQUEST_SLEEP] = {"nanosleep", {EINTR, ENOSYS}},
    [REQUEST_NICE] = {"setpriority", {EPERM, EACCES, ESRCH}},
    [REQUEST_RANDOM] = {"getrandom", {EAGAIN, EINTR, ENOSYS}},
    [REQUEST_THREAD] = {"pthread_create", {EAGAIN, EPERM}},
    [REQUEST_KEY] = {"pthread_key_create", {EAGAIN, ENOMEM}},
    [REQUEST_SPECIFIC] = {"pthread_setspecific", {ENOMEM}},
    [REQUEST_ATFORK] = {"pthread_atfork", {ENOMEM}},
    [REQUEST_COND] = {"pthread_cond_init", {EAGAIN, ENOMEM}},
    [REQUEST_CONDATTR] = {"pthread_condattr_init", {ENOMEM}},
    [REQUEST_CONDATTR_CLOCK] = {"pthread_condattr_setclock", {EINVAL}},
    [REQUEST_TRYLOCK] = {"pthread_mutex_trylock", {EBUSY}},
};

static struct injected nowhere;
struct injected *injected = &nowhere;

static struct fault fault;
static atomic_bool active;
static uint64_t given[2]; /* reasons since the last mark, a bit each */
static _Thread_local unsigned suspended;
/* It may be asked by several threads at the same time. */
static atomic_flag turn = ATOMIC_FLAG_INIT;

static void enter(void) {
    while (atomic_flag_test_and_set(&turn)) continue;
}
static void leave(void) { atomic_flag_clear(&turn); }

const char *inject_name(enum system_request request) { return requests[request].name; }

unsigned inject_choices(enum system_request request) {
    unsigned n = 0;

    while (n < REASONS && requests[request].reasons[n] != 0) n++;
    return n;
}

void inject_begin(const struct fault *next) {
    fault = *next;
    injected->n_asked = 0;
    atomic_store(&active, true);
}

void inject_end(void) { atomic_store(&active, false); }
void inject_suspend(void) { suspended++; }
void inject_resume(void) { suspended--; }
void inject_mark(void) {
    enter();
    given[0] = given[1] = 0;
    leave();
}

bool inject_gave(int reason) {
    enter();
    bool gave = reason > 0 && reason < 128 && given[reason / 64] >> reason % 64 & 1;
    leave();
    return gave;
}

int inject_refusal(enum system_request request) {
    int reason = 0;

    enter();
    injected->asked[request]++;
    if (atomic_load(&active) && suspended == 0 && (fault.kinds >> request & 1)) {
        unsigned n = ++injected->n_asked;
        if (fault.k != 0 && (n == fault.k || (fault.forever && n > fault.k))) {
            reason = requests[request].reasons[fault.choice % inject_choices(request)];
            if (injected->n_refused++ == 0) injected->first = request;
            injected->refused[request]++;
            injected->reason = reason;
            injected->last = request;
            given[reason / 64] |= UINT64_C(1) << reason % 64;
        }
    }
    leave();
    return reason;
}

/* For those that say why in errno. */
static bool refused(enum system_request request) {
    int reason = inject_refusal(request);

    if (reason != 0) errno = reason;
    return reason != 0;
}

/* --- what is mapped --- */

enum { MAPPINGS = 16384 };
static struct mapping {
    char *base;
    size_t bytes;
    bool stuck;
} mappings[MAPPINGS];
static unsigned n_mappings;

static void note_mapping(void *base, size_t bytes) {
    enter();
    if (n_mappings == MAPPINGS) abort();
    mappings[n_mappings++] = (struct mapping){base, bytes, false};
    leave();
}

/* What the library has mapped it gives back as a whole. */
static void note_unmapping(const void *base, size_t bytes, bool stuck) {
    enter();
    unsigned i = 0;
    while (i < n_mappings && (mappings[i].base != base || mappings[i].stuck)) i++;
    if (i == n_mappings || mappings[i].bytes != bytes) {
        printf("# munmap of %p, %zu bytes, which is no mapping of the library's\n", base,
               bytes);
        fflush(stdout);
        abort();
    }
    if (stuck)
        mappings[i].stuck = true;
    else
        mappings[i] = mappings[--n_mappings];
    leave();
}

size_t inject_kept(void) {
    size_t bytes = 0;

    for (unsigned i = 0; i < n_mappings; i++)
        if (!mappings[i].stuck) bytes += mappings[i].bytes;
    return bytes;
}

/* Of each page /proc/self/pagemap says whether it holds memory. */
static size_t pages_held(FILE *map, uintptr_t base, size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;

    if (fseek(map, (long)(base / page * sizeof(uint64_t)), SEEK_SET) != 0) return 0;
    for (size_t i = 0; i < bytes / page; i++) {
        uint64_t word = 0;
        if (fread(&word, sizeof(word), 1, map) != 1) break;
        n += word >> 62 != 0;
    }
    return n;
}

size_t inject_stuck_pages(void) {
    size_t n = 0;
    FILE *map = fopen("/proc/self/pagemap", "rbe");

    if (map == NULL) return 0;
    for (unsigned i = 0; i < n_mappings; i++) {
        uintptr_t base = (uintptr_t)mappings[i].base;
        size_t bytes = mappings[i].bytes, ends = bytes < ENDS ? bytes : ENDS;
        if (!mappings[i].stuck) continue;
        n += pages_held(map, base, ends) + pages_held(map, base + bytes - ends, ends);
    }
    fclose(map);
    return n;
}

/* --- the calls --- */

void *__real_mmap64(void *, size_t, int, int, int, off_t);
void *__wrap_mmap64(void *, size_t, int, int, int, off_t);
void *__wrap_mmap64(void *at, size_t bytes, int access, int flags, int fd, off_t offset) {
    if (refused(REQUEST_RESERVE)) return MAP_FAILED;
    void *base = __real_mmap64(at, bytes, access, flags, fd, offset);
    if (base != MAP_FAILED) note_mapping(base, bytes);
    return base;
}

int __real_munmap(void *, size_t);
int __wrap_munmap(void *, size_t);
int __wrap_munmap(void *base, size_t bytes) {
    bool no = refused(REQUEST_UNMAP);
    note_unmapping(base, bytes, no);
    return no ? -1 : __real_munmap(base, bytes);
}

int __real_mprotect(void *, size_t, int);
int __wrap_mprotect(void *, size_t, int);
int __wrap_mprotect(void *base, size_t bytes, int access) {
    bool used = access == (PROT_READ | PROT_WRITE);
    if (refused(used ? REQUEST_COMMIT : REQUEST_PROTECT)) return -1;
    return __real_mprotect(base, bytes, access);
}

int __real_madvise(void *, size_t, int);
int __wrap_madvise(void *, size_t, int);
int __wrap_madvise(void *base, size_t bytes, int advice) {
    if (refused(advice == MADV_DONTNEED ? REQUEST_RELEASE : REQUEST_ADVISE)) return -1;
    return __real_madvise(base, bytes, advice);
}

int __real_close(int);
int __wrap_close(int);
int __wrap_close(int fd) { /* whatever it says, the descriptor is gone */
    int reason = inject_refusal(REQUEST_CLOSE), result = __real_close(fd);
    if (reason != 0) errno = reason;
    return reason != 0 ? -1 : result;
}

ssize_t __real_getrandom(void *, size_t, unsigned);
ssize_t __wrap_getrandom(void *, size_t, unsigned);
ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags) {
    return refused(REQUEST_RANDOM) ? -1 : __real_getrandom(to, n, flags);
}

int __real_setpriority(int, id_t, int);
int __wrap_setpriority(int, id_t, int);
int __wrap_setpriority(int which, id_t who, int priority) {
    return refused(REQUEST_NICE) ? -1 : __real_setpriority(which, who, priority);
}

static void unknown(const char *call, long number) {
    printf("# %s %ld is not among the requests that can be refused\n", call, number);
    fflush(stdout);
    abort();
}

/* By number; none takes more than three arguments. */
long __real_syscall(long, ...);
long __wrap_syscall(long, ...);
long __wrap_syscall(long number, ...) {
    va_list list;
    long a[3];

    va_start(list, number);
    for (unsigned i = 0; i < 3; i++) a[i] = va_arg(list, long);
    va_end(list);
    switch (number) {
    case SYS_userfaultfd:
        if (refused(REQUEST_USERFAULTFD)) return -1;
        break;
    case SYS_membarrier:
        if (refused((int)a[0] == MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
                        ? REQUEST_BARRIER_OPEN
                        : REQUEST_BARRIER))
            return -1;
        break;
    case SYS_nanosleep:
        if (refused(REQUEST_SLEEP)) return -1;
        break;
    case SYS_gettid: break; /* cannot fail */
    default: unknown("syscall", number);
    }
    return __real_syscall(number, a[0], a[1], a[2]);
}

int __real_ioctl(int, unsigned long, ...);

/* What ends a move, or has it end in the middle: then the kernel says EAGAIN, and how far it has come. That of Linux 6.18
   may have moved pages and not say so, but EEXIST. */
static int move_refused(int fd, void *argument) {
    struct {
        uint64_t to, from, bytes, mode;
        int64_t moved;
    } part;
    const int reason = errno;
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    memcpy(&part, argument, sizeof(part));
    part.bytes = part.bytes / 2 / page * page;
    part.moved = -reason;
    if ((reason == EAGAIN || reason == EEXIST) && part.bytes > 0)
        __real_ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, UFFDIO, MOVE_REQUEST, sizeof(part)),
                     &part);
    if (reason == EEXIST) part.moved = -reason;
    memcpy((char *)argument + offsetof(__typeof__(part), moved), &part.moved,
           sizeof(part.moved));
    errno = reason;
    return -1;
}

int __wrap_ioctl(int, unsigned long, ...);
int __wrap_ioctl(int fd, unsigned long command, ...) {
    va_list list;

    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    switch (command & 0xff) {
    case UFFDIO_API & 0xff:
        if (refused(REQUEST_UFFD_API)) return -1;
        break;
    case UFFDIO_REGISTER & 0xff:
        if (refused(REQUEST_UFFD_REGISTER)) return -1;
        break;
    case MOVE_REQUEST:
        if (refused(REQUEST_UFFD_MOVE)) return move_refused(fd, argument);
        break;
    default: unknown("ioctl", (long)command);
    }
    return __real_ioctl(fd, command, argument);
}
