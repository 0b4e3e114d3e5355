/* SPDX-License-Identifier: MIT */
/* zone: the bitmap of zones with something free, against a walk over all of them. */
#include <glib.h>

#include "zone.h"

enum { ZONES = 3000, STEPS = 40000 };

static unit_t naive_next(const struct zone *zones, unit_t from, unit_t end) {
    while (from < end && zones[from].free == 0) from++;
    return from;
}

static unit_t random_zone(unit_t n) { return (unit_t)g_test_rand_int_range(0, (int)n); }

/* Few free spans or many, in few zones or many: whatever is asked, it is the next one. */
static void test_next(void) {
    for (unit_t n = 1; n <= ZONES; n = n * 3 + 1) {
        struct zone *zones = g_new(struct zone, n + 1);
        unit_t *units = g_new0(unit_t, n), most = 1;
        zones_init(zones, 0, n + 1);
        for (unsigned step = 0; step < STEPS; step++) {
            if (step % 1000 == 0) most = 1 + random_zone(n);
            unit_t z = random_zone(most), span = z << ZONE_SHIFT;
            if (units[z] != 0) {
                zones_free_out(zones, span, units[z]);
                units[z] = 0;
            } else {
                units[z] = 1 + random_zone(100000);
                zones_free_in(zones, span, units[z]);
            }
            unit_t from = random_zone(n + 1), end = random_zone(n + 1);
            g_assert_cmpuint(zones_next_free(zones, from, n), ==,
                             naive_next(zones, from, n));
            if (from <= end)
                g_assert_cmpuint(zones_next_free(zones, from, end), ==,
                                 naive_next(zones, from, end));
            if (step % 100 == 0)
                g_assert_cmpuint(zones_wrong_word(zones, n), ==, UNIT_NIL);
        }
        g_free(zones);
        g_free(units);
    }
}

/* First spans: one below is the first then; when it goes, the one said to be next. */
static void test_first(void) {
    struct zone zones[4];
    const unit_t zone = 1 << ZONE_SHIFT, limit = 3 * zone;
    zones_init(zones, 0, 4);
    g_assert_cmpuint(zone_first(zones, 1), ==, UNIT_NIL);
    zones_begins(zones, zone + 70);
    zones_begins(zones, zone + 7);
    zones_begins(zones, 2 * zone - 1);
    g_assert_cmpuint(zone_first(zones, 1), ==, zone + 7);
    zones_vanishes(zones, zone + 70, 2 * zone - 1, limit);
    g_assert_cmpuint(zone_first(zones, 1), ==, zone + 7);
    zones_vanishes(zones, zone + 7, 2 * zone - 1, limit);
    g_assert_cmpuint(zone_first(zones, 1), ==, 2 * zone - 1);
    zones_vanishes(zones, 2 * zone - 1, 2 * zone, limit);
    g_assert_cmpuint(zone_first(zones, 1), ==, UNIT_NIL);
    zones_begins(zones, 3 * zone - 1);
    zones_vanishes(zones, 3 * zone - 1, limit, limit);
    g_assert_cmpuint(zone_first(zones, 2), ==, UNIT_NIL);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zone/next", test_next);
    g_test_add_func("/zone/first", test_first);
    return g_test_run();
}
