/* SPDX-License-Identifier: MIT */
/*
 * The copy of what nobody may write to: each byte of a heap that is not in a locked block, or in pages given back, is
 * found when it has been turned, at its place and no other; so are two, as one where they are near. Where the
 * library's own words of a block change, a note of it is enough.
 */
#include "mirror.h"

#include <glib.h>
#include <sys/mman.h>

#include "calls.h"
#include "os.h"
#include "registry.h"
#include "run.h"

enum { REGION = 24000, BLOCKS = 60, LIMIT = 1 << 22, APART = 65 };

struct site {
    uint64_t tag;
    struct heap *h;
    struct mirror m;
    uint32_t slots[BLOCKS];
    uint32_t beside; /* what no test locks */
    void *memory;
};

static uint32_t make(const struct site *site, size_t size, size_t alignment) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site->h, NULL, size, alignment, 0, &slot), ==, RM_OK);
    return slot;
}

static void lock(const struct site *site, uint32_t slot) {
    void *at;
    g_assert_true(lock_slot(site->h, slot, &at));
}

/* Blocks of all kinds, some locked, some freed. */
static void open_site(struct site *site, size_t region) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct access a;
    options.memory = site->memory = region > 0 ? g_malloc(region) : NULL;
    options.size = region > 0 ? region : LIMIT;
    g_assert_cmpint(registry_create(&options, &site->tag), ==, RM_OK);
    g_assert_true(registry_enter(site->tag, &a));
    site->h = a.heap;
    registry_leave(&a);
    for (unsigned i = 0; i < BLOCKS; i++)
        site->slots[i] = make(site, i % 3 == 0 ? i * 11 : i * 37 % 200, i == 30 ? 64 : 0);
    site->beside = make(site, 700, 0);
    for (unsigned i = 0; i < BLOCKS; i += 4)
        g_assert_cmpint(free_slot(site->h, site->slots[i]), ==, RM_OK);
    for (unsigned i = 1; i < BLOCKS; i += 8) lock(site, site->slots[i]);
    heap_settle(site->h);
    g_assert_true(mirror_init(&site->m, options.size));
}

static void close_site(struct site *site) {
    mirror_finish(&site->m);
    g_assert_true(registry_destroy(site->tag));
    g_free(site->memory);
}

/* The bytes that may be written to, told without the copy: those of blocks, locked or all. */
static bool *free_to_write(const struct site *site, bool reading) {
    const struct store *s = &site->h->store;
    size_t high = units_bytes(site->m.high);
    bool *is = g_new0(bool, high);
    for (uint32_t slot = 0; slot < s->table.n_slots; slot++) {
        if (!table_live(&s->table, slot)) continue;
        struct heap_block b = heap_look(site->h, slot);
        if (b.locks == 0 && !reading) continue;
        memset(is + (b.address - s->area.base), true, b.size);
    }
    return is;
}

static void turn(const struct site *site, size_t place) {
    site->h->store.area.base[place] ^= 0x55;
}

static void test_each(gconstpointer reading) {
    struct site site;
    struct mirror_difference d;
    open_site(&site, REGION);
    mirror_take(&site.m, &site.h->store);
    site.m.reading = reading != NULL;
    size_t high = units_bytes(site.m.high), n_found = 0;
    bool *may = free_to_write(&site, reading != NULL);
    g_assert_false(mirror_find(&site.m, &site.h->store, &d));
    for (size_t at = 0; at < high; at++) {
        turn(&site, at);
        bool found = mirror_find(&site.m, &site.h->store, &d);
        g_assert_true(found != may[at]);
        if (found) g_assert_true(d.place == at && d.bytes == 1);
        n_found += found;
        turn(&site, at);
    }
    g_assert_cmpuint(n_found, >, high / 3);
    g_assert_false(mirror_find(&site.m, &site.h->store, &d));
    g_free(may);
    close_site(&site);
}

/* Two bytes: up to 64 that are the same between them they are one difference, from the first to the last. */
static void test_two(void) {
    struct site site;
    struct mirror_difference d;
    open_site(&site, REGION);
    mirror_take(&site.m, &site.h->store);
    size_t high = units_bytes(site.m.high);
    bool *may = free_to_write(&site, false);
    for (size_t at = 0; at + 2 * APART < high; at++)
        for (size_t by = 1; by <= 2 * APART; by += 16) {
            if (may[at] || may[at + by]) continue;
            turn(&site, at);
            turn(&site, at + by);
            g_assert_true(mirror_find(&site.m, &site.h->store, &d));
            g_assert_cmpuint(d.place, ==, at);
            g_assert_cmpuint(d.bytes, ==, by < APART ? by + 1 : 1);
            turn(&site, at);
            turn(&site, at + by);
        }
    g_free(may);
    close_site(&site);
}

/* Pages that have been given back are not touched, and what lies on either side of them is held against the copy. */
static void test_given_back(void) {
    struct site site;
    struct mirror_difference d;
    open_site(&site, 0);
    uint32_t gap = make(&site, 400000, 0);
    make(&site, 5000, 0);
    g_assert_cmpint(free_slot(site.h, gap), ==, RM_OK);
    g_assert_true(heap_trim(site.h));
    const struct area *a = &site.h->store.area;
    g_assert_cmpuint(a->released, !=, UNIT_NIL);
    struct pages gone = area_given_back(a, a->released);
    size_t low = (size_t)gone.first * os_page() - HEADER, n = (size_t)gone.n * os_page();
    g_assert_cmpuint(n, >, 300000);
    mirror_take(&site.m, &site.h->store);
    unsigned char in_core[1];
    g_assert_cmpint(mincore(a->base + low, os_page(), in_core), ==, 0);
    g_assert_false(in_core[0] & 1);
    for (unsigned side = 0; side < 2; side++) {
        size_t at = side == 0 ? low - 1 : low + n;
        turn(&site, at);
        g_assert_true(mirror_find(&site.m, &site.h->store, &d));
        g_assert_true(d.place == at && d.bytes == 1);
        turn(&site, at);
    }
    g_assert_false(mirror_find(&site.m, &site.h->store, &d));
    close_site(&site);
}

/* With so many locks a block's own words change, wherever they are. */
static void test_noted(void) {
    static const size_t sizes[] = {7, 40, 100, 600, 3000};
    struct mirror_difference d;
    unsigned n_changed = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct site site;
        open_site(&site, REGION);
        uint32_t slot = make(&site, sizes[i], 0);
        for (unsigned n = 0; n < LOCKS_FEW; n++) lock(&site, slot);
        mirror_note(&site.m, &site.h->store, table_entry(&site.h->store.table, slot));
        g_assert_false(site.m.known); /* there is no copy yet */
        mirror_take(&site.m, &site.h->store);
        lock(&site, slot);
        size_t bytes = units_bytes(site.m.high);
        char *before = g_memdup2(site.m.copy, bytes);
        mirror_note(&site.m, &site.h->store, table_entry(&site.h->store.table, slot));
        n_changed += memcmp(before, site.m.copy, bytes) != 0;
        g_assert_false(mirror_find(&site.m, &site.h->store, &d));
        g_free(before);
        close_site(&site);
    }
    g_assert_cmpuint(n_changed, >, 2);
}

/* What else is in the run is not taken for what it should be. */
static void test_beside(void) {
    struct site site;
    struct mirror_difference d;
    open_site(&site, REGION);
    const struct store *s = &site.h->store;
    const struct table *t = &s->table;
    uint32_t slot, other = make(&site, 40, 0);
    do { /* two in one run */
        slot = other;
        other = make(&site, 40, 0);
    } while (entry_span(s, table_entry(t, slot)) != entry_span(s, table_entry(t, other)));
    mirror_take(&site.m, &site.h->store);
    size_t at = entry_place(table_entry(&site.h->store.table, other));
    turn(&site, at);
    for (unsigned n = 0; n <= LOCKS_FEW; n++) lock(&site, slot);
    mirror_note(&site.m, &site.h->store, table_entry(&site.h->store.table, slot));
    g_assert_true(mirror_find(&site.m, &site.h->store, &d));
    g_assert_true(d.place == at && d.bytes == 1);
    turn(&site, at);
    close_site(&site);
}

/* All that is free in a run is filled but for the links of its list, which are in one free slot. */
static void test_free_slots(void) {
    enum { SIZE = 40, LINKS = 8 };
    struct site site;
    open_site(&site, REGION);
    const struct store *s = &site.h->store;
    uint32_t slots[20], kept = make(&site, SIZE, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        slots[i] = kept;
        kept = make(&site, SIZE, 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        memset(s->area.base + entry_place(table_entry(&s->table, slots[i])), 1, SIZE);
        g_assert_cmpint(free_slot(site.h, slots[i]), ==, RM_OK);
    }
    heap_settle(site.h);
    struct run r = run_at(s, entry_span(s, table_entry(&s->table, kept)));
    g_assert_cmpuint(bit_count(r.free), >, 2);
    mirror_take(&site.m, s);
    for (unsigned i = 0; i < r.slots; i++) {
        const char *at = run_slot(&r, i);
        if (!(r.free >> i & 1)) continue;
        for (unsigned k = i == bit_highest(r.free) ? LINKS : 0; k < r.class->capacity;
             k++)
            g_assert_cmphex((unsigned char)at[k], ==, MIRROR_FREE);
    }
    close_site(&site);
}

/* What has memory is known; where the system has refused it, there is no copy to be noted in. */
static void test_memory(void) {
    struct site site;
    open_site(&site, REGION);
    mirror_take(&site.m, &site.h->store);
    g_assert_cmpuint(site.m.bytes, >=, units_bytes(site.m.high));
    unit_t high = site.m.high;
    mirror_finish(&site.m);
    g_assert_true(mirror_init(&site.m, REGION));
    site.m.high = high; /* as mirror_take leaves it then */
    uint64_t e = table_entry(&site.h->store.table, site.beside);
    mirror_note(&site.m, &site.h->store, e);
    g_assert_cmpuint(site.m.bytes, ==, 0);
    close_site(&site);
}

/* Where much was used once, and is no more, whether its pages go back or not, the copy is as good as before. */
static void test_less(gconstpointer region) {
    enum { MUCH = 5 << 19 };
    struct site site;
    struct mirror_difference d;
    open_site(&site, GPOINTER_TO_SIZE(region));
    uint32_t much = make(&site, MUCH, 0), little;
    mirror_take(&site.m, &site.h->store);
    unit_t high = site.m.high;
    g_assert_true(site.m.known);
    g_assert_cmpint(free_slot(site.h, much), ==, RM_OK);
    g_assert_true(heap_trim(site.h));
    little = make(&site, 100, 0);
    mirror_take(&site.m, &site.h->store);
    g_assert_cmpuint(site.m.high, <, high / 8);
    g_assert_true(site.m.known);
    size_t at = entry_place(table_entry(&site.h->store.table, little));
    turn(&site, at);
    g_assert_true(mirror_find(&site.m, &site.h->store, &d));
    close_site(&site);
}

/* Of a block above all that was copied there is nothing to be noted. */
static void test_above(void) {
    struct site site;
    struct mirror_difference d;
    open_site(&site, 0);
    mirror_take(&site.m, &site.h->store);
    size_t bytes = units_bytes(site.m.high);
    char *copy = g_memdup2(site.m.copy, bytes);
    uint32_t slot = make(&site, 100000, 0);
    uint64_t e = table_entry(&site.h->store.table, slot);
    g_assert_cmpuint(entry_span(&site.h->store, e), >=, site.m.high);
    mirror_note(&site.m, &site.h->store, e);
    g_assert_cmpmem(copy, bytes, site.m.copy, bytes);
    mirror_take(&site.m, &site.h->store);
    g_assert_false(mirror_find(&site.m, &site.h->store, &d));
    g_free(copy);
    close_site(&site);
}

/* Where what is copied ends in a free span it has all that the span says of itself, its pages too; what stands in the copy
   behind that is of another time. */
static void test_cut(void) {
    enum { MORE = 64 };
    struct mirror_difference d;
    for (unsigned units = 1; units < MORE / UNIT + 3; units++) {
        struct site site;
        open_site(&site, 0);
        uint32_t large = make(&site, 1 << 20, 0);
        unit_t end = area_extent(&site.h->store.area);
        mirror_take(&site.m, &site.h->store);
        g_assert_cmpuint(site.m.high, ==, end);
        g_assert_cmpint(free_slot(site.h, large), ==, RM_OK);
        heap_settle(site.h);
        g_assert_true(area_release(&site.h->store.area));
        unit_t last = area_last_free(&site.h->store.area);
        g_assert_cmpuint(area_given_back(&site.h->store.area, last).n, >, 0);
        memset(site.m.copy + units_bytes(last), 0xff, 1000);
        site.m.high = last + units;
        mirror_take(&site.m, &site.h->store);
        g_assert_cmpuint(site.m.high, ==, last + units);
        g_assert_false(mirror_find(&site.m, &site.h->store, &d));
        turn(&site, units_bytes(last) + RELEASED_COUNT);
        g_assert_true(mirror_find(&site.m, &site.h->store, &d));
        turn(&site, units_bytes(last) + RELEASED_COUNT);
        close_site(&site);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/mirror/each", NULL, test_each);
    g_test_add_data_func("/mirror/each/reading", "reading", test_each);
    g_test_add_func("/mirror/two", test_two);
    g_test_add_func("/mirror/given-back", test_given_back);
    g_test_add_func("/mirror/noted", test_noted);
    g_test_add_func("/mirror/beside", test_beside);
    g_test_add_func("/mirror/free-slots", test_free_slots);
    g_test_add_func("/mirror/memory", test_memory);
    g_test_add_data_func("/mirror/less", NULL, test_less);
    g_test_add_data_func("/mirror/less/region", GSIZE_TO_POINTER(LIMIT), test_less);
    g_test_add_func("/mirror/above", test_above);
    g_test_add_func("/mirror/cut", test_cut);
    return g_test_run();
}
