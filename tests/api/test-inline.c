/* SPDX-License-Identifier: MIT */
/*
 * rmalloc_inline.h: the inline pair says and does what the functions do, whichever of the
 * two is called, in heaps of either kind, with one thread and with two.
 */
#include <rmalloc_inline.h>

#include "util.h"

/* Any mixture of the two pairs counts the same locks. */
static rm_status_t lock(struct rng *rng, rm_memory_t *block, void **at) {
    return rng_chance(rng, 50) ? rmlock_inline(block, at) : rmlock(block, at);
}

static rm_status_t unlock(struct rng *rng, rm_memory_t *block) {
    return rng_chance(rng, 50) ? rmunlock_inline(block) : rmunlock(block);
}

static void one_block(rm_heap_t *heap, struct rng *rng, size_t size) {
    rm_memory_t *block;
    void *first, *at = NULL;
    unsigned count = 0, told;
    size_t told_size;

    assert_ok(rm_heap_alloc(heap, &block, size, 0, 0));
    assert_ok(rmlock(block, &first));
    assert_ok(rmunlock(block));
    for (unsigned step = 0; step < 300; step++) {
        if (rng_chance(rng, step < 150 ? 60 : 40)) {
            assert_ok(lock(rng, block, &at));
            g_assert_true(at == first);
            count++;
        } else if (count > 0) {
            assert_ok(unlock(rng, block));
            count--;
        } else {
            assert_status(unlock(rng, block), RM_EUNLOCKED);
        }
        assert_ok(rmlocks(block, &told));
        g_assert_cmpuint(told, ==, count);
        assert_ok(rmsize(block, &told_size));
        g_assert_cmpuint(told_size, ==, size);
        if (count > 0) assert_status(rmfree(block), RM_ELOCKED);
    }
    assert_sound(heap_fault(heap));
    while (count < RM_LOCKS_MAX) {
        assert_ok(lock(rng, block, &at));
        count++;
    }
    assert_status(rmlock_inline(block, &at), RM_EOVERFLOW);
    while (count-- > 0) assert_ok(unlock(rng, block));
    assert_status(rmunlock_inline(block), RM_EUNLOCKED);
    assert_ok(rmfree(block));
    assert_status(rmlock_inline(block, &at), RM_EHANDLE);
    assert_status(rmunlock_inline(block), RM_EHANDLE);
}

static void blocks(rm_threads_t threads) {
    struct site site;
    struct rng rng = test_rng();

    site_open(&site, 200000, threads, RM_COMPACT_ON_DEMAND);
    for (unsigned round = 0; round < 40; round++)
        one_block(site.heap, &rng, rng_size(&rng, SHAPE_MIXED, 4000));
    site_close(&site);
}

static void test_blocks(void) {
    blocks(RM_THREADS_SAFE);
    blocks(RM_THREADS_NONE);
}

static void test_bad_handles(void) {
    struct rng rng = test_rng();
    struct site site;
    void *at;

    site_open(&site, 100000, RM_THREADS_NONE, RM_COMPACT_ON_DEMAND);
    book_fill(&site.book, &rng, SHAPE_MIXED, 1000);
    assert_status(rmlock_inline(NULL, &at), RM_EHANDLE);
    assert_status(rmunlock_inline(NULL), RM_EHANDLE);
    assert_status(rmlock_inline(site.book.blocks[0].handle, NULL), RM_EINVAL);
    for (unsigned n = 0; n < 200000; n++) { /* none of them names a block, or all agree */
        uint64_t bits = (uint64_t)(uintptr_t)site.book.blocks[0].handle;
        bits ^= UINT64_C(1) << rng_below(&rng, 64) | UINT64_C(1) << rng_below(&rng, 64);
        rm_memory_t *forged = (rm_memory_t *)(uintptr_t)bits;
        unsigned count;
        rm_status_t wanted = rmlocks(forged, &count);

        assert_status(rmlock_inline(forged, &at), wanted);
        if (wanted == RM_OK) assert_ok(rmunlock_inline(forged));
    }
    site_close(&site);
}

static gpointer wait_until(gpointer flag) {
    while (!g_atomic_int_get((gint *)flag)) g_thread_yield();
    return NULL;
}

/* While there is a second thread, a shared heap's locks go through the functions. */
static void test_threads(void) {
    gint flag = 0;
    GThread *thread = g_thread_new("second", wait_until, &flag);

    blocks(RM_THREADS_SAFE);
    blocks(RM_THREADS_NONE);
    g_atomic_int_set(&flag, 1);
    g_thread_join(thread);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inline/blocks", test_blocks);
    g_test_add_func("/inline/bad-handles", test_bad_handles);
    g_test_add_func("/inline/threads", test_threads);
    return g_test_run();
}
