/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <errno.h>

#include "block.h"
#include "check.h"
#include "compact.h"
#include "move.h"
#include "os.h"
#include "small.h"

_Static_assert(HEAP_STRUCTURE + 8 * TABLE_SLOTS_MIN + 3 * sizeof(struct zone) + 64 <=
                   RM_HEAP_SIZE_MIN,
               "the header's promise for an empty heap");
_Static_assert(LOCKS_LIMIT - LOCKS_NONE == RM_LOCKS_MAX, "lock counts");

/* Steady compaction works while garbage is above 1/16 of what is used, by this much a time. */
enum { STEADY_SHARE = 16, STEADY_BYTES = 4096 };
/* A growing heap compacts first where garbage is above 1/8 of what is used, and this. */
enum { GROWTH_SHARE = 8, GROWTH_LEAST = 32 * 1024 };

/* --- what can be regained by compaction --- */

static size_t used_bytes(const struct heap *h) {
    return units_bytes(h->store.area.limit - h->store.area.free_units);
}

/* Free memory below the last block, and free slots in runs. O(1). */
static size_t garbage(const struct heap *h) {
    const struct area *a = &h->store.area;
    unit_t last = area_last_free(a), at_end = last == UNIT_NIL ? 0 : a->limit - last;
    return units_bytes(a->free_units - at_end) + h->store.spare;
}

static bool may_move(const struct heap *h, unsigned flags) {
    return h->compaction != RM_COMPACT_MANUAL && !(flags & RM_NO_COMPACT);
}

/* Until a free span has so many units. `tight`: come what may. */
static bool compact_for(struct heap *h, unit_t units, bool tight) {
    struct compact_goal goal = {.units = units, .reuse = true, .tight = tight};
    return compact(&h->store, &goal);
}

/* Before a heap grows: is it worth compacting, given what that may move? */
static bool worth_compacting(struct heap *h) {
    size_t g = garbage(h), share = used_bytes(h) / GROWTH_SHARE;
    if (g < h->stuck) h->stuck = g;
    return g > h->stuck + (share > GROWTH_LEAST ? share : GROWTH_LEAST);
}

/* --- requests --- */

/* What an allocation or a growing block asks for. */
struct request {
    uint32_t slot;
    size_t size, alignment;
    unsigned flags;
    uint64_t
        old; /* the slot's entry when it was placed: where the block was until then */
};

static bool is_small(const struct request *q) {
    return q->size <= SMALL_MAX && q->alignment == 0;
}

/* Units that suffice for it where nothing is left but one free span. */
static unit_t least_units(const struct request *q) {
    unit_t units = block_units(q->size, q->alignment != 0);
    if (q->alignment > UNIT) units += (unit_t)(q->alignment >> UNIT_SHIFT) - 1;
    return units;
}

/* Place it in the memory there is. `any`: in whatever holds it, however unfit. */
static bool place(struct heap *h, struct request *q, bool any) {
    struct store *s = &h->store;
    q->old = move_entry(s, q->slot);
    if (!is_small(q)) return block_alloc(s, q->slot, q->size, q->alignment);
    if (small_alloc(s, q->slot, q->size, any)) return true;
    return any && (block_alloc(s, q->slot, q->size, 0) ||
                   small_alloc_larger(s, q->slot, q->size));
}

/* The same where the first try has failed: grow, compact, take what fits. */
static bool place_slowly(struct heap *h, struct request *q) {
    struct store *s = &h->store;
    unit_t units = least_units(q);
    bool move = may_move(h, q->flags);
    /* A run of a few slots rather than a single, while there is room to grow. */
    unit_t wanted = is_small(q) && units < 64 ? 64 : units;
    if (region_closed(&h->region)) {
        region_settle(&h->region, s);
        if (place(h, q, false)) return true;
    } else {
        if (move && worth_compacting(h)) {
            if (compact_for(h, wanted, false)) h->stuck = garbage(h);
            if (place(h, q, false)) return true;
        }
        if (region_grow(&h->region, s, wanted) || region_grow(&h->region, s, units))
            if (place(h, q, false)) return true;
    }
    if (place(h, q, true)) return true;
    if (!move) return false;
    size_t reserve = region_gap(&h->region) >> UNIT_SHIFT;
    if (units > s->area.free_units + reserve + compact_regain(s)) return false;
    if (!region_close(&h->region, s)) return false;
    compact_for(h, units, true);
    return place(h, q, true);
}

/* Make sure that table_take succeeds. */
static bool slot_room(struct heap *h, unsigned flags) {
    struct store *s = &h->store;
    uint32_t wants = table_wants(&s->table);
    if (likely(wants == 0)) return true;
    if (wants == UINT32_MAX) return false;
    if (region_room(&h->region, s, wants)) return true;
    if (!may_move(h, flags) || !region_closed(&h->region)) return false;
    struct compact_goal goal = {.last = wants / 2, .reuse = true, .tight = true};
    if (wants / 2 > s->area.free_units + compact_regain(s)) return false;
    compact(s, &goal);
    return region_room(&h->region, s, wants);
}

static void steady_step(struct heap *h) {
    size_t g = garbage(h);
    if (g <= h->stuck + used_bytes(h) / STEADY_SHARE + STEADY_BYTES) return;
    struct compact_goal goal = {.bytes = STEADY_BYTES, .reuse = true};
    if (compact(&h->store, &goal)) h->stuck = garbage(h);
}

static void *pointer_of(const struct heap *h, uint64_t e) {
    return h->store.area.base + entry_place(e);
}

/* A call that cannot be served leaves the border where it was, and errno too, unless the
   system refused something. */
static rm_status_t out_of_memory(struct heap *h, uint32_t room, int saved_errno) {
    h->store.failures++;
    region_restore(&h->region, &h->store, room);
    if (errno != 0) return RM_ESYSTEM;
    errno = saved_errno;
    return RM_ENOMEM;
}

rm_status_t heap_alloc(struct heap *h, size_t size, size_t alignment, unsigned flags,
                       uint32_t *slot) {
    struct store *s = &h->store;
    struct request q = {.size = size, .alignment = alignment > 8 ? alignment : 0};
    q.flags = flags;
    int saved = errno;
    uint32_t room = s->table.room;
    if (size > RM_BLOCK_MAX) {
        s->failures++;
        return RM_ENOMEM;
    }
    if (unlikely(table_wants(&s->table) != 0)) {
        errno = 0;
        if (!slot_room(h, flags)) return out_of_memory(h, room, saved);
        errno = saved;
    }
    q.slot = table_take(&s->table);
    if (unlikely(!place(h, &q, false))) {
        errno = 0;
        if (!place_slowly(h, &q)) {
            table_untake(&s->table, q.slot);
            return out_of_memory(h, room, saved);
        }
        errno = saved;
    }
    s->allocations++;
    store_count(s, size);
    if (flags & RM_ZERO) memset(pointer_of(h, table_entry(&s->table, q.slot)), 0, size);
    region_note_regained(&h->region, s);
    if (h->compaction == RM_COMPACT_STEADY && may_move(h, flags)) steady_step(h);
    *slot = q.slot;
    return RM_OK;
}

/* --- using a block --- */

size_t heap_size(const struct heap *h, uint32_t slot) {
    const struct store *s = &h->store;
    uint64_t e = table_entry(&s->table, slot);
    /* A half-moved block's old header may be under its new content: the stretch has it. */
    unit_t span = entry_span(e);
    if (entry_locks(e) == LOCKS_MOVING && s->mover.slide) span = s->mover.to;
    uint64_t header = area_header(&s->area, span);
    if (header_kind(header) != SPAN_RUN) return block_size(header);
    struct run r = run_at(s, span);
    return run_size(&r, run_index(s, &r, entry_place(e)));
}

unsigned heap_locks(const struct heap *h, uint32_t slot) {
    unsigned locks = entry_locks(table_entry(&h->store.table, slot));
    return locks > LOCKS_NONE ? locks - LOCKS_NONE : 0;
}

rm_status_t heap_lock(struct heap *h, uint32_t slot, void **pointer) {
    uint64_t e = move_entry(&h->store, slot);
    if (unlikely(entry_locks(e) == LOCKS_LIMIT)) return RM_EOVERFLOW;
    table_set(&h->store.table, slot, e + ENTRY_LOCK_ONE);
    *pointer = pointer_of(h, e);
    return RM_OK;
}

rm_status_t heap_unlock(struct heap *h, uint32_t slot) {
    uint64_t e = table_entry(&h->store.table, slot);
    if (unlikely(entry_locks(e) <= LOCKS_NONE)) return RM_EUNLOCKED;
    table_set(&h->store.table, slot, e - ENTRY_LOCK_ONE);
    h->store.changes++;
    return RM_OK;
}

/* Free the memory that an entry names, which no entry needs any more. */
static void free_place(struct store *s, uint64_t e) {
    unit_t span = entry_span(e);
    if (header_kind(area_header(&s->area, span)) != SPAN_RUN) {
        block_free(s, span);
        return;
    }
    struct run r = run_at(s, span);
    small_free(s, span, run_index(s, &r, entry_place(e)));
}

rm_status_t heap_free(struct heap *h, uint32_t slot) {
    struct store *s = &h->store;
    struct table *t = &s->table;
    uint64_t e = table_entry(t, slot);
    if (unlikely(entry_locks(e) != LOCKS_NONE)) {
        if (entry_locks(e) != LOCKS_MOVING) return RM_ELOCKED;
        move_abandon(s);
        e = table_entry(t, slot);
    }
    s->requested -= heap_size(h, slot);
    s->frees++;
    free_place(s, e);
    table_put(t, slot);
    if (unlikely(t->n_live == 0)) small_drop_kept(s);
    if (unlikely(slot + 64 >= t->n_slots) && table_shrink(t, true) &&
        region_closed(&h->region))
        region_settle(&h->region, s);
    return RM_OK;
}

/* --- another size --- */

/* In place, where the block has the room or the span behind it. */
static bool resize_in_place(struct store *s, uint64_t e, size_t size) {
    unit_t span = entry_span(e);
    if (header_kind(area_header(&s->area, span)) != SPAN_RUN)
        return block_resize(s, span, size);
    struct run r = run_at(s, span);
    unsigned i = run_index(s, &r, entry_place(e));
    if (size > r.class->capacity) return false;
    /* Not by where it happens to be: the next move would be to any slot of the class. */
    bool grows = size > run_size(&r, i);
    if (grows && r.class->stride % size_alignment(size) != 0) return false;
    run_set_size(&r, i, size);
    return true;
}

static size_t asked_alignment(const struct store *s, uint64_t e) {
    unit_t span = entry_span(e);
    bool run = header_kind(area_header(&s->area, span)) == SPAN_RUN;
    return run ? 0 : block_alignment(s, span);
}

static bool anything_locked(const struct table *t) {
    for (uint32_t slot = 0; slot < t->n_slots; slot++)
        if (table_live(t, slot) && entry_locks(table_entry(t, slot)) > LOCKS_NONE)
            return true;
    return false;
}

/* The last resort of a growing block with a span of its own: everything that lies above it
   makes room, so that only the growth has to be free. */
static bool grow_by_raising(struct heap *h, uint32_t slot, size_t size) {
    struct store *s = &h->store;
    if (!compact_for(h, 0, true)) return false;
    uint64_t e = move_entry(s, slot);
    if (resize_in_place(s, e, size)) return true;
    unit_t span = entry_span(e), units = area_units(&s->area, span);
    bool aligned = header_kind(area_header(&s->area, span)) == SPAN_ALIGNED;
    if (!compact_raise(s, span, block_units(size, aligned) - units)) return false;
    return resize_in_place(s, table_entry(&s->table, slot), size);
}

/* The same for an object in a run: its content waits aside while its slot is merged away. */
static bool grow_out_of_run(struct heap *h, struct request *q, size_t old_size) {
    struct store *s = &h->store;
    if (anything_locked(&s->table)) return false; /* what merging frees cannot be told */
    uint64_t e = table_entry(&s->table, q->slot);
    struct run before = run_at(s, entry_span(e));
    unsigned i = run_index(s, &before, entry_place(e));
    uint32_t ref = run_ref(&before, i);
    char content[SMALL_MAX];
    memcpy(content, run_slot(&before, i), before.class->capacity);
    small_free(s, before.span, i);
    if (least_units(q) > compact_outlook(s, false, 0)) {
        memcpy(small_restore(s, &before, ref), content, before.class->capacity);
        store_moved(s, old_size, 1);
        return false;
    }
    compact_for(h, least_units(q), true);
    bool placed = place(h, q, true);
    CHECK(9, placed); /* compact_regain is exact */
    if (!placed) {
        q->size = old_size;
        place(h, q, true);
    }
    memcpy(pointer_of(h, table_entry(&s->table, q->slot)), content, old_size);
    store_moved(s, old_size, 1);
    return placed;
}

static bool grow(struct heap *h, struct request *q, size_t old_size) {
    struct store *s = &h->store;
    if (place(h, q, false) || place_slowly(h, q)) {
        uint64_t e = table_entry(&s->table, q->slot);
        memcpy(pointer_of(h, e), pointer_of(h, q->old), old_size);
        store_moved(s, old_size, 1);
        free_place(s, q->old);
        return true;
    }
    if (!may_move(h, 0) || !region_close(&h->region, s)) return false;
    region_settle(&h->region, s);
    uint64_t e = move_entry(s, q->slot);
    if (header_kind(area_header(&s->area, entry_span(e))) != SPAN_RUN)
        return grow_by_raising(h, q->slot, q->size);
    return grow_out_of_run(h, q, old_size);
}

rm_status_t heap_realloc(struct heap *h, uint32_t slot, size_t size) {
    struct store *s = &h->store;
    if (size > RM_BLOCK_MAX) {
        s->failures++;
        return RM_ENOMEM;
    }
    uint64_t e = move_entry(s, slot);
    size_t old_size = heap_size(h, slot);
    if (!resize_in_place(s, e, size)) {
        if (entry_locks(e) != LOCKS_NONE) return RM_ELOCKED;
        struct request q = {
            .slot = slot, .size = size, .alignment = asked_alignment(s, e)};
        int saved = errno;
        uint32_t room = s->table.room;
        errno = 0;
        if (!grow(h, &q, old_size)) return out_of_memory(h, room, saved);
        errno = saved;
    }
    s->changes++;
    s->requested -= old_size;
    store_count(s, size);
    region_note_regained(&h->region, s);
    return RM_OK;
}

/* --- the heap as a whole --- */

bool heap_compact(struct heap *h, size_t bytes, uint64_t nanoseconds) {
    struct compact_goal goal = {.bytes = bytes};
    if (nanoseconds != 0) goal.until_ns = os_now_ns() + nanoseconds;
    /* Every handle's slot that is free at the table's end is memory too. */
    region_settle(&h->region, &h->store);
    return compact(&h->store, &goal);
}

bool heap_trim(struct heap *h) { return region_trim(&h->region, &h->store); }

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
    unit_t last = area_last_free(a), at_end = last == UNIT_NIL ? 0 : a->limit - last;
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
    if (after_compaction) {
        bool pinned = anything_locked(&s->table);
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

size_t heap_largest(struct heap *h, bool after_compaction) {
    uint32_t room = h->store.table.room;
    region_settle(&h->region, &h->store);
    size_t largest = largest_settled(h, after_compaction);
    region_restore(&h->region, &h->store, room);
    return largest;
}
