/* SPDX-License-Identifier: MIT */
/* Pages given back inside free spans, and the list of those that have some: invariant 12. */
#include <errno.h>

#include "area.h"
#include "os.h"

enum { NEXT_RELEASED = 40, PREV_RELEASED = 44 };
/* So many pages between two ranges are given back, so that the two become one. */
enum { JOIN_PAGES = 8 };

unit_t area_pages_units(uint32_t n) { return (unit_t)(n * (os_page() >> UNIT_SHIFT)); }

static bool has_released(uint64_t header) { return header >> FREE_RELEASED_BIT; }

struct pages area_pages_inside(struct pages p, unit_t span, unit_t units) {
    size_t page = os_page();
    size_t low = round_up(units_bytes(span) + 8 + RELEASED_HEADROOM, page) / page;
    size_t high = (units_bytes(span + units) + 8 - sizeof(uint32_t)) / page;
    size_t first = p.first > low ? p.first : low;
    size_t end = p.first + p.n < high ? p.first + p.n : high;
    if (p.n == 0 || first >= end) return (struct pages){0, 0};
    return (struct pages){(uint32_t)first, (uint32_t)(end - first)};
}

struct pages area_pages_join(const struct area *a, struct pages p, struct pages q) {
    if (p.n == 0 || q.n == 0) return p.n == 0 ? q : p;
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
    uint64_t header = area_header(a, span);
    if (!has_released(header)) return (struct pages){0, 0};
    unit_t units = free_size(header);
    SOUND(units <= a->limit - span && units > RELEASED_HEADROOM / UNIT);
    struct pages p = {load32(at + RELEASED_FIRST),
                      load32(at + RELEASED_COUNT) / area_pages_units(1)};
    struct pages inside = area_pages_inside(p, span, units);
    SOUND(p.n > 0 && inside.first == p.first && inside.n == p.n);
    return p;
}

/* A span in the list of those with such pages, which is next behind `before`. */
static unit_t released_at(const struct area *a, unit_t span, unit_t before) {
    if (span == UNIT_NIL) return span;
    SOUND(span < a->limit && has_released(area_header(a, span)));
    SOUND(a->limit - span > RELEASED_HEADROOM / UNIT &&
          load32(area_at(a, span) + PREV_RELEASED) == before);
    return span;
}
unit_t area_next_released(const struct area *a, unit_t span) {
    return released_at(a, load32(area_at(a, span) + NEXT_RELEASED), span);
}

unit_t area_first_released(const struct area *a) {
    return released_at(a, a->released, UNIT_NIL);
}

void area_released_link(struct area *a, unit_t span, struct pages p) {
    char *at = area_at(a, span);
    area_first_released(a);
    store64(at, load64(at) | UINT64_C(1) << FREE_RELEASED_BIT);
    store32(at + RELEASED_FIRST, p.first);
    store32(at + RELEASED_COUNT, area_pages_units(p.n));
    store32(at + NEXT_RELEASED, a->released);
    store32(at + PREV_RELEASED, UNIT_NIL);
    if (a->released != UNIT_NIL) store32(area_at(a, a->released) + PREV_RELEASED, span);
    a->released = span;
    a->released_units += area_pages_units(p.n);
}

struct pages area_released_unlink(struct area *a, unit_t span) {
    char *at = area_at(a, span);
    struct pages p = area_given_back(a, span);
    unit_t next = area_next_released(a, span), prev = load32(at + PREV_RELEASED);
    SOUND(prev < a->limit ? load32(area_at(a, prev) + NEXT_RELEASED) == span
                          : prev == UNIT_NIL && a->released == span);
    if (next != UNIT_NIL) store32(area_at(a, next) + PREV_RELEASED, prev);
    if (prev != UNIT_NIL)
        store32(area_at(a, prev) + NEXT_RELEASED, next);
    else
        a->released = next;
    a->released_units -= area_pages_units(p.n);
    return p;
}
