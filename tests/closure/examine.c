/* SPDX-License-Identifier: MIT */
/*
 * What must hold in every state. A state that is known has been examined: it is the same bytes, and the
 * naive model is part of them.
 */
#include <string.h>

#include "book.h"
#include "closure.h"
#include "fault.h"
#include "picture.h"

enum { STEPS_MOST = 400 };

/* --- blocks --- */

/* A handle that names no block is refused, and nothing changes. */
static const char *refused(const struct ground *g, unsigned slot, unsigned generation) {
    rm_memory_t *handle = ground_handle(g, slot, generation);
    void *at = NULL;
    size_t size;
    unsigned locks;
    rm_heap_t *heap;
    if (rmlock(handle, &at) != RM_EHANDLE || at != NULL ||
        rmunlock(handle) != RM_EHANDLE || rmpeek(handle, &at) != RM_EHANDLE ||
        rmsize(handle, &size) != RM_EHANDLE || rmlocks(handle, &locks) != RM_EHANDLE ||
        rmheap(handle, &heap) != RM_EHANDLE || rmrealloc(handle, 8) != RM_EHANDLE ||
        rmfree(handle) != RM_EHANDLE)
        return fault("slot %u: a handle of generation %u is not refused", slot,
                     generation);
    return NULL;
}

static const char *all_refused(const struct ground *g) {
    const char *text = NULL;
    for (unsigned slot = 0; slot < SLOTS && text == NULL; slot++) {
        const struct known *k = &g->naive.slots[slot];
        /* Another than its own; of a free slot the last one, of which it must not think as live. */
        for (unsigned i = 0; i < 3 && text == NULL; i++)
            if (!k->live || i != k->generation) text = refused(g, slot, i);
    }
    return text;
}

static const char *block_fault(struct ground *g, unsigned slot) {
    const struct known *k = &g->naive.slots[slot];
    rm_memory_t *handle = ground_handle(g, slot, k->generation);
    size_t size = SIZE_MAX, differs;
    unsigned locks = 9999;
    rm_heap_t *heap = NULL;
    void *at = NULL, *peeked = NULL;
    if (rmsize(handle, &size) != RM_OK || size != k->size)
        return fault("b%u has %zu bytes, not %u", slot, size, (unsigned)k->size);
    if (rmlocks(handle, &locks) != RM_OK || locks != k->locks)
        return fault("b%u has %u locks, not %u", slot, locks, (unsigned)k->locks);
    if (rmheap(handle, &heap) != RM_OK || heap != g->token)
        return fault("b%u is of another heap", slot);
    if (rmlock(handle, &at) != RM_OK || rmpeek(handle, &peeked) != RM_OK || peeked != at)
        return fault("b%u cannot be locked", slot);
    if ((uintptr_t)at % naive_alignment(k) != 0)
        return fault("b%u is at %p, not aligned by %zu", slot, at, naive_alignment(k));
    if (k->locks > 0 && k->at != (size_t)((unsigned char *)at - g->low))
        return fault("b%u is locked, and elsewhere", slot);
    differs = slot == g->filler ? k->size : naive_differs(at, slot, k->size); /* still */
    if (differs < k->size) return fault("byte %zu of b%u is another", differs, slot);
    if (rmunlock(handle) != RM_OK) return fault("b%u cannot be unlocked", slot);
    return NULL;
}

static const char *blocks_fault(struct ground *g) {
    const char *text = NULL;
    for (unsigned slot = 0; slot < SLOTS && text == NULL; slot++)
        if (naive_live(&g->naive, slot)) text = block_fault(g, slot);
    return text;
}

/* --- the heap --- */

/* Consistent, and what it says of itself is so; and it is what the naive model says. */
static const char *heap_and_model_fault(struct ground *g) {
    rm_stats_t stats;
    const char *text = heap_fault(g->token);
    if (text != NULL) return text;
    if (rm_heap_stats(g->token, &stats) != RM_OK) return "rm_heap_stats fails";
    if (stats.live_blocks != naive_count(&g->naive) ||
        stats.requested != naive_requested(&g->naive) ||
        stats.locked_blocks != naive_locked(&g->naive))
        return fault("%zu blocks, %zu bytes, %zu locked; not %u, %zu, %u",
                     stats.live_blocks, stats.requested, stats.locked_blocks,
                     naive_count(&g->naive), naive_requested(&g->naive),
                     naive_locked(&g->naive));
    return NULL;
}

/* --- the largest request --- */

static const char *ask_for(struct ground *g, size_t size, unsigned flags, bool granted) {
    rm_memory_t *handle;
    void *at = NULL;
    rm_status_t status = rm_heap_alloc(g->token, &handle, size, 0, flags);
    if (status == (granted ? RM_OK : RM_ENOMEM)) {
        if (granted &&
            (rmpeek(handle, &at) != RM_OK || (uintptr_t)at % rule_alignment(size) != 0))
            return fault("%zu bytes are at %p", size, at);
        if (granted) memset(at, 0xA5, size);
        return NULL;
    }
    return fault("the largest request %s; one of %zu bytes says %d",
                 granted ? "is said to be that" : "is said to be less", size,
                 (int)status);
}

static const char *largest_fault(struct ground *g, const unsigned char *image,
                                 const struct naive *n, bool after) {
    bool moves = after && g->config->policy != RM_COMPACT_MANUAL && n->held == 0;
    bool exact = !after || (naive_locked(n) == 0 && naive_aligned(n) == 0);
    unsigned flags = after ? 0 : RM_NO_COMPACT;
    size_t size;
    const char *text = NULL;
    if (after && !moves) return NULL; /* it is what a compaction would make room for */
    if (rm_heap_largest(g->token, after, &size) != RM_OK) return "rm_heap_largest fails";
    if (size > 0) {
        text = ask_for(g, size, flags, true);
        if (text == NULL) text = blocks_fault(g);
        ground_restore(g, image, n);
    }
    if (exact && text == NULL) {
        text = ask_for(g, size + 16, flags, false);
        if (text == NULL) text = blocks_fault(g);
        ground_restore(g, image, n);
    }
    return text;
}

/* --- compaction --- */

/* Whatever the way, it comes to its end, and then what `complete` promises is so. */
static const char *compact_fault(struct ground *g, const rm_budget_t *budget) {
    rm_progress_t p = {0, 0, 0, false};
    size_t aligned = naive_aligned(&g->naive);
    const char *text;
    for (unsigned i = 0; i < STEPS_MOST && !p.complete; i++)
        if (rm_heap_compact(g->token, budget, &p) != RM_OK)
            return "rm_heap_compact fails";
    if (!p.complete) return fault("compaction does not end in %d steps", (int)STEPS_MOST);
    text = heap_complete_fault(g->token, aligned > 0 ? RM_ALIGNMENT_MAX : 0);
    if (text == NULL)
        text = rm_heap_check(g->token, NULL) == RM_OK ? NULL : "compacted, damaged";
    return text != NULL ? text : blocks_fault(g);
}

const char *examine(struct ground *g, const unsigned char *image, const struct naive *n) {
    const rm_budget_t one = {1, 0};
    const char *text = NULL;
    if (memcmp(g->still, g->low, g->changing) != 0) return "what lies below is another";
    if (memcmp(g->low + g->changing, image, ground_image(g)) != 0)
        return "not that state";
    text = all_refused(g);
    if (text == NULL && memcmp(g->low + g->changing, image, ground_image(g)) != 0)
        text = "calls with stale handles have changed something";
    if (text == NULL) text = heap_and_model_fault(g);
    if (text == NULL) text = blocks_fault(g);
    ground_restore(g, image, n);
    if (text == NULL) text = largest_fault(g, image, n, false);
    ground_restore(g, image, n);
    if (text == NULL) text = largest_fault(g, image, n, true);
    ground_restore(g, image, n);
    if (text == NULL && n->held == 0) text = compact_fault(g, NULL);
    ground_restore(g, image, n);
    if (text == NULL && n->held == 0) text = compact_fault(g, &one);
    return text;
}
