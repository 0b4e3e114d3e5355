/* SPDX-License-Identifier: MIT */
#include "move.h"

#include "block.h"
#include "bytes.h"
#include "check.h"
#include "claim.h"
#include "os.h"
#include "pages.h"
#include "small.h"

bool move_slot_pinned(struct store *s, unit_t span, unsigned i) {
    struct run r = run_at(s, span);
    return !claim_movable(s, ref_slot(run_ref(&r, i)));
}

bool move_slot_rests(const struct store *s, unit_t span, unsigned i) {
    struct run r = run_at(s, span);
    return entry_locks(table_entry(&s->table, ref_slot(run_ref(&r, i)))) == LOCKS_FREE;
}

bool move_pinned(struct store *s, unit_t span) { return !claim_all_movable(s, span); }

/* The lowest place that its alignment allows. */
static unit_t exact_target(const struct store *s, unit_t gap, unit_t span) {
    size_t alignment = 0;
    if (header_kind(area_header(&s->area, span)) == SPAN_ALIGNED)
        alignment = block_alignment(s, span);
    return alignment > UNIT ? area_aligned_unit(&s->area, gap, alignment) : gap;
}

unit_t move_target(const struct store *s, unit_t gap, unit_t span) {
    if (!s->tight && pages_move(s, span)) return pages_target(gap, span);
    return exact_target(s, gap, span);
}

unit_t move_fill_target(const struct store *s, unit_t gap, unit_t span) {
    unit_t units = free_size(area_header(&s->area, gap));
    if (pages_move(s, span)) {
        unit_t to = pages_target(gap, span);
        if (to + area_units(&s->area, span) <= gap + units) return to;
    }
    return exact_target(s, gap, span);
}

/* The bytes of a used span that have to go with it, its header not counted. */
static size_t content_bytes(const struct store *s, unit_t span, unit_t units) {
    uint64_t h = area_header(&s->area, span);
    return header_kind(h) == SPAN_BLOCK ? block_content(h) : units_bytes(units) - HEADER;
}

void move_arrived(struct store *s, unit_t span, unit_t from) {
    uint64_t h = area_header(&s->area, span);
    if (header_kind(h) == SPAN_RUN) {
        run_relink(s, from, span);
        s->moved_blocks += small_follow(s, span);
    } else {
        uint64_t e = table_entry(&s->table, block_ref(h));
        e = entry_settled(entry_moved(e, place_behind(span), entry_shape(e)));
        table_set(&s->table, block_ref(h), e);
        store_tell(s, block_ref(h));
        s->moved_blocks++;
    }
}

/* --- the half-moved block --- */

static void set_state(struct store *s, uint32_t slot, unsigned locks) {
    table_set(&s->table, slot, entry_with_locks(table_entry(&s->table, slot), locks));
}

/* A block becomes the half-moved one. */
static void begin_move(struct store *s, struct mover m) {
    s->mover = m;
    pages_begin(s);
    set_state(s, m.slot, LOCKS_MOVING);
}

/* The last byte says the alignment of an aligned block, where it goes as where it was. */
static void copy_last_byte(struct store *s) {
    const struct mover *m = &s->mover;
    store8(area_at(&s->area, m->to + m->units) - 1,
           load8(area_at(&s->area, m->from + m->units) - 1));
}

/* It is where it was to go, or stays where it was. Returns the span that covers the other place. */
static unit_t end_move(struct store *s, bool there) {
    struct mover m = s->mover;
    struct pages left = pages_left(s);
    s->mover.slot = SLOT_NIL;
    s->mover.slide = false;
    unit_t freed;
    if (m.slide)
        freed = area_settle(&s->area, m.units, left);
    else if (there)
        freed = area_free_empty(&s->area, m.from, m.units, left);
    else
        freed = area_free(&s->area, m.to, m.units);
    if (there)
        move_arrived(s, m.to, m.from);
    else
        set_state(s, m.slot, LOCKS_NONE);
    return freed;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static void copy_bytes(struct store *s, size_t bytes) {
    const struct mover *m = &s->mover;
    char *to = area_at(&s->area, m->to) + HEADER + m->done;
    char *from = area_at(&s->area, m->from) + HEADER + m->done;
    bytes_move(to, from, bytes); /* downward, so that ascending pieces may overlap */
}

/* Move the next `most` bytes. Returns the span that covers where the block was. */
static unit_t move_piece(struct store *s, size_t most) {
    struct mover *m = &s->mover;
    size_t left = units_bytes(m->units) - HEADER - m->done, begun = s->moved;
    while (left > 0 && most > 0) {
        size_t edge = m->pages ? pages_edge(s) : SIZE_MAX, bytes;
        if (edge != 0) {
            bytes = least(edge, least(left, most));
            copy_bytes(s, bytes);
        } else {
            if (most < os_page() && s->moved != begun) break;
            bytes = least(pages_advance(s, most), left);
            m->pages = bytes > 0;
        }
        m->done += bytes;
        s->moved += bytes;
        left -= bytes;
        most -= least(bytes, most);
    }
    return left == 0 ? end_move(s, true) : m->from;
}

/* --- one thing --- */

unit_t move_slide(struct store *s, unit_t gap, unit_t to) {
    struct area *a = &s->area;
    unit_t from = gap + free_size(area_header(a, gap)), units = area_units(a, from);
    uint64_t h = area_header(a, from);
    size_t bytes = content_bytes(s, from, units);
    CHECK(11, s->mover.slot == SLOT_NIL);
    if (!claim_span(s, from, LOCKS_MOVING)) return gap;
    if (bytes > MOVE_PIECE) {
        begin_move(s, (struct mover){.slot = block_ref(h),
                                     .slide = true,
                                     .from = from,
                                     .to = to,
                                     .units = units,
                                     .empty = area_given_back(a, gap)});
        area_stretch(a, gap, to);
        if (s->mover.pages && s->piece == SIZE_MAX) {
            area_stretch_up(a); /* nobody sees it: the move ends here */
            pages_reach(s, a->stretch + a->stretch_units - from - units);
        }
        move_piece(s, s->piece);
        return UNIT_NIL;
    }
    area_stretch(a, gap, to);
    bytes_move(area_at(a, to) + HEADER, area_at(a, from) + HEADER, bytes);
    move_arrived(s, to, from);
    s->moved += bytes;
    return area_settle(a, units, (struct pages){0, 0});
}

unit_t move_fill(struct store *s, unit_t gap, unit_t to, unit_t span) {
    struct area *a = &s->area;
    unit_t units = area_units(a, span);
    uint64_t h = area_header(a, span);
    size_t bytes = content_bytes(s, span, units);
    struct pages empty = area_given_back(a, gap);
    bool whole = bytes <= MOVE_PIECE;
    CHECK(11, s->mover.slot == SLOT_NIL);
    if (!claim_span(s, span, whole ? LOCKS_COPYING : LOCKS_MOVING)) return UNIT_NIL;
    area_cut(a, gap, to, units);
    area_set_header(a, to, h);
    if (!whole) {
        begin_move(s, (struct mover){.slot = block_ref(h),
                                     .from = span,
                                     .to = to,
                                     .units = units,
                                     .empty = empty});
        copy_last_byte(s);
        return move_piece(s, s->piece);
    }
    claim_copy(area_at(a, to) + HEADER, area_at(a, span) + HEADER, bytes);
    if (!claim_seal(s, span)) {
        area_free(a, to, units);
        return UNIT_NIL;
    }
    move_arrived(s, to, span);
    s->moved += bytes;
    return area_free(a, span, units);
}

unit_t move_single(struct store *s, unit_t gap, unit_t run, unsigned i) {
    struct run r = run_at(s, run);
    uint32_t slot = ref_slot(run_ref(&r, i));
    uint64_t e;
    if (!claim_one(s, slot, LOCKS_COPYING, &e)) return UNIT_NIL;
    /* By the entry that was claimed: it may have been freed and made anew, and larger, since it was looked at. */
    size_t size;
    if (!shape_says_size(e, &size)) size = run_size_noted(&r, i);
    if (block_units(size, false) > free_size(area_header(&s->area, gap))) {
        claim_publish(s, slot, e, e);
        return UNIT_NIL;
    }
    area_cut(&s->area, gap, gap, block_units(size, false));
    claim_copy(area_at(&s->area, gap) + HEADER, run_slot(&r, i), size);
    if (!claim_publish(s, slot, e, block_write(s, gap, slot, size, 0, e))) {
        block_free(s, gap);
        return UNIT_NIL;
    }
    store_tell(s, slot);
    store_moved(s, size, 1);
    unit_t freed = small_free(s, run, i);
    return freed == UNIT_NIL ? run : freed;
}

/* --- going on with it, and using it --- */

void move_continue(struct store *s) { move_piece(s, s->piece); }

void move_finish(struct store *s) {
    if (s->mover.slide || s->mover.n_moved > 0)
        move_piece(s, SIZE_MAX);
    else
        end_move(s, false);
}

void move_abandon(struct store *s) {
    if (s->mover.slide) copy_last_byte(s);
    end_move(s, s->mover.slide);
}

uint64_t move_entry(struct store *s, uint32_t slot) {
    uint64_t e = table_entry(&s->table, slot);
    if (unlikely(slot == s->mover.slot)) {
        move_finish(s);
        e = table_entry(&s->table, slot);
    }
    return e;
}
