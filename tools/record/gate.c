/* SPDX-License-Identifier: MIT */
/*
 * The slow way into the log. Nothing here allocates, and no system call is made through a
 * function of libc that could be a cancellation point; signals are blocked meanwhile,
 * so that a handler cannot wait for the lock that its own thread has.
 */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "origin.h"
#include "raw.h"

#ifndef MADV_POPULATE_WRITE /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

#define SLOTS_PER_PAGE (4096 / sizeof(struct record))
#define BYTES_RESERVED ((size_t)1 << 38) /* of addresses: 1.7e10 records */
#define BYTES_RESERVED_LEAST ((size_t)1 << 24)

#define TRIES 3
#define REFUSED_MOST 1000 /* records lost until descriptors come back; else all are */

/* How much the log grows at a time: a process that does little takes little, and one that
   does much seldom asks, and gets pages that lie together. */
#define BYTES_FIRST ((size_t)64 << 10)
#define BYTES_THEN ((size_t)1 << 20)
#define BYTES_LATER ((size_t)16 << 20)

static struct gate closed;
struct gate *_Atomic gate = &closed;
struct gate_slots gate_slots;
_Thread_local uint32_t gate_thread;

static _Atomic uint32_t threads;

/* Where this process and its children are recorded, once known. A child inherits it. */
static struct origin origin;
static enum { UNKNOWN, WANTED, NEVER } recording;
static char log_name[RECORD_NAME]; /* of the log that has the heap's history; or "" */
static _Thread_local uint32_t fork_number __attribute__((tls_model("initial-exec")));
static _Atomic uint32_t forks;

/* A signal handler may have come first. */
uint32_t gate_number_thread(void) {
    uint32_t none = 0;

    if (gate_thread) return gate_thread;
    uint32_t number = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) + 1;
    return __atomic_compare_exchange_n(&gate_thread, &none, number, false,
                                       __ATOMIC_RELAXED, __ATOMIC_RELAXED)
               ? number
               : none;
}

static uint64_t nanoseconds(struct timespec time) {
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* The kernel's clock: under the lock, that of a library which has preloaded another one
   might allocate. */
static uint64_t raw_now(clockid_t clock) {
    struct timespec time = {0};

    raw(SYS_clock_gettime, clock, (long)&time, 0, 0, 0, 0);
    return nanoseconds(time);
}

void gate_time(void) {
    uint64_t slot;
    struct record *record = gate_place(&slot);

    if (!record) return;
    struct gate *g = atomic_load_explicit(&gate, memory_order_acquire);
    uint64_t start = g->header->start_ns;
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t now = nanoseconds(time);
    gate_write(record, record_word0(RECORD_TIME, 0, 0), now > start ? now - start : 0);
}

/* ------------------------------------------------------------------- the file */

static int64_t open_log(const char *name, int flags) {
    char path[RECORD_PATH + RECORD_NAME + 1];
    size_t n = raw_append(path, 0, sizeof(path), origin.directory);

    n = raw_append(path, n, sizeof(path), "/");
    raw_append(path, n, sizeof(path), name);
    return raw(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC | flags, 0600, 0, 0);
}

/* The most that the file may be; beyond it, a signal would come. */
static uint64_t most_of_file(void) {
    struct rlimit most;

    if (raw(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, (long)&most, 0, 0) != 0) return UINT64_MAX;
    return most.rlim_cur;
}

/* Room on the disk for a part of the file, so that storing to its mapping cannot fail. The
   size of the file stays. 0 or an errno. */
static int allocate(int fd, uint64_t from, uint64_t size) {
    static const char zeros[4096];
    int64_t result;

    do result = raw(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, (long)from, (long)size, 0, 0);
    while (result == -EINTR);
    if (result != -EOPNOTSUPP && result != -ENOSYS) return (int)-result;
    for (uint64_t at = from; at < from + size; at += (uint64_t)result) {
        result = raw(SYS_pwrite64, fd, (long)zeros, sizeof(zeros), (long)at, 0, 0);
        if (result <= 0) return result < 0 ? (int)-result : EIO;
    }
    return 0;
}

static int make_writable(void *at, size_t size) {
    return (int)-raw(SYS_mprotect, (long)at, (long)size, PROT_READ | PROT_WRITE, 0, 0, 0);
}

/* The same without a descriptor, as the file is mapped: it takes longer. EMFILE: this
   system cannot. */
static int populate(void *at, size_t size) {
    int64_t result = make_writable(at, size);

    if (result != 0) return (int)result;
    do result = raw(SYS_madvise, (long)at, (long)size, MADV_POPULATE_WRITE, 0, 0, 0);
    while (result == -EINTR || result == -EAGAIN);
    if (result == -EINVAL) return EMFILE;
    return result == -EFAULT ? ENOSPC : (int)-result; /* as a store would find it */
}

/* A part, or all, of the file. 0 or an errno. */
static int map(int fd, void *at, uint64_t offset, size_t size, int protection) {
    int64_t result = raw(SYS_mmap, (long)at, (long)size, protection,
                         MAP_SHARED | MAP_FIXED, fd, (long)offset);

    if (result < 0) return (int)-result;
    return (int)-raw(SYS_madvise, (long)at, (long)size, MADV_DONTFORK, 0, 0, 0);
}

/* Of the file that a descriptor is of: another thread may close it, as one that it knows
   nothing of, and be given it again for a file of its own. */
static uint64_t inode_of(int fd) {
    struct statx about = {0};

    raw(SYS_statx, fd, (long)"", AT_EMPTY_PATH, STATX_INO, (long)&about, 0);
    return about.stx_ino;
}

/* The last step: from here on nothing is recorded, by the children neither. */
static bool give_up(struct gate *g, int why) {
    recording = NEVER;
    if (!g->header) return false;
    g->header->failed_slot = atomic_load(&g->limit);
    __atomic_store_n(&g->header->failed, (uint64_t)why, __ATOMIC_RELEASE);
    return false;
}

/* ------------------------------------------------------------------ beginning */

/* Addresses for the whole log, and the header before them; where the program has but so
   many, most are left to it. */
static char *reserve(size_t *size) {
    long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    struct rlimit most;
    int64_t at = -1;

    *size = BYTES_RESERVED;
    if (raw(SYS_prlimit64, 0, RLIMIT_AS, 0, (long)&most, 0, 0) == 0)
        while (*size > most.rlim_cur / 8 && *size > BYTES_RESERVED_LEAST) *size /= 2;
    if (origin.at > RECORD_HEADER_SIZE)
        at = raw(SYS_mmap, (long)(origin.at - RECORD_HEADER_SIZE),
                 (long)(*size + RECORD_HEADER_SIZE), PROT_NONE,
                 flags | MAP_FIXED_NOREPLACE, -1, 0);
    if (at >= 0 && (uint64_t)at != origin.at - RECORD_HEADER_SIZE) {
        raw(SYS_munmap, (long)at, (long)(*size + RECORD_HEADER_SIZE), 0, 0, 0, 0);
        at = -1; /* a system that takes the address for a wish */
    }
    while (at < 0 && *size >= BYTES_RESERVED_LEAST) {
        at =
            raw(SYS_mmap, 0, (long)(*size + RECORD_HEADER_SIZE), PROT_NONE, flags, -1, 0);
        if (at < 0) *size /= 2; /* a limit of addresses */
    }
    return at < 0 ? NULL : (char *)at;
}

/* "PID-TIME", which no other log of the folder is called. */
static int64_t create(char name[RECORD_NAME]) {
    int64_t fd;

    do {
        size_t n = raw_append_number(name, 0, RECORD_NAME,
                                     (uint64_t)raw(SYS_getpid, 0, 0, 0, 0, 0, 0), 10);
        n = raw_append(name, n, RECORD_NAME, "-");
        n = raw_append_number(name, n, RECORD_NAME, raw_now(CLOCK_MONOTONIC), 16);
        raw_append(name, n, RECORD_NAME, RECORD_SUFFIX);
        fd = open_log(name, O_CREAT | O_EXCL);
    } while (fd == -EEXIST);
    return fd;
}

static void fill_header(struct record_header *header, const struct gate *g, uint64_t slot,
                        uint64_t base_slot) {
    header->header_size = RECORD_HEADER_SIZE;
    header->record_size = sizeof(struct record);
    header->base_slot = base_slot;
    header->first_slot = slot;
    header->mapped = (uintptr_t)(g->base + base_slot);
    header->pid = (uint64_t)raw(SYS_getpid, 0, 0, 0, 0, 0, 0);
    header->parent_pid = (uint64_t)raw(SYS_getppid, 0, 0, 0, 0, 0, 0);
    header->start_ns = raw_now(CLOCK_MONOTONIC);
    header->start_real_ns = raw_now(CLOCK_REALTIME);
    if (log_name[0]) { /* a child's, which the lines above have inherited */
        header->parent_fork = fork_number;
        raw_append(header->parent, 0, RECORD_NAME, log_name);
    }
    origin_describe(header);
    __atomic_store_n(&header->magic, RECORD_MAGIC, __ATOMIC_RELEASE);
}

/* All of the file, as far as it may ever grow, out of reach but for its beginning; holes
   take no room on the disk. So the program may later lack descriptors, its root or its
   rights: the mapping is enough to go on. 0 or an errno. */
static int map_whole(struct gate *g, int fd, char *at, size_t *size) {
    uint64_t most = most_of_file();
    int64_t result;
    int wrong;

    if (most < RECORD_HEADER_SIZE + BYTES_FIRST) return EFBIG;
    g->end_error = ENOMEM;
    if (most < RECORD_HEADER_SIZE + *size) {
        *size = (most - RECORD_HEADER_SIZE) / BYTES_FIRST * BYTES_FIRST;
        g->end_error = EFBIG;
    }
    while ((result = raw(SYS_ftruncate, fd, (long)(RECORD_HEADER_SIZE + *size), 0, 0, 0,
                         0)) == -EFBIG &&
           *size >= BYTES_RESERVED_LEAST) {
        *size /= 2; /* of the file system */
        g->end_error = EFBIG;
    }
    if (result != 0) return (int)-result;
    g->inode = inode_of(fd);
    wrong = map(fd, at, 0, RECORD_HEADER_SIZE + *size, PROT_NONE);
    if (wrong == 0) wrong = allocate(fd, 0, RECORD_HEADER_SIZE + BYTES_FIRST);
    return wrong ? wrong : make_writable(at, RECORD_HEADER_SIZE + BYTES_FIRST);
}

/* A log whose first slot is this one. */
static bool begin(struct gate *g, uint64_t slot) {
    uint64_t base_slot = slot - slot % SLOTS_PER_PAGE;
    uint64_t limit = base_slot + BYTES_FIRST / sizeof(struct record);
    char name[RECORD_NAME], *at;
    size_t size;
    int64_t fd;
    int wrong;

    if (recording == UNKNOWN) recording = origin_find(&origin) ? WANTED : NEVER;
    if (recording == NEVER) return false;
    at = reserve(&size);
    fd = at ? create(name) : -ENOMEM;
    if (fd < 0) return give_up(g, (int)-fd);
    wrong = map_whole(g, (int)fd, at, &size);
    raw(SYS_close, fd, 0, 0, 0, 0, 0);
    if (wrong) return give_up(g, wrong);

    g->header = (struct record_header *)at;
    g->base = (struct record *)(at + RECORD_HEADER_SIZE) - base_slot;
    g->end = base_slot + size / sizeof(struct record);
    g->header->room_slot = limit;
    fill_header(g->header, g, slot, base_slot);
    raw_append(log_name, 0, sizeof(log_name), name);
    atomic_store_explicit(&g->limit, limit, memory_order_release);
    return true;
}

/* -------------------------------------------------------------------- growing */

static size_t step(uint64_t bytes) {
    if (bytes < BYTES_THEN) return BYTES_FIRST;
    return bytes < BYTES_LATER ? BYTES_THEN : BYTES_LATER;
}

/* The next part by a descriptor, which is quicker to write to, and else without. Another
   thread may close this one, as one that it knows nothing of, and be given its number for a
   file of its own: whose it was, a look behind the mapping tells. 0 or an errno; EMFILE:
   not now. */
static int map_next(const struct gate *g, void *at, uint64_t offset, size_t size) {
    for (int i = 0; i < TRIES; i++) {
        int64_t fd = open_log(log_name, 0);
        if (fd < 0) return i == 0 ? populate(at, size) : EBADF;
        if (inode_of((int)fd) != g->inode) continue;
        int wrong = allocate((int)fd, offset, size);
        if (wrong == 0) wrong = map((int)fd, at, offset, size, PROT_READ | PROT_WRITE);
        if (inode_of((int)fd) != g->inode) continue;
        raw(SYS_close, fd, 0, 0, 0, 0, 0);
        return wrong;
    }
    return EBADF;
}

static bool grow(struct gate *g) {
    uint64_t limit = atomic_load(&g->limit);
    uint64_t bytes = (limit - g->header->base_slot) * sizeof(struct record);
    size_t size = step(bytes);
    uint64_t n = size / sizeof(struct record);
    int wrong;

    if (__atomic_load_n(&g->header->stop, __ATOMIC_ACQUIRE)) return give_up(g, ECANCELED);
    if (limit + n > g->end) return give_up(g, g->end_error);
    wrong = map_next(g, g->base + limit, RECORD_HEADER_SIZE + bytes, size);
    if (wrong == EMFILE && g->n_refused++ < REFUSED_MOST) return false; /* this slot's */
    if (wrong) return give_up(g, wrong);
    g->n_refused = 0;
    __atomic_store_n(&g->header->room_slot, limit + n, __ATOMIC_RELEASE);
    atomic_store_explicit(&g->limit, limit + n, memory_order_release);

    /* Only their pages are let go, so that they do not count as the program's memory:
       whoever is late with a record there gets them back. */
    if (bytes >= 2 * size)
        raw(SYS_madvise, (long)(g->base + limit - 2 * n), (long)size, MADV_DONTNEED, 0, 0,
            0);
    return true;
}

/* The page that a child finds empty. */
static struct gate *make_gate(void) {
    int64_t page = raw(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page < 0) return NULL;
    if (raw(SYS_madvise, page, 4096, MADV_WIPEONFORK, 0, 0, 0) != 0) {
        raw(SYS_munmap, page, 4096, 0, 0, 0, 0);
        return NULL;
    }
    return (struct gate *)page;
}

/* Of all threads that make the first one, one wins. */
static struct gate *find_gate(void) {
    struct gate *g = atomic_load(&gate), *made;

    if (g != &closed) return g;
    made = make_gate();
    if (!made) {
        give_up(g, ENOMEM);
        return NULL;
    }
    if (atomic_compare_exchange_strong(&gate, &g, made)) return made;
    raw(SYS_munmap, (long)made, 4096, 0, 0, 0, 0);
    return g;
}

static bool open_under_lock(struct gate *g, uint64_t slot) {
    if (recording == NEVER) return slot < atomic_load(&g->limit);
    if (!g->header && !begin(g, slot)) return false;
    while (slot >= atomic_load(&g->limit)) {
        if (!grow(g)) return false;
    }
    return true;
}

/* All signals but those of a fault, and of a system call that a sandbox refuses: who blocks
   these is killed by them. */
static uint64_t most_signals(void) {
    static const int faults[] = {SIGSYS, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    uint64_t set = UINT64_MAX;

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        set &= ~(UINT64_C(1) << (faults[i] - 1));
    return set;
}

bool gate_open(uint64_t slot) {
    uint64_t blocked = most_signals(), before = 0;
    struct gate *g;
    bool open = false;
    int error = errno;

    if (recording == NEVER) return slot < atomic_load(&atomic_load(&gate)->limit);
    raw(SYS_rt_sigprocmask, SIG_BLOCK, (long)&blocked, (long)&before, sizeof(blocked), 0,
        0);
    g = find_gate();
    if (g) {
        while (atomic_exchange(&g->lock, 1)) raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
        open = open_under_lock(g, slot);
        atomic_store(&g->lock, 0);
    }
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof(before), 0, 0);
    errno = error;
    return open;
}

/* --------------------------------------------------------------------- events */

static void before_fork(void) {
    fork_number = atomic_fetch_add(&forks, 1) + 1;
    if (log_name[0] && recording == WANTED)
        gate_note(RECORD_FORK, (const void *)(uintptr_t)fork_number, 0, 0);
}

/* At once, rather than at the first record: whoever reads the parent's log waits for this
   one, to see from where on it has to tell the two heaps apart. */
static void in_child(void) {
    if (log_name[0] && recording == WANTED) gate_open(atomic_load(&gate_slots.next));
}

__attribute__((constructor)) static void start(void) {
    pthread_atfork(before_fork, NULL, in_child);
}

__attribute__((destructor)) static void end(void) {
    struct gate *g = atomic_load(&gate);

    if (!g->header || g->header->pid != (uint64_t)raw(SYS_getpid, 0, 0, 0, 0, 0, 0))
        return;
    gate_time();
    __atomic_store_n(&g->header->exited, 1, __ATOMIC_RELEASE);
}
