/* SPDX-License-Identifier: MIT */
#include "scramble.h"

#include <errno.h>

#include "block.h"
#include "claim.h"
#include "compact.h"
#include "fill.h"
#include "heap.h"
#include "many.h"
#include "motion.h"
#include "move.h"
#include "small.h"

enum {
    ROOM = 3,          /* a growing heap has so many times what is used, */
    ROOM_MORE = 16384, /* and so many units more; */
    BOUND = 4,         /* no place is looked for far above so many times of it. */
    SPREAD = 32,       /* units that may stay free below what is placed, at random, */
    SPREAD_FROM = 2,   /* where so many times what is used is free */
    LOOKS = 1024,      /* at free spans, for one place */
    /* Of a closed heap so much stays free at its end, where so many times that is free: the table grows there,
       and what is locked would be in its way. */
    ROOF_SHARE = 64,
    ROOF_FROM = 4
};

/* One turn. */
struct turn {
    struct heap *h;
    struct store *s;
    struct scramble *c;
    struct trail *trail;
    unit_t spread;
    unit_t roof; /* nothing goes above it */
};

uint32_t scramble_random(struct scramble *c, uint32_t n) {
    uint64_t x = c->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(((x ^ x >> 31) >> 32) * n >> 32);
}

/* --- who has moved --- */

static bool has_moved(const struct turn *t, uint32_t slot) {
    return trail_of(t->trail, slot)->turn == t->trail->turn;
}

/* Its block has gone, from one place to the one that its entry says. */
static void note(struct turn *t, uint32_t slot, size_t from) {
    uint64_t e = table_entry(&t->s->table, slot);
    *trail_of(t->trail, slot) =
        (struct trail_slot){(uint32_t)(from >> 3), t->trail->turn};
    trail_left(t->trail, (uint64_t)(uintptr_t)heap_handle(t->h, slot), from,
               many_size(t->s, e), false);
    t->c->moved++;
}

/* All in a span have moved by so many bytes. */
static void note_span(struct turn *t, unit_t span, ptrdiff_t by) {
    struct members m = claim_members(t->s, span);
    for (uint32_t slot; (slot = claim_next(&m)) != SLOT_NIL;)
        note(t, slot, entry_place(table_entry(&t->s->table, slot)) - (size_t)by);
}

/* Is that where the block of a slot was before? */
static bool was_there(const struct turn *t, uint32_t slot, size_t place) {
    return trail_of(t->trail, slot)->before == place >> 3;
}

/* The same of any in a span that moves by so many bytes. */
static bool were_there(const struct turn *t, unit_t span, ptrdiff_t by) {
    struct members m = claim_members(t->s, span);
    for (uint32_t slot; (slot = claim_next(&m)) != SLOT_NIL;)
        if (was_there(t, slot, entry_place(table_entry(&t->s->table, slot)) + (size_t)by))
            return true;
    return false;
}

/* May a used span go somewhere? Not with an object that has moved already, out of another run. */
static bool may_go(struct turn *t, unit_t span) {
    struct members m = claim_members(t->s, span);
    for (uint32_t slot; (slot = claim_next(&m)) != SLOT_NIL;)
        if (has_moved(t, slot)) return false;
    return !move_pinned(t->s, span);
}

static ptrdiff_t bytes_between(unit_t from, unit_t to) {
    return ((ptrdiff_t)to - (ptrdiff_t)from) * UNIT;
}

/* --- whole spans, elsewhere --- */

/* The first unit from `at` on where a span with this alignment may begin. */
static unit_t aligned(const struct area *a, unit_t at, size_t alignment) {
    return alignment > UNIT ? area_aligned_unit(a, at, alignment) : at;
}

/* Units of a free span that may be used. */
static unit_t below_roof(const struct turn *t, unit_t gap) {
    unit_t end = gap + free_size(area_header(&t->s->area, gap));
    if (end <= t->roof) return end - gap;
    return gap < t->roof ? t->roof - gap : 0;
}

/* A place in one free span for a span; UNIT_NIL: there is none. */
static unit_t place_in(struct turn *t, unit_t gap, unit_t span, unit_t units,
                       size_t alignment) {
    const struct area *a = &t->s->area;
    unit_t size = below_roof(t, gap), step = 1;
    if (alignment > UNIT) step = (unit_t)(alignment >> UNIT_SHIFT);
    if (size < units) return UNIT_NIL;
    unit_t most = size - units < t->spread ? size - units : t->spread;
    unit_t to = aligned(a, gap + scramble_random(t->c, most + 1), alignment);
    if (to + units > gap + size) to = aligned(a, gap, alignment);
    for (; to + units <= gap + size; to += step)
        if (!were_there(t, span, bytes_between(span, to))) return to;
    return UNIT_NIL;
}

/* A place for a span in a free one, which is `*gap`; UNIT_NIL: there is none. */
static unit_t find_place(struct turn *t, unit_t span, unit_t *gap) {
    const struct area *a = &t->s->area;
    unit_t units = area_units(a, span), begun = t->c->cursor;
    size_t alignment = block_alignment(t->s, span);
    bool round = false;
    if (!area_has(a, units)) return UNIT_NIL;
    *gap = area_lowest_free(a, begun);
    for (unsigned looks = 0; looks < LOOKS; looks++) {
        if (*gap == UNIT_NIL || (round && *gap >= begun)) {
            if (round) break;
            round = true;
            *gap = area_lowest_free(a, 0);
            continue;
        }
        unit_t to = place_in(t, *gap, span, units, alignment);
        if (to != UNIT_NIL) return to;
        *gap = area_next_free(a, *gap);
    }
    return UNIT_NIL;
}

/* It goes elsewhere. */
static bool carry_span(struct turn *t, unit_t span) {
    unit_t gap, units = area_units(&t->s->area, span), to = find_place(t, span, &gap);
    if (to == UNIT_NIL) return false;
    move_fill(t->s, gap, to, span);
    t->c->cursor = to + units;
    note_span(t, to, bytes_between(span, to));
    return true;
}

/* --- objects of runs --- */

/* Another place for an object: a slot, or a block of its own. False: there is none. */
static bool place_object(struct turn *t, uint32_t slot, size_t size, uint64_t *e) {
    uint64_t was = *e;
    /* Of the class it is in, which is not that of its size where it has an alignment to keep. */
    if (small_alloc_in(t->s, shape_class(was), slot, size, false, e)) {
        if (!was_there(t, slot, entry_place(*e))) return true;
        quick_free_place(t->s, *e);
    }
    *e = was;
    if (!block_alloc(t->s, slot, size, 0, e)) return false;
    bool new_place = !was_there(t, slot, entry_place(*e));
    if (!new_place) quick_free_place(t->s, *e);
    return new_place;
}

static bool carry_object(struct turn *t, uint32_t slot) {
    struct store *s = t->s;
    uint64_t e = table_entry(&s->table, slot), to = e;
    size_t from = entry_place(e), size = many_size(s, e);
    if (!place_object(t, slot, size, &to)) return false;
    claim_one(s, slot, LOCKS_COPYING, &e);
    claim_copy(s->area.base + entry_place(to), s->area.base + from, size);
    claim_publish(s, slot, e, to);
    quick_free_place(s, e);
    store_moved(s, size, 1);
    note(t, slot, from);
    return true;
}

static bool carry(struct turn *t, uint32_t slot) {
    struct store *s = t->s;
    unit_t span = entry_span(s, table_entry(&s->table, slot));
    if (may_go(t, span) && carry_span(t, span)) return true;
    return header_kind(area_header(&s->area, span)) == SPAN_RUN && carry_object(t, slot);
}

/* --- where there is no room elsewhere: neighbours slide --- */

/* How far a span goes, up or down, within a free one of so many units: as far as its alignment and where it was
   allow. 0: nowhere. */
static unit_t reach(const struct turn *t, unit_t span, unit_t most, int way) {
    size_t alignment = block_alignment(t->s, span);
    unit_t step = alignment > UNIT ? (unit_t)(alignment >> UNIT_SHIFT) : 1;
    for (unit_t by = most / step * step; by > 0; by -= step)
        if (!were_there(t, span, way * bytes_between(0, by))) return by;
    return 0;
}

/* What lies below a free span goes up into it, by up to so many units, one after the other. */
static void slide_up(struct turn *t, unit_t gap, unit_t most) {
    struct area *a = &t->s->area;
    while (gap > 0) {
        unit_t below = compact_used_below(a, gap), units = area_units(a, below);
        unit_t size = free_size(area_header(a, gap));
        if (!may_go(t, below)) break;
        unit_t by = reach(t, below, size < most ? size : most, 1);
        if (by == 0) break;
        claim_span(t->s, below, LOCKS_MOVING);
        gap = area_raise(a, below, units, by);
        t->s->moved += units_bytes(units);
        move_arrived(t->s, below + by, below);
        note_span(t, below + by, bytes_between(0, by));
    }
}

/* What lies above a free span goes down into it. Returns the free span above it then; the same: it stays. */
static unit_t slide_down(struct turn *t, unit_t gap) {
    struct area *a = &t->s->area;
    unit_t size = free_size(area_header(a, gap)), span = gap + size;
    if (span >= a->limit || !may_go(t, span)) return gap;
    unit_t by = reach(t, span, size, -1), units = area_units(a, span), to = span - by;
    if (by == 0) return gap;
    move_slide(t->s, gap, to);
    note_span(t, to, -bytes_between(0, by));
    return to + units;
}

/* Each free span goes by halves to what lies below and above it. */
static void slide_all(struct turn *t) {
    struct area *a = &t->s->area;
    unit_t gap = area_lowest_free(a, 0);
    while (gap != UNIT_NIL) {
        unit_t end = gap + area_units(a, gap), size = below_roof(t, gap);
        unit_t most = size != 1 ? size / 2 : scramble_random(t->c, 2);
        if (most > 0) slide_up(t, gap, most);
        gap = area_lowest_free(a, gap); /* what is left of it, or the next */
        if (gap == UNIT_NIL) break;
        if (gap >= end) continue;
        for (unit_t above; (above = slide_down(t, gap)) != gap;) gap = above;
        gap = area_next_free(a, gap);
    }
}

/* --- a turn --- */

/* A growing heap has room for all to go elsewhere. */
static void make_room(struct heap *h, unit_t used) {
    int saved = errno;
    if (h->store.area.free_units < (ROOM - 1) * used + ROOM_MORE)
        place_room(h, (ROOM - 1) * used + ROOM_MORE);
    errno = saved; /* where it is refused there is less room */
}

/* Nothing is under way, or at rest. */
static void begin(struct turn *t) {
    struct store *s = t->s;
    if (s->mover.slot != SLOT_NIL) move_finish(s);
    quick_flush(s);
    while (small_drop_kept(s)) continue;
    s->piece = SIZE_MAX;
    s->tight = true;
    t->trail->turn++;
    t->c->moved = t->c->stayed = 0;
    unit_t used = s->area.limit - s->area.free_units;
    make_room(t->h, used);
    unit_t kept = s->area.limit / ROOF_SHARE;
    bool roofed = region_closed(&t->h->region) && s->area.free_units / ROOF_FROM >= kept;
    t->roof = s->area.limit - (roofed ? kept : 0);
    t->spread = s->area.free_units / SPREAD_FROM > used ? SPREAD : 0;
    if (t->c->cursor / BOUND > used + ROOM_MORE || t->c->cursor >= s->area.limit)
        t->c->cursor = 0;
}

/* Compaction begins anew. */
static void end(struct turn *t) {
    struct store *s = t->s;
    s->changes++;
    s->pass.phase = PASS_NONE;
    fill_forget(s);
    region_note_regained(&t->h->region, s);
}

/* A live block that may move, and has not yet. */
static bool is_left(const struct turn *t, uint32_t slot) {
    return table_live(&t->s->table, slot) && !has_moved(t, slot) &&
           claim_movable(t->s, slot);
}

bool scramble(struct heap *h, struct scramble *c, struct trail *trail) {
    struct turn t = {h, &h->store, c, trail, 0, 0};
    uint32_t n = h->store.table.n_slots;
    if (!motion_begin(&h->store) || !trail_reach(trail, n)) return false;
    begin(&t);
    uint32_t first = scramble_random(c, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = first + i < n ? first + i : first + i - n;
        if (is_left(&t, slot) && !carry(&t, slot)) c->stayed++;
    }
    if (c->stayed > 0) {
        slide_all(&t);
        c->stayed = 0;
        for (uint32_t slot = 0; slot < n; slot++) c->stayed += is_left(&t, slot);
    }
    end(&t);
    return true;
}
