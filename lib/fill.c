/* SPDX-License-Identifier: MIT */
#include "fill.h"

#include "block.h"
#include "move.h"
#include "run.h"

/*
 * What a search remembers, until something is allocated, unlocked, resized or merged:
 *
 *      gap          | stretch k      | k+1            | k+2      at           |
 *      |____|PINNED |.....passed.....|.....passed.....|..passed..^
 *                     least[k]         least[k+1]       passed
 *
 * Whatever is movable in a stretch above the gap takes at least least[] units; 0: not known. The pass
 * goes upward, what lies above its gap only ever leaves: so it stays true for the gaps that follow.
 */

enum { SLOTS_A_LOOK = 8 }; /* references read at the price of one span */

static uint64_t stamp(const struct store *s) { return s->allocations + s->changes; }

void fill_forget(struct store *s) {
    struct fill_scan *scan = &s->scan;
    *scan = (struct fill_scan){.stamp = stamp(s), .shift = ZONE_SHIFT};
    while (s->area.limit >> scan->shift >= FILL_STRETCHES) scan->shift++;
}

static unit_t stretch_of(const struct store *s, unit_t at) { return at >> s->scan.shift; }

/* The first span that begins at `from` or above it; the area, which may have got shorter since, ends
   there otherwise. */
static unit_t start_from(const struct area *a, unit_t from) {
    if (from >= a->limit) return a->limit;
    unit_t at = area_start_near(a, from);
    while (at < from) at += area_units(a, at);
    return at;
}

/* --- one span --- */

static void passed(struct store *s, unit_t units) {
    if (units < s->scan.passed) s->scan.passed = units;
}

static bool fill_single(struct store *s, unit_t gap, bool whole, unit_t span) {
    unit_t units = free_size(area_header(&s->area, gap));
    struct run r = run_at(s, span);
    s->looked += r.slots / SLOTS_A_LOOK;
    for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1) {
        unsigned i = bit_lowest(live);
        unit_t single = block_units(run_size_least(&r, i), false);
        if (single <= units && !whole) {
            if (move_slot_rests(s, span, i))
                continue; /* it stays in a run of its class */
            single = block_units(run_size(s, &r, i), false);
        }
        if (single > units || whole) {
            passed(s, single);
        } else if (!move_slot_pinned(s, span, i)) {
            unit_t left = move_single(s, gap, span, i);
            if (left == UNIT_NIL) continue;
            s->scan.sure = left == span;
            return true;
        }
    }
    return false;
}

/* Does a span, or an object in it, fit and move? Notes what is too large, pinned or not. */
static bool fill_from(struct store *s, unit_t gap, bool whole, unit_t span) {
    struct area *a = &s->area;
    unit_t units = free_size(area_header(a, gap)), size = area_units(a, span);
    unit_t to = move_fill_target(s, gap, span);
    /* Where its alignment is in the way, some larger gap is sure to hold it. */
    unit_t sure = size + (to - gap);
    if (sure > units) {
        passed(s, sure);
    } else if (!move_pinned(s, span)) {
        unit_t left = move_fill(s, gap, to, span);
        if (left == UNIT_NIL) return false;
        s->scan.sure = left == span;
        return true;
    }
    bool run = header_kind(area_header(a, span)) == SPAN_RUN;
    return run && fill_single(s, gap, whole, span);
}

/* --- the search --- */

/* From stretch `k` on, the first that may have something small enough. */
static unit_t worth_a_look(const struct store *s, unit_t k, unit_t units) {
    while (k < FILL_STRETCHES && s->scan.least[k] > units) k++;
    return k;
}

/* The first span of stretch `k`, or the area's end. */
static unit_t enter(struct store *s, unit_t k) {
    size_t low = (size_t)k << s->scan.shift;
    s->scan.passed = UNIT_NIL;
    return low < s->area.limit ? start_from(&s->area, (unit_t)low) : s->area.limit;
}

/* Where a search begins, given what is known. */
static unit_t begin_at(struct store *s, unit_t above, unit_t units) {
    struct fill_scan *scan = &s->scan;
    unit_t first = stretch_of(s, above), k = worth_a_look(s, first, units);
    if (scan->at > above && k >= stretch_of(s, scan->at) && scan->passed > units)
        return scan->sure ? scan->at : start_from(&s->area, scan->at);
    if (k > first) return enter(s, k);
    scan->passed = UNIT_NIL;
    return above;
}

/* The same where things have changed: the search for the gap it was about goes on where it is,
   lest it never come to its end. */
static unit_t begin_anew(struct store *s, unit_t gap, unit_t above) {
    struct fill_scan *scan = &s->scan;
    unit_t from = scan->gap == gap && scan->at > above ? scan->at : above;
    fill_forget(s);
    if (from == above) return above;
    scan->passed = 0; /* as much as nothing is known of it */
    return start_from(&s->area, from);
}

/* On from a stretch that has been passed to one that may have something; the area's end: none. */
static unit_t cross(struct store *s, unit_t k, unit_t at, unit_t units) {
    s->scan.least[k] = s->scan.passed;
    s->scan.passed = UNIT_NIL;
    k = stretch_of(s, at);
    unit_t next = worth_a_look(s, k, units);
    return next > k ? enter(s, next) : at;
}

static enum fill_result search(struct store *s, unit_t gap, bool whole, unit_t at,
                               size_t most) {
    struct area *a = &s->area;
    unit_t units = free_size(area_header(a, gap)), k = stretch_of(s, at);
    size_t begun = s->looked;
    if (at == a->limit) return FILL_NONE;
    for (; at < a->limit; at += area_units(a, at)) {
        if (stretch_of(s, at) != k) {
            at = cross(s, k, at, units);
            k = stretch_of(s, at);
            if (at == a->limit) return FILL_NONE;
        }
        s->scan.at = at;
        if (s->looked++ - begun >= most) return FILL_LATER;
        if (header_kind(area_header(a, at)) != SPAN_FREE && fill_from(s, gap, whole, at))
            return FILL_MOVED;
    }
    s->scan.least[k] = s->scan.passed;
    return FILL_NONE;
}

enum fill_result fill_step(struct store *s, unit_t gap, bool whole, size_t most) {
    struct fill_scan *scan = &s->scan;
    unit_t units = free_size(area_header(&s->area, gap)), above = gap + units;
    if (scan->at > s->area.limit) scan->at = 0; /* pages have been given back since */
    SOUND(scan->shift < UNIT_BITS);
    bool known = scan->stamp == stamp(s) && stretch_of(s, s->area.limit) < FILL_STRETCHES;
    unit_t at = known ? begin_at(s, above, units) : begin_anew(s, gap, above);
    scan->gap = gap;
    scan->sure = true;
    enum fill_result result = search(s, gap, whole, at, most);
    if (result == FILL_NONE) scan->at = 0;
    return result;
}
