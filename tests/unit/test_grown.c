/* SPDX-License-Identifier: MIT */
/*
 * What a heap does, to the unit: after each of some thousand calls all that it knows, where everything lies, and what it
 * has asked of the system on the way, goes into a sum, and those are as they were. Who meant them to be others takes
 * over what is printed.
 */
#include <glib.h>
#include <string.h>

#include "../api/rng.h"
#include "call.h"
#include "compact.h"
#include "ebb.h"
#include "idle.h"
#include "largest.h"
#include "logged.h"
#include "sums.h"
#include "verify.h"

enum { KIB = 1 << 10, MIB = 1 << 20, BLOCKS = 3000, PINS = 16, MARK = 2000 };

static const struct config {
    const char *name;
    size_t bytes; /* that it may have, and so much is used at times */
    size_t tide;
    bool region; /* the memory is the caller's */
    rm_compaction_t compaction;
    unsigned steps, refuses; /* of so many requests one is refused; of all: moves alone */
    unsigned large;          /* of 8 bursts so many are of large blocks */
    bool concurrent, old;    /* slots have been used often */
    uint64_t seed, sum;
} configs[] = {
    {"demand", 24 * MIB, 16 * MIB, false, RM_COMPACT_ON_DEMAND, 240, 0, 2, false, false,
     1, UINT64_C(0xc647cdc95448e8f1)},
    {"steady", 24 * MIB, 16 * MIB, false, RM_COMPACT_STEADY, 240, 0, 2, false, false, 2,
     UINT64_C(0x8d5f6c519e390910)},
    {"manual", 24 * MIB, 16 * MIB, false, RM_COMPACT_MANUAL, 240, 0, 2, false, false, 3,
     UINT64_C(0xd7b8e552ba3e83e5)},
    {"tight", 3 * MIB, 5 * MIB, false, RM_COMPACT_ON_DEMAND, 240, 0, 1, false, false, 4,
     UINT64_C(0x68d7d881d909760b)},
    {"large", 200 * MIB, 120 * MIB, false, RM_COMPACT_ON_DEMAND, 240, 0, 7, false, false,
     5, UINT64_C(0x2714a87ab2c03979)},
    {"region", 2 * MIB, 3 * MIB, true, RM_COMPACT_ON_DEMAND, 240, 0, 1, false, false, 6,
     UINT64_C(0x04406e79013c2c6b)},
    {"refusing", 24 * MIB, 20 * MIB, false, RM_COMPACT_ON_DEMAND, 240, 4, 3, false, false,
     7, UINT64_C(0x3d47b0675c190635)},
    {"shared", 24 * MIB, 20 * MIB, false, RM_COMPACT_ON_DEMAND, 240, 0, 2, true, false, 8,
     UINT64_C(0xb2e567e79a5ad621)},
    {"shared-region", MIB, 2 * MIB, true, RM_COMPACT_STEADY, 240, 0, 1, true, false, 9,
     UINT64_C(0x43673f2e447e21e7)},
    {"old", 8 * MIB, 4 * MIB, false, RM_COMPACT_ON_DEMAND, 240, 0, 1, false, true, 10,
     UINT64_C(0xfdcc782bc05bac7a)},
    {"objects", 8 * MIB, 400 * KIB, false, RM_COMPACT_ON_DEMAND, 240, 0, 0, false, false,
     11, UINT64_C(0x1517edcbc0667b8c)},
    {"brim", 300 * KIB, MIB, false, RM_COMPACT_ON_DEMAND, 200, 0, 0, false, false, 12,
     UINT64_C(0x9dc4f8500ed2af8d)},
    {"brim-steady", 150 * KIB, MIB, true, RM_COMPACT_STEADY, 200, 0, 0, false, false, 13,
     UINT64_C(0x9fcb35f976369413)},
    {"brim-manual", 300 * KIB, MIB, false, RM_COMPACT_MANUAL, 200, 0, 0, false, false, 14,
     UINT64_C(0x26d187ca451cf155)},
    {"refusing-tight", 3 * MIB, 5 * MIB, false, RM_COMPACT_ON_DEMAND, 240, 3, 2, false,
     false, 15, UINT64_C(0x9f0297308d7eee8d)},
    {"refusing-all", 6 * MIB, 8 * MIB, false, RM_COMPACT_ON_DEMAND, 240, 1, 4, false,
     false, 16, UINT64_C(0x10344877f3bfdb2c)},
};

static struct {
    const struct config *config;
    rm_heap_t *heap;
    struct heap *h;
    struct crowd *crowd;
    char *low;
    size_t bytes;
    uint64_t tag;
    struct rng rng;
    rm_memory_t *blocks[BLOCKS], *pins[PINS];
    unsigned n, n_pins;
    size_t wanted; /* in use, for now */
} site;

static uint64_t draw(uint64_t n) { return rng_below(&site.rng, n); }
static void mix(uint64_t word) { logged_mix(word); }
static void mix_all(const uint64_t *words, unsigned n) {
    for (unsigned i = 0; i < n; i++) mix(words[i]);
}
#define MIX(...)                                                                         \
    mix_all((const uint64_t[]){__VA_ARGS__},                                             \
            G_N_ELEMENTS(((const uint64_t[]){__VA_ARGS__})))

/* --- all that there is --- */

static void look_at_spans(const struct store *s) {
    const struct area *a = &s->area;
    for (unit_t at = 0; at < a->limit; at += area_units(a, at)) {
        mix(area_header(a, at) ^ (uint64_t)at << 20);
        if (header_kind(area_header(a, at)) != SPAN_FREE) continue;
        struct pages p = area_given_back(a, at);
        MIX(p.first, p.n);
    }
    MIX(a->limit, a->free_units, a->released_units, a->released, a->stretch,
        a->stretch_units);
    if (a->stretch != UNIT_NIL)
        MIX(a->stretch_empty[0].first, a->stretch_empty[0].n, a->stretch_empty[1].n);
    for (unsigned i = 0; i < BUDDY_ORDERS; i++) mix(a->buddy.units[i]);
    for (unit_t z = 0; z <= a->limit >> ZONE_SHIFT; z++)
        MIX(a->zones[z].free, a->zones[z].first, a->zones[z].some);
}

static void look_at_table(const struct table *t) {
    MIX(t->n_slots, t->room, t->reach, t->n_free, t->n_taken, t->hint, t->generation,
        t->unlocked);
    for (uint32_t slot = 0; slot < t->n_slots; slot++) mix(table_entry(t, slot));
}

static void look_at_compactor(const struct store *s) {
    const struct mover *m = &s->mover;
    const struct fill_scan *scan = &s->scan;
    mix(m->slot);
    if (m->slot != SLOT_NIL)
        MIX(m->slide, m->pages, m->from, m->to, m->units, m->reach, m->done, m->n_moved,
            m->empty.first, m->empty.n);
    MIX(s->pages_state, s->pages_refused, s->large, s->tight, s->sliding, s->piece,
        s->spare, s->aligned_slack, s->moved, s->moved_blocks, s->voided, s->failures,
        s->changes, s->loose[0], s->loose[1], s->stuck[0], s->stuck[1], s->kept[0],
        s->kept[1], s->stuck_at, s->looked, s->regained, s->returned, s->passes);
    MIX(s->pass.phase, s->pass.whole, s->pass.cursor, s->pass.stamp);
    MIX(s->ebb.low, s->ebb.released, s->ebb.highest, s->ebb.then, s->ebb.next,
        (uint64_t)s->ebb.credit, s->ebb.large);
    MIX(scan->stamp, scan->gap, scan->at, scan->passed, scan->shift, scan->sure);
    for (unsigned i = 0; i < FILL_STRETCHES; i++) mix(scan->least[i]);
    for (unsigned c = 0; c < CLASSES; c++)
        MIX(s->runs[c].head[0], s->runs[c].head[1], s->runs[c].slots, s->runs[c].live);
}

static void look_at_rest(const struct quick *q) {
    MIX(q->high, q->fresh, q->vacant, q->n_used, q->n_queued);
    for (unsigned i = 0; i < q->n_queued; i++) mix(q->queue[i]);
    for (unsigned c = 0; c < CLASSES; c++) mix(q->small[c]);
    for (unsigned i = 0; q->blocks != NULL && i < QUICK_BLOCKS; i++) mix(q->blocks[i]);
}

static void look(void) {
    const struct heap *h = site.h;
    const struct region *r = &h->region;
    look_at_spans(&h->store);
    look_at_table(&h->store.table);
    look_at_compactor(&h->store);
    look_at_rest(&h->store.quick);
    MIX(h->store.requested, h->store.peak_requested, h->store.allocations, h->stuck,
        h->credit, h->pace, r->peak, r->released, (uint64_t)(r->area_end - r->low),
        (uint64_t)(r->table_end - r->low),
        r->pages ? (uint64_t)(r->zones_end - r->low) : 0);
}

/* --- blocks: what is in them follows from their handle, a word in each so many bytes --- */

enum purpose { WRITE, CHECK };

/* Up to so many bytes. */
static void mark(rm_memory_t *block, size_t bytes, enum purpose purpose) {
    void *pointer;
    g_assert_cmpint(rmlock(block, &pointer), ==, RM_OK);
    for (size_t at = 0; at + 8 <= bytes; at += MARK) {
        char *word = (char *)pointer + at;
        uint64_t is = (uintptr_t)block * 31 + at;
        if (purpose == WRITE)
            store64(word, is);
        else
            g_assert_cmpuint(load64(word), ==, is);
    }
    g_assert_cmpint(rmunlock(block), ==, RM_OK);
}
static size_t size_of(rm_memory_t *block) {
    size_t size;
    g_assert_cmpint(rmsize(block, &size), ==, RM_OK);
    return size;
}

static void check_all(void) {
    rm_fault_t fault;
    if (verify_heap(site.h, site.crowd, site.low, site.bytes, &fault) != RM_OK)
        g_error("invariant %u at %zu: %s", fault.invariant, fault.offset, fault.text);
    for (unsigned i = 0; i < site.n; i++)
        mark(site.blocks[i], size_of(site.blocks[i]), CHECK);
}

/* --- calls --- */

static size_t some_size(bool large) {
    static const struct {
        size_t least, most;
    } kinds[] = {{1, 64},
                 {0, 512},
                 {0, 512},
                 {513, 5000},
                 {5000, 40000},
                 {70 * KIB, 140 * KIB},
                 {256 * KIB, 400 * KIB},
                 {256 * KIB, 1200 * KIB}};
    unsigned i = (unsigned)(large ? 4 + draw(4) : draw(5));
    return kinds[i].least + draw(kinds[i].most - kinds[i].least + 1);
}

static void make(bool large, size_t most) {
    rm_memory_t *made;
    size_t size = some_size(large) % most, alignment = draw(12) == 0 ? 16u << draw(9) : 0;
    unsigned flags = draw(6) == 0 ? RM_NO_COMPACT : 0;
    if (site.n == BLOCKS) return;
    rm_status_t status = rm_heap_alloc(site.heap, &made, size, alignment, flags);
    mix((uint64_t)status);
    if (status != RM_OK) return;
    mark(made, size, WRITE);
    site.blocks[site.n++] = made;
}

static void take_out(unsigned i) { site.blocks[i] = site.blocks[--site.n]; }

static void drop(unsigned i) {
    if (i >= site.n) return;
    rm_status_t status = rmfree(site.blocks[i]);
    mix((uint64_t)status);
    if (status == RM_OK) take_out(i);
}

static void resize(bool large) {
    if (site.n == 0) return;
    rm_memory_t *block = site.blocks[draw(site.n)];
    for (unsigned i = 0; i < (large ? 8 : 0); i++) { /* of some the largest */
        rm_memory_t *other = site.blocks[draw(site.n)];
        if (size_of(other) > size_of(block)) block = other;
    }
    size_t was = size_of(block), size = draw(3) == 0 ? was + was / 2 : some_size(large);
    rm_status_t status = rmrealloc(block, (ssize_t)size);
    mix((uint64_t)status);
    if (status != RM_OK) return;
    mark(block, was < size ? was : size, CHECK);
    mark(block, size, WRITE);
}

/* Some are locked, for a while. */
static void pin(void) {
    void *pointer;
    if (site.n_pins == PINS || draw(3) == 0) {
        while (site.n_pins > 0) {
            rm_memory_t *block = site.pins[--site.n_pins];
            g_assert_cmpint(rmunlock(block), ==, RM_OK);
        }
        return;
    }
    for (unsigned i = 0; i < 3 && site.n > 0 && site.n_pins < PINS; i++) {
        site.pins[site.n_pins] = site.blocks[draw(site.n)];
        g_assert_cmpint(rmlock(site.pins[site.n_pins++], &pointer), ==, RM_OK);
    }
}

static void compact_some(void) {
    static const size_t bytes[] = {1, 4096, 30000, 200000, 2 * MIB, 0};
    static const uint64_t ns[] = {0, 0, 0, 3000, 20000, 300000};
    static _Atomic unsigned waiting;
    size_t most = bytes[draw(G_N_ELEMENTS(bytes))];
    uint64_t time = ns[draw(G_N_ELEMENTS(ns))];
    unsigned turns = (unsigned)draw(6);
    bool wait = draw(3) == 0;
    waiting = draw(4) == 0;
    do {
        mix(heap_compact(site.h, most, time, wait ? &waiting : NULL));
        look();
    } while (turns-- > 0);
}

static void idle(void) {
    bool complete;
    _Atomic unsigned waiting = 0;
    for (unsigned i = 0; i < 4; i++) {
        mix(idle_step(site.h, os_now_ns() + draw(400000), &waiting, &complete));
        MIX(complete, idle_forecast(site.h));
    }
}

static void ask(void) {
    size_t largest;
    mix(compact_regain(&site.h->store));
    for (unsigned after = 0; after < 2; after++) {
        mix((uint64_t)rm_heap_largest(site.heap, after, &largest));
        mix(largest);
    }
    MIX(compact_outlook(&site.h->store, true, 7), place_garbage(site.h),
        compact_regain(&site.h->store), region_reserve(&site.h->region, 100));
}

/* It is time to look for what nobody has needed. */
static void ebb_away(void) {
    struct store *s = &site.h->store;
    unit_t least = 1 + (unit_t)draw(10000);
    uint32_t most = 1 + (uint32_t)draw(300);
    if (!site.h->region.pages) return;
    switch (draw(4)) {
    case 0: mix(area_release_some(&s->area, least, most, false)); break;
    case 1: mix(area_release_some(&s->area, least, most, true)); break;
    case 2: region_give_back(&site.h->region, s, (size_t)draw(MIB), least % 2); break;
    default: s->ebb.credit += (int64_t)draw(100000); ebb(s);
    }
}

/* What lies beside each other, or here and there. */
static void drop_some(unsigned n) {
    bool beside = draw(2) == 0;
    if (site.n == 0) return;
    for (unsigned i = (unsigned)draw(site.n); n > 0; n--)
        drop(beside ? i : (unsigned)draw(site.n + 1));
}

static void step(void) {
    bool large = draw(8) < site.config->large;
    unsigned n = 1 + (unsigned)draw(large ? 8 : 120), what = (unsigned)draw(18);
    size_t most = draw(2) == 0 ? SIZE_MAX : 520;
    if (draw(30) == 0) site.wanted = draw(site.config->tide);
    if (what < 9) { /* rather there than anywhere */
        bool more = (site.h->store.requested < site.wanted) == (what > 1);
        while (n-- > 0 && more) make(large, most);
        if (!more) drop_some(n + 1);
        return;
    }
    switch (what) {
    case 9:
    case 10:
        for (n = 1 + n / 6; n > 0; n--) resize(large);
        break;
    case 11: pin(); break;
    case 12:
    case 13:
    case 14: compact_some(); break;
    case 15:
        if (draw(4) == 0) mix((uint64_t)rm_heap_trim(site.heap));
        break;
    case 16:
        if (draw(2) == 0)
            idle();
        else
            ask();
        break;
    default: ebb_away();
    }
}

/* --- a heap --- */

static void open_heap(void) {
    const struct config *config = site.config;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct access a;
    options.memory = config->region ? g_aligned_alloc0(1, config->bytes, MIB) : NULL;
    options.size = config->bytes;
    options.compaction = config->compaction;
    options.threads = RM_THREADS_NONE;
    g_assert_cmpint(rm_heap_create(&site.heap, &options), ==, RM_OK);
    g_assert_cmpint(call_tag(site.heap, &site.tag), ==, RM_OK);
    g_assert_true(registry_enter(site.tag, &a));
    registry_region(&a, &site.low, &site.bytes);
    site.crowd = registry_crowd(&a);
    site.h = a.heap;
    registry_leave(&a);
    site.h->store.concurrent = config->concurrent;
    if (config->old) site.h->store.table.generation = GENERATION_DROP_MAX - 6;
}

static void close_heap(void) {
    while (site.n_pins > 0)
        g_assert_cmpint(rmunlock(site.pins[--site.n_pins]), ==, RM_OK);
    check_all();
    g_assert_cmpint(rm_heap_destroy(site.heap), ==, RM_OK);
    if (site.config->region) g_aligned_free(site.low);
}

static void test_grown(gconstpointer data) {
    const struct config *config = data;
    if (sizeof(void *) != 8 || os_page() != 4096) {
        g_test_skip("the sums are of 64 bits, and of pages of 4 KiB");
        return;
    }
    memset(&site, 0, sizeof site);
    site.config = config;
    site.rng.state = config->seed;
    logged_begin(0);
    open_heap();
    logged_begin(config->refuses);
    for (unsigned i = 0; i < config->steps; i++) {
        step();
        look();
        if (i % 16 == 0) check_all();
    }
    uint64_t sum = logged_sum;
    logged_begin(0);
    close_heap();
    assert_sum(config->name, sum, config->sum);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    for (unsigned i = 0; i < G_N_ELEMENTS(configs); i++) {
        char *name = g_strdup_printf("/grown/%s", configs[i].name);
        g_test_add_data_func(name, &configs[i], test_grown);
        g_free(name);
    }
    return g_test_run();
}
