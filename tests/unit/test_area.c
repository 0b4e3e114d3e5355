/* SPDX-License-Identifier: MIT */
/*
 * The area against a map of its units: which are taken, and how long the span is that begins
 * there. Free spans are then the stretches between. All is compared after each step.
 */
#include <glib.h>
#include <sys/mman.h>

#include "area.h"
#include "os.h"

enum { LIMIT = 20000, START = 9000, ZONES = (LIMIT >> ZONE_SHIFT) + 2, STEPS = 2500 };
enum { BYTES = (LIMIT + 2) * UNIT + 4096 };

struct site {
    struct area area;
    struct zone zones[ZONES];
    char *memory;
    /* The model: units of the used span that begins at a unit, else 0; and all units of them. */
    unit_t used[LIMIT + 1];
    bool taken[LIMIT + 1];
};

static void open_site(struct site *site, gconstpointer none) {
    site->memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(site->memory != MAP_FAILED);
    memset(site->memory, 0xAB, BYTES);
    memset(site->zones, 0xAB, sizeof site->zones);
    memset(site->used, 0, sizeof site->used);
    memset(site->taken, 0, sizeof site->taken);
    area_init(&site->area, site->memory + 8, site->zones);
    area_grow(&site->area, START);
}

static void close_site(struct site *site, gconstpointer none) { munmap(site->memory, BYTES); }

/* --- the model --- */

static unit_t random_below(unit_t n) { return (unit_t)g_test_rand_int_range(0, (gint32)n); }

/* Mostly small, some large. */
static unit_t random_units(void) {
    return 1 + random_below(2u << g_test_rand_int_range(0, 10));
}

static unit_t hole_end(const struct site *site, unit_t at) {
    while (at < site->area.limit && !site->taken[at]) at++;
    return at;
}

/* The start of a used span, or UNIT_NIL. */
static unit_t any_used(const struct site *site) {
    unit_t from = random_below(site->area.limit);
    for (unit_t at = from; at < site->area.limit; at++)
        if (site->used[at] != 0) return at;
    for (unit_t at = 0; at < from; at++)
        if (site->used[at] != 0) return at;
    return UNIT_NIL;
}

static unit_t any_hole(const struct site *site) {
    unit_t from = random_below(site->area.limit);
    for (unit_t at = from; at < site->area.limit; at++)
        if (!site->taken[at] && (at == 0 || site->taken[at - 1])) return at;
    for (unit_t at = 0; at < from; at++)
        if (!site->taken[at] && (at == 0 || site->taken[at - 1])) return at;
    return UNIT_NIL;
}

static void model_take(struct site *site, unit_t span, unit_t units) {
    site->used[span] = units;
    for (unit_t at = span; at < span + units; at++) {
        g_assert_false(site->taken[at]);
        site->taken[at] = true;
    }
}

static void model_free(struct site *site, unit_t span, unit_t units) {
    site->used[span] = 0;
    memset(site->taken + span, 0, units * sizeof *site->taken);
}

/* The smallest free span of at least so many units, in units; 0: none. */
static unit_t naive_best(const struct site *site, unit_t units) {
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

/* A used span's header and its content, by which it is known wherever it is. */
static void write_span(struct site *site, unit_t span, unit_t units) {
    area_set_header(&site->area, span, header_of(span, units));
    memset(area_at(&site->area, span) + HEADER, (int)(units % 251 + 1),
           units_bytes(units) - HEADER);
}

static void check_content(const struct site *site, unit_t span, unit_t units) {
    const char *at = area_at(&site->area, span) + HEADER;
    g_assert_cmpuint((unsigned char)at[0], ==, units % 251 + 1);
    g_assert_cmpint(memcmp(at, at + 1, units_bytes(units) - HEADER - 1), ==, 0);
}

/* --- everything compared --- */

struct count {
    unit_t free_units, largest, first_free, last_free, extent;
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
    struct count c = {.first_free = UNIT_NIL, .last_free = UNIT_NIL};
    bool below_free = false;
    for (unsigned z = 0; z < ZONES; z++) zones[z] = (struct zone){UNIT_NIL, 0};
    for (unit_t at = 0, units; at < a->limit; at += units) {
        bool free = !site->taken[at];
        units = free ? hole_end(site, at) - at : site->used[at];
        g_assert_cmpuint(units, >, 0);
        g_assert_cmpuint(area_units(a, at), ==, units);
        g_assert_true(((area_header(a, at) & SPAN_PREV_FREE) != 0) == below_free);
        struct zone *zone = &zones[at >> ZONE_SHIFT];
        if (zone->first == UNIT_NIL) zone->first = at;
        if (free) {
            check_free(a, at, units);
            zone->n_free++;
            c.n_free++;
            c.free_units += units;
            if (c.first_free == UNIT_NIL) c.first_free = at;
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
        g_assert_cmpuint(a->zones[z].n_free, ==, zones[z].n_free);
    }
    return c;
}

static unit_t naive_lowest_free(const struct site *site, unit_t from) {
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
    g_assert_true(site->used[near] != 0 || (!site->taken[near] && (near == 0 || site->taken[near - 1])));
    g_assert_true(area_has(a, units) == (naive_best(site, units) != 0));
}

static void check(struct site *site) {
    struct area *a = &site->area;
    struct count c = check_spans(site);
    g_assert_cmpuint(a->free_units, ==, c.free_units);
    g_assert_cmpuint(a->buddy.n_spans, ==, c.n_free);
    g_assert_cmpuint(a->dense, <=, MIN(c.first_free, a->limit));
    g_assert_cmpuint(area_largest(a), ==, c.largest);
    g_assert_cmpuint(area_last_free(a), ==, c.last_free);
    g_assert_cmpuint(area_extent(a), ==, c.extent);
    check_searches(site);
}

/* --- steps --- */

static void step_alloc(struct site *site) {
    unit_t units = random_units(), best = naive_best(site, units);
    unit_t span = area_alloc(&site->area, units);
    if (best == 0) {
        g_assert_cmpuint(span, ==, UNIT_NIL);
        return;
    }
    if (site->area.released == UNIT_NIL) g_assert_cmpuint(hole_end(site, span) - span, ==, best);
    g_assert_true(span == 0 || site->taken[span - 1]); /* at its low end */
    model_take(site, span, units);
    write_span(site, span, units);
}

static void step_alloc_aligned(struct site *site) {
    unit_t units = random_units();
    size_t alignment = (size_t)16 << g_test_rand_int_range(0, 9);
    bool sure = naive_best(site, units + (unit_t)(alignment / UNIT) - 1) != 0;
    unit_t span = area_alloc_aligned(&site->area, units, alignment);
    if (span == UNIT_NIL) {
        g_assert_false(sure);
        return;
    }
    g_assert_cmpuint((uintptr_t)(area_at(&site->area, span) + HEADER) % alignment, ==, 0);
    g_assert_cmpuint(area_aligned_unit(&site->area, span, alignment), ==, span);
    model_take(site, span, units);
    write_span(site, span, units);
}

static void step_cut(struct site *site) {
    unit_t hole = any_hole(site);
    if (hole == UNIT_NIL) return;
    unit_t size = hole_end(site, hole) - hole, at = hole + random_below(size);
    unit_t units = 1 + random_below(MIN(hole + size - at, 40));
    area_cut(&site->area, hole, at, units);
    model_take(site, at, units);
    write_span(site, at, units);
}

static void step_free(struct site *site) {
    unit_t span = any_used(site);
    if (span == UNIT_NIL) return;
    unit_t units = site->used[span];
    model_free(site, span, units);
    unit_t from = area_free(&site->area, span, units);
    g_assert_true(from <= span && (from == 0 || site->taken[from - 1]));
}

/* A used span gets shorter. */
static void step_split_off(struct site *site) {
    unit_t span = any_used(site);
    if (span == UNIT_NIL || site->used[span] < 2) return;
    unit_t units = site->used[span], kept = 1 + random_below(units - 1);
    model_free(site, span + kept, units - kept);
    site->used[span] = kept;
    write_span(site, span, kept);
    area_split_off(&site->area, span + kept, units - kept);
}

/* A used span grows into the free one behind it. */
static void step_absorb(struct site *site) {
    unit_t span = any_used(site);
    if (span == UNIT_NIL) return;
    unit_t units = site->used[span], next = span + units, room = hole_end(site, next) - next;
    if (next >= site->area.limit || room == 0) return;
    unit_t more = 1 + random_below(room);
    area_cut(&site->area, next, next, more);
    area_absorb(&site->area, next, more);
    model_take(site, next, more);
    site->used[next] = 0;
    site->used[span] = units + more;
    write_span(site, span, units + more);
}

static void step_grow(struct site *site) {
    unit_t units = 1 + random_below(3000);
    if (site->area.limit + units > LIMIT) return;
    area_grow(&site->area, units);
}

static void step_shrink(struct site *site) {
    unit_t last = area_last_free(&site->area);
    if (last == UNIT_NIL) return;
    unit_t size = site->area.limit - last;
    unit_t units = g_test_rand_int_range(0, 3) == 0 ? size : 1 + random_below(size);
    if (site->area.limit - units < START / 2) return;
    area_shrink(&site->area, units);
}

/* A hole and the used span above it; false: there is none. */
static bool hole_below_used(const struct site *site, unit_t *hole, unit_t *used) {
    *hole = any_hole(site);
    if (*hole == UNIT_NIL) return false;
    *used = hole_end(site, *hole);
    return *used < site->area.limit;
}

/* Slide a span down, by way of a stretch; its bytes are moved in between. */
static void step_slide(struct site *site) {
    unit_t hole, used;
    if (!hole_below_used(site, &hole, &used)) return;
    unit_t units = site->used[used], end = used + units;
    unit_t at = g_test_rand_int_range(0, 2) ? hole : hole + random_below(used - hole);
    area_stretch(&site->area, hole, at);
    model_free(site, used, units);
    model_take(site, at, end - at);
    check(site);
    memmove(area_at(&site->area, at) + HEADER, area_at(&site->area, used) + HEADER,
            units_bytes(units) - HEADER);
    unit_t free = area_settle(&site->area, units);
    g_assert_cmpuint(free, ==, at + units);
    model_free(site, at, end - at);
    model_take(site, at, units);
}

static void step_raise(struct site *site) {
    unit_t span = any_used(site);
    if (span == UNIT_NIL) return;
    unit_t units = site->used[span], gap = span + units;
    unit_t room = gap < site->area.limit ? hole_end(site, gap) - gap : 0;
    if (room == 0) return;
    unit_t by = g_test_rand_int_range(0, 2) ? room : 1 + random_below(room);
    unit_t free = area_raise(&site->area, span, units, by);
    model_free(site, span, units);
    model_take(site, span + by, units);
    g_assert_true(free <= span && (free == 0 || site->taken[free - 1]));
}

/* The largest free span but the one at the end, which is taken out for the question. */
static void step_largest(struct site *site) {
    unit_t most = 0;
    for (unit_t at = 0, end; at < site->area.limit; at = end + 1) {
        end = hole_end(site, at);
        if (end < site->area.limit && end - at > most) most = end - at;
    }
    g_assert_cmpuint(area_largest_but_last(&site->area), ==, most);
}

static void random_step(struct site *site) {
    static void (*const steps[])(struct site *) = {
        step_alloc,  step_alloc, step_alloc,  step_alloc_aligned, step_cut,   step_free,
        step_free,   step_free,  step_free,   step_split_off,     step_absorb, step_grow,
        step_shrink, step_slide, step_raise,  step_largest,
    };
    steps[random_below(G_N_ELEMENTS(steps))](site);
}

static void test_random(struct site *site, gconstpointer none) {
    for (unsigned step = 0; step < STEPS; step++) {
        random_step(site);
        check(site);
    }
}

/* Full to the last unit, then empty again. */
static void test_full(struct site *site, gconstpointer none) {
    check(site);
    while (naive_best(site, 100) != 0) step_alloc(site);
    for (unit_t units = 100; units > 0; units--)
        for (unit_t span; (span = area_alloc(&site->area, units)) != UNIT_NIL;) {
            model_take(site, span, units);
            write_span(site, span, units);
        }
    check(site);
    g_assert_cmpuint(site->area.free_units, ==, 0);
    g_assert_cmpuint(area_largest(&site->area), ==, 0);
    step_grow(site);
    while (any_used(site) != UNIT_NIL) {
        step_free(site);
        if (random_below(16) == 0) check(site);
    }
    check(site);
    g_assert_cmpuint(site->area.buddy.n_spans, ==, 1);
}

/* --- pages given back --- */

/* Whole pages in a free span, clear of its first 64 bytes and its last 4, in units. */
static unit_t releasable(unit_t at, unit_t units) {
    size_t low = round_up(8 + units_bytes(at) + RELEASED_HEADROOM, os_page());
    size_t high = round_down(8 + units_bytes(at + units) - 4, os_page());
    return high > low ? (unit_t)((high - low) >> UNIT_SHIFT) : 0;
}

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

static void check_released(struct site *site) {
    unit_t released = 0;
    for (unit_t at = 0, end; at < site->area.limit; at = end + 1) {
        end = hole_end(site, at);
        if (end > at) released += check_range(site, at, end - at);
    }
    g_assert_cmpuint(site->area.released_units, ==, released);
    g_assert_true((site->area.released == UNIT_NIL) == (released == 0));
}

static void release(struct site *site) {
    unit_t expected = 0;
    g_assert_true(area_release(&site->area));
    for (unit_t at = 0, end; at < site->area.limit; at = end + 1) {
        end = hole_end(site, at);
        if (end > at) expected += releasable(at, end - at);
    }
    g_assert_cmpuint(site->area.released_units, ==, expected);
}

static void test_release(struct site *site, gconstpointer none) {
    for (unsigned step = 0; step < STEPS; step++) {
        if (step % 20 == 0) release(site);
        random_step(site);
        check(site);
        check_released(site);
    }
}

/* Memory that is there goes first, pages that are not only where nothing else fits. */
static void test_committed_first(struct site *site, gconstpointer none) {
    struct area *a = &site->area;
    area_cut(a, 0, 3000, 1);
    model_take(site, 3000, 1);
    write_span(site, 3000, 1);
    area_cut(a, 3001, 3501, 1);
    model_take(site, 3501, 1);
    write_span(site, 3501, 1);
    release(site);
    check(site);
    unit_t left = buddy_largest(&a->buddy, a->base);
    g_assert_cmpuint(left, <, 1000);
    g_assert_cmpuint(area_largest(a), ==, START - 3502);
    unit_t span = area_alloc(a, left + 1);
    g_assert_cmpuint(span, !=, UNIT_NIL);
    model_take(site, span, left + 1);
    write_span(site, span, left + 1);
    check(site);
    check_released(site);
    span = area_alloc(a, START - 3502);
    g_assert_cmpuint(span, ==, 3502);
    model_take(site, span, START - 3502);
    write_span(site, span, START - 3502);
    check(site);
    check_released(site);
}

#define ADD(name, test) g_test_add(name, struct site, NULL, open_site, test, close_site)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD("/area/random", test_random);
    ADD("/area/full", test_full);
    ADD("/area/release", test_release);
    ADD("/area/committed-first", test_committed_first);
    return g_test_run();
}
