/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include "os.h"
#include "tool.h"

unsigned guard_wanted(const rm_heap_options_t *options, struct settings *settings) {
    unsigned by = 0;
    settings_read(settings);
    if (options->integrity) settings->integrity = true;
    if (options->fence_every != 0) settings->fence_every = options->fence_every;
    if (settings->stress != STRESS_NONE) by |= GUARD_STRESS;
    if (settings->fence_every != 0) by |= GUARD_FENCE;
    if (settings->integrity) by |= GUARD_INTEGRITY;
    if (settings->tools && tool_watching() != TOOL_NONE) by |= GUARD_TOOLS;
    return by;
}

static bool is_sealed(const struct guard *g) { return g->by & GUARD_INTEGRITY; }

static size_t guard_bytes(void) { return round_up(sizeof(struct guard), os_page()); }

struct guard *guard_create(struct heap *h, char *low, size_t bytes, unsigned by,
                           const struct settings *settings) {
    struct guard *g = os_reserve(guard_bytes());
    if (g == NULL) return NULL;
    if (!os_commit(g, guard_bytes())) {
        os_unreserve(g, guard_bytes());
        return NULL;
    }
    *g = (struct guard){.heap = h, .low = low, .bytes = bytes, .by = by};
    g->settings = *settings;
    h->cache = 0; /* threads keep nothing */
    if (!notes_init(&g->notes, &g->aside)) {
        os_unreserve(g, guard_bytes());
        return NULL;
    }
    if (by & GUARD_TOOLS) shadow_open(&g->shadow, h, &g->notes, &g->aside, low, bytes);
    if (is_sealed(g) && !seal_init(&g->seal, h, bytes)) {
        g->by &= ~(unsigned)GUARD_INTEGRITY;
        guard_destroy(g);
        return NULL;
    }
    return g;
}

void guard_destroy(struct guard *g) {
    if (is_sealed(g)) seal_finish(&g->seal);
    if (g->by & GUARD_TOOLS) shadow_close(&g->shadow);
    aside_finish(&g->aside);
    os_unreserve(g, guard_bytes());
}

/* Is anything said of blocks? */
static bool notes(const struct guard *g) {
    return (g->by & ~(unsigned)GUARD_INTEGRITY) != 0;
}

/* --- calls --- */

bool guard_begin(struct guard *g, uint32_t about) {
    if (g->corrupt) return false;
    if (g->by & GUARD_TOOLS) shadow_begin(&g->shadow);
    g->about = g->by & GUARD_STRESS ? SLOT_NIL : about; /* else all may move */
    if (!is_sealed(g)) return true;
    if (g->about == SLOT_NIL)
        g->corrupt = !seal_holds(&g->seal, g->heap);
    else
        g->corrupt = !seal_holds_entry(&g->seal, g->heap, about);
    return !g->corrupt;
}

bool guard_widen(struct guard *g) {
    if (g->about == SLOT_NIL) return true;
    g->about = SLOT_NIL;
    if (is_sealed(g)) g->corrupt = !seal_holds(&g->seal, g->heap);
    return !g->corrupt;
}

bool guard_narrow(struct guard *g, uint32_t slot) {
    if (g->about == SLOT_NIL) return true;
    g->about = slot;
    if (is_sealed(g)) g->corrupt = !seal_holds_entry(&g->seal, g->heap, slot);
    return !g->corrupt;
}

/* What is sealed is the last that is written. */
void guard_end(struct guard *g) {
    if (is_sealed(g) && g->about == SLOT_NIL) seal_all(&g->seal, g->heap);
    if (is_sealed(g) && g->about != SLOT_NIL) seal_entry(&g->seal, g->heap, g->about);
    if (g->by & GUARD_TOOLS) shadow_end(&g->shadow);
}

/* --- blocks --- */

void guard_made(struct guard *g, const struct heap_block *b, unsigned flags) {
    uint64_t handle = (uint64_t)(uintptr_t)heap_handle(g->heap, b->slot);
    if (notes(g)) notes_made(&g->notes, b->slot, handle, b->size);
    if (g->by & GUARD_TOOLS) shadow_made(&g->shadow, b, flags & RM_ZERO);
}

void guard_lessens(struct guard *g, const struct heap_block *b, size_t size) {
    if (g->by & GUARD_TOOLS) shadow_lessens(&g->shadow, b, size);
}

void guard_freed(struct guard *g, const struct heap_block *b) {
    if (notes(g)) notes_freed(&g->notes, b->slot);
    if (g->by & GUARD_TOOLS) shadow_freed(&g->shadow, b);
}

void guard_locked(struct guard *g, const struct heap_block *b) {
    if (notes(g)) notes_locked(&g->notes, b->slot, b->address, b->locks);
    if (g->by & GUARD_TOOLS) shadow_locked(&g->shadow, b);
}

void guard_unlocked(struct guard *g, const struct heap_block *b) {
    if (notes(g)) notes_unlocked(&g->notes, b->slot, b->locks);
    if (g->by & GUARD_TOOLS) shadow_unlocked(&g->shadow, b);
}

void guard_resized(struct guard *g, const struct heap_block *before,
                   const struct heap_block *after) {
    if (notes(g)) notes_resized(&g->notes, after->slot, after->size);
    if (g->by & GUARD_TOOLS) shadow_resized(&g->shadow, before, after);
}

void *guard_pointer(const struct guard *g, const struct heap_block *b) {
    (void)g;
    return b->address;
}
