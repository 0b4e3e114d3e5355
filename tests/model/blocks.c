/* SPDX-License-Identifier: MIT */
/* Operations on one block. */
#include "operate.h"

#include <rmalloc_inline.h>
#include <sys/types.h>

#include "rules.h"
#include "content.h"
#include "fault.h"
#include "look.h"

static bool is_closed(const struct world *world, unsigned heap) {
    return world->spec->heaps[heap].region > 0;
}
/* May a call that allocates move blocks? */
static bool may_move(const struct world *world, unsigned heap) {
    return world->spec->heaps[heap].policy != RM_COMPACT_MANUAL &&
           !operate_is_held(world, heap);
}
/* Where nothing is locked memory is used up before it is said that there is none. */
static bool all_movable(const struct world *world, unsigned heap) {
    return may_move(world, heap) && is_closed(world, heap) && !world->spec->racing &&
           world->homes[heap].n_locked == 0;
}

static void count_refused(struct world *world, unsigned heap) {
    count(&world->homes[heap].n_failed, 1);
    __atomic_fetch_add(&world->tally.refused, 1, __ATOMIC_RELAXED);
}

static rm_status_t lock(const struct op *op, rm_memory_t *handle, void **pointer) {
    return (op->how & HOW_INLINE) != 0 ? rmlock_inline(handle, pointer)
                                       : rmlock(handle, pointer);
}
static rm_status_t unlock(const struct op *op, rm_memory_t *handle) {
    return (op->how & HOW_INLINE) != 0 ? rmunlock_inline(handle) : rmunlock(handle);
}

/* -------------------------------------------------------------------- places */

/*
 * Lock and unlock, and hold the address against the last one. Nothing has been moved since: the
 * same. MANUAL: the same unless rm_heap_compact has been called.
 */
static const char *see(struct world *world, struct block *block) {
    const struct home *home = &world->homes[block->heap];
    size_t before = look_moved(world, block->heap);
    const char *text = look_block(world, block, false);
    void *at = block->locked_at;
    bool still = block->seen_moved == before;

    if (text != FINE || moves_by_itself(world, block->heap)) return text;
    if (block->locks == 0 &&
        (rmlock(block->handle, &at) != RM_OK || rmunlock(block->handle) != RM_OK))
        return "a live block cannot be locked and unlocked";
    still = still && look_moved(world, block->heap) == before;
    if (world->spec->heaps[block->heap].policy == RM_COMPACT_MANUAL &&
        block->seen_epoch == home->epoch)
        still = true;
    if (block->seen_at != NULL && block->seen_at != at && still && block->size > 0)
        return "a block has moved, and nothing may have moved it";
    block->seen_at = at;
    block->seen_moved = look_moved(world, block->heap);
    block->seen_epoch = home->epoch;
    return FINE;
}

/* ---------------------------------------------------------------- allocation */

/* RM_ENOMEM, with nothing locked and moves allowed: there must be no room. */
static const char *room_fault(const struct world *world, unsigned heap, size_t need) {
    rm_stats_t stats;
    size_t lost = world->homes[heap].aligned;

    if (rm_heap_stats_quick(world->homes[heap].heap, &stats) != RM_OK)
        return "rm_heap_stats_quick fails";
    if (stats.free >= need + lost)
        return fault("out of memory for %zu bytes, and %zu are free (%zu may be out of "
                     "reach)",
                     need, stats.free, lost);
    return FINE;
}

/* What rm_heap_largest says before an allocation. */
struct forecast {
    bool asked, moves, exact;
    size_t largest, moved;
};

static const char *ask(struct world *world, const struct op *op,
                       struct forecast *forecast) {
    const struct home *home = &world->homes[op->heap];

    forecast->asked = true;
    forecast->moves = may_move(world, op->heap) && (op->how & ALLOC_NO_COMPACT) == 0;
    forecast->exact = is_closed(world, op->heap) && !moves_by_itself(world, op->heap) &&
                      !operate_is_held(world, op->heap) &&
                      (!forecast->moves || (home->n_locked == 0 && home->aligned == 0));
    if (rm_heap_largest(home->heap, forecast->moves, &forecast->largest) != RM_OK)
        return "rm_heap_largest fails";
    forecast->moved = look_moved(world, op->heap);
    return FINE;
}

/* A smaller request than the largest may fail: that one may be for a slot left over. */
static const char *judge(const struct world *world, const struct op *op,
                         rm_status_t status, size_t size,
                         const struct forecast *forecast) {
    if (moves_by_itself(world, op->heap)) return FINE;
    if (op->b == 0 && status == RM_OK && forecast->exact &&
        size >= forecast->largest + 16)
        return fault("%zu bytes were granted, rm_heap_largest said %zu", size,
                     forecast->largest);
    if (op->b == 0 && status == RM_ENOMEM && size == forecast->largest && size > 0)
        return fault("%zu bytes were refused, rm_heap_largest said so many", size);
    if (!forecast->moves && look_moved(world, op->heap) != forecast->moved)
        return "an allocation that may not move anything moved something";
    return FINE;
}

static rm_status_t call_alloc(struct world *world, const struct op *op, rm_memory_t **out,
                              size_t size) {
    unsigned flags = op->how & (ALLOC_ZERO | ALLOC_NO_COMPACT);

    if ((op->how & ALLOC_PLAIN) != 0 && (op->how & ALLOC_NO_COMPACT) == 0 && op->b == 0 &&
        world->spec->heaps[op->heap].standard)
        return flags == ALLOC_ZERO ? rmcalloc(out, size % 4 == 0 ? 4 : 1,
                                              (ssize_t)(size % 4 == 0 ? size / 4 : size))
                                   : rmalloc(out, (ssize_t)size);
    return rm_heap_alloc(world->homes[op->heap].heap, out, size, (size_t)op->b, flags);
}

static const char *fill(const struct op *op, struct block *block) {
    void *at = NULL;
    const char *text = FINE;

    if (lock(op, block->handle, &at) != RM_OK || at == NULL)
        return "a fresh block cannot be locked";
    if ((uintptr_t)at % block->align != 0)
        text = fault("%zu bytes at %p, not aligned by %u", block->size, at, block->align);
    if (text == FINE && (op->how & ALLOC_ZERO) != 0) text = content_zero(at, block->size);
    if (text == FINE) content_write(at, block->size, block->content);
    if (unlock(op, block->handle) != RM_OK) return "a fresh block cannot be unlocked";
    return text;
}

static const char *allocate(struct world *world, const struct op *op) {
    struct forecast forecast = {false, false, false, 0, 0};
    rm_memory_t *handle = (rm_memory_t *)(uintptr_t)16;
    size_t size = (size_t)op->a, need;
    const char *text = FINE;
    rm_status_t status;

    if ((op->how & ALLOC_ASK) != 0) text = ask(world, op, &forecast);
    if (text != FINE) return text;
    if ((op->how & ALLOC_EDGE) != 0) {
        size += forecast.largest;
        if (size > RM_BLOCK_MAX || !is_closed(world, op->heap)) size = (size_t)op->a;
    }
    status = call_alloc(world, op, &handle, size);
    if (status == RM_OK) {
        if (handle == NULL || handle == (rm_memory_t *)(uintptr_t)16)
            return "an allocation succeeded and gave no handle";
        world_take(world, op->actor, op->id, handle, op, size);
        text = fill(op, &world->blocks[op->id]);
    } else {
        if (handle != NULL) return "the handle of a failed allocation is not NULL";
        if (status != RM_ENOMEM) return fault("an allocation says %d", (int)status);
        count_refused(world, op->heap);
    }
    if (forecast.asked && text == FINE) text = judge(world, op, status, size, &forecast);
    if (status == RM_OK || text != FINE) return text;
    need = block_need(size, (size_t)op->b) + slot_need(world->homes[op->heap].n_live);
    return (op->how & ALLOC_NO_COMPACT) == 0 && all_movable(world, op->heap)
               ? room_fault(world, op->heap, need)
               : FINE;
}

static const char *release(struct world *world, const struct op *op,
                           struct block *block) {
    rm_status_t status = rmfree(block->handle);
    bool locked = block->locks > 0;

    if (status != (locked ? RM_ELOCKED : RM_OK))
        return fault("rmfree of %s block says %d", locked ? "a locked" : "an unlocked",
                     (int)status);
    if (!locked) world_drop(world, op->id);
    return FINE;
}

/* -------------------------------------------------------------------- resizing */

static void note_size(struct world *world, struct block *block, size_t size) {
    struct home *home = &world->homes[block->heap];

    count(&home->requested, size - block->size);
    if (!world->spec->racing && home->requested > home->peak)
        home->peak = home->requested;
    if (size > block->size)
        block->align = block->asked > rule_alignment(size)
                           ? block->asked
                           : (uint32_t)rule_alignment(size);
    block->size = size;
    block->seen_at = NULL;
}

/* What is kept must be as it was; then the whole is written. */
static const char *refill(struct world *world, struct block *block, size_t size,
                          unsigned char *before) {
    size_t old = block->size;
    const char *text = FINE;
    void *at = NULL;

    if (block->locks == RM_LOCKS_MAX)
        at = block->locked_at;
    else if (rmlock(block->handle, &at) != RM_OK)
        return "a resized block cannot be locked";
    if (size <= old && before != NULL && at != before)
        text = fault("shrunk from %zu to %zu, it is at another place", old, size);
    if (block->locks > 0 && at != block->locked_at)
        text = "a locked block was resized to another place";
    if (text == FINE) text = content_differs(at, size < old ? size : old, block->content);
    note_size(world, block, size);
    block->content += UINT32_MAX;
    content_write(at, size, block->content);
    if (block->locks != RM_LOCKS_MAX && rmunlock(block->handle) != RM_OK)
        return "a resized block cannot be unlocked";
    return text;
}

/* What is left of a closed heap, and a bytes more, or less. */
static size_t edge(const struct world *world, const struct op *op) {
    size_t largest;

    if (!is_closed(world, op->heap) ||
        rm_heap_largest(world->homes[op->heap].heap, true, &largest) != RM_OK)
        return (size_t)op->a;
    return largest + (size_t)op->a;
}

static const char *resize(struct world *world, const struct op *op, struct block *block) {
    const struct heap_spec *spec = &world->spec->heaps[block->heap];
    size_t old = block->size, size = (size_t)op->a, counted = old;
    bool pinned = block->locks > 0 || operate_is_held(world, block->heap);
    bool racing = world->spec->racing, grows = size > old;
    unsigned char *before = NULL;
    const char *text;
    rm_status_t status;

    if ((op->how & HOW_SEE) != 0 && !racing) {
        if ((text = see(world, block)) != FINE) return text;
        if (!moves_by_itself(world, block->heap)) before = block->seen_at;
    }
    if ((op->how & HOW_EDGE) != 0) {
        size = edge(world, op);
        grows = size > old;
    }
    status = rmrealloc(block->handle, (ssize_t)size);
    if (status == RM_OK) return refill(world, block, size, before);
    if (status == RM_ENOMEM) count_refused(world, block->heap);
    if (!grows || (status != RM_ENOMEM && status != RM_ELOCKED) ||
        (status == RM_ELOCKED && !pinned && !racing) ||
        (status == RM_ENOMEM && pinned && !racing))
        return fault("rmrealloc from %zu to %zu of %s block says %d", old, size,
                     pinned ? "a locked" : "an unlocked", (int)status);
    /* Between threads a small one needs a second place. */
    if (world->spec->between && spec->threads == RM_THREADS_SAFE && old <= 512)
        counted = 0;
    /* What is aligned has to be passed on the way: by its own steps, up as well as down. */
    if (status == RM_ENOMEM && all_movable(world, block->heap))
        return room_fault(world, block->heap,
                          block_need(size, block->asked) - counted + 16 +
                              world->homes[block->heap].aligned);
    return FINE;
}

/* ----------------------------------------------------------------------- locks */

static const char *take_locks(struct world *world, const struct op *op,
                              struct block *block) {
    for (uint64_t i = 0; i < op->a; i++) {
        void *at = block;
        rm_status_t status = lock(op, block->handle, &at);
        bool full = block->locks == RM_LOCKS_MAX;

        if (status != (full ? RM_EOVERFLOW : RM_OK))
            return fault("lock %u says %d", block->locks + 1u, (int)status);
        if (full) return at == block ? FINE : "a refused lock gave an address";
        if (block->locks > 0 && at != block->locked_at)
            return "a second lock gave another address";
        if (block->locks++ > 0) continue;
        block->locked_at = at;
        count(&world->homes[block->heap].n_locked, 1);
    }
    return look_block(world, block, false);
}

static const char *give_locks(struct world *world, const struct op *op,
                              struct block *block) {
    for (uint64_t i = 0; i < op->a; i++) {
        rm_status_t status = unlock(op, block->handle);

        if (status != (block->locks > 0 ? RM_OK : RM_EUNLOCKED))
            return fault("an unlock of a block with %u locks says %d", block->locks,
                         (int)status);
        if (block->locks == 0) return FINE;
        if (--block->locks > 0) continue;
        block->locked_at = NULL;
        count(&world->homes[block->heap].n_locked, (size_t)-1);
    }
    return FINE;
}

static const char *write_anew(const struct op *op, struct block *block) {
    void *at = block->locked_at;
    const char *text;

    if (block->locks == 0 && lock(op, block->handle, &at) != RM_OK)
        return "a live block cannot be locked";
    text = content_differs(at, block->size, block->content);
    if (text == FINE) {
        block->content = op->a;
        content_write(at, block->size, block->content);
    }
    if (block->locks == 0 && unlock(op, block->handle) != RM_OK)
        return "a locked block cannot be unlocked";
    return text;
}

/* Held by this actor, or locked: else there is nothing that keeps the block where it is. */
static const char *peek(struct world *world, const struct op *op, struct block *block,
                        bool *skipped) {
    void *at = NULL;
    rm_status_t status;

    *skipped = world->actors[op->actor].depth[block->heap] == 0 && block->locks == 0;
    if (*skipped) return FINE;
    status = (op->how & HOW_INLINE) != 0 ? rmpeek_inline(block->handle, &at)
                                         : rmpeek(block->handle, &at);
    if (status != RM_OK) return fault("rmpeek says %d", (int)status);
    if ((uintptr_t)at % block->align != 0 || (block->locks > 0 && at != block->locked_at))
        return "rmpeek gives another address";
    return content_differs(at, block->size, block->content);
}

const char *operate_on_block(struct world *world, const struct op *op, bool *skipped) {
    struct block *block;

    if (op->kind == OP_ALLOC) {
        block = world_block(world, op->id);
        *skipped = block == NULL || block->state != BLOCK_NEVER;
        return *skipped ? FINE : allocate(world, op);
    }
    block = world_live(world, op->actor, op->id);
    *skipped = block == NULL;
    if (block == NULL) return FINE;
    switch ((enum op_kind)op->kind) {
    case OP_FREE: return release(world, op, block);
    case OP_RESIZE: return resize(world, op, block);
    case OP_LOCK: return take_locks(world, op, block);
    case OP_UNLOCK: return give_locks(world, op, block);
    case OP_WRITE: return write_anew(op, block);
    case OP_READ: return look_block(world, block, op->how == 0);
    case OP_PEEK: return peek(world, op, block, skipped);
    case OP_SEE: return see(world, block);
    default:
        world_give(world, op->id, (unsigned)op->a % world->spec->n_actors);
        return FINE;
    }
}
