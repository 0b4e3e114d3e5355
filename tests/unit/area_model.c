/* SPDX-License-Identifier: MIT */
#include "area_model.h"

#include <glib.h>
#include <sys/mman.h>

#include "os.h"

void site_open(struct site *site, const void *none) {
    site->memory =
        mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(site->memory != MAP_FAILED);
    memset(site->memory, 0xAB, BYTES);
    memset(site->zones, 0xAB, sizeof site->zones);
    memset(site->used, 0, sizeof site->used);
    memset(site->taken, 0, sizeof site->taken);
    area_init(&site->area, site->memory + 8, site->zones);
    area_grow(&site->area, START);
}

void site_close(struct site *site, const void *none) { munmap(site->memory, BYTES); }

unit_t random_below(unit_t n) { return (unit_t)g_test_rand_int_range(0, (gint32)n); }

unit_t random_units(void) { return 1 + random_below(2u << g_test_rand_int_range(0, 10)); }

unit_t hole_end(const struct site *site, unit_t at) {
    while (at < site->area.limit && !site->taken[at]) at++;
    return at;
}

unit_t any_used(const struct site *site) {
    unit_t from = random_below(site->area.limit);
    for (unit_t at = from; at < site->area.limit; at++)
        if (site->used[at] != 0) return at;
    for (unit_t at = 0; at < from; at++)
        if (site->used[at] != 0) return at;
    return UNIT_NIL;
}

unit_t any_hole(const struct site *site) {
    unit_t from = random_below(site->area.limit);
    for (unit_t at = from; at < site->area.limit; at++)
        if (!site->taken[at] && (at == 0 || site->taken[at - 1])) return at;
    for (unit_t at = 0; at < from; at++)
        if (!site->taken[at] && (at == 0 || site->taken[at - 1])) return at;
    return UNIT_NIL;
}

void model_take(struct site *site, unit_t span, unit_t units) {
    site->used[span] = units;
    for (unit_t at = span; at < span + units; at++) {
        g_assert_false(site->taken[at]);
        site->taken[at] = true;
    }
}

void model_free(struct site *site, unit_t span, unit_t units) {
    site->used[span] = 0;
    memset(site->taken + span, 0, units * sizeof *site->taken);
}

unit_t naive_best(const struct site *site, unit_t units) {
    unit_t best = 0;
    for (unit_t at = 0, end; at < site->area.limit; at = end + 1) {
        end = hole_end(site, at);
        if (end - at >= units && (best == 0 || end - at < best)) best = end - at;
    }
    return best;
}

static uint64_t header_of(unit_t span, unit_t units) {
    bool aligned = g_test_rand_int_range(0, 2) != 0;
    enum span_kind kind = aligned ? SPAN_ALIGNED : SPAN_BLOCK;
    uint64_t size = units_bytes(units) - HEADER - aligned;
    return kind | size << BLOCK_SIZE_SHIFT | (uint64_t)span << BLOCK_REF_SHIFT;
}

void write_span(struct site *site, unit_t span, unit_t units) {
    area_set_header(&site->area, span, header_of(span, units));
    memset(area_at(&site->area, span) + HEADER, (int)(units % 251 + 1),
           units_bytes(units) - HEADER);
}

void take_span(struct site *site, unit_t span, unit_t units) {
    model_take(site, span, units);
    write_span(site, span, units);
}

static void check_content(const struct site *site, unit_t span, unit_t units) {
    const char *at = area_at(&site->area, span) + HEADER;
    g_assert_cmpuint((unsigned char)at[0], ==, units % 251 + 1);
    g_assert_cmpint(memcmp(at, at + 1, units_bytes(units) - HEADER - 1), ==, 0);
}

/* --- everything compared --- */

struct count {
    unit_t free_units, largest, last_free, extent;
    uint32_t n_free;
};

static void check_free(const struct area *a, unit_t at, unit_t units) {
    g_assert_cmpuint(header_kind(area_header(a, at)), ==, SPAN_FREE);
    g_assert_cmpuint(load32(area_at(a, at + units) - 4), ==, units);
    g_assert_cmpuint(buddy_key(a->base, at), <=, units);
}

/* The tiling: headers, `prev` bits, sizes at the ends of free spans; zones on the way. */
static struct count check_spans(const struct site *site) {
    const struct area *a = &site->area;
    struct zone zones[ZONES];
    struct count c = {.last_free = UNIT_NIL};
    bool below_free = false;
    for (unsigned z = 0; z < ZONES; z++) zones[z] = (struct zone){0, ZONE_EMPTY, 0};
    for (unit_t at = 0, units; at < a->limit; at += units) {
        bool free = !site->taken[at];
        units = free ? hole_end(site, at) - at : site->used[at];
        g_assert_cmpuint(units, >, 0);
        g_assert_cmpuint(area_units(a, at), ==, units);
        g_assert_true(((area_header(a, at) & SPAN_PREV_FREE) != 0) == below_free);
        struct zone *zone = &zones[at >> ZONE_SHIFT];
        if (zone->first == ZONE_EMPTY) zone->first = at & bit_mask(ZONE_SHIFT);
        if (free) {
            check_free(a, at, units);
            zone->free += units;
            c.n_free++;
            c.free_units += units;
            if (units > c.largest) c.largest = units;
            if (at + units == a->limit) c.last_free = at;
        } else {
            g_assert_cmpuint(header_kind(area_header(a, at)), !=, SPAN_FREE);
            if (at != a->stretch) check_content(site, at, units);
            c.extent = at + units;
        }
        below_free = free;
    }
    g_assert_true(((area_header(a, a->limit) & SPAN_PREV_FREE) != 0) == below_free);
    g_assert_cmpuint(header_kind(area_header(a, a->limit)), !=, SPAN_FREE);
    for (unsigned z = 0; z <= a->limit >> ZONE_SHIFT; z++) {
        g_assert_cmpuint(a->zones[z].first, ==, zones[z].first);
        g_assert_cmpuint(a->zones[z].free, ==, zones[z].free);
    }
    g_assert_cmpuint(zones_wrong_word(a->zones, (a->limit >> ZONE_SHIFT) + 1), ==,
                     UNIT_NIL);
    return c;
}

unit_t naive_lowest_free(const struct site *site, unit_t from) {
    for (unit_t at = from; at < site->area.limit; at++)
        if (!site->taken[at] && (at == 0 || site->taken[at - 1])) return at;
    return UNIT_NIL;
}

static void check_searches(struct site *site) {
    struct area *a = &site->area;
    unit_t unit = random_below(a->limit), units = random_units();
    g_assert_cmpuint(area_lowest_free(a, unit), ==, naive_lowest_free(site, unit));
    if (g_test_rand_int_range(0, 8) == 0)
        g_assert_cmpuint(area_lowest_free(a, 0), ==, naive_lowest_free(site, 0));
    unit_t near = area_start_near(a, unit);
    g_assert_cmpuint(near, <=, unit);
    g_assert_true(site->used[near] != 0 ||
                  (!site->taken[near] && (near == 0 || site->taken[near - 1])));
    g_assert_true(area_has(a, units) == (naive_best(site, units) != 0));
}

void check_area(struct site *site) {
    struct area *a = &site->area;
    struct count c = check_spans(site);
    g_assert_cmpuint(a->free_units, ==, c.free_units);
    g_assert_cmpuint(a->buddy.n_spans, ==, c.n_free);
    g_assert_cmpuint(area_largest(a), ==, c.largest);
    g_assert_cmpuint(area_last_free(a), ==, c.last_free);
    g_assert_cmpuint(area_extent(a), ==, c.extent);
    check_searches(site);
}

/* --- pages given back --- */

/* The range recorded in a free span lies where it may, and nobody has written there since. */
static unit_t check_range(const struct site *site, unit_t at, unit_t units) {
    const struct area *a = &site->area;
    if (area_header(a, at) >> FREE_RELEASED_BIT == 0) {
        g_assert_cmpuint(buddy_key(a->base, at), ==, units);
        return 0;
    }
    const char *node = area_at(a, at), *end = area_at(a, at + units);
    unit_t count = load32(node + RELEASED_COUNT);
    const char *first = site->memory + load32(node + RELEASED_FIRST) * os_page();
    size_t bytes = units_bytes(count);
    g_assert_cmpuint(count, >, 0);
    g_assert_cmpuint(bytes % os_page(), ==, 0);
    g_assert_true(first >= node + RELEASED_HEADROOM && first + bytes <= end - 4);
    g_assert_cmpuint(buddy_key(a->base, at), ==, units - count);
    g_assert_true(first[0] == 0 && memcmp(first, first + 1, bytes - 1) == 0);
    return count;
}

void check_released(struct site *site) {
    unit_t released = 0;
    for (unit_t at = 0, end; at < site->area.limit; at = end + 1) {
        end = hole_end(site, at);
        if (end > at) released += check_range(site, at, end - at);
    }
    g_assert_cmpuint(site->area.released_units, ==, released);
    g_assert_true((site->area.released == UNIT_NIL) == (released == 0));
}
