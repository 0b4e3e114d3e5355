/* SPDX-License-Identifier: MIT */
/*
 * Counts allocations, reallocations and frees, by itself: preloaded before the recorder,
 * it passes each call on to that, and so both see the same run. What counts is what a
 * trace counts: no failed call, no free of NULL; realloc of NULL is an allocation,
 * realloc to nothing a free.
 *
 * A process image has a file of its own in RMCOUNT_DIR, PID-TIME-NAME, three numbers of
 * 64 bits, which it has mapped, so that they are right whatever ends it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "counter.h"

static _Atomic uint64_t nowhere[3];
static _Atomic uint64_t *_Atomic counts;

/* The first argument, without its folder: what the program is called. */
static void read_name(char name[128]) {
    char text[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *slash = strrchr(text, '/');
    snprintf(name, 128, "%s", slash ? slash + 1 : text);
}

static _Atomic uint64_t *open_counts(void) {
    const char *folder = getenv("RMCOUNT_DIR");
    struct timespec now;
    char path[512], name[128];
    int fd;

    if (!folder) return nowhere;
    clock_gettime(CLOCK_MONOTONIC, &now);
    read_name(name);
    snprintf(path, sizeof(path), "%s/%d-%lld%09ld-%s", folder, getpid(),
             (long long)now.tv_sec, now.tv_nsec, name);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, 24) != 0) abort();
    void *at = mmap(NULL, 24, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) abort();
    close(fd);
    return at;
}

static void count(int what) {
    _Atomic uint64_t *mine = atomic_load(&counts);

    if (!mine) {
        int error = errno;
        mine = open_counts();
        atomic_store(&counts, mine);
        errno = error;
    }
    atomic_fetch_add(&mine[what], 1);
}

static void in_child(void) { atomic_store(&counts, NULL); }

__attribute__((constructor)) static void start(void) {
    pthread_atfork(NULL, NULL, in_child);
}

enum { ALLOCATIONS, REALLOCATIONS, FREES };

/* The function of the same name in the next library. */
#define NEXT(result, name, ...)                                                          \
    static result (*_Atomic next)(__VA_ARGS__);                                          \
    if (!next) next = (result(*)(__VA_ARGS__))(uintptr_t)dlsym(RTLD_NEXT, #name)

static void *counted(void *block) {
    if (block) count(ALLOCATIONS);
    return block;
}

void *malloc(size_t size) {
    NEXT(void *, malloc, size_t);
    return counted(next(size));
}

void *calloc(size_t n, size_t size) {
    NEXT(void *, calloc, size_t, size_t);
    return counted(next(n, size));
}

void *memalign(size_t alignment, size_t size) {
    NEXT(void *, memalign, size_t, size_t);
    return counted(next(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
    NEXT(void *, aligned_alloc, size_t, size_t);
    return counted(next(alignment, size));
}

void *valloc(size_t size) {
    NEXT(void *, valloc, size_t);
    return counted(next(size));
}

void *pvalloc(size_t size) {
    NEXT(void *, pvalloc, size_t);
    return counted(next(size));
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    NEXT(int, posix_memalign, void **, size_t, size_t);
    int failed = next(block, alignment, size);
    if (!failed) count(ALLOCATIONS);
    return failed;
}

static void *recounted(const void *old, size_t size, void *block) {
    if (!old)
        counted(block);
    else if (size == 0)
        count(FREES);
    else if (block)
        count(REALLOCATIONS);
    return block;
}

void *realloc(void *block, size_t size) {
    NEXT(void *, realloc, void *, size_t);
    const void *old = block;
    return recounted(old, size, next(block, size));
}

void *reallocarray(void *block, size_t n, size_t size) {
    NEXT(void *, reallocarray, void *, size_t, size_t);
    size_t bytes;
    const void *old = block;
    if (__builtin_mul_overflow(n, size, &bytes)) return next(block, n, size);
    return recounted(old, bytes, next(block, n, size));
}

void free(void *block) {
    NEXT(void, free, void *);
    if (block) count(FREES);
    next(block);
}
