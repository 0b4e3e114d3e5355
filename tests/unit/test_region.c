/* SPDX-License-Identifier: MIT */
/*
 * The border between area and table at its ends: where nothing is left between the two, where the system refuses, and
 * where what a heap remembers of it is damaged: the call ends then.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "os.h"
#include "registry.h"
#include "site.h"

enum { LIMIT = 1 << 20, HANDLES = 40000 };

/* A heap that grows up to `limit` bytes. */
static void open_growing(struct site *site, size_t limit) {
    *site = (struct site){NULL};
    site_make(site, NULL, limit);
    g_assert_false(region_closed(&site->h->region));
    site_keep(site);
}
static void close_growing(struct site *site) {
    g_assert_true(registry_destroy(site->tag));
    for (unsigned i = 0; i < 2; i++) g_free(site->parts[i].copy);
}

/* --- damage --- */

/* What is damaged so is found by the call; then it is as it was. */
#define ENDS(damage, call)                                                               \
    do {                                                                                 \
        jmp_buf edge;                                                                    \
        (void)(damage);                                                                  \
        damage_edge = &edge;                                                             \
        if (_setjmp(edge) == 0) {                                                        \
            (void)(call);                                                                \
            g_error("not found: %s", #damage);                                           \
        }                                                                                \
        damage_edge = NULL;                                                              \
        site_restore(site);                                                              \
    } while (0)

static void test_damage(void) {
    struct site own, *site = &own;
    open_growing(site, LIMIT);
    struct store *s = &site->h->store;
    struct region *r = &site->h->region;
    struct table *t = &s->table;
    size_t page = os_page();
    ENDS(t->n_slots |= 1, region_trim(r, s));
    ENDS(r->pages = 0, region_trim(r, s));
    ENDS(r->zones_end += 8, region_trim(r, s));
    ENDS(r->zones_end = r->low + r->bytes + page, region_trim(r, s));
    ENDS(r->zones_end = r->low, region_trim(r, s));
    ENDS(r->area_end += 8, region_trim(r, s));
    ENDS(r->table_end += 8, region_trim(r, s));
    ENDS(s->pages_bytes++, region_trim(r, s));
    ENDS(t->reach = t->room - 2, region_trim(r, s));
    ENDS(t->reach = UINT32_MAX, region_trim(r, s));
    ENDS(t->n_slots |= 1, region_settle(r, s));
    site_assert_sound(site);
    close_growing(site);
}

/* What never changes of a heap, and what follows from the rest. */
static void test_bounds(struct site *site, gconstpointer none) {
    struct heap *h = site->h;
    struct store *s = &h->store;
    struct area *a = &s->area;
    struct region *r = &h->region;
    struct table *t = &s->table;
    const struct bounds b = bounds_of(h);
    g_assert_true(bounds_hold(h, &b));
#define BROKEN(damage)                                                                   \
    do {                                                                                 \
        (void)(damage);                                                                  \
        if (bounds_hold(h, &b)) g_error("not found: %s", #damage);                       \
        site_restore(site);                                                              \
    } while (0)
    BROKEN(t->top++);
    BROKEN(a->base++);
    BROKEN(h->tag++);
    BROKEN(r->pages ^= 1);
    BROKEN(s->quick.pool++);
    BROKEN(r->area_end++);
    BROKEN((a->limit = UNIT_NIL - 1,
            r->area_end = a->base + units_bytes(UNIT_NIL - 1) + HEADER));
    BROKEN(t->room += 2);
    BROKEN((t->room += 2, r->table_end -= 16));
    BROKEN(t->n_slots = t->room + 2);
    BROKEN(t->n_slots = TABLE_SLOTS_MIN - 2);
    BROKEN(a->buddy.limit++);
    BROKEN(s->quick.fresh = 0);
    BROKEN(s->quick.fresh = b.n_chunks + 1);
    g_assert_true(bounds_hold(h, &b));
}

/* The size of a block half moved, which lies nowhere. */
static void test_half_moved(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    uint32_t slot = site_half_moved(site, false);
    site_keep(site);
    ENDS(s->mover.to = s->area.limit, heap_size(site->h, slot));
    g_assert_cmpuint(heap_size(site->h, slot), ==, 80000);
    heap_compact(site->h, 0, 0, NULL);
}

/* --- too little --- */

static void test_small(void) {
    enum { STRUCTURE = 5000 };
    struct region r;
    size_t page = os_page();
    bool refused = true;
    char *memory = g_malloc(STRUCTURE + 200);
    g_assert_null(region_init(&r, memory, STRUCTURE - 1, STRUCTURE, &refused));
    g_assert_null(region_init(&r, memory, STRUCTURE + 10, STRUCTURE, &refused));
    g_assert_null(region_init(&r, NULL, page, STRUCTURE, &refused));
    g_assert_null(region_init(&r, NULL, 2 * page, 2 * page, &refused));
    g_assert_false(refused);
    g_free(memory);
    r.area_end = NULL, r.table_end = r.area_end + page;
    g_assert_cmpuint(region_reserve(&r, 0), ==, page);
    g_assert_cmpuint(region_reserve(&r, 2), ==, page - 16); /* there it closes */
    r.table_end += page;
    g_assert_cmpuint(region_reserve(&r, 2), ==, page);
}

/* --- where both ends meet --- */

/* Room for slots that takes the last pages closes the region; and not where the system refuses. */
static void test_last_pages(void) {
    for (unsigned refused = 0; refused < 2; refused++) {
        struct site own, *site = &own;
        open_growing(site, LIMIT);
        struct store *s = &site->h->store;
        struct region *r = &site->h->region, was = *r;
        uint32_t room = s->table.room;
        size_t gap = region_gap(r);
        if (refused)
            munmap(r->area_end, gap); /* of what is not there nothing can be had */
        bool got = region_room(r, s, (uint32_t)(gap / 8));
        g_assert_true(got == !refused && region_closed(r) == !refused);
        if (refused) {
            g_assert_cmpint(errno, ==, ENOMEM);
            g_assert_true(r->area_end == was.area_end && r->table_end == was.table_end);
            g_assert_cmpuint(s->table.room, ==, room);
        } else {
            region_settle(r, s);
        }
        site_assert_sound(site);
        close_growing(site);
    }
}

/* Nothing is free: nothing can be given back. */
static void test_full(void) {
    struct site own, *site = &own;
    uint32_t slot;
    open_growing(site, LIMIT);
    while (heap_alloc(site->h, NULL, 600, 0, 0, &slot) == RM_OK) continue;
    while (heap_alloc(site->h, NULL, 8, 0, 0, &slot) == RM_OK) continue;
    g_assert_true(region_closed(&site->h->region));
    size_t capacity = region_capacity(&site->h->region, &site->h->store);
    g_assert_true(heap_trim(site->h));
    g_assert_cmpuint(region_capacity(&site->h->region, &site->h->store), ==, capacity);
    site_assert_sound(site);
    close_growing(site);
}

/* Huge pages are for what lies well below the table. */
static void test_huge(void) {
    enum { MANY = 65 << 20, MORE = 70 << 20 };
    struct site own, *site = &own;
    uint32_t slot;
    open_growing(site, MORE);
    site_block(site, MANY, 0);
    while (heap_alloc(site->h, NULL, 100000, 0, 0, &slot) == RM_OK) continue;
    g_assert_true(region_closed(&site->h->region));
    site_assert_sound(site);
    close_growing(site);
}

/* --- the table gets shorter --- */

static void test_table(void) {
    struct site own, *site = &own;
    open_growing(site, 0);
    struct store *s = &site->h->store;
    struct region *r = &site->h->region;
    uint32_t *slots = g_new(uint32_t, HANDLES);
    uint32_t least = s->table.n_slots;
    for (unsigned i = 0; i < HANDLES; i++) slots[i] = site_block(site, 0, 0);
    uint32_t room = s->table.room;
    region_restore(r, s, room + 2);
    region_restore(r, s, 64); /* as if it had had no more; but there are blocks */
    g_assert_cmpuint(s->table.room, ==, room);
    for (unsigned i = 0; i < HANDLES; i++)
        g_assert_cmpint(free_slot(site->h, slots[i]), ==, RM_OK);
    heap_settle(site->h);
    table_shrink(&s->table, false);
    g_assert_cmpuint(s->table.n_slots, <, least + 64);
    size_t before = region_capacity(r, s), returned = s->returned;
    region_give_back(r, s, SIZE_MAX, false);
    g_assert_cmpuint(s->table.room, <, room);
    g_assert_cmpuint(before - region_capacity(r, s), ==, s->returned - returned);
    site_assert_sound(site);
    /* What is left is kept: it is not worth a call of the system. */
    region_give_back(r, s, SIZE_MAX, false);
    for (unsigned i = 0; i < HANDLES; i++) slots[i] = site_block(site, 0, 0);
    site_assert_sound(site);
    g_free(slots);
    close_growing(site);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    SITE_ADD("/region/bounds", test_bounds, NULL);
    SITE_ADD("/region/half-moved", test_half_moved, NULL);
    g_test_add_func("/region/damage", test_damage);
    g_test_add_func("/region/small", test_small);
    g_test_add_func("/region/last-pages", test_last_pages);
    g_test_add_func("/region/full", test_full);
    g_test_add_func("/region/huge", test_huge);
    g_test_add_func("/region/table", test_table);
    return g_test_run();
}
