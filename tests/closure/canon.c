/* SPDX-License-Identifier: MIT */
/*
 * The canonical form of a state. Two states with the same one answer every further call alike; what
 * is made equal here, and why that has no influence:
 *
 *   bytes of no meaning    what is free, beside the links of the index; rounding behind a block; free
 *                          slots, beside a run's links; blocks at rest; the room of the table and of
 *                          the quick lists that is not in use. Nothing reads them before writing. That
 *                          is also tried: each call is made with one kind of rubbish in them, some calls
 *                          with another too, and the same has to come out.
 *   generations            of entries, of handles and of the table: their lowest bits. They are only ever
 *                          compared for being equal, and with GENERATION_DROP_MAX, which they never
 *                          come near then; so no more is lost than telling very old handles apart.
 *   moved, moved_blocks,   only their growth within one call is looked at (store_work), or they are only
 *   looked, regained,      told (rm_heap_stats): zeros; the peaks: what there is now.
 *   returned, failures,
 *   voided, passes, peaks
 *   allocations, changes   they only grow, and only their being the same as at an earlier moment
 *                          (pass.stamp, scan.stamp, stuck_at) is looked at: if it is so now it stays
 *                          so, with numbers begun anew; if it is not it never will be again, and the
 *                          earlier one becomes one that is never reached.
 *   a pass that is over    begins anew when its stamp is over, whatever it was.
 *   tight, sliding, piece  said at the beginning of each compaction, and of each of its actions.
 *   the search for fills   what it has learnt is not used any more when its stamp is over, but for
 *                          where it was.
 *   quick.high             from QUICK_LOW on it admits every slot there is here, and is then made anew
 *                          from n_taken by the slow path alone, with the same outcome.
 *   mover, stretch         not used while nothing is half moved; while something is, the bytes between what
 *                          has been moved and what has not.
 *   ebb, pace, reach       of heaps with pages of their own, and of forecasts.
 *
 * All else stays as it is: lists and their order, the pass under way, what rests or is queued, hints.
 */
#include <string.h>

#include "closure.h"
#include "fault.h"
#include "small.h"

enum { SPAN_MOST = 1 << 20 };
#define NEVER (UINT64_MAX / 4)

/* --- spans --- */

/* A span's bytes, of which some are kept. */
struct span {
    unsigned char *at;
    const unsigned char *was; /* a copy */
    size_t bytes;
};

static void keep(const struct span *p, size_t from, size_t bytes) {
    memcpy(p->at + from, p->was + from, bytes);
}

static void canon_free(const struct span *p) {
    size_t units = p->bytes / UNIT;
    keep(p, 0, HEADER);
    keep(p, 8, 4); /* the previous one of its size */
    keep(p, p->bytes - 4, 4);
    if (units < BUDDY_BINS) return;
    keep(p, 28, 4);
    if (load32(p->was + 28) != 0) keep(p, 16, 12);
}

/* Of the block half moved: the stretch, its header in front, of which the first `done` bytes are where they
   are going and the rest is where it was; or the span that is for it, with so many. */
static const char *canon_moving(const struct store *s, const struct span *p, uint64_t h) {
    const struct mover *m = &s->mover;
    size_t size = block_size(h), done = m->done < size ? m->done : size;
    size_t from = HEADER + done + (m->slide ? units_bytes(m->from - m->to) : 0);
    if (from + (m->slide ? size - done : 0) > p->bytes)
        return "the block half moved is larger than its span";
    keep(p, 0, HEADER + done);
    if (m->slide) keep(p, from, size - done);
    if (header_kind(h) == SPAN_ALIGNED) keep(p, p->bytes - 1, 1);
    return NULL;
}

static const char *canon_block(const struct store *s, const struct span *p, uint64_t h) {
    if (block_ref(h) >= s->table.n_slots) return "a block names no slot";
    uint64_t e = table_entry(&s->table, block_ref(h));
    size_t size = block_size(h), said;
    if (shape_says_size(e, &said)) size = said;
    keep(p, 0, HEADER);
    if (HEADER + size > p->bytes) return "a block is larger than its span";
    if (entry_locks(e) != LOCKS_FREE) keep(p, HEADER, size);
    if (header_kind(h) == SPAN_ALIGNED) keep(p, p->bytes - 1, 1);
    return NULL;
}

static const char *canon_slot(const struct store *s, const struct span *p,
                              const struct run *r, unsigned i) {
    size_t at = slot_offset(r->class, i), reference = ref_offset(r->class, i);
    uint32_t ref = load32(p->was + reference);
    keep(p, reference, 4);
    if (ref_slot(ref) >= s->table.n_slots) return "an object names no slot";
    if (entry_locks(table_entry(&s->table, ref_slot(ref))) == LOCKS_FREE) return NULL;
    size_t size = shape_size(table_entry(&s->table, ref_slot(ref)));
    if ((ref & SLACK_WIDE) != SLACK_NONE) {
        struct run was = *r;
        was.at = (char *)(uintptr_t)p->was;
        size = run_size_noted(&was, i);
    }
    if (size > r->class->capacity) return "an object is larger than its slot";
    keep(p, at, size);
    if ((ref & SLACK_WIDE) == SLACK_WIDE) keep(p, at + r->class->capacity - 2, 2);
    return NULL;
}

static const char *canon_run(const struct store *s, const struct span *p, unit_t span) {
    const char *text = NULL;
    uint64_t h = load64(p->was);
    if (run_class(h) == 0 || run_class(h) >= CLASSES || run_slots(h) == 0)
        return "a run of no class";
    struct run r = run_at_header(s, span, h);
    keep(p, 0, HEADER);
    for (uint64_t live = run_live_mask(&r); live != 0 && text == NULL; live &= live - 1)
        text = canon_slot(s, p, &r, bit_lowest(live));
    if (r.free != 0) keep(p, slot_offset(r.class, bit_highest(r.free)), 8);
    return text;
}

static const char *canon_span(const struct store *s, unit_t at, unit_t units,
                              unsigned char fill) {
    static unsigned char was[SPAN_MOST];
    struct span p = {(unsigned char *)area_at(&s->area, at), was, units_bytes(units)};
    uint64_t h = area_header(&s->area, at);
    memcpy(was, p.at, p.bytes);
    memset(p.at, fill, p.bytes);
    switch (header_kind(h)) {
    case SPAN_FREE: canon_free(&p); return NULL;
    case SPAN_RUN: return canon_run(s, &p, at);
    default:
        if (s->mover.slot != SLOT_NIL && at == s->mover.to) return canon_moving(s, &p, h);
        return canon_block(s, &p, h);
    }
}

static const char *canon_area(const struct ground *g, unsigned char fill) {
    const struct store *s = &g->h->store;
    const struct area *a = &s->area;
    unit_t units;
    for (unit_t at = 0; at < a->limit; at += units) {
        uint64_t h = area_header(a, at);
        unsigned class_id = run_class(h);
        if (header_kind(h) == SPAN_RUN &&
            (class_id == 0 || class_id >= CLASSES || run_slots(h) == 0))
            return "a run of no class";
        units = area_units(a, at);
        if (units == 0 || units > a->limit - at)
            return fault("a span at unit %u has %u units", at, units);
        if (g->filler != 0 && at == 0) continue;
        if (units_bytes(units) > SPAN_MOST) return "a span is too long";
        const char *text = canon_span(s, at, units, fill);
        if (text != NULL) return text;
    }
    return NULL;
}

/* --- the table --- */

static void canon_table(const struct ground *g, unsigned char fill) {
    struct table *t = &g->h->store.table;
    unsigned dropped = ENTRY_GENERATION_SHIFT + g->config->generations;
    for (uint32_t slot = 0; slot < t->n_slots; slot++)
        if (!table_is_bitmap(slot))
            table_set(t, slot, table_entry(t, slot) & bit_mask(dropped));
    t->generation &= (uint32_t)bit_mask(g->config->generations);
    char *end = g->h->region.table_end, *low = table_slot(t, t->n_slots - 1);
    if (end < low) memset(end, fill, (size_t)(low - end));
    t->reach = t->room;
}

/* --- the heap's own structure --- */

/* Structures with bytes between their members, made anew. */
static void canon_pass(struct store *s, uint64_t stamp) {
    struct pass was = s->pass;
    bool begins = was.phase >= PASS_KEEP && was.stamp != stamp;
    memset(&s->pass, 0, sizeof s->pass);
    if (begins || was.phase == PASS_NONE) return;
    s->pass.phase = was.phase;
    s->pass.whole = was.whole;
    if (was.phase != PASS_DONE) s->pass.cursor = was.cursor;
    s->pass.stamp = was.stamp == stamp ? 1 : NEVER; /* 1: that it was so; see below */
}

static void canon_mover(struct store *s) {
    struct mover was = s->mover;
    memset(&s->mover, 0, sizeof s->mover);
    if (was.slot == SLOT_NIL) return;
    s->mover.slot = was.slot;
    s->mover.slide = was.slide;
    s->mover.from = was.from;
    s->mover.to = was.to;
    s->mover.units = was.units;
    s->mover.reach = was.reach;
    s->mover.done = was.done;
}

static void canon_scan(struct store *s, uint64_t stamp) {
    struct fill_scan was = s->scan;
    bool known = was.stamp == stamp;
    memset(&s->scan, 0, sizeof s->scan);
    s->scan.stamp = known ? 1 : NEVER;
    s->scan.at = was.at;
    if (was.at != 0) s->scan.gap = was.gap;
    if (!known) return;
    s->scan.passed = was.passed;
    memcpy(s->scan.least, was.least, sizeof was.least);
    s->scan.shift = was.shift;
    s->scan.sure = was.sure;
}

static void canon_stamps(struct store *s) {
    uint64_t both = s->allocations + s->changes;
    canon_pass(s, store_stamp(s));
    canon_scan(s, both);
    s->stuck_at = s->stuck_at == both ? 1 : NEVER;
    s->allocations = 2 * SLOTS; /* more than there are blocks, or ever were at a time */
    s->changes = 0;
    if (s->pass.stamp == 1) s->pass.stamp = store_stamp(s);
    if (s->scan.stamp == 1) s->scan.stamp = s->allocations;
    if (s->stuck_at == 1) s->stuck_at = s->allocations;
}

static void canon_quick(struct store *s, unsigned char fill) {
    struct quick *q = &s->quick;
    if (q->high >= QUICK_LOW)
        q->high = s->table.n_taken + s->table.n_taken / 32 + QUICK_LOW;
    memset(q->queue + q->n_queued, fill, (QUICK_QUEUE - q->n_queued) * sizeof *q->queue);
    for (uint32_t chunk = 1; chunk < q->n_chunks; chunk++) {
        uint32_t at = q->pool + chunk * QUICK_CHUNK, end = at;
        bool vacant = false, top = false;
        for (uint32_t v = q->vacant; v != 0; v = load32(quick_word(s, v)))
            vacant |= v == at;
        if (chunk + q->fresh > q->n_chunks)
            end = at + QUICK_WORD; /* in use, or its link */
        for (unsigned c = 1; c < CLASSES; c++)
            if (q->small[c] >= at && q->small[c] < at + QUICK_CHUNK) {
                end = q->small[c] + QUICK_WORD;
                top = true;
            }
        if (end > at && !vacant && !top) continue; /* full: another lies on it */
        memset(quick_word(s, end), fill, at + QUICK_CHUNK - end);
    }
}

static const char *canon_heap(struct ground *g, unsigned char fill) {
    struct store *s = &g->h->store;
    canon_mover(s);
    if (s->area.stretch == UNIT_NIL) s->area.stretch_units = 0;
    memset(s->area.stretch_empty, 0, sizeof s->area.stretch_empty);
    if (s->quick.n_queued > QUICK_QUEUE) return "too much is queued";
    canon_quick(s, fill);
    canon_stamps(s);
    s->peak_requested = s->requested;
    s->moved = s->moved_blocks = s->looked = s->regained = s->returned = 0;
    s->voided = s->failures = 0;
    s->passes = 0;
    s->tight = s->sliding = false;
    s->piece = 0;
    s->ebb.low = 0;
    if (s->ebb.next != UINT64_MAX) return "pages of the caller's would be given back";
    g->h->pace = 0;
    return NULL;
}

void canon_unlink(struct ground *g) {
    struct area *a = &g->h->store.area;
    for (unit_t at = 0; at < a->limit; at += area_units(a, at)) {
        uint64_t h = area_header(a, at);
        if (header_kind(h) != SPAN_FREE) continue;
        size_t bytes = units_bytes(free_size(h));
        store64(area_at(a, at), h & bit_mask(FREE_NEXT_SHIFT));
        memset(area_at(a, at) + HEADER, 0, bytes - HEADER - sizeof(uint32_t));
    }
    memset(a->buddy.bins, 0, sizeof a->buddy.bins);
    memset(a->buddy.tries, 0, sizeof a->buddy.tries);
}

const char *canon(struct ground *g, unsigned char fill) {
    const struct store *s = &g->h->store;
    if (s->table.n_slots > SLOTS || s->table.n_slots > s->table.room ||
        (size_t)s->area.limit * UNIT > g->bytes)
        return fault("%u slots in room for %u, %u units", s->table.n_slots, s->table.room,
                     s->area.limit);
    const char *text = canon_area(g, fill);
    if (text == NULL) text = canon_heap(g, fill);
    if (text == NULL) canon_table(g, fill);
    return text;
}
