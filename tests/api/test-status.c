/* SPDX-License-Identifier: MIT */
/*
 * "Status codes": their values and sentences; every error of every function;
 * that nothing has changed after it, and that nothing is printed.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

static const rm_status_t all[] = {RM_OK,       RM_ENOMEM,    RM_EINVAL,    RM_EHANDLE,
                                  RM_ELOCKED,  RM_EUNLOCKED, RM_EOVERFLOW, RM_EPURGED,
                                  RM_ECORRUPT, RM_ESYSTEM};

static void test_values(void) {
    g_assert_cmpint(RM_OK, ==, 0);
    for (size_t i = 1; i < G_N_ELEMENTS(all); i++) {
        g_assert_cmpint((int)all[i], >, 0);
        for (size_t j = 0; j < i; j++) g_assert_cmpint((int)all[i], !=, (int)all[j]);
    }
}

static void test_sentences(void) {
    static const int unknown[] = {-1, 99, 4711, INT_MAX, INT_MIN};

    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        const char *text = rm_strerror(all[i]);

        g_assert_nonnull(text);
        g_assert_nonnull(strchr(text, ' ')); /* more than a word */
        g_assert_true(rm_strerror(all[i]) == text);
        for (size_t j = 0; j < i; j++) g_assert_cmpstr(text, !=, rm_strerror(all[j]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++) {
        g_assert_nonnull(rm_strerror((rm_status_t)unknown[i]));
        g_assert_nonnull(strchr(rm_strerror((rm_status_t)unknown[i]), ' '));
    }
}

/* ------------------------------------------------------- nothing has changed */

/* A heap with live, locked and freed blocks, and what it looked like. */
struct state {
    struct site site;
    struct picture before;
    size_t failures;
};

static void state_open(struct state *state, rm_threads_t threads,
                       rm_compaction_t compaction) {
    struct book *book = &state->site.book;
    struct rng rng = test_rng();

    site_open(&state->site, 60000, threads, compaction);
    assert_ok(book_alloc(book, 0, 0, 0));
    for (unsigned i = 0; i < 4; i++)
        assert_ok(book_alloc(book, 24 + 400 * (size_t)i, 0, 0)); /* 1 to 4 */
    book_shuffle(book, &rng, 100, SHAPE_MIXED, 500, false);
    assert_ok(book_alloc(book, 1000, 0, 0));
    assert_ok(book_lock(book, book->n - 1));
    assert_ok(book_lock(book, book->n - 1));
    assert_sound(picture_take(&state->before, state->site.heap));
    state->failures = state->before.stats.failures;
}

static void assert_unchanged(struct state *state, rm_status_t status, int line) {
    struct picture now;
    const char *text;

    assert_sound_at(__FILE__, line, "take", picture_take(&now, state->site.heap));
    text = picture_same(&state->before, &now);
    assert_sound_at(__FILE__, line, "the heap after the error", text);
    /* failures: the calls that ended in RM_ENOMEM or RM_ESYSTEM */
    state->failures += status == RM_ENOMEM || status == RM_ESYSTEM;
    g_assert_cmpuint(now.stats.failures, ==, state->failures);
    picture_finish(&now);
    assert_sound_at(__FILE__, line, "contents", book_verify(&state->site.book));
}

static void state_close(struct state *state) {
    picture_finish(&state->before);
    site_close(&state->site);
}

/* The call fails so, and the heap is as it was. */
#define refused(call, status)                                                            \
    do {                                                                                 \
        assert_status(call, status);                                                     \
        assert_unchanged(state, status, __LINE__);                                       \
    } while (0)

/* The same, and the out-parameter `out` has become NULL. */
#define refused_null(call, status)                                                       \
    do {                                                                                 \
        out = (void *)(uintptr_t)16;                                                     \
        refused(call, status);                                                           \
        g_assert_null(out);                                                              \
    } while (0)

static void test_default_heap(void) {
    struct state view = {{{0}, NULL, {0}, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND}, {0}, 0};
    struct state *state = &view;
    rm_memory_t *out, *live = NULL;
    const ssize_t huge[] = {(ssize_t)RM_BLOCK_MAX + 1, SSIZE_MAX};
    const ssize_t big = SSIZE_MAX / 2 + 1;

    assert_ok(rmalloc(&live, 100));
    view.site.heap = rm_heap_default();
    book_init(&view.site.book, view.site.heap);
    assert_sound(picture_take(&view.before, view.site.heap));
    view.failures = view.before.stats.failures;

    refused(rmalloc(NULL, 8), RM_EINVAL);
    refused_null(rmalloc(&out, -1), RM_EINVAL);
    refused_null(rmalloc(&out, -SSIZE_MAX - 1), RM_EINVAL);
    for (size_t i = 0; i < G_N_ELEMENTS(huge); i++) {
        refused_null(rmalloc(&out, huge[i]), RM_ENOMEM);
        refused_null(rmcalloc(&out, 1, huge[i]), RM_ENOMEM);
        refused_null(rmcalloc(&out, huge[i], 1), RM_ENOMEM);
        refused(rmrealloc(live, huge[i]), RM_ENOMEM);
    }
    refused(rmcalloc(NULL, 1, 8), RM_EINVAL);
    refused_null(rmcalloc(&out, -1, 8), RM_EINVAL);
    refused_null(rmcalloc(&out, 8, -1), RM_EINVAL);
    refused_null(rmcalloc(&out, -1, -1), RM_EINVAL);
    refused_null(rmcalloc(&out, 0, -1), RM_EINVAL);
    refused_null(rmcalloc(&out, -1, 0), RM_EINVAL);
    refused_null(rmcalloc(&out, SSIZE_MAX, SSIZE_MAX), RM_EOVERFLOW);
    refused_null(rmcalloc(&out, SSIZE_MAX, 2), RM_EOVERFLOW);
    refused_null(rmcalloc(&out, 3, SSIZE_MAX), RM_EOVERFLOW);
    refused_null(rmcalloc(&out, big, 4), RM_EOVERFLOW); /* 2^64 */
    refused_null(rmcalloc(&out, (ssize_t)1 << 32, (ssize_t)1 << 32), RM_EOVERFLOW);

    picture_finish(&view.before);
    book_finish(&view.site.book);
    assert_ok(rmfree(live));
    assert_sound(heap_fault(NULL));
}

/* What is nearly a heap is none, though there is a block at rest that would do. */
static void test_nearly(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    rm_memory_t *block;

    options.threads = RM_THREADS_NONE;
    g_assert_nonnull(rm_heap_default());
    assert_ok(rm_heap_create(&heap, &options));
    assert_ok(rm_heap_alloc(heap, &block, 8, 0, 0));
    assert_ok(rmfree(block));
    for (unsigned bit = 0; bit < 8 * sizeof(uintptr_t); bit++) {
        rm_heap_t *other = (rm_heap_t *)((uintptr_t)heap ^ (uintptr_t)1 << bit);

        if (other == NULL || other == rm_heap_default()) continue;
        assert_status(rm_heap_alloc(other, &block, 8, 0, 0), RM_EINVAL);
        g_assert_null(block);
    }
    assert_ok(rm_heap_destroy(heap));
}

static void test_allocation(void) {
    static const size_t alignments[] = {
        3,           5,    6,    7,    9,        12,       24,
        100,         4095, 4097, 8192, SIZE_MAX, 1u << 16, (size_t)1 << 63,
        SIZE_MAX - 7};
    static const size_t sizes[] = {SIZE_MAX,         SIZE_MAX - 7,    SIZE_MAX - 15,
                                   SIZE_MAX / 2,     (size_t)1 << 63, (size_t)1 << 34,
                                   RM_BLOCK_MAX + 1, RM_BLOCK_MAX,    60000};
    struct state view;
    struct state *state = &view;
    rm_memory_t *out;

    state_open(state, RM_THREADS_SAFE, RM_COMPACT_MANUAL);
    refused(rm_heap_alloc(view.site.heap, NULL, 8, 0, 0), RM_EINVAL);
    for (size_t i = 0; i < G_N_ELEMENTS(alignments); i++)
        refused_null(rm_heap_alloc(view.site.heap, &out, 8, alignments[i], 0), RM_EINVAL);
    for (unsigned bit = 2; bit < 32; bit++) {
        refused_null(rm_heap_alloc(view.site.heap, &out, 8, 0, 1u << bit), RM_EINVAL);
        refused_null(rm_heap_alloc(view.site.heap, &out, 8, 0, 1u << bit | RM_ZERO),
                     RM_EINVAL);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        for (size_t alignment = 0; alignment <= 4096;
             alignment = alignment * 2 + !alignment)
            for (unsigned flags = 0; flags < 4; flags++)
                refused_null(
                    rm_heap_alloc(view.site.heap, &out, sizes[i], alignment, flags),
                    RM_ENOMEM);
    state_close(state);
}

static void test_blocks(void) {
    for (rm_compaction_t c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        struct state view;
        struct state *state = &view;
        rm_memory_t *plain, *locked;
        char here;
        void *pointer = &here;

        state_open(state, c == RM_COMPACT_MANUAL ? RM_THREADS_NONE : RM_THREADS_SAFE, c);
        plain = view.site.book.blocks[2].handle;
        locked = view.site.book.blocks[view.site.book.n - 1].handle;
        refused(rmrealloc(plain, -1), RM_EINVAL);
        refused(rmrealloc(plain, -SSIZE_MAX - 1), RM_EINVAL);
        refused(rmrealloc(locked, -1), RM_EINVAL);
        refused(rmrealloc(locked, 60000), RM_ELOCKED);
        refused(rmrealloc(NULL, 10), RM_EHANDLE);
        refused(rmfree(locked), RM_ELOCKED);
        refused(rmlock(plain, NULL), RM_EINVAL);
        refused(rmlock(NULL, &pointer), RM_EHANDLE);
        g_assert_true(pointer == &here);
        refused(rmunlock(plain), RM_EUNLOCKED);
        refused(rmunlock(NULL), RM_EHANDLE);
        refused(rmsize(plain, NULL), RM_EINVAL);
        refused(rmlocks(plain, NULL), RM_EINVAL);
        refused(rmheap(plain, NULL), RM_EINVAL);
        assert_refused(NULL);
        assert_ok(rmfree(NULL));
        assert_unchanged(state, RM_OK, __LINE__);
        if (c == RM_COMPACT_MANUAL) /* elsewhere moves that did not help may stay */
            refused(rmrealloc(plain, 60000), RM_ENOMEM);
        state_close(state);
    }
}

/* Values that are no heap: destroyed, near misses of a live one, garbage. */
static void heap_refused(rm_heap_t *heap) {
    rm_memory_t *out = (void *)(uintptr_t)16;
    rm_progress_t progress;
    rm_fault_t found;
    size_t size;
    rm_stats_t stats;

    assert_status(rm_heap_alloc(heap, &out, 8, 0, 0), RM_EINVAL);
    g_assert_null(out);
    assert_status(rm_heap_compact(heap, NULL, &progress), RM_EINVAL);
    assert_status(rm_heap_compact(heap, NULL, NULL), RM_EINVAL);
    assert_status(rm_heap_largest(heap, false, &size), RM_EINVAL);
    assert_status(rm_heap_largest(heap, true, &size), RM_EINVAL);
    assert_status(rm_heap_trim(heap), RM_EINVAL);
    assert_status(rm_heap_stats(heap, &stats), RM_EINVAL);
    assert_status(rm_heap_stats_quick(heap, &stats), RM_EINVAL);
    assert_status(rm_heap_check(heap, &found), RM_EINVAL);
    assert_status(rm_heap_check(heap, NULL), RM_EINVAL);
    assert_status(rm_heap_destroy(heap), RM_EINVAL);
}

static bool never(const rm_span_t *span, void *context) {
    (void)span;
    (void)context;
    g_assert_not_reached();
    return false;
}

static void test_heaps(void) {
    struct state view;
    struct state *state = &view;
    struct rng rng = test_rng();
    struct site other;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *out;
    rm_stats_t stats;

    /* The only heap there is: no forged value below can be another one. */
    assert_ok(rm_heap_destroy(rm_heap_default()));
    state_open(state, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    refused(rm_heap_create(NULL, NULL), RM_EINVAL);
    refused(rm_heap_create(NULL, &options), RM_EINVAL);
    for (int wrong = -2; wrong < 100; wrong++) {
        options.threads = (rm_threads_t)wrong;
        if (wrong < 0 || wrong > RM_THREADS_NONE)
            refused_null(rm_heap_create(&out, &options), RM_EINVAL);
        options.threads = RM_THREADS_SAFE;
        options.compaction = (rm_compaction_t)wrong;
        if (wrong < 0 || wrong > RM_COMPACT_BACKGROUND)
            refused_null(rm_heap_create(&out, &options), RM_EINVAL);
        options.compaction = RM_COMPACT_ON_DEMAND;
    }
    refused(rm_heap_destroy(NULL), RM_EINVAL);
    refused(rm_heap_stats(view.site.heap, NULL), RM_EINVAL);
    refused(rm_heap_stats_quick(view.site.heap, NULL), RM_EINVAL);
    refused(rm_heap_largest(view.site.heap, true, NULL), RM_EINVAL);
    refused(rm_heap_largest(view.site.heap, false, NULL), RM_EINVAL);
    refused(rm_heap_walk(view.site.heap, NULL, NULL), RM_EINVAL);
    assert_ok(rm_heap_check(view.site.heap, NULL));
    assert_ok(rm_heap_stats(view.site.heap, &stats));

    site_open(&other, 8192, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    site_close(&other);
    heap_refused(other.heap);
    assert_status(rm_heap_walk(other.heap, never, NULL), RM_EINVAL);
    for (unsigned bit = 0; bit < 64; bit++)
        heap_refused((rm_heap_t *)((uintptr_t)view.site.heap ^ (uintptr_t)1 << bit));
    for (unsigned i = 0; i < 10000; i++) {
        heap_refused(
            (rm_heap_t *)(uintptr_t)(rng_next(&rng) >> rng_below(&rng, 64) | 1u << 20));
        if (i < 64)
            heap_refused((rm_heap_t *)view.site.book.blocks[i % view.site.book.n].handle);
    }
    heap_refused((rm_heap_t *)&view);
    heap_refused((rm_heap_t *)view.site.region.memory);
    assert_unchanged(state, RM_OK, __LINE__);
    state_close(state);
}

/* Everything above once more, with what is printed caught. */
static void test_silence(void) {
    FILE *caught = tmpfile();
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    long size;

    g_assert_nonnull(caught);
    fflush(NULL);
    g_assert_cmpint(dup2(fileno(caught), STDOUT_FILENO), >=, 0);
    g_assert_cmpint(dup2(fileno(caught), STDERR_FILENO), >=, 0);
    test_default_heap();
    test_allocation();
    test_blocks();
    test_heaps();
    fflush(NULL);
    size = lseek(fileno(caught), 0, SEEK_END);
    g_assert_cmpint(dup2(out, STDOUT_FILENO), >=, 0);
    g_assert_cmpint(dup2(err, STDERR_FILENO), >=, 0);
    close(out);
    close(err);
    fclose(caught);
    g_assert_cmpint(size, ==, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/status/values", test_values);
    g_test_add_func("/status/sentences", test_sentences);
    g_test_add_func("/status/default-heap", test_default_heap);
    g_test_add_func("/status/nearly", test_nearly);
    g_test_add_func("/status/allocation", test_allocation);
    g_test_add_func("/status/blocks", test_blocks);
    g_test_add_func("/status/heaps", test_heaps);
    g_test_add_func("/status/silence", test_silence);
    return g_test_run();
}
