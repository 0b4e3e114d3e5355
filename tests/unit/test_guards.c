/* SPDX-License-Identifier: MIT */
/*
 * Heaps under move-stress and with fences where the system refuses what is remembered aside: the k-th request, once or
 * from then on. They are as good as without, or cannot be made; and pages of fences that have all been used come round.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "guarded.h"
#include "inject.h"
#include "os.h"

enum { REQUESTS = 40, STEPS = 60, BLOCKS = 12, FEW_PAGES = 40 };

struct block {
    rm_memory_t *handle;
    size_t size;
    unsigned char fill;
};

static void verify(const struct block *b) {
    void *at;
    if (b->handle == NULL) return;
    g_assert_cmpint(rmlock(b->handle, &at), ==, RM_OK);
    for (size_t i = 0; i < b->size; i++)
        g_assert_cmpuint(((unsigned char *)at)[i], ==, b->fill);
    g_assert_cmpint(rmunlock(b->handle), ==, RM_OK);
}

static void fill(struct block *b, unsigned char with) {
    void *at;
    g_assert_cmpint(rmlock(b->handle, &at), ==, RM_OK);
    memset(at, with, b->size);
    b->fill = with;
    g_assert_cmpint(rmunlock(b->handle), ==, RM_OK);
}

static bool refused(rm_status_t status) {
    if (status == RM_OK) return false;
    g_assert_true(status == RM_ENOMEM || status == RM_ESYSTEM);
    return true;
}

static void step(rm_heap_t *heap, struct block *b, unsigned i) {
    size_t size = (i * 131) % 9000;
    verify(b);
    if (b->handle == NULL) {
        if (refused(rm_heap_alloc(heap, &b->handle, size, 0, 0))) return;
        b->size = size;
        fill(b, (unsigned char)i);
    } else if (i % 3 == 0) {
        g_assert_cmpint(rmfree(b->handle), ==, RM_OK);
        b->handle = NULL;
    } else if (!refused(rmrealloc(b->handle, (ssize_t)size))) {
        b->size = size;
        fill(b, (unsigned char)i);
    }
}

static void steps(rm_heap_t *heap) {
    struct block blocks[BLOCKS] = {{NULL, 0, 0}};
    for (unsigned i = 0; i < STEPS; i++) step(heap, &blocks[i * 7 % BLOCKS], i);
    inject_end();
    for (unsigned i = 0; i < STEPS; i++) step(heap, &blocks[i * 5 % BLOCKS], i);
    for (unsigned i = 0; i < BLOCKS; i++) verify(&blocks[i]);
    g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
}

/* Which guards, by the environment. */
static void set(const char *stress, const char *fence) {
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    g_setenv("RMALLOC_STRESS", stress, TRUE);
    g_setenv("RMALLOC_FENCE", fence, TRUE);
}

/* A heap that is not made has left nothing behind, and its memory is its caller's. */
static void refuse(unsigned every) {
    unsigned n_made = 0, n_refused = 0;
    const size_t bytes = (size_t)1 << 20;
    char *memory = g_malloc(bytes);
    for (unsigned k = 1; k <= REQUESTS; k++)
        for (unsigned all = 0; all < 2; all++) {
            size_t kept = inject_kept();
            rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
            rm_heap_t *heap;
            options.memory = k % 2 ? memory : NULL;
            options.size = k % 2 ? bytes : 4 * bytes;
            options.fence_every = every;
            inject_begin(&(struct fault){k, all != 0, k, REQUESTS_ALL});
            rm_status_t status = rm_heap_create(&heap, &options);
            if (status == RM_OK) {
                steps(heap);
                g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
                n_made++;
            } else {
                inject_end();
                g_assert_cmpint(status, ==, RM_ESYSTEM);
                g_assert_null(heap);
                g_assert_cmpuint(inject_kept(), ==, kept);
                n_refused++;
            }
            memset(memory, 1, bytes);
        }
    g_free(memory);
    g_test_message("%u heaps made, %u not", n_made, n_refused);
    g_assert_cmpuint(n_made, >, 0);
    g_assert_cmpuint(n_refused, >, 0);
}

static void test_stress(void) {
    set("onchange:1", "");
    refuse(0);
}
static void test_fence(void) {
    set("", "1");
    refuse(0);
}
static void test_option(void) {
    set("", "");
    refuse(2);
}
static void test_both(void) {
    set("onall:1", "2");
    refuse(0);
}

/* When all pages have been used the first ones are again, but for those that are open; where none are left blocks are
   used where they are, and so are those that would take too many. */
static void test_round(void) {
    rm_heap_t *heap;
    rm_memory_t *kept[3], *block, *large, *more[FEW_PAGES];
    set("", "1");
    g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
    struct fence *f = &guard_of(heap)->fence;
    uint32_t pages = f->n_pages;
    f->n_pages = FEW_PAGES;
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpint(rm_heap_alloc(heap, &kept[i], 100, 0, 0), ==, RM_OK);
        memset(lock(kept[i]), (int)i, 100);
    }
    g_assert_cmpint(rm_heap_alloc(heap, &block, 6000, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(heap, &large, 100000, 0, 0), ==, RM_OK);
    for (unsigned i = 0; i < 10 * FEW_PAGES; i++) {
        memset(lock(block), (int)i, 6000);
        g_assert_cmpint(rmunlock(block), ==, RM_OK);
    }
    g_assert_cmpuint(f->n_fenced, ==, 10 * FEW_PAGES + 3);
    g_assert_cmpuint(f->n_slots, <, f->most / 2); /* memory for some, not for all */
    lock(large);
    g_assert_cmpuint(f->n_fenced, ==, 10 * FEW_PAGES + 3);
    g_assert_cmpint(rmunlock(large), ==, RM_OK);
    for (unsigned i = 0; i < FEW_PAGES; i++) {
        g_assert_cmpint(rm_heap_alloc(heap, &more[i], 100, 0, 0), ==, RM_OK);
        memset(lock(more[i]), (int)i, 100);
    }
    g_assert_cmpuint(f->n_fenced, <, 11 * FEW_PAGES + 3);
    for (unsigned i = 0; i < FEW_PAGES; i++) {
        g_assert_cmpuint(lock(more[i])[99], ==, i);
        g_assert_cmpint(rmunlock(more[i]), ==, RM_OK);
        g_assert_cmpint(rmunlock(more[i]), ==, RM_OK);
        g_assert_cmpint(rmfree(more[i]), ==, RM_OK);
    }
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpuint(lock(kept[i])[99], ==, i);
        g_assert_cmpint(rmunlock(kept[i]), ==, RM_OK);
        g_assert_cmpint(rmunlock(kept[i]), ==, RM_OK);
    }
    f->n_pages = pages;
    g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* Blocks that come and go are fenced all the time, in a heap however small: those that are gone are forgotten. */
static void test_sweep(void) {
    enum { TURNS = 5000 };
    static unsigned char region[2][40000];
    static const size_t sizes[] = {6000, 40000};
    set("", "1");
    for (unsigned i = 0; i < 2; i++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        rm_heap_t *heap;
        options.memory = region[i];
        options.size = sizes[i];
        g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
        struct fence *f = &guard_of(heap)->fence;
        for (unsigned turn = 0; turn < TURNS; turn++) {
            rm_memory_t *block;
            g_assert_cmpint(rm_heap_alloc(heap, &block, 10, 0, 0), ==, RM_OK);
            unsigned char *at = lock(block);
            g_assert_true(at < region[i] || at >= region[i] + sizes[i]);
            g_assert_cmpint(rmunlock(block), ==, RM_OK);
            g_assert_cmpint(rmfree(block), ==, RM_OK);
            g_assert_cmpuint(f->n_blocks, <=, f->most);
            g_assert_cmpuint(f->n_slots, <=, f->most);
            g_assert_cmpuint(f->room, <=, f->most);
        }
        g_assert_cmpuint(f->n_fenced, ==, TURNS);
        g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
    }
}

/* What was unlocked, or is freed, while somebody reads is protected by the first call after that, and no other block
   is. */
static void test_late(void) {
    rm_heap_t *heap, *other;
    rm_memory_t *late, *freed, *open;
    size_t size;
    set("", "1");
    g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_create(&other, NULL), ==, RM_OK);
    struct fence *f = &guard_of(heap)->fence;
    g_assert_cmpint(rm_heap_alloc(heap, &open, 100, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(heap, &late, 100, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(heap, &freed, 100, 0, 0), ==, RM_OK);
    memset(lock(open), 'o', 100);
    memset(lock(late), 'l', 100);
    lock(freed);
    g_assert_cmpint(rm_heap_hold(heap), ==, RM_OK);
    g_assert_cmpint(rmunlock(late), ==, RM_OK);
    g_assert_cmpint(rmunlock(freed), ==, RM_OK);
    g_assert_cmpuint(f->n_late, ==, 2);
    g_assert_cmpint(rmfree(freed), ==, RM_OK);
    g_assert_cmpuint(f->n_late, ==, 1);
    g_assert_cmpint(rmsize(late, &size), ==, RM_OK);
    g_assert_cmpuint(f->n_late, ==, 1);
    g_assert_cmpint(rm_heap_release(heap), ==, RM_OK);
    g_assert_cmpint(rmsize(late, &size), ==, RM_OK);
    g_assert_cmpuint(f->n_late, ==, 0);
    lock(open)[0] = 'O';
    g_assert_cmpuint(lock(late)[99], ==, 'l');
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(other), ==, RM_OK);
}

/* A block that is locked when it is half moved has a fence, and what has been written there is kept. */
static void test_half_moved(void) {
    enum { GAP = 300000, SIZE = 500000 };
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_budget_t budget = {1, 0};
    rm_memory_t *gap, *block;
    rm_heap_t *heap;
    set("", "1");
    options.compaction = RM_COMPACT_MANUAL;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    struct fence *f = &guard_of(heap)->fence;
    struct store *s = &f->heap->store;
    g_assert_cmpint(rm_heap_alloc(heap, &gap, GAP, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(heap, &block, SIZE, 0, 0), ==, RM_OK);
    memset(lock(block), 'b', SIZE);
    g_assert_cmpint(rmunlock(block), ==, RM_OK);
    g_assert_cmpint(rmfree(gap), ==, RM_OK);
    while (s->mover.slot == SLOT_NIL)
        g_assert_cmpint(rm_heap_compact(heap, &budget, NULL), ==, RM_OK);
    uint32_t slot = handle_slot(call_handle(block));
    g_assert_cmpuint(s->mover.slot, ==, slot);
    for (unsigned turn = 0; turn < 3; turn++) {
        unsigned char *at = lock(block);
        g_assert_cmpuint(s->mover.slot, ==, SLOT_NIL);
        g_assert_true((char *)at >= f->arena &&
                      (char *)at < f->arena + f->n_pages * os_page());
        g_assert_true(at[0] == 'b' + (int)turn && memcmp(at, at + 1, SIZE - 1) == 0);
        memset(at, 'c' + (int)turn, SIZE);
        g_assert_cmpint(rmunlock(block), ==, RM_OK);
        g_assert_cmpuint(entry_locks(table_entry(&s->table, slot)), ==, LOCKS_MANY);
    }
    g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* So seldom that there is none. */
static void test_seldom(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    set("", "");
    static const uint32_t each[] = {1000000,        INT32_MAX,      UINT32_C(1) << 31,
                                    (1u << 31) + 1, UINT32_MAX - 2, UINT32_MAX - 1,
                                    UINT32_MAX};
    for (unsigned i = 0; i < G_N_ELEMENTS(each); i++) {
        options.fence_every = each[i];
        g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
        uint32_t left = guard_of(heap)->fence.left;
        g_assert_cmpuint(left, >, 1); /* but for one chance in a million */
        if (each[i] <= INT32_MAX) g_assert_cmpuint(left, <, 2 * each[i]);
        g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
    }
}

/* A guard for ASan or memcheck, where neither is: it does no harm, and where the system refuses its memory there is
   none. */
static void test_tools(void) {
    struct settings settings;
    rm_heap_t *heap;
    set("", "");
    settings_read(&settings);
    g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
    struct access a;
    uint64_t tag;
    char *low;
    size_t bytes;
    g_assert_cmpint(call_tag(heap, &tag), ==, RM_OK);
    g_assert_true(registry_enter(tag, &a));
    registry_region(&a, &low, &bytes);
    for (unsigned k = 1, made = 0; !made; k++) {
        size_t kept = inject_kept();
        inject_begin(&(struct fault){k, false, 0, REQUESTS_ALL});
        struct guard *g = guard_create(a.heap, low, bytes, GUARD_TOOLS, &settings);
        inject_end();
        made = g != NULL;
        if (made) {
            g_assert_cmpuint(k, >, 4); /* two pieces, each reserved and committed */
            g_assert_cmpuint(g->by, ==, GUARD_TOOLS);
            guard_destroy(g);
        }
        g_assert_cmpuint(inject_kept(), ==, kept);
    }
    bytes_unseen = false;
    registry_leave(&a);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* A guard that moves all is one that can, and remembers what it has to: else there is none. */
static void test_whole(void) {
    struct settings settings = {.stress = STRESS_ON_CHANGE, .stress_seed = 1};
    rm_heap_t *heap;
    struct access a;
    uint64_t tag;
    char *low;
    size_t bytes;
    set("", "");
    g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
    g_assert_cmpint(call_tag(heap, &tag), ==, RM_OK);
    g_assert_true(registry_enter(tag, &a));
    registry_region(&a, &low, &bytes);
    bool refused = true;
    unsigned n = 0;
    for (unsigned k = 1; refused; k++) {
        size_t kept = inject_kept();
        inject_begin(&(struct fault){k, false, 0, REQUESTS_ALL});
        struct guard *g = guard_create(a.heap, low, bytes, GUARD_STRESS, &settings);
        inject_end();
        refused = injected->n_asked >= k;
        n += g == NULL;
        g_assert_true(refused || g != NULL);
        if (g != NULL) {
            g_assert_cmpuint(g->by, ==, GUARD_STRESS);
            g_assert_nonnull(g->stress);
            g_assert_true(g->stress->trail.log != NULL && g->stress->mirror.copy != NULL);
            guard_destroy(g);
        }
        g_assert_cmpuint(inject_kept(), ==, kept);
    }
    g_assert_cmpuint(n, >, 4);
    registry_leave(&a);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* A heap with fences has its public gate open, and no other that is guarded; who puts things together for it spares them
   that once. */
static void test_gate(void) {
    static const char *const stress[] = {"", "onall:1"};
    for (unsigned i = 0; i < 2; i++) {
        rm_heap_t *heap;
        uint64_t tag;
        set(stress[i], "1");
        g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
        g_assert_cmpint(call_tag(heap, &tag), ==, RM_OK);
        bool open = rm_gate_of((uint32_t)tag)->tag == registry_live(tag);
        g_assert_true(open == (i == 0));
        struct guard *g = guard_of(heap);
        guard_spare(g);
        g_assert_true(g->stress == NULL || g->stress->spared);
        g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
        g_assert_true(g->stress == NULL || !g->stress->spared);
        g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
    }
}

/* What a guard keeps for itself is damaged: the call says so, as if the heap were, and so do later ones. */
static void test_copy(void) {
    rm_heap_t *heap;
    rm_memory_t *block;
    set("onall:1", "");
    g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(heap, &block, 5000, 0, 0), ==, RM_OK);
    const struct guard *g = guard_of(heap);
    g_assert_true(g->stress->mirror.known);
    memset(g->stress->mirror.copy, 0xff, HEADER);
    for (unsigned i = 0; i < 2; i++) g_assert_cmpint(rmfree(block), ==, RM_ECORRUPT);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* Of two free spans of a size one is in the trie, and has its links sealed; what the other has there is nobody's. */
static void test_sealed(void) {
    enum { SPANS = 4, SIZE = 10000, CHILD = 16, IN_TRIE = 28 };
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_memory_t *blocks[SPANS];
    char *nodes[SPANS];
    rm_heap_t *heap;
    unsigned n = 0;
    set("", "");
    options.integrity = true;
    options.compaction = RM_COMPACT_MANUAL;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    const struct guard *g = guard_of(heap);
    for (unsigned i = 0; i < SPANS; i++) {
        g_assert_cmpint(rm_heap_alloc(heap, &blocks[i], SIZE, 0, 0), ==, RM_OK);
        nodes[i] = (char *)lock(blocks[i]) - HEADER;
        g_assert_cmpint(rmunlock(blocks[i]), ==, RM_OK);
    }
    for (unsigned i = 0; i < SPANS; i += 2) g_assert_cmpint(rmfree(blocks[i]), ==, RM_OK);
    for (unsigned i = 0; i < SPANS; i += 2) {
        bool in_trie = load32(nodes[i] + IN_TRIE) != 0;
        n += in_trie;
        for (unsigned at = CHILD; at < IN_TRIE; at++) {
            nodes[i][at] ^= 1;
            g_assert_true(seal_holds(&g->seal, g->heap) == !in_trie);
            nodes[i][at] ^= 1;
        }
    }
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

/* When the program ends each heap is looked at once more, not the first alone. */
static void test_end(void) {
    if (g_test_subprocess()) {
        rm_heap_t *first, *second;
        rm_memory_t *block;
        set("onchange:1", "");
        g_assert_cmpint(rm_heap_create(&first, NULL), ==, RM_OK);
        g_assert_cmpint(rm_heap_create(&second, NULL), ==, RM_OK);
        g_assert_cmpint(rm_heap_alloc(second, &block, 100, 0, 0), ==, RM_OK);
        unsigned char *at = lock(block);
        g_assert_cmpint(rmunlock(block), ==, RM_OK);
        at[0] ^= 1;
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*bytes*have been written*after its last unlock*");
}

/* A block that was made by one stack too many is told all the same. */
static void test_stacks(void) {
    if (g_test_subprocess()) {
        rm_heap_t *heap;
        rm_memory_t *block;
        set("onchange:1", "");
        g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
        guard_of(heap)->origins.n_stacks = ORIGIN_STACKS;
        g_assert_cmpint(rm_heap_alloc(heap, &block, 100, 0, 0), ==, RM_OK);
        unsigned char *at = lock(block);
        rmunlock(block);
        at[0] ^= 1;
        rm_heap_check(heap, NULL);
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*after its last unlock*100 bytes*made at*(not known)*");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guards/refused/stress", test_stress);
    g_test_add_func("/guards/refused/fence", test_fence);
    g_test_add_func("/guards/refused/option", test_option);
    g_test_add_func("/guards/refused/both", test_both);
    g_test_add_func("/guards/round", test_round);
    g_test_add_func("/guards/sweep", test_sweep);
    g_test_add_func("/guards/late", test_late);
    g_test_add_func("/guards/half-moved", test_half_moved);
    g_test_add_func("/guards/seldom", test_seldom);
    g_test_add_func("/guards/tools", test_tools);
    g_test_add_func("/guards/whole", test_whole);
    g_test_add_func("/guards/gate", test_gate);
    g_test_add_func("/guards/copy", test_copy);
    g_test_add_func("/guards/sealed", test_sealed);
    g_test_add_func("/guards/end", test_end);
    g_test_add_func("/guards/stacks", test_stacks);
    return g_test_run();
}
