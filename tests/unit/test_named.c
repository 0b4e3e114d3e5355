/* SPDX-License-Identifier: MIT */
/*
 * What memcheck is told of heaps. Its functions are here (memcheck.h). After each call just those bytes are shown that
 * the program may touch, their undefined bits are as the program has left them, each block has its name where it
 * lies now, and what has been a block is known by what it was.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guarded.h"
#include "inject.h"
#include "memcheck.h"

enum { REGION = 1 << 16, BLOCKS = 150, STEPS = 4000, SAID = 512 };

struct block {
    rm_memory_t *handle;
    size_t size;
    unsigned locks;
    unsigned char *bits; /* that are not defined, by bytes */
    const char *given;   /* where it was locked the last time */
    size_t given_size;
};

static struct {
    rm_heap_t *heap;
    struct guard *g;
    struct block *blocks;
    unsigned n;
    bool held;
    size_t bytes;
    struct {
        const char *low, *end;
        char what[256];
    } said[SAID]; /* a ring; 0: dropped */
    unsigned n_said;
} now;

static void open_heap(size_t bytes, unsigned n) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    memset(&now, 0, sizeof now);
    memcheck_reset();
    now.blocks = g_new0(struct block, n);
    now.n = n;
    now.bytes = bytes;
    options.memory = memcheck_memory;
    options.size = bytes;
    options.threads = RM_THREADS_NONE;
    g_assert_cmpint(rm_heap_create(&now.heap, &options), ==, RM_OK);
    now.g = guard_of(now.heap);
    g_assert_cmpuint(now.g->by, ==, GUARD_TOOLS);
}

static uint32_t slot_of(const struct block *b) {
    return handle_slot(call_handle(b->handle));
}
static struct heap_block look(const struct block *b) {
    struct heap_block is = heap_look(now.g->heap, slot_of(b));
    g_assert_cmpuint(is.size, ==, b->size);
    g_assert_cmpuint(is.locks, ==, b->locks);
    return is;
}
static bool is_noted(const struct block *b) {
    const struct note *note = notes_of(&now.g->notes, slot_of(b));
    return note != NULL && note->state == NOTE_LIVE;
}
static bool is_shown(const struct block *b) { return b->locks > 0 || now.held; }

static void close_heap(void) {
    g_assert_cmpint(rm_heap_destroy(now.heap), ==, RM_OK);
    for (size_t i = 0; i < MEMCHECK_BYTES; i++) g_assert_false(memcheck_hidden[i]);
    g_assert_cmpuint(memcheck_n_names, ==, 0);
    g_assert_cmpuint(memcheck_n_pools, ==, 0);
    g_assert_cmpuint(memcheck_n_said, ==, 0);
    g_assert_cmpint(memcheck_depth, ==, 0);
    for (unsigned i = 0; i < now.n; i++) g_free(now.blocks[i].bits);
    g_free(now.blocks);
}

/* --- what was said --- */

/* Returns the last that was there, SAID: none was. */
static unsigned drop_said(const char *low, const char *end) {
    unsigned dropped = SAID;
    for (unsigned i = 0; i < SAID; i++) {
        if (now.said[i].low >= end || now.said[i].end <= low) continue;
        now.said[i].low = now.said[i].end = NULL;
        dropped = i;
    }
    return dropped;
}

static void say(const struct block *b, rm_memory_t *handle, const char *is) {
    const char *end = b->given + b->given_size;
    if (b->given == NULL || b->given_size == 0) return;
    unsigned i = drop_said(b->given, end);
    if (i == SAID) i = now.n_said++ % SAID;
    now.said[i].low = b->given;
    now.said[i].end = end;
    g_snprintf(now.said[i].what, sizeof now.said[i].what,
               "block that is %s (handle 0x%" PRIx64 ", allocated at %s)", is,
               call_handle(handle), memcheck_place);
}

static void compare_said(void) {
    unsigned n = 0;
    for (unsigned i = 0; i < SAID; i++) {
        if (now.said[i].low == NULL) continue;
        const struct memcheck_said *is =
            memcheck_said_of(now.said[i].low, now.said[i].end);
        g_assert_nonnull(is);
        g_assert_cmpstr(is->what, ==, now.said[i].what);
        n++;
    }
    g_assert_cmpuint(memcheck_n_said, ==, n);
}

/* --- what is so after each call --- */

/* The blocks of 64 slots have a pool, and no others are in it. */
static void compare_names(void) {
    const void *pools[64] = {NULL};
    unsigned n = 0;
    for (unsigned i = 0; i < now.n; i++) {
        const struct block *b = &now.blocks[i];
        if (b->handle == NULL || !is_noted(b)) continue;
        const struct memcheck_name *name = memcheck_name_at(look(b).address);
        unsigned group = slot_of(b) / 64;
        g_assert_nonnull(name);
        g_assert_cmpuint(name->bytes, ==, b->size);
        g_assert_cmpuint(group, <, 64);
        if (pools[group] == NULL) pools[group] = name->pool;
        g_assert_true(pools[group] == name->pool);
        n++;
    }
    g_assert_cmpuint(memcheck_n_names, ==, n);
    for (unsigned i = 0; i < 64; i++)
        for (unsigned j = i + 1; j < 64; j++)
            g_assert_true(pools[i] == NULL || pools[i] != pools[j]);
}

static void compare(void) {
    static bool may[MEMCHECK_BYTES];
    const struct area *a = &now.g->heap->store.area;
    size_t low = (size_t)(a->base - memcheck_memory);
    size_t end = low + units_bytes(a->limit);

    memset(may, 0, now.bytes);
    for (unsigned i = 0; i < now.n; i++) {
        const struct block *b = &now.blocks[i];
        if (b->handle == NULL || !is_shown(b)) continue;
        size_t at = (size_t)(look(b).address - memcheck_memory);
        memset(may + at, true, b->size);
        g_assert_cmpmem(memcheck_bits + at, b->size, b->bits, b->size);
    }
    for (size_t i = 0; i < now.bytes; i++)
        if ((i >= low && i < end && !may[i]) != memcheck_hidden[i])
            g_error("byte %zu of the area's %zu to %zu: %s, and it is %s", i, low, end,
                    may[i] ? "a block's" : "nobody's",
                    memcheck_hidden[i] ? "hidden" : "shown");
    compare_names();
    compare_said();
    g_assert_cmpint(memcheck_depth, ==, 0);
}

/* --- calls, and what is to come of them --- */

static void set_bits(struct block *b, size_t from, unsigned char bits) {
    b->bits = g_realloc(b->bits, b->size + 1);
    if (from < b->size) memset(b->bits + from, bits, b->size - from);
}

static void make(struct block *b, size_t size, bool zero) {
    *b = (struct block){.size = size, .bits = b->bits};
    if (rm_heap_alloc(now.heap, &b->handle, size, 0, zero ? RM_ZERO : 0) != RM_OK) {
        b->handle = NULL;
        return;
    }
    set_bits(b, 0, zero || !is_noted(b) ? 0 : 0xff);
    if (!now.held) return;
    char *at = look(b).address;
    drop_said(at, at + size);
}

static void take(struct block *b) {
    char *at = (char *)lock(b->handle);
    if (b->locks++ == 0 && !now.held) drop_said(at, at + b->size);
    b->given = at;
    b->given_size = b->size;
}

static bool all_defined(const struct block *b) {
    for (size_t i = 0; i < b->size; i++)
        if (b->bits[i] != 0) return false;
    return true;
}

/* Of what is defined there is nothing to be put aside. */
static void give(struct block *b) {
    g_assert_cmpint(rmunlock(b->handle), ==, RM_OK);
    if (--b->locks > 0) return;
    b->given_size = b->size;
    if (!now.held && is_noted(b)) {
        say(b, b->handle, "not locked");
        if (all_defined(b)) g_assert_null(notes_of(&now.g->notes, slot_of(b))->bits);
    }
    if (!is_noted(b)) set_bits(b, 0, 0);
}

static void drop(struct block *b) {
    rm_memory_t *handle = b->handle;
    bool noted = is_noted(b);
    g_assert_cmpint(rmfree(handle), ==, b->locks > 0 ? RM_ELOCKED : RM_OK);
    if (b->locks > 0) return;
    if (noted) say(b, handle, "freed");
    b->handle = NULL;
}

static void resize(struct block *b, size_t size) {
    size_t before = b->size;
    if (rmrealloc(b->handle, (ssize_t)size) != RM_OK) return;
    b->size = size;
    if (size > before) set_bits(b, before, is_noted(b) ? 0xff : 0);
}

/* Some of its bits are written, as data that is not defined in part; or all are. */
static void write_some(struct block *b) {
    char *at = look(b).address;
    if (!is_shown(b) || b->size == 0) return;
    size_t from = (size_t)g_test_rand_int_range(0, (gint32)b->size), end = b->size;
    unsigned char bits = g_test_rand_bit() ? 0 : 0x5a;
    if (g_test_rand_bit()) from = 0, bits = 0;
    if (bits != 0) end = from + 1;
    memset(b->bits + from, bits, end - from);
    memset(memcheck_bits + (at - memcheck_memory) + from, bits, end - from);
}

/* Its user hides a byte of it: of what is shown again nobody knows more than that it is there. */
static void hide_some(struct block *b) {
    if (is_shown(b) || b->size == 0) return;
    take(b);
    size_t at = (size_t)(look(b).address - memcheck_memory);
    memcheck_bits[at] = 0x10;
    memcheck_hidden[at + b->size - 1] = true;
    give(b);
    set_bits(b, 0, 0);
}

static void hold(bool begin) {
    if (begin == now.held) return;
    if (begin) {
        g_assert_cmpint(rm_heap_hold(now.heap), ==, RM_OK);
    } else {
        g_assert_cmpint(rm_heap_release(now.heap), ==, RM_OK);
    }
    now.held = begin;
    for (unsigned i = 0; i < now.n; i++) {
        struct block *b = &now.blocks[i];
        if (b->handle == NULL || b->locks > 0) continue;
        char *at = look(b).address;
        if (begin) drop_said(at, at + b->size);
        if (!is_noted(b)) set_bits(b, 0, 0);
    }
}

static bool visit(const rm_span_t *span, void *context) {
    unsigned *n = context;
    g_assert_cmpint(memcheck_depth, ==, 0);
    ++*n;
    return span->size > 0;
}

static size_t some_size(void) {
    static const int most[] = {2, 40, 40, 300, 3000, 9000};
    return (size_t)g_test_rand_int_range(0, most[g_test_rand_int_range(0, 6)]);
}

static void do_something(struct block *b) {
    if (b->handle == NULL) {
        make(b, some_size(), g_test_rand_bit());
        return;
    }
    switch (g_test_rand_int_range(0, 11)) {
    case 0:
    case 1: drop(b); break;
    case 2:
    case 3: take(b); break;
    case 4:
    case 5:
        if (b->locks > 0) give(b);
        break;
    case 6: resize(b, some_size()); break;
    case 7:
    case 8: write_some(b); break;
    case 9:
        if (g_test_rand_int_range(0, 8) == 0) hide_some(b);
        break;
    default:
        if (g_test_rand_int_range(0, 3) > 0)
            hold(g_test_rand_int_range(0, 3) == 0);
        else
            g_assert_cmpint(rm_heap_compact(now.heap, NULL, NULL), ==, RM_OK);
    }
}

static void test_told(void) {
    open_heap(REGION, BLOCKS);
    struct moves *moves = &now.g->shadow.moves;
    compare();
    for (unsigned step = 0; step < STEPS; step++) {
        if (g_test_rand_int_range(0, 4) == 0) /* few more are told one by one */
            moves->n = (uint32_t)g_test_rand_int_range(MOVES_MOST - 4, MOVES_MOST + 2);
        do_something(&now.blocks[g_test_rand_int_range(0, BLOCKS)]);
        compare();
    }
    unsigned n = 0;
    g_assert_cmpint(rm_heap_walk(now.heap, visit, &n), ==, RM_OK);
    g_assert_cmpuint(n, >, 0);
    compare();
    close_heap();
}

/* --- two heaps, the first or the second of which goes first --- */

static void test_two(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    static _Alignas(4096) char memory[REGION];
    rm_heap_t *other;
    options.memory = memory;
    options.size = sizeof memory;
    for (unsigned turn = 0; turn < 3; turn++) {
        if (turn != 1) g_assert_cmpint(rm_heap_create(&other, &options), ==, RM_OK);
        open_heap(REGION, BLOCKS);
        if (turn == 1) g_assert_cmpint(rm_heap_create(&other, &options), ==, RM_OK);
        make(&now.blocks[0], 100, false);
        take(&now.blocks[0]);
        if (turn == 2) g_assert_cmpint(rm_heap_destroy(other), ==, RM_OK);
        compare();
        close_heap();
        if (turn != 2) g_assert_cmpint(rm_heap_destroy(other), ==, RM_OK);
    }
}

/* --- more blocks than are told one by one, moved by one call --- */

static void test_many(void) {
    enum { MANY = 1600 };
    for (unsigned kept = 2; kept <= 3; kept++) { /* half of them, and more */
        open_heap(12 * REGION, MANY);
        for (unsigned i = 0; i < MANY; i++) make(&now.blocks[i], i % 3 * 300 + 16, false);
        for (unsigned i = 0; i < MANY; i++)
            if (i % kept == 0) drop(&now.blocks[i]);
        compare();
        g_assert_cmpint(rm_heap_compact(now.heap, NULL, NULL), ==, RM_OK);
        compare();
        make(&now.blocks[0], 16, false); /* the last one named is not the last there is */
        g_assert_cmpuint(slot_of(&now.blocks[0]), <, MANY);
        compare();
        close_heap();
    }
}

/* --- the last 512 of what was said --- */

static void test_ring(void) {
    enum { MANY = 700 };
    open_heap(REGION, MANY);
    for (unsigned turn = 0; turn < 2; turn++)
        for (unsigned i = 0; i < MANY; i++) {
            struct block *b = &now.blocks[i];
            if (turn == 0) make(b, 24, true);
            take(b);
            give(b);
        }
    compare();
    g_assert_cmpuint(memcheck_n_said, ==, SAID);
    for (unsigned i = MANY - 5; i < MANY; i++) drop(&now.blocks[i]); /* the same, anew */
    compare();
    g_assert_cmpuint(memcheck_n_said, ==, SAID);
    close_heap();
}

/* --- no memory aside --- */

/* Of what was locked nobody knows the bits any more: they count as defined. */
static void test_refused(void) {
    enum { MANY = 1700, LARGE = 300000, BIG = 2 };
    const struct fault fault = {1, true, 0, 1u << REQUEST_RESERVE};
    open_heap(MEMCHECK_BYTES - 4096, MANY);
    for (unsigned i = 0; i < BIG; i++) make(&now.blocks[i], LARGE, false);
    compare();
    inject_begin(&fault);
    for (unsigned i = 0; i < BIG; i++) { /* the first has room for its bits still */
        struct block *b = &now.blocks[i];
        take(b);
        memset(b->bits, 0, 10);
        memset(memcheck_bits + (look(b).address - memcheck_memory), 0, 10);
        give(b);
        g_assert_cmpuint(injected->n_refused > 0, ==, i > 0);
        if (i > 0) set_bits(b, 0, 0);
        take(b);
        compare();
        give(b);
    }
    struct block *b =
        &now.blocks[1]; /* all of it defined, and grown without memory for its bits */
    b->size = LARGE + 5000;
    g_assert_cmpint(rmrealloc(b->handle, (ssize_t)b->size), ==, RM_OK);
    set_bits(b, LARGE, 0);
    take(b);
    compare();
    give(b);
    for (unsigned i = BIG; i < MANY; i++) make(&now.blocks[i], i % 50, false);
    g_assert_false(is_noted(&now.blocks[MANY - 1]));
    compare();
    for (unsigned i = MANY - 100; i < MANY; i++) {
        b = &now.blocks[i];
        take(b);
        if (i % 4 == 0) compare();
        if (i % 2 == 0) give(b);
        if (i % 3 == 0) resize(b, i % 70);
        if (i % 5 == 0) drop(b);
    }
    hold(true);
    compare();
    hold(false);
    g_assert_cmpint(rm_heap_compact(now.heap, NULL, NULL), ==, RM_OK);
    compare();
    inject_end();
    close_heap();
}

/* Memory comes late: those of before have no note, and what becomes of them is not said. */
static void test_late(void) {
    enum { EARLY = 640, MANY = EARLY + 40, LOCKED = EARLY - 50 };
    const struct fault fault = {1, true, 0, 1u << REQUEST_RESERVE};
    open_heap(4 * REGION, MANY);
    struct block *b = &now.blocks[LOCKED];
    now.g->aside.at = now.g->aside.end;
    inject_begin(&fault);
    for (unsigned i = 0; i < EARLY; i++) make(&now.blocks[i], 40, false);
    take(b);
    inject_end();
    g_assert_null(notes_of(&now.g->notes, slot_of(&now.blocks[0])));
    for (unsigned i = EARLY; i < MANY; i++) make(&now.blocks[i], 40, false);
    g_assert_true(is_noted(&now.blocks[EARLY]) && !is_noted(b));
    g_assert_nonnull(notes_of(&now.g->notes, slot_of(b)));
    compare();
    resize(b, 38);
    give(b);
    compare();
    close_heap();
}

/* A fork does not enter a heap that is watched: it would not be left. And who has read there reads no more. */
static void test_fork(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    rm_memory_t *block;
    int status;
    memcheck_reset();
    options.memory = memcheck_memory;
    options.size = REGION;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(heap, &block, 100, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_hold(heap), ==, RM_OK);
    g_assert_true(guard_of(heap)->shadow.held);
    g_assert_cmpint(rm_heap_release(heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_trim(heap), ==, RM_OK);
    g_assert_false(guard_of(heap)->shadow.held);
    fflush(NULL);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) _exit(memcheck_depth == 0 ? 0 : 1);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpint(memcheck_depth, ==, 0);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "yes", TRUE);
    g_test_add_func("/named/told", test_told);
    g_test_add_func("/named/two", test_two);
    g_test_add_func("/named/many", test_many);
    g_test_add_func("/named/ring", test_ring);
    g_test_add_func("/named/refused", test_refused);
    g_test_add_func("/named/late", test_late);
    g_test_add_func("/named/fork", test_fork);
    return g_test_run();
}
