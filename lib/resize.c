/* SPDX-License-Identifier: MIT */
#include "resize.h"

#include <errno.h>

#include "block.h"
#include "bytes.h"
#include "check.h"
#include "claim.h"
#include "compact.h"
#include "damage.h"
#include "ebb.h"
#include "lock.h"
#include "motion.h"
#include "move.h"
#include "os.h"
#include "pages.h"
#include "quick.h"
#include "small.h"

/* --- in place --- */

/* From here on the block neither moves nor goes, until let_go. False: it is gone. */
static bool keep(struct store *s, uint64_t handle, uint32_t slot, uint64_t *e) {
    if (!s->concurrent) {
        *e = move_entry(s, slot);
        return true;
    }
    for (;;) {
        /* One more than callers may have: it is given back before anyone else resizes anything. */
        switch (lock_take(&s->table, handle, slot, RM_LOCKS_MAX + 1, e)) {
        case LOCK_MOVING:
            if (slot != s->mover.slot) return false; /* a cache's */
            move_finish(s);
            break;
        case LOCK_FULL: many_begin(s, slot, e); break;
        case LOCK_DONE: return true;
        default: return false;
        }
    }
}

static void let_go(struct store *s, uint64_t handle, uint32_t slot) {
    if (s->concurrent) lock_give(&s->table, handle, slot);
}

/* Its entry has another shape, however many locks there are by now. */
static void reshape(struct store *s, uint32_t slot, unsigned shape) {
    uint64_t e = table_entry(&s->table, slot);
    if (!s->concurrent) {
        table_set(&s->table, slot, entry_moved(e, entry_place(e), shape));
        return;
    }
    while (!table_swap(&s->table, slot, &e, entry_moved(e, entry_place(e), shape)))
        continue;
}

/* In place, where the block has the room or the span behind it. */
static bool fit(struct store *s, uint32_t slot, uint64_t e, size_t old_size,
                size_t size) {
    unit_t span = entry_span(s, e);
    uint64_t header = area_header(&s->area, span);
    bool many = entry_locks(e) == LOCKS_MANY;
    if (header_kind(header) != SPAN_RUN) {
        if (!block_resize(s, span, size)) return false;
        if (!many) reshape(s, slot, block_shape(area_header(&s->area, span)));
        return true;
    }
    struct run r = run_at_header(s, span, header);
    unsigned i = run_index(s, &r, e);
    if (size > r.class->capacity) return false;
    /* Not by where it happens to be: the next move would be to any slot of the class. */
    if (size > old_size && r.class->stride % size_alignment(size) != 0) return false;
    unsigned shape = shape_make(r.class_id, i, size);
    if (!many) reshape(s, slot, shape);
    run_note_size(&r, i, size,
                  !many && shape_is_plain((uint64_t)shape << ENTRY_SHAPE_SHIFT));
    return true;
}

static bool resize_in_place(struct store *s, uint64_t handle, uint32_t slot,
                            size_t size) {
    uint64_t e;
    if (!keep(s, handle, slot, &e)) return false;
    bool fits = fit(s, slot, e, many_size(s, e), size);
    let_go(s, handle, slot);
    return fits;
}

/* --- elsewhere --- */

/* How far a block that has to move has come; and how often it is tried. */
enum growth { GROWN, SHORT, WANTED };
enum { TRIES = 8 };

/* Nobody has it: neither locked, nor freed and made anew. */
static bool is_free_to_go(uint64_t e, uint64_t handle) {
    return rm_upper(e ^ handle) == 0;
}

/* The content goes to the place that has been found; that one is given up if somebody comes to lock the
   block, or has freed it. */
static enum growth carry_over(struct store *s, const struct request *q, uint64_t handle,
                              size_t old_size) {
    uint64_t e, to;
    if (is_free_to_go(q->old, handle) && claim_one(s, q->slot, LOCKS_COPYING, &e)) {
        bool same = entry_generation(e) == entry_generation(q->old);
        if (same)
            claim_copy(store_content(s, q->entry, old_size),
                       store_content(s, q->old, old_size), old_size);
        to = same ? q->entry : e; /* freed and made anew: the claim is given up */
        if (claim_publish(s, q->slot, e, to) && same) {
            store_tell(s, q->slot);
            store_moved(s, old_size, 1);
            quick_free_place(s, q->old);
            ebb_freed(s, old_size);
            return GROWN;
        }
    }
    quick_free_place(s, q->entry);
    return WANTED;
}

static size_t asked_alignment(const struct store *s, uint64_t e) {
    unit_t span = entry_span(s, e);
    bool run = header_kind(area_header(&s->area, span)) == SPAN_RUN;
    return run ? 0 : block_alignment(s, span);
}

/* The last resort of a growing block with a span of its own: everything that lies above it
   makes room, so that only the growth has to be free. */
static bool grow_by_raising(struct heap *h, const struct request *q, uint64_t handle) {
    struct store *s = &h->store;
    place_compact(h, 0, true); /* without a budget: to the end */
    if (resize_in_place(s, handle, q->slot, q->size)) return true;
    uint64_t e = move_entry(s, q->slot);
    if (!is_free_to_go(e, handle)) return false;
    unit_t span = entry_span(s, e), units = area_units(&s->area, span);
    bool aligned = header_kind(area_header(&s->area, span)) == SPAN_ALIGNED;
    if (!compact_raise(s, span, block_units(q->size, aligned) - units)) return false;
    return resize_in_place(s, handle, q->slot, q->size);
}

/* The same for an object in a run: its content waits aside while its slot is merged away. */
static bool grow_out_of_run(struct heap *h, struct request *q, size_t old_size) {
    struct store *s = &h->store;
    /* What merging frees cannot be told where something is locked, or may be at any time. */
    if (s->concurrent || table_any_locked(&s->table)) return false;
    uint64_t e = table_entry(&s->table, q->slot); /* nobody else is at it */
    struct run before = run_at(s, entry_span(s, e));
    unsigned i = run_index(s, &before, e);
    uint32_t ref = run_ref(&before, i);
    char content[SMALL_MAX];
    SOUND(old_size <= before.class->capacity);
    bytes_move(content, run_slot(&before, i), before.class->capacity);
    small_free(s, before.span, i);
    bool room = place_units(q) <= compact_outlook(s, false, 0);
    if (room) {
        place_compact(h, place_units(q), true);
        SOUND(place(h, q, true)); /* compact_outlook is exact */
    } else {
        q->entry = small_restore(s, &before, ref, e);
        old_size = before.class->capacity; /* its size may stand there */
    }
    bytes_move(store_content(s, q->entry, old_size), content, old_size);
    table_set(&s->table, q->slot, q->entry);
    store_tell(s, q->slot);
    store_moved(s, old_size, 1);
    return room;
}

/* The last block of all grows where it is, and so does the area. */
static bool grow_at_end(struct heap *h, const struct request *q, uint64_t handle) {
    uint64_t e = table_entry(&h->store.table, q->slot);
    if (!is_free_to_go(e, handle)) return false;
    unit_t span = entry_span(&h->store, e);
    if (header_kind(area_header(&h->store.area, span)) == SPAN_RUN) return false;
    unit_t more = block_units(q->size, true) - area_units(&h->store.area, span);
    return place_extend(h, span, more) &&
           resize_in_place(&h->store, handle, q->slot, q->size);
}

/* Where the area has to grow for a large block, its pages go to what is new there: nothing is copied, and
   at no time does it take more memory than it will. */
static bool grow_by_pages(struct heap *h, const struct request *q, uint64_t handle) {
    struct store *s = &h->store;
    uint64_t e = table_entry(&s->table, q->slot);
    if (!is_free_to_go(e, handle)) return false;
    unit_t span = entry_span(s, e), page = (unit_t)(os_page() >> UNIT_SHIFT);
    if (s->mover.slot != SLOT_NIL || !pages_wanted(s, PAGES_WHOLE) ||
        !pages_move(s, span))
        return false;
    if (!place_room(h, block_units(q->size, true) + page)) return false;
    unit_t gap = area_last_free(&s->area);
    s->piece = SIZE_MAX;
    if (move_fill(s, gap, pages_target(gap, span), span) == UNIT_NIL) return false;
    return resize_in_place(s, handle, q->slot, q->size);
}

static enum growth grow(struct heap *h, struct request *q, uint64_t handle,
                        size_t old_size) {
    struct store *s = &h->store;
    bool placed = place(h, q, false);
    if (!placed && (grow_at_end(h, q, handle) || grow_by_pages(h, q, handle)))
        return GROWN;
    if (placed || place_slowly(h, q)) return carry_over(s, q, handle, old_size);
    if (!place_may_move(h, 0) || !region_close(&h->region, s)) return SHORT;
    region_settle(&h->region, s);
    uint64_t e = move_entry(s, q->slot);
    if (!is_free_to_go(e, handle)) return WANTED;
    bool run = header_kind(area_header(&s->area, entry_span(s, e))) == SPAN_RUN;
    bool grown = run ? grow_out_of_run(h, q, old_size) : grow_by_raising(h, q, handle);
    return grown ? GROWN : SHORT;
}

/* --- either --- */

/* A block whose place is too small. */
static rm_status_t move_and_grow(struct heap *h, uint64_t handle, uint32_t slot,
                                 size_t old_size, size_t size) {
    struct store *s = &h->store;
    uint64_t e = many_end(s, slot);
    if (!is_free_to_go(e, handle))
        return lock_look(&s->table, handle, slot, &e) ? RM_ELOCKED : RM_EHANDLE;
    if (!motion_begin(s)) return RM_ELOCKED;
    struct request q = {.slot = slot, .size = size, .alignment = asked_alignment(s, e)};
    int saved = errno;
    uint32_t room = s->table.room;
    errno = 0;
    enum growth growth;
    unsigned tries = 0;
    do /* whoever came to lock it may have gone */
        growth = grow(h, &q, handle, old_size);
    while (growth == WANTED && tries++ < TRIES &&
           is_free_to_go(table_entry(&s->table, slot), handle));
    if (growth == SHORT) return place_failed(h, room, saved);
    errno = saved;
    if (growth == GROWN) return RM_OK;
    return lock_look(&s->table, handle, slot, &e) ? RM_ELOCKED : RM_EHANDLE;
}

rm_status_t resize_block(struct heap *h, uint64_t handle, uint32_t slot, size_t size) {
    struct store *s = &h->store;
    uint64_t e;
    if (size > RM_BLOCK_MAX) {
        s->failures++;
        return RM_ENOMEM;
    }
    if (!keep(s, handle, slot, &e)) return RM_EHANDLE;
    size_t old_size = many_size(s, e);
    bool fits = fit(s, slot, e, old_size, size);
    let_go(s, handle, slot);
    rm_status_t status = fits ? RM_OK : move_and_grow(h, handle, slot, old_size, size);
    if (status != RM_OK) return status;
    s->changes++;
    s->requested -= old_size;
    store_count(s, size);
    region_note_regained(&h->region, s);
    return RM_OK;
}
