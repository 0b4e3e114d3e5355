/* SPDX-License-Identifier: MIT */
/*
 * What threads keep of a heap, to the slot: after each of some thousand calls all that is in the caches, and what the
 * heap's counters, table and quick lists say of it, goes into a sum, and those are as they were. Who meant them to be
 * others takes over what is printed.
 */
#include <glib.h>
#include <pthread.h>
#include <string.h>

#include "../api/rng.h"
#include "cache.h"
#include "call.h"
#include "sums.h"

enum { BLOCKS = 6000, EXTRA = 3, STEPS = 150, BURST = 250, KINDS_OF_SIZE = 4 };

static const struct config {
    const char *name;
    size_t bytes; /* 0: without a limit */
    rm_compaction_t compaction;
    uint64_t seed, sum;
} configs[] = {
    {"small", 3 << 20, RM_COMPACT_ON_DEMAND, 1, UINT64_C(0xeb8287a54eecf8da)},
    {"limited", 40 << 20, RM_COMPACT_ON_DEMAND, 2, UINT64_C(0xa82f0bf1d48d2499)},
    {"growing", 0, RM_COMPACT_ON_DEMAND, 3, UINT64_C(0x69845762a9db248a)},
    {"steady", 0, RM_COMPACT_STEADY, 4, UINT64_C(0x10ba96c458163b6a)},
    {"manual", 8 << 20, RM_COMPACT_MANUAL, 5, UINT64_C(0xa1b0ac65e53449b3)},
};

static struct {
    rm_heap_t *heap;
    uint64_t tag, sum;
    struct rng rng;
    struct heap *h;
    struct crowd *crowd;
    rm_memory_t *blocks[BLOCKS];
    unsigned n;
    struct cache extra[EXTRA];
    bool open[EXTRA];
} site;

static uint64_t draw(uint64_t n) { return rng_below(&site.rng, n); }
static void mix(uint64_t word) { site.sum = sum_with(site.sum, word); }

/* --- all that is kept --- */

static void see(void *context, uint32_t slot, unsigned list) {
    (void)context;
    mix(slot ^ (uint64_t)list << 32);
}

static void look(void) {
    const struct store *s = &site.h->store;
    for (const struct cache *c = site.crowd->caches; c != NULL; c = c->next) {
        mix(c->bytes ^ (uint64_t)c->most << 32);
        mix(c->limit);
        mix(c->allocations ^ c->requested << 20);
        for (uint32_t i = 0; i < c->n_spare; i++) mix(c->spare[i]);
        cache_look(c, see, NULL);
        g_assert_true(c->busy == 0 && c->stop == 0 && c->store == s);
        g_assert_true(c->next == NULL || c->next->previous == c);
        g_assert_cmpuint(c->bytes, <=, c->limit + 4096);
    }
    g_assert_true(site.crowd->caches == NULL || site.crowd->caches->previous == NULL);
    g_assert_false(site.crowd->stopped);
    mix(s->allocations);
    mix(s->requested);
    mix(s->table.n_taken ^ (uint64_t)s->table.n_free << 32);
    mix(quick_count(s));
    mix(cache_sum(s));
}

/* --- calls --- */

static size_t some_size(unsigned kind) {
    static const size_t least[KINDS_OF_SIZE] = {1, 1, 513, 1},
                        most[KINDS_OF_SIZE] = {64, 512, 4500, 9000};
    return least[kind] + draw(most[kind] - least[kind]);
}

static void make(unsigned kind) {
    rm_memory_t *made;
    if (site.n == BLOCKS) return;
    rm_status_t status = rm_heap_alloc(site.heap, &made, some_size(kind), 0, 0);
    mix((uint64_t)status);
    if (status == RM_OK) site.blocks[site.n++] = made;
}

static void drop(void) {
    if (site.n == 0) return;
    unsigned i = (unsigned)draw(site.n);
    g_assert_cmpint(rmfree(site.blocks[i]), ==, RM_OK);
    site.blocks[i] = site.blocks[--site.n];
}

static void resize(void) {
    if (site.n == 0) return;
    size_t size = some_size(3); /* in this order, whatever the compiler */
    mix((uint64_t)rmrealloc(site.blocks[draw(site.n)], (ssize_t)size));
}

/* Another thread's: it takes some, and gives them back. */
static void other(unsigned i) {
    struct access a;
    uint32_t slots[8];
    uint64_t entries[8];
    unsigned n = 0;
    size_t size = some_size((unsigned)draw(KINDS_OF_SIZE));
    g_assert_true(registry_enter(site.tag, &a));
    if (!site.open[i] && site.h->cache != 0) {
        memset(&site.extra[i], 0, sizeof site.extra[i]);
        cache_open(&site.extra[i], &site.h->store, registry_live(site.tag),
                   site.h->cache);
        site.open[i] = true;
    } else if (site.open[i] && draw(4) == 0) {
        cache_close(&site.extra[i]);
        site.open[i] = false;
    }
    struct cache *c = &site.extra[i];
    if (site.open[i] && size <= QUICK_SIZE_MAX) {
        cache_fill(c, size);
        for (; n < 8; n++) {
            slots[n] = size <= SMALL_MAX ? cache_take(c, size, &entries[n])
                                         : cache_take_block(c, size, &entries[n]);
            if (slots[n] == SLOT_NIL) break;
        }
        mix(n);
        while (n-- > 0) {
            cache_spill(c, entries[n]);
            bool put = size <= SMALL_MAX ? cache_put(c, slots[n], entries[n])
                                         : cache_put_block(c, slots[n], entries[n]);
            g_assert_true(put);
        }
        uint32_t slot = cache_slot(c); /* which is not used */
        if (slot != SLOT_NIL) c->spare[c->n_spare++] = slot;
        mix(slot);
    }
    registry_leave(&a);
}

static void step(void) {
    unsigned n = (unsigned)draw(BURST), kind = (unsigned)draw(KINDS_OF_SIZE);
    size_t size;
    switch (draw(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
        for (; n > 0; n--) make(kind);
        break;
    case 4:
    case 5:
    case 6:
        for (; n > 0; n--) drop();
        break;
    case 7:
        for (n = 20; n > 0; n--) resize();
        break;
    case 8: other((unsigned)draw(EXTRA)); break;
    case 9:
        other((unsigned)draw(EXTRA));
        mix((uint64_t)rm_heap_compact(site.heap, &(rm_budget_t){.bytes = 10000}, NULL));
        break;
    case 10: mix((uint64_t)rm_heap_trim(site.heap)); break;
    default: mix((uint64_t)rm_heap_largest(site.heap, true, &size)); mix(size);
    }
}

/* --- a heap --- */

static void *nothing(void *context) { return context; }

static void test_kept(gconstpointer data) {
    const struct config *config = data;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct access a;
    pthread_t thread;
    g_assert_cmpint(pthread_create(&thread, NULL, nothing, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    memset(&site, 0, sizeof site);
    site.rng.state = config->seed;
    options.size = config->bytes;
    options.compaction = config->compaction;
    g_assert_cmpint(rm_heap_create(&site.heap, &options), ==, RM_OK);
    g_assert_cmpint(call_tag(site.heap, &site.tag), ==, RM_OK);
    g_assert_true(registry_enter(site.tag, &a));
    site.h = a.heap;
    site.crowd = registry_crowd(&a);
    registry_leave(&a);
    for (unsigned i = 0; i < STEPS; i++) {
        step();
        look();
        if (i % 16 == 0) g_assert_cmpint(rm_heap_check(site.heap, NULL), ==, RM_OK);
    }
    g_assert_cmpint(rm_heap_destroy(site.heap), ==, RM_OK);
    for (unsigned i = 0; i < EXTRA; i++) g_assert_cmpuint(site.extra[i].live, ==, 0);
    assert_sum(config->name, site.sum, config->sum);
}

/* Nothing goes from a cache to make room for what is not kept: what has a shape that says no size. */
static void test_none(void) {
    enum { LEAST = 16 };
    struct cache *c = g_new0(struct cache, 1);
    struct access a;
    rm_heap_t *heap;
    uint64_t tag;
    g_assert_cmpint(rm_heap_create(&heap, NULL), ==, RM_OK);
    g_assert_cmpint(call_tag(heap, &tag), ==, RM_OK);
    g_assert_true(registry_enter(tag, &a));
    cache_open(c, &a.heap->store, registry_live(tag), CACHE_BYTES);
    for (unsigned number = 0; number <= SHAPE_MEDIUM; number++) {
        c->most = LEAST;
        cache_spill(c, entry_moved(0, HEADER, shape_of_number(number)));
        g_assert_cmpuint(c->most > LEAST, ==, number == SHAPE_MEDIUM);
    }
    cache_close(c);
    registry_leave(&a);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
    g_free(c);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    for (unsigned i = 0; i < G_N_ELEMENTS(configs); i++) {
        char *name = g_strdup_printf("/kept/%s", configs[i].name);
        g_test_add_data_func(name, &configs[i], test_kept);
        g_free(name);
    }
    g_test_add_func("/kept/none", test_none);
    return g_test_run();
}
