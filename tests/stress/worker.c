/* SPDX-License-Identifier: MIT */
/*
 * What a worker does: one random deed after the other, with the content of every block
 * verified whenever it has a pointer to it.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "stress.h"

typedef const char *deed_fn(struct hand *hand);

void begin(struct hand *hand, enum deed deed) {
    atomic_store_explicit(&hand->doing, deed, memory_order_relaxed);
    hand->counts[deed]++;
}

static struct rng *dice(struct hand *hand) { return &hand->worker.rng; }

/* Mostly small, as of programs; up to some 300 KiB now and then. */
static size_t some_size(struct rng *rng) {
    uint64_t n = rng_below(rng, 1000);

    if (n < 600) return rng_size(rng, SHAPE_SMALL, 128);
    if (n < 920) return rng_size(rng, SHAPE_LOG, 8192);
    if (n < 992) return rng_size(rng, SHAPE_LOG, 65536);
    return rng_size(rng, SHAPE_LARGE, 300 * 1024);
}

static struct item **some_place(struct hand *hand) {
    return &hand->items[rng_below(dice(hand), ITEMS)];
}

/* An item of this worker's, or NULL: then there is none where it looked. */
static struct item *some_item(struct hand *hand) {
    struct item *item = NULL;

    for (unsigned tries = 0; tries < 8 && item == NULL; tries++) item = *some_place(hand);
    return item;
}

/* ------------------------------------------------------------------------- items */

const char *item_fault(const struct item *item) {
    size_t size = SIZE_MAX;
    unsigned locks = 9999;
    void *at = NULL;
    const char *text;

    if (rmsize(item->handle, &size) != RM_OK || size != item->size)
        return fault("rmsize says %zu, not %zu", size, item->size);
    if (rmlocks(item->handle, &locks) != RM_OK || locks != item->locks)
        return fault("rmlocks says %u, not %u", locks, item->locks);
    if (rmlock(item->handle, &at) != RM_OK) return fault("a live block is not locked");
    if (item->locks > 0 && at != item->at)
        text = fault("a locked block of %zu bytes has moved", size);
    else if (at == NULL || (uintptr_t)at % item->align != 0)
        text = fault("%zu bytes at %p, not aligned by %zu", size, at, item->align);
    else
        text = content_fault(at, size, item->seed);
    if (rmunlock(item->handle) != RM_OK) return fault("a locked block is not unlocked");
    return text;
}

static size_t promised(const struct item *item) {
    size_t rule = rule_alignment(item->size);

    return item->asked > rule ? item->asked : rule;
}

static const char *item_write(struct hand *hand, struct item *item) {
    void *at = NULL;

    if (rmlock(item->handle, &at) != RM_OK) return fault("no lock to write");
    item->seed = rng_next(dice(hand));
    content_fill(at, item->size, item->seed);
    return rmunlock(item->handle) == RM_OK ? NULL : fault("no unlock after writing");
}

const char *item_free(struct hand *hand, struct item *item) {
    for (; item->locks > 0; item->locks--)
        if (rmunlock(item->handle) != RM_OK) return fault("no unlock before a free");
    if (rmfree(item->handle) != RM_OK) return fault("a block cannot be freed");
    hand->n_freed++;
    hand->gone[hand->n_freed % GONE] = item->handle;
    free(item);
    return NULL;
}

/* -------------------------------------------------------------------- allocation */

static const char *not_zero(const unsigned char *at, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (at[i] != 0) return fault("byte %zu of %zu is not zero", i, size);
    return NULL;
}

/* Into a place that is empty; where there is none, what lies there makes room. */
static const char *allocate(struct hand *hand, enum deed deed, size_t align,
                            unsigned flags) {
    struct item **place = some_place(hand), *item;
    const char *text = NULL;
    rm_memory_t *handle = NULL;
    size_t size = some_size(dice(hand));
    rm_status_t status;
    void *at = NULL;

    if (*place != NULL) {
        begin(hand, FREE);
        text = item_free(hand, *place);
        *place = NULL;
        if (text != NULL) return text;
    }
    begin(hand, deed);
    status = rm_heap_alloc(hand->stress->heap, &handle, size, align, flags);
    if (status == RM_ENOMEM && handle == NULL && hand->stress->kind->closed) {
        begin(hand, NO_MEMORY);
        return NULL;
    }
    if (status != RM_OK || handle == NULL)
        return fault("%zu bytes, aligned by %zu: status %d", size, align, (int)status);
    hand->n_allocated++;
    *place = item = calloc(1, sizeof(*item));
    if (item == NULL) give_up("no memory for the books");
    item->handle = handle;
    item->size = size;
    item->asked = align;
    item->align = promised(item);
    if (flags & RM_ZERO) {
        if (rmlock(handle, &at) != RM_OK) return fault("a fresh block is not locked");
        text = not_zero(at, size);
        if (rmunlock(handle) != RM_OK) return fault("a fresh block is not unlocked");
    }
    return text != NULL ? text : item_write(hand, item);
}

static const char *do_allocate(struct hand *hand) {
    return allocate(hand, ALLOCATE, 0, 0);
}
static const char *do_aligned(struct hand *hand) {
    return allocate(hand, ALLOCATE_ALIGNED, (size_t)1 << rng_below(dice(hand), 13), 0);
}
static const char *do_zeroed(struct hand *hand) {
    return allocate(hand, ALLOCATE_ZEROED, 0, RM_ZERO);
}
static const char *do_still(struct hand *hand) {
    return allocate(hand, ALLOCATE_STILL, 0, RM_NO_COMPACT);
}

/* ------------------------------------------------------------------ one's own items */

static const char *do_write(struct hand *hand) {
    struct item *item = some_item(hand);

    if (item == NULL) return NULL;
    begin(hand, WRITE);
    return item_write(hand, item);
}

static const char *do_scribble(struct hand *hand) {
    struct item *item = some_item(hand);

    if (item == NULL || item->size > 2000) return NULL;
    begin(hand, SCRIBBLE);
    for (unsigned n = 0; n < 60; n++) {
        const char *text;
        void *at = NULL;

        if (rmlock(item->handle, &at) != RM_OK) return fault("no lock to scribble");
        text = content_fault(at, item->size, item->seed);
        content_fill(at, item->size, ++item->seed);
        if (rmunlock(item->handle) != RM_OK) return fault("no unlock after scribbling");
        if (text != NULL) return text;
    }
    return NULL;
}

static const char *do_verify(struct hand *hand) {
    struct item *item = some_item(hand);

    if (item == NULL) return NULL;
    begin(hand, VERIFY);
    return item_fault(item);
}

static const char *do_lock(struct hand *hand) {
    struct item *item = some_item(hand);
    void *at = NULL;

    /* mostly few at a time; rarely so many that they are counted elsewhere */
    if (item == NULL || item->locks >= (item->size % 16 == 0 ? 9u : 2u)) return NULL;
    begin(hand, LOCK);
    if (rmlock(item->handle, &at) != RM_OK) return fault("a block cannot be locked");
    if (item->locks > 0 && at != item->at) return fault("a locked block has moved");
    item->at = at;
    item->locks++;
    return content_fault(at, item->size, item->seed);
}

/* What was locked for a while is whole, and may be written without another lock. */
static const char *do_unlock(struct hand *hand) {
    struct item *item = some_item(hand);
    const char *text;

    if (item == NULL || item->locks == 0) return NULL;
    begin(hand, UNLOCK);
    text = content_fault(item->at, item->size, item->seed);
    if (text != NULL) return text;
    item->seed = rng_next(dice(hand));
    content_fill(item->at, item->size, item->seed);
    item->locks--;
    return rmunlock(item->handle) == RM_OK ? NULL : fault("a block cannot be unlocked");
}

static const char *do_resize(struct hand *hand) {
    struct item *item = some_item(hand);
    size_t size = some_size(dice(hand)), kept;
    rm_status_t status;
    const char *text;
    void *at = NULL;

    if (item == NULL) return NULL;
    begin(hand, size > item->size ? GROW : SHRINK);
    status = rmrealloc(item->handle, (ssize_t)size);
    if (status == RM_ELOCKED) { /* it is locked, or somebody reads */
        begin(hand, LOCKED_NOT_MOVED);
        return size > item->size ? item_fault(item) : fault("too locked to shrink");
    }
    if (status == RM_ENOMEM && hand->stress->kind->closed) {
        begin(hand, NO_MEMORY);
        return item_fault(item);
    }
    if (status != RM_OK) return fault("resizing says %d", (int)status);
    kept = size < item->size ? size : item->size;
    if (rmlock(item->handle, &at) != RM_OK) return fault("no lock after resizing");
    text = content_fault(at, kept, item->seed);
    if (item->locks > 0 && at != item->at) text = "a locked block was resized elsewhere";
    if (rmunlock(item->handle) != RM_OK) return fault("no unlock after resizing");
    item->size = size;
    if (kept < size) item->align = promised(item); /* what shrinks keeps its own */
    return text != NULL ? text : item_write(hand, item);
}

static const char *do_free(struct hand *hand) {
    struct item **place = some_place(hand), *item = *place;

    if (item == NULL) return NULL;
    if (item->locks > 0) {
        begin(hand, LOCKED_NOT_FREED);
        if (rmfree(item->handle) != RM_ELOCKED) return fault("a locked block is freed");
        return item_fault(item);
    }
    begin(hand, FREE);
    *place = NULL;
    return item_free(hand, item);
}

static const char *do_ask(struct hand *hand) {
    struct item *item = some_item(hand);
    rm_heap_t *heap = NULL;

    if (item == NULL) return NULL;
    begin(hand, ASK);
    if (rmheap(item->handle, &heap) != RM_OK || heap != hand->stress->heap)
        return fault("rmheap says another heap");
    return NULL;
}

static const char *do_stale(struct hand *hand) {
    rm_memory_t *handle = hand->gone[rng_below(dice(hand), GONE)];
    rm_status_t status;
    void *at = hand;

    if (handle == NULL) return NULL;
    begin(hand, STALE_REFUSED);
    switch (rng_below(dice(hand), 5)) {
    case 0: status = rmlock(handle, &at); break;
    case 1: status = rmunlock(handle); break;
    case 2: status = rmfree(handle); break;
    case 3: status = rmrealloc(handle, 100); break;
    default: status = rmpeek(handle, &at); break;
    }
    if (status != RM_EHANDLE || at != hand)
        return fault("a stale handle: status %d", (int)status);
    return NULL;
}

/* ----------------------------------------------------------------- between workers */

/* Locked ones too: the lock goes with the block. */
static const char *do_hand_over(struct hand *hand) {
    struct item **place = some_place(hand);

    if (*place == NULL) return NULL;
    begin(hand, HAND_OVER);
    *place = atomic_exchange(&hand->stress->boxes[rng_below(dice(hand), BOXES)], *place);
    if (*place == NULL) return NULL;
    begin(hand, TAKE);
    return item_fault(*place);
}

static uint64_t public_seed(rm_memory_t *handle) { return rng_mix((uintptr_t)handle); }

rm_memory_t *public_make(struct hand *hand, size_t size) {
    rm_memory_t *handle = NULL;
    void *at = NULL;

    if (rm_heap_alloc(hand->stress->heap, &handle, size, 0, 0) != RM_OK) return NULL;
    hand->n_allocated++;
    if (rmlock(handle, &at) != RM_OK) {
        fails(&hand->worker, "a fresh block is not locked");
        return handle;
    }
    content_fill(at, size, public_seed(handle));
    if (rmunlock(handle) != RM_OK) fails(&hand->worker, "a fresh block is not unlocked");
    return handle;
}

const char *public_fault(rm_memory_t *handle, bool may_be_gone, bool *gone) {
    rm_status_t status;
    size_t size = 0;
    void *at = NULL;
    const char *text;

    status = rmlock(handle, &at);
    *gone = status == RM_EHANDLE;
    if (*gone && may_be_gone) return NULL;
    if (status != RM_OK) return fault("a public block: status %d", (int)status);
    if (rmsize(handle, &size) != RM_OK) return fault("a locked block has no size");
    text = content_fault(at, size, public_seed(handle));
    if (rmunlock(handle) != RM_OK) return fault("a public block is not unlocked");
    return text;
}

/*
 * A new one for an old one, which is freed while others may be about to lock it. Where
 * somebody has, it is free as soon as they are done.
 */
static const char *do_publish(struct hand *hand) {
    /* some large ones: it takes a while to copy these, and somebody comes meanwhile */
    enum shape shape = rng_chance(dice(hand), 25) ? SHAPE_LARGE : SHAPE_LOG;
    size_t size = rng_size(dice(hand), shape, shape == SHAPE_LARGE ? 100000 : 20000);
    rm_memory_t *fresh = public_make(hand, size), *old;
    rm_status_t status;

    begin(hand, PUBLISH);
    old = atomic_exchange(&hand->stress->public[rng_below(dice(hand), PUBLIC)], fresh);
    if (old == NULL) return NULL;
    while ((status = rmfree(old)) == RM_ELOCKED) sched_yield();
    hand->n_freed += status == RM_OK;
    return status == RM_OK ? NULL : fault("freeing a public block: %d", (int)status);
}

static const char *do_lock_public(struct hand *hand) {
    rm_memory_t *handle = hand->stress->public[rng_below(dice(hand), PUBLIC)];
    const char *text;
    bool gone;

    if (handle == NULL) return NULL;
    begin(hand, LOCK_PUBLIC);
    if (rng_chance(dice(hand), 20))
        sched_yield(); /* the longer, the likelier it is gone */
    text = public_fault(handle, true, &gone);
    if (gone) begin(hand, PUBLIC_GONE);
    return text;
}

static const char *do_touch_public(struct hand *hand) {
    begin(hand, TOUCH_PUBLIC);
    for (unsigned n = 0; n < 60; n++) {
        rm_memory_t *handle = hand->stress->public[rng_below(dice(hand), PUBLIC)];
        rm_status_t status;
        const char *text;
        size_t size = 0;
        void *at = NULL;

        if (handle == NULL || (status = rmlock(handle, &at)) == RM_EHANDLE) continue;
        if (status != RM_OK) return fault("touching a public block: %d", (int)status);
        if (rmsize(handle, &size) != RM_OK) return fault("a locked block has no size");
        text = content_fault(at, size < 64 ? size : 64, public_seed(handle));
        if (rmunlock(handle) != RM_OK) return fault("no unlock after a touch");
        if (text != NULL) return text;
    }
    return NULL;
}

static const char *do_lock_fixed(struct hand *hand) {
    bool gone;

    begin(hand, LOCK_FIXED);
    return public_fault(hand->stress->fixed[rng_below(dice(hand), FIXED)], false, &gone);
}

/* -------------------------------------------------------------------- read sections */

static const char *peek_around(struct hand *hand) {
    const char *text = NULL;

    for (unsigned n = 0; n < 6 && text == NULL; n++) {
        rm_memory_t *handle = hand->stress->fixed[rng_below(dice(hand), FIXED)];
        struct item *item = some_item(hand);
        void *at = NULL, *again = NULL;
        size_t size = 0;

        if (rmpeek(handle, &at) != RM_OK || rmsize(handle, &size) != RM_OK)
            return fault("a block cannot be peeked at");
        text = content_fault(at, size, public_seed(handle));
        if (rmpeek(handle, &again) != RM_OK || again != at)
            return fault("a block has moved in a read section");
        if (item == NULL || text != NULL) continue;
        if (rmpeek(item->handle, &at) != RM_OK) return fault("no peek at an item");
        text = content_fault(at, item->size, item->seed);
    }
    return text;
}

static const char *do_peek(struct hand *hand) {
    const char *text;

    if (!atomic_load_explicit(&hand->stress->reading, memory_order_relaxed)) return NULL;
    begin(hand, PEEK);
    if (rm_heap_hold(hand->stress->heap) != RM_OK) return fault("a heap cannot be held");
    text = peek_around(hand);
    if (rm_heap_release(hand->stress->heap) != RM_OK) return fault("no release");
    return text;
}

/* With other deeds in between. */
static const char *do_nested(struct hand *hand) {
    static deed_fn *const inside[] = {do_allocate, do_free,   do_write, do_resize,
                                      do_lock,     do_unlock, do_peek,  do_hand_over};
    unsigned depth = (unsigned)rng_between(dice(hand), 1, 3);
    const char *text = NULL;

    if (!atomic_load_explicit(&hand->stress->reading, memory_order_relaxed)) return NULL;
    begin(hand, NESTED_SECTION);
    for (unsigned i = 0; i < depth; i++)
        if (rm_heap_hold(hand->stress->heap) != RM_OK) return fault("no hold");
    for (unsigned i = 0; i < depth; i++) {
        if (text == NULL) text = inside[rng_below(dice(hand), 8)](hand);
        if (text == NULL) text = peek_around(hand);
        if (rm_heap_release(hand->stress->heap) != RM_OK) return fault("no release");
    }
    return text;
}

/* ------------------------------------------------------------------------- the body */

static const struct {
    deed_fn *call;
    unsigned weight;
    bool calm; /* it never waits for a heap's mutex */
} deeds[] = {
    /* clang-format off */
    {do_scribble, 6, true},   {do_write, 12, true},       {do_verify, 10, true},
    {do_lock, 8, true},       {do_unlock, 20, true},      {do_ask, 2, true},
    {do_stale, 4, true},      {do_hand_over, 8, true},    {do_lock_public, 6, true},
    {do_touch_public, 4, true}, {do_lock_fixed, 4, true},
    {do_allocate, 20, false}, {do_aligned, 3, false},     {do_zeroed, 3, false},
    {do_still, 3, false},     {do_resize, 8, false},      {do_free, 12, false},
    {do_publish, 4, false},   {do_peek, 5, false},        {do_nested, 1, false},
    /* clang-format on */
};

static deed_fn *draw(struct rng *rng, bool calm) {
    unsigned total = 0, n;

    for (unsigned i = 0; i < sizeof(deeds) / sizeof(*deeds); i++)
        total += calm && !deeds[i].calm ? 0 : deeds[i].weight;
    n = (unsigned)rng_below(rng, total);
    for (unsigned i = 0;; i++) {
        if (calm && !deeds[i].calm) continue;
        if (n < deeds[i].weight) return deeds[i].call;
        n -= deeds[i].weight;
    }
}

/*
 * While blocks are moved whoever allocates waits, sooner or later. So that somebody uses
 * the blocks at that time, everybody has calm days: with no such deeds.
 */
void *hand_body(void *context) {
    struct worker *worker = context;
    struct hand *hand = worker->context;
    unsigned calm = 0;

    while (!atomic_load_explicit(&hand->stress->over, memory_order_relaxed)) {
        if (calm == 0 && rng_chance(dice(hand), 1)) calm = 400;
        if (fails(worker, draw(dice(hand), calm > 0)(hand))) break;
        calm -= calm > 0;
        worker->n_done++;
    }
    if (worker->wrong != NULL) atomic_store(&hand->stress->over, true);
    atomic_store(&hand->ended, true);
    return NULL;
}
