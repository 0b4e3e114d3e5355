/* SPDX-License-Identifier: MIT */
#include "move.h"

#include "block.h"
#include "check.h"
#include "small.h"

static bool slot_locked(const struct store *s, uint32_t slot) {
    return entry_locks(table_entry(&s->table, slot)) > LOCKS_NONE;
}

bool move_slot_pinned(const struct store *s, unit_t span, unsigned i) {
    struct run r = run_at(s, span);
    return slot_locked(s, ref_slot(run_ref(&r, i)));
}

bool move_pinned(const struct store *s, unit_t span) {
    uint64_t h = area_header(&s->area, span);
    if (header_kind(h) != SPAN_RUN) return slot_locked(s, block_ref(h));
    struct run r = run_at(s, span);
    for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1)
        if (slot_locked(s, ref_slot(run_ref(&r, bit_lowest(live))))) return true;
    return false;
}

unit_t move_target(const struct store *s, unit_t gap, unit_t span) {
    size_t alignment = 0;
    if (header_kind(area_header(&s->area, span)) == SPAN_ALIGNED)
        alignment = block_alignment(s, span);
    return alignment > UNIT ? area_aligned_unit(&s->area, gap, alignment) : gap;
}

/* The bytes of a used span that have to go with it, its header not counted. */
static size_t content_bytes(const struct store *s, unit_t span, unit_t units) {
    uint64_t h = area_header(&s->area, span);
    return header_kind(h) == SPAN_BLOCK ? run_content(block_size(h))
                                        : units_bytes(units) - HEADER;
}

void move_arrived(struct store *s, unit_t span, unit_t from) {
    uint64_t h = area_header(&s->area, span);
    if (header_kind(h) == SPAN_RUN) {
        run_relink(s, from, span);
        s->moved_blocks += small_follow(s, span);
    } else {
        uint64_t e = table_entry(&s->table, block_ref(h));
        table_set(&s->table, block_ref(h), entry_moved(e, place_behind(span), 0));
        s->moved_blocks++;
    }
}

static void set_state(struct store *s, uint32_t slot, unsigned locks) {
    table_set(&s->table, slot, entry_with_locks(table_entry(&s->table, slot), locks));
}

/* The last byte says the alignment of an aligned block, where it goes as where it was. */
static void copy_last_byte(struct store *s) {
    const struct mover *m = &s->mover;
    area_at(&s->area, m->to + m->units)[-1] = area_at(&s->area, m->from + m->units)[-1];
}

unit_t move_slide(struct store *s, unit_t gap, unit_t to) {
    struct area *a = &s->area;
    unit_t from = gap + free_size(area_header(a, gap)), units = area_units(a, from);
    uint64_t h = area_header(a, from);
    size_t bytes = content_bytes(s, from, units);
    CHECK(10, !move_pinned(s, from));
    CHECK(11, s->mover.slot == SLOT_NIL);
    if (bytes > MOVE_PIECE) {
        s->mover = (struct mover){block_ref(h), true, from, to, units, 0};
        set_state(s, block_ref(h), LOCKS_MOVING);
        area_stretch(a, gap, to);
        move_continue(s);
        return UNIT_NIL;
    }
    area_stretch(a, gap, to);
    memmove(area_at(a, to) + HEADER, area_at(a, from) + HEADER, bytes);
    move_arrived(s, to, from);
    s->moved += bytes;
    return area_settle(a, units);
}

unit_t move_fill(struct store *s, unit_t gap, unit_t to, unit_t span) {
    struct area *a = &s->area;
    unit_t units = area_units(a, span);
    uint64_t h = area_header(a, span);
    size_t bytes = content_bytes(s, span, units);
    CHECK(10, !move_pinned(s, span));
    CHECK(11, s->mover.slot == SLOT_NIL);
    area_cut(a, gap, to, units);
    area_set_header(a, to, h);
    if (bytes > MOVE_PIECE) {
        s->mover = (struct mover){block_ref(h), false, span, to, units, 0};
        set_state(s, block_ref(h), LOCKS_MOVING);
        copy_last_byte(s);
        move_continue(s);
        return span;
    }
    memcpy(area_at(a, to) + HEADER, area_at(a, span) + HEADER, bytes);
    move_arrived(s, to, span);
    s->moved += bytes;
    return area_free(a, span, units);
}

unit_t move_single(struct store *s, unit_t gap, unit_t run, unsigned i) {
    struct run r = run_at(s, run);
    uint32_t slot = ref_slot(run_ref(&r, i));
    size_t size = run_size(&r, i);
    area_cut(&s->area, gap, gap, block_units(size, false));
    memcpy(area_at(&s->area, gap) + HEADER, run_slot(&r, i), run_content(size));
    block_write(s, gap, slot, size, 0);
    store_moved(s, size, 1);
    unit_t freed = small_free(s, run, i);
    return freed == UNIT_NIL ? run : freed;
}

/* --- the half-moved block --- */

static void end_move(struct store *s, bool there) {
    struct mover m = s->mover;
    s->mover.slot = SLOT_NIL;
    set_state(s, m.slot, LOCKS_NONE);
    if (m.slide)
        area_settle(&s->area, m.units);
    else
        area_free(&s->area, there ? m.from : m.to, m.units);
    if (there) move_arrived(s, m.to, m.from);
}

/* Copy the next `most` bytes. */
static void copy_piece(struct store *s, size_t most) {
    struct mover *m = &s->mover;
    size_t left = units_bytes(m->units) - HEADER - m->done;
    size_t bytes = left < most ? left : most;
    char *to = area_at(&s->area, m->to) + HEADER + m->done;
    char *from = area_at(&s->area, m->from) + HEADER + m->done;
    memmove(to, from, bytes); /* downward, so that ascending pieces may overlap */
    m->done += bytes;
    s->moved += bytes;
    if (bytes == left) end_move(s, true);
}

void move_continue(struct store *s) { copy_piece(s, MOVE_PIECE); }

void move_finish(struct store *s) {
    if (s->mover.slide)
        copy_piece(s, SIZE_MAX);
    else
        end_move(s, false);
}

void move_abandon(struct store *s) {
    if (s->mover.slide) copy_last_byte(s);
    end_move(s, s->mover.slide);
}

uint64_t move_entry(struct store *s, uint32_t slot) {
    uint64_t e = table_entry(&s->table, slot);
    if (unlikely(entry_locks(e) == LOCKS_MOVING)) {
        move_finish(s);
        e = table_entry(&s->table, slot);
    }
    return e;
}
