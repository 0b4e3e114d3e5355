/* SPDX-License-Identifier: MIT */
/*
 * When a heap needs the background thread, at each mark just reached and just not; how long one is left alone that it
 * works at in vain; and how long an idle compaction is thought to take, by what is known of the heap.
 */
#include <glib.h>

#include "calls.h"
#include "idle.h"
#include "inside.h"
#include "os.h"
#include "watch.h"

enum { REGION = 1 << 18, LEAST = 16 * 1024 };
#define MS (UINT64_C(1000) * 1000)

static struct {
    struct heap *h;
    struct crowd *crowd;
    char *low;
    size_t bytes;
    uint64_t tag;
} site;

static uint32_t make(size_t size) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site.h, NULL, size, 0, 0, &slot), ==, RM_OK);
    return slot;
}

/* A heap whose only garbage is a free span of so many bytes, below a block. */
static void open_heap(size_t garbage) {
    static _Alignas(16) char memory[REGION];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.memory = memory;
    options.size = REGION;
    options.compaction = RM_COMPACT_MANUAL;
    inside_open(&site, &options);
    make(600);
    uint32_t gap = garbage > 0 ? make(garbage - HEADER) : SLOT_NIL;
    make(8000);
    if (gap != SLOT_NIL) g_assert_cmpint(free_slot(site.h, gap), ==, RM_OK);
    heap_settle(site.h);
    g_assert_cmpuint(place_garbage(site.h), ==, garbage);
}
static void close_heap(void) { g_assert_true(registry_destroy(site.tag)); }

static size_t extent(void) { return units_bytes(area_extent(&site.h->store.area)); }
static size_t end(void) {
    return units_bytes(area_free_at_end(&site.h->store.area)) +
           region_gap(&site.h->region);
}

static bool wakes(rm_watermarks_t marks) {
    struct watch w = {.marks = marks};
    bool does = watch_wakes(site.h, &w);
    g_assert_true(w.awake == does);
    if (does) {
        g_assert_cmpuint(w.passes, ==, site.h->store.passes);
        g_assert_cmpuint(w.garbage, >=, place_garbage(site.h));
    }
    return does;
}

/* --- the marks --- */

static void test_share(void) {
    open_heap(40000);
    double share = 40000.0 / (double)extent();
    g_assert_true(wakes((rm_watermarks_t){0, share * 0.999, 0, 0}));
    g_assert_false(wakes((rm_watermarks_t){0, share * 1.001, 0, 0}));
    g_assert_false(wakes((rm_watermarks_t){0, 1, 0, 0}));
    close_heap();
    open_heap(LEAST); /* less is not worth the while */
    g_assert_true(wakes((rm_watermarks_t){0, 0.01, 0, 0}));
    close_heap();
    open_heap(LEAST - UNIT);
    g_assert_false(wakes((rm_watermarks_t){0, 0.01, 0, 0}));
    close_heap();
}

/* Too little is free at the end, and so much could be. */
static void test_short(void) {
    size_t g = 40000;
    open_heap(g);
    g_assert_true(wakes((rm_watermarks_t){0, 1, end() + 1, end() + g}));
    g_assert_false(wakes((rm_watermarks_t){0, 1, end(), end() + g}));
    g_assert_false(wakes((rm_watermarks_t){0, 1, end() + 1, end() + g + 1}));
    g_assert_false(wakes((rm_watermarks_t){0, 1, 0, 0}));
    close_heap();
}

/* A block on its way: with its new place it is taken twice, or with the gap that it is carried across. */
static void test_mover(void) {
    struct mover *m, was;
    size_t g = 40000;
    open_heap(g);
    m = &site.h->store.mover;
    was = *m;
    m->slot = 2;
    m->from = 300, m->to = 100, m->units = 30;
    m->slide = true;
    g += units_bytes(200);
    g_assert_true(wakes((rm_watermarks_t){0, 1, end() + 1, end() + g}));
    g_assert_false(wakes((rm_watermarks_t){0, 1, end() + 1, end() + g + 1}));
    m->slide = false;
    g = 40000 + units_bytes(30);
    g_assert_true(wakes((rm_watermarks_t){0, 1, end() + 1, end() + g}));
    g_assert_false(wakes((rm_watermarks_t){0, 1, end() + 1, end() + g + 1}));
    *m = was;
    close_heap();
}

static void test_asleep(void) {
    const rm_watermarks_t bad = {0, 0.01, 0, 0};
    open_heap(40000);
    struct watch w = {.marks = bad, .awake = true};
    g_assert_false(watch_wakes(site.h, &w)); /* it is already */
    w = (struct watch){.marks = bad, .paused = 1};
    g_assert_false(watch_wakes(site.h, &w) || w.awake);
    w = (struct watch){.marks = bad, .not_before = os_now_ns() + 3600 * 1000 * MS};
    g_assert_false(watch_wakes(site.h, &w) || w.awake);
    w.not_before = os_now_ns();
    g_assert_true(watch_wakes(site.h, &w));
    close_heap();
}

/* --- steps --- */

static void test_steps(void) {
    const rm_watermarks_t bad = {0.01, 0.02, 0, 0};
    const uint64_t now = 5000 * MS;
    open_heap(40000);
    size_t g = place_garbage(site.h);
    double share = (double)g / (double)extent();
    struct watch w = {.marks = {share * 1.01, 1, 0, 0}, .awake = true, .backoff = 7};
    w.not_before = 3;
    g_assert_false(watch_goes_on(site.h, &w, false, true, now)); /* it is good enough */
    g_assert_true(!w.awake && w.backoff == 0 && w.not_before == 0 && w.backoffs == 0);
    w.marks.fragmentation_low = share * 0.99;
    w.awake = true;
    w.garbage = g;
    g_assert_true(watch_goes_on(site.h, &w, false, false, now)); /* it is not */
    w.marks = (rm_watermarks_t){1, 1, 0, end() + 1}; /* nor at the end of the area */
    g_assert_true(watch_goes_on(site.h, &w, false, false, now));
    w.marks.free_high = end();
    g_assert_false(watch_goes_on(site.h, &w, false, false, now));

    w = (struct watch){.marks = bad, .awake = true, .garbage = g};
    g_assert_false(watch_goes_on(site.h, &w, false, true, now)); /* somebody reads */
    g_assert_true(!w.awake && w.not_before == now + MS && w.backoffs == 0);
    uint64_t wait = 10 * MS;
    for (unsigned n = 1; n < 15; n++) { /* a whole pass has not made it good */
        w.awake = true;
        g_assert_false(watch_goes_on(site.h, &w, true, false, now));
        g_assert_true(!w.awake && w.backoffs == n && w.backoff == wait);
        g_assert_cmpuint(w.not_before, ==, now + wait);
        wait = 2 * wait < 2000 * MS ? 2 * wait : 2000 * MS;
    }
    close_heap();
}

/* Passes come and go. */
static void test_vain(void) {
    open_heap(40000);
    size_t g = place_garbage(site.h), gain = g / 16;
    struct watch w = {.marks = {0.01, 0.02, 0, 0}, .awake = true, .garbage = g};
    uint32_t *passes = &site.h->store.passes;
    w.passes = *passes;
    *passes += 4;
    g_assert_true(watch_goes_on(site.h, &w, false, false, 1));
    ++*passes;
    g_assert_false(watch_goes_on(site.h, &w, false, false, 1));
    g_assert_cmpuint(w.backoffs, ==, 1);
    w.awake = true;
    w.garbage = g + gain; /* as much less is not enough: a sixteenth of what there was */
    g_assert_false(watch_goes_on(site.h, &w, false, false, 1));
    w.awake = true;
    w.garbage = g + 2 * gain;
    g_assert_true(watch_goes_on(site.h, &w, false, false, 1));
    g_assert_true(w.garbage == g && w.passes == *passes);
    close_heap();
}

static void test_again(void) {
    struct watch w = {.not_before = 77};
    g_assert_cmpuint(watch_again(&w), ==, 77);
    w.paused = 1;
    g_assert_cmpuint(watch_again(&w), ==, UINT64_MAX);
    w = (struct watch){.not_before = 77, .awake = true};
    g_assert_cmpuint(watch_again(&w), ==, UINT64_MAX);
    w = (struct watch){.not_before = 0};
    g_assert_cmpuint(watch_again(&w), ==, UINT64_MAX);
    watch_put_off(&w, 100); /* it is asleep */
    g_assert_true(w.not_before == 0 && w.backoffs == 0);
    w.awake = true;
    watch_put_off(&w, 100);
    g_assert_true(!w.awake && w.backoffs == 1);
    g_assert_cmpuint(w.not_before, ==, 100 + 10 * MS);
}

/* --- how long --- */

/* From where it begins, in bytes. */
static uint64_t forecast(size_t from, uint64_t pace) {
    const struct store *s = &site.h->store;
    size_t all = extent(), bytes = all - from;
    size_t free = units_bytes(s->area.free_units - area_free_at_end(&s->area));
    size_t used = bytes > free ? bytes - free : bytes / 2;
    size_t work = used + s->table.n_taken * bytes / all * WORK_BLOCK + s->spare;
    return (uint64_t)((double)work / 65536 * (double)pace) + 1;
}

static void test_forecast(void) {
    open_heap(40000);
    struct pass *pass = &site.h->store.pass;
    size_t gap = units_bytes(area_lowest_free(&site.h->store.area, 0));
    g_assert_cmpuint(gap, >, 0);
    for (unsigned turn = 0; turn < 2; turn++) {
        uint64_t pace = turn == 0 ? 16000 : 12345;
        site.h->pace = turn == 0 ? 0 : pace;
        *pass = (struct pass){.phase = PASS_NONE, .cursor = 2700};
        g_assert_cmpuint(idle_forecast(site.h), ==, forecast(gap, pace));
        pass->phase = PASS_MERGE;
        g_assert_cmpuint(idle_forecast(site.h), ==, forecast(gap, pace));
        pass->phase = PASS_SLIDE;
        g_assert_cmpuint(idle_forecast(site.h), ==, forecast(2700 * UNIT, pace));
        pass->cursor = 3; /* nothing is free below the gap */
        g_assert_cmpuint(idle_forecast(site.h), ==, forecast(gap, pace));
        pass->cursor = (unit_t)(extent() / UNIT);
        g_assert_cmpuint(idle_forecast(site.h), ==, 1);
    }
    *pass = (struct pass){.phase = PASS_NONE};
    close_heap();
    open_heap(0); /* only the end is free */
    g_assert_cmpuint(idle_forecast(site.h), ==, 1);
    close_heap();
}

/* One that has to be ready before a step would be is not begun. */
static void test_deadline(void) {
    bool complete = true;
    open_heap(40000);
    size_t work = store_work(&site.h->store);
    g_assert_false(idle_step(site.h, os_now_ns(), NULL, &complete));
    g_assert_false(complete);
    g_assert_false(idle_step(site.h, os_now_ns() + 20 * 1000, NULL, &complete));
    g_assert_false(complete);
    g_assert_cmpuint(store_work(&site.h->store), ==, work);
    while (idle_step(site.h, os_now_ns() + 3600 * 1000 * MS, NULL, &complete)) continue;
    g_assert_true(complete);
    g_assert_cmpuint(place_garbage(site.h), ==, 0);
    close_heap();
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/watch/share", test_share);
    g_test_add_func("/watch/short", test_short);
    g_test_add_func("/watch/mover", test_mover);
    g_test_add_func("/watch/asleep", test_asleep);
    g_test_add_func("/watch/steps", test_steps);
    g_test_add_func("/watch/vain", test_vain);
    g_test_add_func("/watch/again", test_again);
    g_test_add_func("/watch/forecast", test_forecast);
    g_test_add_func("/watch/deadline", test_deadline);
    return g_test_run();
}
