/* SPDX-License-Identifier: MIT */
/*
 * Memory aside is used again, and all of it goes back; where blocks have been is found, the last one first, and so
 * many of them are remembered. Where the system refuses there is nothing, and what was there is as before.
 */
#include <glib.h>
#include <string.h>

#include "aside.h"
#include "inject.h"
#include "trail.h"

/* --- memory aside --- */

static void test_again(void) {
    static const size_t sizes[] = {0, 1, 64, 65, 128, 1000, 4096, 100000, 3 << 20};
    size_t kept = inject_kept();
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct aside a = {.chunks = NULL};
        void *first = aside_alloc(&a, sizes[i]), *second = aside_alloc(&a, sizes[i]);
        size_t least = sizes[i] > 64 ? sizes[i] : 64, used = inject_kept() - kept;
        g_assert_true(first != NULL && second != NULL && first != second);
        g_assert_cmpuint(used, >=, 2 * least);
        g_assert_cmpuint(used, <=, 4 * least + (1 << 21));
        for (unsigned turn = 0; turn < 100; turn++) {
            memset(first, 1, sizes[i] > 64 ? 64 : sizes[i]);
            aside_free(&a, first, sizes[i]);
            aside_free(&a, second, sizes[i]);
            aside_free(&a, NULL, sizes[i]);
            g_assert_true(aside_alloc(&a, sizes[i]) == second); /* the last first */
            g_assert_true(aside_alloc(&a, sizes[i]) == first);
        }
        g_assert_cmpuint(inject_kept() - kept, ==, used);
        aside_finish(&a);
        g_assert_cmpuint(inject_kept(), ==, kept);
        aside_finish(&a);
    }
}

/* Small pieces share what the system gave: many fit in it. */
static void test_shared(void) {
    size_t kept = inject_kept();
    struct aside a = {.chunks = NULL};
    const char *before = aside_alloc(&a, 64);
    size_t used = inject_kept() - kept;
    for (unsigned i = 0; i < 1000; i++) {
        const char *piece = aside_alloc(&a, 64);
        g_assert_true(piece == before + 64);
        before = piece;
    }
    g_assert_cmpuint(inject_kept() - kept, ==, used);
    aside_finish(&a);
    g_assert_cmpuint(inject_kept(), ==, kept);
}

static void test_refused(void) {
    size_t kept = inject_kept();
    struct aside a = {.chunks = NULL};
    for (unsigned k = 1; k <= 2; k++) {
        inject_begin(&(struct fault){k, false, 0, REQUESTS_ALL});
        g_assert_null(aside_alloc(&a, 64));
        inject_end();
        g_assert_cmpuint(inject_kept(), ==, kept);
        g_assert_null(a.chunks);
    }
    g_assert_nonnull(aside_alloc(&a, 64));
    inject_begin(&(struct fault){1, true, 0, REQUESTS_ALL});
    g_assert_null(aside_alloc(&a, 2 << 20));
    g_assert_nonnull(aside_alloc(&a, 64)); /* there is some left */
    inject_end();
    aside_finish(&a);
    g_assert_cmpuint(inject_kept(), ==, kept);
}

/* --- trails --- */

static void test_slots(void) {
    static const struct {
        size_t bytes;
        uint32_t most;
    } cases[] = {{0, 1},
                 {8, 2},
                 {1000, 126},
                 {((size_t)1 << 31) - 16, (1 << 28) - 1},
                 {((size_t)1 << 31) - 8, 1 << 28},
                 {(size_t)1 << 31, 1 << 28},
                 {(size_t)1 << 40, 1 << 28}};
    size_t kept = inject_kept();
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct trail t;
        g_assert_true(trail_init(&t, cases[i].bytes));
        g_assert_cmpuint(t.most, ==, cases[i].most);
        static const uint32_t wanted[] = {1, 2, 126, 70000, 140000, 3};
        for (unsigned j = 0; j < G_N_ELEMENTS(wanted); j++) {
            uint32_t n = wanted[j] < t.most ? wanted[j] : t.most;
            g_assert_true(trail_reach(&t, n));
            g_assert_cmpuint(t.n_slots, >=, n);
            trail_of(&t, n - 1)->before = 77;
        }
        g_assert_cmpuint(t.n_slots, <=, t.most);
        trail_finish(&t);
        trail_finish(&t);
        g_assert_cmpuint(inject_kept(), ==, kept);
    }
}

static void test_slots_refused(void) {
    size_t kept = inject_kept();
    struct trail t;
    for (unsigned k = 1; k <= 2; k++) {
        inject_begin(&(struct fault){k, false, 0, REQUESTS_ALL});
        g_assert_false(trail_init(&t, 1 << 20));
        inject_end();
        g_assert_cmpuint(inject_kept(), ==, kept);
        trail_finish(&t);
    }
    g_assert_true(trail_init(&t, 1 << 20));
    inject_begin(&(struct fault){1, true, 0, REQUESTS_ALL});
    g_assert_false(trail_reach(&t, 10));
    inject_end();
    g_assert_cmpuint(t.n_slots, ==, 0);
    g_assert_true(trail_reach(&t, 10));
    inject_begin(&(struct fault){1, true, 0, REQUESTS_ALL});
    g_assert_true(trail_reach(&t, 10)); /* it is there */
    g_assert_false(trail_reach(&t, t.n_slots + 1));
    inject_end();
    trail_of(&t, 9)->before = 1;
    trail_finish(&t);
    g_assert_cmpuint(inject_kept(), ==, kept);
}

static uint64_t who(const struct trail *t, size_t place) {
    const struct departure *d = trail_find(t, place);
    return d == NULL ? 0 : d->handle;
}

static void test_find(void) {
    struct trail t;
    g_assert_true(trail_init(&t, 1 << 20));
    g_assert_cmpuint(who(&t, 0), ==, 0);
    trail_left(&t, 1, 100, 50, false);
    trail_left(&t, 2, 120, 10, true);
    trail_left(&t, 3, 300, 0, true);
    static const struct {
        size_t place;
        uint64_t who;
    } cases[] = {{0, 0},   {99, 0},  {100, 1}, {119, 1}, {120, 2},
                 {129, 2}, {130, 1}, {149, 1}, {150, 0}, {300, 0}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpuint(who(&t, cases[i].place), ==, cases[i].who);
    g_assert_true(trail_find(&t, 120)->freed && !trail_find(&t, 100)->freed);
    /* So many are remembered, the last ones. */
    for (unsigned i = 0; i < TRAIL_LOG - 3; i++)
        trail_left(&t, 10 + i, 1000 + i, 1, false);
    g_assert_cmpuint(who(&t, 100), ==, 1);
    for (unsigned i = 0; i < TRAIL_LOG - 3; i++)
        g_assert_cmpuint(trail_find(&t, 1000 + i)->handle, ==, 10 + i);
    trail_left(&t, 4, 500, 1, false);
    g_assert_cmpuint(who(&t, 100), ==, 0);
    g_assert_cmpuint(who(&t, 120), ==, 2);
    g_assert_cmpuint(who(&t, 500), ==, 4);
    trail_finish(&t);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/aside/again", test_again);
    g_test_add_func("/aside/shared", test_shared);
    g_test_add_func("/aside/refused", test_refused);
    g_test_add_func("/trail/slots", test_slots);
    g_test_add_func("/trail/slots/refused", test_slots_refused);
    g_test_add_func("/trail/find", test_find);
    return g_test_run();
}
