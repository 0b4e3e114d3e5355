/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <errno.h>

#include "block.h"
#include "check.h"
#include "compact.h"
#include "ebb.h"
#include "move.h"
#include "os.h"
#include "pages.h"
#include "small.h"

_Static_assert(HEAP_STRUCTURE + QUICK_CHUNK + 8 * TABLE_SLOTS_MIN +
                       3 * sizeof(struct zone) + 64 <=
                   RM_HEAP_SIZE_MIN,
               "the header's promise for an empty heap");
_Static_assert(RM_LOCKS_MAX<1 << 15 && RM_LOCKS_MAX> LOCKS_FEW, "lock counts");

/* Work that a step may spend on giving pages back, however small its budget. */
enum { STEP_RETURN = 32 * 1024 };
/* A step makes so much of free slots at the table's end; frees so many that rest, for so many looks. */
enum { STEP_SLOTS = 1024, STEP_FLUSH = 64, FLUSH_LOOKS = 2 };

void heap_init(struct heap *h, size_t bytes) {
    size_t pool = HEAP_STRUCTURE + heap_tops(bytes);
    h->asked = bytes;
    small_init(&h->store);
    ebb_init(&h->store, h->region.pages);
    quick_init(&h->store, (uint32_t)pool, quick_chunks(bytes),
               pool > HEAP_STRUCTURE ? (uint32_t *)((char *)h + HEAP_STRUCTURE) : NULL);
}

/* --- requests --- */

static void *pointer_of(const struct store *s, uint64_t e) {
    return s->area.base + entry_place(e);
}

/* A block has been made. */
static void count_in(struct store *s, uint32_t slot, size_t size, unsigned flags) {
    store_count_new(s, size);
    if (flags & RM_ZERO) memset(pointer_of(s, table_entry(&s->table, slot)), 0, size);
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
    if (q.alignment == 0) {
        *slot = place_is_small(&q) ? quick_take_any(s, size) : quick_take_block(s, size);
        if (*slot != SLOT_NIL) {
            count_in(s, *slot, size, flags);
            return RM_OK;
        }
    }
    /* Where memory is the caller's and scarce, the table should grow for what is live alone. */
    if (unlikely(s->table.n_free <= 1) && !h->region.pages) quick_flush(s);
    if (place_is_small(&q) && quick_refill(s, class_of(size))) {
        *slot = quick_take_any(s, size);
        count_in(s, *slot, size, flags);
        place_steady(h, flags);
        return RM_OK;
    }
    if (unlikely(table_wants(&s->table) != 0)) {
        errno = 0;
        if (!place_slot(h, flags)) return out_of_memory(h, room, saved);
        errno = saved;
    }
    q.slot = table_take(&s->table);
    if (unlikely(!place(h, &q, false))) {
        errno = 0;
        if (quick_any(s) && region_closed(&h->region)) {
            /* A lower slot may be free then, which lets the table shrink. */
            table_untake(&s->table, q.slot);
            quick_flush(s);
            q.slot = table_take(&s->table);
        }
        if (!place_slowly(h, &q)) {
            table_untake(&s->table, q.slot);
            return out_of_memory(h, room, saved);
        }
        errno = saved;
    }
    count_in(s, q.slot, size, flags);
    region_note_regained(&h->region, s);
    place_steady(h, flags);
    *slot = q.slot;
    return RM_OK;
}

/* --- using a block --- */

/* The reference of an object in a run, or the header of a block, says its size from here on; or,
   where `plain`, its entry. */
static void note_size(struct store *s, uint64_t e, size_t size, bool plain) {
    unit_t span = entry_span(s, e);
    uint64_t header = area_header(&s->area, span);
    if (header_kind(header) == SPAN_RUN) {
        struct run r = run_at_header(s, span, header);
        run_note_size(&r, run_index(s, &r, e), size, plain);
    } else if (header_kind(header) == SPAN_BLOCK) {
        area_set_header(&s->area, span, block_header(block_ref(header), size, false));
    }
}

size_t heap_size(const struct heap *h, uint32_t slot) {
    const struct store *s = &h->store;
    uint64_t e = table_entry(&s->table, slot);
    if (likely(entry_locks(e) != LOCKS_MANY)) {
        if (likely(shape_is_plain(e))) return shape_size(e);
        if (shape_is_medium(e)) return shape_medium_size(e);
    }
    /* A half-moved block's old header may be under its new content: the stretch has it. */
    unit_t span = entry_span(s, e);
    if (entry_locks(e) == LOCKS_MOVING && s->mover.slide) span = s->mover.to;
    uint64_t header = area_header(&s->area, span);
    if (header_kind(header) != SPAN_RUN) return block_size(header);
    struct run r = run_at(s, span);
    return run_size_noted(&r, run_index(s, &r, e));
}

unsigned heap_locks(const struct heap *h, uint32_t slot) {
    return entry_count(table_entry(&h->store.table, slot));
}

rm_status_t heap_lock(struct heap *h, uint32_t slot, void **pointer) {
    struct store *s = &h->store;
    uint64_t e = move_entry(s, slot);
    unsigned count = entry_count(e);
    if (unlikely(count == RM_LOCKS_MAX)) return RM_EOVERFLOW;
    *pointer = pointer_of(s, e);
    if (unlikely(count >= LOCKS_FEW)) {
        if (count == LOCKS_FEW) note_size(s, e, heap_size(h, slot), false);
        e = entry_with_many(e, count + 1);
    } else {
        e += ENTRY_LOCK_ONE;
    }
    table_set(&s->table, slot, e);
    return RM_OK;
}

/* The entry of a block that has few locks again: its shape is there again too. */
static uint64_t with_few(struct store *s, uint64_t e, size_t size) {
    unit_t span = entry_span(s, e);
    uint64_t header = area_header(&s->area, span);
    unsigned shape = block_shape(header);
    if (header_kind(header) == SPAN_RUN) {
        struct run r = run_at_header(s, span, header);
        shape = shape_make(r.class_id, run_index(s, &r, e), size);
    }
    e = entry_moved(entry_with_locks(e, LOCKS_NONE + LOCKS_FEW), entry_place(e), shape);
    note_size(s, e, size, shape_is_plain(e));
    return e;
}

rm_status_t heap_unlock(struct heap *h, uint32_t slot) {
    struct store *s = &h->store;
    uint64_t e = table_entry(&s->table, slot);
    unsigned count = entry_count(e);
    if (unlikely(count == 0)) return RM_EUNLOCKED;
    if (likely(count <= LOCKS_FEW))
        e -= ENTRY_LOCK_ONE;
    else
        e = count > LOCKS_FEW + 1 ? entry_with_many(e, count - 1)
                                  : with_few(s, e, heap_size(h, slot));
    table_set(&s->table, slot, e);
    s->table.unlocked = 1;
    return RM_OK;
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
    if (shape_is_plain(e)) {
        quick_put(s, slot, table_slot(t, slot), e);
        return RM_OK;
    }
    if (shape_is_medium(e) && quick_put_block(s, slot, e)) return RM_OK;
    size_t size = heap_size(h, slot);
    s->requested -= size;
    quick_free_place(s, e);
    table_put(t, slot);
    ebb_freed(s, size);
    if (ebb_due(s)) ebb(s);
    if (unlikely(t->n_taken == 0))
        while (small_drop_kept(s)) continue;
    if (unlikely(slot + 64 >= t->n_slots) && table_shrink(t, true) &&
        region_closed(&h->region))
        region_settle(&h->region, s);
    return RM_OK;
}

/* --- another size --- */

/* In place, where the block has the room or the span behind it. */
static bool resize_in_place(struct store *s, uint64_t e, size_t old_size, size_t size) {
    unit_t span = entry_span(s, e);
    uint64_t header = area_header(&s->area, span);
    bool many = entry_locks(e) == LOCKS_MANY;
    if (header_kind(header) != SPAN_RUN) {
        if (!block_resize(s, span, size)) return false;
        if (!many)
            e = entry_moved(e, entry_place(e), block_shape(area_header(&s->area, span)));
        table_set(&s->table, block_ref(header), e);
        return true;
    }
    struct run r = run_at_header(s, span, header);
    unsigned i = run_index(s, &r, e);
    if (size > r.class->capacity) return false;
    /* Not by where it happens to be: the next move would be to any slot of the class. */
    if (size > old_size && r.class->stride % size_alignment(size) != 0) return false;
    if (!many) {
        e = entry_moved(e, entry_place(e), shape_make(r.class_id, i, size));
        table_set(&s->table, ref_slot(run_ref(&r, i)), e);
    }
    run_note_size(&r, i, size, !many && shape_is_plain(e));
    return true;
}

static size_t asked_alignment(const struct store *s, uint64_t e) {
    unit_t span = entry_span(s, e);
    bool run = header_kind(area_header(&s->area, span)) == SPAN_RUN;
    return run ? 0 : block_alignment(s, span);
}

/* The last resort of a growing block with a span of its own: everything that lies above it
   makes room, so that only the growth has to be free. */
static bool grow_by_raising(struct heap *h, uint32_t slot, size_t size) {
    struct store *s = &h->store;
    if (!place_compact(h, 0, true)) return false;
    uint64_t e = move_entry(s, slot);
    size_t old_size = heap_size(h, slot);
    if (resize_in_place(s, e, old_size, size)) return true;
    unit_t span = entry_span(s, e), units = area_units(&s->area, span);
    bool aligned = header_kind(area_header(&s->area, span)) == SPAN_ALIGNED;
    if (!compact_raise(s, span, block_units(size, aligned) - units)) return false;
    return resize_in_place(s, table_entry(&s->table, slot), old_size, size);
}

/* The same for an object in a run: its content waits aside while its slot is merged away. */
static bool grow_out_of_run(struct heap *h, struct request *q, size_t old_size) {
    struct store *s = &h->store;
    if (table_any_locked(&s->table)) return false; /* what merging frees cannot be told */
    uint64_t e = table_entry(&s->table, q->slot);
    struct run before = run_at(s, entry_span(s, e));
    unsigned i = run_index(s, &before, e);
    uint32_t ref = run_ref(&before, i);
    char content[SMALL_MAX];
    memcpy(content, run_slot(&before, i), before.class->capacity);
    small_free(s, before.span, i);
    if (place_units(q) > compact_outlook(s, false, 0)) {
        memcpy(small_restore(s, &before, ref), content, before.class->capacity);
        store_moved(s, old_size, 1);
        return false;
    }
    place_compact(h, place_units(q), true);
    bool placed = place(h, q, true);
    CHECK(9, placed); /* compact_regain is exact */
    if (!placed) {
        q->size = old_size;
        place(h, q, true);
    }
    memcpy(pointer_of(s, table_entry(&s->table, q->slot)), content, old_size);
    store_moved(s, old_size, 1);
    return placed;
}

/* The last block of all grows where it is, and so does the area. */
static bool grow_at_end(struct heap *h, const struct request *q) {
    uint64_t e = table_entry(&h->store.table, q->slot);
    unit_t span = entry_span(&h->store, e);
    if (header_kind(area_header(&h->store.area, span)) == SPAN_RUN) return false;
    unit_t more = block_units(q->size, true) - area_units(&h->store.area, span);
    return place_extend(h, span, more) &&
           resize_in_place(&h->store, e, heap_size(h, q->slot), q->size);
}

/* Where the area has to grow for a large block, its pages go to what is new there: nothing is copied, and
   at no time does it take more memory than it will. */
static bool grow_by_pages(struct heap *h, const struct request *q) {
    struct store *s = &h->store;
    uint64_t e = table_entry(&s->table, q->slot);
    unit_t span = entry_span(s, e), page = (unit_t)(os_page() >> UNIT_SHIFT);
    if (s->mover.slot != SLOT_NIL || !pages_wanted(s, PAGES_WHOLE) ||
        !pages_move(s, span))
        return false;
    size_t old_size = heap_size(h, q->slot);
    if (!place_room(h, block_units(q->size, true) + page)) return false;
    unit_t gap = area_last_free(&s->area);
    s->piece = SIZE_MAX;
    move_fill(s, gap, pages_target(gap, span), span);
    return resize_in_place(s, table_entry(&s->table, q->slot), old_size, q->size);
}

static bool grow(struct heap *h, struct request *q, size_t old_size) {
    struct store *s = &h->store;
    bool placed = place(h, q, false);
    if (!placed && (grow_at_end(h, q) || grow_by_pages(h, q))) return true;
    if (placed || place_slowly(h, q)) {
        uint64_t e = table_entry(&s->table, q->slot);
        memcpy(pointer_of(s, e), pointer_of(s, q->old), old_size);
        store_moved(s, old_size, 1);
        quick_free_place(s, q->old);
        ebb_freed(s, old_size);
        return true;
    }
    if (!place_may_move(h, 0) || !region_close(&h->region, s)) return false;
    region_settle(&h->region, s);
    uint64_t e = move_entry(s, q->slot);
    if (header_kind(area_header(&s->area, entry_span(s, e))) != SPAN_RUN)
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
    if (!resize_in_place(s, e, old_size, size)) {
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

/* Free some of what rests, at the price of so many looks each; false: there is more. */
static bool flush_step(struct store *s) {
    uint32_t before = s->table.n_taken;
    bool all = quick_flush_some(s, STEP_FLUSH);
    s->looked += FLUSH_LOOKS * (size_t)(before - s->table.n_taken);
    return all;
}

/* A free page costs less to give back than anything to move: that comes first, and takes up to three
   quarters of a step. What lies in gaps may be filled yet, unless compaction is done. */
static void return_step(struct heap *h, size_t bytes) {
    size_t work = bytes / 4 * 3;
    if (work < STEP_RETURN) work = STEP_RETURN;
    region_give_back(&h->region, &h->store, work, h->store.pass.phase == PASS_DONE);
}

bool heap_compact(struct heap *h, size_t bytes, uint64_t nanoseconds) {
    struct store *s = &h->store;
    struct compact_goal goal = {.bytes = bytes};
    if (nanoseconds != 0) goal.until_ns = os_now_ns() + nanoseconds;
    bool limited = bytes != 0 || nanoseconds != 0, flushed, done;
    size_t before = store_work(s), moved = s->moved;
    if (limited)
        return_step(h, bytes);
    else
        quick_flush(s);
    do {
        flushed = flush_step(s);
        /* Every handle's slot that is free at the table's end is memory too. */
        region_settle_some(&h->region, s, limited ? STEP_SLOTS : UINT32_MAX);
        goal.spent = store_work(s) - before;
        done = compact(s, &goal);
    } while (done && !flushed && s->moved == moved);
    return done && flushed;
}

bool heap_trim(struct heap *h) {
    quick_flush(&h->store);
    return region_trim(&h->region, &h->store);
}

void heap_settle(struct heap *h) { quick_flush(&h->store); }
