/* SPDX-License-Identifier: MIT */
/*
 * Scrambling in heaps that are laid out to the unit, with a trail that is made up: where there is one place for a block
 * or two, it goes to the one where it has not been, or stays. (test_scramble has heaps of all kinds.)
 */
#include "scramble.h"

#include <glib.h>

#include "block.h"
#include "call.h"
#include "small.h"

enum { REGION = 40000, SIZE = 500, OBJECTS = 48 };

struct site {
    rm_heap_t *heap;
    void *memory;
    struct heap *h;
    struct store *s;
    struct area *a;
    struct trail trail;
    struct scramble c;
    uint32_t objects[OBJECTS]; /* slots of a run, as they lie */
    unsigned n;
};

/* In memory of so many bytes; or one that grows up to there. */
static void open_site(struct site *site, size_t bytes, bool grows) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct access access;
    uint64_t tag;
    *site = (struct site){.n = 0};
    options.threads = RM_THREADS_NONE;
    options.compaction = RM_COMPACT_MANUAL;
    options.memory = site->memory = grows ? NULL : g_malloc(bytes);
    options.size = bytes;
    g_assert_cmpint(rm_heap_create(&site->heap, &options), ==, RM_OK);
    g_assert_cmpint(call_tag(site->heap, &tag), ==, RM_OK);
    g_assert_true(registry_enter(tag, &access));
    site->h = access.heap;
    registry_leave(&access);
    site->s = &site->h->store;
    site->a = &site->s->area;
    g_assert_true(trail_init(&site->trail, bytes));
}

static void close_site(struct site *site) {
    g_assert_cmpint(rm_heap_check(site->heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(site->heap), ==, RM_OK);
    trail_finish(&site->trail);
    g_free(site->memory);
}

static rm_memory_t *make(const struct site *site, size_t size) {
    rm_memory_t *block;
    g_assert_cmpint(rm_heap_alloc(site->heap, &block, size, 0, 0), ==, RM_OK);
    return block;
}
static rm_memory_t *make_units(const struct site *site, unit_t units) {
    return make(site, units_bytes(units) - HEADER);
}
static void lock(rm_memory_t *block) {
    void *at;
    g_assert_cmpint(rmlock(block, &at), ==, RM_OK);
}
static void drop(const struct site *site, rm_memory_t *block) {
    g_assert_cmpint(rmfree(block), ==, RM_OK);
    g_assert_cmpint(rm_heap_trim(site->heap), ==, RM_OK); /* nothing rests */
}

static uint32_t slot_of(rm_memory_t *block) { return handle_slot(call_handle(block)); }
static size_t place_of(const struct site *site, uint32_t slot) {
    return entry_place(table_entry(&site->s->table, slot));
}

/* A run without a free slot. */
static void make_run(struct site *site) {
    struct run r;
    do {
        uint32_t slot = slot_of(make(site, SIZE));
        uint64_t e = table_entry(&site->s->table, slot);
        g_assert_cmpuint(shape_slot(e), ==, site->n);
        site->objects[site->n++] = slot;
        r = run_at(site->s, entry_span(site->s, e));
    } while (r.free != 0);
    g_assert_cmpuint(site->n, >=, 2);
}

/* What is free is locked, but for too little for an object. */
static void fill(const struct site *site) {
    for (unit_t units = area_largest(site->a); units > block_units(SIZE, false);
         units--) {
        rm_memory_t *block;
        size_t size = units_bytes(units) - HEADER;
        if (rm_heap_alloc(site->heap, &block, size, 0, 0) == RM_OK) lock(block);
    }
    g_assert_cmpuint(area_largest(site->a), <, block_units(SIZE, false));
}

static void was_at(struct site *site, uint32_t slot, size_t place) {
    g_assert_true(trail_reach(&site->trail, site->s->table.n_slots));
    trail_of(&site->trail, slot)->before = (uint32_t)(place >> 3);
}
static void turn(struct site *site) {
    g_assert_true(scramble(site->h, &site->c, &site->trail));
    g_assert_cmpint(rm_heap_check(site->heap, NULL), ==, RM_OK);
}

/* A gap of so many units, a run, and the rest is locked. */
static void lay_out(struct site *site, unit_t gap) {
    open_site(site, REGION, false);
    rm_memory_t *room = make_units(site, gap);
    make_run(site);
    fill(site);
    drop(site, room);
    g_assert_cmpuint(area_lowest_free(site->a, 0), ==, 0);
    g_assert_cmpuint(area_units(site->a, 0), ==, gap);
}

/* --- tests --- */

/* An object of a run that is locked can become a block of its own, at one place: not if it was there before. */
static void test_object(void) {
    for (unsigned was = 0; was < 2; was++) {
        struct site site;
        lay_out(&site, block_units(SIZE, false) + 8);
        uint32_t slot = site.objects[0];
        for (unsigned i = 1; i < site.n; i++) lock(heap_handle(site.h, site.objects[i]));
        size_t place = place_of(&site, slot);
        if (was) was_at(&site, slot, HEADER);
        turn(&site);
        g_assert_cmpuint(site.c.moved, ==, !was);
        g_assert_cmpuint(site.c.stayed, ==, was);
        g_assert_cmpuint(place_of(&site, slot), ==, was ? place : HEADER);
        close_site(&site);
    }
}

/* A run goes to where none of its objects was: that is known of its second one. */
static void test_run(void) {
    for (unsigned was = 0; was < 2; was++) {
        struct site site;
        open_site(&site, REGION, false);
        unit_t gap = small_run_units(site.s, SIZE) + 2;
        close_site(&site);
        lay_out(&site, gap);
        size_t down = units_bytes(gap), first = place_of(&site, site.objects[0]);
        if (was) was_at(&site, site.objects[1], place_of(&site, site.objects[1]) - down);
        turn(&site);
        g_assert_cmpuint(site.c.moved, ==, site.n);
        g_assert_cmpuint(place_of(&site, site.objects[0]), ==, first - down + was * UNIT);
        close_site(&site);
    }
}

/* A run above a gap that is too small for any of it slides down as far as none of its objects was before. */
static void slide(unit_t gap, const size_t up[2], size_t expected) {
    struct site site;
    lay_out(&site, 40 + gap);
    lock(make_units(&site, 40));
    g_assert_cmpuint(area_lowest_free(site.a, 0), ==, 40);
    g_assert_cmpuint(area_units(site.a, 40), ==, gap);
    size_t first = place_of(&site, site.objects[0]);
    for (unsigned i = 0; i < 2; i++) {
        size_t place = place_of(&site, site.objects[i]);
        was_at(&site, site.objects[i], place - up[i] * UNIT);
    }
    turn(&site);
    g_assert_cmpuint(place_of(&site, site.objects[0]), ==, first - expected * UNIT);
    g_assert_cmpuint(site.c.moved, ==, expected > 0 ? site.n : 0);
    g_assert_cmpuint(site.c.stayed, ==, expected > 0 ? 0 : site.n);
    close_site(&site);
}
static void test_slide(void) {
    slide(3, (size_t[]){7, 7}, 3);
    slide(3, (size_t[]){3, 7}, 2);
    slide(3, (size_t[]){3, 2}, 1);
    slide(2, (size_t[]){2, 1}, 0);
    slide(1, (size_t[]){1, 0}, 0); /* it may have been where it is */
}

/* All gaps that were kept for an object are free again, not the first alone. */
static void test_kept_gaps(void) {
    enum { GAPS = 3 };
    struct site site;
    rm_memory_t *room[GAPS];
    open_site(&site, REGION, false);
    for (unsigned i = 0; i < GAPS; i++) {
        room[i] = make_units(&site, 43);
        lock(make_units(&site, 40));
    }
    fill(&site);
    for (unsigned i = 0; i < GAPS; i++) {
        drop(&site, room[i]);
        lock(make_units(&site, 40));
    }
    unit_t free_units = site.a->free_units;
    for (unsigned i = 0; i < GAPS; i++) {
        unit_t gap = area_lowest_free(site.a, 0);
        g_assert_cmpuint(area_units(site.a, gap), ==, 3);
        small_keep_gap(site.s, gap);
    }
    g_assert_cmpuint(site.a->free_units, ==, free_units - GAPS * 3);
    turn(&site);
    g_assert_cmpuint(site.a->free_units, ==, free_units);
    close_site(&site);
}

/* The search goes on from where the last place was, but for far above all that is used: there it begins anew. */
static void test_cursor(void) {
    enum { HIGH = 85000, NEAR = 60000, FAR = 80000 };
    for (unsigned far = 0; far < 2; far++) {
        struct site site;
        open_site(&site, 2 << 20, false);
        uint32_t slot = slot_of(make(&site, 600));
        rm_memory_t *room = make_units(&site, HIGH);
        lock(make(&site, 600));
        drop(&site, room);
        site.c.cursor = far ? FAR : NEAR;
        turn(&site);
        g_assert_cmpuint(site.c.moved, ==, 1);
        if (far)
            g_assert_cmpuint(place_of(&site, slot), <, units_bytes(HIGH / 100));
        else
            g_assert_cmpuint(place_of(&site, slot), >, units_bytes(HIGH));
        close_site(&site);
    }
}

/* Of pages that were given back, and that a block is in now, the heap's region knows. */
static void test_regained(void) {
    struct site site;
    open_site(&site, 4 << 20, true);
    uint32_t slot = slot_of(make(&site, 20000));
    rm_memory_t *room = make(&site, 600000);
    lock(make(&site, 5000));
    drop(&site, room);
    unit_t released = site.a->released_units;
    g_assert_cmpuint(released, >, 0);
    g_assert_cmpuint(site.h->region.released, ==, released);
    size_t place = place_of(&site, slot);
    turn(&site);
    g_assert_cmpuint(place_of(&site, slot), !=, place);
    g_assert_cmpuint(site.a->released_units, <, released);
    g_assert_cmpuint(site.h->region.released, ==, site.a->released_units);
    close_site(&site);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    g_test_add_func("/scrambled/object", test_object);
    g_test_add_func("/scrambled/run", test_run);
    g_test_add_func("/scrambled/slide", test_slide);
    g_test_add_func("/scrambled/kept-gaps", test_kept_gaps);
    g_test_add_func("/scrambled/cursor", test_cursor);
    g_test_add_func("/scrambled/regained", test_regained);
    return g_test_run();
}
