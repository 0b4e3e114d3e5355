/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <errno.h>

#include "block.h"
#include "compact.h"
#include "merge.h"
#include "motion.h"
#include "move.h"
#include "small.h"

/* Blocks at rest that are few: less than 1/32 of all; so many bytes of them are in any case. */
enum { RESTING_SHARE = 32, RESTING_LEAST = 4096 };
/* Steady compaction works while garbage is above 1/16 of what is used, by this much a time. */
enum { STEADY_SHARE = 16, STEADY_BYTES = 4096 };
/* A heap that would have to grow is squeezed first, a helping at a time, so that it need not be
   again soon: 1/32 of the area, and this. */
enum { HELPING_SHARE = 32, HELPING_LEAST = 64 * 1024 };
/* Free memory between blocks, where it is above 1/32 of what is used, and this, is slid together, at
   so many bytes moved a byte asked for, saved up to 1/16 of the area. */
enum { GROWTH_SHARE = 32, GROWTH_LEAST = 16 * 1024, GROWTH_PRICE = 4, CREDIT_SHARE = 16 };

bool place_may_move(struct heap *h, unsigned flags) {
    return h->compaction != RM_COMPACT_MANUAL && !(flags & RM_NO_COMPACT) &&
           motion_begin(&h->store);
}

/* --- what can be regained by compaction --- */

static size_t used_bytes(const struct heap *h) {
    return units_bytes(h->store.area.limit - h->store.area.free_units);
}

/* Free memory below the last block. O(1), as what follows. */
static size_t between(const struct heap *h) {
    const struct area *a = &h->store.area;
    return units_bytes(a->free_units - area_free_at_end(a));
}

size_t place_garbage(const struct heap *h) { return between(h) + h->store.spare; }

/* Is it worth sliding together what is free, given what that may move? */
static bool worth_sliding(struct heap *h) {
    size_t g = between(h), share = used_bytes(h) / GROWTH_SHARE;
    if (g < h->stuck) h->stuck = g;
    return g > h->stuck + (share > GROWTH_LEAST ? share : GROWTH_LEAST);
}

/* --- placing --- */

bool place_compact(struct heap *h, unit_t units, bool tight) {
    struct compact_goal goal = {.units = units, .reuse = true, .tight = tight};
    return compact(&h->store, &goal);
}

unit_t place_units(const struct request *q) {
    unit_t units = block_units(q->size, q->alignment != 0);
    if (q->alignment > UNIT) units += (unit_t)(q->alignment >> UNIT_SHIFT) - 1;
    return units;
}

bool place(struct heap *h, struct request *q, bool any) {
    struct store *s = &h->store;
    uint64_t *e = &q->entry;
    *e = q->old = move_entry(s, q->slot);
    if (!place_is_small(q)) return block_alloc(s, q->slot, q->size, q->alignment, e);
    if (small_alloc(s, q->slot, q->size, any, e)) return true;
    return any && (block_alloc(s, q->slot, q->size, 0, e) ||
                   small_alloc_larger(s, q->slot, q->size, e));
}

/* 1/32 of the area, but at least so much. */
static size_t area_share(const struct heap *h, size_t least) {
    size_t bytes = units_bytes(h->store.area.limit) / HELPING_SHARE;
    return bytes > least ? bytes : least;
}
static size_t helping(const struct heap *h) { return area_share(h, HELPING_LEAST); }

/* Place it where what rests makes room, if that is worth it. */
static bool by_flushing(struct heap *h, struct request *q) {
    if (quick_bytes(&h->store) < area_share(h, RESTING_LEAST)) return false;
    quick_flush(&h->store);
    return place(h, q, false);
}

/* Place it where emptying runs into others makes room. */
static bool by_merging(struct heap *h, struct request *q) {
    struct store *s = &h->store;
    size_t enough = s->area.free_units + bytes_units(helping(h));
    if (s->mover.slot != SLOT_NIL) return false;
    while (s->area.free_units < enough && merge_one_run(s))
        s->changes++; /* objects lie where a search for some may have been */
    return place(h, q, false);
}

/* Place it where sliding together makes room, as far as that has been saved for. */
static bool by_sliding(struct heap *h, struct request *q, unit_t wanted) {
    struct store *s = &h->store;
    size_t price = GROWTH_PRICE * units_bytes(wanted), before = s->moved;
    size_t most = units_bytes(s->area.limit) / CREDIT_SHARE;
    h->credit += price;
    if (h->credit > most) h->credit = most > price ? most : price;
    if (h->credit < GROWTH_LEAST || !worth_sliding(h)) return false;
    struct compact_goal goal = {.bytes = h->credit, .units = wanted, .reuse = true};
    if (compact(s, &goal)) h->stuck = between(h);
    size_t moved = s->moved - before;
    h->credit -= moved < h->credit ? moved : h->credit;
    return place(h, q, false);
}

/* The area grows: what follows will be asked for without coming here, and saves up all the same. */
static bool grow(struct heap *h, unit_t units) {
    unit_t before = h->store.area.limit;
    if (!region_grow(&h->region, &h->store, units)) return false;
    h->credit += GROWTH_PRICE * units_bytes(h->store.area.limit - before);
    return true;
}

/* Not where growing may fail: what it takes then has been told (compact_outlook). */
static bool roomy(const struct heap *h, unit_t units) {
    return region_gap(&h->region) > 2 * units_bytes(units) + HELPING_LEAST;
}

bool place_extend(struct heap *h, unit_t span, unit_t units) {
    const struct area *a = &h->store.area;
    if (span + area_units(a, span) != area_extent(a) || !roomy(h, units)) return false;
    size_t whole = units_bytes(area_units(a, span) + units);
    /* Does closing gaps make a place for all of it? */
    if (place_may_move(h, 0) && worth_sliding(h) && between(h) >= whole) return false;
    return grow(h, units);
}

bool place_room(struct heap *h, unit_t units) {
    return roomy(h, units) && grow(h, units);
}

bool place_slowly(struct heap *h, struct request *q) {
    struct store *s = &h->store;
    unit_t units = place_units(q);
    bool move = place_may_move(h, q->flags);
    if (region_closed(&h->region)) {
        quick_flush(s);
        region_settle(&h->region, s);
        if (place(h, q, false)) return true;
    } else {
        /* A run rather than a single, while there is room to grow. */
        unit_t wanted = place_is_small(q) ? small_run_units(s, q->size) : units;
        if (by_flushing(h, q)) return true;
        if (move && roomy(h, wanted) && (by_merging(h, q) || by_sliding(h, q, wanted)))
            return true;
        if ((grow(h, wanted) || grow(h, units)) && place(h, q, false)) return true;
    }
    quick_flush(s);
    if (place(h, q, true)) return true;
    if (!move) return false;
    size_t reserve = region_gap(&h->region) >> UNIT_SHIFT;
    if (units > s->area.free_units + reserve + compact_regain(s)) return false;
    if (cache_any(s)) return false; /* it is asked again, when nothing is in caches */
    if (!region_close(&h->region, s)) return false;
    place_compact(h, units, true);
    return place(h, q, true);
}

rm_status_t place_failed(struct heap *h, uint32_t room, int saved_errno) {
    h->store.failures++;
    region_restore(&h->region, &h->store, room);
    if (errno != 0) return RM_ESYSTEM;
    errno = saved_errno;
    return RM_ENOMEM;
}

bool place_slot(struct heap *h, unsigned flags) {
    struct store *s = &h->store;
    uint32_t wants =
        table_wants_slowly(&s->table); /* none is free, or nobody would come here */
    /* Where there is room the table grows by a page, for which few that rest are not given up. */
    bool few = quick_count(s) < s->table.n_taken / RESTING_SHARE;
    if (few && wants != UINT32_MAX && region_gap(&h->region) > HELPING_LEAST &&
        region_room(&h->region, s, wants))
        return true;
    quick_flush(s);
    wants = table_wants(&s->table);
    if (wants == 0) return true;
    if (wants == UINT32_MAX) return false;
    if (region_room(&h->region, s, wants)) return true;
    if (!place_may_move(h, flags) || !region_closed(&h->region)) return false;
    struct compact_goal goal = {.last = wants / 2, .reuse = true, .tight = true};
    if (wants / 2 > s->area.free_units + compact_regain(s)) return false;
    compact(s, &goal);
    return region_room(&h->region, s, wants);
}

void place_steady(struct heap *h, unsigned flags) {
    if (h->compaction != RM_COMPACT_STEADY) return;
    size_t g = place_garbage(h);
    if (g <= h->stuck + used_bytes(h) / STEADY_SHARE + STEADY_BYTES) return;
    if (!place_may_move(h, flags)) return;
    struct compact_goal goal = {.bytes = STEADY_BYTES, .reuse = true};
    if (compact(&h->store, &goal)) h->stuck = place_garbage(h);
}
