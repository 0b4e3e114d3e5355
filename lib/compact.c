/* SPDX-License-Identifier: MIT */
#include "compact.h"

#include "block.h"
#include "merge.h"
#include "move.h"
#include "os.h"
#include "pages.h"
#include "small.h"

enum {
    SCAN_SPANS = 1024, /* looked at in one action of a search */
    CLOCK_BYTES = 4096,
    CLOCK_ACTIONS = 4
};
/* Pages are moved while those to be given back for it are at most this share of what is used: else
   copying is faster. Less in small pieces, and on demand: a page that comes back costs five times the
   copying of one. */
enum { GIVE_SHARE = 2, REUSE_SHARE = 8 };

/* --- fill --- */

static uint64_t stamp(const struct store *s) { return s->allocations + s->changes; }

/* Does anything movable in a span fit into `units` at `gap`? Notes the least that does not. */
static bool fill_from(struct store *s, unit_t gap, unit_t units, unit_t span) {
    uint64_t h = area_header(&s->area, span);
    unit_t size = area_units(&s->area, span);
    bool pinned = move_pinned(s, span);
    if (!pinned) {
        unit_t to = move_fill_target(s, gap, span);
        if (to + size <= gap + units) {
            s->scan.at = move_fill(s, gap, to, span);
            return true;
        }
        /* Where its alignment is in the way, some larger gap is sure to hold it. */
        unit_t sure = size + (unit_t)(to - gap);
        if (sure < s->scan.least) s->scan.least = sure;
    }
    if (header_kind(h) != SPAN_RUN) return false;
    struct run r = run_at(s, span);
    for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1) {
        unsigned i = bit_lowest(live);
        unit_t single = block_units(run_size(&r, i), false);
        if (single >= s->scan.least && single > units) continue;
        if (pinned && move_slot_pinned(s, span, i)) continue;
        if (single <= units) {
            s->scan.at = move_single(s, gap, span, i);
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
    /* What a search from a gap below has passed over is too large for this one too, unless the
       least of it would fit here; and where one has ended, everything takes that or more. */
    if (s->scan_stamp != stamp(s) || gap < scan->gap)
        *scan = (struct fill_scan){
            .gap = gap, .units = units, .at = above, .least = UNIT_NIL};
    s->scan_stamp = stamp(s);
    if (units < scan->floor) return false;
    bool holds =
        gap == scan->gap ? units <= scan->units : gap > scan->gap && units < scan->least;
    if (!holds)
        *scan =
            (struct fill_scan){gap, units, above, UNIT_NIL, scan->floor, false, false};
    if (scan->done) return false;
    unit_t from = scan->at > above ? scan->at : above;
    unsigned looked_at = 0;
    /* Where spans may have merged since, begin at one that is still a start. */
    bool there = from == above || scan->start;
    scan->start = true;
    for (unit_t at = there ? from : area_start_near(a, from); at < a->limit;
         at += area_units(a, at)) {
        if (at < from || header_kind(area_header(a, at)) == SPAN_FREE) continue;
        scan->at = at;
        if (looked_at++ == SCAN_SPANS || fill_from(s, gap, units, at)) return true;
    }
    scan->at = a->limit;
    scan->done = true;
    scan->floor = scan->least;
    return false;
}

/* --- slide --- */

/* What is left of a gap after something has been filled in; UNIT_NIL: nothing. */
static unit_t rest_of(const struct area *a, unit_t gap) {
    if (header_kind(area_header(a, gap)) == SPAN_FREE) return gap;
    gap += area_units(a, gap);
    return header_kind(area_header(a, gap)) == SPAN_FREE && gap < a->limit ? gap
                                                                           : UNIT_NIL;
}

/* One action at the lowest gap from `*cursor` on, which is `*known` or to be found; false: there
   is none to act on. */
static bool slide_step(struct store *s, unit_t *cursor, unit_t *known) {
    struct area *a = &s->area;
    unit_t gap = *known != UNIT_NIL ? *known : area_lowest_free(a, *cursor);
    for (; gap != UNIT_NIL; gap = area_next_free(a, gap)) {
        unit_t above = gap + free_size(area_header(a, gap));
        if (above >= a->limit) return false; /* the free span at the end */
        *cursor = gap;
        if (!move_pinned(s, above)) {
            unit_t to = move_target(s, gap, above);
            if (to < above) {
                s->scan.start = false;
                *known = move_slide(s, gap, to);
                return true;
            }
        }
        if (!s->sliding && fill_step(s, gap)) {
            *known = rest_of(a, gap);
            return true;
        }
    }
    return false;
}

/* Compaction is complete: what is left of gaps is too small for anything above with its header.
   Where a slot would fit by itself, the gap becomes one. */
static void keep_gaps(struct store *s) {
    struct area *a = &s->area;
    unit_t gap = area_lowest_free(a, 0), next;
    for (; gap != UNIT_NIL; gap = next) {
        unit_t units = free_size(area_header(a, gap));
        next = area_next_free(a, gap);
        if (next != UNIT_NIL || gap + units < a->limit)
            if (small_has_stride(s, units_bytes(units))) small_keep_gap(s, gap);
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

/* Is the budget spent? The clock is read after 4 KiB moved or a few actions. */
static bool spent(const struct store *s, const struct compact_goal *goal, size_t moved,
                  unsigned actions, size_t *checked) {
    if (moved == 0) return false; /* there is always progress */
    if (goal->bytes != 0 && moved >= goal->bytes) return true;
    if (goal->until_ns == 0) return false;
    if (moved - *checked < CLOCK_BYTES && actions % CLOCK_ACTIONS != 0) return false;
    *checked = moved;
    return os_now_ns() >= goal->until_ns;
}

/* Free memory that has pages, below the last block: a target has to give them back before pages
   are moved there. */
static unit_t populated_below(const struct area *a) {
    unit_t last = area_last_free(a);
    unit_t at_end = last == UNIT_NIL ? 0 : buddy_key(a->base, last);
    return a->free_units - a->released_units - at_end;
}

/* How large blocks are to be moved: by their pages, unless too many of others would have to be given
   back for it. Pages moved leave gaps, so on the way to a goal nothing is
   filled in then: that takes headers, and what is free between two pinned spans is to become one
   piece. compact_outlook relies on both. */
static void choose_ways(struct store *s, const struct compact_goal *goal) {
    const struct area *a = &s->area;
    bool pieces = goal->bytes != 0 || goal->until_ns != 0;
    unit_t used = a->limit - a->free_units;
    unit_t share = used / (goal->reuse || pieces ? REUSE_SHARE : GIVE_SHARE);
    bool pages = populated_below(a) <= share && pages_wanted(s);
    s->sliding = pages && (goal->units != 0 || goal->tight);
    s->tight = !pages;
    s->piece = pieces ? MOVE_PIECE : SIZE_MAX;
}

bool compact(struct store *s, const struct compact_goal *goal) {
    size_t before = s->moved, checked = 0;
    /* Within a budget the pass goes on where the last call left it, however much has been freed
       below; else it begins at the low end, as compact_outlook supposes. */
    bool goes_on = goal->bytes != 0 || goal->until_ns != 0;
    unit_t cursor = goes_on ? s->cursor : 0; /* gaps below it wait for the next pass */
    bool whole = cursor == 0;                /* this pass began at the low end */
    bool merging = whole;                    /* a pass begins with it */
    choose_ways(s, goal);
    small_drop_kept(s);
    unit_t known = UNIT_NIL; /* the gap to go on with */
    s->scan.start = false;
    merge_again(s);
    for (unsigned actions = 0;; actions++) {
        s->cursor = cursor;
        if (reached(s, goal)) return false;
        if (spent(s, goal, s->moved - before, actions, &checked)) return false;
        if (s->mover.slot != SLOT_NIL) {
            move_continue(s);
            s->scan.start = false;
            known = UNIT_NIL;
            continue;
        }
        if (merging) {
            s->scan.gap = UNIT_NIL; /* objects may come to lie where it has been */
            known = UNIT_NIL;
            merging = merge_step(s);
        }
        if (!merging) {
            if (slide_step(s, &cursor, &known)) continue;
            bool pending = merge_pending(s);
            cursor = 0;
            known = UNIT_NIL;
            if (s->sliding && goal->tight) {
                s->sliding = false;
                s->tight = true;
                continue;
            }
            if (whole && !pending) {
                s->cursor = 0;
                keep_gaps(s);
                return true;
            }
            merging = pending; /* a fill has taken objects out of runs */
            whole = true;
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
        /* Aligned blocks need their steps: then all of the gap goes down with each. */
        unit_t by = s->aligned_slack != 0 ? free_size(area_header(a, gap)) : units;
        if (header_kind(area_header(a, below)) == SPAN_ALIGNED) {
            unit_t step = (unit_t)(block_alignment(s, below) >> UNIT_SHIFT);
            by = by / step * step;
            if (by == 0) return false;
        }
        gap = area_raise(a, below, size, by);
        s->moved += units_bytes(size);
        move_arrived(s, below + by, below);
    }
    return free_size(area_header(a, gap)) >= units;
}

size_t compact_regain(const struct store *s) {
    const struct mover *m = &s->mover;
    size_t reserved = 0;
    if (m->slot != SLOT_NIL)
        reserved = m->slide ? s->area.stretch_units - m->units : m->units;
    return small_excess(s, NULL) + reserved;
}

static size_t less(size_t a, size_t b) { return a > b ? a - b : 0; }

size_t compact_outlook(const struct store *s, bool pinned, size_t beyond) {
    const struct area *a = &s->area;
    if (!pinned)
        return less(a->free_units + compact_regain(s) + beyond, s->aligned_slack);
    /* Between two pinned spans everything slides down: their free memory becomes one piece
       before anything else is moved in from above. Where pages are moved it becomes that only
       when all has been slid, past aligned blocks too. */
    bool early = !s->large || s->pages_state == PAGES_STAY;
    size_t most = 0, sum = 0;
    for (unit_t at = 0; at < a->limit; at += area_units(a, at)) {
        uint64_t h = area_header(a, at);
        if (header_kind(h) == SPAN_FREE)
            sum += free_size(h);
        else if (at == a->stretch)
            continue; /* its own gap counts as used */
        else if (move_pinned(s, at)) {
            if (sum > most) most = sum;
            sum = 0;
        } else if (header_kind(h) == SPAN_ALIGNED)
            sum = less(sum, block_alignment(s, at) >> UNIT_SHIFT);
        if (early && sum > most) most = sum;
    }
    sum += beyond;
    return sum > most ? sum : most;
}
