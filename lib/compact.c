/* SPDX-License-Identifier: MIT */
#include "compact.h"

#include <stdatomic.h>

#include "block.h"
#include "claim.h"
#include "fill.h"
#include "merge.h"
#include "move.h"
#include "os.h"
#include "pages.h"
#include "slide.h"
#include "small.h"

enum {
    ACTIONS_LEAST = 64 * 1024, /* that a call may take, and for each unit and slot: it */
    ACTIONS_EACH = 64,         /* takes less, unless what it goes by is damaged */
    WORK_LEAST = 192 * 1024,   /* of a call that has moved nothing */
    CACHED = 8 << 20 >>
             UNIT_SHIFT,   /* an area so small is looked through twelve times as far */
    CLOCK_WORK = 8 * 1024, /* between two looks at the clock */
    CLOCK_ACTIONS = 4,
    PIECE_LARGE = 4 * MOVE_PIECE, /* one call of the system for each does not count */
    MERGE_BYTES = 2,          /* work for each byte of what is merged, beside its own, */
    MERGE_BLOCK = 64,         /* and for each block */
    LOOKS_ALIGNED = 8,        /* at what may fit below an aligned block */
    ZONES_LOOKED = 16 * 1024, /* the most to look for where a pass is to begin */
    UNITS_A_LOOK = 128,       /* on the way to the next gap */
    ZONES_A_LOOK = 32         /* at the price of one span */
};

/* --- how far --- */

/* One call's work so far, and how much there may be. */
struct effort {
    const struct compact_goal *goal;
    size_t work, moved;     /* the counters when it began */
    size_t checked;         /* work done when the clock was read */
    uint64_t actions, most; /* so many have been made; more there cannot be */
};

static size_t work_done(const struct store *s, const struct effort *e) {
    return store_work(s) - e->work;
}

static bool budgeted(const struct compact_goal *goal) {
    return goal->bytes != 0 || goal->until_ns != 0;
}

/* Work that is left for moving; what has been moved exceeds it by one action. */
static size_t work_left(const struct store *s, const struct effort *e) {
    size_t most = e->goal->bytes != 0 ? e->goal->bytes : SIZE_MAX, done = work_done(s, e);
    if (e->goal->until_ns != 0 && most > done + CLOCK_WORK) return CLOCK_WORK;
    return most > done ? most - done : 0;
}

/* The same for looking. A call that has not moved anything may go on for a while: it ends with either
   something moved, or WORK_LEAST's worth of memory looked at. */
static size_t looks_left(const struct store *s, const struct effort *e) {
    if (!budgeted(e->goal)) return SIZE_MAX / 2;
    if (s->moved != e->moved) return work_left(s, e) / WORK_LOOK;
    size_t least = s->area.limit > CACHED ? WORK_LEAST : 12 * WORK_LEAST;
    if (e->goal->waiting != NULL) least = MOVE_PIECE / 2;
    size_t most = e->goal->bytes > least ? e->goal->bytes : least;
    size_t done = work_done(s, e);
    return most > done ? (most - done) / WORK_LOOK : 0;
}

/* Is the budget spent? The clock is read after CLOCK_WORK or a few actions. */
static bool spent(const struct store *s, struct effort *e) {
    SOUND(e->actions++ < e->most);
    if (e->goal->waiting != NULL &&
        atomic_load_explicit(e->goal->waiting, memory_order_relaxed) > 0)
        return true;
    if (looks_left(s, e) == 0) return true;
    if (e->goal->until_ns == 0 || s->moved == e->moved) return false;
    size_t done = work_done(s, e);
    if (done - e->checked < CLOCK_WORK && e->actions % CLOCK_ACTIONS != 0) return false;
    e->checked = done;
    return os_now_ns() >= e->goal->until_ns;
}

static bool reached(const struct store *s, const struct compact_goal *goal) {
    const struct area *a = &s->area;
    if (goal->units != 0 && area_has(a, goal->units)) return true;
    if (goal->last == 0) return false;
    return area_free_at_end(a) >= goal->last;
}

/* --- which way --- */

/* The most to move at once: half of what is left of a budget, since giving back the target's pages
   may cost as much again. */
static size_t piece(const struct store *s, const struct effort *e) {
    if (e->goal->waiting != NULL) return MOVE_PIECE / 2;
    if (!budgeted(e->goal)) return SIZE_MAX;
    size_t half = work_left(s, e) / 2;
    return half > MOVE_PIECE ? half : MOVE_PIECE;
}

/* How large blocks are to be moved: by their pages, where that is worth it. That leaves gaps; where
   memory is short nothing is filled in then: that takes headers, and what is free between two pinned
   spans is to become one piece. compact_outlook relies on both. */
static void choose_ways(struct store *s, const struct effort *e) {
    enum pages_terms terms = e->goal->reuse ? PAGES_REUSED : PAGES_WHOLE;
    if (piece(s, e) < PIECE_LARGE) terms = PAGES_PIECES;
    bool pages = pages_wanted(s, terms);
    s->sliding = pages && e->goal->tight;
    s->tight = !pages;
}

/* All has been slid with the gaps left that pages need, in vain: now without. */
static bool in_vain(struct store *s) {
    if (!s->sliding) return false;
    s->sliding = false;
    s->tight = true;
    return true;
}

/* --- up through the gaps --- */

/* What is left of a gap after something has been filled in; UNIT_NIL: nothing. */
static unit_t rest_of(const struct area *a, unit_t gap) {
    if (header_kind(area_header(a, gap)) == SPAN_FREE) return gap;
    gap += area_units(a, gap);
    return header_kind(area_header(a, gap)) == SPAN_FREE ? gap : UNIT_NIL;
}

enum step { STEP_ACTED, STEP_LATER, STEP_NONE };

/* One action on a gap below something that did not go with the others. */
static enum step stubborn(struct store *s, unit_t gap, unit_t *next, size_t looks) {
    unit_t above = gap + free_size(area_header(&s->area, gap));
    bool pinned = move_pinned(s, above);
    if (!pinned) {
        unit_t to = move_target(s, gap, above);
        if (to < above) {
            *next = move_slide(s, gap, to);
            fill_unsure(s); /* a gap may be left below it */
            return STEP_ACTED;
        }
    }
    if (s->sliding) return STEP_NONE;
    /* Below an aligned block, or one whose pages are moved, a gap may remain: worth a look around, but
       no object of a run, which would have to be merged again. */
    if (!pinned && looks > LOOKS_ALIGNED) looks = LOOKS_ALIGNED;
    switch (fill_step(s, gap, !pinned, looks)) {
    case FILL_MOVED: *next = rest_of(&s->area, gap); return STEP_ACTED;
    case FILL_LATER: return pinned ? STEP_LATER : STEP_NONE;
    default: return STEP_NONE;
    }
}

/* Units walked over, in search of a gap, from what lies above one to the next: the rest of one zone, the
   first of another; the bitmap knows those between. */
static unit_t units_walked(const struct area *a, unit_t gap, unit_t to) {
    unit_t from = gap + area_units(a, gap), zone = gap >> ZONE_SHIFT;
    from += area_units(a, from);
    unit_t end = (zone + 1) << ZONE_SHIFT;
    if (to < end) return to - from;
    unit_t first = to < a->limit ? zone_first(a->zones, to >> ZONE_SHIFT) : to;
    return (from < end ? end - from : 0) + to - first;
}

/* One action at the lowest gap from the cursor on, which is `*known` or to be found. */
static enum step slide_step(struct store *s, const struct effort *e, unit_t *known) {
    struct area *a = &s->area;
    size_t work = work_left(s, e);
    if (e->goal->waiting != NULL && work > MOVE_PIECE / 2) work = MOVE_PIECE / 2;
    struct slide_goal goal = {work, e->goal->units != 0 ? e->goal->units : UNIT_NIL};
    unit_t gap = *known != UNIT_NIL ? *known : area_lowest_free(a, s->pass.cursor);
    *known = UNIT_NIL;
    s->looked++;
    if (gap == UNIT_NIL || gap + free_size(area_header(a, gap)) >= a->limit)
        return STEP_NONE; /* the free span at the end */
    s->pass.cursor = gap;
    *known = slide(s, gap, &goal);
    if (*known != gap) {
        fill_unsure(s); /* what it was to look at next may have gone down */
        return STEP_ACTED;
    }
    enum step step = stubborn(s, gap, known, looks_left(s, e));
    if (step != STEP_NONE) return step;
    *known = area_next_free(a, gap);
    s->pass.cursor = *known != UNIT_NIL ? *known : a->limit;
    s->looked += units_walked(a, gap, s->pass.cursor) / UNITS_A_LOOK;
    return *known != UNIT_NIL ? STEP_ACTED : STEP_NONE;
}

/* What is left of gaps is too small for anything above with its header. Where a slot would fit by
   itself, the gap becomes one. False: there are no more. */
static bool keep_step(struct store *s) {
    struct area *a = &s->area;
    unit_t gap = area_lowest_free(a, s->pass.cursor);
    if (gap == UNIT_NIL) return false;
    unit_t units = free_size(area_header(a, gap));
    s->pass.cursor = gap + units;
    s->looked++;
    if (gap + units >= a->limit) return false;
    if (small_has_stride(s, units_bytes(units))) small_keep_gap(s, gap);
    return true;
}

/* --- passes --- */

/* A pass of some steps may leave alone what is dense: where it begins, three quarters of what is free
   below the last block lie above, and at most half of what is used. Else at the low end. */
static unit_t sparse_start(struct store *s) {
    const struct area *a = &s->area;
    unit_t extent = area_extent(a), end = extent >> ZONE_SHIFT;
    size_t free = a->free_units - area_free_at_end(a), above = 0;
    if (end > ZONES_LOOKED) return 0;
    s->looked += end / ZONES_A_LOOK;
    unit_t z = end;
    while (z > end / 2 && 4 * above < 3 * free) above += a->zones[--z].free;
    if (4 * above < 3 * free) return 0;
    size_t used = extent - free, used_above = extent - (z << ZONE_SHIFT) - above;
    return 2 * used_above <= used ? z << ZONE_SHIFT : 0;
}

static void begin_pass(struct store *s, bool low) {
    unit_t cursor = low ? 0 : sparse_start(s);
    s->pass = (struct pass){PASS_DROP, cursor == 0, cursor, store_stamp(s)};
    s->passes++;
    merge_again(s);
}

/* The end of the area has been reached. What has changed since the pass began may have left something
   to do below, and what fills have taken out of runs something to merge; else it is the last one. */
static void end_pass(struct store *s) {
    bool undisturbed = s->pass.stamp == store_stamp(s);
    if (in_vain(s)) {
        s->pass.cursor = 0;
    } else if (s->pass.whole && undisturbed && !merge_pending(s)) {
        s->pass.phase = PASS_KEEP;
        s->pass.cursor = 0;
    } else {
        begin_pass(s, !s->pass.whole || undisturbed);
    }
}

/* Where a call begins. */
static void take_up(struct store *s, const struct compact_goal *goal) {
    bool old = s->pass.stamp != store_stamp(s);
    s->scan.sure = false;
    if (!budgeted(goal))
        begin_pass(s, true); /* as compact_outlook supposes */
    else if (s->pass.phase == PASS_NONE || (old && s->pass.phase >= PASS_KEEP))
        begin_pass(s, false);
}

/* Nothing is left to do, and nothing has happened since. Who needs memory may have freed some that is
   not counted yet. */
static bool still_done(const struct store *s, const struct compact_goal *goal) {
    return goal->units == 0 && goal->last == 0 && s->pass.phase == PASS_DONE &&
           s->pass.stamp == store_stamp(s);
}

/* One action of merging: objects come from anywhere, go anywhere, and so do not move as fast as spans
   that slide. To who asks for steps they count as what that takes. */
static bool merge_some(struct store *s, const struct effort *e) {
    size_t bytes = s->moved, blocks = s->moved_blocks;
    if (!merge_step(s)) return false;
    bytes = s->moved - bytes, blocks = s->moved_blocks - blocks;
    if (!e->goal->reuse)
        s->looked += (bytes * MERGE_BYTES + blocks * MERGE_BLOCK) / WORK_LOOK;
    return true;
}

/* One action of the pass. */
static enum step pass_step(struct store *s, const struct effort *e, unit_t *known) {
    switch (s->pass.phase) {
    case PASS_DROP:
        s->looked++;
        if (!small_drop_kept(s)) s->pass.phase = PASS_MERGE;
        return STEP_ACTED;
    case PASS_MERGE:
        if (merge_some(s, e)) return STEP_ACTED;
        fill_forget(s); /* objects may lie where a search has been */
        s->pass.phase = PASS_SLIDE;
        return STEP_ACTED;
    case PASS_SLIDE: {
        enum step step = slide_step(s, e, known);
        if (step == STEP_NONE) end_pass(s);
        return step == STEP_LATER ? STEP_LATER : STEP_ACTED;
    }
    default:
        if (keep_step(s)) return STEP_ACTED;
        s->pass.phase = PASS_DONE;
        return STEP_NONE;
    }
}

static bool work_toward(struct store *s, struct effort *e) {
    unit_t known = UNIT_NIL; /* the gap to go on with */
    while (!reached(s, e->goal) && !spent(s, e)) {
        s->piece = piece(s, e);
        if (s->mover.slot != SLOT_NIL) {
            move_continue(s);
            fill_unsure(s);
            known = UNIT_NIL;
        } else if (pass_step(s, e, &known) == STEP_NONE) {
            return true;
        }
    }
    return false;
}

bool compact(struct store *s, const struct compact_goal *goal) {
    if (__atomic_exchange_n(&s->table.unlocked, 0, __ATOMIC_SEQ_CST)) {
        s->changes++;
#if !defined(__x86_64__) && !defined(__i386__)
        if (s->concurrent) os_barrier_seldom(); /* what was unlocked is seen to be */
#endif
    }
    if (still_done(s, goal)) return true;
    struct effort e = {
        .goal = goal, .work = store_work(s) - goal->spent, .moved = s->moved};
    e.most = ACTIONS_LEAST + ACTIONS_EACH * ((uint64_t)s->area.limit + s->table.n_slots);
    unit_t extent = area_extent(&s->area);
    choose_ways(s, &e);
    take_up(s, goal);
    bool done = work_toward(s, &e);
    if (s->sliding) s->pass.phase = PASS_NONE; /* gaps have been passed over */
    unit_t now = area_extent(&s->area);
    if (now < extent) s->regained += units_bytes(extent - now);
    return done;
}

unit_t compact_used_below(const struct area *a, unit_t gap) {
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
    s->pass.phase = PASS_NONE; /* what was done is undone */
    while (gap > behind) {
        unit_t below = compact_used_below(a, gap), size = area_units(a, below);
        if (move_pinned(s, below) || !claim_span(s, below, LOCKS_MOVING)) return false;
        /* Aligned blocks need their steps: then all of the gap goes down with each. */
        unit_t by = s->aligned_slack != 0 ? free_size(area_header(a, gap)) : units;
        if (header_kind(area_header(a, below)) == SPAN_ALIGNED) {
            unit_t step = (unit_t)(block_alignment(s, below) >> UNIT_SHIFT);
            by = by / step * step;
            if (by == 0) {
                claim_drop(s, below, LOCKS_MOVING);
                return false;
            }
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

size_t compact_outlook(struct store *s, bool pinned, size_t beyond) {
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
