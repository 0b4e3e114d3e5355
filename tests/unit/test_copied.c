/* SPDX-License-Identifier: MIT */
/*
 * Copies of heaps by views: each page that a copy needs is asked for, be it one that a single header leads to; what is
 * not looked at by the proof is in order in a copy; and a heap is listed in its place alone. (test_image has damaged
 * ones.)
 */
#include <glib.h>
#include <rmalloc_view.h>

#include "block.h"
#include "call.h"
#include "image.h"
#include "os.h"
#include "reading.h"
#include "small.h"
#include "threads.h"

enum { LIMIT = 16 << 20, LARGE = 1 << 20, APART = 8 };

struct site {
    rm_heap_t *heap;
    struct heap *h;
    struct store *s;
    struct area *a;
    const struct place *place;
    uint64_t tag;
    void *memory;
};

static void open_site(struct site *site, size_t region, rm_threads_t threads) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.threads = threads;
    options.compaction = RM_COMPACT_MANUAL;
    options.memory = site->memory = region != 0 ? g_malloc(region) : NULL;
    options.size = region != 0 ? region : LIMIT;
    g_assert_cmpint(rm_heap_create(&site->heap, &options), ==, RM_OK);
    g_assert_cmpint(call_tag(site->heap, &site->tag), ==, RM_OK);
    site->place = &registry_sign.places[registry_place(site->tag)];
    site->h = (struct heap *)site->place->gate.heap;
    site->s = &site->h->store;
    site->a = &site->s->area;
}
static void close_site(const struct site *site) {
    g_assert_cmpint(rm_heap_destroy(site->heap), ==, RM_OK);
    g_free(site->memory);
}

static rm_memory_t *make(const struct site *site, size_t size) {
    rm_memory_t *block;
    g_assert_cmpint(rm_heap_alloc(site->heap, &block, size, 0, 0), ==, RM_OK);
    return block;
}
static void *entry_at(const struct site *site, rm_memory_t *block) {
    return table_slot(&site->s->table, handle_slot(call_handle(block)));
}
static unit_t span_of(const struct site *site, rm_memory_t *block) {
    return entry_span(site->s, load64(entry_at(site, block)));
}
static unit_t end_of(const struct site *site, rm_memory_t *block) {
    unit_t span = span_of(site, block);
    return span + area_units(site->a, span);
}

/* What is said of a copy where some byte cannot be read. */
static rm_view_status_t copied(const struct site *site, struct other *other,
                               const void *dark) {
    rm_view_t *view;
    other->dark = NULL;
    g_assert_cmpint(rm_view_open(&view, (uintptr_t)&registry_sign, read_own, other, NULL),
                    ==, RM_VIEW_OK);
    other->dark = dark;
    memset(other->seen, 0, sizeof other->seen);
    rm_view_status_t status = rm_view_copy(view, site->heap, NULL);
    rm_view_close(view);
    return status;
}

/* --- pages --- */

/* A small heap is copied as it is, all of it or nothing. */
static void test_whole(void) {
    static struct other other;
    struct site site;
    open_site(&site, 100000, RM_THREADS_NONE);
    make(&site, 50000);
    g_assert_cmpint(copied(&site, &other, NULL), ==, RM_VIEW_OK);
    g_assert_cmpint(copied(&site, &other, area_at(site.a, 0)), ==, RM_VIEW_UNREADABLE);
    g_assert_cmpint(copied(&site, &other, area_at(site.a, site.a->limit / 2)), ==,
                    RM_VIEW_UNREADABLE);
    close_site(&site);
}

/* A block behind `after`, so long that what comes then begins so many bytes before the end of a page, and some pages
   behind all else. */
static void pad(const struct site *site, rm_memory_t *after, size_t before) {
    size_t page = os_page();
    uintptr_t from = (uintptr_t)area_at(site->a, end_of(site, after));
    uintptr_t to = round_up(from, page) + APART * page - before;
    g_assert_cmpuint((to - from) % UNIT, ==, 0);
    rm_memory_t *block = make(site, to - from - HEADER);
    g_assert_true((uintptr_t)area_at(site->a, end_of(site, block)) == to);
}

/* Neither entries nor what lies around lead to a page, but for the header of the span that it is in. */
static void expect_alone(const struct site *site, rm_memory_t *const hidden[], unsigned n,
                         const char *page) {
    static struct other other;
    other = (struct other){.n_patches = 0};
    for (unsigned i = 0; i < n; i++) add(&other, entry_at(site, hidden[i]), 0, 8);
    g_assert_cmpint(copied(site, &other, NULL), ==, RM_VIEW_OK);
    g_assert_cmpint(copied(site, &other, page), ==, RM_VIEW_UNREADABLE);
}

/* The bytes behind a header may lie in the next page. */
static void test_header(void) {
    struct site site;
    open_site(&site, 0, RM_THREADS_NONE);
    pad(&site, make(&site, LARGE), 24);
    rm_memory_t *block = make(&site, APART * os_page());
    make(&site, 600);
    uintptr_t at = (uintptr_t)area_at(site.a, span_of(&site, block));
    g_assert_cmpuint(round_up(at, os_page()) - at, ==, 24);
    expect_alone(&site, &block, 1, (const char *)round_up(at, os_page()));
    close_site(&site);
}

/* And a run may have one between its first and its last. */
static void test_run(void) {
    enum { SIZE = 490, OBJECTS = 200, BEFORE = 104 };
    struct site site;
    size_t page = os_page();
    open_site(&site, 0, RM_THREADS_NONE);
    rm_memory_t *last = make(&site, LARGE), *object = NULL;
    unsigned class_id = class_of(SIZE);
    for (unsigned i = 0; i < OBJECTS; i++) {
        object = make(&site, SIZE);
        if (end_of(&site, object) > end_of(&site, last)) last = object;
    }
    heap_settle(site.h); /* what rests is none of them */
    while (site.s->runs[class_id].live < site.s->runs[class_id].slots) {
        make(&site, SIZE);
        heap_settle(site.h);
    }
    if (units_bytes(small_run_units(site.s, SIZE)) <= page + BEFORE) {
        g_test_skip("no run is longer than a page");
        close_site(&site);
        return;
    }
    pad(&site, last, BEFORE);
    object = make(&site, SIZE);
    rm_memory_t *behind = make(&site, APART * page);
    make(&site, 600);
    uintptr_t at = (uintptr_t)area_at(site.a, span_of(&site, object));
    g_assert_cmpuint(round_up(at, page) - at, ==, BEFORE);
    g_assert_cmpuint(span_of(&site, behind), ==, end_of(&site, object));
    expect_alone(&site, (rm_memory_t *[]){object, behind}, 2,
                 (const char *)round_up(at, page));
    close_site(&site);
}

/* --- what is in a copy --- */

/* The caches that threads have are a list as it was, and what is kept for later is, if it can be. */
static void test_lists(void) {
    enum { CACHES = 3, CREDIT = 12345 };
    static struct cache caches[CACHES];
    static struct other other;
    static struct image m;
    struct image_source source = {.read = read_own, .context = &other};
    struct access access;
    struct site site;
    open_site(&site, 0, RM_THREADS_SAFE);
    g_assert_true(registry_enter(site.tag, &access));
    for (unsigned i = 0; i < CACHES; i++)
        cache_open(&caches[i], site.s, registry_live(site.tag), site.h->cache);
    registry_leave(&access);
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        site.s->ebb.credit = wrong ? -(INT64_C(1) << 41) : CREDIT;
        g_assert_cmpint(
            image_copy(&m, &source, site.place, (uintptr_t)site.h, site.h->tag), ==,
            RM_VIEW_OK);
        g_assert_cmpint(image_settle(&m, NULL), ==, RM_VIEW_OK);
        g_assert_cmpuint(m.n_caches, >=, CACHES);
        for (size_t i = 0; i < m.n_caches; i++) {
            const struct cache *c = &m.caches[i];
            g_assert_true(c->previous == (i > 0 ? c - 1 : NULL));
            g_assert_true(c->next == (i + 1 < m.n_caches ? c + 1 : NULL));
            g_assert_true(c->store == &m.heap->store);
        }
        g_assert_cmpint(m.heap->store.ebb.credit, ==, wrong ? 0 : CREDIT);
        image_drop(&m);
    }
    site.s->ebb.credit = 0;
    g_assert_true(registry_enter(site.tag, &access));
    for (unsigned i = 0; i < CACHES; i++) cache_close(&caches[i]);
    registry_leave(&access);
    close_site(&site);
}

/* A heap whose tag is that of another place is in none. */
static void test_place(void) {
    static struct other other;
    const struct rm_gate *gate;
    rm_view_heap_t heaps[16];
    rm_view_t *view;
    struct site site;
    size_t all, n;
    open_site(&site, 0, RM_THREADS_NONE);
    gate = &site.place->gate;
    g_assert_cmpint(
        rm_view_open(&view, (uintptr_t)&registry_sign, read_own, &other, NULL), ==,
        RM_VIEW_OK);
    g_assert_cmpint(rm_view_heaps(view, heaps, G_N_ELEMENTS(heaps), &all), ==,
                    RM_VIEW_OK);
    add(&other, &gate->tag, gate->tag ^ 1u << PLACE_SHIFT, sizeof gate->tag);
    g_assert_cmpint(rm_view_heaps(view, heaps, G_N_ELEMENTS(heaps), &n), ==, RM_VIEW_OK);
    g_assert_cmpuint(n, ==, all - 1);
    rm_view_close(view);
    close_site(&site);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    g_test_add_func("/copied/whole", test_whole);
    g_test_add_func("/copied/header", test_header);
    g_test_add_func("/copied/run", test_run);
    g_test_add_func("/copied/lists", test_lists);
    g_test_add_func("/copied/place", test_place);
    return g_test_run();
}
