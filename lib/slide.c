/* SPDX-License-Identifier: MIT */
#include "slide.h"

#include "block.h"
#include "bytes.h"
#include "claim.h"
#include "move.h"
#include "run.h"

enum {
    LINE = 64,             /* bytes that come at once from memory */
    LEAD = 4096,           /* so much is known of what comes next, */
    LEAD_SPAN = 64,        /* each span counted as so much more */
    FAR = 2048,            /* and so much behind that has been asked for */
    ASK_MOST = LEAD + FAR, /* of a span: the machine sees what comes then */
    STRETCH_MOST = 16 * 1024 >> UNIT_SHIFT /* moved at once, if it is no single span */
};

/* --- what will be needed soon --- */

/* Entries and neighbours in lists lie in no order that the machine could guess: so a walk over the
   spans goes in front of the move, and asks for them.

        |done|  gap  |span|span|span|free|span| ...
                      ^ move         lead ^ walk    ^ asked for                       */
struct ahead {
    unit_t at;   /* the next span to look at */
    size_t lead; /* bytes of the spans that have been looked at, and not moved yet */
    const char *asked; /* memory has been asked for up to here */
};

static void ask(struct ahead *ahead, const char *from, size_t bytes) {
    const char *end = from + bytes;
    if (ahead->asked > from) from = ahead->asked;
    for (; from < end; from += LINE) __builtin_prefetch(from, 1);
    ahead->asked = from;
}

static size_t lead_of(unit_t units) { return units_bytes(units) + LEAD_SPAN; }

static void ask_for_entry(const struct store *s, uint32_t slot) {
    __builtin_prefetch(table_slot(&s->table, slot), 1);
}

/* Look at the next span. False: it is free, and what lies behind it has only just been asked for. */
static bool look_at(const struct store *s, struct ahead *ahead) {
    const struct area *a = &s->area;
    unit_t span = ahead->at, units = area_units(a, span);
    uint64_t h = area_header(a, span);
    ahead->at = span + units;
    if (header_kind(h) == SPAN_FREE) {
        buddy_ask(a->base, span);
        ask(ahead, area_at(a, ahead->at), FAR);
        return false;
    }
    size_t bytes = units_bytes(units);
    ask(ahead, area_at(a, span), bytes < ASK_MOST ? bytes + FAR : ASK_MOST);
    if (bytes >= ASK_MOST) ask(ahead, area_at(a, ahead->at), LINE);
    if (header_kind(h) == SPAN_RUN) {
        struct run r = run_at_header(s, span, h);
        for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1)
            ask_for_entry(s, ref_slot(run_ref(&r, bit_lowest(live))));
    } else {
        ask_for_entry(s, block_ref(h));
    }
    ahead->lead += lead_of(units);
    return true;
}

/* A span is about to be moved: those behind it have their turn to be looked at. */
static void look_ahead(const struct store *s, struct ahead *ahead, unit_t span) {
    if (ahead->at < span) *ahead = (struct ahead){span, 0, NULL};
    unit_t units = area_units(&s->area, span);
    size_t lead = units_bytes(units) + LEAD;
    while (ahead->lead < lead && ahead->at < s->area.limit)
        if (!look_at(s, ahead)) break;
    size_t own = lead_of(units);
    ahead->lead -= ahead->lead < own ? ahead->lead : own;
}

/* --- entries follow --- */

/* Neither locked nor half moved: in use, or at rest. */
static bool unlocked(uint64_t entry) {
    _Static_assert((LOCKS_FREE | LOCKS_NONE) == LOCKS_NONE && LOCKS_MOVING == 1, "bits");
    return (entry & (7 & ~LOCKS_NONE) * ENTRY_LOCK_ONE) == 0;
}

/* The objects lie lower by so many 8 bytes. Whatever they are to their run, they stay. Returns all the
   entries, laid over one another. */
static uint64_t lower(struct store *s, const struct run *r, uint64_t by) {
    const struct size_class class = *r->class; /* what is written is no part of it */
    const struct table table = s->table;
    uint64_t all = 0;
    for (uint64_t live = run_live_mask(r); live != 0; live &= live - 1) {
        uint32_t ref = load32(r->at + ref_offset(&class, bit_lowest(live)));
        char *at = table_slot(&table, table_named(&table, ref_slot(ref)));
        uint64_t e = word_load(at);
        all |= e;
        word_store(at, e - by);
    }
    return all;
}

/* The entries of what moves down by `by` bytes say so; not where something in it is locked. Returns
   how many objects there are; 0: locked. */
static unsigned follow(struct store *s, unit_t span, size_t by) {
    uint64_t h = area_header(&s->area, span);
    if (header_kind(h) != SPAN_RUN) {
        uint32_t slot = block_owner(s, h);
        uint64_t e = table_entry(&s->table, slot);
        if (!unlocked(e)) return 0;
        table_set(&s->table, slot, e - (by >> 3));
        return 1;
    }
    struct run r = run_at_header(s, span, h);
    if (unlikely(!unlocked(lower(s, &r, by >> 3)))) {
        lower(s, &r, 0 - (uint64_t)(by >> 3));
        return 0;
    }
    return run_live(&r);
}

/* The blocks of a span lie lower, for whoever has to know. */
static void tell(const struct store *s, unit_t span) {
    uint64_t h = area_header(&s->area, span);
    if (header_kind(h) != SPAN_RUN) {
        store_tell(s, block_ref(h));
        return;
    }
    struct run r = run_at_header(s, span, h);
    for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1)
        store_tell(s, ref_slot(run_ref(&r, bit_lowest(live))));
}

/* --- spans --- */

/* Bytes to be moved of a span, its header counted; 0: it is not for us. */
static size_t movable_bytes(const struct store *s, unit_t span, unit_t units) {
    uint64_t h = area_header(&s->area, span);
    if (header_kind(h) == SPAN_ALIGNED && block_alignment(s, span) > UNIT) return 0;
    size_t bytes =
        header_kind(h) == SPAN_BLOCK ? HEADER + block_content(h) : units_bytes(units);
    return bytes <= HEADER + MOVE_PIECE ? bytes : 0;
}

/* What of the spans above a gap moves at once: up to a free one, or one that does not move. */
struct stretch {
    unit_t end;
    bool listed; /* its last one is a run that stands in a list */
    bool begun;  /* something goes, in this one or one before */
    size_t work; /* left */
};

/* The next span goes with a stretch: its entries and its zone say so already. False: it does not. */
static bool joins(struct store *s, const struct area_gap *gap, struct stretch *stretch) {
    struct area *a = &s->area;
    unit_t from = stretch->end, units = area_units(a, from), by = gap->end - gap->at;
    size_t bytes = movable_bytes(s, from, units);
    if (bytes == 0 || (bytes > stretch->work && stretch->begun)) return false;
    unsigned blocks = follow(s, from, units_bytes(by));
    if (blocks == 0) return false;
    if (unlikely(s->moves != NULL)) tell(s, from);
    uint64_t h = area_header(a, from);
    stretch->listed = header_kind(h) == SPAN_RUN && run_mask(h) != 0;
    stretch->end = from + units;
    stretch->begun = true;
    area_gap_pass(a, from, units, by);
    size_t before = store_work(s);
    store_moved(s, bytes - HEADER, blocks);
    size_t work = store_work(s) - before;
    stretch->work -= stretch->work < work ? stretch->work : work;
    return true;
}

static bool wanted(const struct stretch *stretch) {
    return stretch->work > 0 || !stretch->begun;
}

/* --- where others may be at the blocks --- */

/* So many units from the gap's end on, claimed, that may go at once; `apart`: without an overlap. */
static unit_t claim_stretch(struct store *s, const struct area_gap *gap, bool apart,
                            struct stretch *stretch, struct ahead *ahead) {
    struct area *a = &s->area;
    unit_t from = gap->end, most = apart ? gap->end - gap->at : UNIT_NIL;
    size_t work = stretch->work;
    while (stretch->end < a->limit && !stretch->listed && (work > 0 || !stretch->begun) &&
           stretch->end - from < STRETCH_MOST &&
           header_kind(area_header(a, stretch->end)) != SPAN_FREE) {
        unit_t span = stretch->end, units = area_units(a, span);
        size_t bytes = movable_bytes(s, span, units);
        if (bytes == 0 || (bytes > work && stretch->begun)) break;
        if (span - from + units > most) break;
        look_ahead(s, ahead, span);
        if (!claim_span(s, span, apart ? LOCKS_COPYING : LOCKS_MOVING)) break;
        uint64_t h = area_header(a, span);
        stretch->listed = header_kind(h) == SPAN_RUN && run_mask(h) != 0;
        stretch->end = span + units;
        stretch->begun = true;
        bytes += WORK_BLOCK;
        work -= work < bytes ? work : bytes;
    }
    return stretch->end - from;
}

/* All of a stretch that has been copied is waited for. False: something in it was wanted, and nothing is
   claimed any more. */
static bool seal_stretch(struct store *s, unit_t from, unit_t end) {
    const struct area *a = &s->area;
    unit_t at = from;
    while (at < end && claim_seal(s, at)) at += area_units(a, at);
    if (at == end) return true;
    for (unit_t sealed = from; sealed < at; sealed += area_units(a, sealed))
        claim_drop(s, sealed, LOCKS_MOVING);
    for (at += area_units(a, at); at < end; at += area_units(a, at))
        claim_drop(s, at, LOCKS_COPYING);
    return false;
}

/* A span's bytes are lower by so many units: its entries say so, and are to be had again. Returns its units. */
static unit_t publish_span(struct store *s, struct stretch *stretch, unit_t to,
                           unit_t by) {
    struct area *a = &s->area;
    uint64_t h = area_header(a, to), places = units_bytes(by) >> 3;
    unit_t units = area_units(a, to);
    size_t bytes = movable_bytes(s, to, units), before = store_work(s);
    unsigned blocks = 1;
    area_gap_pass(a, to + by, units, by);
    if (header_kind(h) == SPAN_RUN) {
        struct run r = run_at_header(s, to, h);
        blocks = run_live(&r);
        for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1) {
            uint32_t slot = run_owner(s, &r, bit_lowest(live));
            table_set(&s->table, slot,
                      entry_settled(table_entry(&s->table, slot)) - places);
        }
    } else {
        uint32_t slot = block_owner(s, h);
        uint64_t e = table_entry(&s->table, slot);
        table_set(&s->table, slot, entry_settled(e) - places);
    }
    store_moved(s, bytes - HEADER, blocks);
    size_t work = store_work(s) - before;
    stretch->work -= stretch->work < work ? stretch->work : work;
    return units;
}

/* As slide_some: where the gap has room for the first span, what goes is copied, and stays if somebody
   wants some of it meanwhile; else who wants it waits. */
static bool slide_claimed(struct store *s, struct area_gap *gap, struct stretch *stretch,
                          struct ahead *ahead) {
    struct area *a = &s->area;
    unit_t from = gap->end, to = gap->at, by = from - to, at = to;
    stretch->end = from;
    stretch->listed = false;
    bool apart = area_units(a, from) <= by;
    unit_t units = claim_stretch(s, gap, apart, stretch, ahead);
    if (units == 0) return false;
    if (apart) {
        claim_copy(area_at(a, to), area_at(a, from), units_bytes(units));
        if (!seal_stretch(s, from, stretch->end)) return false;
    } else {
        bytes_move(area_at(a, to), area_at(a, from), units_bytes(units));
    }
    unit_t last = to;
    while (at < to + units) {
        last = at;
        at += publish_span(s, stretch, at, by);
    }
    area_gap_passed(a, gap, units);
    if (stretch->listed) run_relink(s, last + by, last);
    return true;
}

/* --- as fast as it goes --- */

/* A stretch of the spans at the gap's end goes to its beginning. Where a run stands in a list, its
   neighbours have to be where they say: so it is the last of a stretch. False: there is none. */
static bool slide_some(struct store *s, struct area_gap *gap, struct stretch *stretch,
                       struct ahead *ahead) {
    struct area *a = &s->area;
    unit_t from = gap->end, to = gap->at, last = from;
    stretch->end = from;
    stretch->listed = false;
    while (stretch->end < a->limit && !stretch->listed && wanted(stretch) &&
           stretch->end - from < STRETCH_MOST &&
           header_kind(area_header(a, stretch->end)) != SPAN_FREE) {
        last = stretch->end;
        look_ahead(s, ahead, last);
        if (!joins(s, gap, stretch)) break;
    }
    unit_t units = stretch->end - from;
    if (units == 0) return false;
    bytes_move(area_at(a, to), area_at(a, from), units_bytes(units));
    area_gap_passed(a, gap, units);
    if (stretch->listed) run_relink(s, last, last - (from - to));
    return true;
}

/* The gap, and the free span that may lie above it now, become one. */
static void widen(struct area *a, struct area_gap *gap) {
    if (gap->end < a->limit && header_kind(area_header(a, gap->end)) == SPAN_FREE)
        area_gap_widen(a, gap);
}

unit_t slide(struct store *s, unit_t gap, const struct slide_goal *goal) {
    struct area *a = &s->area;
    struct area_gap g;
    area_gap_open(a, gap, &g);
    struct ahead ahead = {g.end, 0, NULL};
    struct stretch stretch = {.work = goal->work};
    while (g.end < a->limit && g.end - g.at < goal->units && wanted(&stretch)) {
        bool gone = s->concurrent ? slide_claimed(s, &g, &stretch, &ahead)
                                  : slide_some(s, &g, &stretch, &ahead);
        if (!gone) break;
        widen(a, &g);
    }
    area_gap_close(a, &g);
    return g.at;
}
