/* SPDX-License-Identifier: MIT */
/*
 * Where something ends, made up: the largest request there is; the last block of a heap; the last try of
 * a growing one; and what nobody can end.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../api/rng.h"
#include "damage.h"
#include "idle.h"
#include "largest.h"
#include "os.h"
#include "seldom.h"
#include "small.h"

/* --- the largest request --- */

enum { STEPS = 160, LIVE = 400 };

static rm_status_t ask_for(size_t size, uint32_t *slot) {
    return heap_alloc(site.h, NULL, size, 0, 0, slot);
}

/* So much is granted; and 16 bytes more are not, but where the heap grows, or compaction meets locked blocks. */
static void check_largest(bool then, bool exact) {
    uint32_t slot;
    site.h->compaction = then ? RM_COMPACT_ON_DEMAND : RM_COMPACT_MANUAL;
    size_t largest = largest_request(site.h, then);
    if (site.copy != NULL) memcpy(site.copy, site.low, site.bytes);
    for (size_t more = UNIT; more < 20 * UNIT && exact; more *= 2) {
        if (ask_for(largest + more, &slot) == RM_OK)
            g_error("%zu + %zu bytes are granted", largest, more);
        restore();
    }
    if (largest > 0) g_assert_cmpint(ask_for(largest, &slot), ==, RM_OK);
    if (site.copy != NULL)
        restore();
    else if (largest > 0)
        drop(slot);
    site.h->compaction = RM_COMPACT_MANUAL;
}

static void shuffle(struct rng *rng, unsigned *n) {
    static const size_t most[] = {8, 60, 200, 500, 520, 3000};
    unsigned turns = 1 + (unsigned)rng_below(rng, 30);
    bool more = rng_below(rng, 5) < 3;
    while (turns-- > 0) {
        uint32_t slot;
        size_t size = rng_below(rng, most[rng_below(rng, G_N_ELEMENTS(most))]);
        if (more && *n < LIVE && ask_for(size, &slot) == RM_OK) site.slots[(*n)++] = slot;
        if (more || *n == 0) continue;
        unsigned i = (unsigned)rng_below(rng, *n);
        drop(site.slots[i]);
        site.slots[i] = site.slots[--*n];
    }
}

static void test_largest(void) {
    for (uint64_t seed = 1; seed <= 24; seed++) {
        struct rng rng = {seed};
        bool grows = seed % 3 == 0;
        unsigned n = 0;
        open_heap(grows ? 96 * KIB : (4 + 2 * (size_t)seed) * KIB, grows);
        if (!grows) site.copy = g_malloc(site.bytes);
        for (unsigned step = 0; step < STEPS; step++) {
            shuffle(&rng, &n);
            bool pins = n > 0 && rng_below(&rng, 3) == 0;
            uint32_t pinned = pins ? site.slots[rng_below(&rng, n)] : SLOT_NIL;
            if (pins) pin(pinned);
            check_largest(false, !grows);
            check_largest(true, !grows && !pins);
            if (pins) g_assert_true(unlock_slot(site.h, pinned));
        }
        close_heap();
    }
}

/* --- the last block --- */

/* With the last block all the runs go that gaps were made. */
static void test_last(void) {
    static const size_t sizes[] = {60, 300, 450};
    uint32_t gaps[G_N_ELEMENTS(sizes)];
    open_heap(MIB, false);
    const struct area *a = &site.s->area;
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_assert_cmpint(heap_alloc(site.h, NULL, sizes[i], UNIT, 0, &gaps[i]), ==, RM_OK);
        site.slots[i] = make(MEDIUM);
    }
    uint32_t last = make(QUICK_SIZE_MAX + 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        unit_t gap = span_of(gaps[i]);
        drop(gaps[i]);
        heap_settle(site.h);
        small_keep_gap(site.s, gap);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) drop(site.slots[i]);
    heap_settle(site.h);
    g_assert_true(site.s->kept[0] != 0 && is_sound());
    g_assert_cmpuint(site.s->table.n_taken, ==, 1);
    drop(last);
    g_assert_true(site.s->kept[0] == 0 && site.s->kept[1] == 0);
    g_assert_cmpuint(a->free_units, ==, a->limit);
    close_heap();
}

/* --- the last try --- */

/* Where the system refuses memory nothing is moved to have it: for a handle, or for a block that grows. */
static void test_refused(void) {
    uint32_t slot;
    open_heap(8 * MIB, true);
    const struct area *a = &site.s->area;
    uint32_t gap = make(10 * KIB), block = make(MEDIUM);
    drop(gap);
    heap_settle(site.h);
    unit_t most = area_units(a, span_of(block)) + area_free_at_end(a);
    g_assert_cmpint(resize_slot(site.h, block, units_bytes(most) - HEADER), ==, RM_OK);
    g_assert_cmpuint(area_free_at_end(a), ==, 0);
    do make(0), heap_settle(site.h);
    while (table_wants(&site.s->table) == 0);
    site.h->compaction = RM_COMPACT_ON_DEMAND;
    size_t moved = site.s->moved;
    logged_refuse(LOGGED_ALL);
    g_assert_cmpint(ask_for(MEDIUM, &slot), ==, RM_ESYSTEM);
    g_assert_cmpint(resize_slot(site.h, block, MIB), ==, RM_ESYSTEM);
    g_assert_cmpuint(site.s->moved, ==, moved);
    logged_refuse(0);
    g_assert_cmpint(ask_for(MEDIUM, &slot), ==, RM_OK);
    g_assert_cmpint(resize_slot(site.h, block, MIB), ==, RM_OK);
    close_heap();
}

/* Merging comes before growing also where the object that grows is the last of all. */
static void test_grows(void) {
    enum { OBJECT = 64, GROWN = 20000 };
    open_heap(64 * MIB, true);
    const struct area *a = &site.s->area;
    unsigned n = 0;
    while (n < OBJECTS || units_bytes(area_free_at_end(a)) > GROWN) {
        uint32_t slot = make(OBJECT);
        site.slots[n++ % OBJECTS] = slot;
    }
    uint32_t last = site.slots[(n - 1) % OBJECTS];
    for (unsigned i = 0; i < OBJECTS; i++)
        if (i % 8 != 0 && site.slots[i] != last) drop(site.slots[i]);
    heap_settle(site.h);
    unit_t span = span_of(last);
    g_assert_cmpuint(span + area_units(a, span), ==, area_extent(a));
    site.h->compaction = RM_COMPACT_ON_DEMAND;
    const char *end = site.h->region.area_end;
    g_assert_cmpint(resize_slot(site.h, last, GROWN), ==, RM_OK);
    g_assert_true(site.h->region.area_end == end);
    close_heap();
}

/* Where the system has refused to move pages often enough it is not asked any more. */
static void test_stays(void) {
    enum { BLOCKS = 60, LARGE = 300 * KIB };
    open_heap(64 * MIB, true);
    logged_begin(1);
    for (unsigned i = 0; i < BLOCKS; i++) site.slots[i] = make(LARGE);
    for (unsigned i = 0; i < BLOCKS; i += 20) drop(site.slots[i]);
    heap_compact(site.h, 0, 0, NULL);
    g_assert_cmpint(site.s->pages_state, ==, PAGES_STAY);
    logged_begin(0);
    unsigned refused = site.s->pages_refused;
    for (unsigned i = 1; i < BLOCKS; i += 20) drop(site.slots[i]);
    heap_compact(site.h, 0, 0, NULL);
    g_assert_cmpuint(site.s->pages_refused, ==, refused);
    close_heap();
}

/* --- the end of an idle moment --- */

/* Where somebody reads nothing can be moved, and no more is to be tried. */
static void test_nobody(void) {
    _Atomic unsigned waiting = 0;
    bool complete;
    open_heap(MIB, false);
    uint32_t gap = make(MEDIUM);
    make(MEDIUM);
    drop(gap);
    heap_settle(site.h);
    const uint64_t later = os_now_ns() + UINT64_C(1000000000);
    site.crowd->held = 1;
    g_assert_false(idle_step(site.h, later, &waiting, &complete));
    g_assert_false(complete);
    site.crowd->held = 0;
    unsigned steps = 0;
    while (idle_step(site.h, later, &waiting, &complete))
        g_assert_cmpuint(++steps, <, 100);
    g_assert_true(complete);
    close_heap();
}

/* --- the end of a call in a damaged heap --- */

/* Who has not said where to goes nowhere. */
static void test_nowhere(void) {
    int status;
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        damage_edge = NULL;
        damage_found();
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(int argc, char **argv) {
    static const struct seldom_case cases[] = {
        {"largest", test_largest}, {"last", test_last},   {"refused", test_refused},
        {"grows", test_grows},     {"stays", test_stays}, {"nobody", test_nobody},
        {"nowhere", test_nowhere},
    };
    return seldom_main(argc, argv, "ends", cases, G_N_ELEMENTS(cases));
}
