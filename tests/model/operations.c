/* SPDX-License-Identifier: MIT */
/* The operations of the model, and what each must answer. */
#include "model.h"

#include "fault.h"
#include "picture.h"

/* What NULL means in a function that returns a fault. */
#define FINE ((const char *)0)

static size_t moved_now(const struct model *model) {
    rm_stats_t stats;

    return rm_heap_stats_quick(model->heap, &stats) == RM_OK ? stats.moved : SIZE_MAX;
}

/* -------------------------------------------------------------------- places */

/*
 * Lock and unlock, and hold the address against the last one. Nothing was moved
 * since: the same. MANUAL: the same unless rm_heap_compact was called since.
 */
static const char *see(struct model *model, size_t i) {
    struct block *block = &model->book.blocks[i];
    size_t before = moved_now(model);
    unsigned char *at = book_address(&model->book, i);
    bool still = moved_now(model) == before && block->seen_moved == before;

    LOG(model, "book_address(&book, %zu);\n", i);
    if (at == NULL || (uintptr_t)at % block->align != 0)
        return fault("%zu bytes at %p, not aligned by %zu", block->size, (void *)at,
                     block->align);
    if (block->locks > 0 && at != block->locked_at) return "a locked block has moved";
    if (model->compaction == RM_COMPACT_MANUAL && block->seen_epoch == model->epoch)
        still = true;
    if (block->seen_at != NULL && block->seen_at != at && still && block->size > 0)
        return "a block has moved, and nothing may have moved it";
    block->seen_at = at;
    block->seen_moved = moved_now(model);
    block->seen_epoch = model->epoch;
    return FINE;
}

/* ---------------------------------------------------------------- allocation */

static bool fixed(const struct model *model) { return model->kind->region > 0; }

/* RM_ENOMEM, with nothing locked and moves allowed: there must be no room. */
static const char *room_fault(struct model *model, size_t need) {
    rm_stats_t stats;
    size_t lost = model->book.aligned;

    if (rm_heap_stats_quick(model->heap, &stats) != RM_OK)
        return "rm_heap_stats_quick fails";
    if (stats.free >= need + lost)
        return fault("out of memory for %zu bytes, and %zu are free (%zu may be out of "
                     "reach)",
                     need, stats.free, lost);
    return FINE;
}

/* A smaller request than the largest may fail: that one may be for a slot left over. */
static const char *granted(rm_status_t status, size_t size, size_t largest, bool exact) {
    if (status == RM_OK && exact && size >= largest + 16)
        return fault("%zu bytes were granted, rm_heap_largest said %zu", size, largest);
    if (status == RM_ENOMEM && size == largest && largest > 0)
        return fault("%zu bytes were refused, rm_heap_largest said so many", size);
    if (status != RM_OK && status != RM_ENOMEM)
        return fault("an allocation says %d", (int)status);
    return FINE;
}

static const char *operate_alloc(struct model *model) {
    struct book *book = &model->book;
    struct rng *rng = &model->rng;
    size_t size = rng_size(rng, model->habits.shape, model->kind->most);
    size_t asked = 0, largest = 0, before = moved_now(model), need;
    unsigned flags = rng_chance(rng, 10) ? RM_ZERO : 0;
    bool moves, exact;
    rm_status_t status;
    const char *text;

    if (rng_chance(rng, model->habits.aligned))
        asked = (size_t)1 << rng_below(rng, model->kind->most < 4096 ? 8 : 13);
    if (rng_chance(rng, 10)) flags |= RM_NO_COMPACT;
    moves = model->compaction != RM_COMPACT_MANUAL && (flags & RM_NO_COMPACT) == 0;
    exact = fixed(model) && (!moves || (book->n_locked == 0 && book->aligned == 0));
    if (rm_heap_largest(model->heap, moves, &largest) != RM_OK)
        return "rm_heap_largest fails";
    if (asked == 0 && rng_chance(rng, 10)) /* right at the edge, but not every time */
        size = largest > 0 && rng_chance(rng, 50) ? largest : largest + 16;
    LOG(model, "book_alloc(&book, %zu, %zu, %u);\n", size, asked, flags);
    status = book_alloc(book, size, asked, flags);
    if (asked == 0 && (text = granted(status, size, largest, exact)) != FINE) return text;
    if (!moves && moved_now(model) != before)
        return "an allocation that may not move anything moved something";
    if (status == RM_OK) return see(model, book->n - 1);
    model->n_refused++;
    if (status != RM_ENOMEM) return fault("an aligned allocation says %d", (int)status);
    need = block_need(size, asked) + handle_need(book);
    return moves && fixed(model) && book->n_locked == 0 ? room_fault(model, need) : FINE;
}

static const char *operate_free(struct model *model, size_t i) {
    struct book *book = &model->book;
    rm_memory_t *handle = book->blocks[i].handle;
    bool locked = book->blocks[i].locks > 0;
    size_t before = moved_now(model);
    rm_status_t status;

    LOG(model, "book_free(&book, %zu);\n", i);
    status = book_free(book, i);
    if (status != (locked ? RM_ELOCKED : RM_OK))
        return fault("rmfree of %s block says %d", locked ? "a locked" : "an unlocked",
                     (int)status);
    if (!locked) {
        model->buried[model->n_graves % GRAVES] = book->n_freed;
        model->graves[model->n_graves++ % GRAVES] = handle;
    }
    if (moved_now(model) != before && model->compaction == RM_COMPACT_MANUAL && locked)
        return "a refused rmfree moved something";
    return FINE;
}

static size_t another_size(struct model *model, size_t old) {
    struct rng *rng = &model->rng;

    switch (rng_below(rng, 6)) {
    case 0: return old;
    case 1: return rng_between(rng, 0, old);
    case 2: return old + rng_between(rng, 1, 16);
    case 3: return old - (old < 16 ? old : rng_between(rng, 1, 16));
    default: return rng_size(rng, model->habits.shape, model->kind->most);
    }
}

static const char *operate_resize(struct model *model, size_t i) {
    struct book *book = &model->book;
    size_t old = book->blocks[i].size;
    size_t size = another_size(model, old);
    bool locked = book->blocks[i].locks > 0, grows = size > old;
    bool moves = model->compaction != RM_COMPACT_MANUAL;
    unsigned char *at = NULL;
    rm_status_t status;
    const char *text;

    if (rng_chance(&model->rng, 50)) {
        if ((text = see(model, i)) != FINE) return text;
        at = book->blocks[i].seen_at;
    }
    LOG(model, "book_resize(&book, %zu, %zu);\n", i, size);
    status = book_resize(book, i, size);
    model->n_refused += status == RM_ENOMEM;
    if (status != RM_OK && (!grows || status != (locked ? RM_ELOCKED : RM_ENOMEM)))
        return fault("rmrealloc from %zu to %zu of %s block says %d", old, size,
                     locked ? "a locked" : "an unlocked", (int)status);
    /* Between threads a small one needs a second place. */
    if (model->between && model->threads == RM_THREADS_SAFE && old <= 512) old = 0;
    if (status == RM_ENOMEM && moves && fixed(model) && book->n_locked == 0)
        /* What is aligned has to be passed on the way: by its own steps, up as well as down. */
        return room_fault(model, block_need(size, book->blocks[i].asked) - old + 16 +
                                     book->aligned);
    if (!grows && at != NULL && book_address(book, i) != at)
        return fault("shrunk from %zu to %zu, it is at another place", old, size);
    return see(model, i);
}

/* --------------------------------------------------------------------- locks */

static const char *operate_lock(struct model *model, size_t i) {
    struct book *book = &model->book;
    rm_status_t status;
    const char *text = see(model, i);

    if (text != FINE) return text;
    if (rng_chance(&model->rng, 60)) {
        LOG(model, "book_lock(&book, %zu);\n", i);
        status = book_lock(book, i);
        if (status != (book->blocks[i].locks <= RM_LOCKS_MAX ? RM_OK : RM_EOVERFLOW))
            return fault("rmlock says %d", (int)status);
        if (book->blocks[i].locked_at != book->blocks[i].seen_at)
            return "a lock gives another address than the one before it";
    } else {
        bool locked = book->blocks[i].locks > 0;

        LOG(model, "book_unlock(&book, %zu);\n", i);
        status = book_unlock(book, i);
        if (status != (locked ? RM_OK : RM_EUNLOCKED))
            return fault("rmunlock of %s block says %d",
                         locked ? "a locked" : "an unlocked", (int)status);
    }
    return FINE;
}

static bool is_live(const struct book *book, rm_memory_t *handle) {
    for (size_t i = 0; i < book->n; i++)
        if (book->blocks[i].handle == handle) return true;
    return false;
}

/* A stale one, or one that differs from a live one in some bit. */
static const char *operate_stale(struct model *model) {
    struct book *book = &model->book;
    rm_memory_t *handle = NULL;
    void *pointer = model;
    size_t size;
    unsigned locks;
    rm_heap_t *heap;

    if (model->n_graves > 0 && rng_chance(&model->rng, 70)) {
        size_t n = model->n_graves < GRAVES ? model->n_graves : GRAVES;

        size_t i = (size_t)rng_below(&model->rng, n);
        handle = model->graves[i];
        /* Its slot may have been used again each time. */
        if (book->n_freed - model->buried[i] >= RM_REUSES_MAX) return FINE;
        if (is_live(book, handle))
            return "a handle that was handed out before is handed out again";
    } else if (book->n > 0) {
        uintptr_t value = (uintptr_t)book->blocks[rng_below(&model->rng, book->n)].handle;

        handle = (rm_memory_t *)(value ^ (uintptr_t)1
                                             << rng_below(&model->rng, 8 * sizeof value));
        if (is_live(book, handle)) return FINE;
    }
    if (handle == NULL) return FINE;
    if (rmlock(handle, &pointer) != RM_EHANDLE || pointer != model ||
        rmunlock(handle) != RM_EHANDLE || rmsize(handle, &size) != RM_EHANDLE ||
        rmlocks(handle, &locks) != RM_EHANDLE || rmheap(handle, &heap) != RM_EHANDLE ||
        rmrealloc(handle, 64) != RM_EHANDLE || rmfree(handle) != RM_EHANDLE)
        return fault("the stale handle %p is not refused", (void *)handle);
    return FINE;
}

/* ---------------------------------------------------------------- compaction */

const char *operate_compact(struct model *model, const rm_budget_t *budget) {
    rm_progress_t progress = {0, 0, 0, false};
    size_t before = moved_now(model);
    size_t align = !fixed(model) ? 65536 : model->book.aligned > 0 ? RM_ALIGNMENT_MAX : 0;

    LOG(model, "rm_heap_compact: %zu bytes, %llu ns\n", budget ? budget->bytes : 0,
        (unsigned long long)(budget ? budget->nanoseconds : 0));
    model->epoch++;
    if (rm_heap_compact(model->heap, budget, &progress) != RM_OK)
        return "rm_heap_compact fails";
    if (moved_now(model) - before != progress.moved)
        return "progress and the metrics do not agree on what was moved";
    if (budget != NULL && budget->bytes > 0 && progress.moved > budget->bytes + 65536)
        return fault("%zu bytes moved with a budget of %zu", progress.moved,
                     budget->bytes);
    if (!progress.complete && budget == NULL) return "a compaction is not complete";
    if (progress.complete || progress.moved > 0)
        model->idle_steps = 0;
    else if (++model->idle_steps > IDLE_STEPS_MAX)
        return "steps of compaction make no progress";
    if (progress.complete &&
        (model->kind->check_every < 8 || rng_chance(&model->rng, model->stress ? 2 : 50)))
        return heap_complete_fault(model->heap, align);
    return FINE;
}

static const char *operate_compact_some(struct model *model) {
    rm_budget_t budget = {0, 0};

    switch (rng_below(&model->rng, 5)) {
    case 0: return operate_compact(model, NULL);
    case 1: budget.nanoseconds = 1; break; /* any more would depend on the machine */
    case 2: budget.bytes = 1; break;
    default: budget.bytes = rng_between(&model->rng, 1, 2 * model->kind->most); break;
    }
    return operate_compact(model, &budget);
}

/* -------------------------------------------------------------------- choice */

const char *operate(struct model *model) {
    struct book *book = &model->book;
    struct rng *rng = &model->rng;
    size_t target = model->capacity / 100 * model->habits.fill;
    size_t i = book->n > 0 ? (size_t)rng_below(rng, book->n) : 0;

    if (rng_chance(rng, model->habits.compact)) return operate_compact_some(model);
    if (rng_chance(rng, 1)) {
        LOG(model, "rm_heap_trim\n");
        return rm_heap_trim(model->heap) == RM_OK ? FINE : "rm_heap_trim fails";
    }
    if (rng_chance(rng, 4)) return operate_stale(model);
    if (book->n == 0) return operate_alloc(model);
    if (rng_chance(rng, model->habits.locks)) return operate_lock(model, i);
    if (rng_chance(rng, 20)) return operate_resize(model, i);
    return rng_chance(rng, book->requested < target ? 70 : 35) ? operate_alloc(model)
                                                               : operate_free(model, i);
}
