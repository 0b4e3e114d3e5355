/* SPDX-License-Identifier: MIT */
/*
 * Programs to be recorded, by name; "calls NAME". Some say on standard output how many
 * calls they made: three numbers, allocations, reallocations, frees, of those that a
 * trace has.
 */
#include "calls.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static long allocations, reallocations, frees;

/* The compiler must not see that nothing is done with a block. */
static void *volatile sink;

static void *made(void *block) {
    sink = block;
    if (!block) abort();
    allocations++;
    return block;
}

static void drop(void *block) {
    frees++;
    free(block);
}

/* Standard output as such would allocate, behind the numbers' back. */
static void tell(void) {
    char line[100];
    int n =
        snprintf(line, sizeof(line), "%ld %ld %ld\n", allocations, reallocations, frees);

    if (write(STDOUT_FILENO, line, (size_t)n) != n) abort();
}

/* A call that has to fail: it is in no trace. */
static void refused(void *block) {
    sink = block;
    if (block || errno != ENOMEM) abort();
}

static void aligned(void *block, size_t alignment) {
    if ((uintptr_t)block % alignment != 0) abort();
    drop(made(block));
}

static void every_alignment(void) {
    void *block;

    for (size_t alignment = sizeof(void *); alignment <= 1 << 20; alignment *= 2) {
        for (size_t size = 0; size < 100000; size = size * 7 + 1) {
            aligned(memalign(alignment, size), alignment);
            aligned(aligned_alloc(alignment, size), alignment);
            if (posix_memalign(&block, alignment, size) != 0) abort();
            aligned(block, alignment);
        }
    }
    for (size_t size = 0; size < 20000; size += 1000) {
        aligned(valloc(size), 4096);
        aligned(pvalloc(size), 4096);
    }
    volatile size_t crooked = 48; /* rounded up */
    aligned(memalign(crooked, 100), 64);
    aligned(memalign(1, 100), 16);
}

static void every_failure(void) {
    void *block = &block, *kept = made(malloc(10));
    volatile size_t huge = SIZE_MAX / 2;

    errno = 0;
    refused(malloc(huge));
    refused(calloc(huge, 1));
    refused(calloc(huge, 16));
    refused(realloc(NULL, huge));
    refused(realloc(kept, huge));
    refused(reallocarray(kept, huge, 16));
    refused(reallocarray(kept, huge, 1));
    refused(memalign(64, huge));
    refused(aligned_alloc(64, huge));
    refused(valloc(huge));
    refused(pvalloc(huge));
    refused(pvalloc(huge * 2 - 10));
    errno = 5;
    if (posix_memalign(&block, 64, huge) != ENOMEM || block != &block) abort();
    if (posix_memalign(&block, 24, 10) != EINVAL || block != &block) abort();
    if (posix_memalign(&block, 0, 10) != EINVAL || errno != 5) abort();
    drop(kept);
    free(NULL);
    if (errno != 5 || malloc_usable_size(NULL) != 0) abort();
}

static void every(void) {
    for (size_t size = 0; size < 300000; size = size * 3 + 1) {
        void *block = made(malloc(size)), *other = made(calloc(size, 3));
        void *third = made(realloc(NULL, size));
        for (size_t more = 1; more < 3000000; more *= 5) {
            block = realloc(block, more);
            other = reallocarray(other, more, 2);
            if (!block || !other) abort();
            reallocations += 2;
        }
        drop(other);
        sink = realloc(block, 0);
        frees++;
        drop(third);
        block = made(reallocarray(NULL, size, 1));
        sink = reallocarray(block, 0, 17);
        frees++;
        drop(made(strdup("as libc allocates for itself")));
    }
    every_alignment();
    every_failure();
}

/* The caller may write to all of it; that is what a trace is to say. */
static void usable(void) {
    for (size_t size = 1; size < 1000; size += 3) {
        char *block = made(malloc(size));
        memset(block, 1, malloc_usable_size(block));
        block = made(realloc(NULL, size + malloc_usable_size(block)));
        drop(block);
    }
}

/* So many calls, told before each: whoever reads the pipe knows what there was. */
static void told(void) {
    for (;;) {
        drop(made(malloc(100)));
        drop(made(calloc(10, 10)));
        if (allocations % 100 == 0) {
            tell();
            if (allocations == 100000) kill_myself();
        }
    }
}

static void leave(void) {
    for (int i = 0; i < 5000; i++) made(malloc(10));
    tell();
    _exit(7);
}

static void give_up(void) {
    for (int i = 0; i < 5000; i++) made(malloc(10));
    tell();
    abort();
}

/* It takes from itself what a log might need to grow. */
static void confined(void) {
    struct rlimit none = {0, 0}, little = {4096, 4096};

    for (int i = 0; i < 100; i++) drop(made(malloc(10)));
    if (setrlimit(RLIMIT_NOFILE, &none) != 0 || setrlimit(RLIMIT_FSIZE, &little) != 0 ||
        chdir("/") != 0)
        abort();
    (void)!chroot("/proc/self/fdinfo"); /* where it may */
    for (int i = 0; i < 100000; i++) drop(made(malloc(10)));
}

/* As many addresses as there are, up to a GiB. */
static void spacious(void) {
    int n = 0;

    while (n < 1024 && malloc((size_t)1 << 20)) n++;
    if (n < 900) abort();
}

/* Bytes that are no record. */
static void make_noise(void) {
    unsigned char bytes[4096];
    uint32_t random = 1;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)((random = random * 1664525 + 1013904223) >> 24) | 0x80;
    if (write(STDOUT_FILENO, bytes, sizeof(bytes)) < 0) abort();
}

static const struct {
    const char *name;
    void (*run)(void);
} programs[] = {
    {"every", every},
    {"usable", usable},
    {"told", told},
    {"leave", leave},
    {"abort", give_up},
    {"threads", run_threads},
    {"fork", run_fork},
    {"fork-threads", run_fork_threads},
    {"fork-exec", run_fork_exec},
    {"vfork", run_vfork},
    {"raw-fork", run_raw_fork},
    {"signal", run_signal},
    {"dlopen", run_dlopen},
    {"locks", run_locks},
    {"idle", run_idle},
    {"noise", make_noise},
    {"confined", confined},
    {"spacious", spacious},
    {"linger", run_linger},
    {"daemon", run_daemon},
    {"headless", run_headless},
    {"childless", run_childless},
    {"relay", run_relay},
    {"stubborn", run_stubborn},
};

int main(int argc, char **argv) {
    program_path = argv[0];
    for (size_t i = 0; argc > 1 && i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strcmp(programs[i].name, argv[1]) != 0) continue;
        programs[i].run();
        if (allocations > 0) tell();
        return 0;
    }
    return 2;
}
