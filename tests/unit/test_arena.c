/* SPDX-License-Identifier: MIT */
/*
 * Fences of blocks in states that are seldom met: with a handle whose slot is gone, locked by others when they are to be
 * fenced, locked again while somebody reads; and of several heaps. (test_fenced has the others.)
 */
#include <stdlib.h>

#include "fenced.h"
#include "many.h"

enum { SIZE = 100 };

static void unlock(rm_memory_t *block) { g_assert_cmpint(rmunlock(block), ==, RM_OK); }
static unsigned locks_of(const struct site *site, rm_memory_t *block) {
    return entry_locks(entry_of(site, block));
}

/* A block without a fence is used where it is, though it has had as many locks as those with one are said to have. */
static void test_without(void) {
    struct site site = make_site(1, false);
    rm_memory_t *fenced = make(&site, SIZE);
    site.f->left = 1000;
    rm_memory_t *without = make(&site, SIZE);
    for (unsigned round = 0; round < 2; round++) {
        g_assert_true(in_arena(&site, lock(fenced)));
        for (unsigned i = 0; i <= LOCKS_FEW; i++)
            g_assert_false(in_arena(&site, lock(without)));
        g_assert_cmpuint(locks_of(&site, without), ==, LOCKS_MANY);
        for (unsigned i = 0; i <= LOCKS_FEW; i++) unlock(without);
        unlock(fenced);
    }
    g_assert_cmpuint(locks_of(&site, without), ==, LOCKS_MANY);
    end_site(&site);
}

/* One that is like any other just now, and has been locked so often: by the one who asks alone it is fenced, and hidden
   again; where others are at it it is used where it is. */
static void test_others(void) {
    for (unsigned locks = 1; locks <= LOCKS_FEW; locks++) {
        struct site site = make_site(1, false);
        rm_memory_t *block = make(&site, SIZE);
        uint64_t few = many_end(site.s, slot_of(block));
        g_assert_cmpuint(entry_locks(few), ==, LOCKS_NONE);
        table_set(&site.s->table, slot_of(block),
                  entry_with_locks(few, LOCKS_NONE + locks));
        struct heap_block b = heap_look(site.h, slot_of(block));
        g_assert_cmpuint(b.locks, ==, locks);
        fence_locked(site.f, &b);
        bool fenced = locks == 1;
        g_assert_cmpuint(site.f->slots[b.slot].range != 0, ==, fenced);
        g_assert_cmpuint(fence_pointer(site.f, &b) != NULL, ==, fenced);
        g_assert_cmpuint(locks_of(&site, block), ==,
                         fenced ? LOCKS_MANY : LOCKS_NONE + locks);
        g_assert_true(site.f->bared);
        for (unsigned i = 0; i < locks; i++) unlock(block);
        end_site(&site);
    }
}

/* One that is hidden is no reason to look for others that are not. */
static void test_hidden(void) {
    struct site site = make_site(1, false);
    rm_memory_t *block = make(&site, SIZE);
    uint64_t e = entry_of(&site, block);
    g_assert_cmpuint(entry_locks(e), ==, LOCKS_MANY);
    table_set(&site.s->table, slot_of(block), entry_with_many(e, 1));
    struct heap_block b = heap_look(site.h, slot_of(block));
    fence_locked(site.f, &b);
    g_assert_cmpuint(site.f->slots[b.slot].range, !=, 0);
    g_assert_false(site.f->bared);
    unlock(block);
    end_site(&site);
}

/* What was unlocked while somebody read, and is locked again, is not protected when he has read. */
static void test_again(void) {
    struct site site = make_site(1, false);
    rm_memory_t *block = make(&site, SIZE);
    unsigned char *at = lock(block);
    g_assert_cmpint(rm_heap_hold(site.heap), ==, RM_OK);
    unlock(block);
    g_assert_cmpuint(site.f->n_late, ==, 1);
    g_assert_true(lock(block) == at);
    g_assert_cmpuint(site.f->n_late, ==, 0);
    g_assert_cmpint(rm_heap_release(site.heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK);
    uint32_t range = site.f->slots[slot_of(block)].range;
    g_assert_cmpuint(range, !=, 0);
    g_assert_true(site.f->ranges[range].open);
    memset(at, 1, SIZE);
    unlock(block);
    g_assert_cmpuint(lock(block)[SIZE - 1], ==, 1);
    unlock(block);
    end_site(&site);
}

/* Handles whose slots are no more in the table, its pages given back, are those of no blocks. */
static void test_gone(void) {
    enum { MANY = 3000, SWEEP = 1000 };
    struct site site = make_site(1, false);
    rm_memory_t *blocks[MANY];
    for (unsigned i = 0; i < MANY; i++) blocks[i] = make(&site, 1);
    for (unsigned i = 0; i < MANY; i++) g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK);
    g_assert_cmpuint(site.s->table.n_slots, <, MANY / 2);
    g_assert_cmpuint(site.f->n_blocks, >=, SWEEP);
    site.s->bared = true; /* as by a move */
    g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_OK);
    g_assert_cmpuint(site.f->n_blocks, ==, 0);
    g_assert_false(site.f->bared);
    end_site(&site);
}

/* Of three heaps one goes: the fences of the others are known still. */
static void test_several(gconstpointer which) {
    if (g_test_subprocess()) {
        unsigned gone = GPOINTER_TO_UINT(which) / 3,
                 touched = GPOINTER_TO_UINT(which) % 3;
        struct site sites[3];
        g_setenv("RMALLOC_FENCE", "1", TRUE);
        for (unsigned i = 0; i < 3; i++) sites[i] = make_site(1, false);
        end_site(&sites[gone]);
        rm_memory_t *block = make(&sites[touched], SIZE);
        volatile unsigned char *at = lock(block);
        unlock(block);
        (void)*at;
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*rmalloc: a fence stopped an access at 0x*, offset 0 of*");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    g_test_add_func("/arena/without", test_without);
    g_test_add_func("/arena/others", test_others);
    g_test_add_func("/arena/hidden", test_hidden);
    g_test_add_func("/arena/again", test_again);
    g_test_add_func("/arena/gone", test_gone);
    g_test_add_data_func("/arena/several/oldest", GUINT_TO_POINTER(0 * 3 + 2),
                         test_several);
    g_test_add_data_func("/arena/several/middle", GUINT_TO_POINTER(1 * 3 + 2),
                         test_several);
    g_test_add_data_func("/arena/several/newest", GUINT_TO_POINTER(2 * 3 + 0),
                         test_several);
    return g_test_run();
}
