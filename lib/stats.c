/* SPDX-License-Identifier: MIT */
#include "stats.h"

/* Shares of free memory in spans of less than 2^order bytes: an order of the index is whole on
   one side of each power of two. */
static void unusable_shares(const struct buddy *b, rm_stats_t *stats) {
    uint64_t below = 0;
    for (unsigned order = 0; order < RM_ORDERS; order++) {
        if (order > UNIT_SHIFT && order - 1 - UNIT_SHIFT < BUDDY_ORDERS)
            below += b->units[order - 1 - UNIT_SHIFT] << UNIT_SHIFT;
        stats->unusable[order] = stats->free ? (double)below / (double)stats->free : 0;
    }
}

void stats_quick(const struct heap *h, rm_stats_t *stats) {
    const struct store *s = &h->store;
    const struct area *a = &s->area;
    size_t capacity = region_capacity(&h->region, s);
    size_t free = units_bytes(a->free_units - a->released_units);
    size_t used = units_bytes(a->limit - a->free_units);
    size_t largest = units_bytes(buddy_largest(&a->buddy, a->base));
    size_t extent = units_bytes(area_extent(a));
    if (extent > 0) extent += region_lead(&h->region, s);
    *stats = (rm_stats_t){
        .capacity = capacity,
        .limit = h->region.bytes,
        .extent = extent,
        .live_blocks = s->table.n_taken,
        .requested = s->requested,
        .used = used,
        .metadata = capacity - used - free,
        .free = free,
        .free_spans = a->buddy.n_spans,
        .largest_free = largest,
        .moved_blocks = s->moved_blocks,
        .moved = s->moved,
        .regained = s->regained,
        .returned = s->returned,
        .peak_requested = s->peak_requested,
        .peak_capacity = capacity > h->region.peak ? capacity : h->region.peak,
        .allocations = (size_t)s->allocations,
        .frees = (size_t)s->allocations - s->table.n_taken,
        .failures = s->failures,
        .voided = s->voided,
    };
    if (used > 0) stats->internal_fragmentation = 1 - (double)s->requested / (double)used;
    if (free > 0) stats->external_fragmentation = 1 - (double)largest / (double)free;
    unusable_shares(&a->buddy, stats);
}

void stats_watch(const struct watch *w, rm_stats_t *stats) {
    if (w == NULL) return;
    stats->background_steps = w->steps;
    stats->background_moved = w->moved;
    stats->background_nanoseconds = w->nanoseconds;
    stats->background_backoffs = w->backoffs;
}

void stats_locked(const struct heap *h, rm_stats_t *stats) {
    const struct table *t = &h->store.table;
    for (uint32_t slot = 0; slot < t->n_slots; slot++) {
        if (!table_live(t, slot) || heap_locks(h, slot) == 0) continue;
        stats->locked_blocks++;
        stats->locked += heap_size(h, slot);
    }
}
