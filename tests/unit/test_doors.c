/* SPDX-License-Identifier: MIT */
/*
 * Whoever has been inside of a heap leaves it as it was found: after each call, whatever it says, the heap's mutex is
 * free, nobody's cache is stopped, nothing is said to be moving. A row is a call, a column a kind of heap, and what
 * stands there is what the call says.
 */
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "os.h"

enum { REGION = 1 << 18, ERRNO = 77 };

enum kind {
    ALONE,  /* between threads, of which there has been one alone */
    NONE,   /* for one thread */
    SHARED, /* between threads, as all that follow */
    GROWING,
    SEALED,
    FENCED,
    HELD,    /* by this thread's read section */
    DAMAGED, /* which the call finds out */
    FROZEN,  /* as it has before */
    KINDS
};

static struct {
    rm_heap_t *heap;
    uint64_t tag;
    struct place *place;
    struct heap *h;
    rm_memory_t *small, *medium, *large, *locked, *stale;
} site;
static _Alignas(16) char memory[REGION];

static struct place *place_of(uint64_t tag) {
    return (struct place *)(uintptr_t)(registry_sign.places + registry_place(tag));
}

static rm_memory_t *make(size_t size) {
    rm_memory_t *handle;
    g_assert_cmpint(rm_heap_alloc(site.heap, &handle, size, 0, 0), ==, RM_OK);
    return handle;
}

static void *nothing(void *context) { return context; }

static void open_site(enum kind kind) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    pthread_t thread;
    void *at;
    if (kind == SHARED) {
        g_assert_cmpint(pthread_create(&thread, NULL, nothing, NULL), ==, 0);
        g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    }
    memset(memory, 0x55, sizeof memory);
    if (kind != GROWING) options.memory = memory, options.size = REGION;
    if (kind == NONE) options.threads = RM_THREADS_NONE;
    options.integrity = kind == SEALED;
    options.fence_every = kind == FENCED;
    errno = ERRNO;
    g_assert_cmpint(rm_heap_create(&site.heap, &options), ==, RM_OK);
    g_assert_cmpint(errno, ==, ERRNO);
    g_assert_cmpint(call_tag(site.heap, &site.tag), ==, RM_OK);
    site.place = place_of(site.tag);
    site.h = (struct heap *)site.place->gate.heap;
    site.stale = make(60);
    site.small = make(50);
    make(3000);
    site.medium = make(2000);
    site.locked = make(70);
    site.large = make(30000);
    g_assert_cmpint(rmfree(site.stale), ==, RM_OK);
    g_assert_cmpint(rmlock(site.locked, &at), ==, RM_OK);
    if (kind == HELD) g_assert_cmpint(rm_heap_hold(site.heap), ==, RM_OK);
    if (kind >= DAMAGED) site.h->region.area_end += UNIT;
    if (kind == FROZEN) g_assert_cmpint(rm_heap_trim(site.heap), ==, RM_ECORRUPT);
}

static void assert_left(const char *name, enum kind kind) {
    if (pthread_mutex_trylock(&site.place->mutex) != 0)
        g_error("%s, %u: the mutex is not given back", name, kind);
    pthread_mutex_unlock(&site.place->mutex);
    if (kind >= DAMAGED) return; /* for good */
    g_assert_false(site.place->crowd.stopped);
    g_assert_cmpuint(site.h->store.table.motion, ==, 0);
}

/* --- calls --- */

static rm_status_t alloc_small(void) {
    rm_memory_t *made;
    return rm_heap_alloc(site.heap, &made, 50, 0, 0);
}
static rm_status_t alloc_zeroed(void) {
    rm_memory_t *made;
    void *at;
    rm_status_t status = rm_heap_alloc(site.heap, &made, 60, 0, RM_ZERO);
    if (status == RM_OK && rmlock(made, &at) == RM_OK)
        for (unsigned i = 0; i < 60; i++) g_assert_cmpint(((char *)at)[i], ==, 0);
    return status;
}
static rm_status_t alloc_medium(void) {
    rm_memory_t *made;
    return rm_heap_alloc(site.heap, &made, 2000, 0, 0);
}
static rm_status_t alloc_aligned(void) {
    rm_memory_t *made;
    return rm_heap_alloc(site.heap, &made, 700, 256, 0);
}
static rm_status_t alloc_huge(void) {
    rm_memory_t *made;
    return rm_heap_alloc(site.heap, &made, 4 * REGION, 0, 0);
}
static rm_status_t alloc_odd(void) {
    rm_memory_t *made;
    return rm_heap_alloc(site.heap, &made, 10, 3, 0);
}
static rm_status_t free_small(void) { return rmfree(site.small); }
static rm_status_t free_medium(void) { return rmfree(site.medium); }
static rm_status_t free_large(void) { return rmfree(site.large); }
static rm_status_t free_locked(void) { return rmfree(site.locked); }
static rm_status_t free_stale(void) { return rmfree(site.stale); }
static rm_status_t resize_small(void) { return rmrealloc(site.small, 40); }
static rm_status_t resize_more(void) { return rmrealloc(site.small, 900); }
static rm_status_t resize_medium(void) { return rmrealloc(site.medium, 1000); }
static rm_status_t resize_large(void) { return rmrealloc(site.large, 40000); }
static rm_status_t resize_locked(void) { return rmrealloc(site.locked, 5000); }
static rm_status_t resize_stale(void) { return rmrealloc(site.stale, 40); }
static rm_status_t resize_huge(void) { return rmrealloc(site.large, 4 * REGION); }
static rm_status_t lock_small(void) {
    void *at;
    return rmlock(site.small, &at);
}
static rm_status_t lock_many(void) {
    rm_status_t status = RM_OK;
    void *at;
    for (unsigned i = 0; i < 6 && status == RM_OK; i++) status = rmlock(site.locked, &at);
    return status;
}
static rm_status_t lock_stale(void) {
    void *at;
    return rmlock(site.stale, &at);
}
static rm_status_t unlock_locked(void) { return rmunlock(site.locked); }
static rm_status_t unlock_small(void) { return rmunlock(site.small); }
static rm_status_t unlock_stale(void) { return rmunlock(site.stale); }
static rm_status_t unlock_many(void) {
    rm_status_t status = lock_many();
    for (unsigned i = 0; i < 6 && status == RM_OK; i++) status = rmunlock(site.locked);
    return status;
}
static rm_status_t peek_locked(void) {
    void *at;
    return rmpeek(site.locked, &at);
}
static rm_status_t peek_many(void) {
    void *at;
    rm_status_t status = lock_many();
    return status == RM_OK ? rmpeek(site.locked, &at) : status;
}
static rm_status_t peek_stale(void) {
    void *at;
    return rmpeek(site.stale, &at);
}
static rm_status_t size_of(void) {
    size_t size = 0;
    rm_status_t status = rmsize(site.medium, &size);
    if (status == RM_OK) g_assert_cmpuint(size, ==, 2000);
    return status;
}
static rm_status_t size_stale(void) {
    size_t size;
    return rmsize(site.stale, &size);
}
static rm_status_t locks_of(void) {
    unsigned locks = 0;
    rm_status_t status = rmlocks(site.locked, &locks);
    if (status == RM_OK) g_assert_cmpuint(locks, ==, 1);
    return status;
}
static rm_status_t locks_stale(void) {
    unsigned locks;
    return rmlocks(site.stale, &locks);
}
static rm_status_t heap_of(void) {
    rm_heap_t *heap = NULL;
    rm_status_t status = rmheap(site.small, &heap);
    if (status == RM_OK) g_assert_true(heap == site.heap);
    return status;
}
static rm_status_t heap_stale(void) {
    rm_heap_t *heap;
    return rmheap(site.stale, &heap);
}

/* --- of the heap --- */

static rm_status_t compact(void) { return rm_heap_compact(site.heap, NULL, NULL); }
static rm_status_t compact_some(void) {
    rm_progress_t progress;
    return rm_heap_compact(site.heap, &(rm_budget_t){.bytes = 2000}, &progress);
}
static rm_status_t compact_soon(void) {
    return rm_heap_compact(site.heap, &(rm_budget_t){.nanoseconds = 1000}, NULL);
}
static rm_status_t largest(void) {
    size_t size;
    return rm_heap_largest(site.heap, false, &size);
}
static rm_status_t largest_then(void) {
    size_t size;
    return rm_heap_largest(site.heap, true, &size);
}
static rm_status_t trim(void) { return rm_heap_trim(site.heap); }
static rm_status_t idle(void) {
    (void)rm_heap_idle(site.heap, os_now_ns() + 100000000);
    return RM_OK;
}
static rm_status_t pause_and_on(void) {
    rm_status_t status = rm_heap_pause(site.heap);
    return status == RM_OK ? rm_heap_resume(site.heap) : status;
}
static rm_status_t resume(void) { return rm_heap_resume(site.heap); }
static rm_status_t hold(void) {
    rm_status_t status = rm_heap_hold(site.heap);
    return status == RM_OK ? rm_heap_release(site.heap) : status;
}
static rm_status_t release(void) { return rm_heap_release(site.heap); }
static rm_status_t stats(void) {
    rm_stats_t all;
    rm_status_t status = rm_heap_stats(site.heap, &all);
    if (status == RM_OK) g_assert_cmpuint(all.locked_blocks, ==, 1);
    return status;
}
static rm_status_t stats_quick(void) {
    rm_stats_t all;
    return rm_heap_stats_quick(site.heap, &all);
}
static bool visit(const rm_span_t *span, void *context) {
    unsigned *n = context;
    return span->size > 0 && ++*n < 4;
}
static rm_status_t walk(void) {
    unsigned n = 0;
    return rm_heap_walk(site.heap, visit, &n);
}
static rm_status_t check(void) {
    rm_fault_t fault;
    return rm_heap_check(site.heap, &fault);
}

static const struct {
    const char *name;
    rm_status_t (*call)(void);
    const char *says; /* by kinds */
} calls[] = {
    {"alloc_small", alloc_small, "000000088"},
    {"alloc_zeroed", alloc_zeroed, "000000088"},
    {"alloc_medium", alloc_medium, "000000088"},
    {"alloc_aligned", alloc_aligned, "000000088"},
    {"alloc_huge", alloc_huge, "111011188"},
    {"alloc_odd", alloc_odd, "222222222"},
    {"free_small", free_small, "000000088"},
    {"free_medium", free_medium, "000000088"},
    {"free_large", free_large, "000000088"},
    {"free_locked", free_locked, "444444488"},
    {"free_stale", free_stale, "333333338"},
    {"resize_small", resize_small, "000000088"},
    {"resize_more", resize_more, "000000488"},
    {"resize_medium", resize_medium, "000000088"},
    {"resize_large", resize_large, "000000088"},
    {"resize_locked", resize_locked, "444444488"},
    {"resize_stale", resize_stale, "333333338"},
    {"resize_huge", resize_huge, "111011488"},
    {"lock_small", lock_small, "000000008"},
    {"lock_many", lock_many, "000000088"},
    {"lock_stale", lock_stale, "333333338"},
    {"unlock_locked", unlock_locked, "000000008"},
    {"unlock_small", unlock_small, "555555558"},
    {"unlock_stale", unlock_stale, "333333338"},
    {"unlock_many", unlock_many, "000000088"},
    {"peek_locked", peek_locked, "000000008"},
    {"peek_many", peek_many, "000000088"},
    {"peek_stale", peek_stale, "333333338"},
    {"size_of", size_of, "000000008"},
    {"size_stale", size_stale, "333333338"},
    {"locks_of", locks_of, "000000008"},
    {"locks_stale", locks_stale, "333333338"},
    {"heap_of", heap_of, "000000008"},
    {"heap_stale", heap_stale, "333333338"},
    {"compact", compact, "000000088"},
    {"compact_some", compact_some, "000000088"},
    {"compact_soon", compact_soon, "000000088"},
    {"largest", largest, "000000088"},
    {"largest_then", largest_then, "000000088"},
    {"trim", trim, "000000088"},
    {"idle", idle, "000000000"},
    {"pause_and_on", pause_and_on, "222222288"},
    {"resume", resume, "222222288"},
    {"hold", hold, "000000088"},
    {"release", release, "555555058"},
    {"stats", stats, "000000088"},
    {"stats_quick", stats_quick, "000000088"},
    {"walk", walk, "000000088"},
    {"check", check, "000000088"},
};

static void test_call(gconstpointer data) {
    unsigned n = GPOINTER_TO_UINT(data);
    char is[KINDS + 1] = "";
    for (enum kind kind = 0; kind < KINDS; kind++) {
        open_site(kind);
        errno = ERRNO;
        is[kind] = (char)('0' + calls[n].call());
        g_assert_cmpint(errno, ==, ERRNO); /* RM_ESYSTEM alone says more */
        assert_left(calls[n].name, kind);
        g_assert_cmpint(rm_heap_destroy(site.heap), ==, RM_OK);
        g_assert_cmpint(pthread_mutex_trylock(&site.place->mutex), ==, 0);
        pthread_mutex_unlock(&site.place->mutex);
    }
    if (strcmp(is, calls[n].says) != 0)
        g_error("is  {\"%s\", %s, \"%s\"}, not \"%s\"", calls[n].name, calls[n].name, is,
                calls[n].says);
}

/* One that has a thread of its own at work: it is made, paused and goes, more than once. */
static void test_background(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.compaction = RM_COMPACT_BACKGROUND;
    for (unsigned i = 0; i < 3; i++) {
        errno = ERRNO;
        g_assert_cmpint(rm_heap_create(&site.heap, &options), ==, RM_OK);
        g_assert_cmpint(rm_heap_resume(site.heap), ==, RM_EUNLOCKED);
        g_assert_cmpint(rm_heap_pause(site.heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_pause(site.heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_resume(site.heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_resume(site.heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_resume(site.heap), ==, RM_EUNLOCKED);
        g_assert_cmpint(errno, ==, ERRNO);
        rm_heap_t *other;
        g_assert_cmpint(rm_heap_create(&other, &options), ==, RM_OK);
        g_assert_cmpint(rm_heap_destroy(i == 1 ? other : site.heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_pause(i == 1 ? site.heap : other), ==, RM_OK);
        g_assert_cmpint(rm_heap_destroy(i == 1 ? site.heap : other), ==, RM_OK);
        g_assert_cmpint(errno, ==, ERRNO);
    }
    options.threads = RM_THREADS_NONE;
    g_assert_cmpint(rm_heap_create(&site.heap, &options), ==, RM_EINVAL);
}

/* --- fences of two heaps, whichever goes first --- */

static bool can_be_read(const char *at) {
    int pipes[2];
    g_assert_cmpint(pipe(pipes), ==, 0);
    bool can = write(pipes[1], at, 1) == 1;
    close(pipes[0]);
    close(pipes[1]);
    return can;
}

static void assert_fenced(rm_heap_t *heap) {
    rm_memory_t *block, *other;
    void *pointer;
    site.heap = heap;
    block = make(96);
    other = make(96);
    g_assert_cmpint(rmlock(block, &pointer), ==, RM_OK);
    char *at = pointer;
    memset(at, 1, 96);
    g_assert_true(can_be_read(at + 95) && !can_be_read(at + 96));
    g_assert_cmpint(rmunlock(block), ==, RM_OK);
    g_assert_false(can_be_read(at));
    g_assert_cmpint(rmlock(block, &pointer), ==, RM_OK);
    at = pointer;
    for (unsigned i = 0; i < 96; i++) g_assert_cmpint(at[i], ==, 1);
    g_assert_cmpint(rm_heap_hold(heap), ==, RM_OK);
    g_assert_cmpint(rmunlock(block), ==, RM_OK); /* who reads may have its address */
    g_assert_true(can_be_read(at));
    g_assert_cmpint(rmlock(other, &pointer), ==, RM_OK);
    g_assert_true(can_be_read(at) && can_be_read((char *)pointer + 96));
    g_assert_cmpint(rmunlock(other), ==, RM_OK);
    g_assert_cmpint(rm_heap_release(heap), ==, RM_OK);
    g_assert_cmpint(rm_heap_check(heap, NULL), ==, RM_OK); /* the next call that enters */
    g_assert_false(can_be_read(at));
    g_assert_cmpint(rmfree(block), ==, RM_OK);
    g_assert_cmpint(rmfree(other), ==, RM_OK);
}

static void test_fences(void) {
    for (unsigned turn = 0; turn < 4; turn++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        rm_heap_t *heaps[2];
        options.fence_every = 1;
        options.threads = turn < 2 ? RM_THREADS_NONE : RM_THREADS_SAFE;
        for (unsigned i = 0; i < 2; i++)
            g_assert_cmpint(rm_heap_create(&heaps[i], &options), ==, RM_OK);
        assert_fenced(heaps[0]);
        assert_fenced(heaps[1]);
        g_assert_cmpint(rm_heap_destroy(heaps[turn % 2]), ==, RM_OK);
        assert_fenced(heaps[1 - turn % 2]);
        g_assert_cmpint(rm_heap_destroy(heaps[1 - turn % 2]), ==, RM_OK);
    }
}

/* Watermarks that make no sense, one by one, and those that do. */
static void test_marks(void) {
    static const struct {
        rm_watermarks_t marks;
        rm_status_t says;
    } cases[] = {{{0, 0, 0, 0}, RM_OK},          {{0.1, 0.1, 5, 5}, RM_OK},
                 {{1, 1, 0, 0}, RM_OK},          {{0.2, 0.1, 0, 0}, RM_EINVAL},
                 {{0, 0, 2, 1}, RM_EINVAL},      {{-0.1, 0.5, 0, 0}, RM_EINVAL},
                 {{0, 1.01, 0, 0}, RM_EINVAL},   {{0.1, 0.2, 9, 8}, RM_EINVAL},
                 {{1.01, 1.01, 0, 0}, RM_EINVAL}};
    static const rm_watermarks_t as_they_are = {0.05, 0.15, REGION / 16, REGION / 8};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        rm_watermarks_t is = i == 0 ? as_they_are : cases[i].marks;
        rm_heap_t *heap;
        options.compaction = RM_COMPACT_BACKGROUND;
        options.size = REGION;
        options.watermarks = cases[i].marks;
        g_assert_cmpint(rm_heap_create(&heap, &options), ==, cases[i].says);
        if (cases[i].says != RM_OK) {
            g_assert_null(heap);
            continue;
        }
        g_assert_cmpint(call_tag(heap, &site.tag), ==, RM_OK);
        const struct watch *w = place_of(site.tag)->watch;
        g_assert_cmpmem(&w->marks, sizeof w->marks, &is, sizeof is);
        g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
    }
}

/* Places of heaps come round, of those that could not be made too; one that stays keeps its own. */
static void test_places(void) {
    enum { TURNS = PLACES + 100 };
    static _Alignas(16) char others[RM_HEAP_SIZE_MIN];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;
    void *pointer;
    open_site(NONE);
    options.memory = others;
    for (unsigned i = 0; i < TURNS; i++) {
        options.size = 64;
        g_assert_cmpint(rm_heap_create(&heap, &options), !=, RM_OK);
        g_assert_null(heap);
    }
    for (unsigned i = 0; i < TURNS; i++) {
        options.size = sizeof others;
        g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
        g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
        g_assert_cmpint(rm_heap_destroy(heap), ==, RM_EINVAL);
    }
    g_assert_cmpint(rmlock(site.small, &pointer), ==, RM_OK);
    g_assert_true((char *)pointer > memory && (char *)pointer < memory + REGION);
    g_assert_cmpint(rm_heap_check(site.heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(site.heap), ==, RM_OK);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
        char *name = g_strdup_printf("/doors/%s", calls[i].name);
        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_call);
        g_free(name);
    }
    g_test_add_func("/doors/background", test_background);
    g_test_add_func("/doors/fences", test_fences);
    g_test_add_func("/doors/places", test_places);
    g_test_add_func("/doors/marks", test_marks);
    return g_test_run();
}
