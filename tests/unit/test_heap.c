/* SPDX-License-Identifier: MIT */
/* The rooms that make and free blocks, in states that calls come to seldom. */
#include <glib.h>

#include "calls.h"
#include "claim.h"
#include "inside.h"
#include "registry.h"

struct site {
    struct heap *h;
    struct crowd *crowd;
    char *low;
    size_t bytes;
    uint64_t tag;
};
enum { LIMIT = 1 << 20 };

static void open_site(struct site *site, gconstpointer limit) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.size = GPOINTER_TO_SIZE(limit);
    options.threads = RM_THREADS_NONE;
    inside_open(site, &options);
}

static void close_site(struct site *site, gconstpointer none) {
    inside_assert_sound(site);
    g_assert_true(registry_destroy(site->tag));
}

static uint32_t make(const struct site *site, size_t size) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site->h, NULL, size, 0, 0, &slot), ==, RM_OK);
    return slot;
}

static void drop(const struct site *site, uint32_t slot) {
    g_assert_cmpint(free_slot(site->h, slot), ==, RM_OK);
}

static void fill_up(const struct site *site, size_t least) {
    uint32_t slot;
    for (size_t size = LIMIT; size >= least; size /= 2)
        while (heap_alloc(site->h, NULL, size, 0, 0, &slot) == RM_OK) continue;
}

/* A request that needs compaction fails while threads keep anything: whoever asks has that back first, and asks
   again. */
static void test_kept_when_full(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    struct cache *cache = g_new0(struct cache, 1);
    uint32_t gaps[2], slot;
    for (unsigned i = 0; i < 2; i++) {
        gaps[i] = make(site, 20000);
        make(site, 5000);
    }
    cache_open(cache, s, 1, CACHE_BYTES);
    cache_fill(cache, 200);
    fill_up(site, 200);
    for (unsigned i = 0; i < 2; i++) drop(site, gaps[i]);
    g_assert_true(cache_any(s));
    g_assert_cmpint(heap_alloc(site->h, NULL, 35000, 0, 0, &slot), ==, RM_ENOMEM);
    inside_assert_sound(site);
    cache_stop(s);
    g_assert_cmpint(heap_alloc(site->h, NULL, 35000, 0, 0, &slot), ==, RM_OK);
    cache_go(s->crowd);
    cache_close(cache);
    g_free(cache);
}

/* A slot of a high number whose generations come to their end does not rest, or after its next use it could
   not be given back; of a low one that does not matter. */
static void test_old_slots(struct site *site, gconstpointer none) {
    enum { BLOCKS = 3000 };
    struct store *s = &site->h->store;
    struct table *t = &s->table;
    static const size_t sizes[] = {100, 1000};
    uint32_t slots[2][BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++)
        for (unsigned k = 0; k < 2; k++) slots[k][i] = make(site, sizes[k]);
    for (unsigned k = 0; k < 2; k++) {
        uint32_t high = slots[k][BLOCKS - 9], low = slots[k][9],
                 few = slots[k][BLOCKS / 3];
        const uint32_t old[] = {high, low, few};
        g_assert_cmpuint(low, <=, QUICK_LOW);
        g_assert_true(few > QUICK_LOW && few <= t->n_slots / 2 && high > t->n_slots / 2);
        for (unsigned i = 0; i < 3; i++) {
            uint64_t e = table_entry(t, old[i]) & bit_mask(ENTRY_GENERATION_SHIFT);
            e |= (uint64_t)(GENERATION_DROP_MAX - 1) << ENTRY_GENERATION_SHIFT;
            table_set(t, old[i], e);
            g_assert_false(quick_has_room(s, old[i], e)); /* not quickly */
            if (k == 1)
                g_assert_false(quick_put_medium(s, quick_last(&s->quick), s->quick.blocks,
                                                old[i], table_slot(t, old[i]), e));
            uint32_t queued = s->quick.n_queued;
            drop(site, old[i]);
            g_assert_cmpuint(s->quick.n_queued, ==, queued + (old[i] == high));
            inside_assert_sound(site);
        }
    }
    quick_flush(s);
    g_assert_cmpuint(entry_generation(table_entry(t, slots[0][BLOCKS - 9])), ==,
                     GENERATION_DROP_MAX);
}

/* Where nothing rests any more there is nothing to be freed when that is said. */
static void test_nothing_rests(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    quick_disable(s);
    g_assert_false(quick_any(s));
    drop(site, make(site, 100));
    quick_flush(s);
    g_assert_false(quick_any(s));
    g_assert_cmpuint(quick_next(s, 100), ==, SLOT_NIL);
}

/* As many handles as there may be: nothing is made, and nothing has changed. */
static void test_handles_at_an_end(struct site *site, gconstpointer none) {
    struct heap *h = site->h;
    struct table *t = &h->store.table;
    while (t->n_free > 0 || quick_any(&h->store)) make(site, 5000);
    struct table was = *t;
    t->n_slots = t->room = TABLE_SLOTS_MAX;
    g_assert_cmpuint(table_wants(t), ==, UINT32_MAX);
    g_assert_false(place_slot(h, 0));
    *t = was;
    make(site, 5000);
}

/* One that had many locks and has none is claimed as any other; where nobody else is, a look is all of it. */
static void test_claim(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    uint32_t slot = make(site, 100);
    void *at;
    uint64_t e;
    for (unsigned i = 0; i < 5; i++) g_assert_true(lock_slot(site->h, slot, &at));
    g_assert_false(claim_one(s, slot, LOCKS_COPYING, &e));
    for (unsigned i = 0; i < 5; i++) g_assert_true(unlock_slot(site->h, slot));
    g_assert_cmpuint(entry_locks(table_entry(&s->table, slot)), ==, LOCKS_MANY);
    g_assert_true(claim_one(s, slot, LOCKS_COPYING, &e));
    g_assert_cmpuint(entry_locks(e), ==, LOCKS_NONE);
    g_assert_cmpuint(table_entry(&s->table, slot), ==, e);
    g_assert_cmpuint(heap_size(site->h, slot), ==, 100);
}

/* A large block grows where there is too little left of the limit for its pages to go to what is new. */
static void test_large_near_limit(struct site *site, gconstpointer none) {
    enum { LARGE = 3 * PAGES_LEAST };
    uint32_t slot = make(site, LARGE);
    char *last = site->h->store.area.base + LARGE - 1;
    last += entry_place(table_entry(&site->h->store.table, slot));
    *last = 77;
    make(site, 5000);
    g_assert_cmpint(resize_slot(site->h, slot, 2 * LARGE), ==, RM_OK);
    g_assert_cmpuint(heap_size(site->h, slot), ==, 2 * LARGE);
    last = site->h->store.area.base + LARGE - 1;
    last += entry_place(table_entry(&site->h->store.table, slot));
    g_assert_cmpint(*last, ==, 77);
}

#define ADD(name, test, limit)                                                           \
    g_test_add("/heap/" name, struct site, GSIZE_TO_POINTER(limit), open_site, test,     \
               close_site)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD("kept-when-full", test_kept_when_full, LIMIT);
    ADD("old-slots", test_old_slots, 0);
    ADD("nothing-rests", test_nothing_rests, 0);
    ADD("handles-at-an-end", test_handles_at_an_end, 0);
    ADD("claim", test_claim, 0);
    ADD("large-near-limit", test_large_near_limit, 3 * LIMIT);
    return g_test_run();
}
