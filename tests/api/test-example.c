/* SPDX-License-Identifier: MIT */
/*
 * "The five lines everything starts from": the bitmap example as the contract
 * prints it, with nothing of ours but the header; and the 100 KiB example, drawn.
 */
#include <rmalloc.h>

#include "util.h"

/* ----------------------------------------------------------- as it is printed */

#define WIDTH 320
#define HEIGHT 200

static unsigned drawn;

static void draw_bitmap(memory_t *bitmap) {
    unsigned char *ptr;
    size_t size;

    assert_ok(rmsize(bitmap, &size));
    g_assert_cmpuint(size, ==, WIDTH * HEIGHT);
    assert_ok(rmlock(bitmap, (void **)&ptr));
    for (unsigned y = 0; y < HEIGHT; y++)
        for (unsigned x = 0; x < WIDTH; x++)
            g_assert_cmpuint(ptr[x + y * WIDTH], ==, (x ^ y) & 0xff);
    assert_ok(rmunlock(bitmap));
    drawn++;
}

/* clang-format off */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#endif
static void example(void) {
    int x, y;

    memory_t *bitmap;
    unsigned char *ptr;
    rmalloc(&bitmap, WIDTH*HEIGHT);
    rmlock(bitmap, (void **)&ptr);
    for (y=0; y<HEIGHT; y++)
        for (x=0; x<WIDTH; x++)
            ptr[x + y*WIDTH] = x^y;
    rmunlock(bitmap);
    draw_bitmap(bitmap);
    rmfree(bitmap);

    assert_refused(bitmap);
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
/* clang-format on */

static void test_bitmap(void) {
    for (unsigned i = 1; i <= 3; i++) {
        example();
        g_assert_cmpuint(drawn, ==, i);
    }
    assert_sound(heap_fault(NULL));
}

/* The four functions and their types, exactly. */
static void test_signatures(void) {
    status_t (*allocate)(memory_t * *out, ssize_t size) = rmalloc;
    status_t (*lock)(memory_t * handle, void **pointer) = rmlock;
    status_t (*unlock)(memory_t * handle) = rmunlock;
    status_t (*release)(memory_t * handle) = rmfree;
    rm_memory_t *handle = NULL;
    void *pointer = NULL;

    assert_ok(allocate(&handle, 12));
    assert_ok(lock(handle, &pointer));
    g_assert_nonnull(pointer);
    assert_ok(unlock(handle));
    assert_ok(release(handle));
}

/* -------------------------------------------------------------- 100 KiB of 1 KiB */

#define COLUMNS 102

static void draw(const char *what, rm_heap_t *heap) {
    struct picture picture;
    char line[COLUMNS + 1];

    assert_sound(picture_take(&picture, heap));
    assert_sound(picture_audit(&picture));
    picture_draw(&picture, line, COLUMNS);
    g_test_message("%-7s|%s|", what, line);
    g_test_message("        %zu free spans, the largest of %zu of %zu free bytes",
                   picture.stats.free_spans, picture.stats.largest_free,
                   picture.stats.free);
    picture_finish(&picture);
}

/* 100 blocks of 1 KiB, every third freed, 20 KiB asked for. */
static void hundred_kib(rm_threads_t threads, rm_compaction_t compaction) {
    struct site site;
    struct picture before, after;

    /* 100 KiB of payload; what blocks and handles may cost; an empty heap. */
    site_open(&site, 100 * (1024 + 16 + 8) + RM_HEAP_SIZE_MIN, threads, compaction);
    for (unsigned i = 0; i < 100; i++) assert_ok(book_alloc(&site.book, 1024, 0, 0));
    /* From the end: book_free puts the last one into the gap. */
    for (unsigned i = 100; i-- > 0;)
        if (i % 3 == 0) assert_ok(book_free(&site.book, i));
    draw("before", site.heap);

    assert_sound(picture_take(&before, site.heap));
    g_assert_cmpuint(before.stats.free, >=, 33 * 1024);
    g_assert_cmpuint(before.stats.largest_free, <, 20 * 1024);
    assert_status(book_alloc(&site.book, 20 * 1024, 0, RM_NO_COMPACT), RM_ENOMEM);
    assert_sound(picture_take(&after, site.heap));
    assert_sound(picture_same(&before, &after));
    g_assert_cmpuint(after.stats.failures, ==, before.stats.failures + 1);
    picture_finish(&before);
    picture_finish(&after);

    if (compaction == RM_COMPACT_MANUAL) {
        assert_status(book_alloc(&site.book, 20 * 1024, 0, 0), RM_ENOMEM);
        compact_fully(site.heap, 0);
    }
    assert_ok(book_alloc(&site.book, 20 * 1024, 0, 0));
    draw("after", site.heap);
    g_assert_cmpuint(moved_so_far(site.heap), >, 0);
    compact_fully(site.heap, 0);
    draw("dense", site.heap);
    site_close(&site);
}

static void test_hundred_kib(void) {
    for (rm_threads_t t = RM_THREADS_SAFE; t <= RM_THREADS_NONE; t++) {
        g_test_message("threads %d: # blocks, . free, M metadata", (int)t);
        hundred_kib(t, RM_COMPACT_ON_DEMAND);
        hundred_kib(t, RM_COMPACT_MANUAL);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/example/bitmap", test_bitmap);
    g_test_add_func("/example/signatures", test_signatures);
    g_test_add_func("/example/100-kib", test_hundred_kib);
    return g_test_run();
}
