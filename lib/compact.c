/* SPDX-License-Identifier: MIT */
#include "compact.h"

#include "block.h"
#include "check.h"
#include "merge.h"
#include "move.h"
#include "os.h"
#include "small.h"

enum {
    SCAN_SPANS = 1024, /* looked at in one action of a search */
    CLOCK_BYTES = 4096,
    CLOCK_ACTIONS = 4
};

/* --- fill --- */

static uint64_t stamp(const struct store *s) { return s->allocations + s->changes; }

/* Does anything movable in a span fit into `units` at `gap`? Notes the least that does not. */
static bool fill_from(struct store *s, unit_t gap, unit_t units, unit_t span) {
    uint64_t h = area_header(&s->area, span);
    unit_t size = area_units(&s->area, span);
    bool pinned = move_pinned(s, span);
    if (!pinned) {
        unit_t to = move_target(s, gap, span);
        if (to + size <= gap + units) {
            move_fill(s, gap, to, span);
            return true;
        }
        if (size < s->scan.least) s->scan.least = size;
    }
    if (header_kind(h) != SPAN_RUN) return false;
    struct run r = small_run(s, span);
    for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1) {
        unsigned i = bit_lowest(live);
        unit_t single = block_units(small_size(&r, i), false);
        if (single >= s->scan.least && single > units) continue;
        if (pinned && move_slot_pinned(s, span, i)) continue;
        if (single <= units) {
            move_single(s, gap, span, i);
            return true;
        }
        s->scan.least = single;
    }
    return false;
}

/* One action on a gap below something that cannot slide into it. False: the gap stays. */
static bool fill_step(struct store *s, unit_t gap) {
    struct area *a = &s->area;
    struct fill_scan *scan = &s->scan;
    unit_t units = free_size(area_header(a, gap));
    unit_t above = gap + units;
    if (s->scan_stamp != stamp(s)) {
        s->scan_stamp = stamp(s);
        *scan = (struct fill_scan){gap, above, UNIT_NIL, false};
    }
    /* What a search from a gap below has passed over is too large for this one too, unless the
       least of it would fit here. */
    if (gap < scan->gap || units >= scan->least)
        *scan = (struct fill_scan){gap, above, UNIT_NIL, false};
    if (scan->done) return false;
    unit_t from = scan->at > above ? scan->at : above;
    unsigned looked_at = 0;
    /* Spans may have merged since the search stood there: begin at one that is still a start. */
    for (unit_t at = area_start_near(a, from); at < a->limit; at += area_units(a, at)) {
        if (at < from || header_kind(area_header(a, at)) == SPAN_FREE) continue;
        scan->at = at;
        if (looked_at++ == SCAN_SPANS || fill_from(s, gap, units, at)) return true;
    }
    scan->at = a->limit;
    scan->done = true;
    return false;
}

/* --- slide --- */

/* One action at the lowest gap from `*cursor` on; false: there is none to act on. */
static bool slide_step(struct store *s, unit_t *cursor) {
    struct area *a = &s->area;
    for (;;) {
        unit_t gap = area_lowest_free(a, *cursor);
        if (gap == UNIT_NIL) return false;
        unit_t above = gap + free_size(area_header(a, gap));
        if (above >= a->limit) return false; /* the free span at the end */
        if (!move_pinned(s, above)) {
            unit_t to = move_target(s, gap, above);
            if (to < above) {
                move_slide(s, gap, to);
                return true;
            }
        }
        if (fill_step(s, gap)) return true;
        *cursor = gap + 1;
        size_t bytes = units_bytes(above - gap);
        if (small_has_stride(s, bytes)) small_keep_gap(s, gap);
    }
}

/* --- the whole --- */

static bool reached(const struct store *s, const struct compact_goal *goal) {
    const struct area *a = &s->area;
    if (goal->units != 0 && area_has(a, goal->units)) return true;
    if (goal->last == 0) return false;
    unit_t last = area_last_free(a);
    return last != UNIT_NIL && a->limit - last >= goal->last;
}

bool compact(struct store *s, const struct compact_goal *goal) {
    size_t before = s->moved, checked = s->moved;
    unit_t cursor = 0; /* no gap below it can be filled */
    bool merging = true;
    merge_again(s);
    for (unsigned actions = 0;; actions++) {
        if (reached(s, goal)) return false;
        size_t moved = s->moved - before;
        if (moved > 0 && goal->bytes != 0 && moved >= goal->bytes) return false;
        /* The clock is read after 4 KiB moved or a few actions. */
        if (goal->until_ns != 0 && moved > 0 &&
            (s->moved - checked >= CLOCK_BYTES || actions % CLOCK_ACTIONS == 0)) {
            checked = s->moved;
            if (os_now_ns() >= goal->until_ns) return false;
        }
        if (s->mover.slot != SLOT_NIL) {
            move_continue(s);
        } else if (!merging || !(merging = merge_step(s))) {
            if (slide_step(s, &cursor)) continue;
            if (!merge_pending(s)) return true;
            merging = true; /* a fill has taken objects out of runs */
            cursor = 0;
        }
    }
}

/* The used span that ends where the free span `gap` begins; gap > 0. */
static unit_t used_below(const struct area *a, unit_t gap) {
    unit_t at = area_start_near(a, gap - 1);
    for (;;) {
        unit_t next = at + area_units(a, at);
        if (next >= gap) return at;
        at = next;
    }
}

bool compact_raise(struct store *s, unit_t span, unit_t units) {
    struct area *a = &s->area;
    unit_t behind = span + area_units(a, span), gap = area_last_free(a);
    if (gap == UNIT_NIL || a->limit - gap < units) return false;
    while (gap > behind) {
        unit_t below = used_below(a, gap), size = area_units(a, below);
        if (move_pinned(s, below)) return false;
        unit_t by = units;
        if (header_kind(area_header(a, below)) == SPAN_ALIGNED) {
            unit_t step = (unit_t)(block_alignment(s, below) >> UNIT_SHIFT);
            by = free_size(area_header(a, gap)) / step * step;
            if (by == 0) return false;
        }
        area_raise(a, below, size, by);
        s->moved += units_bytes(size);
        move_arrived(s, below + by, below);
        gap = below;
    }
    return free_size(area_header(a, gap)) >= units;
}

size_t compact_regain(const struct store *s) {
    const struct mover *m = &s->mover;
    size_t reserved = 0;
    if (m->slot != SLOT_NIL)
        reserved = m->slide ? s->area.stretch_units - m->units : m->units;
    return small_excess(s) + reserved;
}

size_t compact_outlook(const struct store *s, bool pinned, size_t beyond) {
    const struct area *a = &s->area;
    if (!pinned) return a->free_units + compact_regain(s) + beyond;
    /* Between two pinned spans everything slides down: their free memory becomes one piece
       before anything else is moved in from above. */
    size_t most = 0, sum = 0;
    for (unit_t at = 0; at < a->limit; at += area_units(a, at)) {
        if (header_kind(area_header(a, at)) == SPAN_FREE)
            sum += free_size(area_header(a, at));
        else if (at == a->stretch || !move_pinned(s, at))
            continue;
        else
            sum = 0;
        if (sum > most) most = sum;
    }
    sum += beyond;
    return sum > most ? sum : most;
}
