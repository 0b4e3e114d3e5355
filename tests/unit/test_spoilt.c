/* SPDX-License-Identifier: MIT */
/*
 * What verify_heap says of each word of a heap's own data that is another: in many ways, one after the other, and of
 * some that fit each other. All that it says goes into a sum, and those are as they were. Who meant them to be others
 * takes over what is printed.
 */
#include <glib.h>
#include <string.h>

#include "cache.h"
#include "calls.h"
#include "inside.h"
#include "sums.h"
#include "verify.h"

enum { MIB = 1 << 20, OBJECTS = 60, LARGE = 90000, MEDIUM = 1000 };

struct config {
    const char *name;
    void (*spoil)(void);
    bool grows; /* its memory is the system's */
    uint64_t sum;
};

static struct {
    struct heap *h;
    struct crowd *crowd;
    char *low, *memory;
    size_t bytes;
    uint64_t tag, sum;
    uint32_t slots[OBJECTS];
    struct cache cache;
} site;

static void mix(uint64_t word) { site.sum = sum_with(site.sum, word); }

/* --- words --- */

static void prove(void) {
    rm_fault_t fault;
    mix(verify_heap(site.h, site.crowd, site.low, site.bytes, &fault));
    mix(fault.invariant);
    mix(g_str_hash(fault.text));
    mix(fault.offset);
}

/* In turn it is one of these. */
static void spoil(char *at) {
    uint64_t was = load64(at);
    const uint64_t others[] = {0,
                               UINT64_MAX,
                               was + 1,
                               was - 1,
                               was + (UINT64_C(1) << 32),
                               was - (UINT64_C(1) << 32),
                               was + 64,
                               was - 64,
                               was << 1,
                               was >> 1,
                               was << 32 | was >> 32,
                               load64(at + 8),
                               was | UINT32_MAX,
                               was & UINT64_C(0xffffffff00000000)};
    for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
        store64(at, others[i]);
        prove();
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        store64(at, was ^ UINT64_C(1) << bit);
        prove();
    }
    store64(at, was);
}
static void spoil_all(void *from, size_t bytes) {
    for (size_t at = 0; at + 8 <= bytes; at += 8) spoil((char *)from + at);
}
#define SPOIL(object) spoil_all(&(object), sizeof(object))

/* --- a heap --- */

static uint32_t make(size_t size, size_t alignment) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site.h, NULL, size, alignment, 0, &slot), ==, RM_OK);
    return slot;
}
static void drop(uint32_t slot) { g_assert_cmpint(free_slot(site.h, slot), ==, RM_OK); }

static struct store *store(void) { return &site.h->store; }
static char *header(unit_t span) { return area_at(&store()->area, span); }
static char *word_of(uint32_t slot) { return table_slot(&store()->table, slot); }

/* What is free is all zeros, behind its links: damage may lead there. */
static void clear_free(void) {
    const struct area *a = &store()->area;
    for (unit_t at = 0; at < a->limit; at += area_units(a, at)) {
        uint64_t h = area_header(a, at);
        char *from = header(at) + (free_size(h) < BUDDY_BINS ? 12 : 32);
        if (header_kind(h) == SPAN_FREE && free_size(h) > 1)
            memset(from, 0, (size_t)(header(at + free_size(h)) - 4 - from));
    }
}

/* Objects of a class and a half, blocks of both kinds, with gaps of two sizes; nothing rests. */
static void open_heap(bool grows) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    if (!grows) options.memory = site.memory = g_aligned_alloc0(1, MIB, MIB);
    options.size = MIB;
    options.compaction = RM_COMPACT_MANUAL;
    options.threads = RM_THREADS_NONE;
    inside_open(&site, &options);
    clear_free();
    for (unsigned i = 0; i < OBJECTS; i++)
        site.slots[i] = make(i % 5 == 4   ? MEDIUM + 16 * (i % 3)
                             : i % 5 == 3 ? 300
                                          : 40,
                             i % 20 == 9 ? 64 : 0);
    for (unsigned i = 0; i < OBJECTS; i++)
        if (i % 4 == 2) drop(site.slots[i]);
    heap_settle(site.h);
    clear_free();
    inside_assert_sound(&site);
}

static void close_heap(void) {
    heap_settle(site.h);
    inside_assert_sound(&site);
    g_assert_true(registry_destroy(site.tag));
    g_aligned_free(site.memory);
}

/* --- what is spoilt --- */

static void spoil_region(void) {
    SPOIL(site.h->region);
    spoil((char *)&site.h->asked);
}
static void spoil_table(void) { SPOIL(store()->table); }
static void spoil_area(void) {
    SPOIL(store()->area);
    spoil_all(store()->area.zones, 64);
}
static void spoil_compactor(void) {
    char *from = (char *)&store()->mover;
    spoil_all(from, (size_t)((char *)&store()->runs - from));
}
static void spoil_runs(void) {
    spoil_all(store()->runs, sizeof store()->runs / 2);
    spoil((char *)&store()->requested);
    spoil((char *)&store()->allocations);
}

static void spoil_spans(void) {
    struct area *a = &store()->area;
    for (unit_t at = 0; at < a->limit; at += area_units(a, at)) spoil(header(at));
    spoil(header(a->limit));
}

/* Where a run's references and links are, and a free span's. */
static void spoil_inside(void) {
    struct area *a = &store()->area;
    struct run r = run_at(store(), store()->runs[class_of(40)].head[DENSE]);
    unit_t last = area_last_free(a);
    spoil(run_slot(&r, bit_highest(r.free)));
    spoil(r.at + ref_offset(r.class, bit_lowest(run_live_mask(&r))));
    for (unsigned at = 8; at <= 24; at += 8) spoil(header(last) + at);
    spoil(header(a->limit) - 8);
    unit_t gap = area_lowest_free(a, 0);
    g_assert_cmpuint(gap, !=, last);
    spoil(header(gap) + 8);
    spoil(header(gap + area_units(a, gap)) - 8);
}

static void spoil_entries(void) {
    for (unsigned i = 0; i < store()->table.n_slots; i++) spoil(word_of(i));
    void *pointer;
    for (unsigned i = 0; i < 6; i++)
        g_assert_true(lock_slot(site.h, site.slots[0], &pointer));
    g_assert_true(lock_slot(site.h, site.slots[1], &pointer));
    spoil(word_of(site.slots[0]));
    spoil(word_of(site.slots[1]));
    for (unsigned i = 0; i < 6; i++) g_assert_true(unlock_slot(site.h, site.slots[0]));
    g_assert_true(unlock_slot(site.h, site.slots[1]));
}

/* Objects and blocks at rest, and the queue. */
static void lay_to_rest(void) {
    for (unsigned i = 0; i < OBJECTS; i++)
        if (i % 4 == 1) drop(site.slots[i]);
    inside_assert_sound(&site);
    g_assert_true(quick_any(store()));
}
static void spoil_rest(void) {
    lay_to_rest();
    struct quick *q = &store()->quick;
    spoil((char *)&q->n_chunks);
    spoil((char *)&q->vacant);
    spoil((char *)&q->n_used);
    uint32_t top = q->small[class_of(40)];
    uint32_t block = q->blocks[block_units(MEDIUM, false) - QUICK_UNITS_MIN];
    spoil_all(quick_word(store(), top & ~63u), 16);
    spoil_all(quick_word(store(), block & ~63u), 8);
    spoil((char *)&q->small[class_of(40) & ~1u]);
    spoil((char *)&q->blocks[0]);
    spoil(word_of(site.slots[1]));
    spoil(word_of(site.slots[29]));
}

static void spoil_cached(void) {
    struct cache *c = &site.cache;
    lay_to_rest();
    cache_open(c, store(), 1, CACHE_BYTES);
    cache_fill(c, 40);
    cache_fill(c, MEDIUM);
    g_assert_cmpuint(cache_slot(c), !=, SLOT_NIL);
    c->n_spare++; /* it stays there */
    g_assert_cmpuint(c->n[class_of(40)], >, 1);
    inside_assert_sound(&site);
    spoil(word_of(c->spare[0]));
    spoil(word_of(c->small[class_of(40)][0]));
    spoil((char *)&store()->crowd);
    for (unsigned i = 0; i < OBJECTS; i += 13) /* another's */
        for (unsigned j = 0; j < 2; j++) {
            uint32_t *of = j == 0 ? &c->spare[0] : &c->small[class_of(40)][0], was = *of;
            *of = site.slots[i];
            prove();
            *of = was;
        }
    cache_close(c);
}

/* A block half moved. */
static void spoil_mover(void) {
    struct mover *m = &store()->mover;
    uint32_t low = make(LARGE, 0);
    make(600, 0);
    uint32_t high = make(LARGE - 9000, 64);
    drop(low);
    while (m->slot == SLOT_NIL) g_assert_false(heap_compact(site.h, 1, 0, NULL));
    g_assert_cmpuint(m->slot, ==, high);
    SPOIL(*m);
    spoil(word_of(high));
    spoil(header(m->to));
    spoil((char *)&store()->area.stretch);
    heap_compact(site.h, 0, 0, NULL);
}

/* Pages have been given back. */
static void spoil_released(void) {
    uint32_t low = make(LARGE, 0);
    make(9000, 0);
    drop(low);
    g_assert_true(heap_trim(site.h));
    struct area *a = &store()->area;
    g_assert_cmpuint(a->released, !=, UNIT_NIL);
    spoil(header(a->released));
    spoil_all(header(a->released) + 32, 16);
    spoil((char *)&a->released_units);
    SPOIL(site.h->region);
    spoil((char *)&store()->pages_state);
}

static const struct config configs[] = {
    {"region", spoil_region, false, UINT64_C(0x5ecb5aacfb3253f8)},
    {"table", spoil_table, false, UINT64_C(0x7158f1fd36a98870)},
    {"area", spoil_area, false, UINT64_C(0x046fd14497d37585)},
    {"compactor", spoil_compactor, false, UINT64_C(0x4fd7e57f803638ab)},
    {"runs", spoil_runs, false, UINT64_C(0x6dbb070703a4c206)},
    {"spans", spoil_spans, false, UINT64_C(0x928d87e9e3c6d234)},
    {"inside", spoil_inside, false, UINT64_C(0x1d9c5e74c23a460c)},
    {"entries", spoil_entries, false, UINT64_C(0x43028e48cdbf90f2)},
    {"rest", spoil_rest, false, UINT64_C(0x10c36f798cf69365)},
    {"cached", spoil_cached, false, UINT64_C(0x528fd5b450f65899)},
    {"mover", spoil_mover, false, UINT64_C(0xeeaaddee7a4533d1)},
    {"released", spoil_released, true, UINT64_C(0x73f21e03f89984df)},
};

static void test_spoilt(gconstpointer data) {
    const struct config *config = data;
    if (sizeof(void *) != 8 || os_page() != 4096) {
        g_test_skip("the sums are of 64 bits, and of pages of 4 KiB");
        return;
    }
    memset(&site, 0, sizeof site);
    open_heap(config->grows);
    config->spoil();
    close_heap();
    assert_sum(config->name, site.sum, config->sum);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    for (unsigned i = 0; i < G_N_ELEMENTS(configs); i++) {
        char *name = g_strdup_printf("/spoilt/%s", configs[i].name);
        g_test_add_data_func(name, &configs[i], test_spoilt);
        g_free(name);
    }
    return g_test_run();
}
