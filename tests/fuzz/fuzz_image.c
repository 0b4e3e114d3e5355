/* SPDX-License-Identifier: MIT */
/*
 * A hostile image: a heap is made and used, bytes of its memory are changed, and it is used again. No call
 * crashes, hangs, or writes outside of the heap; what is found is said by RM_ECORRUPT from then on.
 *
 *      options   1 byte: threads, compaction, integrity
 *      size      1 byte: from the least there is to 64 KiB
 *      then      commands of 3 bytes: which one and two arguments; some of them change memory
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rmalloc.h>

#include "fuzz.h"

enum { BLOCKS = 64, MOST = 64 * 1024, CANARY = 0xa5, STEPS = 400 };

struct image {
    unsigned char *page, *memory; /* the pages, and where the heap begins */
    size_t pages, size;
    rm_heap_t *heap;
    rm_memory_t *blocks[BLOCKS];
    bool corrupt, integrity;
};

/* Between pages that cannot be touched, mapped once. */
static void map(struct image *m) {
    static unsigned char *mapped;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    m->pages = MOST + page;
    if (mapped == NULL) {
        void *all = mmap(NULL, m->pages + 2 * page, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        FUZZ_HOLDS(all != MAP_FAILED);
        mapped = (unsigned char *)all + page;
        FUZZ_HOLDS(mprotect(mapped, m->pages, PROT_READ | PROT_WRITE) == 0);
    }
    m->page = mapped;
    memset(m->page, CANARY, m->pages);
    m->memory = m->page + m->pages - m->size; /* flush with the upper one */
}

static bool intact(const struct image *m) {
    for (const unsigned char *p = m->page; p < m->memory; p++)
        if (*p != CANARY) return false;
    return true;
}

/* Bytes of the heap are others: near its end, where its structure and its table are, or anywhere. */
static void change(struct image *m, uint8_t how, uint8_t where, uint8_t what) {
    size_t most = m->size, at = (size_t)where << 4 | how >> 4;
    if (how & 1) at += m->size / 2;
    if (at >= most) at %= most;
    unsigned char *byte = m->memory + (how & 2 ? most - 1 - at : at);
    if (how & 4)
        *byte = what;
    else
        *byte ^= (unsigned char)(1u << what % 8);
}

static bool visit(const rm_span_t *span, void *context) {
    (void)span;
    return ++*(size_t *)context < 1000000;
}

static rm_status_t of_heap(struct image *m, uint8_t which, uint8_t argument) {
    rm_stats_t stats;
    size_t n = 0;
    rm_budget_t budget = {.bytes = (size_t)argument * 16 + 1};
    switch (which % 10) {
    case 0: return rm_heap_compact(m->heap, NULL, NULL);
    case 1: return rm_heap_compact(m->heap, &budget, NULL);
    case 2: return rm_heap_largest(m->heap, argument & 1, &n);
    case 3: return rm_heap_trim(m->heap);
    case 4: return rm_heap_stats(m->heap, &stats);
    case 5: return rm_heap_stats_quick(m->heap, &stats);
    case 6: return rm_heap_walk(m->heap, visit, &n);
    case 7: return rm_heap_hold(m->heap);
    case 8: return rm_heap_release(m->heap);
    default: return rm_heap_check(m->heap, NULL);
    }
}

static rm_status_t of_block(struct image *m, uint8_t which, uint8_t block,
                            uint8_t argument) {
    rm_memory_t **at = &m->blocks[block % BLOCKS];
    size_t size = (size_t)argument * (1 + block / BLOCKS * 17);
    void *pointer;
    unsigned locks;
    rm_heap_t *heap;
    switch (which % 10) {
    case 0:
    case 1: return rm_heap_alloc(m->heap, at, size, 0, which & 1 ? RM_ZERO : 0);
    case 2: return rm_heap_alloc(m->heap, at, size, (size_t)16 << argument % 6, 0);
    case 3: return rmfree(*at);
    case 4: return rmlock(*at, &pointer);
    case 5: return rmunlock(*at);
    case 6: return rmpeek(*at, &pointer);
    case 7: return rmrealloc(*at, (ssize_t)size);
    case 8: return rmsize(*at, &size);
    default: return block & 1 ? rmlocks(*at, &locks) : rmheap(*at, &heap);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct image m = {.heap = NULL};
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    if (size < 2) return 0;
    m.size = RM_HEAP_SIZE_MIN + (size_t)data[1] * data[1] % (MOST - RM_HEAP_SIZE_MIN);
    map(&m);
    options.memory = m.memory;
    options.size = m.size;
    options.threads = data[0] & 1 ? RM_THREADS_NONE : RM_THREADS_SAFE;
    options.compaction = (rm_compaction_t)(data[0] / 2 % 3);
    m.integrity = options.integrity = data[0] & 0x80;
    FUZZ_HOLDS(rm_heap_create(&m.heap, &options) == RM_OK);
    for (size_t i = 2; i + 3 <= size && i < 3 * STEPS; i += 3) {
        uint8_t which = data[i] / 3, first = data[i + 1], second = data[i + 2];
        rm_status_t status = RM_OK;
        if (data[i] % 16 == 15)
            change(&m, data[i + 1], data[i + 2], data[i]);
        else if (data[i] % 3 == 0)
            status = of_heap(&m, which, first);
        else
            status = of_block(&m, which, first, second);
        if (status == RM_ECORRUPT && which % 10 != 9) m.corrupt = true;
        FUZZ_HOLDS(status <= RM_ESYSTEM);
    }
    if (m.corrupt) { /* for good, where it was not rm_heap_check alone that has looked */
        rm_status_t status = rm_heap_compact(m.heap, NULL, NULL);
        FUZZ_HOLDS(status == RM_ECORRUPT || !m.integrity);
    }
    FUZZ_HOLDS(rm_heap_destroy(m.heap) == RM_OK);
    FUZZ_HOLDS(intact(&m));
    return 0;
}
