/* SPDX-License-Identifier: MIT */
/*
 * "No false out-of-memory": with nothing locked an allocation that may compact, or a
 * growing rmrealloc, fails only where the free memory, in all, is smaller than what it
 * needs; rm_heap_largest says beforehand what will do, and is right both ways.
 */
#include <string.h>

#include "util.h"

static const size_t regions[] = {RM_HEAP_SIZE_MIN, 4096,  5001, 8192, 16384, 30000, 65536,
                                 102400,           300000};

/* ----------------------------------------------------------------- to the brim */

/* What lies below blocks aligned above 16 may be out of reach. */
static void assert_no_room(struct book *book, size_t need) {
    size_t room = free_now(book->heap);

    g_assert_cmpuint(room > book->aligned ? room - book->aligned : 0, <, need);
}

static void ask(struct book *book, struct rng *rng, size_t size, size_t asked) {
    unsigned flags = rng_chance(rng, 10) ? RM_ZERO : 0;
    rm_status_t status = book_alloc(book, size, asked, flags);

    if (status != RM_OK) {
        assert_status(status, RM_ENOMEM);
        assert_no_room(book, block_need(size, asked) + handle_need(book));
    }
}

static void grow(struct book *book, struct rng *rng, size_t most) {
    size_t i = (size_t)rng_below(rng, book->n);
    size_t old = book->blocks[i].size, asked = book->blocks[i].asked;
    size_t size = old + rng_size(rng, SHAPE_MIXED, most);
    rm_status_t status = book_resize(book, i, size);

    if (status != RM_OK) { /* of which only the growth counts */
        assert_status(status, RM_ENOMEM);
        /* Aligned blocks have to be passed by their own steps, up as well as down. */
        assert_no_room(book, block_need(size, asked) - old + 16 + book->aligned);
    }
}

static void brim(size_t size, enum shape shape, rm_compaction_t compaction,
                 bool aligned) {
    struct site site;
    struct rng rng = test_rng();
    struct book *book = &site.book;

    site_open(&site, size, RM_THREADS_NONE, compaction);
    for (unsigned round = 0; round < 6; round++) {
        /* to the brim, with ever smaller blocks */
        for (size_t most = size / 2;; most /= 2) {
            for (unsigned i = 0; i < 60; i++) {
                if (book->n > 0 && rng_chance(&rng, 25)) grow(book, &rng, most);
                ask(book, &rng, rng_size(&rng, shape, most),
                    aligned && rng_chance(&rng, 20) ? (size_t)1 << rng_below(&rng, 9)
                                                    : 0);
                if (book->n > 0 && rng_chance(&rng, 20))
                    assert_ok(book_free(book, (size_t)rng_below(&rng, book->n)));
            }
            if (most == 0) break;
        }
        while (book_alloc(book, 0, 0, 0) == RM_OK) /* the table to the brim as well */
            continue;
        assert_no_room(book, block_need(0, 0) + handle_need(book));
        site_verify(&site);
        for (unsigned i = 0; i < 20; i++) /* each freed one makes room for its like */
            if (book->n > 0) {
                size_t k = (size_t)rng_below(&rng, book->n);
                size_t again = book->blocks[k].size;

                assert_ok(book_free(book, k));
                ask(book, &rng, again, 0);
                ask(book, &rng, again / 2, 0);
            }
        for (size_t n = book->n * rng_below(&rng, 4) / 4; n > 0; n--)
            assert_ok(book_free(book, (size_t)rng_below(&rng, book->n)));
        site_verify(&site);
    }
    site_close(&site);
}

static void test_brim(void) {
    for (size_t i = 0; i < G_N_ELEMENTS(regions); i++)
        for (int shape = 0; shape < N_SHAPES; shape++) {
            brim(regions[i], (enum shape)shape, RM_COMPACT_ON_DEMAND, false);
            brim(regions[i], (enum shape)shape, RM_COMPACT_STEADY, false);
        }
}

static void test_brim_aligned(void) {
    for (size_t i = 0; i < G_N_ELEMENTS(regions); i++)
        for (int shape = 0; shape < N_SHAPES; shape++)
            brim(regions[i], (enum shape)shape, RM_COMPACT_ON_DEMAND, true);
}

/* MANUAL: after a compaction by hand, one free span takes what fits into it. */
static void test_manual(void) {
    for (unsigned round = 0; round < 60; round++) {
        struct site site;
        struct rng rng = test_rng();
        rm_status_t status;
        size_t size;

        site_open(&site, rng_between(&rng, 4000, 100000), RM_THREADS_SAFE,
                  RM_COMPACT_MANUAL);
        book_shuffle(&site.book, &rng, 600, SHAPE_MIXED, 3000, false);
        compact_fully(site.heap, 0);
        size = rng_size(&rng, SHAPE_MIXED, 2 * free_now(site.heap));
        status = book_alloc(&site.book, size, 0, 0);
        if (status != RM_OK) {
            assert_status(status, RM_ENOMEM);
            assert_no_room(&site.book, block_need(size, 0) + handle_need(&site.book));
        }
        site_close(&site);
    }
}

/* A heap of nothing but small holes gives one block of nearly all of them. */
static void test_one_big(void) {
    static const size_t sizes[] = {0,   1,   8,   16,  24,  40,  100,
                                   128, 200, 400, 512, 600, 2000};

    for (size_t k = 0; k < G_N_ELEMENTS(sizes); k++) {
        struct site site;
        size_t room, size;

        site_open(&site, 200000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        while (book_alloc(&site.book, sizes[k], 0, 0) == RM_OK) continue;
        for (size_t i = site.book.n; i-- > 0;)
            if (i % 3 != 0) assert_ok(book_free(&site.book, i));
        assert_ok(rm_heap_largest(site.heap, true, &size));
        assert_ok(rm_heap_compact(site.heap, NULL, NULL));
        room = free_now(site.heap);
        g_assert_cmpuint(size + 8 + 16 + handle_need(&site.book), >, room);
        g_assert_cmpuint(size, <=, room);
        assert_ok(book_alloc(&site.book, size, 0, 0));
        site_close(&site);
    }
}

/* -------------------------------------------------------------- rm_heap_largest */

enum fill { SOME, BRIM, TABLE, HALF_MOVED };

/* The same state for the same seed, each time in the same region. */
static void build(struct site *site, uint64_t seed, enum fill fill, bool locks) {
    struct rng rng = {seed};
    enum shape shape = (enum shape)rng_below(&rng, N_SHAPES);
    size_t most = rng_between(&rng, 1, site->region.size / 4);
    rm_budget_t budget = {rng_between(&rng, 1, 100000), 0};
    unsigned percent = 40;

    if (fill == HALF_MOVED) { /* blocks that take several calls to move */
        shape = SHAPE_LARGE;
        most = site->region.size / 5;
        percent = 100;
    }
    site_renew(site);
    if (fill == TABLE)
        while (book_alloc(&site->book, 0, 0, 0) == RM_OK) continue;
    if (fill == BRIM) book_fill(&site->book, &rng, shape, most);
    if (rng_chance(&rng, 50)) /* aligned, but not above 16 */
        for (unsigned i = 0; i < 20; i++)
            (void)book_alloc(&site->book, rng_size(&rng, shape, most), (size_t)1 << i % 5,
                             0);
    book_shuffle(&site->book, &rng, rng_between(&rng, 0, 400), shape, most, locks);
    if (rng_chance(&rng, 50))
        for (size_t n = site->book.n / rng_between(&rng, 1, 8); n > 0; n--) {
            size_t i = (size_t)rng_below(&rng, site->book.n);

            if (site->book.blocks[i].locks == 0) assert_ok(book_free(&site->book, i));
        }
    if (rng_chance(&rng, 30)) book_fill(&site->book, &rng, shape, most);
    if (rng_chance(&rng, percent)) assert_ok(rm_heap_compact(site->heap, &budget, NULL));
}

static size_t largest(struct site *site, bool after_compaction) {
    struct picture before, after;
    size_t size = SIZE_MAX;

    assert_sound(picture_take(&before, site->heap));
    assert_ok(rm_heap_largest(site->heap, after_compaction, &size));
    assert_sound(picture_take(&after, site->heap));
    assert_sound(picture_same(&before, &after)); /* moves nothing */
    g_assert_cmpuint(after.stats.failures, ==, before.stats.failures);
    picture_finish(&before);
    picture_finish(&after);
    return size;
}

/* 0 says: nothing larger than 0 will do (nor, maybe, 0). */
static void assert_granted(struct site *site, size_t size, unsigned flags) {
    rm_status_t status = book_alloc(&site->book, size, 0, flags);

    if (status == RM_ENOMEM && site->compaction == RM_COMPACT_MANUAL && flags == 0) {
        assert_ok(rm_heap_compact(site->heap, NULL, NULL)); /* by hand, then */
        status = book_alloc(&site->book, size, 0, flags);
    }
    if (size > 0 || status != RM_ENOMEM) assert_ok(status);
    site_verify(site);
}

static void assert_denied(struct site *site, size_t size, unsigned flags) {
    assert_status(book_alloc(&site->book, size, 0, flags), RM_ENOMEM);
    site_verify(site);
}

static void exact(size_t region, enum fill fill, rm_compaction_t compaction) {
    struct site site;
    uint64_t seed = test_rng().state;
    size_t now, later;

    site_open(&site, region, RM_THREADS_NONE, compaction);
    build(&site, seed, fill, false);
    now = largest(&site, false);
    later = largest(&site, true);
    g_assert_cmpuint(later, >=, now);
    assert_denied(&site, now + 16, RM_NO_COMPACT);
    assert_granted(&site, now, RM_NO_COMPACT);

    build(&site, seed, fill, false);
    g_assert_cmpuint(largest(&site, true), ==, later); /* the state is the same */
    g_assert_cmpuint(largest(&site, false), ==, now);
    assert_granted(&site, now, RM_NO_COMPACT);
    build(&site, seed, fill, false);
    assert_granted(&site, later, 0);
    build(&site, seed, fill, false);
    assert_denied(&site, later + 16, 0);
    if (compaction == RM_COMPACT_MANUAL) {
        assert_ok(rm_heap_compact(site.heap, NULL, NULL));
        assert_denied(&site, later + 16, 0);
    } else {
        /* What was refused has compacted: a slot left over may hold a little more by then. */
        now = largest(&site, true);
        g_assert_cmpuint(now, >=, later);
        g_assert_cmpuint(now, <, later + 16);
        assert_granted(&site, now, 0);
    }
    site_close(&site);
}

/* A quarter where the library is slow. */
static unsigned rounds(unsigned n) { return getenv("RMTEST_UNTIMED") ? n / 4 : n; }

static void test_largest(void) {
    for (unsigned round = 0; round < rounds(12); round++)
        for (size_t i = 0; i < G_N_ELEMENTS(regions); i++)
            for (int fill = SOME; fill <= TABLE; fill++)
                exact(regions[i], (enum fill)fill, (rm_compaction_t)(round % 3));
}

/* Its reserved place counts as used, but not for what compaction could make room for. */
static void test_largest_half_moved(void) {
    for (unsigned round = 0; round < rounds(60); round++)
        exact((size_t)1 << 20, HALF_MOVED, (rm_compaction_t)(round % 3));
}

/* With locks: `now` is exact, `later` a lower bound. */
static void test_largest_locked(void) {
    size_t n_locked = 0;

    for (unsigned round = 0; round < 150; round++) {
        struct site site;
        uint64_t seed = test_rng().state;
        enum fill fill = (enum fill)(round % 3);
        size_t now, later;

        site_open(&site, regions[round % G_N_ELEMENTS(regions)], RM_THREADS_NONE,
                  RM_COMPACT_ON_DEMAND);
        build(&site, seed, fill, true);
        n_locked += site.book.n_locked;
        now = largest(&site, false);
        later = largest(&site, true);
        g_assert_cmpuint(later, >=, now);
        assert_denied(&site, now + 16, RM_NO_COMPACT);
        assert_granted(&site, now, RM_NO_COMPACT);
        build(&site, seed, fill, true);
        assert_granted(&site, later, 0);
        site_close(&site);
    }
    g_assert_cmpuint(n_locked, >, 100);
}

/* In a growing heap: a request of that size succeeds, the growth counted in. */
static void test_largest_growable(void) {
    for (unsigned round = 0; round < 20; round++) {
        struct rng rng = test_rng();
        rm_heap_t *heap = growable_heap(rng_between(&rng, 32768, 8000000),
                                        (rm_compaction_t)(round % 3));
        struct book book;
        size_t now, later;

        book_init(&book, heap);
        book_shuffle(&book, &rng, 500, SHAPE_MIXED, 20000, false);
        assert_ok(rm_heap_largest(heap, false, &now));
        assert_ok(rm_heap_largest(heap, true, &later));
        g_assert_cmpuint(later, >=, now);
        if (now > 0) { /* at 0 it may be that none succeeds */
            assert_ok(book_alloc(&book, now, 0, RM_NO_COMPACT));
            assert_ok(book_free(&book, book.n - 1));
        }
        if (round % 3 == RM_COMPACT_MANUAL && later > now)
            assert_ok(rm_heap_compact(heap, NULL, NULL));
        if (later > 0) assert_ok(book_alloc(&book, later, 0, 0));
        assert_sound(book_verify(&book));
        assert_sound(heap_fault(heap));
        assert_ok(rm_heap_destroy(heap));
        book_finish(&book);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memory/brim", test_brim);
    g_test_add_func("/memory/brim-aligned", test_brim_aligned);
    g_test_add_func("/memory/manual", test_manual);
    g_test_add_func("/memory/one-big", test_one_big);
    g_test_add_func("/memory/largest", test_largest);
    g_test_add_func("/memory/largest-half-moved", test_largest_half_moved);
    g_test_add_func("/memory/largest-locked", test_largest_locked);
    g_test_add_func("/memory/largest-growable", test_largest_growable);
    return g_test_run();
}
