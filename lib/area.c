/* SPDX-License-Identifier: MIT */
#include "area.h"

#include <errno.h>

#include "bytes.h"
#include "check.h"
#include "os.h"

/* --- pages given back inside a free span: invariant 12 --- */

enum { NEXT_RELEASED = 40, PREV_RELEASED = 44 };
/* So many pages between two ranges are given back, so that the two become one. */
enum { JOIN_PAGES = 8 };

static unit_t pages_units(uint32_t n) { return (unit_t)(n * (os_page() >> UNIT_SHIFT)); }

static bool has_released(uint64_t header) { return header >> FREE_RELEASED_BIT; }

/* The part of a range of pages that a free span [span, span + units) may give back: clear of
   its node and of its size word. */
static struct pages pages_inside(struct pages p, unit_t span, unit_t units) {
    size_t page = os_page();
    size_t low = round_up(units_bytes(span) + 8 + RELEASED_HEADROOM, page) / page;
    size_t high = (units_bytes(span + units) + 8 - sizeof(uint32_t)) / page;
    size_t first = p.first > low ? p.first : low;
    size_t end = p.first + p.n < high ? p.first + p.n : high;
    if (p.n == 0 || first >= end) return (struct pages){0, 0};
    return (struct pages){(uint32_t)first, (uint32_t)(end - first)};
}

/* Of two ranges in one free span, what can be recorded as one: the larger, and the other counts as
   committed again; or both, where little lies between that can be given back. */
static struct pages pages_join(const struct area *a, struct pages p, struct pages q) {
    if (p.n == 0 || q.n == 0) return p.n == 0 ? q : p;
    if (p.first > q.first) {
        struct pages lower = q;
        q = p, p = lower;
    }
    uint32_t end = p.first + p.n, between = q.first - end;
    int saved = errno;
    bool joined =
        between <= JOIN_PAGES &&
        (between == 0 || os_release(a->base - 8 + end * os_page(), between * os_page()));
    errno = saved;
    if (joined) return (struct pages){p.first, q.first + q.n - p.first};
    return q.n > p.n ? q : p;
}

struct pages area_given_back(const struct area *a, unit_t span) {
    const char *at = area_at(a, span);
    if (!has_released(area_header(a, span))) return (struct pages){0, 0};
    return (struct pages){load32(at + RELEASED_FIRST),
                          load32(at + RELEASED_COUNT) / pages_units(1)};
}

static void released_link(struct area *a, unit_t span, struct pages p) {
    char *at = area_at(a, span);
    store64(at, load64(at) | UINT64_C(1) << FREE_RELEASED_BIT);
    store32(at + RELEASED_FIRST, p.first);
    store32(at + RELEASED_COUNT, pages_units(p.n));
    store32(at + NEXT_RELEASED, a->released);
    store32(at + PREV_RELEASED, UNIT_NIL);
    if (a->released != UNIT_NIL) store32(area_at(a, a->released) + PREV_RELEASED, span);
    a->released = span;
    a->released_units += pages_units(p.n);
}

static struct pages released_unlink(struct area *a, unit_t span) {
    char *at = area_at(a, span);
    struct pages p = area_given_back(a, span);
    unit_t next = load32(at + NEXT_RELEASED), prev = load32(at + PREV_RELEASED);
    if (next != UNIT_NIL) store32(area_at(a, next) + PREV_RELEASED, prev);
    if (prev != UNIT_NIL)
        store32(area_at(a, prev) + NEXT_RELEASED, next);
    else
        a->released = next;
    a->released_units -= pages_units(p.n);
    return p;
}

/* --- free spans in and out of the index --- */

/* [span, span + units) becomes a free span whose pages `p` hold nothing. Its prev bit stays. */
static void free_in(struct area *a, unit_t span, unit_t units, struct pages p) {
    char *at = area_at(a, span);
    uint64_t prev = load64(at) & SPAN_PREV_FREE;
    store64(at, SPAN_FREE | prev | (uint64_t)units << FREE_SIZE_SHIFT);
    char *end = area_at(a, span + units);
    store32(end - sizeof(uint32_t), units);
    store64(end, load64(end) | SPAN_PREV_FREE);
    p = pages_inside(p, span, units);
    if (unlikely(p.n > 0)) released_link(a, span, p);
    buddy_insert(&a->buddy, a->base, span, buddy_key(a->base, span));
    zones_free_in(a->zones, span, units);
    a->free_units += units;
}

/* Take a free span out; its neighbours' words stay as they are. */
static struct pages free_out(struct area *a, unit_t span, unit_t units) {
    struct pages p = {0, 0};
    buddy_remove(&a->buddy, a->base, span, buddy_key(a->base, span));
    if (unlikely(has_released(area_header(a, span)))) p = released_unlink(a, span);
    zones_free_out(a->zones, span, units);
    a->free_units -= units;
    return p;
}

static void clear_prev(struct area *a, unit_t span) {
    char *at = area_at(a, span);
    store64(at, load64(at) & ~(uint64_t)SPAN_PREV_FREE);
}

/* --- the tiling --- */

void area_init(struct area *a, char *base, struct zone *zones) {
    memset(a, 0, sizeof *a);
    buddy_init(&a->buddy);
    a->base = base;
    a->zones = zones;
    a->released = a->stretch = UNIT_NIL;
    zones_init(zones, 0, 2);
    store64(base, SPAN_BLOCK);
}

unit_t area_units(const struct area *a, unit_t span) {
    if (unlikely(span == a->stretch)) return a->stretch_units;
    uint64_t h = area_header(a, span);
    switch (header_kind(h)) {
    case SPAN_FREE: return free_size(h);
    case SPAN_RUN: return run_units(&size_classes[run_class(h)], run_slots(h));
    case SPAN_BLOCK: return block_units(block_size(h), false);
    default: return block_units(block_size(h), true);
    }
}

void area_cut(struct area *a, unit_t span, unit_t at, unit_t units) {
    unit_t size = free_size(area_header(a, span)), end = span + size, rest = at + units;
    CHECK(1, at >= span && rest <= end);
    struct pages p = free_out(a, span, size);
    if (rest < end) {
        store64(area_at(a, rest), 0);
        zones_begins(a->zones, rest);
        free_in(a, rest, end - rest, p);
    } else {
        clear_prev(a, end);
    }
    if (at > span) {
        store64(area_at(a, at), 0); /* free_in sets its prev bit */
        zones_begins(a->zones, at);
        free_in(a, span, at - span, p);
    } else {
        store64(area_at(a, at), 0); /* two free spans are never adjacent */
    }
}

/* The free span for `units`: committed memory first, then what has pages to be had again. */
static unit_t best_span(const struct area *a, unit_t units) {
    unit_t best = buddy_best(&a->buddy, a->base, units);
    if (likely(best != UNIT_NIL)) return best;
    unit_t best_size = UNIT_NIL;
    for (unit_t at = a->released; at != UNIT_NIL;
         at = load32(area_at(a, at) + NEXT_RELEASED)) {
        unit_t size = free_size(area_header(a, at));
        if (size >= units && size < best_size) best = at, best_size = size;
    }
    return best;
}

/* Where in a free span no page is needed that has been given back, if there is room. */
static unit_t held_place(const struct area *a, unit_t span, unit_t units) {
    struct pages p = area_given_back(a, span);
    unit_t above = pages_units(p.first + p.n), size = free_size(area_header(a, span));
    bool below = p.n == 0 || span + units < pages_units(p.first);
    return below || above + units > span + size ? span : above;
}

unit_t area_alloc(struct area *a, unit_t units) {
    unit_t span = best_span(a, units), at = span;
    if (span != UNIT_NIL) area_cut(a, span, at = held_place(a, span, units), units);
    return at;
}

bool area_has(const struct area *a, unit_t n) { return best_span(a, n) != UNIT_NIL; }

unit_t area_aligned_unit(const struct area *a, unit_t span, size_t alignment) {
    uintptr_t payload = (uintptr_t)area_at(a, span) + HEADER;
    return span + (unit_t)((round_up(payload, alignment) - payload) >> UNIT_SHIFT);
}

unit_t area_alloc_aligned(struct area *a, unit_t units, size_t alignment) {
    unit_t span = best_span(a, units);
    if (span == UNIT_NIL) return UNIT_NIL;
    unit_t at = area_aligned_unit(a, span, alignment);
    if (at + units > span + free_size(area_header(a, span))) {
        span = best_span(a, units + (unit_t)(alignment >> UNIT_SHIFT) - 1);
        if (span == UNIT_NIL) return UNIT_NIL;
        at = area_aligned_unit(a, span, alignment);
    }
    area_cut(a, span, at, units);
    return at;
}

/* The free span that ends where `span` begins; its prev bit says that there is one. */
static unit_t span_below(const struct area *a, unit_t span) {
    return span - load32(area_at(a, span) - sizeof(uint32_t));
}

/* Fill freed memory with a pattern, but for the pages that hold nothing. */
static void spoil(struct area *a, unit_t span, unit_t units, struct pages empty) {
#if RM_CHECKS >= RM_CHECKS_FULL
    char *at = area_at(a, span) + HEADER, *end = area_at(a, span + units);
    if (empty.n > 0) {
        char *low = a->base - 8 + empty.first * os_page();
        bytes_fill(at, 0xDD, (size_t)(low - at));
        at = low + empty.n * os_page();
    }
    bytes_fill(at, 0xDD, (size_t)(end - at));
#endif
}

unit_t area_free_empty(struct area *a, unit_t span, unit_t units, struct pages empty) {
    unit_t from = span, end = span + units;
    struct pages p = {0, 0}, q = p;
    if (end < a->limit && header_kind(area_header(a, end)) == SPAN_FREE) {
        unit_t size = free_size(area_header(a, end));
        q = free_out(a, end, size);
        zones_vanishes(a->zones, end, end + size, a->limit);
        end += size;
    }
    if (area_header(a, span) & SPAN_PREV_FREE) {
        from = span_below(a, span);
        p = free_out(a, from, span - from);
        zones_vanishes(a->zones, span, end, a->limit);
    }
    empty = pages_inside(empty, span, units);
    spoil(a, span, units, empty);
    /* One range a span. No call to the system where a block is just freed. */
    if (empty.n > 0)
        p = pages_join(a, pages_join(a, p, empty), q);
    else if (q.n > p.n)
        p = q;
    free_in(a, from, end - from, p);
    return from;
}

unit_t area_free(struct area *a, unit_t span, unit_t units) {
    return area_free_empty(a, span, units, (struct pages){0, 0});
}

static unit_t split_off(struct area *a, unit_t tail, unit_t units, struct pages empty) {
    store64(area_at(a, tail), 0); /* what lies below is used */
    zones_begins(a->zones, tail);
    return area_free_empty(a, tail, units, empty);
}

unit_t area_split_off(struct area *a, unit_t tail, unit_t units) {
    return split_off(a, tail, units, (struct pages){0, 0});
}

void area_absorb(struct area *a, unit_t next, unit_t units) {
    zones_vanishes(a->zones, next, next + units, a->limit);
}

void area_grow(struct area *a, unit_t units) {
    unit_t old = a->limit;
    a->limit = old + units;
    zones_init(a->zones, (old >> ZONE_SHIFT) + 2, (a->limit >> ZONE_SHIFT) + 2);
    store64(area_at(a, a->limit), SPAN_BLOCK);
    zones_begins(a->zones, old);
    area_free(a, old, units);
}

unit_t area_last_free(const struct area *a) {
    if (!(area_header(a, a->limit) & SPAN_PREV_FREE)) return UNIT_NIL;
    return span_below(a, a->limit);
}

unit_t area_extent(const struct area *a) {
    unit_t last = area_last_free(a);
    return last == UNIT_NIL ? a->limit : last;
}

void area_shrink(struct area *a, unit_t units) {
    unit_t last = area_last_free(a), size = a->limit - last;
    CHECK(1, last != UNIT_NIL && size >= units);
    struct pages p = free_out(a, last, size);
    a->limit -= units;
    store64(area_at(a, a->limit), SPAN_BLOCK | (area_header(a, last) & SPAN_PREV_FREE));
    if (a->limit > last)
        free_in(a, last, size - units, p);
    else
        zones_vanishes(a->zones, last, a->limit, a->limit);
}

/* The first free span of a zone that begins at `from` or above; UNIT_NIL: there is none. */
static unit_t free_in_zone(const struct area *a, unit_t z, unit_t from) {
    for (unit_t at = zone_first(a->zones, z); at < a->limit && at >> ZONE_SHIFT == z;
         at += area_units(a, at))
        if (at >= from && header_kind(area_header(a, at)) == SPAN_FREE) return at;
    return UNIT_NIL;
}

unit_t area_lowest_free(const struct area *a, unit_t from) {
    unit_t z = from >> ZONE_SHIFT, end = (a->limit >> ZONE_SHIFT) + 1;
    while ((z = zones_next_free(a->zones, z, end)) < end) {
        unit_t found = free_in_zone(a, z++, from);
        if (found != UNIT_NIL) return found;
    }
    return UNIT_NIL;
}

unit_t area_next_free(const struct area *a, unit_t span) {
    unit_t zone = span >> ZONE_SHIFT, size = free_size(area_header(a, span));
    if (a->zones[zone].free > size)
        for (unit_t at = span + size; at < a->limit && at >> ZONE_SHIFT == zone;
             at += area_units(a, at))
            if (header_kind(area_header(a, at)) == SPAN_FREE) return at;
    return area_lowest_free(a, (zone + 1) << ZONE_SHIFT);
}

unit_t area_start_near(const struct area *a, unit_t unit) {
    unit_t z = unit >> ZONE_SHIFT;
    while (z > 0 && zone_first(a->zones, z) > unit) z--;
    return zone_first(a->zones, z);
}

unit_t area_largest(const struct area *a) {
    unit_t largest = buddy_largest(&a->buddy, a->base);
    for (unit_t at = a->released; at != UNIT_NIL;
         at = load32(area_at(a, at) + NEXT_RELEASED)) {
        unit_t size = free_size(area_header(a, at));
        if (size > largest) largest = size;
    }
    return largest;
}

unit_t area_largest_but_last(struct area *a) {
    unit_t last = area_last_free(a);
    if (last == UNIT_NIL) return area_largest(a);
    struct pages p = free_out(a, last, a->limit - last);
    unit_t largest = area_largest(a);
    free_in(a, last, a->limit - last, p);
    return largest;
}

/* --- moving spans --- */

static void gap_takes(struct area *a, struct area_gap *gap, unit_t span) {
    unit_t units = free_size(area_header(a, span));
    struct pages p = free_out(a, span, units);
    gap->end = span + units;
    gap->empty = pages_inside(gap->empty, gap->at, gap->end - gap->at);
    gap->empty = pages_join(a, gap->empty, p);
}

void area_gap_open(struct area *a, unit_t span, struct area_gap *gap) {
    *gap = (struct area_gap){.at = span};
    gap_takes(a, gap, span);
}

void area_gap_widen(struct area *a, struct area_gap *gap) {
    unit_t span = gap->end;
    gap_takes(a, gap, span);
    zones_vanishes(a->zones, span, gap->end, a->limit);
}

void area_gap_passed(struct area *a, struct area_gap *gap, unit_t units) {
    clear_prev(a, gap->at); /* what lies below it is used */
    gap->at += units;
    gap->end += units;
}

void area_gap_close(struct area *a, const struct area_gap *gap) {
#if RM_CHECKS >= RM_CHECKS_FULL
    if (gap->empty.n == 0)
        bytes_fill(area_at(a, gap->at), 0xDD, units_bytes(gap->end - gap->at));
#endif
    store64(area_at(a, gap->at), 0);
    zones_begins(a->zones, gap->at);
    free_in(a, gap->at, gap->end - gap->at, gap->empty);
}

void area_stretch(struct area *a, unit_t gap, unit_t at) {
    unit_t size = free_size(area_header(a, gap)), used = gap + size;
    unit_t end = used + area_units(a, used);
    CHECK(11, a->stretch == UNIT_NIL && at < used);
    struct pages p = free_out(a, gap, size);
    zones_vanishes(a->zones, used, end, a->limit);
    /* Below a free span lies a used one: the prev bit is clear, unless a gap stays here. */
    uint64_t header = area_header(a, used) & ~(uint64_t)SPAN_PREV_FREE;
    store64(area_at(a, at), header);
    if (at > gap) {
        zones_begins(a->zones, at);
        free_in(a, gap, at - gap, p);
    }
    a->stretch = at;
    a->stretch_units = end - at;
    a->stretch_empty[0] = p;
    a->stretch_empty[1] = (struct pages){0, 0};
}

void area_stretch_up(struct area *a) {
    unit_t end = a->stretch + a->stretch_units;
    if (end >= a->limit || header_kind(area_header(a, end)) != SPAN_FREE) return;
    unit_t size = free_size(area_header(a, end));
    a->stretch_empty[1] = free_out(a, end, size);
    zones_vanishes(a->zones, end, end + size, a->limit);
    clear_prev(a, end + size);
    a->stretch_units += size;
}

unit_t area_settle(struct area *a, unit_t units, struct pages empty) {
    unit_t gap = a->stretch + units, rest = a->stretch_units - units;
    const struct pages *others = a->stretch_empty;
    a->stretch = UNIT_NIL;
    empty =
        pages_join(a, pages_inside(others[0], gap, rest), pages_inside(empty, gap, rest));
    return split_off(a, gap, rest,
                     pages_join(a, empty, pages_inside(others[1], gap, rest)));
}

unit_t area_raise(struct area *a, unit_t span, unit_t units, unit_t by) {
    unit_t gap = span + units, size = free_size(area_header(a, gap));
    CHECK(1, header_kind(area_header(a, gap)) == SPAN_FREE && by <= size && by > 0);
    uint64_t prev = area_header(a, span) & SPAN_PREV_FREE;
    free_out(a, gap, size);
    zones_vanishes(a->zones, gap, gap + size, a->limit);
    bytes_move(area_at(a, span + by), area_at(a, span), units_bytes(units));
    store64(area_at(a, span + by), area_header(a, span + by) & ~(uint64_t)SPAN_PREV_FREE);
    zones_begins(a->zones, span + by);
    if (by < size) {
        store64(area_at(a, gap + by), 0);
        zones_begins(a->zones, gap + by);
        free_in(a, gap + by, size - by, (struct pages){0, 0});
    } else {
        clear_prev(a, gap + size);
    }
    store64(area_at(a, span), prev);
    return area_free(a, span, by);
}

/* --- giving pages back --- */

/* Of the pages in a free span `all` that are not given back yet, those next to `p`, which are. */
static struct pages pages_beside(struct pages p, struct pages all, uint32_t most) {
    uint32_t end = p.first + p.n, all_end = all.first + all.n;
    if (p.n == 0) p.first = end = all.first;
    uint32_t above = all_end - end, below = p.first - all.first;
    uint32_t n = above > 0 ? above : below;
    if (n > most) n = most;
    return (struct pages){above > 0 ? end : p.first - n, n};
}

/* More pages of one span. */
static uint32_t release_in(struct area *a, unit_t span, uint32_t most) {
    unit_t units = free_size(area_header(a, span));
    struct pages all = pages_inside((struct pages){0, UINT32_MAX}, span, units);
    struct pages p = free_out(a, span, units);
    struct pages more = pages_beside(p, all, most);
    size_t page = os_page();
    char *at = a->base - 8 + more.first * page;
    if (more.n > 0 && !os_release(at, more.n * page)) more.n = 0;
    if (p.n == 0 || (more.n > 0 && more.first < p.first)) p.first = more.first;
    p.n += more.n;
    free_in(a, span, units, p);
    return more.n;
}

uint32_t area_release_some(struct area *a, unit_t least, uint32_t most, bool but_last) {
    /* The last one is out of the index meanwhile. */
    unit_t last = but_last ? area_last_free(a) : UNIT_NIL;
    unit_t units = last == UNIT_NIL ? 0 : a->limit - last;
    struct pages p = {0, 0};
    if (last != UNIT_NIL) p = free_out(a, last, units);
    unit_t key = buddy_largest(&a->buddy, a->base);
    unit_t span = key < least ? UNIT_NIL : buddy_best(&a->buddy, a->base, key);
    if (last != UNIT_NIL) free_in(a, last, units, p);
    return span == UNIT_NIL ? 0 : release_in(a, span, most);
}

bool area_release(struct area *a) {
    bool all = true;
    size_t page = os_page();
    char *pages = a->base - 8;
    for (unit_t at = area_lowest_free(a, 0); at != UNIT_NIL;
         at = area_lowest_free(a, at + 1)) {
        unit_t size = free_size(area_header(a, at));
        struct pages p = pages_inside((struct pages){0, UINT32_MAX}, at, size);
        if (p.n == 0 || buddy_key(a->base, at) == size - pages_units(p.n)) continue;
        if (!os_release(pages + p.first * page, p.n * page)) {
            all = false;
            continue;
        }
        free_out(a, at, size);
        free_in(a, at, size, p);
    }
    return all;
}
