/* SPDX-License-Identifier: MIT */
/*
 * A view of this process's heaps, where some word of what is read is another than it was, or cannot be read: what the
 * view says of it. Threads have something of the heap, and more than a part of it is copied.
 */
#include <glib.h>
#include <pthread.h>
#include <rmalloc_view.h>
#include <unistd.h>

#include "block.h"
#include "inject.h"
#include "os.h"
#include "reading.h"
#include "threads.h"
#include "watch.h"

enum { LIMIT = 32 << 20, LARGE = 1 << 20, OBJECTS = 2000, MOST_READS = 20 };

/* --- the heap --- */

struct site {
    rm_heap_t *heap;
    struct heap *h;
    const struct place *place;
    struct cache *caches[2];
    rm_memory_t *objects[OBJECTS], *large[3];
    pthread_t thread;
    pthread_barrier_t barrier;
};

static void keep_some(rm_heap_t *heap) {
    rm_memory_t *made;
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(rm_heap_alloc(heap, &made, i ? 1000 : 40, 0, 0), ==, RM_OK);
        g_assert_cmpint(rmfree(made), ==, RM_OK);
    }
}
static void *keep(void *context) {
    struct site *site = context;
    keep_some(site->heap);
    pthread_barrier_wait(&site->barrier); /* the heap is looked at */
    pthread_barrier_wait(&site->barrier);
    return NULL;
}

/* Runs of more than a page; a large block, a free span as large, and another, so that nothing else lies in the free
   span's first pages. */
static void open_site(struct site *site, gconstpointer compaction) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.size = LIMIT;
    options.compaction = compaction != NULL ? RM_COMPACT_BACKGROUND : RM_COMPACT_MANUAL;
    pthread_barrier_init(&site->barrier, NULL, 2);
    g_assert_cmpint(rm_heap_create(&site->heap, &options), ==, RM_OK);
    if (compaction != NULL) g_assert_cmpint(rm_heap_pause(site->heap), ==, RM_OK);
    g_assert_cmpint(pthread_create(&site->thread, NULL, keep, site), ==, 0);
    pthread_barrier_wait(&site->barrier);
    for (unsigned i = 0; i < OBJECTS; i++)
        g_assert_cmpint(rm_heap_alloc(site->heap, &site->objects[i], 500, 0, 0), ==,
                        RM_OK);
    keep_some(site->heap);
    for (unsigned i = 0; i < 3; i++)
        g_assert_cmpint(rm_heap_alloc(site->heap, &site->large[i], LARGE, 0, 0), ==,
                        RM_OK);
    g_assert_cmpint(rmfree(site->large[1]), ==, RM_OK);
    uint64_t tag = (uintptr_t)site->heap >> 4;
    site->place = &registry_sign.places[registry_place(tag)];
    site->h = (struct heap *)site->place->gate.heap;
    site->caches[0] = site->place->crowd.caches;
    site->caches[1] = site->caches[0]->next;
    g_assert_nonnull(site->caches[1]);
    g_assert_null(site->caches[1]->next);
    g_assert_true(site->h->region.pages);
}

static void close_site(struct site *site, gconstpointer compaction) {
    pthread_barrier_wait(&site->barrier);
    g_assert_cmpint(pthread_join(site->thread, NULL), ==, 0);
    g_assert_cmpint(rm_heap_destroy(site->heap), ==, RM_OK);
    pthread_barrier_destroy(&site->barrier);
}

static rm_view_t *view_of(struct other *other) {
    rm_view_t *view;
    g_assert_cmpint(rm_view_open(&view, (uintptr_t)&registry_sign, read_own, other, NULL),
                    ==, RM_VIEW_OK);
    return view;
}

/* What is said of a copy, and in a proof of it. */
static void expect(const struct site *site, struct other *other, rm_view_status_t copied,
                   rm_view_status_t settled, const char *what) {
    rm_view_t *view = view_of(other);
    rm_fault_t fault;
    memset(other->seen, 0, sizeof other->seen);
    rm_view_status_t status = rm_view_copy(view, site->heap, NULL);
    if (status != copied) g_error("%s: %s", what, rm_view_strerror(status));
    if (status == RM_VIEW_OK) {
        status = rm_view_settle(view, &fault);
        if (status != settled) g_error("%s: settled, %s", what, rm_view_strerror(status));
        g_assert_cmpint(status == RM_VIEW_OK, ==, fault.invariant == 0);
    }
    rm_stats_t stats;
    g_assert_cmpint(rm_view_stats(view, &stats), ==,
                    status == RM_VIEW_OK ? RM_VIEW_OK : RM_VIEW_EINVAL);
    rm_view_close(view);
    *other = (struct other){.n_patches = 0};
}

#define COPIED RM_VIEW_OK
#define IS(field, value, copied, settled)                                                \
    do {                                                                                 \
        add(&other, &(field), (uint64_t)(value), sizeof(field));                         \
        expect(site, &other, copied, settled, #field);                                   \
    } while (0)
#define DAMAGED(field, value) IS(field, value, RM_VIEW_DAMAGED, RM_VIEW_DAMAGED)
#define UNPROVEN(field, value) IS(field, value, COPIED, RM_VIEW_DAMAGED)

/* --- tests --- */

static bool count(const rm_span_t *span, void *context) {
    *(size_t *)context += span->size;
    return true;
}

/* It is as the heap says of itself, however often it is settled. */
static void test_sound(struct site *site, gconstpointer compaction) {
    struct other other = {.n_patches = 0};
    rm_view_t *view = view_of(&other);
    rm_stats_t is, should;
    if (compaction != NULL) site->place->watch->backoffs = 5; /* it is paused */
    rm_fault_t fault;
    size_t there = 0, here = 0;
    g_assert_cmpint(rm_view_copy(view, site->heap, NULL), ==, RM_VIEW_OK);
    for (unsigned i = 0; i < 2; i++)
        g_assert_cmpint(rm_view_settle(view, &fault), ==, RM_VIEW_OK);
    g_assert_cmpint(rm_view_stats(view, &is), ==, RM_VIEW_OK);
    g_assert_cmpint(rm_view_walk(view, count, &there), ==, RM_VIEW_OK);
    g_assert_cmpint(rm_heap_stats(site->heap, &should), ==, RM_OK);
    g_assert_cmpint(rm_heap_walk(site->heap, count, &here), ==, RM_OK);
    g_assert_cmpint(memcmp(&is, &should, sizeof is), ==, 0);
    g_assert_cmpuint(there, ==, here);
    rm_view_forget(view);
    g_assert_cmpint(rm_view_settle(view, &fault), ==, RM_VIEW_EINVAL);
    rm_view_close(view);
}

/* What blocks contain is not read, and what is read comes in a few long pieces; each copy takes the place of the one
   before, and all of it goes back. */
static void test_cost(struct site *site, gconstpointer compaction) {
    struct other other = {.n_patches = 0};
    size_t kept = inject_kept(), with = 0, bytes;
    rm_view_t *view = view_of(&other);
    for (unsigned i = 0; i < 3; i++) {
        other.n_reads = other.n_bytes = 0;
        g_assert_cmpint(rm_view_copy(view, site->heap, &bytes), ==, RM_VIEW_OK);
        g_assert_cmpuint(bytes, ==, other.n_bytes);
        g_test_message("%zu reads, %zu bytes", other.n_reads, other.n_bytes);
        g_assert_cmpuint(other.n_reads, <, MOST_READS);
        g_assert_cmpuint(other.n_bytes, >, OBJECTS * 500);
        g_assert_cmpuint(other.n_bytes, <, OBJECTS * 500 + LARGE / 2);
        if (i == 0) with = inject_kept();
        g_assert_cmpuint(inject_kept(), ==, with);
    }
    rm_view_close(view);
    g_assert_cmpuint(inject_kept(), ==, kept);
}

/* Each request for memory is refused in turn: there is no copy, and nothing is left of it. */
static void test_no_memory(struct site *site, gconstpointer compaction) {
    struct other other = {.n_patches = 0};
    rm_view_t *view;
    for (unsigned i = 1; i < 3; i++) {
        inject_begin(
            &(struct fault){i, false, 0, 1u << REQUEST_RESERVE | 1u << REQUEST_COMMIT});
        rm_view_status_t opened =
            rm_view_open(&view, (uintptr_t)&registry_sign, read_own, &other, NULL);
        inject_end();
        g_assert_true(opened == RM_VIEW_NO_MEMORY && view == NULL);
    }
    view = view_of(&other);
    rm_view_forget(view);
    size_t kept = inject_kept();
    rm_view_status_t status = RM_VIEW_NO_MEMORY;
    unsigned k = 0;
    while (status != RM_VIEW_OK) {
        g_assert_cmpuint(++k, <, 20);
        inject_begin(
            &(struct fault){k, false, 0, 1u << REQUEST_RESERVE | 1u << REQUEST_COMMIT});
        status = rm_view_copy(view, site->heap, NULL);
        inject_end();
        if (status == RM_VIEW_OK) break;
        g_assert_cmpint(status, ==, RM_VIEW_NO_MEMORY);
        g_assert_cmpuint(inject_kept(), ==, kept);
        g_assert_cmpint(rm_view_settle(view, NULL), ==, RM_VIEW_EINVAL);
    }
    /* Each is reserved and committed: caches; the copy, in two parts; what is wanted of it. */
    g_assert_cmpuint(k, ==, 2 + 3 + 2 + 1);
    g_assert_cmpint(rm_view_settle(view, NULL), ==, RM_VIEW_OK);
    rm_view_close(view);
}

static void test_caches(struct site *site, gconstpointer compaction) {
    struct other other = {.n_patches = 0};
    struct cache *first = site->caches[0], *second = site->caches[1];
    IS(first->busy, 1, RM_VIEW_BUSY, 0);
    UNPROVEN(second->n_spare, CACHE_SPARE + 1);
    UNPROVEN(second->n_spare, 1u << 30);
    UNPROVEN(second->n[0], 1);
    UNPROVEN(first->n[1], CACHE_SMALL + 1);
    UNPROVEN(first->n[CLASSES], CACHE_BLOCKS + 1);
    UNPROVEN(first->bytes, first->bytes + 1);
    DAMAGED(first->next, (uintptr_t)second + 4);
    DAMAGED(second->next, (uintptr_t)first); /* round and round */
    add(&other, &first->next, 0, sizeof first->next);
    other.patches[0].from = 2; /* when it is copied */
    expect(site, &other, RM_VIEW_BUSY, 0, "the second cache goes");
    other.dark = &second->busy;
    expect(site, &other, RM_VIEW_UNREADABLE, 0, "what a cache begins with");
    other.dark = &second->busy;
    other.n_dark = 1;
    expect(site, &other, RM_VIEW_UNREADABLE, 0, "what a cache begins with, once");
    other.dark = &second->blocks;
    expect(site, &other, RM_VIEW_UNREADABLE, 0, "what is in a cache");
    IS(site->place->crowd.caches, 0, COPIED, RM_VIEW_DAMAGED);
}

static void test_plan(struct site *site, gconstpointer compaction) {
    struct other other = {.n_patches = 0};
    const struct place *p = site->place;
    struct heap *h = site->h;
    struct area *a = &h->store.area;
    struct mover *m = &h->store.mover;
    size_t page = os_page();
    DAMAGED(p->bytes, 100);
    DAMAGED(p->bytes, HEAP_BYTES_MAX + page);
    DAMAGED(p->bytes, p->bytes + 8);
    DAMAGED(p->bytes, p->bytes / 2);
    DAMAGED(p->low, UINTPTR_MAX - page + 1);
    DAMAGED(p->low, (uintptr_t)p->low + 8);
    DAMAGED(p->pages, 2);
    DAMAGED(p->pages, 0);
    DAMAGED(h->region.pages, 2);
    DAMAGED(h->region.area_end, (uintptr_t)p->low);
    DAMAGED(h->region.area_end, (uintptr_t)h->region.table_end + page);
    DAMAGED(h->region.table_end, (uintptr_t)h + 64);
    DAMAGED(h->region.zones_end, (uintptr_t)h);
    DAMAGED(h->region.zones_end, (uintptr_t)p->low + p->bytes + page);
    DAMAGED(h->tag, h->tag + 1);
    UNPROVEN(a->limit, 0);
    UNPROVEN(a->limit, UNIT_NIL);
    /* The block half moved: where its parts would be is fetched, if they can be there. */
    struct mover none = *m;
    const struct mover wrong[] = {
        {.to = a->limit, .from = 1, .units = 1},
        {.to = 1, .from = a->limit, .units = 1},
        {.to = 1, .from = a->limit - 1, .units = 2},
        {.to = a->limit - 1, .from = 1, .units = 2},
        {.to = 1, .from = 2, .units = 2},
    };
    g_assert_cmpuint(none.slot, ==, SLOT_NIL);
    for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
        add(&other, &m->slot, 1, sizeof m->slot);
        add(&other, &m->to, wrong[i].to, sizeof m->to);
        add(&other, &m->from, wrong[i].from, sizeof m->from);
        add(&other, &m->units, wrong[i].units, sizeof m->units);
        expect(site, &other, COPIED, RM_VIEW_DAMAGED, "a block half moved");
    }
    add(&other, &h->store.allocations, 0, sizeof h->store.allocations);
    other.patches[0].from = 2;
    expect(site, &other, RM_VIEW_BUSY, 0, "the structure changes");
}

static void *entry_of(const struct site *site, rm_memory_t *block) {
    return table_slot(&site->h->store.table, handle_slot((uintptr_t)block));
}

/* Pages that cannot be read. What an entry leads to is read first, then what spans alone lead to. */
static void test_dark(struct site *site, gconstpointer compaction) {
    struct other other = {.n_patches = 0};
    struct store *s = &site->h->store;
    struct area *a = &s->area;
    size_t page = os_page();
    unit_t large = entry_span(s, load64(entry_of(site, site->large[0])));
    unit_t gap = large + area_units(a, large);
    g_assert_cmpint(header_kind(area_header(a, gap)), ==, SPAN_FREE);
    other.dark = area_at(a, large) + HEADER;
    expect(site, &other, RM_VIEW_UNREADABLE, 0, "a block's first page");
    other.dark = area_at(a, large) + LARGE / 2;
    expect(site, &other, COPIED, RM_VIEW_OK, "a block's content");
    other.dark = area_at(a, gap) + HEADER;
    expect(site, &other, RM_VIEW_UNREADABLE, 0, "a free span's first page");
    other.dark = area_at(a, gap) + LARGE / 2;
    expect(site, &other, COPIED, RM_VIEW_OK, "what is free");
    /* Runs that no entry leads to: one in the middle, that reaches into another page. */
    unit_t span = UNIT_NIL;
    const char *end = NULL;
    for (unsigned i = OBJECTS / 2; span == UNIT_NIL; i++) {
        g_assert_cmpuint(i, <, OBJECTS);
        unit_t at = entry_span(s, load64(entry_of(site, site->objects[i])));
        end = area_at(a, at + area_units(a, at)) - 1;
        if ((uintptr_t)end / page > ((uintptr_t)area_at(a, at) + UNIT * 4) / page)
            span = at;
    }
    g_assert_cmpint(header_kind(area_header(a, span)), ==, SPAN_RUN);
    for (unsigned k = 0; k < 3; k++) {
        for (unsigned i = 0; i < OBJECTS; i++)
            add(&other, entry_of(site, site->objects[i]), 0, 8);
        if (k == 1) other.dark = end;
        if (k == 2) other.dark = area_at(a, span + area_units(a, span) / 2);
        expect(site, &other, k ? RM_VIEW_UNREADABLE : COPIED, RM_VIEW_DAMAGED, "a run");
    }
    other.dark = entry_of(site, site->objects[OBJECTS - 1]);
    expect(site, &other, RM_VIEW_UNREADABLE, 0, "the table");
    /* An entry that names no class, and one that names no place. */
    void *entry = entry_of(site, site->objects[0]);
    uint64_t e = load64(entry);
    add(&other, entry, entry_moved(e, entry_place(e), shape_of_number(SHAPE_MEDIUM - 1)),
        8);
    expect(site, &other, COPIED, RM_VIEW_DAMAGED, "no class");
    add(&other, entry, entry_moved(e, units_bytes(a->limit) + 64, entry_shape(e)), 8);
    expect(site, &other, COPIED, RM_VIEW_DAMAGED, "no place");
    if (site->place->watch == NULL) return;
    other.dark = site->place->watch;
    expect(site, &other, RM_VIEW_UNREADABLE, 0, "its watch");
}

/* A heap of small objects, most of whose pages are wanted. */
static void test_dense(struct site *site, gconstpointer compaction) {
    enum { SMALL = 40, MANY = 3 * OBJECTS * 500 / SMALL };
    struct other other = {.n_patches = 0};
    rm_memory_t *made;
    g_assert_cmpint(rmfree(site->large[0]), ==, RM_OK);
    g_assert_cmpint(rmfree(site->large[2]), ==, RM_OK);
    for (unsigned i = 0; i < MANY; i++)
        g_assert_cmpint(rm_heap_alloc(site->heap, &made, SMALL, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_trim(site->heap), ==, RM_OK);
    expect(site, &other, COPIED, RM_VIEW_OK, "dense");
}

/* --- the registry --- */

static void expect_sign(const void *at, uint64_t word, unsigned bytes,
                        rm_view_status_t opened, rm_view_status_t listed) {
    struct other other = {.n_patches = 0};
    rm_view_t *view = view_of(&other), *second = view;
    rm_view_heap_t heaps[2];
    char version[20] = "?";
    size_t n;
    add(&other, at, word, bytes);
    uint64_t address = (uintptr_t)&registry_sign;
    g_assert_cmpint(rm_view_open(&second, address, read_own, &other, version), ==,
                    opened);
    g_assert_true(second == NULL);
    g_assert_cmpint(version[0] == '\0', ==, opened != RM_VIEW_FOREIGN);
    g_assert_cmpint(rm_view_open(&second, address, read_own, &other, NULL), ==, opened);
    /* It has changed since it was opened. */
    g_assert_cmpint(rm_view_heaps(view, heaps, 2, &n), ==, listed);
    g_assert_cmpint(rm_view_copy(view, rm_heap_default(), NULL), ==, listed);
    rm_view_close(view);
}

static void test_sign(void) {
    const struct registry_sign *sign = &registry_sign;
    g_assert_nonnull(rm_heap_default());
    expect_sign(sign->magic, 0, 8, RM_VIEW_NONE, RM_VIEW_NONE);
    expect_sign(&sign->bytes, sign->bytes + 8, 4, RM_VIEW_FOREIGN, RM_VIEW_NONE);
    expect_sign(&sign->bytes, sign->bytes - 8, 4, RM_VIEW_NONE, RM_VIEW_NONE);
    expect_sign(&sign->bytes, 4096, 4, RM_VIEW_NONE, RM_VIEW_NONE);
    expect_sign(&sign->self, 64, sizeof sign->self, RM_VIEW_NONE, RM_VIEW_NONE);
    expect_sign(sign->version, 0x3939, 2, RM_VIEW_FOREIGN, RM_VIEW_NONE);
    expect_sign(&sign->sizes[1], 7, 4, RM_VIEW_FOREIGN, RM_VIEW_NONE);
    expect_sign(&sign->n_fresh, PLACES + 1, 4, RM_VIEW_NONE, RM_VIEW_NONE);
}

/* The heap in a place is another, or none. */
static void test_places(struct site *site, gconstpointer compaction) {
    struct other other = {.n_patches = 0};
    const struct rm_gate *gate = &site->place->gate;
    IS(gate->tag, 0, RM_VIEW_NONE, 0);
    IS(gate->tag, gate->tag ^ RM_GATE_LIVE, RM_VIEW_NONE, 0);
    IS(gate->tag, gate->tag | 2 * RM_GATE_LIVE, RM_VIEW_NONE, 0);
    IS(gate->tag, gate->tag ^ 1u << PLACE_SHIFT, RM_VIEW_NONE, 0);
    IS(gate->tag, gate->tag ^ 1, RM_VIEW_NONE, 0);
    IS(gate->heap, (uintptr_t)gate->heap + 1, RM_VIEW_NONE, 0);
    pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
    uint64_t words;
    pthread_mutex_lock(&held);
    memcpy(&words, &held, sizeof words);
    IS(*(const uint64_t *)(const void *)&site->place->mutex, words, RM_VIEW_BUSY, 0);
    pthread_mutex_unlock(&held);
    other.dark = site->h;
    expect(site, &other, RM_VIEW_UNREADABLE, 0, "the structure");
    other.dark = site->place;
    expect(site, &other, RM_VIEW_UNREADABLE, 0, "the place");
    /* A list without what is just being destroyed; and one that is not to be had. */
    rm_view_t *view = view_of(&other);
    rm_view_heap_t heaps[PLACES / 64];
    size_t all, n;
    g_assert_cmpint(rm_view_heaps(view, heaps, G_N_ELEMENTS(heaps), &all), ==,
                    RM_VIEW_OK);
    other.dark = site->h;
    g_assert_cmpint(rm_view_heaps(view, heaps, G_N_ELEMENTS(heaps), &n), ==, RM_VIEW_OK);
    g_assert_cmpuint(n, ==, all - 1);
    add(&other, &site->h->compaction, 77, sizeof site->h->compaction);
    other.dark = site->place;
    g_assert_cmpint(rm_view_heaps(view, heaps, G_N_ELEMENTS(heaps), &n), ==,
                    RM_VIEW_UNREADABLE);
    other.dark = &registry_default_state;
    g_assert_cmpint(rm_view_heaps(view, heaps, G_N_ELEMENTS(heaps), &n), ==,
                    RM_VIEW_UNREADABLE);
    other.dark = NULL;
    g_assert_cmpint(rm_view_heaps(view, heaps, G_N_ELEMENTS(heaps), &n), ==, RM_VIEW_OK);
    for (size_t i = 0; i < n; i++)
        if (heaps[i].heap == site->heap) g_assert_cmpint(heaps[i].compaction, ==, 0);
    rm_view_close(view);
}

/* Arguments outside of their domain. */
static void test_arguments(struct site *site, gconstpointer compaction) {
    struct other other = {.n_patches = 0};
    rm_view_t *view = view_of(&other);
    rm_view_heap_t heap;
    rm_stats_t stats;
    size_t n, sum = 0;
    uint64_t tag = (uintptr_t)site->heap >> 4;
    rm_heap_t *tokens[] = {
        NULL, (rm_heap_t *)((uintptr_t)site->heap | 1),
        (rm_heap_t *)((uintptr_t)site->heap + ((uintptr_t)RM_GATE_LIVE << 4))};
    uint64_t later = tag + ((uint64_t)registry_sign.n_fresh << PLACE_SHIFT);
    const uint64_t address = (uintptr_t)&registry_sign;
    g_assert_cmpint(rm_view_open(&view, 0, NULL, &other, NULL), ==, RM_VIEW_EINVAL);
    char version[20] = "?";
    for (unsigned i = 0; i < 2; i++) {
        char *asked = i ? version : NULL;
        g_assert_cmpint(rm_view_open(&view, address, NULL, &other, asked), ==,
                        RM_VIEW_EINVAL);
        g_assert_cmpint(rm_view_open(NULL, address, read_own, &other, asked), ==,
                        RM_VIEW_EINVAL);
    }
    g_assert_cmpstr(version, ==, "");
    g_assert_cmpint(rm_view_heaps(NULL, &heap, 1, &n), ==, RM_VIEW_EINVAL);
    g_assert_cmpint(rm_view_heaps(view, &heap, 1, NULL), ==, RM_VIEW_EINVAL);
    g_assert_cmpint(rm_view_heaps(view, NULL, 1, &n), ==, RM_VIEW_EINVAL);
    g_assert_cmpint(rm_view_copy(NULL, site->heap, NULL), ==, RM_VIEW_EINVAL);
    for (unsigned i = 0; i < G_N_ELEMENTS(tokens); i++) {
        n = 1;
        g_assert_cmpint(rm_view_copy(view, tokens[i], &n), ==, RM_VIEW_EINVAL);
        g_assert_cmpuint(n, ==, 0);
    }
    g_assert_cmpint(rm_view_copy(view, (rm_heap_t *)(uintptr_t)(later << 4 | 8), &n), ==,
                    RM_VIEW_NONE);
    g_assert_cmpint(rm_view_settle(NULL, NULL), ==, RM_VIEW_EINVAL);
    g_assert_cmpint(rm_view_stats(NULL, &stats), ==, RM_VIEW_EINVAL);
    g_assert_cmpint(rm_view_walk(NULL, count, &sum), ==, RM_VIEW_EINVAL);
    g_assert_cmpint(rm_view_walk(view, count, &sum), ==, RM_VIEW_EINVAL);
    g_assert_cmpint(rm_view_copy(view, site->heap, &n), ==, RM_VIEW_OK);
    g_assert_cmpuint(n, >, sizeof(struct heap));
    g_assert_cmpint(rm_view_settle(view, NULL), ==, RM_VIEW_OK);
    g_assert_cmpint(rm_view_stats(view, NULL), ==, RM_VIEW_EINVAL);
    g_assert_cmpint(rm_view_walk(view, NULL, &sum), ==, RM_VIEW_EINVAL);
    rm_view_forget(NULL);
    rm_view_close(view);
    rm_view_close(NULL);
}

static void test_sentences(void) {
    const char *none = rm_view_strerror((rm_view_status_t)99);
    for (int i = RM_VIEW_OK; i <= RM_VIEW_EINVAL; i++)
        for (int k = RM_VIEW_OK; k <= i; k++) {
            const char *is = rm_view_strerror((rm_view_status_t)i);
            g_assert_true(g_str_has_suffix(is, ".") && strcmp(is, none) != 0);
            g_assert_cmpint(strcmp(is, rm_view_strerror((rm_view_status_t)k)) == 0, ==,
                            i == k);
        }
}

#define ADD(name, test, data)                                                            \
    g_test_add(name, struct site, data, open_site, test, close_site)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    ADD("/image/sound", test_sound, NULL);
    ADD("/image/sound/background", test_sound, "background");
    ADD("/image/cost", test_cost, NULL);
    ADD("/image/no-memory", test_no_memory, NULL);
    ADD("/image/caches", test_caches, NULL);
    ADD("/image/plan", test_plan, NULL);
    ADD("/image/dark", test_dark, NULL);
    ADD("/image/dark/background", test_dark, "background");
    ADD("/image/dense", test_dense, NULL);
    ADD("/image/places", test_places, NULL);
    ADD("/image/arguments", test_arguments, NULL);
    g_test_add_func("/image/sign", test_sign);
    g_test_add_func("/image/sentences", test_sentences);
    return g_test_run();
}
