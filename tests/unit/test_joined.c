/* SPDX-License-Identifier: MIT */
/*
 * A heap that memcheck is told of (memcheck.h) and that something else guards too: each of them has its turn. And what
 * memcheck has to know of a block that is read without a lock, or was half moved before somebody reads.
 */
#include <glib.h>

#include "guarded.h"
#include "memcheck.h"

enum { REGION = 1 << 20 };

static rm_heap_t *open_heap(const char *tools, const char *stress, bool integrity) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    g_setenv("RMALLOC_TOOLS", tools, TRUE);
    g_setenv("RMALLOC_STRESS", stress, TRUE);
    memcheck_reset();
    options.memory = memcheck_memory;
    options.size = REGION;
    options.threads = RM_THREADS_NONE;
    options.compaction = RM_COMPACT_MANUAL;
    options.integrity = integrity;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    return heap;
}

static rm_memory_t *make(rm_heap_t *heap, size_t size) {
    rm_memory_t *block;
    g_assert_cmpint(rm_heap_alloc(heap, &block, size, 0, RM_ZERO), ==, RM_OK);
    return block;
}

static struct heap_block look(const struct guard *g, rm_memory_t *block) {
    return heap_look(g->heap, handle_slot(call_handle(block)));
}
static const struct note *note_of(const struct guard *g, rm_memory_t *block) {
    return notes_of(&g->notes, handle_slot(call_handle(block)));
}

static bool is_hidden(const char *from, size_t bytes) {
    bool hidden = memcheck_hidden[from - memcheck_memory];
    for (size_t i = 0; i < bytes; i++)
        g_assert_true(memcheck_hidden[from - memcheck_memory + (ptrdiff_t)i] == hidden);
    return hidden;
}

/* Whoever does not want it has it not, though memcheck is there. */
static void test_unwanted(void) {
    rm_heap_t *heap = open_heap("no", "", false);
    uint64_t tag;
    g_assert_cmpint(call_tag(heap, &tag), ==, RM_OK);
    g_assert_null(registry_sign.places[registry_place(tag)].guard);
    make(heap, 100);
    g_assert_cmpuint(memcheck_n_names, ==, 0);
    is_hidden(memcheck_memory, REGION);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* Blocks have names, and these follow them, where all that can move does. */
static void test_stress(void) {
    enum { BLOCKS = 20, SIZE = 300 };
    rm_heap_t *heap = open_heap("yes", "onchange:1", false);
    rm_memory_t *blocks[BLOCKS];
    const struct guard *g = guard_of(heap);
    g_assert_cmpuint(g->by, ==, GUARD_TOOLS | GUARD_STRESS);
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = make(heap, SIZE);
        g_assert_cmpint(note_of(g, blocks[i])->state, ==, NOTE_LIVE);
    }
    g_assert_cmpuint(memcheck_n_names, ==, BLOCKS);
    for (unsigned i = 0; i < BLOCKS; i++) {
        const struct memcheck_name *name = memcheck_name_at(look(g, blocks[i]).address);
        g_assert_true(name != NULL && name->bytes == SIZE);
        g_assert_true(is_hidden(name->at, SIZE));
    }
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* After each call it is sealed as it is. */
static void test_sealed(void) {
    rm_heap_t *heap = open_heap("yes", "", true);
    const struct guard *g = guard_of(heap);
    g_assert_cmpuint(g->by, ==, GUARD_TOOLS | GUARD_INTEGRITY);
    for (unsigned i = 0; i < 10; i++) {
        rm_memory_t *block = make(heap, i * 100);
        g_assert_true(seal_holds(&g->seal, g->heap));
        unsigned char *at = lock(block);
        g_assert_true(seal_holds(&g->seal, g->heap));
        if (i > 0) g_assert_false(is_hidden((char *)at, i * 100));
        g_assert_cmpint(rmunlock(block), ==, RM_OK);
        g_assert_cmpint(rmrealloc(block, 5000), ==, RM_OK);
        g_assert_true(seal_holds(&g->seal, g->heap));
        if (i % 2) g_assert_cmpint(rmfree(block), ==, RM_OK);
    }
    g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* Who has read a block without a lock has had its address. */
static void test_peeked(void) {
    rm_heap_t *heap = open_heap("yes", "", false);
    const struct guard *g = guard_of(heap);
    rm_memory_t *block = make(heap, 100);
    void *at;
    g_assert_null(note_of(g, block)->given);
    g_assert_cmpint(rm_heap_hold(heap), ==, RM_OK);
    g_assert_cmpint(rmpeek(block, &at), ==, RM_OK);
    g_assert_false(is_hidden(at, 100));
    g_assert_cmpint(rm_heap_release(heap), ==, RM_OK);
    g_assert_true(is_hidden(at, 100));
    const struct note *had = notes_who_had(&g->notes, (char *)at + 99, UINT64_MAX);
    g_assert_true(had == note_of(g, block) && had->given == at);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* A block stays half moved until somebody is about to read: then it is all there, and all is shown. */
static void test_half_moved(void) {
    enum { GAP = 300000, SIZE = 500000, CALLS = 100 };
    rm_budget_t budget = {1, 0};
    rm_heap_t *heap = open_heap("yes", "", false);
    const struct guard *g = guard_of(heap);
    const struct mover *mover = &g->heap->store.mover;
    rm_memory_t *gap = make(heap, GAP), *block = make(heap, SIZE);
    memset(lock(block), 'b', SIZE);
    g_assert_cmpint(rmunlock(block), ==, RM_OK);
    g_assert_cmpint(rmfree(gap), ==, RM_OK);
    for (unsigned i = 0; i < CALLS && mover->slot == SLOT_NIL; i++)
        g_assert_cmpint(rm_heap_compact(heap, &budget, NULL), ==, RM_OK);
    g_assert_cmpuint(mover->slot, ==, handle_slot(call_handle(block)));
    g_assert_cmpint(rm_heap_hold(heap), ==, RM_OK);
    g_assert_cmpuint(mover->slot, ==, SLOT_NIL);
    const char *at = look(g, block).address;
    g_assert_false(is_hidden(at, SIZE));
    g_assert_true(at[0] == 'b' && memcmp(at, at + 1, SIZE - 1) == 0);
    g_assert_cmpint(rm_heap_release(heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/joined/unwanted", test_unwanted);
    g_test_add_func("/joined/stress", test_stress);
    g_test_add_func("/joined/sealed", test_sealed);
    g_test_add_func("/joined/peeked", test_peeked);
    g_test_add_func("/joined/half-moved", test_half_moved);
    return g_test_run();
}
