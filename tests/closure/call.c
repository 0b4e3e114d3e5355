/* SPDX-License-Identifier: MIT */
/*
 * One call in one state. What it answers and what it does is held against the naive model: sizes,
 * locks and generations are carried over into the new state, so that whatever is lost shows when that is
 * examined; what may move, what must be the same, and whether memory may be short, is seen here.
 */
#include <string.h>
#include <time.h>

#include "book.h"
#include "closure.h"
#include "fault.h"
#include "picture.h"

#define FINE ((const char *)0)

static unsigned call_argument(call_t c) { return c >> 6 & 63; }
static unsigned call_slot(call_t c) { return c & 63; }
static call_t call_of(enum kind kind, unsigned argument, unsigned slot) {
    return (call_t)((unsigned)kind << 12 | argument << 6 | slot);
}

/* --- which --- */

static unsigned list_block(const struct ground *g, unsigned slot, call_t *calls) {
    const struct config *c = g->config;
    unsigned n = 0;
    calls[n++] = call_of(DO_FREE, 0, slot);
    if (g->naive.slots[slot].locks < c->locks) calls[n++] = call_of(DO_LOCK, 0, slot);
    if (c->locks > 0) calls[n++] = call_of(DO_UNLOCK, 0, slot);
    for (unsigned i = 0; i < c->n_sizes; i++) calls[n++] = call_of(DO_RESIZE, i, slot);
    return n;
}

unsigned call_list(const struct ground *g, call_t *calls) {
    const struct config *c = g->config;
    unsigned n = 0, live = naive_count(&g->naive) - bit_count(g->fixed);
    for (unsigned i = 0; live < c->handles && i < c->n_asks; i++)
        calls[n++] = call_of(DO_ALLOC, i, 0);
    for (unsigned slot = 1; slot < SLOTS; slot++)
        if (naive_live(&g->naive, slot) && !(g->fixed >> slot & 1))
            n += list_block(g, slot, calls + n);
    for (unsigned i = 0; i < c->n_budgets; i++) calls[n++] = call_of(DO_COMPACT, i, 0);
    if (c->calls & CALL_LOOK) {
        calls[n++] = call_of(DO_TRIM, 0, 0);
        calls[n++] = call_of(DO_STATS, 0, 0);
        for (unsigned i = 0; i < 2; i++) calls[n++] = call_of(DO_LARGEST, i, 0);
    }
    if (c->calls & CALL_HOLD) {
        if (g->naive.held == 0) calls[n++] = call_of(DO_HOLD, 0, 0);
        calls[n++] = call_of(DO_RELEASE, 0, 0);
    }
    if (c->calls & CALL_IDLE)
        for (unsigned i = 0; i < 2; i++) calls[n++] = call_of(DO_IDLE, i, 0);
    return n;
}

const char *call_text(const struct config *config, call_t call) {
    const struct ask *ask = &config->asks[call_argument(call) % ASKS];
    const rm_budget_t *b = &config->budgets[call_argument(call) % BUDGETS];
    unsigned slot = call_slot(call), argument = call_argument(call);
    switch ((enum kind)(call >> 12)) {
    case DO_ALLOC:
        return fault("rm_heap_alloc(heap, &b, %zu, %zu, %u)", ask->size, ask->alignment,
                     ask->flags);
    case DO_FREE: return fault("rmfree(b%u)", slot);
    case DO_LOCK: return fault("rmlock(b%u, &p)", slot);
    case DO_UNLOCK: return fault("rmunlock(b%u)", slot);
    case DO_RESIZE:
        return fault("rmrealloc(b%u, %zu)", slot, config->sizes[argument % SIZES]);
    case DO_COMPACT:
        if (b->bytes == 0 && b->nanoseconds == 0)
            return fault("rm_heap_compact(heap, NULL, &progress)");
        return fault("rm_heap_compact(heap, &(rm_budget_t){%zu, %llu}, &progress)",
                     b->bytes, (unsigned long long)b->nanoseconds);
    case DO_TRIM: return fault("rm_heap_trim(heap)");
    case DO_LARGEST:
        return fault("rm_heap_largest(heap, %s, &size)", argument ? "true" : "false");
    case DO_STATS: return fault("rm_heap_stats(heap, &stats)");
    case DO_HOLD: return fault("rm_heap_hold(heap)");
    case DO_RELEASE: return fault("rm_heap_release(heap)");
    case DO_IDLE: return fault("rm_heap_idle(heap, %s)", argument ? "in_an_hour" : "0");
    }
    return "no such call";
}

/* --- what may move --- */

enum move { MOVE_NONE, MOVE_OWN, MOVE_ALL };

static enum move may_move(const struct ground *g, call_t call) {
    const struct config *c = g->config;
    bool manual = c->policy == RM_COMPACT_MANUAL;
    if (g->naive.held > 0) return MOVE_NONE;
    switch ((enum kind)(call >> 12)) {
    case DO_ALLOC:
        return manual || (c->asks[call_argument(call)].flags & RM_NO_COMPACT) ? MOVE_NONE
                                                                              : MOVE_ALL;
    case DO_RESIZE: return manual ? MOVE_OWN : MOVE_ALL;
    case DO_COMPACT:
    case DO_IDLE: return MOVE_ALL;
    default: return MOVE_NONE;
    }
}

struct places {
    size_t at[SLOTS], moved;
    uint32_t half; /* the slot of the block half moved */
};

static void note_places(const struct ground *g, struct places *p) {
    for (unsigned slot = 0; slot < SLOTS; slot++)
        p->at[slot] = naive_live(&g->naive, slot) ? ground_place(g, slot) : 0;
    p->moved = g->h->store.moved_blocks;
    p->half = g->h->store.mover.slot;
}

/* Whatever was there before and is now. */
static const char *moved(const struct ground *g, const struct naive *before,
                         const struct places *p, call_t call) {
    enum move may = may_move(g, call);
    bool any = false;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        const struct known *k = &g->naive.slots[slot];
        if (!before->slots[slot].live || !k->live) continue;
        if (ground_place(g, slot) == p->at[slot]) continue;
        any = true;
        if (before->slots[slot].locks > 0) return fault("b%u moved, and is locked", slot);
        if (slot == p->half && slot == call_slot(call))
            continue; /* its move is completed */
        if (may == MOVE_NONE || (may == MOVE_OWN && slot != call_slot(call)))
            return fault("b%u moved, and nothing may have moved it", slot);
        if (call >> 12 == DO_RESIZE && slot == call_slot(call) && may == MOVE_OWN &&
            k->size <= before->slots[slot].size)
            return fault("b%u has shrunk, and moved", slot);
    }
    if (any && g->h->store.moved_blocks == p->moved) return "a block moved, uncounted";
    return FINE;
}

/* --- memory may be short --- */

static bool all_may_move(const struct ground *g, call_t call) {
    return may_move(g, call) == MOVE_ALL && naive_locked(&g->naive) == 0;
}

static const char *short_of(struct ground *g, call_t call, size_t need) {
    rm_stats_t stats;
    if (!all_may_move(g, call)) return FINE;
    if (rm_heap_stats_quick(g->token, &stats) != RM_OK)
        return "rm_heap_stats_quick fails";
    need += naive_aligned(&g->naive);
    if (stats.free < need) return FINE;
    return fault("out of memory, though %zu bytes are free and %zu suffice", stats.free,
                 need);
}

/* --- the calls --- */

static const char *make_alloc(struct ground *g, call_t call, struct outcome *o) {
    const struct ask *ask = &g->config->asks[call_argument(call)];
    rm_memory_t *handle = (rm_memory_t *)(uintptr_t)1;
    o->status = rm_heap_alloc(g->token, &handle, ask->size, ask->alignment, ask->flags);
    if (o->status == RM_ENOMEM) {
        if (handle != NULL) return "the handle is not NULL after an error";
        return short_of(g, call, block_need(ask->size, ask->alignment) + 16);
    }
    if (o->status != RM_OK) return fault("says %d", (int)o->status);
    return ground_take(g, handle, ask);
}

static const char *make_free(struct ground *g, rm_memory_t *handle, unsigned slot,
                             struct outcome *o) {
    void *at;
    o->status = rmfree(handle);
    o->same = g->naive.slots[slot].locks > 0;
    if (o->status != (o->same ? RM_ELOCKED : RM_OK))
        return fault("says %d", (int)o->status);
    if (o->same) return FINE;
    g->naive.slots[slot] = (struct known){.live = 0};
    if (rmlock(handle, &at) != RM_EHANDLE || rmfree(handle) != RM_EHANDLE ||
        rmunlock(handle) != RM_EHANDLE || rmpeek(handle, &at) != RM_EHANDLE)
        return "the handle is not stale afterwards";
    return FINE;
}

static const char *make_lock(struct ground *g, rm_memory_t *handle, unsigned slot,
                             struct outcome *o) {
    struct known *k = &g->naive.slots[slot];
    void *at = NULL;
    o->status = rmlock(handle, &at);
    if (o->status != RM_OK) return fault("says %d", (int)o->status);
    size_t offset = (size_t)((unsigned char *)at - g->low);
    if (k->locks > 0 && k->at != offset) return "another address than of the lock before";
    if ((uintptr_t)at % naive_alignment(k) != 0) return fault("%p is not aligned", at);
    k->at = offset & bit_mask(32);
    k->locks = (k->locks + 1u) & 7;
    return FINE;
}

static const char *make_unlock(struct ground *g, rm_memory_t *handle, unsigned slot,
                               struct outcome *o) {
    struct known *k = &g->naive.slots[slot];
    o->status = rmunlock(handle);
    o->same = k->locks == 0;
    if (o->status != (o->same ? RM_EUNLOCKED : RM_OK))
        return fault("says %d", (int)o->status);
    if (k->locks > 0) k->locks = (k->locks - 1u) & 7;
    if (k->locks == 0) k->at = 0;
    return FINE;
}

static const char *make_resize(struct ground *g, rm_memory_t *handle, call_t call,
                               struct outcome *o) {
    struct known *k = &g->naive.slots[call_slot(call)];
    size_t old = k->size, size = g->config->sizes[call_argument(call)];
    bool fixed = k->locks > 0 || g->naive.held > 0;
    void *at = NULL;
    o->status = rmrealloc(handle, (ssize_t)size);
    if (o->status != RM_OK) {
        if (size <= old) return fault("from %zu it says %d", old, (int)o->status);
        if (o->status != (fixed ? RM_ELOCKED : RM_ENOMEM))
            return fault("says %d", (int)o->status);
        o->same = fixed;
        if (fixed) return FINE;
        /* Between threads a small one needs a second place. */
        size_t own = g->config->between && old <= SMALL_MAX ? 0 : old;
        return short_of(g, call,
                        block_need(size, k->asked > 3 ? (size_t)1 << k->asked : 0) - own +
                            16);
    }
    if (rmpeek(handle, &at) != RM_OK) return "a resized block cannot be peeked at";
    naive_fill(at, call_slot(call), old,
               size); /* what was there shows when it is examined */
    k->size = size & bit_mask(20);
    if (size > old) k->sixteen = rule_alignment(size) == 16;
    return FINE;
}

static const char *make_compact(struct ground *g, call_t call, struct outcome *o) {
    const rm_budget_t *b = &g->config->budgets[call_argument(call)];
    bool whole = b->bytes == 0 && b->nanoseconds == 0;
    size_t before = g->h->store.moved;
    rm_progress_t p = {0, 0, 0, false};
    o->status = rm_heap_compact(g->token, whole ? NULL : b, &p);
    if (o->status != RM_OK) return fault("says %d", (int)o->status);
    size_t moved_bytes = g->h->store.moved - before;
    if (p.moved != moved_bytes) return fault("says %zu bytes moved", p.moved);
    if (b->bytes > 0 && p.moved > b->bytes + 65536) return "moves more than it may";
    if (g->naive.held > 0) return p.complete || p.moved > 0 ? "a held heap moves" : FINE;
    if (whole && !p.complete) return "is not complete";
    return FINE;
}

static uint64_t in_an_hour(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_sec + 3600) * 1000000000u;
}

static const char *make_heap_call(struct ground *g, call_t call, struct outcome *o) {
    unsigned argument = call_argument(call);
    rm_stats_t stats;
    size_t size;
    switch ((enum kind)(call >> 12)) {
    case DO_TRIM: o->status = rm_heap_trim(g->token); break;
    case DO_LARGEST: o->status = rm_heap_largest(g->token, argument != 0, &size); break;
    case DO_STATS: o->status = rm_heap_stats(g->token, &stats); break;
    case DO_HOLD:
        o->status = rm_heap_hold(g->token);
        g->open = ++g->naive.held;
        break;
    case DO_RELEASE:
        o->status = rm_heap_release(g->token);
        if (g->naive.held > 0) {
            g->open = --g->naive.held;
            break;
        }
        o->same = true;
        return o->status == RM_EUNLOCKED ? FINE : fault("says %d", (int)o->status);
    default: rm_heap_idle(g->token, argument ? in_an_hour() : 0); break;
    }
    return o->status == RM_OK ? FINE : fault("says %d", (int)o->status);
}

static const char *dispatch(struct ground *g, call_t call, struct outcome *o) {
    unsigned slot = call_slot(call);
    rm_memory_t *handle = NULL;
    if (slot < SLOTS) handle = ground_handle(g, slot, g->naive.slots[slot].generation);
    switch ((enum kind)(call >> 12)) {
    case DO_ALLOC: return make_alloc(g, call, o);
    case DO_FREE: return make_free(g, handle, slot, o);
    case DO_LOCK: return make_lock(g, handle, slot, o);
    case DO_UNLOCK: return make_unlock(g, handle, slot, o);
    case DO_RESIZE: return make_resize(g, handle, call, o);
    case DO_COMPACT: return make_compact(g, call, o);
    default: return make_heap_call(g, call, o);
    }
}

/* --- after a failure --- */

/* Between threads a resize holds a lock of its own for a moment, so that something has been unlocked: the
   next compaction looks again at what it has seen to be pinned. That is no part of the state of anything. */
static bool is_hint(const struct ground *g, const unsigned char *at) {
    const unsigned char *unlocked = (const unsigned char *)&g->h->store.table.unlocked;
    return g->config->between && at >= unlocked && at < unlocked + sizeof(uint32_t);
}

static const char *all_same(const struct ground *g, const unsigned char *before) {
    const unsigned char *now = g->low + g->changing;
    if (memcmp(now, before, ground_image(g)) == 0) return FINE;
    for (size_t i = 0; i < ground_image(g); i++)
        if (now[i] != before[i] && !is_hint(g, now + i))
            return fault("it has failed, and byte %zu of %zu is another", g->changing + i,
                         g->bytes);
    return FINE;
}

const char *call_make(struct ground *g, call_t call, const unsigned char *before,
                      struct outcome *o) {
    struct naive was = g->naive;
    struct places places;
    note_places(g, &places);
    *o = (struct outcome){.may = may_move(g, call) == MOVE_ALL};
    const char *text = dispatch(g, call, o);
    o->moved = g->h->store.moved_blocks != places.moved;
    if (text == FINE) text = moved(g, &was, &places, call);
    if (text == FINE && o->same) text = all_same(g, before);
    return text;
}
