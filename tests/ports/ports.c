/* SPDX-License-Identifier: MIT */
/*
 * What depends on the width of a pointer, on the order of bytes and on the size of a page: the example of the
 * contract, the limits that the header names, what is told of stale and forged handles, the inline calls. On
 * nothing but libc and the library, so that it runs on any machine. Usage: ports
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <rmalloc_inline.h>

static unsigned n_tests, n_failed;
static const char *reason;

/* Ends a test at its first failure. */
#define EXPECT(condition)                                                                \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            reason = #condition;                                                         \
            return;                                                                      \
        }                                                                                \
    } while (0)

static void run(const char *name, void (*test)(void)) {
    reason = NULL;
    test();
    n_tests++;
    n_failed += reason != NULL;
    printf("%sok %u - %s\n", reason != NULL ? "not " : "", n_tests, name);
    if (reason != NULL) printf("# not so: %s\n", reason);
}

/* --- the example --- */

#define WIDTH 320
#define HEIGHT 200

static unsigned long drawn;

static void draw_bitmap(memory_t *bitmap) {
    unsigned char *ptr;
    if (rmlock(bitmap, (void **)&ptr) != RM_OK) return;
    for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
        drawn += ptr[i] == (unsigned char)((i % WIDTH) ^ (i / WIDTH));
    rmunlock(bitmap);
}

static void test_example(void) {
    int x, y;
    /* clang-format off */
    memory_t *bitmap;
    unsigned char *ptr;
    rmalloc(&bitmap, WIDTH*HEIGHT);
    rmlock(bitmap, (void **)&ptr);
    for (y=0; y<HEIGHT; y++)
        for (x=0; x<WIDTH; x++)
            ptr[x + y*WIDTH] = (unsigned char)(x^y);
    rmunlock(bitmap);
    draw_bitmap(bitmap);
    rmfree(bitmap);
    /* clang-format on */
    EXPECT(drawn == WIDTH * HEIGHT);
    EXPECT(rmlock(bitmap, (void **)&ptr) == RM_EHANDLE);
}

/* --- heaps in a region --- */

static _Alignas(16) char region[256 * 1024];

static rm_heap_t *open_region(void *memory, size_t size) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    options.memory = memory;
    options.size = size;
    return rm_heap_create(&heap, &options) == RM_OK ? heap : NULL;
}

/* An empty heap fits the least region at any address. */
static void test_least(void) {
    for (unsigned shift = 0; shift < 64; shift++) {
        rm_heap_t *heap = open_region(region + shift, RM_HEAP_SIZE_MIN);
        memory_t *block;
        EXPECT(heap != NULL);
        EXPECT(rm_heap_alloc(heap, &block, 1, 0, 0) == RM_OK);
        EXPECT(rm_heap_check(heap, NULL) == RM_OK);
        EXPECT(rm_heap_destroy(heap) == RM_OK);
    }
}

static void test_heaps(void) {
    static rm_heap_t *heaps[RM_HEAPS_MAX];
    static char memory[RM_HEAPS_MAX][4096];
    memory_t *old = NULL;
    size_t size;
    EXPECT(rm_heap_default() != NULL); /* beside those */
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < RM_HEAPS_MAX; i++)
            EXPECT((heaps[i] = open_region(memory[i], sizeof memory[i])) != NULL);
        EXPECT(open_region(region, sizeof region) == NULL);
        for (unsigned i = 0; i < RM_HEAPS_MAX; i++)
            for (unsigned j = 0; j < 3; j++)
                EXPECT(heaps[i] != heaps[(i + j + 1) % RM_HEAPS_MAX]);
        if (round == 1) EXPECT(rmsize(old, &size) == RM_EHANDLE);
        EXPECT(rm_heap_alloc(heaps[RM_HEAPS_MAX - 1], &old, 100, 0, 0) == RM_OK);
        for (unsigned i = 0; i < RM_HEAPS_MAX; i++)
            EXPECT(rm_heap_destroy(heaps[i]) == RM_OK);
        EXPECT(rmsize(old, &size) == RM_EHANDLE);
        EXPECT(rm_heap_destroy(heaps[0]) == RM_EINVAL);
    }
}

/* --- handles --- */

static void test_stale(void) {
    rm_heap_t *heap = open_region(region, sizeof region);
    memory_t *first, *block;
    void *pointer;
    EXPECT(heap != NULL);
    EXPECT(rm_heap_alloc(heap, &first, 40, 0, 0) == RM_OK && rmfree(first) == RM_OK);
    for (unsigned i = 0; i < RM_REUSES_MAX; i++) {
        EXPECT(rmlock(first, &pointer) == RM_EHANDLE);
        EXPECT(rm_heap_alloc(heap, &block, 40, 0, 0) == RM_OK && block != first);
        EXPECT(rmlock(first, &pointer) == RM_EHANDLE && rmfree(first) == RM_EHANDLE);
        EXPECT(rmfree(block) == RM_OK);
    }
    EXPECT(rm_heap_check(heap, NULL) == RM_OK);
    EXPECT(rm_heap_destroy(heap) == RM_OK);
}

/* Whatever a handle is changed to is refused, unless it is another one. */
static void test_forged(void) {
    enum { BLOCKS = 200, BITS = 8 * sizeof(uintptr_t) };
    static memory_t *blocks[BLOCKS];
    rm_heap_t *heap = open_region(region, sizeof region);
    EXPECT(heap != NULL);
    for (unsigned i = 0; i < BLOCKS; i++)
        EXPECT(rm_heap_alloc(heap, &blocks[i], i, 0, 0) == RM_OK && blocks[i] != NULL);
    for (unsigned i = 0; i < BLOCKS; i++)
        for (unsigned bit = 0; bit < BITS; bit++) {
            memory_t *forged = (memory_t *)((uintptr_t)blocks[i] ^ (uintptr_t)1 << bit);
            size_t size;
            bool live = false;
            for (unsigned j = 0; j < BLOCKS; j++) live |= forged == blocks[j];
            EXPECT(rmsize(forged, &size) == (live ? RM_OK : RM_EHANDLE));
        }
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t size;
        EXPECT(rmsize(blocks[i], &size) == RM_OK && size == i);
    }
    EXPECT(rm_heap_destroy(heap) == RM_OK);
}

static void test_inline(void) {
    memory_t *block;
    unsigned char *at, *again;
    void *peeked;
    rm_heap_t *heap = open_region(region, sizeof region);
    EXPECT(heap != NULL && rm_heap_alloc(heap, &block, 100, 0, 0) == RM_OK);
    for (unsigned i = 0; i < 1000; i++) {
        unsigned count;
        EXPECT(rmlock_inline(block, (void **)&at) == RM_OK);
        EXPECT(rmlock(block, (void **)&again) == RM_OK && again == at);
        EXPECT(rmpeek_inline(block, &peeked) == RM_OK && peeked == at);
        EXPECT(rmlocks(block, &count) == RM_OK && count == 2);
        at[i % 100] = (unsigned char)i;
        EXPECT(rmunlock(block) == RM_OK && rmunlock_inline(block) == RM_OK);
        EXPECT(rmunlock_inline(block) == RM_EUNLOCKED);
        EXPECT(rmrealloc(block, 100 + (ssize_t)i % 7 * 100) == RM_OK);
    }
    EXPECT(rmfree(block) == RM_OK && rmlock_inline(block, (void **)&at) == RM_EHANDLE);
    EXPECT(rmunlock_inline(block) == RM_EHANDLE &&
           rmpeek_inline(block, &peeked) == RM_EHANDLE);
    EXPECT(rm_heap_destroy(heap) == RM_OK);
}

/* --- sizes --- */

static void test_sizes(void) {
    memory_t *block = (memory_t *)region;
    const size_t sizes[] = {RM_BLOCK_MAX + 1, SIZE_MAX / 2, SIZE_MAX / 2 + 1,
                            SIZE_MAX - 64, SIZE_MAX};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        EXPECT(rm_heap_alloc(NULL, &block, sizes[i], 0, 0) == RM_ENOMEM && block == NULL);
        EXPECT(rm_heap_alloc(NULL, &block, sizes[i], 4096, RM_ZERO) == RM_ENOMEM);
    }
    EXPECT(rmcalloc(&block, (ssize_t)(SIZE_MAX / 4), 4) == RM_EOVERFLOW);
    EXPECT(rmalloc(&block, -1) == RM_EINVAL);
    EXPECT(rmalloc(&block, 10) == RM_OK);
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if ((ssize_t)sizes[i] > 0)
            EXPECT(rmrealloc(block, (ssize_t)sizes[i]) == RM_ENOMEM);
    EXPECT(rmfree(block) == RM_OK);
    EXPECT(rm_heap_check(NULL, NULL) == RM_OK);
}

/* A region larger than a heap may be is used as far as that; one that would wrap round is refused. */
static void test_regions(void) {
    EXPECT(open_region((void *)(UINTPTR_MAX - 0xffff), 0x20000) == NULL);
    EXPECT(open_region(region, RM_HEAP_SIZE_MIN / 2) == NULL);
}

/* As many handles as a heap may have, and no more; where they are not too many to be tried. */
static void test_handles(void) {
    memory_t **handles;
    size_t n = 0, size;
    memory_t *more;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    if (RM_HANDLES_MAX > 2u << 20) return;
    options.threads = RM_THREADS_NONE;
    options.size = (size_t)64 << 20;
    EXPECT(rm_heap_create(&heap, &options) == RM_OK);
    EXPECT((handles = malloc(2 * RM_HANDLES_MAX * sizeof *handles)) != NULL);
    while (n < 2 * RM_HANDLES_MAX && rm_heap_alloc(heap, &handles[n], 4, 0, 0) == RM_OK)
        n++;
    EXPECT(n >= RM_HANDLES_MAX && n < RM_HANDLES_MAX / 32 * 34);
    EXPECT(rm_heap_alloc(heap, &more, 4, 0, 0) == RM_ENOMEM && more == NULL);
    EXPECT(rm_heap_check(heap, NULL) == RM_OK);
    for (size_t i = 0; i < n; i += 1000)
        EXPECT(rmsize(handles[i], &size) == RM_OK && size == 4);
    EXPECT(rmfree(handles[n / 2]) == RM_OK);
    EXPECT(rm_heap_alloc(heap, &handles[n / 2], 8, 0, 0) == RM_OK);
    for (size_t i = 0; i < n; i++) EXPECT(rmfree(handles[i]) == RM_OK);
    free(handles);
    EXPECT(rm_heap_destroy(heap) == RM_OK);
}

/* A heap that grows past several pages, of whatever size they are, and gives them back. */
static void test_pages(void) {
    enum { BLOCKS = 40, BYTES = 100 * 1000 };
    memory_t *blocks[BLOCKS];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    rm_stats_t stats;
    options.size = (size_t)16 << 20;
    EXPECT(rm_heap_create(&heap, &options) == RM_OK);
    for (unsigned i = 0; i < BLOCKS; i++) {
        unsigned char *at;
        EXPECT(rm_heap_alloc(heap, &blocks[i], BYTES, 0, RM_ZERO) == RM_OK);
        EXPECT(rmlock(blocks[i], (void **)&at) == RM_OK);
        for (size_t k = 0; k < BYTES; k += 4096) EXPECT(at[k] == 0);
        memset(at, (int)i, BYTES);
        EXPECT(rmunlock(blocks[i]) == RM_OK);
    }
    for (unsigned i = 0; i < BLOCKS; i += 2) EXPECT(rmfree(blocks[i]) == RM_OK);
    EXPECT(rm_heap_compact(heap, NULL, NULL) == RM_OK && rm_heap_trim(heap) == RM_OK);
    EXPECT(rm_heap_stats(heap, &stats) == RM_OK);
    EXPECT(stats.capacity < (size_t)BLOCKS / 2 * BYTES + 512 * 1024);
    for (unsigned i = 1; i < BLOCKS; i += 2) {
        unsigned char *at;
        EXPECT(rmlock(blocks[i], (void **)&at) == RM_OK);
        for (size_t k = 0; k < BYTES; k++) EXPECT(at[k] == i);
        EXPECT(rmunlock(blocks[i]) == RM_OK);
    }
    for (unsigned i = 0; i < BLOCKS; i += 2)
        EXPECT(rm_heap_alloc(heap, &blocks[i], BYTES, 0, RM_ZERO) == RM_OK);
    EXPECT(rm_heap_check(heap, NULL) == RM_OK && rm_heap_destroy(heap) == RM_OK);
}

int main(void) {
    const uint16_t one = 1;
    printf("# %u bits, %s end first\n", (unsigned)(8 * sizeof(void *)),
           *(const unsigned char *)&one == 1 ? "little" : "big");
    run("the example", test_example);
    run("the least region, at any address", test_least);
    run("as many heaps as there may be", test_heaps);
    run("stale handles, as often as the header says", test_stale);
    run("forged handles, each bit", test_forged);
    run("inline calls", test_inline);
    run("sizes near the ends", test_sizes);
    run("regions near the ends", test_regions);
    run("as many handles as there may be", test_handles);
    run("pages of this machine", test_pages);
    printf("1..%u\n", n_tests);
    return n_failed > 0;
}
