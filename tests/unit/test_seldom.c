/* SPDX-License-Identifier: MIT */
/*
 * What comes about seldom, made up: a turn of one function each that calls hardly come to, or whose outcome they
 * do not tell.
 */
#include <glib.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "compact.h"
#include "fill.h"
#include "inside.h"
#include "logged.h"
#include "merge.h"
#include "move.h"
#include "slide.h"
#include "small.h"
#include "verify.h"

enum { KIB = 1 << 10, MIB = 1 << 20, OBJECTS = 1200, SIZE = 40, MEDIUM = 1000 };

static struct {
    struct heap *h;
    struct store *s;
    struct crowd *crowd;
    char *low, *memory, *copy;
    size_t bytes;
    uint64_t tag;
    uint32_t slots[OBJECTS];
} site;

static uint32_t make(size_t size) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site.h, NULL, size, 0, 0, &slot), ==, RM_OK);
    return slot;
}
static void drop(uint32_t slot) { g_assert_cmpint(free_slot(site.h, slot), ==, RM_OK); }
static void pin(uint32_t slot) {
    void *pointer;
    g_assert_true(lock_slot(site.h, slot, &pointer));
}
static uint64_t entry(uint32_t slot) { return table_entry(&site.s->table, slot); }
static unit_t span_of(uint32_t slot) { return entry_span(site.s, entry(slot)); }
static bool is_sound(void) {
    rm_fault_t fault;
    return verify_heap(site.h, site.crowd, site.low, site.bytes, &fault) == RM_OK;
}

/* A heap that grows, up to so many bytes; or in the caller's. */
static void open_heap(size_t bytes, bool grows) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    memset(&site, 0, sizeof site);
    logged_begin(0);
    if (!grows) options.memory = site.memory = g_aligned_alloc0(1, bytes, MIB);
    options.size = bytes;
    options.compaction = RM_COMPACT_MANUAL;
    options.threads = RM_THREADS_NONE;
    inside_open(&site, &options);
    site.s = &site.h->store;
}
static void close_heap(void) {
    heap_settle(site.h);
    g_assert_true(is_sound());
    g_assert_true(registry_destroy(site.tag));
    g_aligned_free(site.memory);
    g_free(site.copy);
}

/* After a statement that damages the heap a call ends where it meets that. A caller's is as it was then. */
static void restore(void) { memcpy(site.low, site.copy, site.bytes); }
#define ENDS(damage, call)                                                               \
    do {                                                                                 \
        jmp_buf edge;                                                                    \
        (void)(damage);                                                                  \
        if (_setjmp(edge) == 0) {                                                        \
            damage_edge = &edge;                                                         \
            (void)(call);                                                                \
            g_error("%s: %s goes on", #damage, #call);                                   \
        }                                                                                \
        damage_edge = NULL;                                                              \
    } while (0)

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

/* --- what rests --- */

/* So many of a class rest on its list; the others are freed, some at a time. */
static void test_depth(void) {
    enum { MOST = QUICK_SMALL_DEPTH * QUICK_SLOTS };
    open_heap(4 * MIB, true);
    struct quick *q = &site.s->quick;
    for (unsigned i = 0; i < OBJECTS; i++) site.slots[i] = make(SIZE);
    heap_settle(site.h);
    unsigned i = 0;
    for (; i < MOST - 2; i++) drop(site.slots[i]);
    g_assert_cmpuint(quick_count(site.s), ==, MOST - 2);
    /* There is room on the list: it does not wait in the queue. */
    uint32_t slot = site.slots[i];
    g_assert_false(quick_queue(site.s, quick_last(q), heap_tops_of(site.h), slot,
                               table_slot(&site.s->table, slot), entry(slot)));
    for (; i < OBJECTS; i++) {
        drop(site.slots[i]);
        g_assert_cmpuint(quick_count(site.s), <=, MOST + QUICK_QUEUE);
    }
    g_assert_cmpuint(q->small[class_of(SIZE)] % QUICK_CHUNK, ==,
                     QUICK_CHUNK - QUICK_WORD);
    close_heap();
}

/* Whether one that is freed would rest, and no more than that. */
static void test_room(void) {
    open_heap(4 * MIB, true);
    struct quick *q = &site.s->quick;
    uint32_t slot = make(SIZE), medium = make(MEDIUM);
    uint64_t e = entry(slot);
    drop(make(SIZE)); /* now there is a chunk */
    uint64_t last = GENERATION_DROP_MAX - 1;
    uint64_t old = (e & bit_mask(ENTRY_GENERATION_SHIFT)) | last
                                                                << ENTRY_GENERATION_SHIFT;
    g_assert_true(quick_has_room(site.s, slot, e));
    g_assert_false(quick_has_room(site.s, medium, entry(medium)));
    g_assert_false(quick_has_room(site.s, slot, entry_with_locks(e, LOCKS_NONE + 1)));
    g_assert_false(quick_has_room(site.s, q->high, e));
    g_assert_true(quick_has_room(site.s, q->high - 1, e));
    g_assert_false(quick_has_room(site.s, slot, old));
    close_heap();
}

/* What the queue and the caches give back is looked at before anything is freed. */
static void test_queue(void) {
    open_heap(MIB, false);
    struct quick *q = &site.s->quick;
    uint32_t small = make(SIZE), large = make(QUICK_SIZE_MAX + 1);
    site.copy = g_memdup2(site.low, site.bytes);
    ENDS(q->n_queued = QUICK_QUEUE + 1, quick_flush_some(site.s, 1));
    g_assert_cmpuint(q->n_queued, ==, QUICK_QUEUE + 1);
    restore();
    ENDS((q->n_queued = 2, q->queue[0] = small, q->queue[1] = site.s->table.n_slots),
         quick_flush_some(site.s, 1));
    g_assert_cmpuint(q->n_queued, ==, 2);
    restore();
    ENDS(table_set(&site.s->table, small, entry(small) - ENTRY_LOCK_ONE),
         quick_return(site.s, 0, &small, 1));
    restore();
    ENDS(table_set(&site.s->table, large, entry(large) - ENTRY_LOCK_ONE),
         quick_return(site.s, 0, &large, 1));
    restore();
    close_heap();
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
        if (how == 1) region_give_back(r, site.s, SIZE_MAX, false);
        if (how == 2) region_restore(r, site.s, room);
        g_assert_true(r->table_end > end && readable(end));
        g_assert_cmpuint(load64(low + 16), ==, 0);
        if (how == 2) g_assert_cmpuint(t->room, ==, room);
        close_heap();
    }
    g_free(slots);
}

/* --- placing --- */

/* Where the area cannot grow by far more it does not grow at all; nor where that is refused. */
static void test_place(void) {
    open_heap(2 * MIB, true);
    struct table *t = &site.s->table;
    unit_t last = span_of(make(40 * KIB));
    unit_t most = (unit_t)(region_gap(&site.h->region) >> UNIT_SHIFT);
    size_t gap = region_gap(&site.h->region), credit = site.h->credit;
    g_assert_false(place_extend(site.h, last, most / 2));
    g_assert_false(place_room(site.h, most / 2));
    logged_refuse(1);
    g_assert_false(place_room(site.h, most / 4));
    g_assert_cmpuint(region_gap(&site.h->region), ==, gap);
    g_assert_cmpuint(site.h->credit, ==, credit);
    /* No more handles, whatever memory there is. */
    struct table was = *t;
    t->n_slots = TABLE_SLOTS_MAX, t->n_free = 0;
    bool more = place_slot(site.h, 0);
    *t = was;
    g_assert_false(more || region_closed(&site.h->region));
    close_heap();
}

/* A thread's block, that is for its next handle, is no one's to resize. */
static void test_cached(void) {
    open_heap(MIB, false);
    uint32_t slot = make(SIZE);
    uint64_t e = entry(slot);
    site.s->concurrent = true;
    table_set(&site.s->table, slot, entry_with_locks(e, LOCKS_MOVING));
    g_assert_cmpint(resize_slot(site.h, slot, SIZE - 4), ==, RM_EHANDLE);
    table_set(&site.s->table, slot, e);
    site.s->concurrent = false;
    close_heap();
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
    close_heap();
}

/* --- compaction --- */

/* All that move are told by slot, as many as there is room for; and that there were others. */
static void move_by(unsigned how) {
    struct store *s = site.s;
    const struct slide_goal all = {.work = SIZE_MAX, .units = UNIT_NIL};
    unit_t gap = area_lowest_free(&s->area, 0);
    switch (how) {
    case 0: slide(s, gap, &all); break;
    case 1: move_slide(s, gap, gap); break;
    case 2:
        while (merge_step(s)) continue;
        break;
    case 3:
        g_assert_cmpint(resize_slot(site.h, site.slots[1], 4 * MEDIUM), ==, RM_OK);
        break;
    default: small_cut(s, span_of(site.slots[31]));
    }
}
static void test_told(void) {
    static struct {
        struct moves moves;
        uint32_t behind;
    } told;
    for (unsigned how = 0; how < 5; how++)
        for (uint32_t n = MOVES_MOST - 1; n <= MOVES_MOST + 1; n++) {
            open_heap(MIB, false);
            make(600);
            uint32_t gap = make(MEDIUM);
            site.slots[0] = make(MEDIUM + 8);
            for (unsigned i = 1; i < 60; i++) site.slots[i] = make(300);
            drop(gap);
            for (unsigned i = 2; i < 60; i += 2) drop(site.slots[i]);
            heap_settle(site.h);
            told.behind = 77;
            told.moves.n = n;
            told.moves.slots[MOVES_MOST - 1] = SLOT_NIL;
            site.s->moves = &told.moves;
            move_by(how);
            site.s->moves = NULL;
            g_assert_cmpuint(told.moves.n, >, MIN(n, MOVES_MOST));
            g_assert_cmpuint(told.moves.n, <=, MOVES_MOST + 1);
            g_assert_true((told.moves.slots[MOVES_MOST - 1] != SLOT_NIL) ==
                          (n == MOVES_MOST - 1));
            g_assert_cmpuint(told.behind, ==, 77);
            close_heap();
        }
}

/* What merging will leave of a class is known before: so much of it as is left. */
static void test_excess(void) {
    enum { N = 130 };
    static const size_t sizes[] = {8, 24, 44, 72, 100, 200, 330, 500};
    for (unsigned k = 0; k < G_N_ELEMENTS(sizes); k++)
        for (unsigned dropped = 3; dropped < N; dropped += 1 + k / 2) {
            open_heap(MIB, false);
            const struct class_runs *runs = &site.s->runs[class_of(sizes[k])];
            size_t slot = 77777, capacity = size_classes[class_of(sizes[k])].capacity;
            for (unsigned i = 0; i < N; i++) site.slots[i] = make(sizes[k]);
            for (unsigned i = 0; i < dropped; i++) drop(site.slots[i * 37 % N]);
            heap_settle(site.h);
            size_t excess = small_excess(site.s, &slot), free = site.s->area.free_units;
            while (merge_step(site.s)) continue;
            g_assert_cmpuint(site.s->area.free_units - free, ==, excess);
            g_assert_cmpuint(slot, ==, runs->slots > runs->live ? capacity : 0);
            close_heap();
        }
}

/* A search that stands where the area has been is begun anew. */
static void test_search(void) {
    open_heap(MIB, false);
    make(600);
    uint32_t gap = make(2000), pinned = make(600), other = make(700);
    pin(pinned);
    make(900);
    drop(gap);
    heap_settle(site.h);
    struct fill_scan *scan = &site.s->scan;
    unit_t at = area_lowest_free(&site.s->area, 0);
    fill_forget(site.s);
    scan->at = site.s->area.limit + 5;
    scan->gap = at;
    scan->passed = UNIT_NIL;
    scan->sure = true;
    g_assert_cmpint(fill_step(site.s, at, false, SIZE_MAX), ==, FILL_MOVED);
    g_assert_cmpuint(span_of(other), ==, at);
    close_heap();
}

/* A step that finds nothing to move looks only so far, in a heap that no cache holds. */
static void test_looks(void) {
    enum { PINS = 1100, LOOKS = 192 * KIB / WORK_LOOK };
    static uint32_t gaps[PINS];
    for (unsigned large = 0; large < 2; large++) {
        open_heap(32 * MIB, true);
        if (large) make(9 * MIB);
        for (unsigned i = 0; i < PINS; i++) {
            gaps[i] = make(600);
            pin(make(700));
        }
        for (unsigned i = 0; i < PINS; i++) drop(gaps[i]);
        heap_settle(site.h);
        const struct compact_goal step = {.bytes = 1};
        size_t before = site.s->looked;
        g_assert_true(compact(site.s, &step) == !large);
        g_assert_cmpuint(site.s->moved, ==, 0);
        if (large) g_assert_cmpuint(site.s->looked - before, <, 2 * LOOKS);
        for (unsigned turn = 0; large && !compact(site.s, &step); turn++)
            g_assert_cmpuint(turn, <, 100);
        g_assert_true(registry_destroy(site.tag));
    }
}

/* Where to begin is not looked for in an area that is too long for that. */
static void test_long(void) {
    if (sizeof(void *) != 8) {
        g_test_skip("there is more address space in 64 bits");
        return;
    }
    open_heap((size_t)3 << 30, true);
    make((size_t)1200 * MIB); /* none of it is touched */
    uint32_t gap = make(8 * MIB);
    make(600), drop(gap);
    heap_compact(site.h, 1, 0, NULL);
    g_assert_true(site.s->pass.whole);
    close_heap();
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*test)(void);
    } cases[] = {
        {"depth", test_depth},   {"room", test_room},       {"queue", test_queue},
        {"most", test_most},     {"least", test_least},     {"grow", test_grow},
        {"slots", test_slots},   {"table", test_table},     {"place", test_place},
        {"cached", test_cached}, {"release", test_release}, {"released", test_released},
        {"told", test_told},     {"excess", test_excess},   {"search", test_search},
        {"looks", test_looks},   {"long", test_long},
    };
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *name = g_strdup_printf("/seldom/%s", cases[i].name);
        g_test_add_func(name, cases[i].test);
        g_free(name);
    }
    return g_test_run();
}
