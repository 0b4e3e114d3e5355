/* SPDX-License-Identifier: MIT */
/*
 * "Handles": sizes from 0 up, zeros, alignment at every lock, nested locks, a
 * locked block that stays, what is said of a block, free.
 */
#include <string.h>

#include "util.h"

#define MANY ((size_t)4 << 20)

/* ------------------------------------------------------------------- size 0 */

static void test_size_zero(void) {
    struct site site;
    void *pointer;

    site_open(&site, 65536, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    for (size_t i = 0; i < 300; i++) {
        assert_ok(book_alloc(&site.book, 0, i % 2 ? 0 : (size_t)1 << i % 13, i % 4));
        for (size_t j = 0; j < i; j++)
            g_assert_true(site.book.blocks[i].handle != site.book.blocks[j].handle);
    }
    for (size_t i = 0; i < 300; i++) {
        pointer = NULL;
        assert_ok(rmlock(site.book.blocks[i].handle, &pointer));
        g_assert_nonnull(pointer);
        assert_ok(rmunlock(site.book.blocks[i].handle));
    }
    site_close(&site);
}

static void test_default_functions(void) {
    rm_memory_t *one = NULL, *none = NULL, *zeros = NULL;
    rm_heap_t *heap = NULL;
    size_t size = 1;
    void *at;

    assert_ok(rmalloc(&one, 1000));
    assert_ok(rmalloc(&none, 0));
    assert_ok(rmcalloc(&zeros, 0, 100));
    g_assert_true(one != none && none != zeros && one != zeros);
    assert_ok(rmheap(one, &heap));
    g_assert_true(heap == rm_heap_default()); /* rmalloc uses the default heap */
    assert_ok(rmheap(zeros, &heap));
    g_assert_true(heap == rm_heap_default());
    assert_ok(rmsize(zeros, &size));
    g_assert_cmpuint(size, ==, 0);
    assert_ok(rmlock(zeros, &at));
    g_assert_nonnull(at);
    assert_ok(rmunlock(zeros));
    assert_ok(rmfree(one));
    assert_ok(rmfree(none));
    assert_ok(rmfree(zeros));
    assert_ok(rmcalloc(&zeros, 0, SSIZE_MAX)); /* 0, no overflow */
    assert_ok(rmfree(zeros));
    assert_ok(rmcalloc(&zeros, SSIZE_MAX, 0));
    assert_ok(rmfree(zeros));
}

static void assert_zero(rm_memory_t *handle, size_t size) {
    void *at = NULL;
    size_t said = 1;

    assert_ok(rmsize(handle, &said));
    g_assert_cmpuint(said, ==, size);
    assert_ok(rmlock(handle, &at));
    for (size_t i = 0; i < size; i++) g_assert_cmpuint(((unsigned char *)at)[i], ==, 0);
    memset(at, 0x77, size); /* dirt for those to come */
    assert_ok(rmunlock(handle));
}

static void test_zeros(void) {
    for (unsigned round = 0; round < 3; round++) {
        rm_memory_t *handles[400];

        for (ssize_t i = 0; i < 400; i++) {
            assert_ok(rmcalloc(&handles[i], i % 20 + 1, i));
            assert_zero(handles[i], (size_t)((i % 20 + 1) * i));
        }
        for (size_t i = 0; i < 400; i++) assert_ok(rmfree(handles[i]));
        assert_ok(rmcalloc(&handles[0], 1000, 1000));
        assert_zero(handles[0], 1000000);
        assert_ok(rmfree(handles[0]));
    }
    assert_sound(heap_fault(NULL));
}

/* ---------------------------------------------------------------- alignment */

/* Every size up to 2048, with gaps, moved again and again. */
static void alignment(rm_compaction_t compaction) {
    struct site site;
    struct rng rng = test_rng();

    site_open(&site, MANY, RM_THREADS_NONE, compaction);
    for (size_t size = 0; size <= 2048; size++) {
        assert_ok(book_alloc(&site.book, size, 0, 0));
        if (rng_chance(&rng, 40)) {
            assert_ok(book_alloc(&site.book, rng_between(&rng, 0, 300), 0, 0));
            assert_ok(book_alloc(&site.book, 0, 0, 0));
            assert_ok(book_free(&site.book, site.book.n - 2));
        }
    }
    site_verify(&site);
    while (site.book.n > 50) {
        compact_fully(site.heap, 0);
        site_verify(&site);
        for (size_t drop = site.book.n / 8 + 1; drop > 0; drop--)
            assert_ok(book_free(&site.book, (size_t)rng_below(&rng, site.book.n)));
    }
    site_close(&site);
}

static void test_alignment(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++)
        alignment(c);
}

/* -------------------------------------------------------------------- locks */

static void test_locks(void) {
    struct site site;
    rm_memory_t *handle;
    void *first = NULL, *next;
    unsigned locks = 1;

    g_assert_cmpuint(RM_LOCKS_MAX, >=, 1000);
    site_open(&site, 8192, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    assert_ok(book_alloc(&site.book, 100, 0, 0));
    handle = site.book.blocks[0].handle;
    for (unsigned round = 0; round < 3; round++) {
        assert_ok(rmlocks(handle, &locks));
        g_assert_cmpuint(locks, ==, 0);
        assert_status(rmunlock(handle), RM_EUNLOCKED);
        for (unsigned i = 0; i < RM_LOCKS_MAX; i++) {
            next = NULL;
            assert_ok(rmlock(handle, &next));
            if (i == 0) first = next;
            g_assert_true(next == first);
            assert_ok(rmlocks(handle, &locks));
            g_assert_cmpuint(locks, ==, i + 1);
        }
        next = &site;
        for (unsigned i = 0; i < 3; i++) {
            assert_status(rmlock(handle, &next), RM_EOVERFLOW);
            g_assert_true(next == &site); /* left alone on error */
        }
        assert_ok(rmlocks(handle, &locks));
        g_assert_cmpuint(locks, ==, RM_LOCKS_MAX);
        for (unsigned i = RM_LOCKS_MAX; i > 0; i--) {
            assert_status(rmfree(handle), RM_ELOCKED);
            assert_ok(rmunlock(handle));
        }
        assert_status(rmunlock(handle), RM_EUNLOCKED);
        assert_sound(heap_fault(site.heap));
    }
    site_close(&site);
}

/* While a block's count is above zero it does not move, whatever is done. */
static void locked_stays(rm_compaction_t compaction, rm_threads_t threads) {
    struct site site;
    struct rng rng = test_rng();
    size_t n_locked = 0;

    site_open(&site, 100000, threads, compaction);
    for (unsigned round = 0; round < 60; round++) {
        book_shuffle(&site.book, &rng, 50, SHAPE_MIXED, 4000, true);
        n_locked += site.book.n_locked;
        compact_fully(site.heap, 0);
        assert_sound(book_verify(&site.book));
    }
    g_assert_cmpuint(n_locked, >, 60);
    g_assert_cmpuint(moved_so_far(site.heap), >, 0);
    site_close(&site);
}

static void test_locked_stays(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        locked_stays(c, RM_THREADS_SAFE);
        locked_stays(c, RM_THREADS_NONE);
    }
}

/* A nested lock holds the block after the first unlock. */
static void test_last_unlock(void) {
    struct site site;
    unsigned char *at;

    site_open(&site, 30000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    assert_ok(book_alloc(&site.book, 4000, 0, 0));
    assert_ok(book_alloc(&site.book, 4000, 0, 0));
    assert_ok(book_lock(&site.book, 1));
    assert_ok(book_lock(&site.book, 1));
    at = site.book.blocks[1].locked_at;
    assert_ok(book_free(&site.book, 0)); /* the locked one is 0 now, a gap below it */
    assert_ok(book_unlock(&site.book, 0));
    compact_fully(site.heap, 0);
    g_assert_true(book_address(&site.book, 0) == at);
    assert_ok(book_unlock(&site.book, 0));
    compact_fully(site.heap, 0);
    g_assert_true(book_address(&site.book, 0) < at);
    site_close(&site);
}

/* ------------------------------------------------------ what is said; freeing */

static void test_said(void) {
    struct site site[2];
    rm_heap_t *heap;
    size_t size;

    for (unsigned i = 0; i < 2; i++) {
        site_open(&site[i], MANY, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        for (size_t s = 0; s <= 2048; s++) assert_ok(book_alloc(&site[i].book, s, 0, 0));
    }
    for (unsigned i = 0; i < 2; i++)
        for (size_t s = 0; s <= 2048; s++) {
            assert_ok(rmsize(site[i].book.blocks[s].handle, &size));
            g_assert_cmpuint(size, ==, s); /* as asked for, not as rounded */
            assert_ok(rmheap(site[i].book.blocks[s].handle, &heap));
            g_assert_true(heap == site[i].heap);
        }
    for (unsigned i = 0; i < 2; i++) site_close(&site[i]);
}

static void test_free(void) {
    struct site site;
    struct rng rng = test_rng();
    size_t moved;

    site_open(&site, 50000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    assert_ok(rmfree(NULL));
    for (unsigned round = 0; round < 20; round++) {
        book_shuffle(&site.book, &rng, 100, SHAPE_MIXED, 3000, true);
        for (size_t i = 0; i < site.book.n; i++)
            if (site.book.blocks[i].locks > 0)
                assert_status(book_free(&site.book, i), RM_ELOCKED);
        site_verify(&site);
        moved = moved_so_far(site.heap);
        book_unlock_all(&site.book);
        while (site.book.n > 0) {
            rm_memory_t *handle = site.book.blocks[site.book.n / 2].handle;

            assert_ok(book_free(&site.book, site.book.n / 2));
            assert_status(rmfree(handle), RM_EHANDLE);
        }
        site_verify(&site);
        g_assert_cmpuint(moved_so_far(site.heap), ==, moved); /* unlock, free: none */
        site_renew(&site);
    }
    site_close(&site);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/blocks/size-zero", test_size_zero);
    g_test_add_func("/blocks/default-functions", test_default_functions);
    g_test_add_func("/blocks/zeros", test_zeros);
    g_test_add_func("/blocks/alignment", test_alignment);
    g_test_add_func("/blocks/locks", test_locks);
    g_test_add_func("/blocks/locked-stays", test_locked_stays);
    g_test_add_func("/blocks/last-unlock", test_last_unlock);
    g_test_add_func("/blocks/said", test_said);
    g_test_add_func("/blocks/free", test_free);
    return g_test_run();
}
