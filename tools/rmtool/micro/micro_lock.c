/* SPDX-License-Identifier: MIT */
/*
 * What it takes to lock a block, read a word of it and unlock it, with everything in the
 * first-level cache: beside a plain pointer, by calls into a heap without synchronisation
 * and into one that is safe for threads, and inline where the library has that.
 */
#include "micro/micro.h"

#include "base/say.h"

/* The one place that knows the names of the inline pair. */
#if defined(__has_include)
#if __has_include(<rmalloc_inline.h>)
#include <rmalloc_inline.h>
#define INLINE_LOCK rmlock_inline
#define INLINE_UNLOCK rmunlock_inline
#endif
#endif

enum { BLOCKS = 64, SIZE = 64 };

struct locks {
    rm_memory_t *handles[BLOCKS];
    void *pointers[BLOCKS];
    uint64_t sum; /* so that nothing read is for nothing */
};

/* One after the other: the compiler may not make one loop of several reads. */
static inline uint64_t read_word(void *pointer) {
    uint64_t word = *(volatile uint64_t *)pointer;

    __asm__ volatile("" : "+r"(word) : : "memory");
    return word;
}

static void run_pointer(void *context, uint64_t n) {
    struct locks *locks = context;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) sum += read_word(locks->pointers[i % BLOCKS]);
    locks->sum += sum;
}

/* n times over the first blocks of them. Compiled for each pair of functions, and for each
   number of blocks: what is measured holds no calls but theirs. */
__attribute__((always_inline)) static inline void
run_locks(struct locks *locks, uint64_t n, unsigned blocks,
          rm_status_t (*lock)(rm_memory_t *, void **),
          rm_status_t (*unlock)(rm_memory_t *)) {
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        rm_memory_t *handle = locks->handles[i % blocks];
        void *pointer = NULL;
        lock(handle, &pointer);
        sum += read_word(pointer);
        unlock(handle);
    }
    locks->sum += sum;
}

static void run_calls(void *context, uint64_t n) {
    run_locks(context, n, BLOCKS, rmlock, rmunlock);
}

static void run_calls_one(void *context, uint64_t n) {
    run_locks(context, n, 1, rmlock, rmunlock);
}

#ifdef INLINE_LOCK
static void run_inline(void *context, uint64_t n) {
    run_locks(context, n, BLOCKS, INLINE_LOCK, INLINE_UNLOCK);
}
#endif

/* Blocks with something in them, and their addresses: nothing moves here. */
static int fill(rm_heap_t *heap, struct locks *locks) {
    for (int i = 0; i < BLOCKS; i++) {
        int status = micro_call(
            "rm_heap_alloc", rm_heap_alloc(heap, &locks->handles[i], SIZE, 0, RM_ZERO));
        if (status) return status;
        status = micro_call("rmlock", rmlock(locks->handles[i], &locks->pointers[i]));
        if (status) return status;
        status = micro_call("rmunlock", rmunlock(locks->handles[i]));
        if (status) return status;
    }
    return STATUS_OK;
}

static int measure(struct micro *micro, struct locks *single, struct locks *safe) {
    struct micro_case cases[] = {
        {.what = "a pointer, read", .run = run_pointer, .context = single},
        {.what = "lock + read + unlock, calls, unsynchronised",
         .run = run_calls,
         .context = single},
        {.what = "lock + read + unlock, calls, safe for threads",
         .run = run_calls,
         .context = safe},
        {.what = "the same block each time, calls, unsynchronised",
         .run = run_calls_one,
         .context = single},
        {.what = "the same block each time, calls, safe for threads",
         .run = run_calls_one,
         .context = safe},
#ifdef INLINE_LOCK
        {.what = "lock + read + unlock, inline", .run = run_inline, .context = single},
#endif
    };
    static const double goals[] = {0, 2.8, 5.6, 0, 0, 1.3};
    enum { N = sizeof(cases) / sizeof(cases[0]) };
    int status = micro_measure(micro, cases, N);

    for (size_t i = 0; i < N && status == STATUS_OK; i++) {
        struct micro_row *row = micro_add(micro, cases[i].ns, "ns", "%s", cases[i].what);
        if (!row) return STATUS_IO;
        if (goals[i] > 0) micro_at_most(row, goals[i]);
    }
#ifndef INLINE_LOCK
    if (status == STATUS_OK)
        status = micro_skip(micro, "lock + read + unlock, inline",
                            "this library has no inline locks");
#endif
    return status;
}

int micro_lock(struct micro *micro) {
    struct locks single, safe;
    rm_heap_t *heap = micro_heap(RM_THREADS_NONE);
    rm_heap_t *safe_heap = heap ? micro_heap(RM_THREADS_SAFE) : NULL;
    int status = safe_heap ? STATUS_OK : STATUS_FOUND;

    if (status == STATUS_OK) status = fill(heap, &single);
    if (status == STATUS_OK) status = fill(safe_heap, &safe);
    if (status == STATUS_OK) status = measure(micro, &single, &safe);
    if (safe_heap) rm_heap_destroy(safe_heap);
    if (heap) rm_heap_destroy(heap);
    return status;
}
