/* SPDX-License-Identifier: MIT */
#include "largest.h"

#include "cache.h"
#include "compact.h"
#include "motion.h"
#include "quick.h"
#include "small.h"

/* Bytes of the largest block in so many units. */
static size_t block_bytes(unit_t units) {
    return units == 0 ? 0 : units_bytes(units) - HEADER;
}

/* With the table's spare room given to the area. */
static size_t largest_settled(struct heap *h, bool after_compaction) {
    struct store *s = &h->store;
    struct area *a = &s->area;
    uint32_t wants = table_wants(&s->table);
    if (wants == UINT32_MAX) return 0;
    unit_t handle = region_closed(&h->region) ? wants / 2 : 0;
    size_t reserve = region_reserve(&h->region, wants) >> UNIT_SHIFT;
    unit_t at_end = area_free_at_end(a);
    bool now = at_end >= handle;
    size_t most = 0;
    if (now) {
        /* The span at the end without what the handle takes of it, or the largest other. */
        unit_t other = handle == 0 ? area_largest(a) : area_largest_but_last(a);
        size_t end = at_end - handle + reserve;
        if (end > UNIT_NIL) end = UNIT_NIL;
        most = block_bytes(other > end ? other : (unit_t)end);
        size_t slot = small_largest(s);
        if (slot > most) most = slot;
    }
    if (after_compaction && motion_begin(s)) {
        bool pinned = table_any_locked(&s->table);
        size_t units = compact_outlook(s, pinned, reserve);
        if (units > UNIT_NIL) units = UNIT_NIL;
        /* Where compaction has to make room for the handle first, what it leaves with things
           locked cannot be told. */
        if (units >= handle && (now || !pinned)) {
            size_t slot = 0, then = block_bytes((unit_t)units - handle);
            if (!pinned) small_excess(s, &slot);
            if (slot > then) then = slot;
            if (then > most) most = then;
        }
    }
    return most < RM_BLOCK_MAX ? most : RM_BLOCK_MAX;
}

size_t largest_request(struct heap *h, bool after_compaction) {
    uint32_t room = h->store.table.room;
    cache_stop(&h->store);
    quick_flush(&h->store);
    region_settle(&h->region, &h->store);
    size_t largest = largest_settled(h, after_compaction);
    region_restore(&h->region, &h->store, room);
    return largest;
}
