/* SPDX-License-Identifier: MIT */
#include "hostile.h"

#include <stdlib.h>

#include "fault.h"
#include "os.h"

enum { CALLS = 40, BLOCKS = 24, WALK_MOST = 10 * 1000 * 1000 };
#define HOURS UINT64_C(10000000000000) /* ns */

struct caller {
    struct scene *s;
    struct rng rng;
    const struct word *hit;
    struct outcome out;
    rm_memory_t *fresh[BLOCKS];
    unsigned n_fresh;
};

/* An answer, or a part of one. */
static void note(struct caller *c, uint64_t answer) {
    c->out.answers = rng_sum(c->out.answers, answer);
}

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
    if (s->n_live == 0 || chance(c, 3)) {
        uint64_t e = rng_next(&c->rng); /* in this order, whatever the compiler */
        uint32_t slot = (uint32_t)rng_below(&c->rng, s->n_slots);
        return handle_make((uintptr_t)s->heap >> 4, slot,
                           entry_with_locks(e, LOCKS_NONE));
    }
    return s->live[rng_below(&c->rng, s->n_live)];
}

static void address(struct caller *c, rm_status_t status, const void *pointer) {
    const char *at = pointer;
    if (status != RM_OK) return;
    size_t offset = (size_t)((uintptr_t)at - (uintptr_t)c->s->memory);
    note(c, offset);
    if (offset >= c->s->size) c->out.strays++;
}

/* --- calls --- */

static rm_status_t allocate(struct caller *c, size_t size) {
    rm_memory_t *handle;
    size_t alignment = chance(c, 10) ? (size_t)16 << rng_below(&c->rng, 9) : 0;
    unsigned flags = (chance(c, 20) ? RM_ZERO : 0) | (chance(c, 20) ? RM_NO_COMPACT : 0);
    rm_status_t status = rm_heap_alloc(c->s->heap, &handle, size, alignment, flags);
    if (status != RM_OK) return status;
    note(c, handle_slot(rm_word_handle(handle)));
    if (c->n_fresh < BLOCKS) c->fresh[c->n_fresh++] = handle;
    return status;
}

struct walk {
    struct caller *c;
    size_t n;
};
static bool visit(const rm_span_t *span, void *context) {
    struct walk *walk = context;
    note(walk->c, span->offset ^ span->size << 30);
    note(walk->c,
         span->requested ^ (uint64_t)span->locks << 32 ^ (uint64_t)span->kind << 60);
    return ++walk->n < WALK_MOST;
}

static rm_status_t of_block(struct caller *c, unsigned which) {
    void *pointer = NULL;
    size_t size = 0;
    unsigned locks = 0;
    rm_heap_t *heap = NULL;
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
    case 3:
        status = rmsize(handle, &size);
        note(c, size);
        return status;
    case 4:
        status = rmlocks(handle, &locks);
        note(c, locks);
        return status;
    case 5:
        status = rmheap(handle, &heap);
        note(c, heap == c->s->heap);
        return status;
    case 6: return rmrealloc(handle, (ssize_t)rng_size(&c->rng, SHAPE_MIXED, 9000));
    case 7: return rmrealloc(handle, (ssize_t)rng_below(&c->rng, c->s->size));
    default: return rmfree(handle);
    }
}

static void note_stats(struct caller *c, const rm_stats_t *stats) {
    const size_t said[] = {stats->capacity,      stats->extent,     stats->live_blocks,
                           stats->requested,     stats->used,       stats->metadata,
                           stats->free,          stats->free_spans, stats->largest_free,
                           stats->locked_blocks, stats->locked,     stats->moved_blocks,
                           stats->moved,         stats->regained,   stats->returned,
                           stats->allocations,   stats->frees,      stats->failures};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) note(c, said[i]);
    for (unsigned i = 0; i < RM_ORDERS; i++) {
        double share = stats->unusable[i]; /* of counters that may say anything */
        note(c, share >= 0 && share <= 1 ? (uint64_t)(share * 1e6) : UINT64_MAX);
    }
}

static rm_status_t of_heap(struct caller *c, unsigned which) {
    rm_heap_t *heap = c->s->heap;
    rm_stats_t stats = {0};
    rm_progress_t progress = {0};
    rm_status_t status;
    struct walk walk = {c, 0};
    size_t n = 0;
    bool timeless = c->s->timeless;
    switch (which) {
    case 0: return rm_heap_compact(heap, NULL, NULL);
    case 1:
        status = rm_heap_compact(heap, &(rm_budget_t){rng_below(&c->rng, 9000) + 1, 0},
                                 &progress);
        note(c, progress.moved ^ progress.moved_blocks << 32 ^
                    (uint64_t)progress.complete << 60);
        return status;
    case 2: return rm_heap_compact(heap, &(rm_budget_t){0, timeless ? 0 : 20000}, NULL);
    case 3:
        status = rm_heap_largest(heap, chance(c, 50), &n);
        note(c, n);
        return status;
    case 4: return rm_heap_trim(heap);
    case 5:
        (void)rm_heap_idle(heap, os_now_ns() + (timeless ? HOURS : 60000));
        return RM_OK;
    case 6:
        status = rm_heap_stats(heap, &stats);
        note_stats(c, &stats);
        return status;
    case 7:
        status = rm_heap_stats_quick(heap, &stats);
        note_stats(c, &stats);
        return status;
    case 8: return rm_heap_walk(heap, visit, &walk);
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
        rm_status_t said = call(&c, which);
        bool found = said == RM_ECORRUPT;
        note(&c, (uint64_t)said);
        c.out.found |= found;
        if (before != NULL) look_closer(&c, before, found);
    }
    rm_fault_t what = {0};
    rm_status_t status = rm_heap_check(s->heap, &what);
    c.out.missed = status == RM_OK;
    c.out.found |= status == RM_ECORRUPT;
    note(&c, (uint64_t)status ^ what.offset << 16 ^ (uint64_t)what.invariant << 8);
    if (before != NULL) look_closer(&c, before, true);
    free(before);
    return c.out;
}
