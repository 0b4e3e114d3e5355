/* SPDX-License-Identifier: MIT */
/*
 * rmalloc_inline.h: the inline pair says and does what the functions do, whichever of the
 * two is called, in heaps of either kind, with one thread and with two.
 */
#include <rmalloc_inline.h>

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

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
    assert_status(rmpeek_inline(site.book.blocks[0].handle, NULL), RM_EINVAL);
    assert_status(rmpeek_inline(NULL, &at), RM_EHANDLE);
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

/* A table gets shorter just when a word of it is read: its page cannot be touched until then. What has been read
   is no slot's any more, and is neither changed nor followed. */
static struct {
    char *words;
    size_t page;
    struct rm_core *core;
} shorter;

static void get_shorter(int number) {
    (void)number;
    __atomic_store_n(&shorter.core->n_slots, 1, __ATOMIC_RELEASE);
    mprotect(shorter.words, shorter.page, PROT_READ | PROT_WRITE);
}

static void hide_words(void) {
    shorter.core->n_slots = 2;
    g_assert_cmpint(mprotect(shorter.words, shorter.page, PROT_NONE), ==, 0);
}

static void test_shorter(void) {
#if UINTPTR_MAX > UINT32_MAX
    struct sigaction action = {.sa_handler = get_shorter}, was;
    const uint32_t tag = 4095 << 4;
    const uint64_t unlocked = UINT64_C(77) << 49 | UINT64_C(2) << 46, slot = 1;
    rm_memory_t *handle = (rm_memory_t *)(uintptr_t)(unlocked | slot << 18 | tag);
    struct rm_gate *gate = (struct rm_gate *)(uintptr_t)rm_gate_of(tag);
    void *at = NULL;
    gint flag = 0;
    GThread *thread = g_thread_new("second", wait_until, &flag); /* the heap is shared */

    g_assert_cmpuint(gate->tag, ==, 0);
    shorter.page = (size_t)sysconf(_SC_PAGESIZE);
    shorter.words = mmap(NULL, 2 * shorter.page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(shorter.words != MAP_FAILED);
    shorter.core = (struct rm_core *)(void *)(shorter.words + shorter.page);
    rm_word_t *word = (rm_word_t *)(void *)shorter.core - 2;
    sigaction(SIGSEGV, &action, &was);
    *gate = (struct rm_gate){rm_live_of(handle), 1, shorter.core};

    *word = unlocked;
    hide_words();
    g_assert_false(rm_lock_quickly(handle, &at));
    g_assert_cmpuint(*word, ==, unlocked);
    hide_words();
    g_assert_false(rm_peek_quickly(handle, &at));
    g_assert_null(at);
    shorter.core->n_slots = 2; /* as it was: then it is a slot's */
    g_assert_true(rm_lock_quickly(handle, &at));
    g_assert_true(rm_peek_quickly(handle, &at));
    hide_words();
    g_assert_false(rm_unlock_quickly(handle));
    g_assert_cmpuint(*word, ==, unlocked + (UINT64_C(1) << 46));

    *gate = (struct rm_gate){0, 0, NULL};
    sigaction(SIGSEGV, &was, NULL);
    munmap(shorter.words, 2 * shorter.page);
    g_atomic_int_set(&flag, 1);
    g_thread_join(thread);
#else
    g_test_skip("a handle is put together otherwise here");
#endif
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/inline/blocks", test_blocks);
    g_test_add_func("/inline/bad-handles", test_bad_handles);
    g_test_add_func("/inline/threads", test_threads);
    g_test_add_func("/inline/shorter", test_shorter);
    return g_test_run();
}
