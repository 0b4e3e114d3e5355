/* SPDX-License-Identifier: MIT */
#include "book.h"
#include "edges.h"
#include "fault.h"

enum { FILLS = 12, SMALL = 80 };

static const char *sound(rm_heap_t *heap) {
    rm_fault_t found;
    if (rm_heap_check(heap, &found) == RM_OK) return NULL;
    return fault("invariant %u at %zu: %s", found.invariant, found.offset, found.text);
}

static const char *books(struct book *book) {
    const char *text = book_verify(book);
    return text != NULL ? text : sound(book->heap);
}

/* The largest request, again and again: what is left at the end is less than a request takes. */
static const char *fill(struct book *book, size_t bytes) {
    size_t largest = 1;
    rm_stats_t stats;
    for (unsigned i = 0; i < FILLS && largest > 0; i++) {
        if (rm_heap_largest(book->heap, false, &largest) != RM_OK)
            return "no largest request";
        if (largest >= bytes) return fault("a request of %zu bytes would fit", largest);
        if (largest == 0) break;
        if (book_alloc(book, largest, 0, RM_NO_COMPACT) != RM_OK)
            return fault("%zu bytes are refused, which is the largest request", largest);
    }
    if (rm_heap_stats(book->heap, &stats) != RM_OK) return "no metrics";
    if (stats.capacity != bytes || stats.limit != bytes)
        return fault("the capacity is %zu", stats.capacity);
    if (largest == 0 && stats.free >= 48 && stats.free_spans == 1)
        return fault("%zu bytes are left, and cannot be had", stats.free);
    return books(book);
}

static size_t size_of(size_t bytes, unsigned i) {
    return (bytes * 7 + i * 37) % (i % 5 == 0 ? 700 : i % 3 == 0 ? 150 : 40);
}

/* Some of every kind, so that the table grows past a group's end; every third goes again, some are
   locked while the rest is compacted. */
static const char *use(struct book *book, size_t bytes) {
    const rm_budget_t step = {bytes / 16 + 1, 0};
    for (unsigned i = 0; i < SMALL; i++)
        (void)book_alloc(book, size_of(bytes, i), i % 16 == 9 ? 64 : 0, 0);
    for (size_t i = book->n; i > 0; i--) {
        if (i % 3 == 0 && book_free(book, i - 1) != RM_OK)
            return "a block cannot be freed";
        if (i % 7 == 1 && i <= book->n && book_lock(book, i - 1) != RM_OK)
            return "a block cannot be locked";
    }
    const char *text = books(book);
    if (text != NULL) return text;
    if (rm_heap_compact(book->heap, &step, NULL) != RM_OK) return "a step fails";
    for (size_t i = 0; i < book->n && i < 8; i++)
        (void)book_resize(book, i, size_of(bytes, (unsigned)i + 3));
    if (rm_heap_compact(book->heap, NULL, NULL) != RM_OK) return "compaction fails";
    text = books(book);
    book_free_all(book);
    if (rm_heap_compact(book->heap, NULL, NULL) != RM_OK) return "compaction fails";
    return text;
}

/* Objects and handles until there is no memory; then all of them again. */
static const char *crowd(struct book *book, size_t bytes) {
    while (book_alloc(book, bytes % 11, 0, 0) == RM_OK) continue;
    const char *text = books(book);
    for (size_t i = 0; i < book->n; i += 2)
        if (book_free(book, i) != RM_OK) return "a block cannot be freed";
    if (rm_heap_compact(book->heap, NULL, NULL) != RM_OK) return "compaction fails";
    if (text == NULL) text = books(book);
    book_free_all(book);
    return text;
}

const char *edges_use(rm_heap_t *heap, size_t bytes, bool whole, uint64_t *n_blocks) {
    struct book book;
    book_init(&book, heap);
    const char *text = sound(heap);
    if (text == NULL) text = fill(&book, bytes);
    book_free_all(&book);
    if (text == NULL) text = use(&book, bytes);
    if (text == NULL && whole) text = crowd(&book, bytes);
    if (text == NULL) text = books(&book);
    *n_blocks += book.n_allocated;
    book_finish(&book);
    return text;
}
