/* SPDX-License-Identifier: MIT */
/*
 * What guards have noted of a heap after a call: fences and their pages, seals, and what a guard is for. Blocks with a
 * fence are told from those without by where they are used.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fenced.h"
#include "many.h"
#include "run.h"
#include "tool.h"

enum { FILLED = 0xef };

/* Is it used elsewhere, while it is locked? */
static bool is_fenced(const struct site *site, rm_memory_t *block) {
    bool is = in_arena(site, lock(block));
    g_assert_cmpint(rmunlock(block), ==, RM_OK);
    return is;
}

/* --- fences --- */

/* So many blocks have one that what is known of them has been given more memory: a lower slot has one still. */
static void test_many(void) {
    enum { MANY = 8300 };
    struct site site = make_site(1, false);
    rm_memory_t *first = make(&site, 40), *block = NULL;
    for (unsigned i = 1; i < MANY; i++) block = make(&site, 1);
    uint32_t known = site.g->fence.n_slots;
    g_assert_true(is_fenced(&site, block));
    g_assert_cmpint(rmfree(first), ==, RM_OK);
    g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK); /* nothing rests */
    first = make(&site, 40);
    g_assert_cmpuint(slot_of(first), <, slot_of(block));
    g_assert_cmpuint(site.g->fence.n_slots, ==, known);
    g_assert_true(is_fenced(&site, first));
    end_site(&site);
}

/* Where there is less address space there are less pages. */
static void test_little(void) {
    enum { MORE = 512 << 20 };
    struct rlimit was, little;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    g_assert_true(file != NULL && fscanf(file, "%lu", &pages) == 1);
    fclose(file);
    g_assert_cmpint(getrlimit(RLIMIT_AS, &was), ==, 0);
    little = was;
    little.rlim_cur = pages * os_page() + MORE;
    g_assert_cmpint(setrlimit(RLIMIT_AS, &little), ==, 0);
    struct site site = make_site(1, false);
    g_assert_cmpint(setrlimit(RLIMIT_AS, &was), ==, 0);
    g_assert_cmpuint(site.g->fence.n_pages, >=, 1 << 10);
    g_assert_cmpuint((size_t)site.g->fence.n_pages * os_page(), <, MORE);
    g_assert_true(is_fenced(&site, make(&site, 100)));
    end_site(&site);
}

/* One that was locked like any other when it was to be hidden is hidden the next time; and that is all, then. */
static void test_hidden(void) {
    struct site site = make_site(1, false);
    struct table *t = &site.h->store.table;
    rm_memory_t *block = make(&site, 40);
    uint32_t slot = slot_of(block);
    g_assert_cmpuint(entry_locks(entry_of(&site, block)), ==, LOCKS_MANY);
    uint64_t e = many_end(&site.h->store, slot);
    g_assert_cmpuint(entry_locks(e), ==, LOCKS_NONE);
    table_set(t, slot, entry_with_locks(e, LOCKS_NONE + 1));
    g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK);
    g_assert_true(site.g->fence.bared);
    table_set(t, slot, e);
    g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK);
    g_assert_false(site.g->fence.bared);
    g_assert_cmpuint(entry_locks(entry_of(&site, block)), ==, LOCKS_MANY);
    end_site(&site);
}

/* Handles of blocks that are gone stay until there are many of them. */
static void test_stale(void) {
    enum { GONE = 20 };
    struct site site = make_site(1, false);
    for (unsigned i = 0; i < GONE; i++)
        g_assert_cmpint(rmfree(make(&site, 40)), ==, RM_OK);
    g_assert_cmpuint(site.g->fence.n_blocks, ==, GONE);
    end_site(&site);
}

/* What was unlocked while somebody read is protected by the call in which blocks have moved, too. */
static void test_late(void) {
    struct site site = make_site(1, false);
    rm_memory_t *block = make(&site, 3000);
    lock(block);
    g_assert_cmpint(rm_heap_hold(site.heap), ==, RM_OK);
    g_assert_cmpint(rmunlock(block), ==, RM_OK);
    g_assert_cmpuint(site.g->fence.n_late, ==, 1);
    g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK);
    g_assert_cmpuint(site.g->fence.n_late, ==, 1); /* he reads still */
    g_assert_cmpint(rm_heap_release(site.heap), ==, RM_OK);
    site.h->store.bared = true; /* as by a move */
    g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK);
    g_assert_cmpuint(site.g->fence.n_late, ==, 0);
    g_assert_cmpuint(site.g->fence.slots[slot_of(block)].range, ==, 0);
    end_site(&site);
}

/* Pages of which one is open are none, wherever among them it is. */
static void test_between(void) {
    struct site site = make_site(1, false);
    struct fence *f = &site.g->fence;
    rm_memory_t *first = make(&site, 10), *second = make(&site, 10);
    rm_memory_t *large = make(&site, 2 * os_page());
    f->cursor = 1;
    lock(first);
    lock(second);
    g_assert_cmpuint(f->slots[slot_of(second)].range, ==, 3);
    g_assert_cmpint(rmunlock(first), ==, RM_OK);
    f->cursor = 1;
    lock(large); /* it takes three, of which two are there */
    g_assert_cmpuint(f->slots[slot_of(large)].range, ==, 5);
    g_assert_cmpint(rmunlock(second), ==, RM_OK);
    g_assert_cmpint(rmunlock(large), ==, RM_OK);
    end_site(&site);
}

/* A block that is locked, and becomes shorter: what lies behind it is filled, to be looked at. */
static void test_shorter(void) {
    enum { SIZE = 90, LESS = 80 };
    struct site site = make_site(1, false);
    rm_memory_t *block = make(&site, SIZE);
    unsigned char *at = lock(block);
    memset(at, 1, SIZE);
    g_assert_cmpint(rmrealloc(block, LESS), ==, RM_OK);
    for (unsigned i = 0; i < SIZE; i++)
        g_assert_cmpuint(at[i], ==, i < LESS ? 1 : FILLED);
    uint32_t range = site.g->fence.slots[slot_of(block)].range;
    g_assert_cmpuint(site.g->fence.ranges[range].size, ==, LESS);
    g_assert_cmpint(rmunlock(block), ==, RM_OK);
    end_site(&site);
}

/* The end of each block is the end of its page, less what its alignment takes. */
static void test_ends(void) {
    struct site site = make_site(1, false);
    for (size_t size = 1; size < 600; size++) {
        rm_memory_t *block = make(&site, size);
        uintptr_t end = (uintptr_t)lock(block) + size;
        size_t alignment = size >= 128 || size % 16 == 0 ? 16 : 8;
        g_assert_cmpuint(round_up(end, alignment) % os_page(), ==, 0);
        g_assert_cmpint(rmunlock(block), ==, RM_OK);
        g_assert_cmpint(rmfree(block), ==, RM_OK);
    }
    end_site(&site);
}

/* --- seals --- */

/* With fences as well, or while all that may be moved is: each call leaves the heap as it is sealed. */
static void both(unsigned fence_every) {
    enum { BLOCKS = 40 };
    struct site site = make_site(fence_every, true);
    rm_memory_t *blocks[BLOCKS];
    unsigned count;
    size_t size;
    void *at;
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = make(&site, i * 7 % 100 + 1);
        at = lock(blocks[i]);
        g_assert_cmpint(rmlocks(blocks[i], &count), ==, RM_OK);
        g_assert_cmpint(rmsize(blocks[i], &size), ==, RM_OK);
        g_assert_cmpint(rmpeek(blocks[i], &at), ==, RM_OK);
        g_assert_cmpint(rmunlock(blocks[i]), ==, RM_OK);
        if (i % 3 == 0) g_assert_cmpint(rmrealloc(blocks[i], 120), ==, RM_OK);
        if (i % 3 == 1) g_assert_cmpint(rmrealloc(blocks[i], 1), ==, RM_OK);
        if (i % 4 == 0) g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
        if (i % 8 == 0)
            g_assert_cmpint(rm_heap_compact(site.heap, NULL, NULL), ==, RM_OK);
    }
    g_assert_cmpint(rm_heap_hold(site.heap), ==, RM_OK); /* nothing moves: it rests */
    g_assert_cmpint(rmfree(make(&site, 40)), ==, RM_OK);
    make(&site, 40);
    g_assert_cmpint(rm_heap_release(site.heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_check(site.heap, NULL), ==, RM_OK);
    end_site(&site);
}

static void test_both(void) {
    both(0);
    both(2);
    g_setenv("RMALLOC_STRESS", "onall:1", TRUE);
    both(0);
    both(2);
    g_unsetenv("RMALLOC_STRESS");
}

/* What has an alignment is not had from a list, though one of its size rests there. */
static void test_aligned(void) {
    struct site site = make_site(0, true);
    rm_memory_t *block;
    g_assert_cmpint(rmfree(make(&site, 40)), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(site.heap, &block, 40, 64, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK);
    end_site(&site);
}

/* A word of a sealed heap is another: whoever looks at all of it finds that. */
static void find(struct site *site, char *word) {
    *word ^= 1;
    g_assert_cmpint(rm_heap_trim(site->heap), ==, RM_ECORRUPT);
    end_site(site);
}

/* The references of a run are looked at by twos, of an odd number the last one too. */
static void test_odd(void) {
    for (unsigned n = 1; n < 5; n++) {
        struct site site = make_site(0, true);
        rm_memory_t *block = NULL;
        for (unsigned i = 0; i < n; i++) block = make(&site, 40);
        struct store *s = &site.h->store;
        struct run r = run_at(s, entry_span(s, entry_of(&site, block)));
        unsigned index = shape_slot(entry_of(&site, block));
        find(&site, (char *)r.at + ref_offset(r.class, index) + 2);
    }
}

/* Of a span whose pages have been given back: which they are, and what links it to others. */
static void test_released(void) {
    static const unsigned words[] = {RELEASED_FIRST, RELEASED_COUNT, 40};
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        struct site site = make_site(0, true);
        const struct area *a = &site.h->store.area;
        rm_memory_t *block = make(&site, REGION / 2);
        make(&site, 5000);
        g_assert_cmpint(rmfree(block), ==, RM_OK);
        g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK);
        unit_t at = 0;
        while (at < a->limit && (header_kind(area_header(a, at)) != SPAN_FREE ||
                                 area_header(a, at) >> FREE_RELEASED_BIT == 0))
            at += area_units(a, at);
        g_assert_cmpuint(at, <, a->limit);
        find(&site, area_at(a, at) + words[i]);
    }
}

/* Of a large free span: which are below and above it in its index. */
static void test_trie(void) {
    static const unsigned words[] = {16, 24};
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        struct site site = make_site(0, true);
        const struct area *a = &site.h->store.area;
        rm_memory_t *blocks[2];
        for (unsigned k = 0; k < 2; k++) {
            blocks[k] = make(&site, 40000 + 9000 * k);
            make(&site, 5000);
        }
        for (unsigned k = 0; k < 2; k++) g_assert_cmpint(rmfree(blocks[k]), ==, RM_OK);
        g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK);
        unit_t at = 0;
        while (at < a->limit && (header_kind(area_header(a, at)) != SPAN_FREE ||
                                 area_units(a, at) < 40000 / UNIT))
            at += area_units(a, at);
        g_assert_cmpuint(at, <, a->limit);
        find(&site, area_at(a, at) + words[i]);
    }
}

/* Of an object much smaller than its slot: its size, which stands there. */
static void test_noted(void) {
    struct site site = make_site(0, true);
    rm_memory_t *block = make(&site, 400);
    g_assert_cmpint(rmrealloc(block, 300), ==, RM_OK);
    for (unsigned i = 0; i < 6; i++) lock(block);
    struct store *s = &site.h->store;
    struct run r = run_at(s, entry_span(s, entry_of(&site, block)));
    unsigned index = run_index(s, &r, entry_of(&site, block));
    g_assert_cmpuint(run_ref(&r, index) & SLACK_WIDE, ==, SLACK_WIDE);
    find(&site, run_slot(&r, index) + r.class->capacity - 2);
}

/* A handle whose slot no table has: nothing is sealed for it. */
static void test_far(void) {
    struct site site = make_site(0, true);
    rm_memory_t *block = make(&site, 40);
    uint64_t far = call_handle(block) | (uint64_t)((1u << SLOT_BITS) - 1) << TAG_BITS;
    void *at;
    g_assert_cmpuint(handle_slot(far), ==, (1u << SLOT_BITS) - 1);
    g_assert_cmpint(rmlock((rm_memory_t *)(uintptr_t)far, &at), ==, RM_EHANDLE);
    g_assert_cmpint(rm_heap_check(site.heap, NULL), ==, RM_OK);
    end_site(&site);
}

/* Whose size stands elsewhere than in its entry: that is looked at before it is told. */
static void test_elsewhere(void) {
    struct site site = make_site(0, true);
    rm_memory_t *block = make(&site, 20000), *other = make(&site, 20000);
    size_t size = 0;
    g_assert_cmpint(rmsize(block, &size), ==, RM_OK);
    g_assert_cmpuint(size, ==, 20000);
    struct store *s = &site.h->store;
    *area_at(&s->area, entry_span(s, entry_of(&site, other))) ^= 1;
    g_assert_cmpint(rmsize(block, &size), ==, RM_ECORRUPT);
    end_site(&site);
}

/* --- what a guard is for --- */

/* Who moves all that may be moved does not look at what is damaged: the call does. */
static void test_bounds(void) {
    g_setenv("RMALLOC_STRESS", "onchange:1", TRUE);
    for (unsigned i = 0; i < 2; i++) {
        struct site site = make_site(0, false);
        rm_memory_t *block = make(&site, 40);
        site.h->region.area_end += UNIT;
        g_assert_cmpint(i == 0 ? rm_heap_hold(site.heap) : rmfree(block), ==,
                        RM_ECORRUPT);
        end_site(&site);
    }
    g_unsetenv("RMALLOC_STRESS");
}

/* No tool is there, and may be told: the heap needs no guard. Blocks' origins are kept where they are told. */
static void test_wanted(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct settings settings;
    g_setenv("RMALLOC_TOOLS", "yes", TRUE);
    if (tool_watching() == TOOL_NONE)
        g_assert_cmpuint(guard_wanted(&options, &settings), ==, 0);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    g_setenv("RMALLOC_STRESS", "onchange:1", TRUE);
    struct site site = make_site(0, false);
    g_assert_cmpuint(site.g->by, ==, GUARD_STRESS);
    g_assert_nonnull(site.g->origins.stacks);
    uint32_t slot = slot_of(make(&site, 40));
    g_assert_cmpuint(origin_of(&site.g->origins, slot), !=, ORIGIN_NONE);
    g_unsetenv("RMALLOC_STRESS");
    end_site(&site);
}

/* What has been added to a block is filled, so that nobody relies on what was there. */
static void test_fresh(void) {
    enum { SIZE = 10, MORE = 100 };
    g_setenv("RMALLOC_STRESS", "onchange:1", TRUE);
    struct site site = make_site(0, false);
    rm_memory_t *block = make(&site, SIZE);
    memset(lock(block), 1, SIZE);
    g_assert_cmpint(rmunlock(block), ==, RM_OK);
    g_assert_cmpint(rmrealloc(block, MORE), ==, RM_OK);
    const unsigned char *at = lock(block);
    for (unsigned i = 0; i < MORE; i++)
        g_assert_cmpuint(at[i], ==, i < SIZE ? 1 : MIRROR_FRESH);
    g_unsetenv("RMALLOC_STRESS");
    end_site(&site);
}

/* All that are left move when a block is freed, and none when one is looked at. */
static void test_moved(void) {
    enum { LEFT = 20 };
    g_setenv("RMALLOC_STRESS", "onchange:1", TRUE);
    struct site site = make_site(0, false);
    rm_memory_t *gone = make(&site, 40), *kept = NULL;
    size_t size;
    for (unsigned i = 0; i < LEFT; i++) kept = make(&site, 40);
    g_assert_cmpuint(site.g->stress->scramble.moved, ==, LEFT + 1);
    g_assert_cmpint(rmsize(kept, &size), ==, RM_OK);
    g_assert_cmpuint(site.g->stress->scramble.moved, ==, LEFT + 1);
    g_assert_cmpint(rmfree(gone), ==, RM_OK);
    g_assert_cmpuint(site.g->stress->scramble.moved, ==, LEFT);
    g_unsetenv("RMALLOC_STRESS");
    end_site(&site);
}

/* What rests is filled as what lies behind a block is, all of it. */
static void test_rests(void) {
    static const size_t sizes[] = {40, 1000};
    g_setenv("RMALLOC_STRESS", "onchange:1", TRUE);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        struct site site = make_site(0, false);
        rm_memory_t *block = make(&site, sizes[i]);
        g_assert_cmpint(rm_heap_hold(site.heap), ==, RM_OK);
        unsigned char *at = lock(block);
        memset(at, 1, sizes[i]);
        g_assert_cmpint(rmunlock(block), ==, RM_OK);
        g_assert_cmpint(rmfree(block), ==, RM_OK);
        if (entry_locks(entry_of(&site, block)) == LOCKS_FREE &&
            !entry_is_free(entry_of(&site, block)))
            for (size_t n = 0; n < sizes[i]; n++)
                g_assert_cmpuint(at[n], ==, MIRROR_REST);
        else
            g_assert_cmpuint(sizes[i], >, SMALL_MAX);
        g_assert_cmpint(rm_heap_release(site.heap), ==, RM_OK);
        end_site(&site);
    }
    g_unsetenv("RMALLOC_STRESS");
}

/* The background thread works at a sealed heap as at any. */
static void test_background(void) {
    enum { BLOCKS = 2000, SIZE = 1000 };
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_memory_t *blocks[BLOCKS];
    rm_heap_t *heap;
    rm_stats_t stats = {0};
    options.integrity = true;
    options.compaction = RM_COMPACT_BACKGROUND;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    for (unsigned i = 0; i < BLOCKS; i++)
        g_assert_cmpint(rm_heap_alloc(heap, &blocks[i], SIZE, 0, 0), ==, RM_OK);
    for (unsigned i = 0; i < BLOCKS; i += 2)
        g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    while (stats.background_steps == 0) {
        g_assert_cmpint(rm_heap_stats_quick(heap, &stats), ==, RM_OK);
        g_usleep(1000);
    }
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    g_test_add_func("/fenced/many", test_many);
    g_test_add_func("/fenced/little", test_little);
    g_test_add_func("/fenced/hidden", test_hidden);
    g_test_add_func("/fenced/stale", test_stale);
    g_test_add_func("/fenced/late", test_late);
    g_test_add_func("/fenced/between", test_between);
    g_test_add_func("/fenced/shorter", test_shorter);
    g_test_add_func("/fenced/ends", test_ends);
    g_test_add_func("/fenced/both", test_both);
    g_test_add_func("/fenced/aligned", test_aligned);
    g_test_add_func("/fenced/trie", test_trie);
    g_test_add_func("/fenced/noted", test_noted);
    g_test_add_func("/fenced/odd", test_odd);
    g_test_add_func("/fenced/released", test_released);
    g_test_add_func("/fenced/far", test_far);
    g_test_add_func("/fenced/elsewhere", test_elsewhere);
    g_test_add_func("/fenced/bounds", test_bounds);
    g_test_add_func("/fenced/wanted", test_wanted);
    g_test_add_func("/fenced/fresh", test_fresh);
    g_test_add_func("/fenced/moved", test_moved);
    g_test_add_func("/fenced/rests", test_rests);
    g_test_add_func("/fenced/background", test_background);
    return g_test_run();
}
