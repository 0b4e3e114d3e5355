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
    return g;
}

void guard_destroy(struct guard *g) { os_unreserve(g, guard_bytes()); }

/* --- calls --- */

bool guard_begin(struct guard *g) { return !g->corrupt; }

void guard_end(struct guard *g) { (void)g; }

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
