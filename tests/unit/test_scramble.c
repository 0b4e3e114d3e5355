/* SPDX-License-Identifier: MIT */
/*
 * Scrambling: whatever may move does, to where it was not before, and all of it is as it was; in heaps of
 * all sizes, by random states, with locks, alignments, and blocks half moved.
 */
#include "scramble.h"

#include <glib.h>
#include <stdlib.h>

#include "call.h"
#include "os.h"

#include "book.h"
#include "fault.h"
#include "picture.h"

enum { ROUNDS = 40, STEPS = 40 };

struct site {
    rm_heap_t *heap;
    void *memory;
    struct heap *h;
    struct book book;
    struct trail trail;
    struct scramble c;
    size_t *now, *before; /* places by slot */
    uint32_t n;
    size_t n_stayed, n_moved;
};

static void open_site(struct site *site, size_t region, size_t limit,
                      rm_threads_t threads) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct access a;
    uint64_t tag;
    memset(site, 0, sizeof *site);
    options.threads = threads;
    options.memory = site->memory = region != 0 ? malloc(region) : NULL;
    options.size = region != 0 ? region : limit;
    g_assert_cmpint(rm_heap_create(&site->heap, &options), ==, RM_OK);
    g_assert_cmpint(call_tag(site->heap, &tag), ==, RM_OK);
    g_assert_true(registry_enter(tag, &a));
    site->h = a.heap;
    registry_leave(&a);
    book_init(&site->book, site->heap);
    g_assert_true(trail_init(&site->trail, options.size));
    site->c.random = g_test_rand_int();
    site->n = (uint32_t)(options.size / 8);
    site->now = calloc(site->n, sizeof *site->now);
    site->before = calloc(site->n, sizeof *site->before);
}

static void close_site(struct site *site) {
    g_assert_null(book_verify(&site->book));
    g_assert_cmpint(rm_heap_destroy(site->heap), ==, RM_OK);
    book_finish(&site->book);
    trail_finish(&site->trail);
    free(site->memory);
    free(site->now);
    free(site->before);
}

static bool may_move(const struct store *s, uint32_t slot) {
    return table_live(&s->table, slot) && entry_count(table_entry(&s->table, slot)) == 0;
}

/* One turn; what may move has, or counts as stayed, and is not where it was two turns ago. */
static void turn(struct site *site) {
    struct store *s = &site->h->store;
    struct access a;
    uint64_t tag;
    size_t stayed = 0;
    g_assert_cmpint(call_tag(site->heap, &tag), ==, RM_OK);
    g_assert_true(registry_enter(tag, &a));
    cache_stop(s);
    quick_flush(s);
    if (s->mover.slot != SLOT_NIL) /* it has no place to compare with */
        heap_make_lockable(site->h,
                           (uint64_t)(uintptr_t)heap_handle(site->h, s->mover.slot),
                           s->mover.slot);
    for (uint32_t slot = 0; slot < s->table.n_slots; slot++)
        site->now[slot] = entry_place(table_entry(&s->table, slot));
    g_assert_true(scramble(site->h, &site->c, &site->trail));
    for (uint32_t slot = 0; slot < s->table.n_slots; slot++) {
        size_t place = entry_place(table_entry(&s->table, slot));
        if (!table_live(&s->table, slot)) {
            site->before[slot] = SIZE_MAX;
            continue;
        }
        if (!may_move(s, slot)) {
            g_assert_cmpuint(place, ==, site->now[slot]);
            continue;
        }
        if (place == site->now[slot]) {
            stayed++;
            continue;
        }
        g_assert_cmpuint(place, !=, site->before[slot]);
        site->before[slot] = site->now[slot];
        site->n_moved++;
    }
    g_assert_cmpuint(stayed, ==, site->c.stayed);
    site->n_stayed += stayed;
    registry_leave(&a);
    const char *text = heap_fault(site->heap);
    if (text == NULL) text = book_verify(&site->book);
    if (text != NULL) g_error("%s", text);
}

static void forget(struct site *site) {
    for (uint32_t i = 0; i < site->n; i++) site->before[i] = SIZE_MAX;
}

static void shuffled(size_t region, size_t most, rm_threads_t threads, bool full) {
    struct rng rng = {g_test_rand_int()};
    struct site site;
    open_site(&site, region, (size_t)(full ? 3 : 64) << 20, threads);
    for (unsigned i = 0; i < ROUNDS; i++) {
        /* A slot may have another block by now, of which the trail knows no more than that. */
        forget(&site);
        book_shuffle(&site.book, &rng, STEPS, (enum shape)rng_below(&rng, N_SHAPES), most,
                     rng_chance(&rng, 60));
        if (rng_chance(&rng, 30))
            rm_heap_compact(site.heap,
                            &(rm_budget_t){.bytes = rng_between(&rng, 1, most)}, NULL);
        for (unsigned k = 0; k < 3; k++) turn(&site);
        if (rng_chance(&rng, 20)) book_unlock_all(&site.book);
        if (full && rng_chance(&rng, 20)) {
            forget(&site);
            book_fill(&site.book, &rng, SHAPE_MIXED, most / 4);
            turn(&site);
            turn(&site);
            book_unlock_all(&site.book);
            book_free_all(&site.book);
        }
    }
    g_test_message("%zu moved, %zu stayed", site.n_moved, site.n_stayed);
    g_assert_cmpuint(site.n_moved, >, 2 * ROUNDS);
    if (region == 0 && !full) g_assert_cmpuint(site.n_stayed, ==, 0);
    close_site(&site);
}

/* Where too many gaps are too small a block is not carried, though one far above would hold it: it slides. */
static void test_gaps(void) {
    enum { PAIRS = 1200, SMALL = 600, LARGE = 20000 };
    static rm_memory_t *pins[PAIRS], *gaps[PAIRS];
    struct site site;
    rm_memory_t *block;
    void *at, *now;
    open_site(&site, (size_t)4 << 20, 0, RM_THREADS_NONE);
    g_assert_cmpint(rm_heap_alloc(site.heap, &block, LARGE, 0, 0), ==, RM_OK);
    for (unsigned i = 0; i < PAIRS; i++) {
        g_assert_cmpint(rm_heap_alloc(site.heap, &gaps[i], SMALL, 0, 0), ==, RM_OK);
        g_assert_cmpint(rm_heap_alloc(site.heap, &pins[i], SMALL, 0, 0), ==, RM_OK);
        g_assert_cmpint(rmlock(pins[i], &at), ==, RM_OK);
    }
    for (unsigned i = 0; i < PAIRS; i++) g_assert_cmpint(rmfree(gaps[i]), ==, RM_OK);
    g_assert_cmpint(rmpeek(block, &at), ==, RM_OK);
    memset(at, 'b', LARGE);
    forget(&site);
    turn(&site);
    g_assert_cmpuint(site.c.stayed, ==, 0);
    g_assert_cmpint(rmpeek(block, &now), ==, RM_OK);
    g_assert_true(now > at && (char *)now < (char *)at + 2 * SMALL);
    g_assert_true(*(char *)now == 'b' && memcmp(now, (char *)now + 1, LARGE - 1) == 0);
    for (unsigned i = 0; i < PAIRS; i++) g_assert_cmpint(rmunlock(pins[i]), ==, RM_OK);
    close_site(&site);
}

static void test_tiny(void) { shuffled(4096, 200, RM_THREADS_NONE, true); }
static void test_small(void) { shuffled(16384, 2000, RM_THREADS_SAFE, true); }
static void test_medium(void) { shuffled(200000, 20000, RM_THREADS_NONE, true); }
static void test_large(void) { shuffled((size_t)2 << 20, 300000, RM_THREADS_NONE, true); }
static void test_growing(void) { shuffled(0, 8000, RM_THREADS_SAFE, false); }
static void test_growing_full(void) { shuffled(0, 100000, RM_THREADS_NONE, true); }

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scramble/gaps", test_gaps);
    g_test_add_func("/scramble/tiny", test_tiny);
    g_test_add_func("/scramble/small", test_small);
    g_test_add_func("/scramble/medium", test_medium);
    g_test_add_func("/scramble/large", test_large);
    g_test_add_func("/scramble/growing", test_growing);
    g_test_add_func("/scramble/growing-full", test_growing_full);
    return g_test_run();
}
