/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a larger block only the ends are written: pages are what is asked for, not time. */
enum { EDGE = 600, STEPS = 60, SOME = 1 << 16 };

void wrong(const char *format, ...) {
    va_list arguments;

    inject_end();
    printf("# ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    if (injected->n_refused > 0)
        printf("; %u refused, the last was %s: %s", injected->n_refused,
               inject_name(injected->last), strerrorname_np(injected->reason));
    printf("\n");
    fflush(stdout);
    exit(1);
}

void world_init(struct world *world, uint64_t seed, bool looked) {
    memset(world, 0, sizeof(*world));
    world->rng.state = seed;
    world->looked = looked;
}

/* --- content --- */

static void write_edge(unsigned char *at, size_t size, unsigned char fill) {
    size_t n = size < EDGE ? size : EDGE;

    memset(at, fill, n);
    memset(at + size - n, fill, n);
}

static bool edge_is(const unsigned char *at, size_t size, unsigned char fill) {
    size_t n = size < EDGE ? size : EDGE;

    for (size_t i = 0; i < n; i++)
        if (at[i] != fill || at[size - 1 - i] != fill) return false;
    return true;
}

/* Between these two it does not move: the background thread may be at work. */
static unsigned char *take(const struct item *item) {
    void *at;

    if (rmlock(item->handle, &at) != RM_OK)
        wrong("a block of %zu bytes cannot be locked", item->size);
    return at;
}

static void give(const struct item *item) {
    if (rmunlock(item->handle) != RM_OK) wrong("a locked block cannot be unlocked");
}

static void fill(struct world *world, struct item *item) {
    item->fill = (unsigned char)(1 + world->n_made++ % 255);
    write_edge(take(item), item->size, item->fill);
    give(item);
}

/* --- how the heap is --- */

static void verify_item(const struct item *item) {
    size_t size;
    unsigned locks;

    if (rmsize(item->handle, &size) != RM_OK || size != item->size)
        wrong("a block of %zu bytes has %zu", item->size, size);
    if (rmlocks(item->handle, &locks) != RM_OK || locks != item->locks)
        wrong("a block has %u locks, not %u", locks, item->locks);
    if (!edge_is(take(item), size, item->fill))
        wrong("the content of a block of %zu bytes is not what it was", size);
    give(item);
}

void world_verify(struct world *world) {
    rm_fault_t fault;
    rm_stats_t stats;
    unsigned locked = 0;

    inject_suspend();
    if (rm_heap_check(world->heap, &fault) != RM_OK)
        wrong("invariant %u at %zu: %s", fault.invariant, fault.offset, fault.text);
    if (rm_heap_stats(world->heap, &stats) != RM_OK) wrong("rm_heap_stats fails");
    for (unsigned i = 0; i < world->n; i++) {
        verify_item(&world->items[i]);
        locked += world->items[i].locks > 0;
    }
    if (stats.live_blocks != world->n || stats.requested != world->requested ||
        stats.locked_blocks != locked)
        wrong("%zu blocks, %zu bytes, %zu locked; they should be %u, %zu, %u",
              stats.live_blocks, stats.requested, stats.locked_blocks, world->n,
              world->requested, locked);
    if (stats.used + stats.metadata + stats.free != stats.capacity)
        wrong("used + metadata + free is not capacity");
    inject_resume();
}

/* Of what has a handle only; NULL: the same. */
static const char *same_blocks(const struct picture *before,
                               const struct picture *after) {
    size_t k = 0;

    for (size_t i = 0; i < before->n; i++) {
        const rm_span_t *was = &before->spans[i];
        if (was->handle == NULL) continue;
        while (k < after->n && after->spans[k].handle == NULL) k++;
        if (k == after->n || after->spans[k].handle != was->handle ||
            after->spans[k].offset != was->offset)
            return "a block is at another place, and nothing has moved";
        k++;
    }
    if (before->stats.capacity != after->stats.capacity) return "the capacity is another";
    return NULL;
}

/* What a call that has failed may leave: moves that did not help, and what such a compaction has found of slots left
   over, which are free then. */
static const char *difference(const struct picture *before, const struct picture *after) {
    if (before->stats.moved != after->stats.moved) return NULL;
    if (before->stats.used > after->stats.used) return same_blocks(before, after);
    return picture_same(before, after);
}

static void compare(struct world *world, const char *call) {
    struct picture after = {0};
    const char *text;

    inject_suspend();
    bool paused =
        rm_heap_pause(world->heap) == RM_OK; /* the background thread is out of it */
    text = picture_take(&after, world->heap);
    if (text == NULL) text = picture_audit(&after);
    if (paused) rm_heap_resume(world->heap);
    if (text == NULL && world->looked) text = difference(&world->before, &after);
    if (text != NULL) wrong("%s has failed: %s", call, text);
    picture_finish(&after);
    inject_resume();
    world_verify(world);
}

/* --- calls --- */

void world_call(struct world *world) {
    inject_suspend();
    if (world->looked && world->heap != NULL) {
        picture_finish(&world->before);
        const char *text = picture_take(&world->before, world->heap);
        if (text != NULL) wrong("%s", text);
    }
    inject_resume();
    inject_mark();
    errno = 0;
}

bool world_said(struct world *world, const char *call, rm_status_t status,
                bool may_fail) {
    int why = errno;

    if (status == RM_OK) return true;
    if (status == RM_ENOMEM && world->limited && may_fail) {
        compare(world, call);
        return false;
    }
    if (status != RM_ESYSTEM || !may_fail)
        wrong("%s says: %s", call, rm_strerror(status));
    if (!inject_gave(why))
        wrong("%s has been refused, and errno is %s", call, strerrorname_np(why));
    world->n_failed++;
    if (world->heap != NULL) compare(world, call);
    return false;
}

bool world_create(struct world *world, const rm_heap_options_t *options) {
    rm_heap_t *heap = (rm_heap_t *)world;
    size_t kept = inject_kept();

    world->limited = options->size != 0;
    world_call(world);
    rm_status_t status = rm_heap_create(&heap, options);
    if ((status == RM_OK) != (heap != NULL)) wrong("a heap and no heap");
    if (!world_said(world, "rm_heap_create", status, true)) {
        if (inject_kept() != kept) wrong("a heap that was refused has left a mapping");
        return false;
    }
    world->heap = heap;
    return true;
}

bool world_alloc(struct world *world, size_t size, size_t alignment, unsigned flags) {
    struct item *item = &world->items[world->n];
    rm_memory_t *handle = (rm_memory_t *)world;

    if (world->n == ITEMS_MOST) wrong("too many blocks");
    world_call(world);
    rm_status_t status = rm_heap_alloc(world->heap, &handle, size, alignment, flags);
    if ((status == RM_OK) != (handle != NULL)) wrong("a block and no block");
    if (!world_said(world, "rm_heap_alloc", status, true)) return false;
    *item = (struct item){.handle = handle, .size = size};
    world->n++;
    world->requested += size;
    if ((flags & RM_ZERO) && !edge_is(take(item), size, 0)) wrong("not all are zeros");
    if (flags & RM_ZERO) give(item);
    fill(world, item);
    return true;
}

bool world_resize(struct world *world, unsigned i, size_t size) {
    struct item *item = &world->items[i];
    size_t kept = size < item->size ? size : item->size;

    if (kept > EDGE) kept = EDGE;
    world_call(world);
    rm_status_t status = rmrealloc(item->handle, (ssize_t)size);
    if (status == RM_ELOCKED && item->locks > 0) return false;
    if (!world_said(world, "rmrealloc", status, true)) return false;
    const unsigned char *at = take(item);
    for (size_t k = 0; k < kept; k++)
        if (at[k] != item->fill) wrong("a resized block has lost its content");
    give(item);
    world->requested += size - item->size;
    item->size = size;
    fill(world, item);
    return true;
}

bool world_trim(struct world *world) {
    world_call(world);
    rm_status_t status = rm_heap_trim(world->heap);
    int why = errno;
    if (status == RM_OK) return true;
    /* What could be given back has been. */
    if (status != RM_ESYSTEM || !inject_gave(why)) wrong("rm_heap_trim says %d", status);
    world->n_failed++;
    world_verify(world);
    return false;
}

void world_free(struct world *world, unsigned i) {
    while (world->items[i].locks > 0) world_unlock(world, i);
    world_call(world);
    world->requested -= world->items[i].size;
    world_said(world, "rmfree", rmfree(world->items[i].handle), false);
    world->items[i] = world->items[--world->n];
}

void world_lock(struct world *world, unsigned i) {
    void *at;

    world_call(world);
    world_said(world, "rmlock", rmlock(world->items[i].handle, &at), false);
    if (!edge_is(at, world->items[i].size, world->items[i].fill))
        wrong("a block that is locked has not what it had");
    world->items[i].locks++;
}

void world_unlock(struct world *world, unsigned i) {
    world_call(world);
    world_said(world, "rmunlock", rmunlock(world->items[i].handle), false);
    world->items[i].locks--;
}

bool world_compact(struct world *world, size_t bytes) {
    rm_budget_t budget = {.bytes = bytes};
    rm_progress_t progress = {.complete = false};

    world_call(world);
    world_said(world, "rm_heap_compact",
               rm_heap_compact(world->heap, bytes ? &budget : NULL, &progress), false);
    if (bytes > 0 && progress.moved > bytes + SOME)
        wrong("%zu bytes moved with a budget of %zu", progress.moved, bytes);
    return progress.complete;
}

bool world_hold(struct world *world) {
    world_call(world);
    return world_said(world, "rm_heap_hold", rm_heap_hold(world->heap), true);
}

void world_release(struct world *world) {
    world_call(world);
    world_said(world, "rm_heap_release", rm_heap_release(world->heap), false);
}

void world_destroy(struct world *world) {
    world_call(world);
    world_said(world, "rm_heap_destroy", rm_heap_destroy(world->heap), false);
    picture_finish(&world->before);
    world->heap = NULL;
    world->n = 0;
    world->requested = 0;
}

/* --- the end --- */

/* What may fail now fails for want of memory in a heap that is limited alone. */
static void works(struct world *world) {
    unsigned failed = world->n_failed;

    for (unsigned step = 0; step < STEPS; step++) {
        uint64_t dice = rng_below(&world->rng, 10);
        if (dice < 5 && world->n < ITEMS_MOST)
            world_alloc(world, rng_below(&world->rng, 3000), 0, 0);
        else if (dice < 7 && world->n > 0)
            world_free(world, (unsigned)rng_below(&world->rng, world->n));
        else if (dice < 9 && world->n > 0)
            world_resize(world, (unsigned)rng_below(&world->rng, world->n),
                         rng_below(&world->rng, 3000));
        else
            world_compact(world, 5000);
    }
    if (world->n_failed != failed) wrong("what is not refused any more still fails");
}

void world_end(struct world *world) {
    inject_end();
    if (world->heap == NULL) return;
    world_verify(world);
    for (unsigned i = 0; i < world->n; i++)
        while (world->items[i].locks > 0) world_unlock(world, i);
    works(world);
    world_verify(world);
    while (world->n > 0) world_free(world, world->n - 1);
    if (!world_compact(world, 0)) wrong("a compaction is not complete");
    if (!world_trim(world)) wrong("rm_heap_trim fails");
    world_verify(world);
    world_destroy(world);
}
