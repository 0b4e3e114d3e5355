/* SPDX-License-Identifier: MIT */
/*
 * The background thread and a heap that is damaged: it is left for good, by the thread, or by who finds that there is no
 * thread to be had; all others go on. And when the program has ended it for good nobody waits for it.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../api/asleep.h"
#include "call.h"
#include "check.h"
#include "inject.h"
#include "os.h"
#include "watch.h"

enum { REGION = 100000, BLOCKS = 400, SIZE = 1000 };

static unsigned char region[REGION] __attribute__((aligned(16)));

struct site {
    rm_heap_t *heap;
    uint64_t tag;
    rm_memory_t *blocks[BLOCKS];
};

static void open_heap(struct site *site, void *memory, bool integrity) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.memory = memory;
    options.size = memory != NULL ? REGION : 0;
    options.compaction = RM_COMPACT_BACKGROUND;
    options.integrity = integrity;
    g_assert_cmpint(rm_heap_create(&site->heap, &options), ==, RM_OK);
    g_assert_cmpint(call_tag(site->heap, &site->tag), ==, RM_OK);
}

/* The thread is called for: most of what lies below the last block is free. */
static void litter(struct site *site) {
    g_assert_cmpint(rm_heap_pause(site->heap), ==, RM_OK);
    for (unsigned i = 0; i < BLOCKS; i++)
        g_assert_cmpint(rm_heap_alloc(site->heap, &site->blocks[i], SIZE, 0, 0), ==,
                        RM_OK);
    for (unsigned i = 0; i < BLOCKS; i++)
        if (i % 8 != 7) g_assert_cmpint(rmfree(site->blocks[i]), ==, RM_OK);
    g_assert_cmpint(rm_heap_resume(site->heap), ==, RM_OK);
}

static size_t steps_of(const struct site *site) {
    rm_stats_t stats;
    g_assert_cmpint(rm_heap_stats_quick(site->heap, &stats), ==, RM_OK);
    return stats.background_steps;
}

/* Until the thread has done something in a heap. */
static void await_steps(const struct site *site) {
    for (uint64_t end = os_now_ns() + UINT64_C(30000000000); steps_of(site) == 0;) {
        g_assert_cmpuint(os_now_ns(), <, end);
        g_usleep(100);
    }
}

static struct heap *heap_of(const struct site *site) {
    struct access a;
    g_assert_true(registry_enter(site->tag, &a));
    registry_leave(&a);
    return a.heap;
}

static void close_heap(struct site *site) {
    g_assert_cmpint(rm_heap_check(site->heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(site->heap), ==, RM_OK);
}

/* Each round of the thread's goes through the heaps in the order in which they were made. */
static void test_damaged(void) {
    struct site damaged, other;
    size_t size;
    open_heap(&damaged, region, false);
    open_heap(&other, NULL, true);
    g_assert_cmpint(rm_heap_alloc(damaged.heap, damaged.blocks, SIZE, 0, 0), ==, RM_OK);
    struct heap *h = heap_of(&damaged);
    h->region.area_end += 16;
    litter(&other);
    await_steps(&other);
    h->region.area_end -= 16; /* too late: nobody but the thread has been there */
    g_assert_cmpint(rmsize(damaged.blocks[0], &size), ==, RM_ECORRUPT);
    g_assert_cmpint(rm_heap_check(damaged.heap, NULL), ==, RM_ECORRUPT);
    g_assert_cmpint(rm_heap_destroy(damaged.heap), ==, RM_OK);
    close_heap(&other);
}

/* In a forked child, where no thread can be begun. */
static void without_thread(struct site *damaged, struct site *littered,
                           struct site *fine) {
    size_t size;
    struct heap *h = heap_of(damaged);
    const struct watch *w = *registry_watch_of(littered->tag);
    inject_begin(&(struct fault){1, true, 0, 1u << REQUEST_THREAD});
    h->region.area_end += 16;
    litter(littered);
    g_assert_cmpuint(w->backoffs, ==, 1);
    h->region.area_end -= 16;
    g_assert_cmpint(rmsize(damaged->blocks[0], &size), ==, RM_ECORRUPT);
    g_assert_cmpuint((*registry_watch_of(fine->tag))->backoffs, ==, 0);
    /* Looked at anew, it is refused again; and when it is not there is a thread. */
    g_assert_cmpint(rm_heap_pause(littered->heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_resume(littered->heap), ==, RM_OK);
    g_assert_cmpuint(w->backoffs, ==, 2);
    g_assert_cmpuint(steps_of(littered), ==, 0);
    inject_end();
    g_assert_cmpint(rm_heap_pause(littered->heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_resume(littered->heap), ==, RM_OK);
    await_steps(littered);
    g_assert_cmpint(rm_heap_destroy(damaged->heap), ==, RM_OK);
    close_heap(littered);
    close_heap(fine);
}

static void test_no_thread(void) {
    struct site damaged, littered, fine;
    int status;
    open_heap(&damaged, region, false);
    open_heap(&littered, NULL, false);
    open_heap(&fine, NULL, false);
    g_assert_cmpint(rm_heap_alloc(damaged.heap, damaged.blocks, SIZE, 0, 0), ==, RM_OK);
    await_begun();
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        alarm(120);
        without_thread(&damaged, &littered, &fine);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close_heap(&damaged);
    close_heap(&littered);
    close_heap(&fine);
}

/* Behind all of the library's own. */
static struct site *at_exit;
__attribute__((destructor(101))) static void use_at_exit(void) {
    static const char text[] = "used\n";
    if (at_exit == NULL) return;
    litter(at_exit);
    if (steps_of(at_exit) == 0 && rm_heap_check(at_exit->heap, NULL) == RM_OK)
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
}

static void test_at_exit(void) {
    static struct site site;
    if (g_test_subprocess()) {
        alarm(120);
        open_heap(&site, NULL, false);
        at_exit = &site;
        exit(0);
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("used\n");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/background/damaged", test_damaged);
    g_test_add_func("/background/no-thread", test_no_thread);
    g_test_add_func("/background/at-exit", test_at_exit);
    return g_test_run();
}
