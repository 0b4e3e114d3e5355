/* SPDX-License-Identifier: MIT */
/*
 * The handle table against an array of what each slot is, searched from the top.
 */
#include <glib.h>
#include <sys/mman.h>

#include "table.h"

enum { SLOTS = 70000, SMALL = 3000, REUSES = 32000 };

struct site {
    struct table table;
    char *memory;
    bool live[SLOTS];         /* the model */
    uint32_t slots[SLOTS], n; /* the live ones, in no order */
};

static void open_site(struct site *site, gconstpointer none) {
    site->memory = g_malloc(8 * SLOTS);
    memset(site->memory, 0xAB, 8 * SLOTS);
    memset(site->live, 0, sizeof site->live);
    site->n = 0;
    table_init(&site->table, site->memory + 8 * SLOTS, 0);
}

static void close_site(struct site *site, gconstpointer none) { g_free(site->memory); }

/* The slots of the bitmaps, as table.h and README.rst list them. */
static bool reserved(uint32_t slot) {
    return slot % 64 == 0 || slot % (1 << 11) == 1 || slot % (1 << 16) == 2 ||
           slot % (1 << 21) == 3 || slot % (1 << 26) == 4;
}

static uint32_t naive_first(const struct site *site) {
    uint32_t slot = 0;
    while (reserved(slot) || site->live[slot]) slot++;
    return slot;
}

static void check(const struct site *site) {
    const struct table *t = &site->table;
    g_assert_cmpuint(table_verify(t), ==, TABLE_SOUND);
    g_assert_cmpuint(t->n_slots % 2, ==, 0);
    g_assert_cmpuint(t->n_slots, <=, t->room);
    g_assert_cmpuint(t->n_slots, >=, TABLE_SLOTS_MIN);
    g_assert_cmpuint(t->n_taken, ==, site->n);
    for (uint32_t slot = 0; slot < t->n_slots + 70 && slot < SLOTS; slot++) {
        g_assert_true(table_live(t, slot) == site->live[slot]);
        g_assert_false(reserved(slot) && table_live(t, slot));
    }
}

/* Take a slot, with just the room that it needs; it is the naive one. */
static uint32_t take(struct site *site) {
    struct table *t = &site->table;
    uint32_t wants = table_wants(t), expected = naive_first(site), before = t->n_slots;
    if (wants != 0) {
        g_assert_cmpuint(wants % 2, ==, 0);
        g_assert_cmpuint(table_take(t), ==, SLOT_NIL);
        t->room += wants - 2; /* less does not do */
        g_assert_cmpuint(table_wants(t), ==, 2);
        t->room += 2;
        g_assert_cmpuint(table_wants(t), ==, 0);
    }
    uint32_t slot = table_take(t);
    g_assert_cmpuint(slot, ==, expected);
    g_assert_cmpuint(entry_locks(table_entry(t, slot)), ==, LOCKS_NONE);
    if (slot < before) g_assert_cmpuint(t->n_slots, ==, before);
    g_assert_cmpuint(t->n_slots, <=, MAX(before, slot + 2)); /* no more than it needs */
    table_set(t, slot,
              entry_moved(table_entry(t, slot), (size_t)slot << 4, slot % 32768));
    site->live[slot] = true;
    site->slots[site->n++] = slot;
    return slot;
}

static uint32_t forget(struct site *site, uint32_t i) {
    uint32_t slot = site->slots[i];
    uint64_t e = table_entry(&site->table, slot);
    g_assert_cmpuint(entry_place(e), ==, (size_t)slot << 4); /* nobody else wrote there */
    g_assert_cmpuint(entry_shape(e), ==, slot % 32768);
    site->live[slot] = false;
    site->slots[i] = site->slots[--site->n];
    return slot;
}

static void put(struct site *site, uint32_t i) {
    unsigned generation = entry_generation(table_entry(&site->table, site->slots[i]));
    uint32_t slot = forget(site, i);
    table_put(&site->table, slot);
    uint64_t e = table_entry(&site->table, slot);
    g_assert_cmpuint(entry_generation(e), ==, (generation + 1) % GENERATIONS);
    g_assert_cmpuint(entry_locks(e), ==, LOCKS_FREE);
}

static void put_any(struct site *site) {
    if (site->n > 0) put(site, (uint32_t)g_test_rand_int_range(0, (gint32)site->n));
}

/* One past the last live slot, rounded up to whole pairs. */
static uint32_t naive_least(const struct site *site) {
    uint32_t least = TABLE_SLOTS_MIN;
    for (uint32_t i = 0; i < site->n; i++) least = MAX(least, (site->slots[i] + 2) & ~1u);
    return least;
}

static void shrink(struct site *site) {
    struct table *t = &site->table;
    uint32_t before = t->n_slots, least = naive_least(site);
    g_assert_true(table_shrink(t, false) == (t->n_slots < before));
    g_assert_cmpuint(t->n_slots, ==, least);
    t->room = t->n_slots;
}

/* Whole groups, and a free one is kept. */
static void shrink_groups(struct site *site) {
    struct table *t = &site->table;
    uint32_t before = t->n_slots,
             used = site->n == 0 ? 0 : (naive_least(site) + 63) & ~63u;
    uint32_t expected = before > used + 64 ? used + 64 : before;
    g_assert_true(table_shrink(t, true) == (t->n_slots < before));
    g_assert_cmpuint(t->n_slots, ==, expected);
    t->room = t->n_slots;
}

static void test_init(struct site *site, gconstpointer none) {
    check(site);
    g_assert_cmpuint(site->table.n_slots, ==, TABLE_SLOTS_MIN);
    g_assert_cmpuint(take(site), ==, TABLE_SLOTS_MIN - 1);
    for (uint32_t slot = 0; slot < SLOT_NIL + 5; slot++)
        g_assert_false(table_live(&site->table, slot));
    g_assert_false(table_live(&site->table, (1u << SLOT_BITS) - 1));
    check(site);
}

/* Random takes and puts, verified after each, around a number of slots that wanders. */
static void test_random(struct site *site, gconstpointer none) {
    uint32_t goal = 100;
    for (unsigned step = 0; step < 6000; step++) {
        if (step % 500 == 0) goal = (uint32_t)g_test_rand_int_range(0, 400);
        int dice = g_test_rand_int_range(0, 100);
        if (dice < 2)
            shrink(site);
        else if (dice < 4)
            shrink_groups(site);
        else if (site->n == 0 || g_test_rand_int_range(0, 3) > (site->n > goal))
            take(site);
        else
            put_any(site);
        check(site);
    }
}

/* A take undone leaves the slot free, with the generation it had. */
static void test_untake(struct site *site, gconstpointer none) {
    for (unsigned step = 0; step < 300; step++) {
        uint32_t slot = take(site);
        unsigned generation = entry_generation(table_entry(&site->table, slot));
        if (step % 3 == 0) continue;
        forget(site, site->n - 1);
        table_untake(&site->table, slot);
        check(site);
        g_assert_cmpuint(take(site), ==, slot);
        g_assert_cmpuint(entry_generation(table_entry(&site->table, slot)), ==,
                         generation);
        if (step % 3 == 1) put(site, site->n - 1);
        check(site);
    }
}

/* Pair by pair over the borders of 64 and 2,048, and back to the last slot. */
static void test_pairs(struct site *site, gconstpointer none) {
    while (site->table.n_slots < SMALL) {
        take(site);
        if (site->table.n_slots % 64 < 8) check(site);
    }
    while (site->n > 0) {
        put(site, site->n - 1);
        shrink(site);
        if (site->table.n_slots % 64 < 8) check(site);
    }
    g_assert_cmpuint(site->table.n_slots, ==, TABLE_SLOTS_MIN);
    check(site);
}

/* Fill a table without the naive search for each, up to a number of slots. */
static void fill(struct site *site, uint32_t slots) {
    struct table *t = &site->table;
    for (uint32_t expected = t->n_slots - 1; t->n_slots < slots; expected++) {
        while (reserved(expected)) expected++;
        t->room += table_wants(t);
        uint32_t slot = table_take(t);
        g_assert_cmpuint(slot, ==, expected);
        table_set(t, slot,
                  entry_moved(table_entry(t, slot), (size_t)slot << 4, slot % 32768));
        site->live[slot] = true;
        site->slots[site->n++] = slot;
    }
}

/* Beyond 2^16 slots: holes anywhere are found from the top, and the table shrinks over the
   border and grows again. */
static void test_large(struct site *site, gconstpointer none) {
    fill(site, 65536 + 300);
    check(site);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 40; i++) put_any(site);
        check(site);
        for (unsigned i = 0; i < 60; i++) take(site);
        check(site);
    }
    for (uint32_t i = site->n; i-- > 0;)
        if (site->slots[i] > 65536 - 200 && site->slots[i] % 64 != 17) put(site, i);
    shrink(site);
    check(site);
    while (site->table.n_slots > 65536 - 150) {
        uint32_t last = 0;
        for (uint32_t i = 0; i < site->n; i++)
            if (site->slots[i] > site->slots[last]) last = i;
        put(site, last);
        shrink(site);
        check(site);
    }
    for (unsigned i = 0; i < 400; i++) take(site);
    check(site);
    g_assert_cmpuint(site->table.n_slots, >, 65536);
}

/* Everything put at once, in any order; groups go, the last two stay. */
static void test_groups(struct site *site, gconstpointer none) {
    fill(site, 5000);
    while (site->n > 0) {
        for (unsigned i = 0; i < 50; i++) put_any(site);
        shrink_groups(site);
        check(site);
    }
    g_assert_cmpuint(site->table.n_slots, <=, 192);
    shrink(site);
    g_assert_cmpuint(site->table.n_slots, ==, TABLE_SLOTS_MIN);
    check(site);
}

/* --- generations --- */

static void take_new_handle(struct site *site, GHashTable *seen) {
    uint32_t slot = take(site);
    unsigned generation = entry_generation(table_entry(&site->table, slot));
    gint64 *handle = g_new(gint64, 1);
    *handle = (gint64)slot << 15 | generation;
    g_assert_true(g_hash_table_add(seen, handle)); /* never before */
}

/* No handle comes twice within so many reuses, be they of one slot or of slots given back. */
static void test_reuses(struct site *site, gconstpointer none) {
    GHashTable *seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    for (unsigned n = 0; n < REUSES;) {
        uint32_t up = (uint32_t)g_test_rand_int_range(0, 300);
        for (; n < REUSES && site->n < up; n++) take_new_handle(site, seen);
        uint32_t down = (uint32_t)g_test_rand_int_range(0, 100);
        while (site->n > down) put_any(site);
        if (g_test_rand_int_range(0, 3) == 0) shrink(site);
        if (g_test_rand_int_range(0, 3) == 0) shrink_groups(site);
        for (; n < REUSES && g_test_rand_int_range(0, 40) != 0; n++) {
            take_new_handle(site, seen);
            put(site, site->n - 1);
        }
    }
    check(site);
    g_hash_table_unref(seen);
}

/* One slot, over and over: all generations, then the first again. */
static void test_one_slot(struct site *site, gconstpointer none) {
    for (unsigned n = 0; n < GENERATIONS; n++) {
        uint32_t slot = take(site);
        g_assert_cmpuint(slot, ==, TABLE_SLOTS_MIN - 1);
        g_assert_cmpuint(entry_generation(table_entry(&site->table, slot)), ==, n);
        put(site, 0);
    }
    g_assert_cmpuint(entry_generation(table_entry(&site->table, take(site))), ==, 0);
    check(site);
}

/* A table begins with the generation its maker says. */
static void test_first_generation(struct site *site, gconstpointer none) {
    table_init(&site->table, site->memory + 8 * SLOTS, 1234);
    for (unsigned i = 0; i < 200; i++) {
        uint32_t slot = take(site);
        g_assert_cmpuint(entry_generation(table_entry(&site->table, slot)), ==, 1234);
    }
    check(site);
}

/* A table with more room than a handle can name slots is not extended beyond those. Nearly nothing of it is
   touched. */
static void test_most(void) {
    enum { LEFT = 4 };
    const size_t bytes = 8 * ((size_t)TABLE_SLOTS_MAX + 64);
    struct table t;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        g_test_skip("no address space");
        return;
    }
    table_init(&t, memory + bytes, 0);
    while (t.n_free > 0) table_take(&t);
    t.n_slots = TABLE_SLOTS_MAX - LEFT;
    table_set_room(&t, TABLE_SLOTS_MAX + 64);
    table_extend(&t, 16);
    g_assert_cmpuint(t.n_slots, ==, TABLE_SLOTS_MAX);
    g_assert_cmpuint(t.n_free, ==, LEFT);
    for (unsigned i = 0; i < LEFT; i++)
        g_assert_cmpuint(table_take(&t), ==, TABLE_SLOTS_MAX - LEFT + i);
    g_assert_cmpuint(table_wants(&t), ==, UINT32_MAX);
    g_assert_cmpuint(table_take(&t), ==, SLOT_NIL);
    munmap(memory, bytes);
}

#define ADD(name, test) g_test_add(name, struct site, NULL, open_site, test, close_site)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD("/table/init", test_init);
    ADD("/table/random", test_random);
    ADD("/table/untake", test_untake);
    ADD("/table/pairs", test_pairs);
    ADD("/table/large", test_large);
    ADD("/table/groups", test_groups);
    ADD("/table/generations/reuses", test_reuses);
    ADD("/table/generations/one-slot", test_one_slot);
    ADD("/table/generations/first", test_first_generation);
    g_test_add_func("/table/most", test_most);
    return g_test_run();
}
