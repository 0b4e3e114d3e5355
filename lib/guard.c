/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include "os.h"

unsigned guard_wanted(const rm_heap_options_t *options, struct settings *settings) {
    unsigned by = 0;
    settings_read(settings);
    if (options->integrity) settings->integrity = true;
    if (options->fence_every != 0) settings->fence_every = options->fence_every;
    if (settings->stress != STRESS_NONE) by |= GUARD_STRESS;
    if (settings->fence_every != 0) by |= GUARD_FENCE;
    if (settings->integrity) by |= GUARD_INTEGRITY;
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
    if (is_sealed(g) && !seal_init(&g->seal, h, bytes)) {
        os_unreserve(g, guard_bytes());
        return NULL;
    }
    return g;
}

void guard_destroy(struct guard *g) {
    if (is_sealed(g)) seal_finish(&g->seal);
    os_unreserve(g, guard_bytes());
}

/* --- calls --- */

bool guard_begin(struct guard *g, uint32_t about) {
    g->about = g->by & GUARD_STRESS ? SLOT_NIL : about; /* else all may move */
    if (g->corrupt || !is_sealed(g)) return !g->corrupt;
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

void guard_end(struct guard *g) {
    if (!is_sealed(g)) return;
    if (g->about == SLOT_NIL)
        seal_all(&g->seal, g->heap);
    else
        seal_entry(&g->seal, g->heap, g->about);
}

/* --- blocks --- */

void guard_made(struct guard *g, const struct heap_block *b, unsigned flags) {
    (void)g, (void)b, (void)flags;
}

void guard_freed(struct guard *g, const struct heap_block *b) { (void)g, (void)b; }

void guard_locked(struct guard *g, const struct heap_block *b) { (void)g, (void)b; }

void guard_unlocked(struct guard *g, const struct heap_block *b) { (void)g, (void)b; }

void guard_resized(struct guard *g, const struct heap_block *before,
                   const struct heap_block *after) {
    (void)g, (void)before, (void)after;
}

void *guard_pointer(const struct guard *g, const struct heap_block *b) {
    (void)g;
    return b->address;
}
