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

static void set_corrupt(struct guard *g, bool corrupt) {
    __atomic_store_n(&g->corrupt, corrupt, __ATOMIC_RELAXED);
}

static size_t guard_bytes(void) { return round_up(sizeof(struct guard), os_page()); }

/* What the heap is to be guarded by, one after the other. False: there is no memory. */
static bool open_fence(struct guard *g, unsigned by) {
    if (!(by & GUARD_FENCE)) return true;
    if (!fence_init(&g->fence, g->heap, g->bytes, g->settings.fence_every, &g->origins,
                    g->settings.fence_tells))
        return false;
    g->by |= GUARD_FENCE;
    return true;
}

static bool open_stress(struct guard *g, unsigned by) {
    if (!(by & GUARD_STRESS)) return true;
    g->stress =
        stress_create(g->heap, g->bytes, &g->settings, &g->origins, by & GUARD_TOOLS);
    if (g->stress == NULL) return false;
    g->by |= GUARD_STRESS;
    return true;
}

static bool open_shadow(struct guard *g, unsigned by) {
    if (!(by & GUARD_TOOLS)) return true;
    if (!notes_init(&g->notes, &g->aside)) return false;
    shadow_open(&g->shadow, g->heap, &g->notes, &g->aside, g->low, g->bytes);
    g->by |= GUARD_TOOLS;
    return true;
}

/* The last: what the others write is sealed too. */
static bool open_seal(struct guard *g, unsigned by) {
    if (!(by & GUARD_INTEGRITY)) return true;
    if (!seal_init(&g->seal, g->heap, g->bytes)) return false;
    g->by |= GUARD_INTEGRITY;
    return true;
}

struct guard *guard_create(struct heap *h, char *low, size_t bytes, unsigned by,
                           const struct settings *settings) {
    struct guard *g = os_reserve(guard_bytes());
    if (g == NULL) return NULL;
    if (!os_commit(g, guard_bytes())) {
        os_unreserve(g, guard_bytes());
        return NULL;
    }
    *g = (struct guard){.heap = h, .low = low, .bytes = bytes, .settings = *settings};
    h->cache = 0; /* threads keep nothing */
    if (by & GUARD_STRESS || settings->fence_tells)
        origins_init(&g->origins, bytes); /* else they are not known */
    if (open_fence(g, by) && open_stress(g, by) && open_shadow(g, by) && open_seal(g, by))
        return g;
    guard_destroy(g);
    return NULL;
}

void guard_destroy(struct guard *g) {
    if (is_sealed(g)) seal_finish(&g->seal);
    if (g->by & GUARD_TOOLS) shadow_close(&g->shadow);
    if (g->stress != NULL) stress_destroy(g->stress);
    if (g->by & GUARD_FENCE) fence_finish(&g->fence);
    origins_finish(&g->origins);
    aside_finish(&g->aside);
    os_unreserve(g, guard_bytes());
}

/* --- calls --- */

/* What is looked at before a call is done. */
static void look(struct guard *g, uint32_t about) {
    if (g->by & GUARD_TOOLS) shadow_begin(&g->shadow);
    g->about = g->by & (GUARD_STRESS | GUARD_FENCE) ? SLOT_NIL : about;
    if (is_sealed(g) && g->about == SLOT_NIL)
        set_corrupt(g, !seal_holds(&g->seal, g->heap));
    else if (is_sealed(g))
        set_corrupt(g, !seal_holds_entry(&g->seal, g->heap, about));
    if (!g->corrupt && g->stress != NULL && !g->damaged) stress_begin(g->stress, g->heap);
}

/* The call has no edge yet, unless it has let others in: what is damaged here, a copy of the heap for one, ends at this
   one. */
bool guard_begin(struct guard *g, uint32_t about) {
    jmp_buf edge, *before = damage_edge;
    if (g->corrupt) return false;
    damage_edge = &edge;
    if (_setjmp(edge) == 0)
        look(g, about);
    else
        set_corrupt(g, true);
    damage_edge = before;
    return !g->corrupt;
}

bool guard_widen(struct guard *g) {
    if (g->about == SLOT_NIL) return true;
    g->about = SLOT_NIL;
    if (is_sealed(g)) set_corrupt(g, !seal_holds(&g->seal, g->heap));
    return !g->corrupt;
}

bool guard_narrow(struct guard *g, uint32_t slot) {
    if (g->about == SLOT_NIL) return true;
    g->about = slot;
    if (is_sealed(g)) set_corrupt(g, !seal_holds_entry(&g->seal, g->heap, slot));
    return !g->corrupt;
}

static void seal(struct guard *g) {
    if (g->about == SLOT_NIL)
        seal_all(&g->seal, g->heap);
    else
        seal_entry(&g->seal, g->heap, g->about);
}

/* What is sealed is the last that is written. */
void guard_end(struct guard *g) {
    if (!g->damaged) {
        bool noted = false;
        if (g->stress != NULL) stress_move(g->stress, g->heap);
        if (g->by & GUARD_FENCE) noted = fence_end(&g->fence);
        if (g->stress != NULL) stress_end(g->stress, g->heap, noted);
        if (g->by & GUARD_TOOLS) shadow_settle(&g->shadow);
    }
    if (is_sealed(g)) seal(g);
    if (g->by & GUARD_TOOLS) shadow_end(&g->shadow);
}

void guard_outside(struct guard *g) {
    if (g->by & GUARD_TOOLS) shadow_outside();
}

void guard_inside(struct guard *g) {
    if (g->by & GUARD_TOOLS) shadow_inside();
}

bool guard_make_room(struct guard *g, unsigned flags) {
    bool manual = g->heap->compaction == RM_COMPACT_MANUAL && !(flags & RM_NO_COMPACT);
    return g->stress != NULL && manual && stress_make_room(g->stress, g->heap);
}

/* --- blocks --- */

void guard_made(struct guard *g, const struct heap_block *b, unsigned flags) {
    bool fenced = g->by & GUARD_FENCE && fence_made(&g->fence, b);
    if (g->stress != NULL || fenced)
        origin_set(&g->origins, b->slot, origin_here(&g->origins));
    if (g->by & GUARD_TOOLS) shadow_made(&g->shadow, b, flags & RM_ZERO);
    if (g->stress == NULL) return;
    if (!(flags & RM_ZERO)) stress_fresh(g->stress, g->heap, b->address, b->size);
    g->stress->changed = true;
}

void guard_lessens(struct guard *g, const struct heap_block *b, size_t size) {
    if (g->by & GUARD_TOOLS) shadow_lessens(&g->shadow, b, size);
}

void guard_freed(struct guard *g, const struct heap_block *b) {
    if (g->by & GUARD_FENCE) fence_freed(&g->fence, b);
    if (g->by & GUARD_TOOLS) shadow_freed(&g->shadow, b);
    if (g->stress != NULL)
        stress_freed(g->stress, g->heap, b->handle, b->address, b->size);
}

void guard_locked(struct guard *g, const struct heap_block *b) {
    if (g->by & GUARD_FENCE && b->locks == 1) fence_locked(&g->fence, b);
    if (g->by & GUARD_TOOLS) shadow_locked(&g->shadow, b);
    if (g->stress != NULL) stress_locked(g->stress, g->heap, b->slot, b->locks);
}

void guard_unlocked(struct guard *g, const struct heap_block *b) {
    if (g->by & GUARD_TOOLS) shadow_unlocked(&g->shadow, b);
    if (g->by & GUARD_FENCE && b->locks == 0) fence_unlocked(&g->fence, b);
    if (g->stress == NULL) return;
    g->stress->changed = b->locks == 0;
    g->stress->same = b->locks > 0;
}

void guard_resized(struct guard *g, const struct heap_block *before,
                   const struct heap_block *after) {
    if (g->by & GUARD_FENCE) fence_resized(&g->fence, before, after);
    if (g->by & GUARD_TOOLS) shadow_resized(&g->shadow, before, after);
    if (g->stress == NULL) return;
    if (after->size > before->size)
        stress_fresh(g->stress, g->heap, after->address + before->size,
                     after->size - before->size);
    g->stress->changed = true;
}

bool guard_may_resize(const struct guard *g, const struct heap_block *b, size_t size) {
    return !(g->by & GUARD_FENCE) || fence_may_resize(&g->fence, b, size);
}

void guard_peeked(struct guard *g, const struct heap_block *b) {
    if (g->by & GUARD_TOOLS) notes_locked(&g->notes, b->slot, b->address, b->locks);
    guard_same(g);
}

void guard_same(struct guard *g) {
    if (g->stress != NULL) g->stress->same = true;
}

void guard_spare(struct guard *g) {
    if (g->stress != NULL) g->stress->spared = true;
}

void *guard_pointer(const struct guard *g, const struct heap_block *b) {
    char *fenced = g->by & GUARD_FENCE ? fence_pointer(&g->fence, b) : NULL;
    return fenced != NULL ? fenced : b->address;
}
