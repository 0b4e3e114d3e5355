/* SPDX-License-Identifier: MIT */
#include "look.h"

#include <stddef.h>
#include <string.h>

#include <registry.h>
#include <rmalloc_view.h>

#include "image.h"
#include "own.h"

/* --- metrics --- */

static uint64_t mix_share(uint64_t trail, double share) {
    return image_mix(trail, (uint64_t)(share * 1e6 + 0.5));
}

/* All but how far a heap may grow, which the system may have a say in. */
static uint64_t mix_stats(uint64_t trail, const rm_stats_t *stats) {
    const size_t figures[] = {
        stats->capacity,      stats->extent,
        stats->live_blocks,   stats->requested,
        stats->used,          stats->metadata,
        stats->free,          stats->free_spans,
        stats->largest_free,  stats->locked_blocks,
        stats->locked,        stats->moved_blocks,
        stats->moved,         stats->regained,
        stats->returned,      stats->peak_requested,
        stats->peak_capacity, stats->allocations,
        stats->frees,         stats->failures,
        stats->voided,        stats->background_steps,
    };

    for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
        trail = image_mix(trail, figures[i]);
    trail = mix_share(trail, stats->internal_fragmentation);
    trail = mix_share(trail, stats->external_fragmentation);
    for (unsigned order = 0; order < RM_ORDERS; order++)
        trail = mix_share(trail, stats->unusable[order]);
    return trail;
}

/* --- spans --- */

struct few {
    unsigned left;
    uint64_t trail;
};

static bool add_few(const rm_span_t *span, void *context) {
    struct few *few = context;
    few->trail = image_mix(few->trail, span->offset * 8 + span->kind);
    return --few->left > 0;
}

/* --- all of it --- */

uint64_t look_own(uint64_t trail, rm_heap_t *heap) {
    rm_stats_t stats, quick;
    rm_fault_t fault;
    size_t now = 0, then = 0;
    struct few few = {3, 0};

    trail = image_mix(trail, (uint64_t)rm_heap_stats_quick(heap, &quick));
    trail = image_mix(trail, (uint64_t)rm_heap_stats(heap, &stats));
    quick.locked_blocks = stats.locked_blocks;
    quick.locked = stats.locked;
    trail = image_mix(trail, memcmp(&quick, &stats, offsetof(rm_stats_t, unusable)) == 0);
    trail = mix_stats(trail, &stats);
    trail = image_mix(trail, image_picture(heap));
    trail = image_mix(trail, (uint64_t)rm_heap_walk(heap, add_few, &few));
    trail = image_mix(trail, few.trail);
    trail = image_mix(trail, (uint64_t)rm_heap_largest(heap, false, &now));
    trail = image_mix(trail, (uint64_t)rm_heap_largest(heap, true, &then));
    trail = image_mix(image_mix(trail, now), then);
    trail = image_mix(trail, (uint64_t)rm_heap_check(heap, &fault));
    return image_mix(trail, fault.invariant);
}

/* --- from outside --- */

uint64_t look_view(uint64_t trail, rm_heap_t *heap) {
    rm_view_t *view;
    rm_view_heap_t one = {0};
    size_t n = 0;
    uint64_t picture = 1;
    rm_stats_t stats = {0};

    trail = image_mix(trail, (uint64_t)rm_view_open(&view, (uintptr_t)&registry_sign,
                                                    own_read, NULL, NULL));
    trail = image_mix(trail, (uint64_t)rm_view_heaps(view, &one, 1, &n));
    trail = image_mix(trail, n * 2 + (one.heap == heap));
    trail = image_mix(trail, one.grows * 4u + one.is_default * 2u + one.threads);
    trail = image_mix(trail, one.compaction);
    trail = image_mix(trail, one.capacity);
    trail = image_mix(trail, one.used);
    trail = image_mix(trail, one.live_blocks);
    trail = image_mix(trail, (uint64_t)rm_view_copy(view, heap, NULL));
    trail = image_mix(trail, (uint64_t)rm_view_settle(view, NULL));
    trail = image_mix(trail, (uint64_t)rm_view_stats(view, &stats));
    trail = mix_stats(trail, &stats);
    trail = image_mix(trail, (uint64_t)rm_view_walk(view, image_add_span, &picture));
    rm_view_close(view);
    return image_mix(trail, picture);
}
