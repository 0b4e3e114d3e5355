/* SPDX-License-Identifier: MIT */
/*
 * "A stale handle is refused by every call": freed, reused, forged, foreign, of
 * heaps that are gone; without a touch of memory that is not the heap's (the
 * region of each heap here ends at a guard page, and garbage would point anywhere).
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util.h"

static int by_value(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a;
    uintptr_t y = *(const uintptr_t *)b;

    return (x > y) - (x < y);
}

/* All of them differ: a handle handed out once is never handed out again. */
static void assert_distinct(rm_memory_t **handles, size_t n) {
    qsort(handles, n, sizeof(*handles), by_value);
    for (size_t i = 1; i < n; i++) g_assert_true(handles[i] != handles[i - 1]);
}

/* -------------------------------------------------------------- freed, reused */

static void test_freed(void) {
    struct site site;
    struct rng rng = test_rng();
    rm_memory_t *gone[3000];
    size_t n = 0;

    site_open(&site, 65536, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    while (n < G_N_ELEMENTS(gone)) {
        if (site.book.n == 0 || rng_chance(&rng, 51))
            (void)book_alloc(&site.book, rng_size(&rng, SHAPE_MIXED, 1000), 0, 0);
        else {
            size_t i = (size_t)rng_below(&rng, site.book.n);

            gone[n] = site.book.blocks[i].handle;
            assert_ok(book_free(&site.book, i));
            assert_refused(gone[n++]);
            assert_refused(gone[rng_below(&rng, n)]);
        }
    }
    for (size_t i = 0; i < n; i++) assert_refused(gone[i]);
    for (size_t i = 0; i < site.book.n; i++)
        for (size_t j = 0; j < n; j++)
            g_assert_true(site.book.blocks[i].handle != gone[j]);
    site_close(&site);
}

/* 32,000 reuses of one slot are told apart; two slots in turn likewise. */
#define REUSES 32000

static void reuses(size_t n_kept) {
    rm_memory_t **gone = g_new(rm_memory_t *, REUSES);
    struct site site;

    site_open(&site, 4096, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    for (size_t i = 0; i < n_kept; i++) /* the slot stays in the table */
        assert_ok(book_alloc(&site.book, 8, 0, 0));
    for (size_t i = 0; i < REUSES; i++) {
        assert_ok(book_alloc(&site.book, i % 50, 0, 0));
        gone[i] = site.book.blocks[n_kept].handle;
        if (i > 0) {
            assert_refused(gone[i - 1]);
            assert_refused(gone[i / 2]);
            assert_refused(gone[0]);
        }
        if (i + 1 < REUSES) assert_ok(book_free(&site.book, n_kept));
    }
    for (size_t i = 0; i + 1 < REUSES; i++) assert_refused(gone[i]);
    site_verify(&site);
    assert_distinct(gone, REUSES);
    g_free(gone);
    site_close(&site);
}

static void test_reuses(void) {
    reuses(0);
    reuses(1);
    reuses(5);
}

/* Slots given back with the table's shrinking, and made anew. */
static void test_slots_made_anew(void) {
    enum { SLOTS = 400, ROUNDS = 70 }; /* fewer allocations in all than REUSES */
    rm_memory_t **gone = g_new(rm_memory_t *, SLOTS * ROUNDS);
    struct site site;
    struct rng rng = test_rng();
    size_t n = 0;

    site_open(&site, 65536, RM_THREADS_NONE, RM_COMPACT_ON_DEMAND);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t slots = rng_between(&rng, 1, SLOTS);

        for (size_t i = 0; i < slots; i++) {
            assert_ok(book_alloc(&site.book, i % 60, 0, 0));
            gone[n++] = site.book.blocks[i].handle;
        }
        assert_distinct(gone, n);
        /* in order of age, the other way round, or at random */
        while (site.book.n > 0) {
            size_t i = round % 3 == 0   ? site.book.n - 1
                       : round % 3 == 1 ? 0
                                        : (size_t)rng_below(&rng, site.book.n);

            assert_ok(book_free(&site.book, i));
        }
        if (round % 4 == 0) compact_fully(site.heap, 0);
        for (size_t i = 0; i < n; i++)
            assert_status(rmlock(gone[i], &(void *){NULL}), RM_EHANDLE);
    }
    assert_refused(gone[0]);
    site_verify(&site);
    g_free(gone);
    site_close(&site);
}

/* ------------------------------------------------------------ never handed out */

static bool is_live(const struct book *book, uintptr_t value) {
    for (size_t i = 0; i < book->n; i++)
        if ((uintptr_t)book->blocks[i].handle == value) return true;
    return value == 0;
}

static void refuse_forged(const struct book *book, uintptr_t value) {
    if (!is_live(book, value)) assert_refused((rm_memory_t *)value);
}

/* Each bit turned, each pair of bits turned, some steps up and down. */
static void near_misses(const struct book *book, uintptr_t value) {
    for (unsigned bit = 0; bit < 64; bit++) {
        refuse_forged(book, value ^ (uintptr_t)1 << bit);
        for (unsigned second = 0; second < bit; second++)
            refuse_forged(book, value ^ (uintptr_t)1 << bit ^ (uintptr_t)1 << second);
        refuse_forged(book, value << bit);
        refuse_forged(book, value >> bit);
    }
    for (uintptr_t step = 1; step < 300; step++) {
        refuse_forged(book, value + step);
        refuse_forged(book, value - step);
        refuse_forged(book, value + (step << 20));
        refuse_forged(book, value - (step << 32));
    }
    refuse_forged(book, ~value);
    refuse_forged(book, 0 - value);
}

static void forged(rm_threads_t threads) {
    struct site site;
    struct rng rng = test_rng();
    static const char text[] = "no handle at all";

    site_open(&site, 20000, threads, RM_COMPACT_ON_DEMAND);
    book_shuffle(&site.book, &rng, 150, SHAPE_MIXED, 400, true);
    for (unsigned i = 0; i < 30; i++)
        near_misses(&site.book,
                    (uintptr_t)site.book.blocks[rng_below(&rng, site.book.n)].handle);
    site_verify(&site);
    for (unsigned i = 0; i < 200000; i++) {
        uintptr_t value = (uintptr_t)rng_next(&rng);

        refuse_forged(&site.book, i % 2 ? value : value >> rng_below(&rng, 64));
    }
    refuse_forged(&site.book, (uintptr_t)text);
    refuse_forged(&site.book, (uintptr_t)&site);
    refuse_forged(&site.book, (uintptr_t)site.heap);
    for (size_t i = 0; i <= site.region.size + 4096; i++)
        refuse_forged(&site.book, (uintptr_t)site.region.memory + i);
    site_close(&site);
}

static void test_forged(void) {
    /* No other heap is there, so nothing forged is right by chance. */
    assert_ok(rm_heap_destroy(rm_heap_default()));
    forged(RM_THREADS_SAFE);
    forged(RM_THREADS_NONE);
}

static void *nothing(void *context) { return context; }

/* Between threads: the handle that a slot has next, while its block rests with a thread, whatever it
   looks like by then; and those of slots that a thread has for blocks to come. */
static void test_forged_next(void) {
    pthread_t thread;
    struct site site;

    g_assert_cmpint(pthread_create(&thread, NULL, nothing, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    site_open(&site, 8 << 20, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    for (size_t size = 1; size <= 4096; size += 97) {
        uintptr_t next;

        assert_ok(book_alloc(&site.book, size, 0, 0));
        next = (uintptr_t)site.book.blocks[0].handle + ((uintptr_t)1 << 49);
        assert_ok(book_free(&site.book, 0));
        refuse_forged(&site.book, next);
        for (uintptr_t slot = 1; slot < 200; slot++)
            for (uintptr_t one = 0; one < 3; one++)
                refuse_forged(&site.book, next - (one << 49) + (slot << 18));
    }
    site_verify(&site);
    site_close(&site);
}

/* ------------------------------------------------------------- heaps that are gone */

/* The memory of a destroyed heap is the caller's: it must not be read any more. */
static void test_memory_gone(void) {
    for (unsigned i = 0; i < 20; i++) {
        struct site site;
        rm_memory_t *handles[30];

        site_open(&site, 10000, i % 2 ? RM_THREADS_NONE : RM_THREADS_SAFE,
                  RM_COMPACT_ON_DEMAND);
        for (size_t k = 0; k < 30; k++) {
            assert_ok(book_alloc(&site.book, 10 * k, 0, 0));
            handles[k] = site.book.blocks[k].handle;
        }
        assert_ok(book_lock(&site.book, 3)); /* destroyed with the rest */
        assert_ok(rm_heap_destroy(site.heap));
        guarded_forbid(&site.region);
        for (size_t k = 0; k < 30; k++) assert_refused(handles[k]);
        assert_status(rm_heap_destroy(site.heap), RM_EINVAL);
        book_finish(&site.book);
        guarded_finish(&site.region);
    }
}

/* Heaps come and go in the same place; their handles stay refused. */
static void test_heaps_reused(void) {
    enum { HEAPS = 40000, TRIES = 40 };
    rm_memory_t **handles = g_new(rm_memory_t *, HEAPS);
    rm_heap_t **heaps = g_new(rm_heap_t *, HEAPS);
    struct site site;
    struct rng rng = test_rng();

    site_open(&site, 4096, RM_THREADS_NONE, RM_COMPACT_ON_DEMAND);
    for (size_t i = 0; i < HEAPS; i++) {
        assert_ok(book_alloc(&site.book, 100, 0, 0));
        handles[i] = site.book.blocks[0].handle;
        heaps[i] = site.heap;
        if (i > 0) {
            size_t old = (size_t)rng_below(&rng, i);

            assert_refused(handles[i - 1]);
            assert_refused(handles[old]);
            assert_status(rm_heap_trim(heaps[i - 1]), RM_EINVAL);
            assert_status(rm_heap_trim(heaps[old]), RM_EINVAL);
        }
        if (i + 1 < HEAPS) site_renew(&site);
    }
    for (size_t i = 0; i + 1 < HEAPS; i++) {
        assert_status(rmlock(handles[i], &(void *){NULL}), RM_EHANDLE);
        assert_status(rm_heap_check(heaps[i], NULL), RM_EINVAL);
    }
    for (unsigned i = 0; i < TRIES; i++)
        assert_refused(handles[rng_below(&rng, HEAPS - 1)]);
    assert_distinct(handles, HEAPS);
    g_free(handles);
    g_free(heaps);
    site_close(&site);
}

/* A handle of one heap works beside those of others, and only while it lives. */
static void test_neighbours(void) {
    struct site site[8];

    for (size_t i = 0; i < 8; i++) {
        site_open(&site[i], 8192, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        for (size_t k = 0; k < 20; k++)
            assert_ok(book_alloc(&site[i].book, 50 + i, 0, 0));
    }
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < i; j++)
            for (size_t k = 0; k < 20; k++)
                for (size_t l = 0; l < 20; l++)
                    g_assert_true(site[i].book.blocks[k].handle !=
                                  site[j].book.blocks[l].handle);
    for (size_t i = 0; i < 8; i++) {
        rm_memory_t *handle = site[i].book.blocks[7].handle;

        site_close(&site[i]);
        assert_refused(handle);
        for (size_t j = i + 1; j < 8; j++) site_verify(&site[j]);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stale/freed", test_freed);
    g_test_add_func("/stale/reuses", test_reuses);
    g_test_add_func("/stale/slots-made-anew", test_slots_made_anew);
    g_test_add_func("/stale/forged", test_forged);
    g_test_add_func("/stale/memory-gone", test_memory_gone);
    g_test_add_func("/stale/heaps-reused", test_heaps_reused);
    g_test_add_func("/stale/neighbours", test_neighbours);
    g_test_add_func("/stale/forged-next",
                    test_forged_next); /* the last: there was a thread */
    return g_test_run();
}
