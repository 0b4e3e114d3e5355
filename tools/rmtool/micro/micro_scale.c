/* SPDX-License-Identifier: MIT */
/*
 * Whether it stays as fast when it gets large: the time of a free and an allocation, of a
 * lock, of a 64 KiB step of compaction and of looking at the heap, by live bytes and by
 * the number of handles. Blocks are drawn at random, so that caches help as little as
 * they do a large program.
 */
#include "micro/micro.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/say.h"
#include "base/units.h"

enum { STEP_BYTES = 65536, STEPS_MOST = 2000, LOOKS = 5, REPLACED = 20000 };
enum { SMALL = 32, MEAN = 256 }; /* bytes: of the blocks by handles, and by live bytes */
enum { OVERHEAD = 32 };          /* bytes of a block beside its own, estimated high */

struct heap {
    struct micro *micro;
    rm_heap_t *heap;
    rm_memory_t **handles;
    size_t n;
    uint64_t least, most; /* sizes */
    rm_status_t status;   /* the first that was not RM_OK */
};

static void note(struct heap *heap, rm_status_t status) {
    if (heap->status == RM_OK) heap->status = status;
}

static size_t size_of_next(struct heap *heap) {
    return heap->least + chance_below(&heap->micro->chance, heap->most - heap->least + 1);
}

static rm_memory_t **any(struct heap *heap) {
    return &heap->handles[chance_below(&heap->micro->chance, heap->n)];
}

static void run_replace(void *context, uint64_t n) {
    struct heap *heap = context;

    for (uint64_t i = 0; i < n && heap->status == RM_OK; i++) {
        rm_memory_t **handle = any(heap);
        note(heap, rmfree(*handle));
        note(heap, rm_heap_alloc(heap->heap, handle, size_of_next(heap), 0, 0));
    }
}

static void run_lock(void *context, uint64_t n) {
    struct heap *heap = context;

    for (uint64_t i = 0; i < n && heap->status == RM_OK; i++) {
        rm_memory_t *handle = *any(heap);
        void *pointer;
        note(heap, rmlock(handle, &pointer));
        ++*(volatile unsigned char *)pointer;
        note(heap, rmunlock(handle));
    }
}

static void run_stats(void *context, uint64_t n) {
    struct heap *heap = context;
    rm_stats_t stats;

    for (uint64_t i = 0; i < n; i++) note(heap, rm_heap_stats(heap->heap, &stats));
}

static void run_quick(void *context, uint64_t n) {
    struct heap *heap = context;
    rm_stats_t stats;

    for (uint64_t i = 0; i < n; i++) note(heap, rm_heap_stats_quick(heap->heap, &stats));
}

/* ---------------------------------------------------------------- the heap */

/* Every block is written to: a page that nobody has touched costs nothing. */
static int fill(struct heap *heap, double *alloc_ns) {
    uint64_t began = clock_cpu_ns();

    for (size_t i = 0; i < heap->n && heap->status == RM_OK; i++) {
        void *pointer;
        note(heap,
             rm_heap_alloc(heap->heap, &heap->handles[i], size_of_next(heap), 0, 0));
        if (heap->status != RM_OK) break;
        note(heap, rmlock(heap->handles[i], &pointer));
        *(volatile unsigned char *)pointer = 1;
        note(heap, rmunlock(heap->handles[i]));
        if (i % 65536 == 0) progress_update(i, heap->n);
    }
    *alloc_ns = (double)(clock_cpu_ns() - began) / (double)heap->n;
    return micro_call("filling a heap", heap->status);
}

/* Frees a third, at random. What is left moves together. */
static int thin(struct heap *heap) {
    size_t kept = 0;

    for (size_t i = 0; i < heap->n && heap->status == RM_OK; i++) {
        if (chance_below(&heap->micro->chance, 3) == 0)
            note(heap, rmfree(heap->handles[i]));
        else
            heap->handles[kept++] = heap->handles[i];
    }
    heap->n = kept;
    return micro_call("freeing", heap->status);
}

static size_t take_steps(struct heap *heap, double *ns) {
    rm_budget_t budget = {.bytes = STEP_BYTES};
    rm_progress_t progress = {0};
    size_t n = 0;

    while (n < STEPS_MOST && !progress.complete && heap->status == RM_OK) {
        uint64_t began = clock_wall_ns();
        note(heap, rm_heap_compact(heap->heap, &budget, &progress));
        ns[n++] = (double)(clock_wall_ns() - began);
    }
    return n;
}

/* ------------------------------------------------------------- measurements */

static int add(struct micro *micro, double x, const char *x_unit, double value,
               const char *unit, const char *what, double goal, bool detail) {
    struct micro_row *row = micro_add(micro, value, unit, "%s", what);

    if (!row) return STATUS_IO;
    micro_x(row, x, x_unit);
    row->detail = detail;
    if (goal > 0) micro_at_most(row, goal);
    return STATUS_OK;
}

static int measure(struct heap *heap, double x, const char *x_unit) {
    struct micro *micro = heap->micro;
    struct micro_case calls[] = {
        {.run = run_replace, .context = heap, .n = REPLACED},
        {.run = run_lock, .context = heap, .n = REPLACED},
        {.run = run_quick, .context = heap, .n = 1000},
    };
    struct micro_case stats = {.run = run_stats, .context = heap, .n = 1};
    double alloc_ns = 0, *steps = calloc(STEPS_MOST, sizeof(*steps));
    unsigned rounds = micro->rounds;
    size_t n = 0;
    int status =
        steps ? fill(heap, &alloc_ns) : complain(STATUS_IO, "no memory for steps");

    if (status == STATUS_OK) status = micro_measure(micro, calls, 3);
    micro->rounds = rounds < LOOKS ? rounds : LOOKS;
    if (heap->n < 100000) stats.n = 100;
    if (status == STATUS_OK) status = micro_measure(micro, &stats, 1);
    micro->rounds = rounds;
    if (status == STATUS_OK) status = micro_call("replacing", heap->status);
    if (status == STATUS_OK) status = thin(heap);
    if (status == STATUS_OK) n = take_steps(heap, steps);
    if (status == STATUS_OK) status = micro_call("compacting", heap->status);

    const struct {
        const char *what, *unit;
        double value;
        double goal; /* at most; 0: none */
        bool detail;
    } rows[] = {
        {"filling: alloc, lock, unlock", "ns", alloc_ns, 0, true},
        {"free or alloc", "ns", calls[0].ns / 2, 0, false},
        {"lock + write + unlock", "ns", calls[1].ns, 0, false},
        {"64 KiB step, half within", "us", micro_quantile(steps, n, 0.5) / 1000, 12,
         false},
        {"64 KiB step, 99 % within", "us", micro_quantile(steps, n, 0.99) / 1000, 25,
         false},
        {"64 KiB step, longest", "us", micro_quantile(steps, n, 1) / 1000, 100, false},
        {"rm_heap_stats", "us", stats.ns / 1000, 0, false},
        {"rm_heap_stats_quick", "us", calls[2].ns / 1000, 0, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && status == STATUS_OK; i++)
        status = add(micro, x, x_unit, rows[i].value, rows[i].unit, rows[i].what,
                     rows[i].goal, rows[i].detail);
    free(steps);
    return status;
}

/* A heap of n blocks from least to most bytes. */
static int take(struct micro *micro, size_t n, uint64_t least, uint64_t most, double x,
                const char *x_unit) {
    uint64_t needs = n * ((least + most) / 2 + OVERHEAD + sizeof(rm_memory_t *));
    struct heap heap = {.micro = micro, .n = n, .least = least, .most = most};

    if (needs > micro->memory_most) {
        char wanted[SIZE_TEXT], allowed[SIZE_TEXT], why[80], what[64];
        snprintf(what, sizeof(what), "%.10g %s", x, x_unit);
        snprintf(why, sizeof(why), "takes %s, and no more than %s may be taken",
                 format_size(wanted, needs), format_size(allowed, micro->memory_most));
        return micro_skip(micro, what, why);
    }
    heap.handles = calloc(n, sizeof(*heap.handles));
    if (!heap.handles) return complain(STATUS_IO, "no memory for %zu handles", n);
    heap.heap = micro_heap(RM_THREADS_NONE);
    int status = heap.heap ? measure(&heap, x, x_unit) : STATUS_FOUND;
    if (heap.heap) rm_heap_destroy(heap.heap);
    free(heap.handles);
    return status;
}

int micro_scale(struct micro *micro) {
    int status = STATUS_OK;

    for (uint64_t mib = 1; mib <= 4096 && status == STATUS_OK; mib *= 16)
        status =
            take(micro, (mib << 20) / MEAN, 16, 2 * MEAN - 16, (double)mib, "MiB live");
    for (uint64_t n = 1000; n <= 100000000 && status == STATUS_OK; n *= 10)
        status = take(micro, n, SMALL, SMALL, (double)n, "handles");
    return status;
}
