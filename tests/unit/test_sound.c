/* SPDX-License-Identifier: MIT */
/*
 * Damage where it is met: a word of the heap is spoiled, and what follows it first does not believe it. A caller's
 * region lies between pages that cannot be touched; after each damage it is put back as it was.
 */
#include <glib.h>
#include <setjmp.h>

#include "call.h"
#include "calls.h"
#include "claim.h"
#include "compact.h"
#include "damage.h"
#include "inside.h"
#include "merge.h"
#include "move.h"
#include "registry.h"
#include "small.h"

enum { REGION = 1 << 20, N_BLOCKS = 1200, PREVIOUS = 8, CHILD = 16, IN_TRIE = 28 };

struct site {
    struct heap *h;
    char *low, *copy; /* the region, and all that there is in it when it is sound */
    struct crowd *crowd;
    size_t bytes;
    uint64_t tag;
};

static uint32_t make(const struct site *site, size_t size, size_t alignment) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site->h, NULL, size, alignment, 0, &slot), ==, RM_OK);
    return slot;
}

static void drop(const struct site *site, uint32_t slot) {
    g_assert_cmpint(free_slot(site->h, slot), ==, RM_OK);
}

/* What is there now is what it is put back to. */
static void keep_copy(const struct site *site) {
    inside_assert_sound(site);
    memcpy(site->copy, site->low, site->bytes);
}

static void open_site(struct site *site, gconstpointer none) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.memory = inside_between(REGION);
    options.size = REGION;
    options.threads = RM_THREADS_NONE;
    inside_open(site, &options);
    site->copy = g_malloc(site->bytes);
    keep_copy(site);
}

static void close_site(struct site *site, gconstpointer none) {
    inside_assert_sound(site);
    g_assert_true(registry_destroy(site->tag));
    inside_between_free(site->low, REGION);
    g_free(site->copy);
}

/* After a statement that damages the heap a call ends where it meets that; then all is as it was. */
#define ENDS(damage, call)                                                               \
    do {                                                                                 \
        jmp_buf edge;                                                                    \
        (void)(damage);                                                                  \
        if (setjmp(edge) == 0) {                                                         \
            damage_edge = &edge;                                                         \
            (void)(call);                                                                \
            g_error("%s: %s goes on", #damage, #call);                                   \
        }                                                                                \
        damage_edge = NULL;                                                              \
        memcpy(site->low, site->copy, site->bytes);                                      \
    } while (0)
/* Or it comes to its end all the same, and says this. */
#define HOLDS(damage, condition)                                                         \
    do {                                                                                 \
        (void)(damage);                                                                  \
        g_assert_true(condition);                                                        \
        memcpy(site->low, site->copy, site->bytes);                                      \
    } while (0)

static void flip(const struct area *a, unit_t span, uint64_t bits) {
    store64(area_at(a, span), area_header(a, span) ^ bits);
}

/* --- the index of free spans --- */

static unit_t span_of(const struct site *site, uint32_t slot) {
    return entry_span(&site->h->store, table_entry(&site->h->store.table, slot));
}

/* Free spans of so many bytes, each between two blocks; returns those. */
static void make_gaps(const struct site *site, const size_t *sizes, unsigned n,
                      unit_t *spans) {
    uint32_t slots[8];
    for (unsigned i = 0; i < n; i++) {
        slots[i] = make(site, sizes[i], 16);
        make(site, 600, 16);
    }
    for (unsigned i = 0; i < n; i++) {
        spans[i] = span_of(site, slots[i]);
        drop(site, slots[i]);
        g_assert_cmpint(header_kind(area_header(&site->h->store.area, spans[i])), ==,
                        SPAN_FREE);
    }
    keep_copy(site);
}

static void test_index(struct site *site, gconstpointer none) {
    static const size_t sizes[] = {2000, 2000, 100};
    unit_t gaps[3];
    make_gaps(site, sizes, 3, gaps);
    struct area *a = &site->h->store.area;
    struct buddy *b = &a->buddy;
    /* Two of one size: the one that came first is a node, the other its second. */
    unit_t node = gaps[0], second = gaps[1], small = gaps[2];
    unit_t key = buddy_key(a->base, node);
    g_assert_cmpuint(buddy_key(a->base, second), ==, key);
    g_assert_cmpuint(load32(area_at(a, second) + IN_TRIE), ==, 0);
    unit_t *root = &b->tries[bit_highest(key) - BUDDY_ORDER_MIN];
    g_assert_cmpuint(*root, ==, node);
    char *at = area_at(a, node), *behind = area_at(a, second);
    ENDS(store32(behind + PREVIOUS, UNIT_NIL), buddy_remove(b, a->base, second, key));
    ENDS(store32(behind + PREVIOUS, small), buddy_remove(b, a->base, second, key));
    ENDS(*root = a->limit - 1, buddy_best(b, a->base, key));
    ENDS(*root = a->limit, buddy_best(b, a->base, key));
    /* Round and round, to either side. */
    ENDS(store32(at + CHILD, node), buddy_best(b, a->base, 63));
    ENDS(store32(at + CHILD + 4, node),
         (b->orders_used &= (2u << bit_highest(key)) - 1, buddy_largest(b, a->base)));
    unit_t longer = buddy_best(b, a->base, 127);
    g_assert_cmpuint(key, ==, 126);
    HOLDS(store32(at + CHILD + 4, node), buddy_best(b, a->base, 127) == longer);
    ENDS((b->orders_used = 1u << 31, b->bins_used = 0), buddy_best(b, a->base, 1));
    ENDS(b->orders_used = 1u << 31, buddy_largest(b, a->base));
    ENDS(buddy_remove(b, a->base, second, key),
         (store32(at + CHILD, node), buddy_remove(b, a->base, node, key)));
    g_assert_cmpuint(buddy_best(b, a->base, 1u << 31), ==,
                     UNIT_NIL); /* none is so large */
    g_assert_cmpuint(buddy_best(b, a->base, b->limit), ==, UNIT_NIL);
}

/* --- spans --- */

static void test_spans(struct site *site, gconstpointer none) {
    static const size_t sizes[] = {3000};
    const struct pages no_pages = {0, 0};
    unit_t gap;
    uint32_t slot = make(site, 700, 16), aligned = make(site, 700, 64);
    make_gaps(site, sizes, 1, &gap);
    struct area *a = &site->h->store.area;
    unit_t block = span_of(site, slot), units = area_units(a, block);
    unit_t above = gap + free_size(area_header(a, gap));
    struct area_gap open;
    ENDS(0, area_units(a, a->limit));
    ENDS(flip(a, block, UINT64_C(1) << 30), area_units(a, block));
    ENDS(0, area_gap_open(a, a->limit, &open));
    ENDS(0, area_gap_open(a, block, &open));
    ENDS(flip(a, gap, 1 << FREE_SIZE_SHIFT), area_free(a, above, area_units(a, above)));
    ENDS(flip(a, gap, SPAN_RUN), area_free(a, above, area_units(a, above)));
    ENDS(store64(area_at(a, gap), UINT64_C(3) << 30), area_gap_open(a, gap, &open));
    ENDS(0, area_shrink(a, a->limit));
    ENDS(store64(area_at(a, a->limit), SPAN_BLOCK), area_shrink(a, 1));
    ENDS(a->stretch = block, area_stretch(a, gap, gap));
    ENDS(0, area_stretch(a, gap, above));
    ENDS(a->stretch = a->limit, area_settle(a, 1, no_pages));
    ENDS((a->stretch = gap, a->stretch_units = a->limit), area_settle(a, 1, no_pages));
    ENDS((a->stretch = gap, a->stretch_units = 10), area_settle(a, 10, no_pages));
    ENDS(0, area_raise(a, block, units, 0));
    ENDS(0, area_raise(a, compact_used_below(a, gap),
                       area_units(a, compact_used_below(a, gap)), a->limit));
    ENDS(store32(area_at(a, above) - 4, 0), area_free(a, above, area_units(a, above)));
    ENDS(store64(area_at(a, a->limit), SPAN_ALIGNED),
         block_alignment(&site->h->store, a->limit));
    ENDS(flip(a, span_of(site, aligned), UINT64_C(1) << 30),
         block_alignment(&site->h->store, span_of(site, aligned)));
    ENDS(a->zones[0].first = UINT16_MAX - 1, zone_first(a->zones, 0));
    ENDS(a->zones[0].first = 1, area_start_near(a, 0));
    ENDS(0, store_content(&site->h->store, 0, REGION));
    ENDS(0, store_content(&site->h->store, ENTRY_PLACE_MASK, 0));
}

/* --- blocks that move --- */

static void test_moves(struct site *site, gconstpointer none) {
    static const size_t sizes[] = {3000, 3000};
    struct store *s = &site->h->store;
    struct area *a = &s->area;
    unit_t gaps[2];
    make_gaps(site, sizes, 2, gaps);
    unit_t above = gaps[0] + free_size(area_header(a, gaps[0]));
    const uint64_t ref = UINT64_C(1) << 60;
    s->piece = SIZE_MAX;
    ENDS(flip(a, above, ref), move_slide(s, gaps[0], gaps[0]));
    ENDS(flip(a, above, ref), move_fill(s, gaps[1], gaps[1], above));
    ENDS(flip(a, above, ref), claim_all_movable(s, above));
}

/* Of blocks that are moved a piece at a time it is looked at whose they are. */
static void test_large_moves(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    struct area *a = &s->area;
    const uint64_t ref = UINT64_C(1) << 60;
    uint32_t low = make(site, 90000, 0), pin = make(site, 600, 16);
    unit_t large = span_of(site, make(site, 80000, 0)), gap = span_of(site, low);
    drop(site, low);
    s->piece = 4096;
    keep_copy(site);
    ENDS(flip(a, large, ref), move_fill(s, gap, gap, large));
    move_slide(s, gap, gap); /* the one between */
    keep_copy(site);
    unit_t next = area_lowest_free(a, span_of(site, pin));
    g_assert_cmpuint(next + free_size(area_header(a, next)), ==, large);
    ENDS(flip(a, large, ref), move_slide(s, next, next));
}

/* A block half moved, in either way: what is gone on with must be in the area. */
static void test_half_moved(struct site *site, gconstpointer fill) {
    struct store *s = &site->h->store;
    struct area *a = &s->area;
    struct mover *m = &s->mover;
    void *pointer;
    heap_compact(site->h, 0, 0, NULL);
    uint32_t low = make(site, 90000, 0), pin = make(site, 600, 0);
    uint32_t high = make(site, 80000, 64);
    if (fill) g_assert_true(lock_slot(site->h, pin, &pointer));
    drop(site, low);
    while (m->slot == SLOT_NIL) g_assert_false(heap_compact(site->h, 1, 0, NULL));
    g_assert_true(m->slot == high && m->slide == (fill == NULL));
    keep_copy(site);
    ENDS(m->slot = UINT32_MAX, move_continue(s));
    ENDS(m->units = 0, move_continue(s));
    ENDS(m->units = a->limit + 1, move_continue(s));
    ENDS(m->from = a->limit, move_continue(s));
    ENDS(m->to = a->limit, move_continue(s));
    ENDS(m->done = units_bytes(m->units), move_continue(s));
    ENDS(m->reach = m->units - 1, move_continue(s));
    ENDS(m->reach = a->limit, move_continue(s));
    ENDS(m->n_moved = UINT32_MAX, move_continue(s));
    ENDS(m->pages = true, move_continue(s));
    ENDS((m->empty.first = 1, m->empty.n = UINT32_MAX), move_continue(s));
    ENDS(m->slide = !m->slide, move_continue(s));
    if (fill) {
        ENDS(a->stretch = m->to, move_continue(s));
        ENDS(flip(a, m->to, UINT64_C(1) << BLOCK_REF_SHIFT), move_continue(s));
        ENDS(flip(a, m->to, UINT64_C(1) << 60), move_continue(s));
        ENDS(flip(a, m->to, UINT64_C(1) << 10), move_continue(s));
        ENDS(flip(a, m->to, UINT64_C(1) << 10), move_finish(s));
        ENDS(flip(a, m->to, UINT64_C(1) << 10), move_abandon(s));
        g_assert_true(unlock_slot(site->h, pin));
    } else {
        ENDS(a->stretch++, move_continue(s));
        ENDS((a->stretch = m->to = m->from), move_continue(s));
        ENDS(a->stretch_units = m->units, move_continue(s));
        ENDS(a->stretch_units = a->limit, move_continue(s));
    }
    heap_compact(site->h, 0, 0, NULL);
}

/* --- runs --- */

/* Two runs of a class, with objects in either. */
static void test_runs(struct site *site, gconstpointer none) {
    enum { OBJECTS = 200, SIZE = 40 };
    struct store *s = &site->h->store;
    struct area *a = &s->area;
    uint32_t slots[OBJECTS];
    unsigned c = class_of(SIZE);
    for (unsigned i = 0; i < OBJECTS; i++) slots[i] = make(site, SIZE, 0);
    for (unsigned i = 0; i < OBJECTS; i++)
        if (i % 4 != 0) drop(site, slots[i]);
    quick_flush(s);
    keep_copy(site);
    g_assert_cmpuint(s->runs[c].head[SPARSE], !=, UNIT_NIL);
    struct run first = run_at(s, s->runs[c].head[SPARSE]);
    struct run last = run_at(s, run_link(s, first.span, RUN_PREVIOUS));
    g_assert_cmpuint(first.span, !=, last.span);
    unsigned i = bit_lowest(run_live_mask(&last));
    char *ref = last.at + ref_offset(last.class, i);
    ENDS(store32(ref, UINT32_MAX), merge_step(s));
    ENDS(store32(ref, UINT32_MAX), run_owner(s, &last, i));
    ENDS((s->loose[0] = 0, s->loose[1] = UINT64_C(1) << 63), merge_one_run(s));
    ENDS(s->loose[1] = UINT64_C(1) << 63, (s->loose[0] = 0, merge_step(s)));
    ENDS(0, run_at(s, a->limit));
    ENDS(flip(a, last.span, SPAN_RUN ^ SPAN_BLOCK), run_at(s, last.span));
    ENDS(flip(a, last.span, 127 << RUN_CLASS_SHIFT), run_at(s, last.span));
    ENDS(flip(a, last.span, 63 << RUN_SLOTS_SHIFT), run_at(s, last.span));
    ENDS(flip(a, last.span, UINT64_C(1) << 63), run_at(s, last.span));
    struct run none_free = first;
    none_free.free = 0;
    ENDS(0, run_links(&none_free));
    ENDS(0, run_index(s, &first, (uint64_t)63 << ENTRY_SHAPE_SHIFT));
    ENDS(0, table_named(&s->table, s->table.n_slots));
    ENDS(0, small_free(s, first.span, bit_lowest(first.free)));
    ENDS(s->kept[1] = UINT64_C(1) << 63, small_drop_kept(s));
    /* The only run of its class, and nothing is live in it. */
    uint32_t lone[2] = {make(site, 300, 0), make(site, 300, 0)};
    drop(site, lone[1]);
    quick_flush(s);
    keep_copy(site);
    unit_t span = span_of(site, lone[0]);
    struct run r = run_at(s, span);
    ENDS(flip(a, span, run_live_mask(&r) << RUN_MASK_SHIFT),
         (s->loose[0] = s->loose[1] = 0,
          s->loose[r.class_id / 64] = UINT64_C(1) << r.class_id % 64, merge_step(s)));
}

/* A run that does not exist lies over another one: what goes to it is written over references that have been
   looked at, and are read after that. */
static void test_overlap(struct site *site, gconstpointer none) {
    enum { OBJECTS = 200, TAKER = 8, KEPT = 4, SIZE = 44 };
    struct store *s = &site->h->store;
    uint32_t slots[OBJECTS];
    unsigned c = class_of(SIZE);
    for (unsigned i = 0; i < OBJECTS; i++) slots[i] = make(site, SIZE, 0);
    struct run giver = run_at(s, span_of(site, slots[OBJECTS / 2]));
    for (unsigned i = 0; i < OBJECTS; i++)
        if (span_of(site, slots[i]) != giver.span ||
            shape_index(table_entry(&s->table, slots[i])) >= KEPT)
            drop(site, slots[i]);
    quick_flush(s);
    giver = run_at(s, giver.span);
    g_assert_true(giver.class->embedded && giver.slots > TAKER + 1);
    g_assert_cmpuint(run_live_mask(&giver), ==, bit_mask(KEPT));
    memset(run_slot(&giver, 0), 0xff, SIZE); /* over the reference of slot 2 */
    keep_copy(site);
    unit_t span = giver.span + 1;
    uint64_t header = run_header(c, TAKER, bit_mask(TAKER) & ~bit_mask(2));
    struct run taker = run_read(s, span, header);
    ENDS((store64(taker.at, header), store32(run_links(&taker), span),
          store32(run_links(&taker) + 4, span), s->runs[c].head[DENSE] = span,
          s->runs[c].head[SPARSE] = giver.span, s->loose[0] = s->loose[1] = 0,
          s->loose[c / 64] = UINT64_C(1) << c % 64),
         merge_step(s));
}

/* What merging would free is asked of two runs with an object each; and a new run is to lie in a free span that
   stands where smaller ones belong. */
static void test_outlook(struct site *site, gconstpointer none) {
    enum { OBJECTS = 100, SIZE = 500 };
    struct store *s = &site->h->store;
    struct area *a = &s->area;
    uint32_t slots[OBJECTS];
    unsigned c = class_of(SIZE);
    for (unsigned i = 0; i < OBJECTS; i++) slots[i] = make(site, SIZE, 0);
    keep_copy(site);
    ENDS((s->runs[c].head[DENSE] = s->runs[c].head[SPARSE] = UNIT_NIL,
          a->buddy.bins_used = 0,
          a->buddy.tries[0] =
              a->buddy.tries[bit_highest(a->buddy.orders_used) - BUDDY_ORDER_MIN],
          a->buddy.orders_used = 1u << BUDDY_ORDER_MIN),
         small_free_slots(s, c));
    for (unsigned i = 1; i < OBJECTS - 1; i++) drop(site, slots[i]);
    quick_flush(s);
    keep_copy(site);
    unit_t head = s->runs[c].head[SPARSE];
    struct run r = run_at(s, head);
    g_assert_cmpuint(run_live(&r), ==, 1);
    g_assert_cmpuint(run_link(s, head, RUN_NEXT), !=, head);
    char *links = run_links(&r);
    ENDS((flip(a, head, run_live_mask(&r) << RUN_MASK_SHIFT), r.free = bit_mask(r.slots),
          memmove(run_links(&r), links, 8)),
         small_excess(s, NULL));
}

/* --- what rests --- */

static void test_lists(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    struct quick *q = &s->quick;
    struct table *t = &s->table;
    uint32_t small[8], medium[4], tops[QUICK_BLOCKS];
    for (unsigned i = 0; i < 8; i++) small[i] = make(site, 40, 0);
    for (unsigned i = 0; i < 4; i++) medium[i] = make(site, 1000, 0);
    for (unsigned i = 0; i < 6; i++) drop(site, small[i]);
    for (unsigned i = 0; i < 3; i++) drop(site, medium[i]);
    keep_copy(site);
    unsigned c = class_of(40), n = block_units(1000, false) - QUICK_UNITS_MIN;
    char *top = quick_word(s, q->small[c]), *link = top - q->small[c] % QUICK_CHUNK;
    g_assert_cmpuint(load32(top), ==, small[5]);
    ENDS(store32(link, QUICK_LINK | q->small[c]), quick_count(s));
    ENDS(store32(top, QUICK_LINK - 1), quick_next(s, 40));
    ENDS(q->small[c] = UINT32_MAX, quick_next(s, 40));
    ENDS(q->small[c]++, quick_take_any(s, 40));
    ENDS(store32(top, QUICK_LINK - 1), quick_take_any(s, 40));
    ENDS((q->n_queued = QUICK_QUEUE, q->off = true, q->high = 0),
         free_slot(site->h, small[7]));
    ENDS((q->n_queued = QUICK_QUEUE + 1), quick_flush_some(s, 1));
    ENDS(q->n_used++, quick_flush_some(s, UINT32_MAX)); /* or it would never be done */
    /* A chunk given back that does not begin as one. */
    ENDS((q->vacant = q->pool + QUICK_CHUNK - QUICK_WORD,
          q->small[class_of(200)] = quick_bottom(q)),
         quick_refill(s, class_of(200)));
    ENDS(q->vacant = 1, quick_refill(s, class_of(300)));
    /* What comes back from a cache. */
    uint32_t slot = medium[3];
    uint64_t e = table_entry(t, slot);
    uint64_t large =
        entry_moved(e, entry_place(e), shape_of_block(SHAPE_MEDIUM_MAX, false));
    ENDS(table_set(t, slot, entry_moved(e, entry_place(e), shape_of_block(9999, false))),
         quick_return(s, 0, &slot, 1));
    ENDS(table_set(t, slot, large), quick_return(s, 0, &slot, 1));
    ENDS((q->off = true, q->high = 0, q->n_queued = QUICK_QUEUE),
         quick_return(s, c, &small[7], 1));
    /* The quick ways leave it to the slow ones. */
    uint64_t taken;
    uint32_t which, last = quick_last(q);
    memcpy(tops, q->blocks, sizeof tops);
    HOLDS(tops[n] = last + 1, quick_take_medium(s, last, tops, 1000, &taken) == SLOT_NIL);
    HOLDS(0, !quick_put_medium(s, last, tops, slot, table_slot(t, slot), e));
    tops[n] = q->blocks[n];
    HOLDS(q->high = slot, !quick_put_medium(s, last, tops, slot, table_slot(t, slot), e));
    HOLDS(0, !quick_put_medium(s, last, tops, slot, table_slot(t, slot), large));
    HOLDS(store32(quick_word(s, tops[n]), 0),
          quick_take_medium(s, last, tops, 1000, &taken) == SLOT_NIL);
    HOLDS(store32(quick_word(s, tops[n]), t->n_slots),
          quick_take_medium(s, last, tops, 1000, &taken) == SLOT_NIL);
    HOLDS(store32(top, 0), !quick_take(s, last, 40, &which, &taken));
    HOLDS(store32(top, t->n_slots), !quick_take(s, last, 40, &which, &taken));
    HOLDS(q->small[c] = last + 1, !quick_take(s, last, 40, &which, &taken));
    /* What is put above a top just below the last word would be behind the pool. */
    uint64_t plain = table_entry(t, small[6]);
    for (unsigned i = 1; i <= QUICK_WORD; i++)
        HOLDS(q->small[c] = last - QUICK_WORD + i,
              !quick_put(s, last, small[6], table_slot(t, small[6]), plain));
    HOLDS(q->small[c] = last - QUICK_WORD,
          quick_put(s, last, small[6], table_slot(t, small[6]), plain));
    HOLDS(q->pool++, heap_tops_of(site->h) == NULL);
    HOLDS(q->blocks++, heap_tops_of(site->h) == NULL);
    HOLDS(0, heap_tops_of(site->h) == q->blocks);
}

/* The lists of larger blocks are not where the structure says: no quick way is gone by it. */
static void test_tops(void) {
    for (unsigned i = 0; i < 2; i++) {
        rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
        struct access access;
        rm_heap_t *heap;
        rm_memory_t *block, *other;
        uint64_t tag;
        options.threads = RM_THREADS_NONE;
        g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
        g_assert_cmpint(rm_heap_alloc(heap, &block, 1000, 0, 0), ==, RM_OK);
        g_assert_cmpint(rm_heap_alloc(heap, &other, 1000, 0, 0), ==, RM_OK);
        g_assert_cmpint(rmfree(block), ==, RM_OK);
        g_assert_cmpint(call_tag(heap, &tag), ==, RM_OK);
        g_assert_true(registry_enter(tag, &access));
        registry_leave(&access);
        if (i == 0)
            access.heap->store.quick.pool += QUICK_CHUNK;
        else
            access.heap->store.quick.blocks++;
        g_assert_cmpint(rm_heap_alloc(heap, &block, 1000, 0, 0), ==, RM_ECORRUPT);
        g_assert_cmpint(rmfree(other), ==, RM_ECORRUPT);
        g_assert_cmpint(rm_heap_alloc(heap, &block, 1000, 0, 0), ==, RM_ECORRUPT);
        rm_heap_destroy(heap);
    }
}

#define ADD(name, test, data)                                                            \
    g_test_add("/sound/" name, struct site, data, open_site, test, close_site)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD("index", test_index, NULL);
    ADD("spans", test_spans, NULL);
    ADD("moves", test_moves, NULL);
    ADD("large-moves", test_large_moves, NULL);
    ADD("half-moved/slide", test_half_moved, NULL);
    ADD("half-moved/fill", test_half_moved, "fill");
    ADD("runs", test_runs, NULL);
    ADD("overlap", test_overlap, NULL);
    ADD("outlook", test_outlook, NULL);
    ADD("lists", test_lists, NULL);
    g_test_add_func("/sound/tops", test_tops);
    return g_test_run();
}
