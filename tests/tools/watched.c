/* SPDX-License-Identifier: MIT */
/*
 * A program to be watched by `rmtool top`. It knows nothing of that.
 *
 *      watched stand       makes five heaps and stands still: at a line on standard input it prints
 *                          what they say of themselves, verifies them, and ends
 *      watched run N       N threads work in them until then
 *      watched alone       the same with one thread, which is the only one
 *      watched abort       makes them, and aborts
 *      watched exec FILE   makes them, and becomes that program at the line
 *      watched churn       makes threads that end at once, until the line
 *      watched late FILE   makes them; at the line one in a file that is mapped then, whose pages are in no
 *                          page table; and ends at the next one
 *      watched empty       has the library, but no heap
 */
#include <rmalloc.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCKS = 3000, THREADS_MOST = 16, HEAPS = 5 };

static unsigned char region[3 << 20];
static rm_heap_t *heaps[HEAPS];
static atomic_bool stop;

static unsigned below(uint64_t *state, unsigned n) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((*state >> 33) % n);
}

static size_t size_for(uint64_t *state) {
    unsigned kind = below(state, 100);
    if (kind < 80) return below(state, 300);
    if (kind < 97) return below(state, 6000);
    return below(state, 200000);
}

static void fail(const char *what, rm_status_t status) {
    fprintf(stderr, "%s: %s\n", what, rm_strerror(status));
    exit(1);
}

static rm_heap_t *make(rm_threads_t threads, rm_compaction_t compaction, void *memory,
                       size_t size) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;

    options.threads = threads;
    options.compaction = compaction;
    options.memory = memory;
    options.size = size;
    rm_status_t status = rm_heap_create(&heap, &options);
    if (status != RM_OK) fail("rm_heap_create", status);
    return heap;
}

/* One step on one of some blocks. */
static void step(rm_heap_t *heap, rm_memory_t **block, uint64_t *state, size_t most) {
    void *pointer;
    size_t size = size_for(state) % most;

    if (*block == NULL) {
        rm_heap_alloc(heap, block, size, 0, 0);
        return;
    }
    switch (below(state, 8)) {
    case 0:
        if (rmfree(*block) == RM_OK) *block = NULL;
        return;
    case 1: rmrealloc(*block, (ssize_t)size); return;
    case 2:
        if (below(state, 500) == 0) {
            rm_budget_t budget = {65536, 0};
            rm_heap_compact(heap, &budget, NULL);
        }
        return;
    default:
        if (rmlock(*block, &pointer) != RM_OK) return;
        if (rmsize(*block, &size) == RM_OK && size > 0)
            memset(pointer, 0x5a, size > 64 ? 64 : size);
        rmunlock(*block);
    }
}

static void *work(void *context) {
    uint64_t state = (uintptr_t)context * 977 + 1;
    rm_memory_t **blocks = calloc(BLOCKS, sizeof(*blocks));
    /* The last heap is for one thread at a time: the first one's. */
    unsigned n = context == NULL ? HEAPS : HEAPS - 1;

    if (blocks == NULL) exit(1);
    while (!atomic_load(&stop))
        for (unsigned i = 0; i < 1000; i++) {
            unsigned b = below(&state, BLOCKS), h = b % n;
            step(heaps[h], &blocks[b], &state, h == 1 ? 2000 : 200000);
        }
    for (unsigned b = 0; b < BLOCKS; b++) rmfree(blocks[b]);
    free(blocks);
    return NULL;
}

/* Some of each kind, some locked, some once too often for the entry alone. */
static void fill(void) {
    uint64_t state = 42;
    static rm_memory_t *blocks[20000];
    void *pointer;

    for (unsigned i = 0; i < 60000; i++) {
        unsigned b = below(&state, 20000), h = b % HEAPS;
        step(heaps[h], &blocks[b], &state, h == 1 ? 300 : h == 3 ? 200000 : 3000);
    }
    for (unsigned b = 0; b < 20000; b += 97)
        for (unsigned n = 0; blocks[b] != NULL && n <= b % 6; n++)
            rmlock(blocks[b], &pointer);
}

static void say(void) {
    for (unsigned i = 0; i < HEAPS; i++) {
        rm_stats_t s;
        rm_fault_t fault;

        rm_heap_stats(heaps[i], &s);
        printf(
            "heap=%u capacity=%zu limit=%zu extent=%zu live_blocks=%zu requested=%zu "
            "used=%zu "
            "metadata=%zu free=%zu free_spans=%zu largest_free=%zu locked_blocks=%zu "
            "locked=%zu moved_blocks=%zu moved=%zu regained=%zu returned=%zu "
            "peak_requested=%zu peak_capacity=%zu allocations=%zu frees=%zu failures=%zu "
            "voided=%zu background_steps=%zu background_moved=%zu\n",
            i, s.capacity, s.limit, s.extent, s.live_blocks, s.requested, s.used,
            s.metadata, s.free, s.free_spans, s.largest_free, s.locked_blocks, s.locked,
            s.moved_blocks, s.moved, s.regained, s.returned, s.peak_requested,
            s.peak_capacity, s.allocations, s.frees, s.failures, s.voided,
            s.background_steps, s.background_moved);
        if (rm_heap_check(heaps[i], &fault) != RM_OK) {
            printf("heap=%u damaged: invariant %u at %zu: %s\n", i, fault.invariant,
                   fault.offset, fault.text);
            exit(1);
        }
    }
    puts("sound");
}

static void *come_and_go(void *context) {
    rm_memory_t *block;
    (void)context;
    if (rm_heap_alloc(heaps[0], &block, 100, 0, 0) == RM_OK) rmfree(block);
    return NULL;
}

static void *churn(void *context) {
    pthread_t thread;
    (void)context;
    while (!atomic_load(&stop))
        if (pthread_create(&thread, NULL, come_and_go, NULL) == 0)
            pthread_join(thread, NULL);
    return NULL;
}

static void make_late(const char *path) {
    const size_t size = 1 << 20;
    FILE *file = fopen(path, "w+");
    if (file == NULL || ftruncate(fileno(file), (off_t)size) != 0) exit(2);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    fclose(file);
    if (memory == MAP_FAILED) exit(2);
    make(RM_THREADS_SAFE, RM_COMPACT_MANUAL, memory, size);
    if (madvise(memory, size, MADV_DONTNEED) != 0) exit(2);
}

static void await_line(void) {
    char line[80];

    puts("ready");
    fflush(stdout);
    if (fgets(line, sizeof(line), stdin) == NULL) exit(2);
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "stand";
    unsigned n = argc > 2 && strcmp(mode, "run") == 0 ? (unsigned)atoi(argv[2]) : 0;
    pthread_t threads[THREADS_MOST];

    if (n > THREADS_MOST) return 2;
    if (strcmp(mode, "empty") == 0) {
        puts(rm_strerror(RM_OK));
        await_line();
        return 0;
    }
    heaps[0] = rm_heap_default();
    heaps[1] = make(RM_THREADS_SAFE, RM_COMPACT_STEADY, region, sizeof(region));
    heaps[2] = make(RM_THREADS_SAFE, RM_COMPACT_BACKGROUND, NULL, 256 << 20);
    heaps[3] = make(RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND, NULL, 512 << 20);
    heaps[4] = make(RM_THREADS_NONE, RM_COMPACT_MANUAL, NULL, 0);
    fill();
    if (strcmp(mode, "abort") == 0) abort();
    if (strcmp(mode, "stand") == 0 && rm_heap_pause(heaps[2]) != RM_OK) return 2;
    for (uintptr_t i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) return 2;
    if (strcmp(mode, "alone") == 0) {
        puts("ready");
        fflush(stdout);
        alarm(20);
        uint64_t state = 7;
        static rm_memory_t *blocks[BLOCKS];
        for (;;) {
            unsigned b = below(&state, BLOCKS);
            step(heaps[b % HEAPS], &blocks[b], &state, b % HEAPS == 1 ? 2000 : 200000);
        }
    }
    if (strcmp(mode, "churn") == 0 && pthread_create(&threads[n++], NULL, churn, NULL))
        return 2;
    await_line();
    if (strcmp(mode, "late") == 0 && argc > 2) {
        make_late(argv[2]);
        await_line();
    }
    atomic_store(&stop, true);
    for (unsigned i = 0; i < n; i++) pthread_join(threads[i], NULL);
    if (strcmp(mode, "exec") == 0 && argc > 2) {
        execl(argv[2], argv[2], "5", (char *)NULL);
        return 2;
    }
    say();
    return 0;
}
