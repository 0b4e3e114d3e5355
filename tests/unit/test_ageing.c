/* SPDX-License-Identifier: MIT */
/*
 * Pages that change their place while the system looks at which are in use, as it does where memory is short. Then
 * Linux 6.18 has moved pages that it does not count; what os_move says is held against where their content is.
 */
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "os.h"

#ifndef MADV_COLD
#define MADV_COLD 20 /* Linux 5.4 */
#endif

enum { PAGES = 24, MARK = 1000, SHORT_MS = 1500, LONG_MS = 60 * 1000 };

static struct {
    char *to, *from;
    size_t bytes;
    atomic_bool moving, over;
} site;

static void *age(void *context) {
    while (!atomic_load(&site.over))
        if (atomic_load(&site.moving)) madvise(site.from, site.bytes, MADV_COLD);
    return context;
}

static uint64_t *word_of(char *pages, unsigned i) {
    return (uint64_t *)(void *)(pages + i * os_page());
}

/* Of some pages so many have been moved, and the others are where they were. */
static void move(void) {
    for (unsigned i = 0; i < PAGES; i++) *word_of(site.from, i) = MARK + i;
    atomic_store(&site.moving, true);
    size_t moved = os_move(site.to, site.from, site.bytes) / os_page();
    atomic_store(&site.moving, false);
    for (unsigned i = 0; i < PAGES; i++)
        g_assert_cmpuint(*word_of(i < moved ? site.to : site.from, i), ==, MARK + i);
    g_assert_true(os_release(site.to, 2 * site.bytes));
}

static void test_ageing(void) {
    pthread_t thread;
    gint64 end = g_get_monotonic_time() + 1000 * (g_test_slow() ? LONG_MS : SHORT_MS);
    unsigned n = 0;
    site.bytes = PAGES * os_page();
    site.to = os_reserve(2 * site.bytes);
    g_assert_true(site.to != NULL && os_commit(site.to, 2 * site.bytes));
    site.from = site.to + site.bytes;
    if (!os_move_prepare(site.to, 2 * site.bytes)) {
        g_test_skip("the system does not move pages here");
        return;
    }
    g_assert_cmpint(pthread_create(&thread, NULL, age, NULL), ==, 0);
    for (; g_get_monotonic_time() < end; n++) move();
    atomic_store(&site.over, true);
    pthread_join(thread, NULL);
    g_test_message("%u moves", n);
    os_unreserve(site.to, 2 * site.bytes);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ageing", test_ageing);
    return g_test_run();
}
