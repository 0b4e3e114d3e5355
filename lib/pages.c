/* SPDX-License-Identifier: MIT */
#include "pages.h"

#include <errno.h>

#include "check.h"
#include "os.h"

/* After so many refusals with no move between them no page is moved any more. */
enum { REFUSALS_MOST = 16 };

/* To move a page takes 0.1 us, in pieces of 64 KiB 0.23; to copy one 0.2; to give one back 0.3, to touch
   it anew 1.3. So pages are moved while those to be given back are at most this share of those that
   move, with so many more for each empty one, which a copy would touch. */
enum { WHOLE_SHARE = 2, REUSED_SHARE = 8, PIECES_SHARE = 8, TOUCHES = 5 };

/* Page 0 begins 8 bytes before unit 0. */
static size_t origin_bytes(unit_t unit) { return units_bytes(unit) + HEADER; }
static unit_t page_units(void) { return (unit_t)(os_page() >> UNIT_SHIFT); }
static char *page_at(const struct store *s, uint32_t page) {
    return s->area.base - HEADER + page * os_page();
}

/* The whole pages inside a span. Headers never begin a page, so a block's both ends are in
   pages beside them. */
static struct pages whole_pages(unit_t span, unit_t units) {
    size_t page = os_page(), first = round_up(origin_bytes(span), page) / page;
    return (struct pages){(uint32_t)first,
                          (uint32_t)(origin_bytes(span + units) / page - first)};
}

/* Units below the last block: used; free with pages, which are to be given back where they are
   targets; free without, which copying would have to be given some. Of the half-moved block the gap
   counts as what it will be. */
struct holdings {
    size_t used, held, empty;
};

static struct holdings holdings_of(const struct store *s) {
    const struct area *a = &s->area;
    unit_t last = area_last_free(a);
    unit_t at_end = area_free_at_end(a);
    unit_t held_at_end = last == UNIT_NIL ? 0 : buddy_key(a->base, last);
    struct holdings h = {.used = a->limit - a->free_units,
                         .empty = a->released_units - (at_end - held_at_end)};
    h.held = a->free_units - at_end - h.empty;
    if (a->stretch != UNIT_NIL) {
        size_t gap = a->stretch_units - s->mover.units;
        size_t empty = (size_t)a->stretch_empty[0].n * page_units();
        if (empty > gap) empty = gap;
        h.used -= gap;
        h.held += gap - empty;
        h.empty += empty;
    }
    return h;
}

static bool worth_it(const struct store *s, enum pages_terms terms) {
    struct holdings h = holdings_of(s);
    switch (terms) {
    case PAGES_REUSED: return h.held <= h.used / REUSED_SHARE;
    case PAGES_PIECES: return h.held + h.used / PIECES_SHARE <= h.empty * TOUCHES;
    default: return h.held <= h.used / WHOLE_SHARE + h.empty * TOUCHES;
    }
}

bool pages_wanted(struct store *s, enum pages_terms terms) {
    if (!s->large || !worth_it(s, terms)) return false;
    if (s->pages_state == PAGES_ASK) {
        int saved = errno;
        bool ready = os_move_prepare(page_at(s, 0), s->pages_bytes);
        errno = saved;
        s->pages_state = ready ? PAGES_MOVE : PAGES_STAY;
    }
    return s->pages_state == PAGES_MOVE;
}

bool pages_move(const struct store *s, unit_t span) {
    uint64_t h = area_header(&s->area, span);
    return s->pages_state == PAGES_MOVE && header_kind(h) != SPAN_RUN &&
           block_size(h) >= PAGES_LEAST;
}

unit_t pages_target(unit_t gap, unit_t span) {
    return gap +
           (span - gap) % page_units(); /* a power of two, so `span` may lie below too */
}

static bool pages_congruent(unit_t to, unit_t from) {
    return (to - from) % page_units() == 0; /* likewise */
}

void pages_begin(struct store *s) {
    struct mover *m = &s->mover;
    m->pages = pages_congruent(m->to, m->from) && pages_move(s, m->from);
    m->reach = m->units;
}

void pages_reach(struct store *s, unit_t behind) {
    s->mover.reach = s->mover.units + (behind < page_units() ? behind : page_units());
}

/* Where in its content the half-moved block's next whole page begins, and how many are left. */
static size_t next_page(const struct mover *m, struct pages from) {
    return (from.first + m->n_moved) * os_page() - origin_bytes(m->from) - HEADER;
}

size_t pages_edge(const struct store *s) {
    const struct mover *m = &s->mover;
    struct pages from = whole_pages(m->from, m->reach);
    if (m->n_moved == from.n) return SIZE_MAX;
    size_t begin = next_page(m, from);
    CHECK(11, m->done <= begin);
    return begin - m->done;
}

/* Give back what the target pages [first, end) hold, but for those that were empty when the move
   began. Going down, pages of the block itself are none of them: what has been moved is empty, what has
   not is by the time that its place is needed. */
static bool make_empty(struct store *s, uint32_t first, uint32_t end) {
    struct pages known = s->mover.empty;
    uint32_t own = whole_pages(s->mover.from, s->mover.reach).first;
    if (s->mover.to < s->mover.from && own < end) end = own;
    while (first < end) {
        uint32_t next = end;
        if (first < known.first && known.first < end) next = known.first;
        if (first >= known.first && first < known.first + known.n)
            next = known.first + known.n;
        else if (os_release(page_at(s, first), (next - first) * os_page()))
            store_gave_back(s, next - first);
        else
            return false;
        first = next;
    }
    return true;
}

size_t pages_advance(struct store *s, size_t most) {
    struct mover *m = &s->mover;
    size_t page = os_page();
    struct pages from = whole_pages(m->from, m->reach), to = whole_pages(m->to, m->reach);
    size_t n = from.n - m->n_moved;
    if (n > most / page) n = most / page > 0 ? most / page : 1;
    if (s->pages_refused > 0) n = 1; /* little is given back if it is refused again */
    uint32_t target = to.first + m->n_moved, source = from.first + m->n_moved;
    int saved = errno;
    size_t bytes = 0;
    if (make_empty(s, target, target + (uint32_t)n))
        bytes = os_move(page_at(s, target), page_at(s, source), n * page);
    m->n_moved += (uint32_t)(bytes / page);
    if (bytes == n * page)
        s->pages_refused = 0;
    else if (errno != EBUSY || s->pages_refused == 0) /* shared: until written to */
        s->pages_refused++;
    if (s->pages_refused == REFUSALS_MOST) s->pages_state = PAGES_STAY;
    errno = saved;
    return bytes;
}

struct pages pages_left(const struct store *s) {
    const struct mover *m = &s->mover;
    return (struct pages){whole_pages(m->from, m->reach).first, m->n_moved};
}
