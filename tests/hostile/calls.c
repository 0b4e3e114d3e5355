/* SPDX-License-Identifier: MIT */
#include "hostile.h"

#include <stdlib.h>

#include "fault.h"
#include "os.h"

enum { CALLS = 40, BLOCKS = 24, WALK_MOST = 10 * 1000 * 1000 };

struct caller {
    struct scene *s;
    struct rng rng;
    const struct word *hit;
    struct outcome out;
    rm_memory_t *fresh[BLOCKS];
    unsigned n_fresh;
};

/* --- handles --- */

static bool chance(struct caller *c, unsigned percent) {
    return rng_chance(&c->rng, percent);
}

/* One of those whose metadata have been hit, of any other block, of none any more, and of none ever. */
static rm_memory_t *some_handle(struct caller *c) {
    const struct scene *s = c->s;
    if (c->hit->slot != SLOT_NIL && chance(c, 50)) {
        uint64_t e = load64(s->image + (table_slot(&s->h->store.table, 0) - s->memory) -
                            8 * (size_t)c->hit->slot);
        uint64_t tag = (uintptr_t)s->heap >> 4;
        return handle_make(tag, c->hit->slot, entry_with_locks(e, LOCKS_NONE));
    }
    if (c->n_fresh > 0 && chance(c, 20)) return c->fresh[rng_below(&c->rng, c->n_fresh)];
    if (s->n_stale > 0 && chance(c, 10)) return s->stale[rng_below(&c->rng, s->n_stale)];
    if (s->n_live == 0 || chance(c, 3))
        return handle_make((uintptr_t)s->heap >> 4,
                           (uint32_t)rng_below(&c->rng, s->n_slots),
                           entry_with_locks(rng_next(&c->rng), LOCKS_NONE));
    return s->live[rng_below(&c->rng, s->n_live)];
}

static void address(struct caller *c, rm_status_t status, const void *pointer) {
    const char *at = pointer;
    if (status != RM_OK) return;
    if (at < c->s->memory || at >= c->s->memory + c->s->size) c->out.strays++;
}

/* --- calls --- */

static rm_status_t allocate(struct caller *c, size_t size) {
    rm_memory_t *handle;
    size_t alignment = chance(c, 10) ? (size_t)16 << rng_below(&c->rng, 9) : 0;
    unsigned flags = (chance(c, 20) ? RM_ZERO : 0) | (chance(c, 20) ? RM_NO_COMPACT : 0);
    rm_status_t status = rm_heap_alloc(c->s->heap, &handle, size, alignment, flags);
    if (status == RM_OK && c->n_fresh < BLOCKS) c->fresh[c->n_fresh++] = handle;
    return status;
}

static bool visit(const rm_span_t *span, void *context) {
    (void)span;
    return ++*(size_t *)context < WALK_MOST;
}

static rm_status_t of_block(struct caller *c, unsigned which) {
    void *pointer = NULL;
    size_t size;
    unsigned locks;
    rm_heap_t *heap;
    rm_status_t status;
    rm_memory_t *handle = some_handle(c);
    switch (which) {
    case 0:
        status = rmlock(handle, &pointer);
        address(c, status, pointer);
        return status;
    case 1: return rmunlock(handle);
    case 2:
        status = rmpeek(handle, &pointer);
        address(c, status, pointer);
        return status;
    case 3: return rmsize(handle, &size);
    case 4: return rmlocks(handle, &locks);
    case 5: return rmheap(handle, &heap);
    case 6: return rmrealloc(handle, (ssize_t)rng_size(&c->rng, SHAPE_MIXED, 9000));
    case 7: return rmrealloc(handle, (ssize_t)rng_below(&c->rng, c->s->size));
    default: return rmfree(handle);
    }
}

static rm_status_t of_heap(struct caller *c, unsigned which) {
    rm_heap_t *heap = c->s->heap;
    rm_stats_t stats;
    rm_status_t status;
    size_t n = 0;
    uint64_t idle;
    switch (which) {
    case 0: return rm_heap_compact(heap, NULL, NULL);
    case 1:
        return rm_heap_compact(heap, &(rm_budget_t){rng_below(&c->rng, 9000) + 1, 0},
                               &(rm_progress_t){0});
    case 2: return rm_heap_compact(heap, &(rm_budget_t){0, 20000}, NULL);
    case 3: return rm_heap_largest(heap, chance(c, 50), &n);
    case 4: return rm_heap_trim(heap);
    case 5:
        idle = rm_heap_idle(heap, os_now_ns() + 60000);
        (void)idle;
        return RM_OK;
    case 6: return rm_heap_stats(heap, &stats);
    case 7: return rm_heap_stats_quick(heap, &stats);
    case 8: return rm_heap_walk(heap, visit, &n);
    case 9:
        status = rm_heap_pause(heap);
        return status == RM_OK ? rm_heap_resume(heap) : status;
    case 10:
        status = rm_heap_hold(heap);
        return status == RM_OK ? rm_heap_release(heap) : status;
    default: return rm_heap_resume(heap);
    }
}

static rm_status_t call(struct caller *c, unsigned which) {
    if (which < 18) return of_block(c, which % 9);
    if (which < 30) return of_heap(c, which - 18);
    return allocate(c, which < 36 ? rng_size(&c->rng, SHAPE_SMALL, SMALL_MAX)
                                  : rng_size(&c->rng, SHAPE_LOG, c->s->size / 2));
}

/* Has the memory of a heap that is found to be damaged been written to? */
static void look_closer(struct caller *c, char *before, bool found) {
    struct scene *s = c->s;
    if (c->out.found && memcmp(before, s->memory, s->size) != 0) c->out.wrote = true;
    if (!c->out.found && !found) memcpy(before, s->memory, s->size);
}

struct outcome calls_make(struct scene *s, struct rng *rng, const struct word *hit) {
    struct caller c = {.s = s, .rng = {rng_next(rng)}, .hit = hit};
    unsigned order[CALLS];
    char *before = NULL;
    for (unsigned i = 0; i < CALLS; i++) order[i] = i;
    if (s->integrity) {
        before = malloc(s->size);
        if (before == NULL) give_up("no memory for a copy");
        memcpy(before, s->memory, s->size);
    }
    for (unsigned i = 0; i < CALLS; i++) {
        unsigned j = i + (unsigned)rng_below(&c.rng, CALLS - i), which = order[j];
        order[j] = order[i];
        bool found = call(&c, which) == RM_ECORRUPT;
        c.out.found |= found;
        if (before != NULL) look_closer(&c, before, found);
    }
    rm_fault_t what;
    rm_status_t status = rm_heap_check(s->heap, &what);
    c.out.missed = status == RM_OK;
    c.out.found |= status == RM_ECORRUPT;
    if (before != NULL) look_closer(&c, before, true);
    free(before);
    return c.out;
}
