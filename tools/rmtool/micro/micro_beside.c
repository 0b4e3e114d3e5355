/* SPDX-License-Identifier: MIT */
/*
 * What a lock and an unlock take beside the least that could count locks: an atomic
 * addition and an atomic subtraction where there are threads, ++ and -- behind calls where
 * there are none; and rmpeek in a held heap beside the load of a pointer.
 *
 *      handles    h0 h1 h2 ... h63 h0 ...     lock, unlock
 *      words      w0 w1 w2 ... w63 w0 ...     + 1, - 1: an array, as the handles' entries are
 *
 * All go over as many blocks or words, in one loop that is the same but for the pair in it.
 */
#include "micro/micro.h"

#include "micro/plain.h"
#include "base/say.h"

#if defined(__has_include)
#if __has_include(<rmalloc_inline.h>)
#include <rmalloc_inline.h>
#define INLINE_LOCK rmlock_inline
#define INLINE_UNLOCK rmunlock_inline
#define INLINE_PEEK rmpeek_inline
#endif
#endif

enum { BLOCKS = 64, SIZE = 64 };

struct beside {
    rm_heap_t *heap;
    rm_memory_t *handles[BLOCKS];
    void *pointers[BLOCKS];
    _Alignas(64) uint64_t words[BLOCKS];
    uint64_t failures;
};

/* A pointer is used, for all that the compiler knows. */
static inline void use(void *pointer) {
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

/* Compiled for each pair of functions. */
__attribute__((always_inline)) static inline void
run_locks(struct beside *beside, uint64_t n, rm_status_t (*lock)(rm_memory_t *, void **),
          rm_status_t (*unlock)(rm_memory_t *)) {
    uint64_t failures = 0;

    for (uint64_t i = 0; i < n; i++) {
        rm_memory_t *handle = beside->handles[i % BLOCKS];
        void *pointer;
        failures += lock(handle, &pointer) != RM_OK;
        use(pointer);
        failures += unlock(handle) != RM_OK;
    }
    beside->failures += failures;
}

static void run_calls(void *context, uint64_t n) {
    run_locks(context, n, rmlock, rmunlock);
}

#ifdef INLINE_LOCK
static void run_inline(void *context, uint64_t n) {
    run_locks(context, n, INLINE_LOCK, INLINE_UNLOCK);
}
#endif

static void run_atomics(void *context, uint64_t n) {
    struct beside *beside = context;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t *word = &beside->words[i % BLOCKS];
        __atomic_fetch_add(word, 1, __ATOMIC_ACQUIRE);
        use(word);
        __atomic_fetch_sub(word, 1, __ATOMIC_RELEASE);
    }
}

static void run_plain(void *context, uint64_t n) {
    struct beside *beside = context;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t *word = &beside->words[i % BLOCKS];
        plain_up(word);
        use(word);
        plain_down(word);
    }
}

static void run_pointers(void *context, uint64_t n) {
    struct beside *beside = context;

    for (uint64_t i = 0; i < n; i++) use(beside->pointers[i % BLOCKS]);
}

__attribute__((always_inline)) static inline void
peek_all(struct beside *beside, uint64_t n, rm_status_t (*peek)(rm_memory_t *, void **)) {
    uint64_t failures = 0;

    for (uint64_t i = 0; i < n; i++) {
        void *pointer;
        failures += peek(beside->handles[i % BLOCKS], &pointer) != RM_OK;
        use(pointer);
    }
    beside->failures += failures;
}

static void run_peeks(void *context, uint64_t n) { peek_all(context, n, rmpeek); }

#ifdef INLINE_PEEK
static void run_inline_peeks(void *context, uint64_t n) {
    peek_all(context, n, INLINE_PEEK);
}
#endif

/* ------------------------------------------------------------------- measuring */

static int fill(struct beside *beside, rm_threads_t threads) {
    beside->heap = micro_heap(threads);
    if (!beside->heap) return STATUS_FOUND;
    for (int i = 0; i < BLOCKS; i++) {
        rm_memory_t **handle = &beside->handles[i];
        int status = micro_call("rm_heap_alloc",
                                rm_heap_alloc(beside->heap, handle, SIZE, 0, RM_ZERO));
        if (status == STATUS_OK)
            status = micro_call("rmlock", rmlock(*handle, &beside->pointers[i]));
        if (status == STATUS_OK) status = micro_call("rmunlock", rmunlock(*handle));
        if (status) return status;
    }
    return STATUS_OK;
}

/* The first case is what the others are measured by. goal: of each, 0: none. */
static int compare(struct micro *micro, struct beside *beside, struct micro_case *cases,
                   size_t n, const char *base, double goal) {
    int status = micro_measure(micro, cases, n);

    if (status) return status;
    if (beside->failures > 0)
        return complain(STATUS_FOUND, "%s: a call failed", cases[1].what);
    for (size_t i = 0; i < n; i++)
        if (!micro_add(micro, cases[i].ns, "ns", "%s", cases[i].what)) return STATUS_IO;
    for (size_t i = 1; i < n; i++) {
        struct micro_row *row = micro_add(micro, cases[i].ns / cases[0].ns, "x",
                                          "%s / %s", cases[i].what, base);
        if (!row) return STATUS_IO;
        if (goal > 0) micro_at_most(row, goal);
    }
    return STATUS_OK;
}

static int measure_safe(struct micro *micro, struct beside *safe) {
    struct micro_case cases[] = {
        {.what = "atomic + 1, - 1", .run = run_atomics, .context = safe},
        {.what = "lock + unlock, calls, safe for threads",
         .run = run_calls,
         .context = safe},
#ifdef INLINE_LOCK
        {.what = "lock + unlock, inline, safe for threads",
         .run = run_inline,
         .context = safe},
#endif
    };

    return compare(micro, safe, cases, sizeof(cases) / sizeof(cases[0]), "atomics", 1.3);
}

static int measure_single(struct micro *micro, struct beside *single) {
    struct micro_case cases[] = {
        {.what = "++ and --, calls", .run = run_plain, .context = single},
        {.what = "lock + unlock, calls, unsynchronised",
         .run = run_calls,
         .context = single},
#ifdef INLINE_LOCK
        {.what = "lock + unlock, inline, unsynchronised",
         .run = run_inline,
         .context = single},
#endif
    };

    return compare(micro, single, cases, sizeof(cases) / sizeof(cases[0]), "++ and --",
                   1.5);
}

static int measure_peek(struct micro *micro, struct beside *safe) {
    struct micro_case cases[] = {
        {.what = "a pointer, loaded", .run = run_pointers, .context = safe},
        {.what = "rmpeek in a held heap, calls", .run = run_peeks, .context = safe},
#ifdef INLINE_PEEK
        {.what = "rmpeek in a held heap, inline",
         .run = run_inline_peeks,
         .context = safe},
#endif
    };

    int status = micro_call("rm_heap_hold", rm_heap_hold(safe->heap));
    if (status) return status;
    status =
        compare(micro, safe, cases, sizeof(cases) / sizeof(cases[0]), "a pointer", 0);
    int released = micro_call("rm_heap_release", rm_heap_release(safe->heap));
    return status ? status : released;
}

int micro_beside(struct micro *micro) {
    struct beside safe = {0}, single = {0};
    int status = fill(&safe, RM_THREADS_SAFE);

    if (status == STATUS_OK) status = fill(&single, RM_THREADS_NONE);
    if (status == STATUS_OK) status = measure_safe(micro, &safe);
    if (status == STATUS_OK) status = measure_single(micro, &single);
    if (status == STATUS_OK) status = measure_peek(micro, &safe);
    if (single.heap) rm_heap_destroy(single.heap);
    if (safe.heap) rm_heap_destroy(safe.heap);
    return status;
}
