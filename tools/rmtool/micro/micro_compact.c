/* SPDX-License-Identifier: MIT */
/*
 * A full compaction beside one memcpy of as many bytes as it moved, both of memory that
 * no cache holds: how much of what the machine can copy is left when blocks are found,
 * moved one by one, and their table entries updated.
 *
 *      |AAAA|BBBB|CCCC|DDDD|EEEE|...      blocks of one size
 *      |AAAA|    |CCCC|DDDD|    |...      half of them freed, at random
 *      |AAAA|CCCC|DDDD|...                timed
 *
 * The entries are in the order of the addresses, as they are made, or in random order:
 * blocks of size 0 are made first, and grown in random order, each to a new place. Where
 * the pages of blocks can be moved instead of their bytes, the pages of the gaps have to go
 * first: so such blocks are compacted once more with gaps that have been given back before,
 * which is not timed, with huge pages as the system has them and without.
 */
#include "micro/micro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/say.h"

#define TOTAL ((size_t)128 << 20)      /* of blocks, before half of them are freed */
#define TOTAL_SMALL ((size_t)32 << 20) /* of blocks of a few words: many as it is */
#define FLUSH ((size_t)128 << 20)      /* more than a cache holds */
enum { ROUNDS_SHARE = 3, ROUNDS_LEAST = 3, ROUNDS_MOST = 9, BLOCKS_LEAST = 48 };

static const size_t sizes[] = {16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576};

static const struct way {
    const char *name;
    bool random;   /* entries */
    bool trimmed;  /* gaps given back */
    bool no_huge;  /* pages; to move a part of a huge page means to split it */
    size_t blocks; /* of that many bytes and more */
} ways[] = {
    {.name = "entries in address order"},
    {.name = "entries in random order", .random = true},
    {.name = "gaps given back", .trimmed = true, .blocks = 262144},
    {.name = "gaps given back, no huge pages",
     .trimmed = true,
     .no_huge = true,
     .blocks = 262144},
};
enum {
    N_SIZES = sizeof(sizes) / sizeof(sizes[0]),
    N_WAYS = sizeof(ways) / sizeof(ways[0])
};

struct arena {
    struct micro *micro;
    unsigned char *source, *target, *flush; /* total, total, flush_bytes */
    size_t total, flush_bytes;
    rm_memory_t **handles;
    uint32_t *order;
};

struct sample {
    double compact_ns, copy_ns;
    size_t moved, live; /* bytes */
};

static void flush_caches(struct arena *arena) {
    for (size_t i = 0; i < arena->flush_bytes; i += 64) arena->flush[i]++;
}

static double copy(struct arena *arena, size_t bytes) {
    flush_caches(arena);
    uint64_t began = clock_cpu_ns();
    memcpy(arena->target, arena->source, bytes);
    return (double)(clock_cpu_ns() - began);
}

static int build(struct arena *arena, rm_heap_t *heap, size_t n, size_t size,
                 bool random) {
    int status = STATUS_OK;

    for (size_t i = 0; i < n && status == STATUS_OK; i++)
        status = micro_call("rm_heap_alloc", rm_heap_alloc(heap, &arena->handles[i],
                                                           random ? 0 : size, 0, 0));
    if (random && status == STATUS_OK) {
        chance_shuffle(&arena->micro->chance, arena->order, n);
        for (size_t i = 0; i < n && status == STATUS_OK; i++)
            status = micro_call(
                "rmrealloc", rmrealloc(arena->handles[arena->order[i]], (ssize_t)size));
    }
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        void *pointer;
        status = micro_call("rmlock", rmlock(arena->handles[i], &pointer));
        if (status) break;
        memset(pointer, (int)i, size);
        status = micro_call("rmunlock", rmunlock(arena->handles[i]));
    }
    for (size_t i = 0; i < n && status == STATUS_OK; i++)
        if (chance_below(&arena->micro->chance, 2) == 0)
            status = micro_call("rmfree", rmfree(arena->handles[i]));
    return status;
}

static int take(struct arena *arena, size_t n, size_t size, const struct way *way,
                struct sample *sample) {
    if (way->no_huge) prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    rm_heap_t *heap = micro_heap(RM_THREADS_NONE);
    int status = heap ? build(arena, heap, n, size, way->random) : STATUS_FOUND;

    if (status == STATUS_OK && way->trimmed)
        status = micro_call("rm_heap_trim", rm_heap_trim(heap));
    if (status == STATUS_OK) {
        rm_progress_t progress = {0};
        rm_stats_t stats;
        status = micro_call("rm_heap_stats_quick", rm_heap_stats_quick(heap, &stats));
        sample->live = stats.requested;
        flush_caches(arena);
        uint64_t began = clock_cpu_ns();
        if (status == STATUS_OK)
            status =
                micro_call("rm_heap_compact", rm_heap_compact(heap, NULL, &progress));
        sample->compact_ns = (double)(clock_cpu_ns() - began);
        sample->moved = progress.moved < arena->total ? progress.moved : arena->total;
    }
    if (heap) rm_heap_destroy(heap);
    if (way->no_huge) prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
    if (status == STATUS_OK && sample->moved == 0)
        status = complain(STATUS_FOUND,
                          "a compaction of blocks of %zu bytes, half of "
                          "them freed, has moved nothing",
                          size);
    if (status == STATUS_OK) sample->copy_ns = copy(arena, sample->moved);
    return status;
}

static double goal_of(size_t size, const struct way *way) {
    if (way->random) return size == 64 ? 0.25 : 0; /* half of what it is in order */
    if (size >= 262144) return 2.5;                /* pages moved, not bytes */
    return size >= 256 ? 0.7 : size == 64 ? 0.5 : 0;
}

/* What one size and order have come to, a value for each round. */
struct results {
    double ratios[ROUNDS_MOST], ours[ROUNDS_MOST], theirs[ROUNDS_MOST],
        share[ROUNDS_MOST];
};

static int report(struct micro *micro, size_t size, const struct way *way,
                  struct results *results, unsigned rounds) {
    double goal = goal_of(size, way);
    const struct {
        const char *what, *unit;
        double *values;
    } rows[] = {
        {"memcpy's time / ours", "x", results->ratios},
        {"moved", "GB/s", results->ours},
        {"memcpy of as much", "GB/s", results->theirs},
        {"moved of what is live", "x", results->share},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct micro_row *row =
            micro_add(micro, micro_quantile(rows[i].values, rounds, 0.5), rows[i].unit,
                      "%s, %s", rows[i].what, way->name);
        if (!row) return STATUS_IO;
        micro_x(row, (double)size, "B");
        row->detail = i > 0;
        if (i == 0 && goal > 0) micro_at_least(row, goal);
    }
    return STATUS_OK;
}

static int measure(struct arena *arena, size_t size, const struct way *way) {
    struct results results;
    unsigned rounds = arena->micro->rounds / ROUNDS_SHARE;
    size_t n =
        (size < 64 && arena->total > TOTAL_SMALL ? TOTAL_SMALL : arena->total) / size;

    if (n < BLOCKS_LEAST) {
        char what[32];
        snprintf(what, sizeof(what), "blocks of %zu B", size);
        return micro_skip(arena->micro, what, "too few of them in so little memory");
    }
    if (rounds < ROUNDS_LEAST) rounds = ROUNDS_LEAST;
    if (rounds > arena->micro->rounds) rounds = arena->micro->rounds;
    if (rounds > ROUNDS_MOST) rounds = ROUNDS_MOST;
    for (unsigned i = 0; i < rounds; i++) {
        struct sample sample = {0};
        int status = take(arena, n, size, way, &sample);
        if (status) return status;
        results.ratios[i] = sample.copy_ns / sample.compact_ns;
        results.ours[i] = (double)sample.moved / sample.compact_ns; /* B/ns is GB/s */
        results.theirs[i] = (double)sample.moved / sample.copy_ns;
        results.share[i] = (double)sample.moved / (double)sample.live;
    }
    return report(arena->micro, size, way, &results, rounds);
}

static size_t less(size_t a, size_t b) { return a < b ? a : b; }

int micro_compact(struct micro *micro) {
    /* Two buffers, one to flush with, and the heap. */
    size_t quarter = micro->memory_most / 4, most;
    struct arena arena = {
        .micro = micro,
        .total = less(TOTAL, quarter),
        .flush_bytes = less(FLUSH, quarter),
    };
    int status = STATUS_OK;

    most = less(arena.total, TOTAL_SMALL) / 16;
    if (most < arena.total / 64) most = arena.total / 64;
    arena.source = malloc(arena.total);
    arena.target = malloc(arena.total);
    arena.flush = malloc(arena.flush_bytes);
    arena.handles = calloc(most, sizeof(*arena.handles));
    arena.order = calloc(most, sizeof(*arena.order));
    if (!arena.source || !arena.target || !arena.flush || !arena.handles || !arena.order)
        status = complain(STATUS_IO, "no memory for compactions");
    if (status == STATUS_OK) {
        memset(arena.source, 1, arena.total);
        memset(arena.target, 2, arena.total);
        memset(arena.flush, 3, arena.flush_bytes);
    }
    for (size_t i = 0; i < N_WAYS * N_SIZES && status == STATUS_OK; i++) {
        const struct way *way = &ways[i / N_SIZES];
        size_t size = sizes[i % N_SIZES];
        if (size >= way->blocks) status = measure(&arena, size, way);
        progress_update(i + 1, N_WAYS * N_SIZES);
    }
    free(arena.source);
    free(arena.target);
    free(arena.flush);
    free(arena.handles);
    free(arena.order);
    return status;
}
