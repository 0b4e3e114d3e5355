/* SPDX-License-Identifier: MIT */
#include "store/memory.h"

#include <malloc.h>
#include <stdlib.h>

#include "store/inside.h"
#include "store/process.h"

void memory_trim(void) { malloc_trim(0); }

/* ------------------------------------------------------------------- looks */

void memory_look(struct memory_figures *figures) {
    struct malloc_figures libc;
    size_t occupied = stores_occupied();

    process_malloc(&libc);
    *figures = (struct memory_figures){
        .libraries_live = libc.used > occupied ? libc.used - occupied : 0,
        .footprint = libc.held,
        .resident = process_resident()};
    for (store_t *store = store_first(); store; store = store_next(store)) {
        struct store_figures of;

        kind_look(store, &of);
        figures->own_live += of.requested;
        figures->own_objects += of.objects;
        figures->own_footprint += of.footprint;
        figures->own_free += of.free;
        if (of.largest_free > figures->own_largest)
            figures->own_largest = of.largest_free;
    }
    figures->footprint += figures->own_footprint;
    if (!kind_in_malloc) return;
    figures->own_footprint =
        libc.held > figures->libraries_live ? libc.held - figures->libraries_live : 0;
    figures->own_free = libc.free;
    figures->own_largest = libc.largest_free;
}

size_t memory_footprint(void) {
    size_t footprint = process_malloc_held();

    for (store_t *store = store_first(); store; store = store_next(store))
        footprint += kind_footprint(store);
    return footprint;
}

/* --------------------------------------------------------------- the budget */

/* So many bytes of objects are made without a look: half of what was left at the last one, within these. */
#define UNSEEN_LEAST ((size_t)16 << 10)
#define UNSEEN_MOST ((size_t)1 << 20)

static size_t limit, unseen, may_unseen, refusals;

static struct shedder {
    struct shedder *next;
    shed_fn *shed;
    void *context;
} * shedders;

void memory_limit(size_t bytes) {
    limit = bytes;
    may_unseen = UNSEEN_LEAST;
}

bool memory_due(size_t bytes) {
    if (limit == 0) return false;
    unseen += bytes;
    return unseen >= may_unseen;
}

/* What comes unseen next has to be within the limit, too. Beyond it nothing comes unseen. */
bool memory_exceeded(size_t footprint) {
    bool exceeded = limit > 0 && footprint + UNSEEN_LEAST > limit;
    size_t half = footprint < limit ? (limit - footprint) / 2 : 0;

    unseen = 0;
    may_unseen = exceeded              ? 0
                 : half < UNSEEN_LEAST ? UNSEEN_LEAST
                 : half > UNSEEN_MOST  ? UNSEEN_MOST
                                       : half;
    return exceeded;
}

bool memory_is_beyond(void) { return limit > 0 && may_unseen == 0; }

void memory_refused(void) { refusals++; }
size_t memory_refusals(void) { return refusals; }

void memory_on_shortage(shed_fn *shed, void *context) {
    struct shedder *shedder = malloc(sizeof(*shedder)), **last = &shedders;

    if (!shedder) return; /* it will not be asked */
    *shedder = (struct shedder){.shed = shed, .context = context};
    while (*last) last = &(*last)->next;
    *last = shedder;
}

void memory_forget_shortage(shed_fn *shed, void *context) {
    for (struct shedder **at = &shedders; *at; at = &(*at)->next) {
        struct shedder *shedder = *at;

        if (shedder->shed != shed || shedder->context != context) continue;
        *at = shedder->next;
        free(shedder);
        return;
    }
}

static bool shed_any(void) {
    for (struct shedder *shedder = shedders; shedder; shedder = shedder->next)
        if (shedder->shed(shedder->context)) return true;
    return false;
}

static size_t live(void) {
    size_t bytes = 0;

    for (store_t *store = store_first(); store; store = store_next(store)) {
        struct store_figures of;

        kind_look(store, &of);
        bytes += of.requested;
    }
    return bytes;
}

/* Has as many bytes shed as are wanted, if there are. Returns: whether there were any. */
static bool shed_bytes(size_t bytes) {
    size_t before = live();
    bool any = false;

    while (before - live() <= bytes && shed_any()) any = true;
    return any;
}

static bool any_compacts(void) {
    store_t *store = store_first();

    while (store && store->compaction == COMPACT_OFF) store = store_next(store);
    return store;
}

bool memory_make_room(unsigned *way, size_t bytes) {
    enum { TRIM, COMPACT, SHED, COMPACT_REST, NONE };

    if (*way == COMPACT && !any_compacts()) *way = SHED;
    if (*way == SHED && !shed_bytes(bytes)) *way = any_compacts() ? COMPACT_REST : NONE;
    if (*way == NONE) return false;
    stores_shrink(*way == COMPACT || *way == COMPACT_REST, false, NULL);
    if (*way != SHED) ++*way;
    return true;
}
