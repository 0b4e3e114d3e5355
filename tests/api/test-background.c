/* SPDX-License-Identifier: MIT */
/*
 * RM_COMPACT_BACKGROUND: a thread of the library's wakes above one mark, works until
 * below the other, stays out where it is told to, and gives up where nothing helps.
 * How it lives and ends: test-background-life.c.
 */
#include <math.h>
#include <string.h>

#include "background.h"

#define SLACK ((size_t)256 << 10) /* what is metadata, and what is room for more of it */
#define MILLISECOND UINT64_C(1000000)

/* ------------------------------------------------------------------- options */

static void assert_marks(double low, double high, size_t free_low, size_t free_high,
                         rm_status_t wanted) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap = (rm_heap_t *)(uintptr_t)1;

    options.compaction = RM_COMPACT_BACKGROUND;
    options.watermarks.fragmentation_low = low;
    options.watermarks.fragmentation_high = high;
    options.watermarks.free_low = free_low;
    options.watermarks.free_high = free_high;
    assert_status(rm_heap_create(&heap, &options), wanted);
    if (wanted == RM_OK)
        assert_ok(rm_heap_destroy(heap));
    else
        g_assert_null(heap);
}

static void test_options(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap = (rm_heap_t *)(uintptr_t)1;

    options.compaction = RM_COMPACT_BACKGROUND;
    options.threads = RM_THREADS_NONE;
    assert_status(rm_heap_create(&heap, &options), RM_EINVAL);
    g_assert_null(heap);
    options.threads = RM_THREADS_SAFE;
    options.compaction = (rm_compaction_t)(RM_COMPACT_BACKGROUND + 1);
    assert_status(rm_heap_create(&heap, &options), RM_EINVAL);

    assert_marks(0, 0, 0, 0, RM_OK);
    assert_marks(0.1, 0.3, 0, 0, RM_OK);
    assert_marks(0.3, 0.3, 0, 0, RM_OK);
    assert_marks(0, 1, 0, 0, RM_OK);
    assert_marks(1, 1, 0, 0, RM_OK);
    assert_marks(0, 0.5, 0, 4096, RM_OK);
    assert_marks(0, 0, 4096, 4096, RM_OK);
    assert_marks(0, 0, 4096, 1 << 20, RM_OK);

    assert_marks(0.3, 0.2, 0, 0, RM_EINVAL);
    assert_marks(0.3, 0, 0, 0, RM_EINVAL);
    assert_marks(-0.1, 0.2, 0, 0, RM_EINVAL);
    assert_marks(-0.2, -0.1, 0, 0, RM_EINVAL);
    assert_marks(0.1, 1.5, 0, 0, RM_EINVAL);
    assert_marks(1.5, 2, 0, 0, RM_EINVAL);
    assert_marks((double)NAN, 0.5, 0, 0, RM_EINVAL);
    assert_marks(0.1, (double)NAN, 0, 0, RM_EINVAL);
    assert_marks(0.1, (double)INFINITY, 0, 0, RM_EINVAL);
    assert_marks(0, 0, 4097, 4096, RM_EINVAL);
    assert_marks(0, 0, 4096, 0, RM_EINVAL);
    assert_marks(0.1, 0.3, 2, 1, RM_EINVAL);
}

/* ---------------------------------------------------------------- by itself */

/* Compacted to below the mark, the contents whole, and the metrics tell of it. */
static void assert_worked(struct yard *yard, double low) {
    rm_stats_t stats;

    await_below(yard->heap, low);
    assert_ok(rm_heap_pause(yard->heap));
    assert_ok(rm_heap_stats(yard->heap, &stats));
    g_assert_cmpuint(stats.background_steps, >, 0);
    g_assert_cmpuint(stats.background_moved, >, 0);
    g_assert_cmpuint(stats.background_moved, <=, stats.moved);
    g_assert_cmpuint(stats.background_nanoseconds, >, 0);
    assert_sound(book_verify(&yard->book));
    assert_sound(heap_fault(yard->heap));
    assert_ok(rm_heap_resume(yard->heap));
}

static void test_by_itself(void) {
    for (enum yard_kind kind = 0; kind < N_YARDS; kind++) {
        struct yard yard;

        yard_open(&yard, kind, NULL);
        yard_litter(&yard, 2500, 3000);
        assert_worked(&yard, 0.05);
        yard_close(&yard);
    }
}

/* Blocks that move in pieces, over several steps: it does not stop with one under way. */
static void test_large(void) {
    for (enum yard_kind kind = 0; kind < N_YARDS; kind++)
        for (size_t large = 70000; large < 2000000; large *= 5) {
            struct yard yard;

            yard_open(&yard, kind, NULL);
            assert_ok(rm_heap_pause(yard.heap));
            perforate(&yard.book, 1000, 8000);
            for (size_t room = 8000000; room > large; room -= large)
                assert_ok(book_alloc(&yard.book, large, 0, RM_NO_COMPACT));
            assert_ok(rm_heap_resume(yard.heap));
            assert_worked(&yard, 0.05);
            yard_close(&yard);
        }
}

/* While the heap is in use; then it may rest anywhere below the high mark. */
static void test_in_use(void) {
    for (enum yard_kind kind = 0; kind < N_YARDS; kind++) {
        struct yard yard;
        struct rng rng = test_rng();

        yard_open(&yard, kind, NULL);
        for (unsigned round = 0; round < 3; round++) {
            book_shuffle(&yard.book, &rng, 3000, SHAPE_MIXED, 40000, true);
            book_unlock_all(&yard.book);
            for (size_t n = yard.book.n / 2; n > 0; n--)
                assert_ok(book_free(&yard.book, (size_t)rng_below(&rng, yard.book.n)));
            assert_sound(book_verify(&yard.book));
            await_below(yard.heap,
                        0.2); /* 0.15, and what small blocks have around them */
            assert_sound(book_verify(&yard.book));
        }
        yard_close(&yard);
    }
}

/* Between the marks nothing starts; what has started does not go on below the low one. */
static void test_marks(void) {
    const rm_watermarks_t marks = {0.2, 0.6, 0, 0};
    struct yard yard;
    double fragmentation;
    size_t steps;

    yard_open(&yard, YARD_GROWING, &marks);
    for (unsigned i = 0; i < 4000; i++) assert_ok(book_alloc(&yard.book, 4000, 0, 0));
    for (size_t i = 4000; i-- > 0;)
        if (i % 10 < 4) assert_ok(book_free(&yard.book, i));
    sleep_ns(500 * MILLISECOND);
    fragmentation = fragmentation_of(yard.heap);
    g_assert_true(fragmentation > 0.3 && fragmentation < 0.5);
    g_assert_cmpuint(steps_of(yard.heap), ==, 0);
    g_assert_cmpuint(moved_so_far(yard.heap), ==, 0);
    /* Of what is left: three quarters of the room are gaps. At once, or the thread is done before. */
    assert_ok(rm_heap_pause(yard.heap));
    yard_free_share(&yard, 60);
    assert_ok(rm_heap_resume(yard.heap));
    await_below(yard.heap, 0.2);
    steps = await_rest(yard.heap);
    g_assert_cmpuint(steps, >, 0);
    fragmentation = fragmentation_of(yard.heap);
    g_test_message("stopped at %.3f after %zu steps", fragmentation, steps);
    g_assert_true(fragmentation < 0.2);
    /* up again, but not above the high one */
    for (unsigned i = 0; i < 800; i++) assert_ok(book_alloc(&yard.book, 4000, 0, 0));
    yard_free_share(&yard, 30);
    sleep_ns(300 * MILLISECOND);
    fragmentation = fragmentation_of(yard.heap);
    g_assert_true(fragmentation > 0.2 && fragmentation < 0.6);
    g_assert_cmpuint(steps_of(yard.heap), ==, steps);
    yard_close(&yard);
}

/* The free end of a heap that can grow no more: its marks alone. */
static void test_free_marks(void) {
    for (enum yard_kind kind = YARD_REGION; kind < N_YARDS; kind++) {
        const rm_watermarks_t marks = {1, 1, YARD_LIMIT / 16, YARD_LIMIT / 4};
        struct yard yard;
        rm_stats_t stats;

        yard_open(&yard, kind, &marks);
        while (free_end(yard.heap) > YARD_LIMIT / 8)
            assert_ok(book_alloc(&yard.book, 9000, 0, 0));
        yard_free_share(&yard, 50); /* more than a quarter is free, but in gaps */
        sleep_ns(200 * MILLISECOND);
        g_assert_cmpuint(steps_of(yard.heap), ==, 0); /* still above the low mark */
        while (free_end(yard.heap) > YARD_LIMIT / 32 && steps_of(yard.heap) == 0)
            assert_ok(book_alloc(&yard.book, 100000, 0, RM_NO_COMPACT)); /* in no gap */
        for (uint64_t end = patience(); free_end(yard.heap) < YARD_LIMIT / 4 - SLACK;) {
            sleep_ns(2 * MILLISECOND);
            g_assert_cmpuint(now_ns(), <, end);
        }
        assert_ok(rm_heap_stats(yard.heap, &stats));
        g_assert_cmpuint(stats.background_moved, >, 0);
        await_rest(yard.heap);
        assert_sound(book_verify(&yard.book));
        yard_close(&yard);
    }
}

/* ------------------------------------------------------------ kept out, and in the way */

static void test_pause(void) {
    struct yard yard;
    size_t moved;

    yard_open(&yard, YARD_GROWING, NULL);
    assert_status(rm_heap_resume(yard.heap), RM_EUNLOCKED);
    for (unsigned depth = 1; depth <= 4; depth++) {
        for (unsigned i = 0; i < depth; i++) assert_ok(rm_heap_pause(yard.heap));
        moved = moved_by_thread(yard.heap);
        perforate(&yard.book, 2000, 3000);
        for (unsigned i = 1; i < depth; i++) {
            sleep_ns(50 * MILLISECOND);
            assert_ok(rm_heap_resume(yard.heap));
        }
        sleep_ns(100 * MILLISECOND);
        g_assert_true(fragmentation_of(yard.heap) > 0.15);
        g_assert_cmpuint(moved_by_thread(yard.heap), ==, moved);
        assert_sound(heap_fault(yard.heap));
        assert_ok(rm_heap_resume(yard.heap));
        await_below(yard.heap, 0.05);
        assert_status(rm_heap_resume(yard.heap), RM_EUNLOCKED);
        assert_sound(book_verify(&yard.book));
    }
    yard_close(&yard);
}

static void test_pause_refused(void) {
    rm_heap_t *heap = growable_heap(0, RM_COMPACT_STEADY), *gone;
    struct yard yard;

    yard_open(&yard, YARD_GROWING, NULL);
    gone = yard.heap;
    yard_close(&yard);
    assert_status(rm_heap_pause(heap), RM_EINVAL);
    assert_status(rm_heap_resume(heap), RM_EINVAL);
    assert_status(rm_heap_pause(NULL),
                  RM_EINVAL); /* the default heap is of another kind */
    assert_status(rm_heap_resume(NULL), RM_EINVAL);
    assert_status(rm_heap_pause(gone), RM_EINVAL);
    assert_status(rm_heap_resume(gone), RM_EINVAL);
    assert_ok(rm_heap_destroy(heap));
}

/* In the midst of its work: from the moment that pause returns nothing moves. */
static void test_pause_at_work(void) {
    struct yard yard;
    size_t n_between = 0;

    yard_open(&yard, YARD_GROWING, NULL);
    yard_litter(&yard, 6000, 8000);
    for (unsigned round = 0; round < 100; round++) {
        size_t moved, i = round % yard.book.n;

        assert_ok(rm_heap_pause(yard.heap));
        moved = moved_so_far(yard.heap);
        n_between += moved > 0 && fragmentation_of(yard.heap) > 0.05;
        sleep_ns(MILLISECOND);
        assert_sound(book_verify_one(&yard.book, i));
        g_assert_cmpuint(moved_so_far(yard.heap), ==, moved);
        if (round % 10 == 0) assert_sound(heap_fault(yard.heap));
        assert_ok(rm_heap_resume(yard.heap));
        sleep_ns(round * 10000); /* up to a millisecond */
    }
    g_test_message("%zu of 100 pauses were in the midst of it", n_between);
    await_below(yard.heap, 0.05);
    assert_sound(book_verify(&yard.book));
    yard_close(&yard);
}

/* A read section keeps it out as well. */
static void test_hold(void) {
    struct yard yard;
    size_t moved;

    yard_open(&yard, YARD_GROWING, NULL);
    assert_ok(rm_heap_hold(yard.heap));
    moved = moved_so_far(yard.heap);
    perforate(&yard.book, 4000, 2000);
    sleep_ns(200 * MILLISECOND);
    g_assert_cmpuint(moved_so_far(yard.heap), ==, moved);
    assert_ok(rm_heap_release(yard.heap));
    await_below(yard.heap, 0.05);
    assert_sound(book_verify(&yard.book));
    yard_close(&yard);
}

/* What is locked stays; the rest moves around it. */
static void test_locked(void) {
    struct yard yard;

    yard_open(&yard, YARD_GROWING, NULL);
    assert_ok(rm_heap_pause(yard.heap));
    perforate(&yard.book, 4000, 3000);
    for (size_t i = 0; i < yard.book.n; i += 10)
        for (size_t locks = 0; locks <= i % 7; locks++)
            assert_ok(book_lock(&yard.book, i));
    assert_ok(rm_heap_resume(yard.heap));
    await_moved(yard.heap, 100000);
    await_rest(yard.heap);
    assert_sound(book_verify(&yard.book)); /* the places of the locked, too */
    book_unlock_all(&yard.book);
    await_below(yard.heap, 0.05);
    yard_close(&yard);
}

/* Everything is: then it finds that out, and tries less and less. */
static void test_backs_off(void) {
    struct yard yard;
    rm_stats_t stats;
    size_t steps, moved;

    yard_open(&yard, YARD_GROWING, NULL);
    assert_ok(rm_heap_pause(yard.heap));
    perforate(&yard.book, 4000, 2000);
    for (size_t i = 0; i < yard.book.n; i++) assert_ok(book_lock(&yard.book, i));
    moved = moved_so_far(yard.heap);
    assert_ok(rm_heap_resume(yard.heap));
    for (uint64_t end = patience();; sleep_ns(2 * MILLISECOND)) {
        assert_ok(rm_heap_stats_quick(yard.heap, &stats));
        if (stats.background_backoffs > 0) break;
        g_assert_cmpuint(now_ns(), <, end);
    }
    steps = steps_of(yard.heap);
    sleep_ns(1000 * MILLISECOND);
    assert_ok(rm_heap_stats_quick(yard.heap, &stats));
    g_test_message("a second in vain: %zu steps, %zu times given up",
                   stats.background_steps - steps, stats.background_backoffs);
    g_assert_cmpuint(stats.background_steps - steps, <, 500);
    g_assert_cmpuint(stats.moved, ==, moved);
    g_assert_true(fragmentation_of(yard.heap) > 0.15);
    assert_sound(book_verify(&yard.book));
    book_unlock_all(&yard.book);
    await_below(yard.heap, 0.05); /* it has not given up for ever */
    yard_close(&yard);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/background/options", test_options);
    g_test_add_func("/background/by-itself", test_by_itself);
    g_test_add_func("/background/large", test_large);
    g_test_add_func("/background/in-use", test_in_use);
    g_test_add_func("/background/marks", test_marks);
    g_test_add_func("/background/free-marks", test_free_marks);
    g_test_add_func("/background/pause", test_pause);
    g_test_add_func("/background/pause-refused", test_pause_refused);
    g_test_add_func("/background/pause-at-work", test_pause_at_work);
    g_test_add_func("/background/hold", test_hold);
    g_test_add_func("/background/locked", test_locked);
    g_test_add_func("/background/backs-off", test_backs_off);
    return g_test_run();
}
