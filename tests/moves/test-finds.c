/* SPDX-License-Identifier: MIT */
/* RMALLOC_STRESS: what is written to where nobody may is found by the next call, and whose it was is told. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rmalloc.h>

static rm_memory_t *make(rm_heap_t *heap, size_t size) {
    rm_memory_t *handle;

    g_assert_cmpint(rm_heap_alloc(heap, &handle, size, 0, 0), ==, RM_OK);
    return handle;
}
static unsigned char *lock(rm_memory_t *handle) {
    void *at = NULL;

    g_assert_cmpint(rmlock(handle, &at), ==, RM_OK);
    return at;
}
static void unlock(rm_memory_t *handle) { g_assert_cmpint(rmunlock(handle), ==, RM_OK); }

/* Each does one thing that it must not, and then calls. */
static void after_unlock(rm_heap_t *heap, rm_memory_t *block) {
    unsigned char *at = lock(block);
    unlock(block);
    at[70] = 'x';
    make(heap, 10);
}
static void after_free(rm_heap_t *heap, rm_memory_t *block) {
    unsigned char *at = lock(block);
    unlock(block);
    at = lock(block);
    make(heap, 10);
    unlock(block);
    rmfree(block);
    at[5] = 'x';
    make(heap, 10);
}
static void long_after(rm_heap_t *heap, rm_memory_t *block) {
    unsigned char *at = lock(block);
    unlock(block);
    for (unsigned i = 0; i < 20; i++) make(heap, 10 * i);
    at[0] = 'x';
    lock(block);
}
static void behind_end(rm_heap_t *heap, rm_memory_t *block) {
    (void)heap;
    lock(block)[100] = 0;
    unlock(block);
}
static void before_begin(rm_heap_t *heap, rm_memory_t *block) {
    (void)heap;
    lock(block)[-1] ^= 1;
    unlock(block);
}
static void not_locked_any_more(rm_heap_t *heap, rm_memory_t *block) {
    unsigned char *at = lock(block);
    (void)heap;
    lock(block);
    unlock(block);
    unlock(block);
    at[99]++;
    lock(block);
}
static void at_the_end(rm_heap_t *heap, rm_memory_t *block) {
    unsigned char *at = lock(block);
    (void)heap;
    unlock(block);
    at[1] = 'x';
    exit(0);
}

static unsigned char *peek(rm_memory_t *block) {
    void *at;
    g_assert_cmpint(rmpeek(block, &at), ==, RM_OK);
    return at;
}
static void where_it_is(rm_heap_t *heap, rm_memory_t *block) {
    memset(peek(block) + 3, 'x', 40);
    make(heap, 10);
}
static void where_it_was_freed(rm_heap_t *heap, rm_memory_t *block) {
    unsigned char *at = peek(block);
    rmfree(block);
    at[5] = 'x';
    make(heap, 10);
}
static void slot_used_again(rm_heap_t *heap, rm_memory_t *block) {
    unsigned char *at = peek(block);
    rmfree(block);
    make(heap, 0);
    at[5] = 'x';
    make(heap, 10);
}
static void nobodys(rm_heap_t *heap, rm_memory_t *block) {
    rm_memory_t *aligned;
    (void)block;
    g_assert_cmpint(rm_heap_alloc(heap, &aligned, 100, 4096, 0), ==, RM_OK);
    lock(aligned)[-300] = 'x';
    make(heap, 10);
}

static const struct mistake {
    const char *name, *said;
    void (*make)(rm_heap_t *heap, rm_memory_t *block);
    const char *mode;
} mistakes[] = {
    {"after-unlock", "*to a block after its last unlock*offset   70 *", after_unlock,
     "onchange"},
    {"after-free", "*to a block after*freed*", after_free, "onchange"},
    {"long-after",
     "*rmalloc: 1 bytes*in the place of a block of 100 bytes, from where it has moved*",
     long_after, "onchange"},
    {"behind-end", "*behind the end of a block*offset   100 of the block*", behind_end,
     "onchange"},
    {"before-begin", "*before the beginning of a block*offset   -1 *", before_begin,
     "onchange"},
    {"not-locked", "*to a block after its last unlock*", not_locked_any_more, "onchange"},
    {"at-the-end", "*to a block after its last unlock*", at_the_end, "onchange"},
    {"where-it-is",
     "*40 bytes*to a block that is not locked*78 78 ...*offset   3 of the block*",
     where_it_is, "onchange"},
    {"where-it-was-freed",
     "*to a block after it was freed*offset   5 *until it was freed*bytes, freed*",
     where_it_was_freed, "onchange"},
    {"slot-used-again", "*after it was freed*bytes, freed*made at*(not known)*",
     slot_used_again, "onchange:1"},
    {"nobodys", "*to memory that is nobody's*found at*", nobodys, "onchange:1"},
    {"on-all", "*after its last unlock*RMALLOC_STRESS=onall:9*", after_unlock, "onall:9"},
};

static void test_mistake(gconstpointer data) {
    const struct mistake *mistake = data;

    if (g_test_subprocess()) {
        rm_heap_t *heap;

        g_setenv("RMALLOC_STRESS", mistake->mode, TRUE);
        g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
        mistake->make(heap, make(heap, 100));
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr(mistake->said);
    if (mistake->make != nobodys) g_test_trap_assert_stderr("*made at*");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE); /* they would find it before us */
    for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        char name[80];

        snprintf(name, sizeof name, "/moves/finds/%s", mistakes[i].name);
        g_test_add_data_func(name, &mistakes[i], test_mistake);
    }
    return g_test_run();
}
