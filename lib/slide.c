/* SPDX-License-Identifier: MIT */
#include "slide.h"

#include "block.h"
#include "move.h"
#include "run.h"

enum {
    LINE = 64, /* bytes that come at once from memory */
    AHEAD = 4 * LINE,
    ASK_MOST = 4096
};

static void ask(const char *from, size_t bytes) {
    if (bytes > ASK_MOST) bytes = ASK_MOST;
    for (size_t at = 0; at < bytes; at += LINE) __builtin_prefetch(from + at);
}

/* Ask for what the move of a span will need: entries come in no order that the machine could guess.
   Returns where the next one begins, whose header will be needed for that. */
static unit_t look_ahead(const struct store *s, unit_t span) {
    const struct area *a = &s->area;
    if (span >= a->limit) return span;
    uint64_t h = area_header(a, span);
    enum span_kind kind = header_kind(h);
    if (kind == SPAN_RUN) {
        struct run r = run_at(s, span);
        for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1)
            __builtin_prefetch(
                table_slot(&s->table, ref_slot(run_ref(&r, bit_lowest(live)))), 1);
    } else if (kind != SPAN_FREE) {
        __builtin_prefetch(table_slot(&s->table, block_ref(h)), 1);
    }
    unit_t units = area_units(a, span), next = span + units;
    if (kind != SPAN_FREE) ask(area_at(a, span) + AHEAD, units_bytes(units));
    /* A header, and references; what comes behind a gap is moved soonest. */
    ask(area_at(a, next), kind == SPAN_FREE ? ASK_MOST / 2 : AHEAD);
    return next;
}

/* --- entries follow --- */

static bool unlocked(const struct store *s, uint32_t slot) {
    unsigned locks = entry_locks(table_entry(&s->table, slot));
    return locks == LOCKS_NONE || locks == LOCKS_FREE; /* in use, or at rest */
}

/* The object lies so many bytes lower. Whatever it is to its span, it stays. */
static void lower(struct store *s, uint32_t slot, size_t by) {
    table_set(&s->table, slot, table_entry(&s->table, slot) - (by >> 3));
}

/* The entries of what moves down by `by` bytes say so; not where something in it is locked. Returns
   how many objects there are; 0: locked. */
static unsigned follow(struct store *s, unit_t span, size_t by) {
    uint64_t h = area_header(&s->area, span);
    if (header_kind(h) != SPAN_RUN) {
        if (!unlocked(s, block_ref(h))) return 0;
        lower(s, block_ref(h), by);
        return 1;
    }
    struct run r = run_at(s, span);
    uint64_t all = run_live_mask(&r);
    for (uint64_t live = all; live != 0; live &= live - 1)
        if (!unlocked(s, ref_slot(run_ref(&r, bit_lowest(live))))) return 0;
    for (uint64_t live = all; live != 0; live &= live - 1)
        lower(s, ref_slot(run_ref(&r, bit_lowest(live))), by);
    return bit_count(all);
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

/* The span at the gap's end goes to its beginning. */
static bool slide_span(struct store *s, struct area_gap *gap, size_t work) {
    struct area *a = &s->area;
    unit_t from = gap->end, to = gap->at, units = area_units(a, from);
    size_t bytes = movable_bytes(s, from, units);
    if (bytes == 0 || bytes > work) return false;
    unsigned blocks = follow(s, from, units_bytes(from - to));
    if (blocks == 0) return false;
    memmove(area_at(a, to), area_at(a, from), bytes);
    if (header_kind(area_header(a, to)) == SPAN_RUN) run_relink(s, from, to);
    area_gap_pass(a, gap, units);
    store_moved(s, bytes - HEADER, blocks);
    return true;
}

/* The gap, and the free span that may lie above it now, become one. */
static bool widen(struct area *a, struct area_gap *gap) {
    if (gap->end == a->limit || header_kind(area_header(a, gap->end)) != SPAN_FREE)
        return false;
    area_gap_widen(a, gap);
    return true;
}

unit_t slide(struct store *s, unit_t gap, const struct slide_goal *goal) {
    struct area *a = &s->area;
    struct area_gap g;
    size_t before = store_work(s), done = 0;
    area_gap_open(a, gap, &g);
    unit_t ahead = look_ahead(s, g.end);
    while (g.end < a->limit && g.end - g.at < goal->units &&
           (done == 0 || done < goal->work)) {
        ahead = look_ahead(s, ahead);
        if (!slide_span(s, &g, done == 0 ? SIZE_MAX : goal->work - done)) break;
        done = store_work(s) - before;
        if (widen(a, &g)) ahead = look_ahead(s, ahead);
    }
    area_gap_close(a, &g);
    return g.at;
}
