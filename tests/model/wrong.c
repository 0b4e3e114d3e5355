/* SPDX-License-Identifier: MIT */
/* What has to be refused, and must change nothing: the checks of the books that follow would tell. */
#include "operate.h"

#include <rmalloc_inline.h>
#include <limits.h>

#include "fault.h"

static const char *refused(rm_memory_t *handle) {
    void *pointer = &handle;
    size_t size;
    unsigned locks;
    rm_heap_t *heap;

    if (rmlock(handle, &pointer) != RM_EHANDLE ||
        rmlock_inline(handle, &pointer) != RM_EHANDLE ||
        rmpeek(handle, &pointer) != RM_EHANDLE ||
        rmpeek_inline(handle, &pointer) != RM_EHANDLE || pointer != &handle ||
        rmunlock(handle) != RM_EHANDLE || rmunlock_inline(handle) != RM_EHANDLE ||
        rmsize(handle, &size) != RM_EHANDLE || rmlocks(handle, &locks) != RM_EHANDLE ||
        rmheap(handle, &heap) != RM_EHANDLE || rmrealloc(handle, 64) != RM_EHANDLE ||
        rmfree(handle) != RM_EHANDLE)
        return fault("the stale handle %p is not refused", (void *)handle);
    return FINE;
}

const char *operate_stale(struct world *world, const struct op *op, bool *skipped) {
    struct block *block = world_block(world, op->id);

    /* Of a block that was given away another thread may just now be changing the books. And a handle of 32 bits has 6 of
       its generation: a slot made anew, above all given back, may come to any of 64, and be another block's. */
    *skipped =
        block == NULL ||
        (sizeof(uintptr_t) < 8 &&
         (world->spec->racing || world_is_handle(world, block->handle))) ||
        (world->spec->racing && (op->id % ACTORS_MOST != op->actor || block->given)) ||
        block->state != BLOCK_FREED ||
        __atomic_load_n(&world->n_freed, __ATOMIC_RELAXED) - block->buried >=
            RM_REUSES_MAX;
    return *skipped ? FINE : refused(block->handle);
}

/* One bit is another than in a live one: it may be that of another live block. */
const char *operate_forged(struct world *world, const struct op *op, bool *skipped) {
    struct block *block = world_live(world, op->actor, op->id);
    unsigned bits = sizeof(uintptr_t) * CHAR_BIT;
    rm_memory_t *handle;

    *skipped = block == NULL || world->spec->racing;
    if (*skipped) return FINE;
    handle = (rm_memory_t *)((uintptr_t)block->handle ^ (uintptr_t)1 << op->a % bits);
    *skipped = world_is_handle(world, handle);
    return *skipped ? FINE : refused(handle);
}

/* Each gives the status that it must give. */
static rm_status_t bad_call(rm_heap_t *heap, unsigned n, rm_memory_t **out,
                            rm_status_t *wanted) {
    rm_heap_t *made = heap;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    void *pointer;
    rm_status_t status;

    *wanted = RM_EINVAL;
    switch (n) {
    case 0: return rm_heap_alloc(heap, NULL, 8, 0, 0);
    case 1: return rm_heap_alloc(heap, out, 8, 3, 0);
    case 2: return rm_heap_alloc(heap, out, 8, 2 * RM_ALIGNMENT_MAX, 0);
    case 3: return rm_heap_alloc(heap, out, 8, 0, 4);
    case 4: return rmalloc(out, -1);
    case 5: return rmcalloc(out, 1, -1);
    case 6: return rm_heap_largest(heap, false, NULL);
    case 7: return rm_heap_stats(heap, NULL);
    case 8: return rm_heap_walk(heap, NULL, NULL);
    case 9: return rm_heap_destroy(NULL);
    case 10: return rm_heap_create(NULL, NULL);
    case 11: return rm_heap_trim((rm_heap_t *)((uintptr_t)heap ^ 16));
    case 12: return rm_heap_compact((rm_heap_t *)&options, NULL, NULL);
    case 13:
        options.compaction = (rm_compaction_t)17;
        status = rm_heap_create(&made, &options);
        return made == NULL ? status : RM_OK;
    case 14:
        options.watermarks.free_low = 2;
        options.watermarks.free_high = 1;
        return rm_heap_create(&made, &options);
    case 15:
        options.compaction = RM_COMPACT_BACKGROUND;
        options.threads = RM_THREADS_NONE;
        return rm_heap_create(&made, &options);
    case 16: *wanted = RM_EOVERFLOW; return rmcalloc(out, SSIZE_MAX, 3);
    case 17: *wanted = RM_EHANDLE; return rmlock(NULL, &pointer);
    case 18: *wanted = RM_EHANDLE; return rmrealloc(NULL, 8);
    default: *wanted = RM_OK; return rmfree(NULL);
    }
}

const char *operate_wrong(struct world *world, const struct op *op) {
    rm_memory_t *out = NULL;
    rm_status_t wanted, status;

    status = bad_call(world->homes[op->heap].heap, (unsigned)op->a % 20, &out, &wanted);
    if (status != wanted || out != NULL)
        return fault("bad call %u says %d, not %d", (unsigned)op->a % 20, (int)status,
                     (int)wanted);
    return FINE;
}

/* ---------------------------------------------------------------------- all */

const char *operate(struct world *world, const struct op *op) {
    struct actor *actor = &world->actors[op->actor];
    bool skipped = false;
    const char *text;

    if (op->kind <= OP_SEE || op->kind == OP_GIVE)
        text = operate_on_block(world, op, &skipped);
    else if (op->kind == OP_STALE)
        text = operate_stale(world, op, &skipped);
    else if (op->kind == OP_FORGE)
        text = operate_forged(world, op, &skipped);
    else if (op->kind == OP_WRONG)
        text = operate_wrong(world, op);
    else
        text = operate_on_heap(world, op, &skipped);
    if (op->kind < OP_PROVE ||
        op->kind > OP_PICTURE) { /* to look is not to do something */
        actor->done += !skipped;
        actor->skipped += skipped;
    }
    return text;
}
