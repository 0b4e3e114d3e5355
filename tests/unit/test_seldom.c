/* SPDX-License-Identifier: MIT */
/*
 * What comes about seldom, made up: a turn of one function each that calls hardly come to, or whose outcome they
 * do not tell.
 */
#include "compact.h"
#include "fill.h"
#include "idle.h"
#include "merge.h"
#include "move.h"
#include "seldom.h"
#include "slide.h"
#include "small.h"
#include "watch.h"

/* --- what rests --- */

static bool queues(uint32_t slot) {
    return quick_queue(site.s, quick_last(&site.s->quick), heap_tops_of(site.h), slot,
                       table_slot(&site.s->table, slot), entry(slot));
}

/* So many of a class rest on its list; the others are freed, some at a time. */
static void test_depth(void) {
    enum { MOST = QUICK_SMALL_DEPTH * QUICK_SLOTS };
    open_heap(4 * MIB, true);
    struct quick *q = &site.s->quick;
    for (unsigned i = 0; i < OBJECTS; i++) site.slots[i] = make(SIZE);
    heap_settle(site.h);
    unsigned i = 0;
    for (; i < QUICK_BLOCKS_DEPTH * QUICK_SLOTS; i++) drop(site.slots[i]);
    g_assert_false(queues(site.slots[i])); /* its list is full, but may have more */
    for (; i < MOST - 2; i++) drop(site.slots[i]);
    g_assert_cmpuint(quick_count(site.s), ==, MOST - 2);
    /* There is room on the list: it does not wait in the queue. */
    g_assert_false(queues(site.slots[i]));
    for (; i < OBJECTS; i++) {
        drop(site.slots[i]);
        g_assert_cmpuint(quick_count(site.s), <=, MOST + QUICK_QUEUE);
    }
    g_assert_cmpuint(q->small[class_of(SIZE)] % QUICK_CHUNK, ==,
                     QUICK_CHUNK - QUICK_WORD);
    quick_disable(site.s);
    g_assert_false(quick_refill(site.s, class_of(SIZE)));
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
    uint32_t small = make(300), large = make(QUICK_SIZE_MAX + 1);
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
    for (unsigned i = 0; i < 100; i++) make(SIZE);
    heap_settle(site.h);
    struct table was = *t;
    t->n_slots = TABLE_SLOTS_MAX, t->n_free = 0;
    bool more = place_slot(site.h, 0);
    *t = was;
    g_assert_false(more || region_closed(&site.h->region));
    /* Gaps that it may not close on its own account are no reason not to grow. */
    uint32_t below = make(200 * KIB);
    last = span_of(make(30 * KIB));
    drop(below);
    g_assert_true(place_extend(site.h, last, 100));
    close_heap();
}

/* Where no more than a short run fits, one is made if any will do. */
static void test_short(void) {
    open_heap(64 * KIB, false);
    unsigned class_id = class_of(SIZE);
    uint64_t e = 0;
    uint32_t hole, slot, n = 0;
    g_assert_cmpint(heap_alloc(site.h, NULL, 300, 16, 0, &hole), ==, RM_OK);
    while (n < 160) site.slots[n++] = make(SIZE);
    heap_settle(site.h);
    while (site.s->runs[class_id].slots > site.s->runs[class_id].live)
        site.slots[n++] = make(SIZE);
    while (heap_alloc(site.h, NULL, 600, 0, 0, &slot) == RM_OK) continue;
    for (size_t size = 600; size > 200; size -= 16)
        while (heap_alloc(site.h, NULL, size, 16, 0, &slot) == RM_OK) continue;
    drop(hole);
    heap_settle(site.h);
    unit_t units = area_largest(&site.s->area);
    g_assert_cmpuint(units, >=, run_units(&size_classes[class_id], 3));
    slot = table_take(&site.s->table);
    g_assert_false(small_alloc_in(site.s, class_id, slot, SIZE, false, &e));
    g_assert_true(small_alloc_in(site.s, class_id, slot, SIZE, true, &e));
    g_assert_cmpuint(site.s->runs[class_id].slots - site.s->runs[class_id].live, >, 1);
    g_assert_true(registry_destroy(site.tag));
    g_aligned_free(site.memory);
}

/* As many slots as are asked for, and no more, are given back. */
static void test_some(void) {
    open_heap(MIB, true);
    struct table *t = &site.s->table;
    for (unsigned i = 0; i < OBJECTS; i++) site.slots[i] = make(SIZE);
    for (unsigned i = 0; i < OBJECTS; i++) drop(site.slots[i]);
    heap_settle(site.h);
    for (uint32_t n = 0; n < 10; n++) {
        uint32_t before = t->n_slots;
        table_shrink_some(t, n);
        g_assert_cmpuint(t->n_slots, ==, before - n / 2 * 2);
    }
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

/* What a block half moved will leave counts, whichever way it goes. */
static void test_regain(void) {
    for (unsigned fill = 0; fill < 2; fill++) {
        open_heap(MIB, false);
        const struct mover *m = &site.s->mover;
        uint32_t low = make(90000), middle = make(600), high = make(80000);
        drop(low);
        if (fill) pin(middle);
        while (m->slot == SLOT_NIL) g_assert_false(heap_compact(site.h, 1, 0, NULL));
        g_assert_true(m->slot == high && m->slide == !fill);
        size_t held = compact_regain(site.s) - small_excess(site.s, NULL);
        g_assert_cmpuint(held, ==, fill ? m->units : m->from - m->to);
        /* When it has arrived it holds no more than itself. */
        struct watch w = {.marks = {.fragmentation_high = 0.01}};
        heap_compact(site.h, 0, 0, NULL);
        if (!fill) g_assert_false(watch_wakes(site.h, &w));
        close_heap();
    }
}

/* A heap that would have to grow merges so much that it need not soon, and no more. */
static void test_helping(void) {
    enum { MANY = 40000 };
    uint32_t *slots = g_new(uint32_t, MANY);
    open_heap(64 * MIB, true);
    for (unsigned i = 0; i < MANY; i++) slots[i] = make(64);
    for (unsigned i = 0; i < MANY; i++)
        if (i % 3 != 0) drop(slots[i]);
    heap_settle(site.h);
    while (area_largest(&site.s->area) > 1000) make(10000);
    size_t spare = site.s->spare;
    site.h->compaction = RM_COMPACT_ON_DEMAND;
    make(20000);
    g_assert_cmpuint(site.s->spare, <, spare);
    g_assert_cmpuint(site.s->spare, >, spare / 2);
    site.h->compaction = RM_COMPACT_MANUAL;
    close_heap();
    g_free(slots);
}

/* Nothing is free at all. */
static void test_full(void) {
    open_heap(MIB, false);
    const struct area *a = &site.s->area;
    do make(10000);
    while (site.s->table.n_free == 0);
    make(units_bytes(area_largest(a)) - HEADER);
    g_assert_cmpuint(area_lowest_free(a, 0), ==, UNIT_NIL);
    g_assert_cmpuint(area_largest(a), ==, 0);
    g_assert_cmpuint(idle_forecast(site.h), >,
                     1000); /* it is not known that it is dense */
    close_heap();
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
    /* Though it is known of the stretches below that nothing there will do. */
    open_heap(MIB, false);
    make(600), gap = make(2000), pin(make(900 * KIB));
    while (span_of(other = make(700)) >> 12 < site.s->area.limit >> 12) continue;
    drop(gap);
    heap_settle(site.h);
    scan = &site.s->scan;
    at = area_lowest_free(&site.s->area, 0);
    fill_forget(site.s);
    g_assert_cmpuint(scan->shift, ==, 12);
    for (unsigned i = 0; i < site.s->area.limit >> 12; i++) scan->least[i] = UNIT_NIL;
    scan->at = site.s->area.limit + 5;
    scan->gap = at;
    scan->passed = UNIT_NIL;
    scan->sure = true;
    g_assert_cmpint(fill_step(site.s, at, false, SIZE_MAX), ==, FILL_MOVED);
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
    static const struct seldom_case cases[] = {
        {"depth", test_depth},   {"room", test_room},   {"queue", test_queue},
        {"place", test_place},   {"short", test_short}, {"helping", test_helping},
        {"full", test_full},     {"some", test_some},   {"regain", test_regain},
        {"cached", test_cached}, {"told", test_told},   {"excess", test_excess},
        {"search", test_search}, {"looks", test_looks}, {"long", test_long},
    };
    return seldom_main(argc, argv, "seldom", cases, G_N_ELEMENTS(cases));
}
