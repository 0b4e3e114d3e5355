/* SPDX-License-Identifier: MIT */
/*
 * The memory of the process, and a limit to it: which allocations succeed, which are refused, and who lets something go.
 */
#include "store/memory.h"

#include <glib.h>
#include <malloc.h>
#include <string.h>

#include "store/process.h"
#include "store/store.h"

#define MIB ((size_t)1 << 20)
#define PIECE 3000
#define OWN 32768 /* what the test itself takes of malloc */

static bool in_malloc(void) { return strcmp(store_kind, "malloc") == 0; }

/* A sanitizer has a malloc of its own, of which glibc's functions tell nothing. */
static bool malloc_is_seen(void) {
    struct malloc_figures before, after;
    g_autofree char *block = NULL;

    process_malloc(&before);
    block = g_malloc(MIB);
    process_malloc(&after);
    return after.used >= before.used + MIB;
}

/* ---------------------------------------------------------------- a hoard */

/* Objects of a store, as many as there is room for. */
struct hoard {
    store_t *store;
    GPtrArray *refs;
};

static struct hoard hoard_open(compaction_t compaction) {
    return (struct hoard){store_open("hoard", compaction), g_ptr_array_new()};
}

static bool hoard_add(struct hoard *hoard, size_t bytes) {
    ref_t ref = store_new(hoard->store, bytes);

    if (ref != NO_REF) g_ptr_array_add(hoard->refs, ref);
    return ref != NO_REF;
}

static size_t hoard_fill(struct hoard *hoard, size_t bytes) {
    size_t n = 0;

    for (; hoard_add(hoard, bytes); n++) g_assert_cmpuint(n, <, 1000000);
    return n;
}

/* Frees all but every n-th. */
static void hoard_thin(struct hoard *hoard, guint n) {
    GPtrArray *left = g_ptr_array_sized_new(hoard->refs->len);

    for (guint i = 0; i < hoard->refs->len; i++) {
        if (i % n == 0)
            g_ptr_array_add(left, hoard->refs->pdata[i]);
        else
            store_free(hoard->store, hoard->refs->pdata[i]);
    }
    g_ptr_array_unref(hoard->refs);
    hoard->refs = left;
}

static void hoard_close(struct hoard *hoard) {
    hoard_thin(hoard, G_MAXUINT);
    for (guint i = 0; i < hoard->refs->len; i++)
        store_free(hoard->store, hoard->refs->pdata[i]);
    g_ptr_array_unref(hoard->refs);
    g_assert_cmpuint(store_close(hoard->store), ==, 0);
}

/* From now on there are so many bytes more. */
static size_t limit_to(size_t more) {
    malloc_trim(0);
    size_t limit = memory_footprint() + more;

    memory_limit(limit);
    return limit;
}

/* ------------------------------------------------------------------- tests */

static void test_figures(void) {
    struct hoard hoard = hoard_open(COMPACT_OFF);
    struct memory_figures before, after;
    size_t n = 1000;

    if (in_malloc() && !malloc_is_seen()) {
        g_test_skip("this malloc is not glibc's");
        hoard_close(&hoard);
        return;
    }
    memory_look(&before);
    for (size_t i = 0; i < n; i++) hoard_add(&hoard, PIECE);
    hoard_thin(&hoard, 2);
    memory_look(&after);
    g_assert_cmpuint(after.own_objects, ==, before.own_objects + n / 2);
    g_assert_cmpuint(after.own_live, ==, before.own_live + n / 2 * PIECE);
    g_assert_cmpuint(after.own_footprint, >=, n * PIECE);
    g_assert_cmpuint(after.own_free, >=, n / 2 * PIECE);
    g_assert_cmpuint(after.own_largest, >=, PIECE);
    g_assert_cmpuint(after.own_largest, <=, after.own_free);
    g_assert_cmpuint(after.libraries_live, <, before.libraries_live + 64 * 1024);
    g_assert_cmpuint(after.footprint, >=, after.own_footprint);
    g_assert_cmpuint(after.resident, >, n / 2 * PIECE);
    hoard_close(&hoard);
}

/* What malloc gives back inside of its area is not held any more, and what is free in one piece is found. */
static void test_malloc(void) {
    enum { BLOCKS = 4000, BYTES = 4000, HOLE = 100000 };
    g_autofree char **blocks = g_new(char *, BLOCKS);
    struct malloc_figures before, full, trimmed;
    char *hole;

    if (!malloc_is_seen()) {
        g_test_skip("this malloc is not glibc's");
        return;
    }
    malloc_trim(0);
    process_malloc(&before);
    hole = memset(g_malloc(HOLE), 1, HOLE);
    for (size_t i = 0; i < BLOCKS; i++) blocks[i] = memset(g_malloc(BYTES), 1, BYTES);
    process_malloc(&full);
    g_assert_cmpuint(full.held, >=, before.held + (size_t)BLOCKS * BYTES - MIB);
    g_assert_cmpuint(full.used, >=, before.used + (size_t)BLOCKS * BYTES);
    g_free(hole);
    for (size_t i = 0; i < BLOCKS - 1; i++)
        g_free(blocks[i]); /* the last one is behind them */
    process_malloc(&trimmed);
    g_assert_cmpuint(trimmed.largest_free, >=, (size_t)BLOCKS / 2 * BYTES);
    g_assert_cmpuint(trimmed.largest_free, <=, trimmed.free);
    malloc_trim(0);
    process_malloc(&trimmed);
    g_assert_cmpuint(trimmed.held, <=, before.held + MIB);
    g_assert_cmpuint(process_malloc_held(), ==, trimmed.held);
    g_free(blocks[BLOCKS - 1]);
}

static void test_limit(gconstpointer policy) {
    struct hoard hoard = hoard_open((compaction_t)GPOINTER_TO_INT(policy));
    size_t refusals = memory_refusals(), limit, n;

    if (in_malloc() && !malloc_is_seen()) {
        g_test_skip("this malloc is not glibc's");
        hoard_close(&hoard);
        return;
    }
    limit = limit_to(4 * MIB);
    n = hoard_fill(&hoard, PIECE);
    g_assert_cmpuint(n * PIECE, >=, 7 * MIB / 2);
    g_assert_cmpuint(n * PIECE, <=, 4 * MIB);
    g_assert_cmpuint(memory_footprint(), <=, limit + OWN);
    g_assert_cmpuint(memory_refusals(), ==, refusals + 1);

    /* What is too large at once, too; and what would fit is served then. */
    g_assert_false(hoard_add(&hoard, 64 * MIB));
    hoard_thin(&hoard, 2);
    g_assert_true(hoard_add(&hoard, PIECE));
    g_assert_cmpuint(memory_footprint(), <=, limit + OWN);

    memory_limit(0);
    g_assert_true(hoard_add(&hoard, 8 * MIB));
    hoard_close(&hoard);
}

/* With free memory in many pieces, a large object takes compaction. */
static void test_pieces(void) {
    struct hoard idle = hoard_open(COMPACT_IDLE), off = hoard_open(COMPACT_OFF);

    if (in_malloc()) {
        g_test_skip("nothing is compacted");
    } else {
        limit_to(4 * MIB);
        hoard_fill(&off, PIECE / 2);
        hoard_thin(&off, 2);
        g_assert_false(hoard_add(&off, 3 * MIB / 2));
        hoard_close(&off);
        off = hoard_open(COMPACT_OFF);

        hoard_fill(&idle, PIECE / 2);
        hoard_thin(&idle, 2);
        g_assert_true(hoard_add(&idle, 3 * MIB / 2));
        memory_limit(0);
    }
    hoard_close(&idle);
    hoard_close(&off);
}

static void test_resize(void) {
    struct hoard hoard = hoard_open(COMPACT_IDLE);
    ref_t ref = store_new_zeroed(hoard.store, 100);

    if (in_malloc() && !malloc_is_seen()) {
        g_test_skip("this malloc is not glibc's");
    } else {
        size_t refusals = memory_refusals();

        memcpy(store_lock(ref), "as it was", 10);
        store_unlock(ref);
        limit_to(2 * MIB);
        g_assert_false(store_resize(hoard.store, &ref, 3 * MIB));
        g_assert_cmpuint(memory_refusals(), ==, refusals + 1);
        g_assert_cmpuint(store_size(ref), ==, 100);
        g_assert_cmpstr(store_lock(ref), ==, "as it was");
        store_unlock(ref);
        g_assert_true(store_resize(hoard.store, &ref, MIB));
        g_assert_true(store_resize(hoard.store, &ref, 10));
        g_assert_cmpstr(store_lock(ref), ==, "as it was");
        store_unlock(ref);
        memory_limit(0);
    }
    store_free(hoard.store, ref);
    hoard_close(&hoard);
}

/* ------------------------------------------------------------------- caches */

struct cache {
    struct hoard hoard;
    unsigned asked;
    unsigned *order, *turn; /* when it was first asked for all that it had */
};

static bool cache_shed(void *context) {
    struct cache *cache = context;
    GPtrArray *refs = cache->hoard.refs;

    cache->asked++;
    if (refs->len == 0) {
        if (cache->order && *cache->order == 0) *cache->order = ++*cache->turn;
        return false;
    }
    store_free(cache->hoard.store, refs->pdata[refs->len - 1]);
    g_ptr_array_set_size(refs, (gint)refs->len - 1);
    return true;
}

/* What caches hold makes room for others, the first cache's before the second's; and no more than has to. */
static void test_shed(void) {
    unsigned orders[2] = {0}, turn = 0;
    struct cache first = {
        .hoard = hoard_open(COMPACT_OFF), .order = &orders[0], .turn = &turn};
    struct cache second = {
        .hoard = hoard_open(COMPACT_OFF), .order = &orders[1], .turn = &turn};
    struct hoard hoard = hoard_open(COMPACT_OFF);
    bool skipped = in_malloc() && !malloc_is_seen();

    for (unsigned i = 0; i < 10 && !skipped; i++) {
        hoard_add(&first.hoard, 300000);
        hoard_add(&second.hoard, 300000);
    }
    if (skipped) {
        g_test_skip("this malloc is not glibc's");
    } else {
        memory_on_shortage(cache_shed, &first);
        memory_on_shortage(cache_shed, &second);
        limit_to(MIB);
        for (unsigned i = 0; i < 6; i++) g_assert_true(hoard_add(&hoard, 250000));
        g_assert_cmpuint(first.hoard.refs->len, <, 10);
        g_assert_cmpuint(first.hoard.refs->len, >, 0);
        g_assert_cmpuint(second.hoard.refs->len, ==, 10);

        memory_forget_shortage(cache_shed, &second);
        hoard_fill(&hoard, 250000);
        g_assert_cmpuint(first.hoard.refs->len, ==, 0);
        g_assert_cmpuint(second.hoard.refs->len, ==, 10);
        g_assert_cmpuint(orders[0], ==, 1);
        g_assert_cmpuint(second.asked, ==, 0);

        memory_on_shortage(cache_shed, &second);
        g_assert_true(hoard_add(&hoard, 250000));
        g_assert_cmpuint(second.hoard.refs->len, >=, 8);
        memory_forget_shortage(cache_shed, &second);
        memory_forget_shortage(cache_shed, &first);
        memory_limit(0);
    }
    hoard_close(&first.hoard);
    hoard_close(&second.hoard);
    hoard_close(&hoard);
}

/* An object that grows may be looked at by whoever is asked to shed something meanwhile. */
static bool shed_and_look(void *context) {
    ref_t *grown = ((void **)context)[0];

    g_assert_cmpstr(store_lock(*grown), ==, "as it was");
    store_unlock(*grown);
    return cache_shed(((void **)context)[1]);
}

static void test_grown(void) {
    struct cache cache = {.hoard = hoard_open(COMPACT_OFF)};
    struct hoard hoard = hoard_open(COMPACT_OFF);
    ref_t grown = store_new_zeroed(hoard.store, 1000);
    void *both[2] = {&grown, &cache};

    strcpy(store_lock(grown), "as it was");
    store_unlock(grown);
    if (in_malloc() && !malloc_is_seen()) {
        g_test_skip("this malloc is not glibc's");
    } else {
        for (unsigned i = 0; i < 20; i++) hoard_add(&cache.hoard, 200000);
        memory_on_shortage(shed_and_look, both);
        limit_to(MIB / 2);
        g_assert_true(store_resize(hoard.store, &grown, 2 * MIB));
        g_assert_cmpuint(cache.hoard.refs->len, <, 20);
        g_assert_false(store_resize(hoard.store, &grown, 20 * MIB));
        g_assert_cmpuint(store_size(grown), ==, 2 * MIB);
        memory_forget_shortage(shed_and_look, both);
        memory_limit(0);
    }
    store_free(hoard.store, grown);
    hoard_close(&cache.hoard);
    hoard_close(&hoard);
}

int main(int argc, char **argv) {
    static const char *const policies[] = {"off", "idle", "steady"};

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/budget/figures", test_figures);
    g_test_add_func("/budget/malloc", test_malloc);
    for (int i = COMPACT_OFF; i <= COMPACT_STEADY; i++) {
        g_autofree char *path = g_strdup_printf("/budget/limit/%s", policies[i]);
        g_test_add_data_func(path, GINT_TO_POINTER(i), test_limit);
    }
    g_test_add_func("/budget/pieces", test_pieces);
    g_test_add_func("/budget/resize", test_resize);
    g_test_add_func("/budget/shed", test_shed);
    g_test_add_func("/budget/grown", test_grown);
    return g_test_run();
}
