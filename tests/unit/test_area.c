/* SPDX-License-Identifier: MIT */
/*
 * The area against a map of its units: random steps, after each of which all is compared.
 */
#include "area_model.h"

#include <glib.h>

#include "os.h"

enum { STEPS = 6000 };

static void step_alloc(struct site *site) {
    static unit_t keys[LIMIT];
    unit_t units = random_units(), best = UNIT_NIL, best_key = UNIT_NIL;
    const struct area *a = &site->area;
    for (unit_t at = 0, end; at < a->limit; at = end + 1) {
        end = hole_end(site, at);
        if (end == at) continue;
        keys[at] = buddy_key(a->base, at);
        if (keys[at] >= units && keys[at] < best_key) best_key = keys[at];
        if (end - at >= units && end - at < best) best = end - at;
    }
    unit_t released = a->released_units;
    unit_t span = area_alloc(&site->area, units), hole = span;
    if (best == UNIT_NIL) {
        g_assert_cmpuint(span, ==, UNIT_NIL);
        return;
    }
    while (hole > 0 && !site->taken[hole - 1]) hole--;
    if (hole < span) /* above pages that have been given back, which stay so */
        g_assert_cmpuint(a->released_units, ==, released);
    if (best_key != UNIT_NIL)
        g_assert_cmpuint(keys[hole], ==, best_key);
    else /* nothing but with pages to be had again */
        g_assert_cmpuint(hole_end(site, hole) - hole, ==, best);
    take_span(site, span, units);
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
    take_span(site, span, units);
}

static void step_cut(struct site *site) {
    unit_t hole = any_hole(site);
    if (hole == UNIT_NIL) return;
    unit_t size = hole_end(site, hole) - hole, at = hole + random_below(size);
    unit_t units = 1 + random_below(MIN(hole + size - at, 40));
    area_cut(&site->area, hole, at, units);
    take_span(site, at, units);
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
    unit_t units = site->used[span], next = span + units,
           room = hole_end(site, next) - next;
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
    if (g_test_rand_int_range(0, 2)) {
        area_stretch_up(&site->area);
        end = hole_end(site, end);
    }
    model_free(site, used, units);
    model_take(site, at, end - at);
    check_area(site);
    memmove(area_at(&site->area, at) + HEADER, area_at(&site->area, used) + HEADER,
            units_bytes(units) - HEADER);
    unit_t free = area_settle(&site->area, units, (struct pages){0, 0});
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
        step_alloc,  step_alloc, step_alloc, step_alloc_aligned, step_cut,    step_free,
        step_free,   step_free,  step_free,  step_split_off,     step_absorb, step_grow,
        step_shrink, step_slide, step_raise, step_largest,
    };
    steps[random_below(G_N_ELEMENTS(steps))](site);
}

/* Nothing lies behind the last span of all: a stretch of it goes on over nothing. */
static void test_stretch_at_end(struct site *site, gconstpointer none) {
    enum { GAP = 100, UNITS = START - GAP };
    struct area *a = &site->area;
    area_cut(a, 0, GAP, UNITS);
    take_span(site, GAP, UNITS);
    area_stretch(a, 0, 0);
    area_stretch_up(a);
    g_assert_cmpuint(a->stretch_units, ==, START);
    model_free(site, GAP, UNITS);
    model_take(site, 0, START);
    check_area(site);
    memmove(area_at(a, 0) + HEADER, area_at(a, GAP) + HEADER,
            units_bytes(UNITS) - HEADER);
    g_assert_cmpuint(area_settle(a, UNITS, (struct pages){0, 0}), ==, UNITS);
    model_free(site, 0, START);
    model_take(site, 0, UNITS);
    check_area(site);
}

static void test_random(struct site *site, gconstpointer none) {
    for (unsigned step = 0; step < STEPS; step++) {
        random_step(site);
        check_area(site);
    }
}

/* Full to the last unit, then empty again. */
static void test_full(struct site *site, gconstpointer none) {
    check_area(site);
    while (naive_best(site, 100) != 0) step_alloc(site);
    for (unit_t units = 100; units > 0; units--)
        for (unit_t span; (span = area_alloc(&site->area, units)) != UNIT_NIL;)
            take_span(site, span, units);
    check_area(site);
    g_assert_cmpuint(site->area.free_units, ==, 0);
    g_assert_cmpuint(area_largest(&site->area), ==, 0);
    step_grow(site);
    while (any_used(site) != UNIT_NIL) {
        step_free(site);
        if (random_below(16) == 0) check_area(site);
    }
    check_area(site);
    g_assert_cmpuint(site->area.buddy.n_spans, ==, 1);
}

/* --- pages given back --- */

/* Whole pages in a free span, clear of its first 64 bytes and its last 4, in units. */
static unit_t releasable(unit_t at, unit_t units) {
    size_t low = round_up(8 + units_bytes(at) + RELEASED_HEADROOM, os_page());
    size_t high = round_down(8 + units_bytes(at + units) - 4, os_page());
    return high > low ? (unit_t)((high - low) >> UNIT_SHIFT) : 0;
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
        check_area(site);
        check_released(site);
    }
}

/* Memory that is there goes first, pages that are not only where nothing else fits. */
static void test_committed_first(struct site *site, gconstpointer none) {
    struct area *a = &site->area;
    if (os_page() > 8192) {
        g_test_skip("a hole of 48,000 bytes has hardly a whole page here");
        return;
    }
    area_cut(a, 0, 3000, 1);
    take_span(site, 3000, 1);
    area_cut(a, 3001, 3501, 1);
    take_span(site, 3501, 1);
    release(site);
    check_area(site);
    unit_t left = buddy_largest(&a->buddy, a->base);
    g_assert_cmpuint(left, <, 1000);
    g_assert_cmpuint(area_largest(a), ==, START - 3502);
    unit_t span = area_alloc(a, left + 1);
    g_assert_cmpuint(span, !=, UNIT_NIL);
    take_span(site, span, left + 1);
    check_area(site);
    check_released(site);
    span = area_alloc(a, START - 3502);
    g_assert_cmpuint(span, ==, 3502);
    take_span(site, span, START - 3502);
    check_area(site);
    check_released(site);
}

/* Of two neighbours with pages given back the larger range stays, whichever it is. */
static void test_larger_stays(struct site *site, gconstpointer upper) {
    struct area *a = &site->area;
    if (os_page() > 8192) {
        g_test_skip("a hole of 48,000 bytes has hardly a whole page here");
        return;
    }
    unit_t at = upper ? 3000 : 6000; /* its neighbours: 3,000 units and 6,000 or so */
    area_cut(a, 0, at, 1);
    take_span(site, at, 1);
    release(site);
    unit_t low = at - buddy_key(a->base, 0);
    unit_t high = START - at - 1 - buddy_key(a->base, at + 1);
    model_free(site, at, 1);
    area_free(a, at, 1);
    g_assert_cmpuint(MIN(low, high), >, 0);
    g_assert_cmpuint(a->released_units, ==, MAX(low, high));
    g_assert_true((high > low) == (upper != NULL));
    check_area(site);
    check_released(site);
}

#define ADD(name, test) ADD_WITH(name, test, NULL)
#define ADD_WITH(name, test, data)                                                       \
    g_test_add(name, struct site, data, site_open, test, site_close)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD("/area/random", test_random);
    ADD("/area/stretch-at-end", test_stretch_at_end);
    ADD("/area/full", test_full);
    ADD("/area/release", test_release);
    ADD("/area/committed-first", test_committed_first);
    ADD_WITH("/area/larger-stays/low", test_larger_stays, NULL);
    ADD_WITH("/area/larger-stays/high", test_larger_stays, "upper");
    return g_test_run();
}
