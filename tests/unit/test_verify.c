/* SPDX-License-Identifier: MIT */
/*
 * verify_heap tells every kind of damage by its invariant, and neither crashes nor hangs on any.
 * A caller's region lies between pages that cannot be touched; after each damage it is put back
 * as it was.
 */
#include <unistd.h>

#include "calls.h"
#include "registry.h"
#include "site.h"
#include "small.h"
#include "verify.h"

enum { FLIPS = 2000, TURNS = 10 }; /* of each test, and of those */

static void test_spans(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    struct area *a = &s->area;
    struct run r = run_at(s, site->run);
    char *block = area_at(a, site->block), *run = area_at(a, site->run);
    char *free = area_at(a, site->free), *large = area_at(a, site->large_free);
    char *end = area_at(a, site->free + free_size(load64(free)));
    char *links = run_slot(&r, bit_highest(r.free));
    char *ref = r.at + ref_offset(r.class, bit_lowest(run_live_mask(&r)));
    SPOIL(1, FLIP64(block, UINT64_C(1) << 35));                   /* its size */
    SPOIL(1, store64(run, load64(run) | 127 << RUN_CLASS_SHIFT)); /* no such class */
    SPOIL(1, store64(free, SPAN_FREE));
    SPOIL(2, FLIP64(block, SPAN_PREV_FREE));
    SPOIL(3, FLIP32(end - 4, 1));
    SPOIL(4, FLIP64(free, UINT64_C(1) << FREE_NEXT_SHIFT));
    SPOIL(4, FLIP32(free + 8, 1));   /* previous */
    SPOIL(4, FLIP32(large + 16, 1)); /* child */
    SPOIL(4, FLIP32(large + 24, 1)); /* parent */
    SPOIL(4, FLIP32(large + 28, 1)); /* first of its size */
    SPOIL(5, FLIP64(block, UINT64_C(1) << BLOCK_REF_SHIFT));
    SPOIL(5, FLIP32(ref, 1u << SLACK_BITS));
    SPOIL(5, FLIP32(ref, 3u)); /* the entry says the size */
    SPOIL(5, store32(ref, UINT32_MAX << SLACK_BITS));
    SPOIL(7, FLIP64(run, run_live_mask(&r) << RUN_MASK_SHIFT)); /* all free */
    SPOIL(7, FLIP32(links, 1));
    SPOIL(10, area_at(a, site->aligned + area_units(a, site->aligned))[-1] ^= 64);
    SPOIL(12, FLIP64(large, UINT64_C(1) << FREE_RELEASED_BIT));
}

static void test_structure(struct site *site, gconstpointer none) {
    struct region *r = &site->h->region;
    struct store *s = &site->h->store;
    struct area *a = &s->area;
    struct table *t = &s->table;
    uint32_t slot = block_ref(area_header(a, site->block));
    uint64_t e = table_entry(t, slot);
    unsigned c = run_class(area_header(a, site->run));
    SPOIL(5, table_set(t, slot, e ^ 1));
    SPOIL(5, table_set(t, slot, entry_with_many(e, RM_LOCKS_MAX + 1)));
    SPOIL(13, table_set(t, slot, entry_with_locks(e, LOCKS_FREE)));
    SPOIL(8, table_set(t, 0, table_entry(t, 0) ^ 1u << 7));
    SPOIL(8, t->top += 8);
    SPOIL(8, t->n_slots = UINT32_MAX - 1);
    SPOIL(9, t->n_taken++);
    SPOIL(16, table_set(t, slot, entry_with_locks(e, LOCKS_MOVING)));
    SPOIL(1, r->low++);
    SPOIL(1, r->area_end += 16);
    SPOIL(8, r->table_end -= 16);
    SPOIL(1, r->pages = true);
    SPOIL(1, memset(&r->pages, 0x77, 1));
    SPOIL(1, a->base = NULL);
    SPOIL(1, a->limit = UNIT_NIL);
    SPOIL(4, a->buddy.bins_used ^= 2);
    SPOIL(4, a->buddy.limit -= 1);
    SPOIL(4, a->buddy.bins[free_size(area_header(a, site->free))] = site->block);
    SPOIL(4, a->buddy.tries[bit_lowest(a->buddy.orders_used) - BUDDY_ORDER_MIN]--);
    SPOIL(6, a->zones[1].first++);
    SPOIL(6, a->zones[0].some ^= 2);
    SPOIL(6, a->zones[1].some ^= 2);
    SPOIL(7, s->runs[c].head[0] ^= 1);
    SPOIL(7, s->loose[1] |= UINT64_C(1) << 63);
    SPOIL(9, s->runs[c].live++);
    SPOIL(9, a->free_units--);
    SPOIL(9, s->requested++);
    SPOIL(11, a->stretch = site->free);
    SPOIL(11, s->mover.slot = UINT32_MAX);
    SPOIL(12, a->released = site->large_free);
}

/* A block half moved is sound, fill or slide; what says so is told when it is wrong. */
static void test_half_moved(struct site *site, gconstpointer fill) {
    struct mover *m = &site->h->store.mover;
    site_half_moved(site, fill != NULL);
    site_keep(site);
    SPOIL(11, m->units--);
    SPOIL(11, m->to++);
    SPOIL(11, m->done = units_bytes(m->units));
    SPOIL(11, m->slide = !m->slide);
    SPOIL(11, site->h->store.area.stretch ^= 1);
    heap_compact(site->h, 0, 0, NULL);
}

/* What rests is sound, and is told where a list is wrong about it. */
static void test_resting(struct site *site, gconstpointer none) {
    struct quick *q = &site->h->store.quick;
    struct table *t = &site->h->store.table;
    uint32_t slots[8];
    for (unsigned i = 0; i < 8; i++) slots[i] = site_block(site, i < 4 ? 40 : 200, 0);
    for (unsigned i = 0; i < 8; i++)
        g_assert_cmpint(free_slot(site->h, slots[i]), ==, RM_OK);
    site_keep(site);
    unsigned c = class_of(40);
    uint64_t e = table_entry(t, slots[3]);
    struct store *store = &site->h->store;
    char *top = quick_word(store, q->small[c]), *link = top - q->small[c] % QUICK_CHUNK;
    g_assert_cmpuint(load32(top), ==, slots[3]);
    SPOIL(13, q->small[c]++);
    SPOIL(13, q->small[c] += QUICK_WORD);
    SPOIL(13, q->small[c] -= QUICK_WORD);
    SPOIL(13, q->small[c] = quick_bottom(q));
    SPOIL(13, q->small[c] = UINT32_MAX);
    SPOIL(13, q->small[c] = q->small[class_of(200)]);
    SPOIL(13, q->n_queued = 1);
    SPOIL(13, q->n_used++);
    SPOIL(13, q->fresh++);
    SPOIL(13, q->vacant = 1);
    SPOIL(13, q->pool += QUICK_CHUNK);
    SPOIL(13, FLIP32(top, 1));
    SPOIL(13, store32(top, slots[7]));
    SPOIL(13, store32(link, QUICK_LINK | q->small[c])); /* round and round */
    SPOIL(13, store32(link, 0));
    SPOIL(5, table_set(t, slots[3], e + 1));
    SPOIL(13, table_set(t, slots[3], e + shape_to_live(40))); /* live */
    /* Out of its list into the queue, where an entry has to say its class. */
    unsigned d = class_of(200);
    SPOIL(13, (q->small[d] -= QUICK_WORD, q->queue[q->n_queued++] = slots[7]));
    /* A list whose chunk is used up, and another one with the same chunk. */
    for (unsigned i = 0; i < 4; i++) site_block(site, 40, 0);
    site_keep(site);
    SPOIL(13, (q->small[class_of(64)] = q->small[c], q->n_used++));
    heap_settle(site->h);
    g_assert_cmpuint(quick_count(&site->h->store), ==, 0);
    site_keep(site);
}

/* Slots that a thread has for blocks to come make up in number for entries that nothing refers to: these are told
   all the same, whatever they say of a block. */
static void test_spare(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    struct table *t = &s->table;
    struct cache *c = g_new0(struct cache, 1);
    struct quick *q = &s->quick;
    unsigned list = block_units(1000, false) - QUICK_UNITS_MIN;
    uint32_t small[2] = {site_block(site, 200, 0), site_block(site, 200, 0)};
    cache_open(c, s, 1, CACHE_BYTES);
    g_assert_cmpuint(cache_slot(c), !=, SLOT_NIL);
    c->n_spare++; /* it stays there */
    g_assert_cmpuint(c->n_spare, >, 1);
    for (unsigned i = 0; i < 2; i++)
        g_assert_cmpint(free_slot(site->h, small[i]), ==, RM_OK);
    site_keep(site);
    uint32_t first = c->spare[0];
    uint64_t e = table_entry(t, first);
    uint64_t medium = entry_moved(e, 0, shape_of_block(1000, false));
    uint64_t locked = entry_with_locks(entry_moved(e, 8, 0), LOCKS_NONE + 1);
    SPOIL(13, (q->small[class_of(200)] -= QUICK_WORD, q->queue[q->n_queued++] = first,
               table_set(t, first, entry_with_locks(medium, LOCKS_FREE))));
    SPOIL(16, table_set(t, first, locked));
    c->blocks[list][c->n[CLASSES + list]++] = first;
    SPOIL(16, table_set(t, first, medium));
    c->n[CLASSES + list]--;
    c->spare[0] = c->spare[1];
    SPOIL(16, table_set(t, first, locked)); /* one twice, and this one nowhere */
    SPOIL(16, (void)0);
    c->spare[0] = first;
    site_assert_sound(site);
    cache_close(c);
    g_free(c);
    heap_settle(site->h);
}

/* What is left of a span inside a block looks like the free span it was, and was not met. */
static void test_stale_node(struct site *site, gconstpointer none) {
    struct area *a = &site->h->store.area;
    unit_t units = free_size(area_header(a, site->free)), *bin = &a->buddy.bins[units];
    unit_t block = site->block;
    g_assert_cmpuint(area_units(a, block), >, units + 1);
    memcpy(area_at(a, block + 1), area_at(a, *bin), units_bytes(units));
    unit_t next = (unit_t)(area_header(a, *bin) >> FREE_NEXT_SHIFT) & UNIT_NIL;
    if (next != UNIT_NIL) store32(area_at(a, next) + 8, block + 1);
    SPOIL(4, *bin = block + 1);
}

/* Bits flipped all over [low, end), one to four at a time: others in each turn. */
static void flip_bits(const struct site *site, char *low, const char *end,
                      unsigned turn) {
    GRand *chance = g_rand_new_with_seed((guint32)g_test_rand_int() ^ turn);
    unsigned n_told = 0;
    for (unsigned n = 0; n < FLIPS; n++) {
        rm_fault_t fault;
        char *at[4], was[4];
        unsigned k = (unsigned)g_rand_int_range(chance, 1, 5);
        for (unsigned i = 0; i < k; i++) {
            at[i] = low + g_rand_int_range(chance, 0, (gint32)(end - low));
            was[i] = *at[i];
            *at[i] = (char)(was[i] ^ 1 << g_rand_int_range(chance, 0, 8));
        }
        n_told +=
            verify_heap(site->h, site->crowd, site->low, site->bytes, &fault) != RM_OK;
        while (k-- > 0) *at[k] = was[k];
    }
    g_rand_free(chance);
    g_test_message("%u of %u told", n_told, FLIPS);
}

static void test_flips(struct site *site, gconstpointer turn) {
    unsigned n = GPOINTER_TO_UINT(turn);
    flip_bits(site, site->low, site->low + site->bytes, n);
    flip_bits(site, site->h->region.table_end, site->low + site->bytes, n);
}

/* A growing heap has pages that cannot be touched between its ends, and some given back. */
static void test_growable(gconstpointer turn) {
    unsigned n = GPOINTER_TO_UINT(turn);
    struct site site = {.h = NULL};
    site_make(&site, NULL, 0);
    const struct region *r = &site.h->region;
    uint32_t gap = site_block(&site, 100000, 0);
    site_block(&site, 9000, 0);
    g_assert_cmpint(free_slot(site.h, gap), ==, RM_OK);
    g_assert_true(heap_trim(site.h) && site.h->store.area.released_units != 0);
    site_assert_sound(&site);
    flip_bits(&site, r->low, r->area_end, n);
    flip_bits(&site, r->table_end, r->zones_end, n);
    g_assert_true(registry_destroy(site.tag));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL); /* prints the seed, and takes it with --seed */
    alarm(120);                      /* a proof that hangs ends here */
    SITE_ADD("/verify/spans", test_spans, NULL);
    SITE_ADD("/verify/structure", test_structure, NULL);
    SITE_ADD("/verify/stale-node", test_stale_node, NULL);
    SITE_ADD("/verify/resting", test_resting, NULL);
    SITE_ADD("/verify/spare", test_spare, NULL);
    SITE_ADD("/verify/half-moved/slide", test_half_moved, NULL);
    SITE_ADD("/verify/half-moved/fill", test_half_moved, "fill");
    for (unsigned i = 0; i < TURNS; i++) {
        char *name = g_strdup_printf("/verify/flips/%u", i);
        SITE_ADD(name, test_flips, GUINT_TO_POINTER(i));
        g_free(name);
        name = g_strdup_printf("/verify/growable/%u", i);
        g_test_add_data_func(name, GUINT_TO_POINTER(i), test_growable);
        g_free(name);
    }
    return g_test_run();
}
