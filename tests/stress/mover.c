/* SPDX-License-Identifier: MIT */
/*
 * The one more: compacts in every way there is and looks at the heap, over and over.
 * Where the library has a thread for that it leaves the compaction to it.
 */
#include "stress.h"

/* What a walk says of a heap in use: spans still tile. */
struct tiling {
    size_t offset;
    bool gap;
};

static bool visit(const rm_span_t *span, void *context) {
    struct tiling *tiling = context;

    tiling->gap |= span->offset != tiling->offset || span->size == 0 ||
                   (span->handle != NULL && span->size < span->requested);
    tiling->offset += span->size;
    return true;
}

static const char *walk(rm_heap_t *heap) {
    struct tiling tiling = {0, false};

    if (rm_heap_walk(heap, visit, &tiling) != RM_OK) return fault("a walk fails");
    return tiling.gap ? fault("a walk finds spans that do not tile") : NULL;
}

static const char *sums(const rm_stats_t *stats) {
    if (stats->used + stats->metadata + stats->free != stats->capacity)
        return fault("used %zu + metadata %zu + free %zu is not capacity %zu",
                     stats->used, stats->metadata, stats->free, stats->capacity);
    if (stats->requested > stats->used) return fault("more requested than used");
    if (stats->largest_free > stats->free)
        return fault("more free in one piece than free");
    return NULL;
}

static const char *pause_and_resume(rm_heap_t *heap, struct rng *rng) {
    rm_stats_t before, after;

    if (rm_heap_pause(heap) != RM_OK) return fault("no pause");
    if (rm_heap_stats_quick(heap, &before) != RM_OK) return fault("no metrics");
    sleep_ns(rng_below(rng, 200000));
    if (rm_heap_stats_quick(heap, &after) != RM_OK) return fault("no metrics");
    if (rm_heap_resume(heap) != RM_OK) return fault("no resume");
    return after.background_moved != before.background_moved
               ? fault("the thread works in a heap that is paused")
               : NULL;
}

static const char *compact(rm_heap_t *heap, size_t bytes, uint64_t nanoseconds) {
    rm_budget_t budget = {bytes, nanoseconds};
    rm_progress_t progress = {0, 0, 0, false};

    if (rm_heap_compact(heap, &budget, &progress) != RM_OK) return fault("no compaction");
    return bytes > 0 && progress.moved > bytes + 65536
               ? fault("%zu bytes moved, of a budget of %zu", progress.moved, bytes)
               : NULL;
}

static const char *once(struct hand *hand, enum deed deed) {
    rm_heap_t *heap = hand->stress->heap;
    struct rng *rng = &hand->worker.rng;
    rm_fault_t found = {0, 0, ""};
    rm_stats_t stats;
    size_t size;

    begin(hand, deed);
    switch (deed) {
    case COMPACT_STEP: return compact(heap, rng_between(rng, 1, 100000), 0);
    case COMPACT_TIMED: return compact(heap, 0, rng_between(rng, 1, 300000));
    case COMPACT_FULL: return compact(heap, 0, 0);
    case IDLE: (void)rm_heap_idle(heap, now_ns() + rng_below(rng, 300000)); return NULL;
    case TRIM: return rm_heap_trim(heap) == RM_OK ? NULL : fault("no trim");
    case STATS:
        if (rm_heap_stats(heap, &stats) != RM_OK) return fault("no metrics");
        return sums(&stats);
    case STATS_QUICK:
        if (rm_heap_stats_quick(heap, &stats) != RM_OK) return fault("no metrics");
        return sums(&stats);
    case WALK: return walk(heap);
    case LARGEST:
        return rm_heap_largest(heap, rng_chance(rng, 50), &size) == RM_OK
                   ? NULL
                   : fault("no largest");
    case CHECK:
        return rm_heap_check(heap, &found) == RM_OK
                   ? NULL
                   : fault("invariant %u at %zu: %s", found.invariant, found.offset,
                           found.text);
    default: return pause_and_resume(heap, rng);
    }
}

/* Each of its deeds once, and from then on at random. */
static enum deed next_deed(struct worker *worker, bool background) {
    static const enum deed looks[] = {STATS, STATS_QUICK, WALK, LARGEST, CHECK, TRIM};
    static const enum deed moves[] = {COMPACT_STEP, COMPACT_TIMED, COMPACT_FULL,
                                      COMPACT_STEP, COMPACT_STEP,  IDLE};
    unsigned n = worker->n_done;

    if (n < 6) return looks[n];
    if (n < 12) return background ? PAUSE : moves[n - 6];
    if (rng_chance(&worker->rng, 8)) return looks[rng_below(&worker->rng, 6)];
    return background ? PAUSE : moves[rng_below(&worker->rng, 6)];
}

void *mover_body(void *context) {
    struct worker *worker = context;
    struct hand *hand = worker->context;
    bool background = hand->stress->kind->compaction == RM_COMPACT_BACKGROUND;

    while (!atomic_load(&hand->stress->over) || worker->n_done < 12) {
        enum deed deed = next_deed(worker, background);

        if (fails(worker, once(hand, deed))) break;
        /* Now at every gap that there is, now where many have come together: single
           blocks have room to be copied to then, else they are slid with others. */
        if (deed == PAUSE || worker->n_done / 32 % 2 == 1 || rng_chance(&worker->rng, 10))
            sleep_ns(rng_below(&worker->rng, 4000000));
        worker->n_done++;
    }
    if (worker->wrong != NULL) atomic_store(&hand->stress->over, true);
    atomic_store(&hand->ended, true);
    return NULL;
}
