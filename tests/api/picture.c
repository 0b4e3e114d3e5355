/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "fault.h"

static bool collect(const rm_span_t *span, void *context) {
    struct picture *picture = context;

    if (picture->n == picture->room) {
        picture->room = picture->room ? 2 * picture->room : 256;
        picture->spans = realloc(picture->spans, picture->room * sizeof(*picture->spans));
        if (picture->spans == NULL) give_up("no memory for a picture");
    }
    picture->spans[picture->n++] = *span;
    return true;
}

const char *picture_take(struct picture *picture, rm_heap_t *heap) {
    rm_status_t status;

    memset(picture, 0, sizeof(*picture));
    memset(&picture->stats, 0xEE, sizeof(picture->stats)); /* every field is set */
    picture->heap = heap;
    status = rm_heap_walk(heap, collect, picture);
    if (status != RM_OK) return fault("rm_heap_walk says %d", (int)status);
    status = rm_heap_stats(heap, &picture->stats);
    if (status != RM_OK) return fault("rm_heap_stats says %d", (int)status);
    return NULL;
}

void picture_finish(struct picture *picture) {
    free(picture->spans);
    memset(picture, 0, sizeof(*picture));
}

/* ---------------------------------------------------------------- the spans */

static const char *tiles(const struct picture *picture) {
    size_t offset = 0;

    if (picture->n == 0) return fault("a walk visits nothing");
    for (size_t i = 0; i < picture->n; i++) {
        const rm_span_t *span = &picture->spans[i];

        if (span->offset != offset)
            return fault("span %zu begins at %zu, the last one ended at %zu", i,
                         span->offset, offset);
        if (span->size == 0) return fault("span %zu at %zu is empty", i, span->offset);
        if (span->kind > RM_SPAN_RESERVED)
            return fault("span %zu is of kind %d", i, (int)span->kind);
        if (i > 0 && span->kind == RM_SPAN_FREE && span[-1].kind == RM_SPAN_FREE)
            return fault("two free spans meet at %zu", span->offset);
        if (span->handle == NULL && (span->requested != 0 || span->locks != 0))
            return fault("span %zu has no handle, but a size or locks", i);
        if (span->handle != NULL && span->kind != RM_SPAN_BLOCK)
            return fault("span %zu of kind %d has a handle", i, (int)span->kind);
        if (span->handle != NULL && span->size < span->requested)
            return fault("a block of %zu bytes in a span of %zu", span->requested,
                         span->size);
        offset += span->size;
    }
    return NULL;
}

static int by_value(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a;
    uintptr_t y = *(const uintptr_t *)b;

    return (x > y) - (x < y);
}

static const char *handles_distinct(const struct picture *picture) {
    uintptr_t *values = malloc((picture->n + 1) * sizeof(*values));
    const char *text = NULL;
    size_t n = 0;

    if (values == NULL) give_up("no memory for a picture");
    for (size_t i = 0; i < picture->n; i++)
        if (picture->spans[i].handle != NULL)
            values[n++] = (uintptr_t)picture->spans[i].handle;
    qsort(values, n, sizeof(*values), by_value);
    for (size_t i = 1; i < n && text == NULL; i++)
        if (values[i] == values[i - 1]) text = fault("a handle is in two spans");
    free(values);
    return text;
}

static const char *handles_live(const struct picture *picture) {
    rm_heap_t *heap = picture->heap ? picture->heap : rm_heap_default();

    for (size_t i = 0; i < picture->n; i++) {
        const rm_span_t *span = &picture->spans[i];
        size_t size = SIZE_MAX;
        unsigned locks = 9999;
        rm_heap_t *home = NULL;

        if (span->handle == NULL) continue;
        if (rmsize(span->handle, &size) != RM_OK || size != span->requested)
            return fault("the walk says %zu bytes at %zu, rmsize %zu", span->requested,
                         span->offset, size);
        if (rmlocks(span->handle, &locks) != RM_OK || locks != span->locks)
            return fault("the walk says %u locks at %zu, rmlocks %u", span->locks,
                         span->offset, locks);
        if (rmheap(span->handle, &home) != RM_OK || home != heap)
            return fault("the block at %zu says another heap", span->offset);
    }
    return handles_distinct(picture);
}

/* ------------------------------------------------------------- the recount */

struct recount {
    size_t live, requested, used, metadata, free, reserved, locked_blocks, locked;
    size_t free_spans, largest_free;
    size_t extent_least, extent_most;
    size_t below[RM_ORDERS]; /* bytes in free spans of less than 2^order */
};

static void count_free_span(struct recount *recount, size_t size) {
    if (size == 0) return;
    recount->free_spans++;
    if (size > recount->largest_free) recount->largest_free = size;
    for (unsigned order = 0; order < RM_ORDERS; order++)
        if (size < (UINT64_C(1) << order)) recount->below[order] += size;
}

static void count_block(struct recount *recount, const rm_span_t *span) {
    recount->used += span->size;
    recount->extent_most = span->offset + span->size;
    if (span->handle == NULL) return;
    recount->extent_least = span->offset + span->size;
    recount->live++;
    recount->requested += span->requested;
    recount->locked_blocks += span->locks > 0;
    recount->locked += span->locks > 0 ? span->requested : 0;
}

/* Free memory around pages that were given back is one span. */
static void recount_spans(const struct picture *picture, struct recount *recount) {
    size_t open = 0;

    memset(recount, 0, sizeof(*recount));
    for (size_t i = 0; i < picture->n; i++) {
        const rm_span_t *span = &picture->spans[i];

        if (span->kind == RM_SPAN_FREE) {
            recount->free += span->size;
            open += span->size;
        } else if (span->kind == RM_SPAN_RESERVED) {
            recount->reserved += span->size;
        } else {
            count_free_span(recount, open);
            open = 0;
            if (span->kind == RM_SPAN_METADATA)
                recount->metadata += span->size;
            else
                count_block(recount, span);
        }
    }
    count_free_span(recount, open);
}

static bool near(double a, double b) {
    return a >= 0 && a <= 1 && a - b < 1e-9 && b - a < 1e-9;
}

static const char *fractions(const rm_stats_t *stats, const struct recount *recount) {
    double internal = 0, external = 0;

    if (stats->used > 0) internal = 1 - (double)stats->requested / (double)stats->used;
    if (stats->free > 0) external = 1 - (double)stats->largest_free / (double)stats->free;
    if (!near(stats->internal_fragmentation, internal))
        return fault("internal_fragmentation is %g, not %g",
                     stats->internal_fragmentation, internal);
    if (!near(stats->external_fragmentation, external))
        return fault("external_fragmentation is %g, not %g",
                     stats->external_fragmentation, external);
    for (unsigned order = 0; order < RM_ORDERS; order++) {
        double share = 0;

        if (stats->free > 0) share = (double)recount->below[order] / (double)stats->free;
        if (!near(stats->unusable[order], share))
            return fault("unusable[%u] is %g, not %g", order, stats->unusable[order],
                         share);
    }
    return NULL;
}

#define EQUAL(field, wanted)                                                             \
    do {                                                                                 \
        if (stats->field != (wanted))                                                    \
            return fault("the metrics say " #field " is %zu, the walk %zu",              \
                         stats->field, (size_t)(wanted));                                \
    } while (0)

static const char *metrics(const struct picture *picture) {
    const rm_stats_t *stats = &picture->stats;
    struct recount recount;

    recount_spans(picture, &recount);
    if (stats->used + stats->metadata + stats->free != stats->capacity)
        return fault("used %zu + metadata %zu + free %zu is not capacity %zu",
                     stats->used, stats->metadata, stats->free, stats->capacity);
    EQUAL(live_blocks, recount.live);
    EQUAL(requested, recount.requested);
    EQUAL(used, recount.used);
    EQUAL(metadata, recount.metadata);
    EQUAL(free, recount.free);
    EQUAL(free_spans, recount.free_spans);
    EQUAL(largest_free, recount.largest_free);
    EQUAL(locked_blocks, recount.locked_blocks);
    EQUAL(locked, recount.locked);
    if (recount.live > 0 &&
        (stats->extent < recount.extent_least || stats->extent > recount.extent_most))
        return fault("extent is %zu, the highest block ends at %zu", stats->extent,
                     recount.extent_least);
    if (recount.live == 0 && stats->extent > recount.metadata)
        return fault("extent is %zu without a block", stats->extent);
    if (stats->capacity > stats->limit)
        return fault("capacity %zu is above the limit %zu", stats->capacity,
                     stats->limit);
    if (stats->peak_capacity < stats->capacity ||
        stats->peak_requested < stats->requested)
        return fault("a peak is below what there is");
    if (stats->allocations - stats->frees != stats->live_blocks)
        return fault("%zu allocations less %zu frees are not %zu live blocks",
                     stats->allocations, stats->frees, stats->live_blocks);
    return fractions(stats, &recount);
}

static const char *quick_is_same(const struct picture *picture) {
    const rm_stats_t *stats = &picture->stats;
    rm_stats_t quick;

    memset(&quick, 0xEE, sizeof(quick));
    if (rm_heap_stats_quick(picture->heap, &quick) != RM_OK)
        return fault("rm_heap_stats_quick fails");
    if (quick.locked_blocks != 0 || quick.locked != 0)
        return fault("rm_heap_stats_quick counts the locked");
    quick.locked_blocks = stats->locked_blocks;
    quick.locked = stats->locked;
    if (memcmp(&quick, stats, offsetof(rm_stats_t, internal_fragmentation)) != 0 ||
        memcmp(quick.unusable, stats->unusable, sizeof(quick.unusable)) != 0 ||
        memcmp(&quick.internal_fragmentation, &stats->internal_fragmentation,
               2 * sizeof(double)) != 0)
        return fault("rm_heap_stats_quick says other than rm_heap_stats");
    return NULL;
}

const char *picture_audit(const struct picture *picture) {
    const char *text = tiles(picture);

    if (text == NULL) text = metrics(picture);
    if (text == NULL) text = handles_live(picture);
    if (text == NULL) text = quick_is_same(picture);
    return text;
}

/* ----------------------------------------------------------------- promises */

/* From the top down: the least room that an unlocked block above would need. */
const char *picture_complete(const struct picture *picture, size_t align) {
    size_t least = SIZE_MAX;
    size_t from = 0;

    if (picture->stats.locked_blocks == 0 && align <= 16 && picture->stats.free_spans > 1)
        return fault("complete with nothing locked, but %zu free spans",
                     picture->stats.free_spans);
    for (size_t i = picture->n; i-- > 0;) {
        const rm_span_t *span = &picture->spans[i];

        if (span->kind == RM_SPAN_FREE && span->size >= least &&
            (align <= 16 || span->size >= align))
            return fault("complete, but the block at %zu fits into the %zu free "
                         "bytes at %zu",
                         from, span->size, span->offset);
        if (span->handle != NULL && span->locks == 0) {
            size_t need = block_need(span->requested, align) + 8;

            need = need > span->size ? need : span->size;
            if (need < least) {
                least = need;
                from = span->offset;
            }
        }
    }
    return NULL;
}

static bool span_same(const rm_span_t *a, const rm_span_t *b) {
    return a->offset == b->offset && a->size == b->size && a->kind == b->kind &&
           a->handle == b->handle && a->requested == b->requested && a->locks == b->locks;
}

const char *picture_same(const struct picture *before, const struct picture *after) {
    rm_stats_t wanted = before->stats;

    if (before->n != after->n)
        return fault("%zu spans before, %zu after", before->n, after->n);
    for (size_t i = 0; i < before->n; i++)
        if (!span_same(&before->spans[i], &after->spans[i]))
            return fault("span %zu, at %zu, is another now", i, before->spans[i].offset);
    wanted.failures = after->stats.failures;
    if (memcmp(&wanted, &after->stats, sizeof(wanted)) != 0)
        return fault("the metrics have changed");
    return NULL;
}

/* -------------------------------------------------------------- for the eye */

void picture_draw(const struct picture *picture, char *line, size_t columns) {
    static const char mark[] = {'#', '.', 'M', ' '};
    size_t total = 0, column = 0;

    for (size_t i = 0; i < picture->n; i++) total += picture->spans[i].size;
    for (size_t i = 0; i < picture->n && total > 0; i++) {
        size_t end = picture->spans[i].offset + picture->spans[i].size;

        while (column < columns && (2 * column + 1) * total < 2 * end * columns)
            line[column++] = mark[picture->spans[i].kind & 3];
    }
    line[column] = '\0';
}

const char *heap_fault(rm_heap_t *heap) {
    struct picture picture;
    rm_fault_t found = {99, 0, ""};
    rm_status_t status = rm_heap_check(heap, &found);
    const char *text = NULL;

    if (status != RM_OK || found.invariant != 0)
        return fault("rm_heap_check says %d, invariant %u at %zu: %.120s", (int)status,
                     found.invariant, found.offset, found.text);
    text = picture_take(&picture, heap);
    if (text == NULL) text = picture_audit(&picture);
    picture_finish(&picture);
    return text;
}

const char *heap_complete_fault(rm_heap_t *heap, size_t align) {
    struct picture picture;
    const char *text = picture_take(&picture, heap);

    if (text == NULL) text = picture_audit(&picture);
    if (text == NULL) text = picture_complete(&picture, align);
    picture_finish(&picture);
    return text;
}
