/* SPDX-License-Identifier: MIT */
/*
 * Objects in heaps of rmalloc's, one for each store: a reference is a handle.
 */
#include "store/store.h"

#include "store/inside.h"

const char *const store_kind = "rmalloc";
const bool kind_in_malloc = false;

/* What was done was right, or it was a mistake of the browser's. */
static void expect(rm_status_t status, const char *call) {
    if (__builtin_expect(status != RM_OK, 0)) store_misused(call, rm_strerror(status));
}

/* Memory, or none; anything else was a mistake. */
static bool served(rm_status_t status, const char *call) {
    if (status == RM_OK) return true;
    if (status != RM_ENOMEM && status != RM_ESYSTEM)
        store_misused(call, rm_strerror(status));
    return false;
}

/* Steady heaps compact by themselves, a little with each allocation, and before they grow; the others when they are
   told to. One thread uses them, so nothing need be synchronised. */
bool kind_open(struct store *store) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    options.threads = RM_THREADS_NONE;
    options.compaction =
        store->compaction == COMPACT_STEADY ? RM_COMPACT_STEADY : RM_COMPACT_MANUAL;
    return rm_heap_create(&store->heap, &options) == RM_OK;
}

void kind_close(struct store *store) {
    expect(rm_heap_destroy(store->heap), "store_close");
}

ref_t kind_new(struct store *store, size_t bytes, bool zeroed) {
    ref_t object;

    if (bytes > RM_BLOCK_MAX) return NO_REF;
    served(rm_heap_alloc(store->heap, &object, bytes, 0, zeroed ? RM_ZERO : 0),
           "store_new");
    return object;
}

bool kind_resize(struct store *store, ref_t *object, size_t bytes) {
    return bytes <= RM_BLOCK_MAX &&
           served(rmrealloc(*object, (ssize_t)bytes), "store_resize");
}

void kind_free(struct store *store, ref_t object) {
    expect(rmfree(object), "store_free");
}

void *store_lock(ref_t object) {
    void *address;

    expect(rmlock(object, &address), "store_lock");
    return address;
}

void store_unlock(ref_t object) { expect(rmunlock(object), "store_unlock"); }

size_t store_size(ref_t object) {
    size_t size;

    expect(rmsize(object, &size), "store_size");
    return size;
}

void store_hold(store_t *store) {
    expect(rm_heap_hold(store->heap), "store_hold");
    store->held++;
}

void store_release(store_t *store) {
    expect(rm_heap_release(store->heap), "store_release");
    store->held--;
}

void *store_peek(ref_t object) {
    void *address;

    expect(rmpeek(object, &address), "store_peek");
    return address;
}

/* ------------------------------------------------------------------- looks */

static rm_stats_t look(struct store *store) {
    rm_stats_t stats;

    expect(rm_heap_stats_quick(store->heap, &stats), "store_look");
    return stats;
}

uint64_t kind_moved(struct store *store) { return look(store).moved; }
size_t kind_footprint(struct store *store) { return look(store).capacity; }

static struct store_figures figures_of(const rm_stats_t *stats) {
    return (struct store_figures){.objects = stats->live_blocks,
                                  .requested = stats->requested,
                                  .footprint = stats->capacity,
                                  .free = stats->free,
                                  .largest_free = stats->largest_free,
                                  .locked = stats->locked_blocks,
                                  .locked_bytes = stats->locked,
                                  .moved = stats->moved};
}

void kind_look(struct store *store, struct store_figures *figures) {
    rm_stats_t stats = look(store);

    *figures = figures_of(&stats);
}

void store_look(store_t *store, struct store_figures *figures) {
    rm_stats_t stats;

    expect(rm_heap_stats(store->heap, &stats), "store_look");
    *figures = figures_of(&stats);
}

/* -------------------------------------------------------------- compaction */

/* When nothing is left to do a heap keeps a slack of 1/32, for what comes next. One where nothing has come since the
   last idle time does without; so does one that is not compacted, or it would keep all that it has ever had. */
bool kind_idle(struct store *store, uint64_t deadline_ns) {
    rm_stats_t stats = look(store);
    size_t calls = stats.allocations + stats.frees;

    if (store->compaction != COMPACT_OFF && rm_heap_idle(store->heap, deadline_ns) > 0)
        return true;
    if (calls == store->idle_calls && calls != store->trimmed_calls) {
        rm_heap_trim(store->heap);
        store->trimmed_calls = calls;
    }
    store->idle_calls = calls;
    return false;
}

bool kind_step(struct store *store) {
    rm_budget_t budget = {.nanoseconds = 1000000};
    rm_progress_t progress;

    expect(rm_heap_compact(store->heap, &budget, &progress), "store_compact_all");
    return !progress.complete;
}

/* Where the system refuses to take pages back, they stay: nothing is lost by it. */
void kind_trim(struct store *store) { rm_heap_trim(store->heap); }

/* --------------------------------------------------------------------- map */

struct map {
    struct store_cell *cells;
    size_t n, extent;
};

static float *share(struct store_cell *cell, const rm_span_t *span) {
    switch (span->kind) {
    case RM_SPAN_BLOCK:
        return !span->handle ? &cell->metadata
               : span->locks ? &cell->locked
                             : &cell->live;
    case RM_SPAN_FREE: return &cell->free;
    case RM_SPAN_METADATA: return &cell->metadata;
    default: return NULL; /* addresses alone */
    }
}

/* Divides a span among the cells that it reaches into. Cell i begins at byte i * extent / n. */
static bool map_span(const rm_span_t *span, void *context) {
    struct map *map = context;
    double width = (double)map->extent / (double)map->n;
    double base = (double)span->offset / width;
    double limit = (double)(span->offset + span->size) / width;

    if (limit > (double)map->n) limit = (double)map->n;
    for (size_t i = (size_t)base; i < map->n && (double)i < limit; i++) {
        double from = base > (double)i ? base : (double)i;
        double to = limit < (double)(i + 1) ? limit : (double)(i + 1);
        float *of = share(&map->cells[i], span);

        if (of) *of += (float)(to - from);
    }
    return span->offset + span->size < map->extent;
}

size_t store_map(store_t *store, struct store_cell *cells, size_t n) {
    struct map map = {.cells = cells, .n = n, .extent = look(store).extent};

    if (n == 0 || map.extent == 0) return 0;
    for (size_t i = 0; i < n; i++) cells[i] = (struct store_cell){0};
    expect(rm_heap_walk(store->heap, map_span, &map), "store_map");
    return map.extent;
}
