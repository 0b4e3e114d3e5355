/* SPDX-License-Identifier: MIT */
/*
 * The index of free spans against a plain array of keys. A span's size need not lie in memory:
 * only its node does, so spans of any size stand 64 bytes apart.
 */
#include <glib.h>

#include "buddy.h"

enum { SPANS = 400, STEP = 4, STEPS = 6000, KEY_MAX = 100000 };

struct site {
    struct buddy buddy;
    char memory[SPANS * STEP * UNIT + UNIT] __attribute__((aligned(16)));
    char *base;
    unit_t keys[SPANS]; /* the model: 0 where a span is not in the index */
};

static void open_site(struct site *site, gconstpointer none) {
    site->base = site->memory + 8;
    memset(site->memory, 0xAB, sizeof site->memory);
    memset(site->keys, 0, sizeof site->keys);
    buddy_init(&site->buddy);
    site->buddy.limit = UNIT_NIL; /* keys are larger than the memory that there is */
}

static void close_site(struct site *site, gconstpointer none) {}

/* How a key is drawn. */
enum shape {
    SHAPE_UNIFORM,
    SHAPE_LOG,
    SHAPE_FEW,
    SHAPE_BORDER,
    SHAPE_POWERS,
    SHAPE_HUGE
};

static unit_t random_key(enum shape shape) {
    static const unit_t few[] = {1, 63, 64, 65, 1000, 1001, 65536};
    unsigned order = (unsigned)g_test_rand_int_range(0, 17);
    switch (shape) {
    case SHAPE_UNIFORM: return (unit_t)g_test_rand_int_range(1, KEY_MAX + 1);
    case SHAPE_LOG: return (1u << order) + (unit_t)g_test_rand_int_range(0, 1 << order);
    case SHAPE_FEW: return few[g_test_rand_int_range(0, G_N_ELEMENTS(few))];
    case SHAPE_BORDER: return (unit_t)g_test_rand_int_range(55, 75);
    case SHAPE_POWERS: return (2u << order) + (unit_t)g_test_rand_int_range(-1, 2);
    default: return (unit_t)g_test_rand_int_range(1, UNIT_NIL);
    }
}

static unit_t span_of(unsigned i) { return i * STEP; }

/* Every fourth span but the smallest has pages given back inside: its key is less than its size. */
static void insert(struct site *site, unsigned i, unit_t key) {
    char *at = site->base + units_bytes(span_of(i));
    bool released = key < UNIT_NIL / 2 && key > 5 && g_test_rand_int_range(0, 4) == 0;
    unit_t pages = released ? (unit_t)g_test_rand_int_range(1, 1000) * 256 : 0;
    uint64_t header = (uint64_t)(key + pages) << FREE_SIZE_SHIFT;
    uint64_t bits = (uint64_t)g_test_rand_int_range(0, 2) << 2; /* prev is kept */
    store64(at, header | bits | (uint64_t)released << FREE_RELEASED_BIT);
    if (released) store32(at + RELEASED_COUNT, pages);
    buddy_insert(&site->buddy, site->base, span_of(i), key);
    site->keys[i] = key;
    g_assert_cmpuint(load64(at) & 7, ==, bits);
    g_assert_cmpuint(free_size(load64(at)), ==, key + pages);
    g_assert_cmpuint(load64(at) >> FREE_RELEASED_BIT, ==, released);
    g_assert_cmpuint(buddy_key(site->base, span_of(i)), ==, key);
}

static void remove_span(struct site *site, unsigned i) {
    buddy_remove(&site->buddy, site->base, span_of(i), site->keys[i]);
    /* Its memory is somebody's from here on. */
    memset(site->base + units_bytes(span_of(i)), 0xCD, units_bytes(STEP));
    site->keys[i] = 0;
}

static void check_best(const struct site *site, unit_t units) {
    unit_t best = buddy_best(&site->buddy, site->base, units), least = UNIT_NIL;
    for (unsigned i = 0; i < SPANS; i++)
        if (site->keys[i] >= units && site->keys[i] < least) least = site->keys[i];
    if (least == UNIT_NIL) {
        g_assert_cmpuint(best, ==, UNIT_NIL);
    } else {
        g_assert_cmpuint(best % STEP, ==, 0);
        g_assert_cmpuint(best / STEP, <, SPANS);
        g_assert_cmpuint(site->keys[best / STEP], ==, least);
    }
}

static void check_counts(const struct site *site) {
    uint64_t units[BUDDY_ORDERS] = {0}, bins = 0;
    uint32_t n = 0, orders = 0;
    unit_t largest = 0;
    for (unsigned i = 0; i < SPANS; i++) {
        unit_t key = site->keys[i];
        if (key == 0) continue;
        unsigned order = 0;
        while (key >> order > 1) order++;
        n++;
        units[order] += key;
        if (key < BUDDY_BINS)
            bins |= UINT64_C(1) << key;
        else
            orders |= 1u << order;
        if (key > largest) largest = key;
    }
    g_assert_cmpuint(site->buddy.n_spans, ==, n);
    for (unsigned k = 0; k < BUDDY_ORDERS; k++)
        g_assert_cmpuint(site->buddy.units[k], ==, units[k]);
    g_assert_cmpuint(site->buddy.bins_used, ==, bins);
    g_assert_cmpuint(site->buddy.orders_used, ==, orders);
    g_assert_cmpuint(buddy_largest(&site->buddy, site->base), ==, largest);
}

static void check(const struct site *site, enum shape shape) {
    unit_t key = site->keys[g_test_rand_int_range(0, SPANS)];
    check_counts(site);
    check_best(site, random_key(shape));
    if (key > 1) check_best(site, key - 1);
    if (key > 0) check_best(site, key);
    if (key > 0) check_best(site, key + 1);
}

/* Spans come and go, more of the one or more of the other in turn. */
static void test_random(struct site *site, gconstpointer data) {
    enum shape shape = (enum shape)GPOINTER_TO_INT(data);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)g_test_rand_int_range(0, SPANS);
        bool filling = step / 1000 % 2 == 0;
        if (site->keys[i] == 0 && (filling || g_test_rand_int_range(0, 4) == 0))
            insert(site, i, random_key(shape));
        else if (site->keys[i] != 0 && (!filling || g_test_rand_int_range(0, 4) == 0))
            remove_span(site, i);
        check(site, shape);
    }
}

/* Best fit, taken out each time, gives the keys in ascending order. */
static void test_sorted(struct site *site, gconstpointer data) {
    enum shape shape = (enum shape)GPOINTER_TO_INT(data);
    unit_t last = 0;
    for (unsigned i = 0; i < SPANS; i++) insert(site, i, random_key(shape));
    for (unsigned n = 0; n < SPANS; n++) {
        unit_t best = buddy_best(&site->buddy, site->base, 1);
        unit_t key = buddy_key(site->base, best);
        g_assert_cmpuint(key, >=, last);
        last = key;
        remove_span(site, best / STEP);
    }
    check_counts(site);
    g_assert_cmpuint(buddy_best(&site->buddy, site->base, 1), ==, UNIT_NIL);
}

/* Spans of one size, taken out in any order: the first of its size is replaced each time. */
static void test_equal(struct site *site, gconstpointer none) {
    for (unit_t key = 1; key <= 1u << 17; key *= 2) {
        for (unsigned i = 0; i < 20; i++) insert(site, i, key);
        insert(site, 20, key + 1);
        insert(site, 21, 2 * key - 1);
        for (unsigned n = 22; n > 0;) {
            unsigned i = (unsigned)g_test_rand_int_range(0, 22);
            if (site->keys[i] == 0) continue;
            remove_span(site, i);
            n--;
            check_counts(site);
            check_best(site, key);
            check_best(site, key + 1);
        }
    }
}

static void test_empty(struct site *site, gconstpointer none) {
    check_counts(site);
    for (unsigned order = 0; order < BUDDY_ORDERS; order++) {
        check_best(site, 1u << order);
        check_best(site, (2u << order) - 1);
    }
}

#define ADD(name, test, shape)                                                           \
    g_test_add(name, struct site, GINT_TO_POINTER(shape), open_site, test, close_site)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD("/buddy/empty", test_empty, 0);
    ADD("/buddy/equal", test_equal, 0);
    ADD("/buddy/random/uniform", test_random, SHAPE_UNIFORM);
    ADD("/buddy/random/log", test_random, SHAPE_LOG);
    ADD("/buddy/random/few", test_random, SHAPE_FEW);
    ADD("/buddy/random/border", test_random, SHAPE_BORDER);
    ADD("/buddy/random/powers", test_random, SHAPE_POWERS);
    ADD("/buddy/random/huge", test_random, SHAPE_HUGE);
    ADD("/buddy/sorted/uniform", test_sorted, SHAPE_UNIFORM);
    ADD("/buddy/sorted/few", test_sorted, SHAPE_FEW);
    ADD("/buddy/sorted/powers", test_sorted, SHAPE_POWERS);
    return g_test_run();
}
