/* SPDX-License-Identifier: MIT */
/*
 * Damage where it is aimed at: calls on guarded heaps, lists of pages given back, what a search remembers. A call says
 * RM_ECORRUPT, and so does every later one, though it has been put right; nothing crashes.
 */
#include <glib.h>

#include "call.h"
#include "calls.h"
#include "check.h"
#include "fill.h"
#include "many.h"
#include "os.h"

enum { REGION = 100000, SIZE = 5000 };

static unsigned char region[REGION] __attribute__((aligned(16)));

struct site {
    rm_heap_t *heap;
    struct heap *h;
    struct guard *guard;
    rm_memory_t *block, *locked; /* both of SIZE */
};

static void set(const char *name, const char *value) {
    static const char *const names[] = {"RMALLOC_STRESS", "RMALLOC_FENCE",
                                        "RMALLOC_INTEGRITY"};
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) g_unsetenv(names[i]);
    if (name != NULL) g_setenv(name, value, TRUE);
}

static void *lock(rm_memory_t *handle) {
    void *at = NULL;
    g_assert_cmpint(rmlock(handle, &at), ==, RM_OK);
    return at;
}

static void open_site(struct site *site, bool grows) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct access a;
    uint64_t tag;
    memset(region, 0, sizeof region);
    options.memory = grows ? NULL : region;
    options.size = grows ? 0 : sizeof region;
    options.compaction = RM_COMPACT_MANUAL;
    g_assert_cmpint(rm_heap_create(&site->heap, &options), ==, RM_OK);
    g_assert_cmpint(call_tag(site->heap, &tag), ==, RM_OK);
    g_assert_true(registry_enter(tag, &a));
    site->h = a.heap;
    site->guard = a.guard;
    registry_leave(&a);
    g_assert_cmpint(rm_heap_alloc(site->heap, &site->block, SIZE, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(site->heap, &site->locked, SIZE, 0, 0), ==, RM_OK);
    lock(site->locked);
}

static void close_frozen(struct site *site) {
    size_t size;
    g_assert_cmpint(rmsize(site->block, &size), ==, RM_ECORRUPT);
    g_assert_cmpint(rm_heap_check(site->heap, NULL), ==, RM_ECORRUPT);
    g_assert_cmpint(rm_heap_destroy(site->heap), ==, RM_OK);
}

static char *header_of(const struct site *site, rm_memory_t *handle) {
    const struct store *s = &site->h->store;
    uint64_t e = table_entry(&s->table, handle_slot(call_handle(handle)));
    return area_at(&s->area, entry_span(s, e));
}

/* ------------------------------------------------------------- guarded calls */

static rm_status_t call_alloc(struct site *site) {
    rm_memory_t *made = site->block;
    rm_status_t status = rm_heap_alloc(site->heap, &made, 5000, 0, 0);
    if (status != RM_OK) g_assert_null(made);
    return status;
}
static rm_status_t call_free(struct site *site) { return rmfree(site->block); }
static rm_status_t call_lock(struct site *site) {
    void *at;
    return rmlock(site->block, &at);
}
static rm_status_t call_unlock(struct site *site) { return rmunlock(site->locked); }
static rm_status_t call_peek(struct site *site) {
    void *at;
    return rmpeek(site->block, &at);
}
static rm_status_t call_size(struct site *site) {
    size_t size;
    return rmsize(site->block, &size);
}
static const struct {
    const char *name;
    rm_status_t (*make)(struct site *site);
} calls[] = {
    {"alloc", call_alloc},   {"free", call_free}, {"lock", call_lock},
    {"unlock", call_unlock}, {"peek", call_peek}, {"size", call_size},
};

/* Of its structure: seen before the call does anything. Of a block, or of what is free: when it is met. Of what no call
   looks at: by the seal, if a block's size stands in its header. */
static void test_call(gconstpointer index) {
    rm_status_t (*call)(struct site *) = calls[GPOINTER_TO_UINT(index)].make;
    for (unsigned which = 0; which < 3; which++) {
        struct site site;
        set(which == 2 ? "RMALLOC_INTEGRITY" : "RMALLOC_FENCE", "1");
        open_site(&site, false);
        char *as_was = g_memdup2(region, sizeof region);
        const struct area *a = &site.h->store.area;
        if (which == 0) {
            site.h->region.area_end += 16;
        } else if (which == 2) {
            site.h->store.requested ^= 8;
        } else {
            char *header = header_of(&site, site.block),
                 *other = header_of(&site, site.locked);
            store64(header, UINT64_MAX << BLOCK_SIZE_SHIFT | SPAN_BLOCK);
            store64(other, UINT64_MAX << BLOCK_SIZE_SHIFT | SPAN_BLOCK);
            unit_t last = area_last_free(a);
            g_assert_cmpuint(last, !=, UNIT_NIL);
            store64(area_at(a, last), (uint64_t)UNIT_NIL << FREE_SIZE_SHIFT | SPAN_FREE);
        }
        g_assert_cmpint(call(&site), ==, RM_ECORRUPT);
        memcpy(region, as_was, sizeof region);
        g_assert_cmpint(call(&site), ==, RM_ECORRUPT);
        g_free(as_was);
        close_frozen(&site);
    }
}

/* In a heap that nobody is quick in, those that only look are told as well. */
static void test_look(void) {
    struct site site;
    unsigned count;
    rm_heap_t *heap;
    set("RMALLOC_STRESS", "onchange:1");
    open_site(&site, false);
    site.h->region.area_end += 16;
    g_assert_cmpint(call_size(&site), ==, RM_ECORRUPT);
    site.h->region.area_end -= 16;
    g_assert_cmpint(rmlocks(site.block, &count), ==, RM_ECORRUPT);
    g_assert_cmpint(rmheap(site.block, &heap), ==, RM_ECORRUPT);
    close_frozen(&site);
}

/* With seals a lock looks at its entry alone, until there is no room in it for one more. */
static void test_many_locks(void) {
    struct site site;
    void *at;
    set("RMALLOC_INTEGRITY", "yes");
    open_site(&site, false);
    for (unsigned i = 1; i < LOCKS_FEW; i++) lock(site.locked);
    char *header = header_of(&site, site.block);
    store64(header, load64(header) ^ UINT64_C(1) << 40);
    g_assert_cmpint(rmlock(site.locked, &at), ==, RM_ECORRUPT);
    store64(header, load64(header) ^ UINT64_C(1) << 40);
    g_assert_cmpint(rmlock(site.locked, &at), ==, RM_ECORRUPT);
    close_frozen(&site);
}

/* A heap that was found wrong is moved no more, and what is written to is told no more; put right, it is a heap. */
static void test_stress(void) {
    struct site site;
    set("RMALLOC_STRESS", "onchange:1");
    open_site(&site, false);
    g_assert_cmpint(rm_heap_check(site.heap, NULL), ==, RM_OK);
    site.h->store.requested++;
    for (unsigned i = 0; i < 2; i++)
        g_assert_cmpint(rm_heap_check(site.heap, NULL), ==, RM_ECORRUPT);
    site.h->store.requested--;
    char *at = lock(site.block);
    g_assert_cmpint(rmunlock(site.block), ==, RM_OK);
    at[0] ^= 1;
    g_assert_true(lock(site.block) == at);
    g_assert_cmpint(rm_heap_check(site.heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(site.heap), ==, RM_OK);
}

/* -------------------------------------------------------------- rooms, by hand */

/* A statement meets the damage, and ends here; then what was damaged is put right. */
#define MEETS(room, statement, damage, repair)                                           \
    do {                                                                                 \
        jmp_buf edge;                                                                    \
        volatile bool met = false;                                                       \
        damage;                                                                          \
        damage_edge = &edge;                                                             \
        if (_setjmp(edge) != 0)                                                          \
            met = true;                                                                  \
        else                                                                             \
            statement;                                                                   \
        damage_edge = NULL;                                                              \
        repair;                                                                          \
        if (!met) g_error("%s: %s does not meet %s", room, #statement, #damage);         \
    } while (0)

/* Free spans with pages that were given back, three of them in a list: next of one, and previous of another. */
static void test_pages(void) {
    enum { NEXT = 40, PREVIOUS = 44, GAPS = 3 };
    struct site site;
    rm_memory_t *gaps[GAPS], *pins[GAPS];
    set(NULL, NULL);
    open_site(&site, true);
    for (unsigned i = 0; i < GAPS; i++) {
        g_assert_cmpint(rm_heap_alloc(site.heap, &gaps[i], 200000, 0, 0), ==, RM_OK);
        g_assert_cmpint(rm_heap_alloc(site.heap, &pins[i], 100, 4096, 0), ==, RM_OK);
    }
    for (unsigned i = 0; i < GAPS; i++) g_assert_cmpint(rmfree(gaps[i]), ==, RM_OK);
    heap_settle(site.h);
    struct area *a = &site.h->store.area;
    g_assert_true(area_release(a));
    unit_t first = area_first_released(a), middle = area_next_released(a, first);
    unit_t last = area_next_released(a, middle);
    g_assert_true(first != UNIT_NIL && middle != UNIT_NIL && last != UNIT_NIL);
    char *at = area_at(a, middle), *end = area_at(a, last);
    uint64_t header = load64(at), other = load64(end);
    uint32_t page = load32(at + RELEASED_FIRST), n = load32(at + RELEASED_COUNT);
    uint32_t next = load32(at + NEXT), previous = load32(at + PREVIOUS);
#define SPAN(damage)                                                                     \
    MEETS("area_pages", area_given_back(a, middle), damage, {                            \
        store64(at, header);                                                             \
        store32(at + RELEASED_FIRST, page);                                              \
        store32(at + RELEASED_COUNT, n);                                                 \
    })
    uint64_t rest = header & ~((uint64_t)UNIT_NIL << FREE_SIZE_SHIFT);
    g_assert_cmpuint(free_size(rest | (uint64_t)77 << FREE_SIZE_SHIFT), ==, 77);
    SPAN(store64(at, rest | (uint64_t)(a->limit - middle + 1)
                                << FREE_SIZE_SHIFT));         /* too long, */
    SPAN(store64(at, rest | (uint64_t)2 << FREE_SIZE_SHIFT)); /* too short */
    SPAN(store32(at + RELEASED_COUNT, 0));
    SPAN(store32(at + RELEASED_COUNT, 2 * n));
    SPAN(store32(at + RELEASED_FIRST, 0));
    SPAN(store32(at + RELEASED_FIRST, page + n));
#define LIST(statement, damage)                                                          \
    MEETS("area_pages", statement, damage, {                                             \
        store64(at, header);                                                             \
        store64(end, other);                                                             \
        store32(at + NEXT, next);                                                        \
        store32(at + PREVIOUS, previous);                                                \
        a->released = first;                                                             \
    })
    LIST(area_next_released(a, middle), store32(at + NEXT, a->limit));
    LIST(area_next_released(a, middle), store32(at + NEXT, a->limit - 1));
    LIST(area_next_released(a, middle), store32(at + NEXT, first)); /* round it goes */
    LIST(area_next_released(a, middle), store64(end, SPAN_FREE));
    LIST(area_first_released(a), a->released = middle);
    LIST(area_released_unlink(a, middle), store32(at + PREVIOUS, last));
    LIST(area_released_unlink(a, middle), store32(at + PREVIOUS, UNIT_NIL));
    LIST(area_released_unlink(a, middle), store32(at + PREVIOUS, a->limit));
    LIST(area_released_unlink(a, first), a->released = middle);
    g_assert_cmpint(rm_heap_check(site.heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(site.heap), ==, RM_OK);
}

/* What a search remembers: a shift that is none is met; one by which it has too many stretches is forgotten. */
static void test_fill(void) {
    struct site site;
    rm_memory_t *gap, *pin, *above;
    set(NULL, NULL);
    open_site(&site, false);
    g_assert_cmpint(rm_heap_alloc(site.heap, &gap, 9000, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(site.heap, &pin, SIZE, 0, 0), ==, RM_OK);
    g_assert_cmpint(rm_heap_alloc(site.heap, &above, 2000, 0, 0), ==, RM_OK);
    lock(pin);
    g_assert_cmpint(rmfree(gap), ==, RM_OK);
    heap_settle(site.h);
    struct store *s = &site.h->store;
    unit_t lowest = area_lowest_free(&s->area, 0);
    fill_forget(s);
    unsigned shift = s->scan.shift;
    MEETS("fill", fill_step(s, lowest, false, SIZE_MAX), s->scan.shift = UNIT_BITS,
          s->scan.shift = shift);
    s->scan.shift = 0;
    g_assert_cmpint(fill_step(s, lowest, false, SIZE_MAX), ==, FILL_MOVED);
    g_assert_cmpuint(s->scan.shift, ==, shift);
    g_assert_cmpint(rm_heap_check(site.heap, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_destroy(site.heap), ==, RM_OK);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
        char *name = g_strdup_printf("/damaged/calls/%s", calls[i].name);
        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_call);
        g_free(name);
    }
    g_test_add_func("/damaged/look", test_look);
    g_test_add_func("/damaged/many-locks", test_many_locks);
    g_test_add_func("/damaged/stress", test_stress);
    g_test_add_func("/damaged/pages", test_pages);
    g_test_add_func("/damaged/fill", test_fill);
    return g_test_run();
}
