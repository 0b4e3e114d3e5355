/* SPDX-License-Identifier: MIT */
/*
 * What comes about seldom, made up: regions that are too small, or come to their end; pages that the system refuses; and
 * those given back.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "seldom.h"
#include "walk.h"

/* Can this be read? */
static bool readable(const char *at) {
    int gate[2];
    g_assert_cmpint(pipe(gate), ==, 0);
    bool can = write(gate[1], at, 1) == 1;
    close(gate[0]);
    close(gate[1]);
    return can;
}
static bool mapped(const char *at) {
    return msync((void *)(uintptr_t)at, os_page(), MS_ASYNC) == 0;
}

/* --- regions --- */

/* Of more memory than a heap may have it has so much. */
static void test_most(void) {
    enum { STRUCTURE = 8000, MORE = MIB };
    struct region r;
    bool refused;
    if (sizeof(void *) != 8) {
        g_test_skip("there is more address space in 64 bits");
        return;
    }
    size_t bytes = (size_t)HEAP_BYTES_MAX + MORE;
    char *memory = os_reserve(bytes);
    g_assert_nonnull(memory);
    g_assert_nonnull(region_init(&r, memory, bytes, STRUCTURE, &refused));
    g_assert_true(r.low == memory && r.bytes == HEAP_BYTES_MAX && !r.pages);
    os_unreserve(memory, bytes);
    g_assert_nonnull(region_init(&r, NULL, bytes, STRUCTURE, &refused));
    g_assert_cmpuint(r.bytes, ==, round_down(HEAP_BYTES_MAX, os_page()));
    os_unreserve(r.low, r.bytes);
}

/* Too little: what was reserved for it is given back; what is the caller's is not. */
static void test_least(void) {
    struct region r;
    bool refused;
    size_t page = os_page();
    g_assert_null(region_init(&r, NULL, 2 * page, 2 * page, &refused));
    g_assert_false(refused);
    g_assert_false(mapped(logged_reserved()));
    for (unsigned then = 1; then <= 2; then++) {
        logged_refuse(then);
        g_assert_true(region_init(&r, NULL, MIB, page, &refused) == NULL && refused);
        g_assert_false(mapped(logged_reserved()));
    }
    /* Without a limit less will do. */
    logged_refuse(1);
    g_assert_nonnull(region_init(&r, NULL, 0, page, &refused));
    g_assert_cmpuint(r.bytes, <, HEAP_BYTES_MAX / 2 + page);
    os_unreserve(r.low, r.bytes);
    g_assert_null(region_init(&r, (char *)UINTPTR_MAX - page, 2 * page, 600, &refused));
    char *memory = os_reserve(2 * page);
    g_assert_true(os_commit(memory, 2 * page));
    g_assert_null(region_init(&r, memory, 2 * page, 2 * page - 16, &refused));
    g_assert_true(mapped(memory) && mapped(memory + page));
    os_unreserve(memory, 2 * page);
}

static void test_grow(void) {
    open_heap(256 * MIB, true);
    struct region *r = &site.h->region;
    char *end = r->area_end;
    g_assert_true(readable(end - 1) && !readable(end) && !readable(r->table_end - 1));
    /* As much is there already: a step more. */
    g_assert_cmpuint(area_free_at_end(&site.s->area), >, 1);
    g_assert_true(region_grow(r, site.s, 1));
    g_assert_false(region_closed(r));
    g_assert_cmpuint((size_t)(r->area_end - end), <, MIB);
    /* The zones that go with the area are given back if it is refused. */
    char *zones = r->zones_end;
    unit_t units = area_free_at_end(&site.s->area) + (60 * MIB >> UNIT_SHIFT);
    end = r->area_end;
    logged_refuse(2);
    g_assert_false(region_grow(r, site.s, units));
    g_assert_true(r->zones_end == zones && r->area_end == end && !readable(zones));
    /* From here on by huge pages. */
    make(70 * MIB);
    g_assert_true(region_grow(r, site.s, area_free_at_end(&site.s->area) + 1));
    g_assert_cmpuint((uintptr_t)r->area_end % OS_HUGE, ==, 0);
    close_heap();
}

static bool add_size(const rm_span_t *span, void *context) {
    *(size_t *)context += span->size;
    return true;
}
static void test_ends(void) {
    open_heap(64 * MIB, true);
    struct region *r = &site.h->region;
    char *zones = r->zones_end;
    ENDS(r->zones_end = zones + 8, region_trim(r, site.s));
    ENDS(r->zones_end = zones - 8, region_trim(r, site.s));
    r->zones_end = zones;
    size_t bytes = 0; /* all of it is seen, up to the end */
    g_assert_cmpint(walk_heap(site.h, add_size, &bytes), ==, RM_OK);
    g_assert_cmpuint(bytes, ==, 64 * MIB);
    close_heap();
    open_heap(MIB, true); /* step by step, to its end */
    for (r = &site.h->region; !region_closed(r);)
        g_assert_true(region_grow(r, site.s, 1));
    close_heap();
}

/* Room for slots takes more than is left between the two, or closing is refused where the area has enough. */
static void test_slots(void) {
    for (unsigned refused = 0; refused < 2; refused++) {
        open_heap(MIB, true);
        struct region *r = &site.h->region;
        uint32_t large = make(700 * KIB);
        drop(large);
        struct region was = *r;
        size_t gap = region_gap(r);
        g_assert_cmpuint(units_bytes(area_free_at_end(&site.s->area)), >, gap + 8192);
        logged_refuse(refused);
        bool got =
            region_room(r, site.s, (uint32_t)(gap + (refused ? 0 : 2 * os_page())) / 8);
        g_assert_true(got == !refused);
        if (refused)
            g_assert_true(r->area_end == was.area_end && r->table_end == was.table_end);
        if (got)
            g_assert_cmpuint(site.s->table.room, >=, site.s->table.n_slots + gap / 8);
        g_assert_true(is_sound());
        close_heap();
    }
}

/* Pages where the table has been hold nothing any more, but can be read. */
static void test_table(void) {
    enum { HANDLES = 40000 };
    uint32_t *slots = g_new(uint32_t, HANDLES);
    for (unsigned how = 0; how < 3; how++) {
        open_heap(64 * MIB, true);
        struct region *r = &site.h->region;
        struct table *t = &site.s->table;
        uint32_t room = t->room;
        for (unsigned i = 0; i < HANDLES; i++) slots[i] = make(0);
        const char *end = r->table_end, *low = table_slot(t, t->n_slots - 1);
        for (unsigned i = 0; i < HANDLES; i++) drop(slots[i]);
        heap_settle(site.h);
        table_shrink(t, false);
        low = (const char *)round_up((uintptr_t)low, os_page());
        g_assert_cmpuint(load64(low + 16), !=, 0);
        if (how == 0) g_assert_true(heap_trim(site.h));
        size_t capacity = region_capacity(r, site.s), returned = site.s->returned;
        if (how == 1) region_give_back(r, site.s, SIZE_MAX, true);
        if (how == 1)
            g_assert_cmpuint(capacity - region_capacity(r, site.s), ==,
                             site.s->returned - returned);
        if (how == 2) region_restore(r, site.s, room);
        g_assert_true(r->table_end > end && readable(end));
        g_assert_cmpuint(load64(low + 16), ==, 0);
        if (how == 2) g_assert_cmpuint(t->room, ==, room);
        close_heap();
    }
    g_free(slots);
}

/* --- pages --- */

/* Pages that the system does not take back are not noted. */
static void test_release(void) {
    open_heap(8 * MIB, true);
    struct area *a = &site.s->area;
    uint32_t gap = make(MIB);
    make(MIB / 2);
    site.s->ebb.large = SIZE_MAX; /* they do not go at once */
    drop(gap);
    unit_t given = a->released_units;
    for (unsigned last = 0; last < 2; last++) {
        logged_refuse(1);
        g_assert_cmpuint(area_release_some(a, 100, 50, last), ==, 0);
        g_assert_cmpuint(a->released_units, ==, given);
        g_assert_cmpuint(area_release_some(a, 100, 50, last), ==, 50);
        given += 50 * (unit_t)(os_page() >> UNIT_SHIFT);
        g_assert_cmpuint(a->released_units, ==, given);
    }
    /* However much work there may be, more than pages can be counted. */
    uint64_t work = WORK_CALL + ((uint64_t)WORK_PAGE << 32);
    region_give_back(&site.h->region, site.s, work < SIZE_MAX ? work : SIZE_MAX, true);
    g_assert_cmpuint(a->released_units, >, given);
    close_heap();
}

/* Of two spans with such pages each knows the other. */
static void test_released(void) {
    enum { PREVIOUS = 44 };
    open_heap(8 * MIB, true);
    struct area *a = &site.s->area;
    uint32_t gaps[2];
    for (unsigned i = 0; i < 2; i++) gaps[i] = make(MIB), make(600);
    for (unsigned i = 0; i < 2; i++) drop(gaps[i]);
    g_assert_true(area_release(a));
    unit_t first = a->released, second = area_next_released(a, first);
    char *previous = area_at(a, second) + PREVIOUS;
    g_assert_cmpuint(load32(previous), ==, first);
    const unit_t wrong[] = {UNIT_NIL, UNIT_NIL - 1, a->limit, second};
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++)
        ENDS(store32(previous, wrong[i]), area_released_unlink(a, second));
    store32(previous, first);
    char *node = area_at(a, first);
    ENDS(store32(node + PREVIOUS, a->limit), area_released_unlink(a, first));
    store32(node + PREVIOUS, UNIT_NIL);
    uint64_t pages = load64(node + RELEASED_FIRST);
    ENDS(store64(node + RELEASED_FIRST, 0), area_given_back(a, first));
    store64(node + RELEASED_FIRST, pages);
    close_heap();
}

int main(int argc, char **argv) {
    static const struct seldom_case cases[] = {
        {"most", test_most},       {"least", test_least},       {"grow", test_grow},
        {"ends", test_ends},       {"slots", test_slots},       {"table", test_table},
        {"release", test_release}, {"released", test_released},
    };
    return seldom_main(argc, argv, "margins", cases, G_N_ELEMENTS(cases));
}
