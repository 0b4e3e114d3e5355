/* SPDX-License-Identifier: MIT */
#include "look.h"

#include "content.h"
#include "fault.h"
#include "picture.h"

size_t look_moved(const struct world *world, unsigned heap) {
    rm_stats_t stats;

    return rm_heap_stats_quick(world->homes[heap].heap, &stats) == RM_OK ? stats.moved
                                                                         : SIZE_MAX;
}

/* ------------------------------------------------------------------ one block */

static const char *ask_about(const struct world *world, const struct block *block) {
    size_t size = SIZE_MAX;
    unsigned locks = 9999;
    rm_heap_t *heap = NULL;

    if (rmsize(block->handle, &size) != RM_OK || size != block->size)
        return fault("rmsize says %zu, not %zu", size, block->size);
    if (rmlocks(block->handle, &locks) != RM_OK || locks != block->locks)
        return fault("rmlocks says %u, not %u", locks, block->locks);
    if (rmheap(block->handle, &heap) != RM_OK || heap != world->homes[block->heap].heap)
        return "rmheap says another heap";
    return FINE;
}

static const char *look_at(const struct block *block, const unsigned char *at) {
    if (at == NULL || (uintptr_t)at % block->align != 0)
        return fault("%zu bytes at %p, not aligned by %u", block->size, (const void *)at,
                     block->align);
    if (block->locks > 0 && at != block->locked_at)
        return fault("a locked block of %zu bytes has moved", block->size);
    return content_differs(at, block->size, block->content);
}

const char *look_block(struct world *world, struct block *block, bool closely) {
    void *at = NULL;
    const char *text = FINE;

    if (closely && (text = ask_about(world, block)) != FINE) return text;
    if (block->locks > 0) {
        if (rmpeek(block->handle, &at) != RM_OK) return "a locked block has no address";
        return look_at(block, at);
    }
    if (rmlock(block->handle, &at) != RM_OK) return "a live block cannot be locked";
    text = look_at(block, at);
    if (rmunlock(block->handle) != RM_OK && text == FINE)
        text = "a locked block cannot be unlocked";
    return text;
}

/* ------------------------------------------------------------------- one heap */

const char *look_prove(struct world *world, unsigned heap) {
    rm_fault_t found = {99, 0, ""};
    rm_status_t status = rm_heap_check(world->homes[heap].heap, &found);

    if (status != RM_OK || found.invariant != 0)
        return fault("rm_heap_check says %d, invariant %u at %zu: %.120s", (int)status,
                     found.invariant, found.offset, found.text);
    return FINE;
}

/* What threads keep, and have not yet counted together, may make a peak wrong. */
static bool is_peak(const struct world *world, unsigned heap, const rm_stats_t *stats) {
    bool exact =
        !world->spec->between || world->spec->heaps[heap].threads == RM_THREADS_NONE;

    return exact ? stats->peak_requested == world->homes[heap].peak
                 : stats->peak_requested >= stats->requested;
}

static const char *look_metrics(const struct world *world, unsigned heap) {
    const struct home *home = &world->homes[heap];
    rm_stats_t stats;

    if (rm_heap_stats(home->heap, &stats) != RM_OK) return "rm_heap_stats fails";
    if (stats.live_blocks != home->n_live || stats.requested != home->requested)
        return fault("%zu bytes requested in %zu blocks, not %zu in %zu", stats.requested,
                     stats.live_blocks, home->requested, home->n_live);
    if (stats.allocations != home->n_allocated || stats.frees != home->n_freed ||
        stats.failures != home->n_failed)
        return fault("%zu allocations, %zu frees and %zu failures, not %zu, %zu and %zu",
                     stats.allocations, stats.frees, stats.failures, home->n_allocated,
                     home->n_freed, home->n_failed);
    if (stats.locked_blocks != home->n_locked)
        return fault("%zu locked blocks, not %zu", stats.locked_blocks, home->n_locked);
    if (!is_peak(world, heap, &stats))
        return fault("a peak of %zu, not %zu", stats.peak_requested, home->peak);
    if (stats.used + stats.metadata + stats.free != stats.capacity)
        return "used + metadata + free is not capacity";
    return FINE;
}

const char *look_verify(struct world *world, unsigned heap) {
    const char *text = look_metrics(world, heap);

    for (unsigned a = 0; a < world->spec->n_actors; a++)
        for (size_t i = 0; i < world->actors[a].live.n && text == FINE; i++) {
            struct block *block = &world->blocks[world->actors[a].live.ids[i]];

            if (block->heap == heap) text = look_block(world, block, i % 8 == 0);
        }
    return text;
}

/* What `complete` promises holds up to the largest alignment; of heaps that grow, a page. */
static size_t slack(const struct world *world, unsigned heap) {
    if (world->spec->heaps[heap].region == 0) return 65536;
    return world->homes[heap].aligned > 0 ? RM_ALIGNMENT_MAX : 0;
}

const char *look_picture(struct world *world, unsigned heap, bool complete) {
    rm_heap_t *at = world->homes[heap].heap;

    if (world->restless) return look_prove(world, heap); /* it takes several calls */
    if (world->spec->heaps[heap].policy == RM_COMPACT_BACKGROUND) {
        const char *text;

        if (rm_heap_pause(at) != RM_OK) return "rm_heap_pause fails";
        text = heap_fault(at);
        if (rm_heap_resume(at) != RM_OK && text == FINE) text = "rm_heap_resume fails";
        return text;
    }
    return complete ? heap_complete_fault(at, slack(world, heap)) : heap_fault(at);
}
