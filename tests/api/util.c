/* SPDX-License-Identifier: MIT */
#include "util.h"

#include <string.h>

const char *status_name(rm_status_t status) {
    static const char *const names[] = {
        "RM_OK",        "RM_ENOMEM",    "RM_EINVAL",  "RM_EHANDLE",  "RM_ELOCKED",
        "RM_EUNLOCKED", "RM_EOVERFLOW", "RM_EPURGED", "RM_ECORRUPT", "RM_ESYSTEM"};

    return (unsigned)status < G_N_ELEMENTS(names) ? names[status] : "an unknown status";
}

void assert_status_at(const char *file, int line, const char *call, rm_status_t status,
                      rm_status_t wanted) {
    if (status != wanted) {
        char *text = g_strdup_printf("%s: %s, not %s", call, status_name(status),
                                     status_name(wanted));

        g_assertion_message(G_LOG_DOMAIN, file, line, "", text);
    }
}

void assert_sound_at(const char *file, int line, const char *call, const char *text) {
    if (text != NULL) {
        char *message = g_strdup_printf("%s: %s", call, text);

        g_assertion_message(G_LOG_DOMAIN, file, line, "", message);
    }
}

static void heap_open(struct site *site) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    options.memory = site->region.memory;
    options.size = site->region.size;
    options.threads = site->threads;
    options.compaction = site->compaction;
    assert_ok(rm_heap_create(&site->heap, &options));
    g_assert_nonnull(site->heap);
    book_init(&site->book, site->heap);
}

void site_open(struct site *site, size_t size, rm_threads_t threads,
               rm_compaction_t compaction) {
    site->threads = threads;
    site->compaction = compaction;
    guarded_init(&site->region, size, GUARDED_HIGH, 0);
    heap_open(site);
}

void site_renew(struct site *site) {
    assert_ok(rm_heap_destroy(site->heap));
    book_finish(&site->book);
    heap_open(site);
}

void site_verify(struct site *site) {
    assert_sound(book_verify(&site->book));
    assert_sound(heap_fault(site->heap));
    assert_sound(guarded_fault(&site->region));
}

void site_close(struct site *site) {
    site_verify(site);
    assert_ok(rm_heap_destroy(site->heap));
    assert_sound(guarded_fault(&site->region));
    book_finish(&site->book);
    guarded_finish(&site->region);
}

rm_heap_t *heap_with(const rm_heap_options_t *options) {
    rm_heap_t *heap = NULL;

    assert_ok(rm_heap_create(&heap, options));
    g_assert_nonnull(heap);
    return heap;
}

rm_heap_t *growable_heap(size_t limit, rm_compaction_t compaction) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    options.size = limit;
    options.compaction = compaction;
    return heap_with(&options);
}

size_t moved_so_far(rm_heap_t *heap) {
    rm_stats_t stats;

    assert_ok(rm_heap_stats_quick(heap, &stats));
    return stats.moved;
}

size_t free_now(rm_heap_t *heap) {
    rm_stats_t stats;

    assert_ok(rm_heap_stats_quick(heap, &stats));
    return stats.free;
}

void perforate(struct book *book, size_t n, size_t size) {
    size_t first = book->n;

    for (size_t i = 0; i < n; i++) assert_ok(book_alloc(book, size, 0, 0));
    for (size_t i = n; i-- > 0;) /* from the end, see book_free */
        if (i % 2 == 0) assert_ok(book_free(book, first + i));
}

void compact_fully(rm_heap_t *heap, size_t align) {
    rm_progress_t progress = {0, 0, 0, false};

    assert_ok(rm_heap_compact(heap, NULL, &progress));
    g_assert_true(progress.complete);
    assert_sound(heap_complete_fault(heap, align));
}

struct rng test_rng(void) {
    struct rng rng = {(uint64_t)(guint32)g_test_rand_int()};

    return rng;
}

void assert_refused(rm_memory_t *handle) {
    char here;
    void *pointer = &here;
    size_t size = 4711;
    unsigned locks = 4711;
    rm_heap_t *heap = (rm_heap_t *)(uintptr_t)4711;

    assert_status(rmlock(handle, &pointer), RM_EHANDLE);
    g_assert_true(pointer == &here);
    assert_status(rmunlock(handle), RM_EHANDLE);
    assert_status(rmsize(handle, &size), RM_EHANDLE);
    g_assert_cmpuint(size, ==, 4711);
    assert_status(rmlocks(handle, &locks), RM_EHANDLE);
    g_assert_cmpuint(locks, ==, 4711);
    assert_status(rmheap(handle, &heap), RM_EHANDLE);
    g_assert_true(heap == (rm_heap_t *)(uintptr_t)4711);
    assert_status(rmrealloc(handle, 0), RM_EHANDLE);
    assert_status(rmrealloc(handle, 100), RM_EHANDLE);
    if (handle != NULL) /* rmfree(NULL) is fine */
        assert_status(rmfree(handle), RM_EHANDLE);
}
