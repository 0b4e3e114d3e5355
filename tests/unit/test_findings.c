/* SPDX-License-Identifier: MIT */
/*
 * Each thing that verify_heap may find, in a heap that is sound but for this one: which invariant is named, and
 * in what words. Where the proof would find something else first, what that is goes by has been made up for: by
 * a fake, in the content of a block.
 */
#include <unistd.h>

#include "calls.h"
#include "os.h"
#include "registry.h"
#include "site.h"
#include "small.h"

enum { FAKES = 20000 };

/* --- memory --- */

/* Page by page they are apart, as in a heap that grows. */
static void part(struct site *site) {
    struct region *r = &site->h->region;
    struct store *s = &site->h->store;
    char *area_end = (char *)round_down((uintptr_t)r->area_end, os_page());
    s->area.limit -= (unit_t)((r->area_end - area_end) >> UNIT_SHIFT);
    r->area_end = area_end;
    r->table_end = (char *)round_up((uintptr_t)r->table_end, os_page());
    s->table.room = (uint32_t)((s->table.top - r->table_end) / 8);
    g_assert_true(r->area_end < r->table_end && r->table_end < s->table.top);
}

static void test_ends(struct site *site, gconstpointer none) {
    struct region *r = &site->h->region;
    struct table *t = &site->h->store.table;
    const char *meet = "The area and the table neither meet",
               *slots = "The table's slots,";
    FIND(1, meet, (t->room -= 2, r->table_end += 16));
    FIND(1, meet, (t->room += 2, r->table_end -= 16));
    FIND(1, meet, part(site));
    FIND(8, slots, t->n_slots = TABLE_SLOTS_MIN - 2);
    FIND(8, slots, t->n_slots |= 1);
    FIND(8, slots, t->n_slots = t->room + 2);
    FIND(8, slots, t->generation = GENERATIONS);
    FIND(8, slots, t->hint = TABLE_SLOTS_MAX >> 6);
}

static void grow_table(struct site *site, size_t slots) {
    struct region *r = &site->h->region;
    struct table *t = &site->h->store.table;
    r->table_end = (char *)round_down((uintptr_t)t->top - 8 * slots, os_page());
    t->room = (uint32_t)((t->top - r->table_end) / 8);
    t->n_slots = (uint32_t)slots;
}

static void grown_ends(struct site *site) {
    struct region *r = &site->h->region;
    struct area *a = &site->h->store.area;
    FIND(1, "The area and the table neither meet", (a->limit--, r->area_end -= UNIT));
    char *end = area_at(a, a->limit);
    FIND(2, "The word at the area's end", store64(end, load64(end) ^ SPAN_PREV_FREE));
    FIND(8, "The table's slots,", grow_table(site, (size_t)TABLE_SLOTS_MAX + 2));
}

/* --- pages given back --- */

/* A free span of so many units at most, and at least, without such pages. */
static unit_t free_span(const struct area *a, unit_t least, unit_t most) {
    for (unit_t at = 0; at < a->limit; at += area_units(a, at)) {
        uint64_t h = area_header(a, at);
        if (header_kind(h) == SPAN_FREE && free_size(h) >= least &&
            free_size(h) <= most && h >> FREE_RELEASED_BIT == 0)
            return at;
    }
    g_assert_not_reached();
}

/* What looks like a free span with pages given back, in a block's content, in front of the list. */
static void fake_released(struct area *a, unit_t fake) {
    enum { NEXT = 40, PREVIOUS = 44 };
    memcpy(area_at(a, fake), area_at(a, a->released), UNIT * 4);
    store32(area_at(a, fake) + NEXT, a->released);
    store32(area_at(a, fake) + PREVIOUS, UNIT_NIL);
    store32(area_at(a, a->released) + PREVIOUS, fake);
    a->released = fake;
}

/* The first of the list, but for the mark that it has such pages. */
static void other_released(struct area *a, unit_t other) {
    enum { NEXT = 40 };
    memcpy(area_at(a, other) + NEXT, area_at(a, a->released) + NEXT, 8);
    a->released = other;
}

static void grown_released(struct site *site, unit_t fake) {
    struct area *a = &site->h->store.area;
    const char *inside = "Pages given back are not",
               *list = "The list of spans with pages";
    char *node = area_at(a, a->released), *first = node + RELEASED_FIRST;
    char *count = node + RELEASED_COUNT;
    uint32_t page = (uint32_t)(units_bytes(a->released) / os_page());
    unit_t small = free_span(a, 1, 3);
    g_assert_cmpuint(page, >, 0);
    FIND(12, "A free span that holds no page",
         FLIP64(area_at(a, small), UINT64_C(1) << FREE_RELEASED_BIT));
    FIND(12, inside, store32(count, 0));
    FIND(12, inside, store32(count, 1));
    FIND(12, inside, store32(first, page));
    FIND(12, inside, store32(first, 1 << 20));
    FIND(12, inside, store32(count, load32(count) * 16));
    FIND(12, list, a->released = free_span(a, 4, UNIT_NIL));
    FIND(12, list, a->released = a->limit);
    FIND(12, list, other_released(a, free_span(a, 4, UNIT_NIL)));
    FIND(12, list, store32(node + 44, 5));
    FIND(12, list, fake_released(a, fake));
    FIND(12, "Not all pages given back", a->released = UNIT_NIL);
}

/* A growing heap, some of whose pages have been given back. */
static void test_growing(void) {
    struct site own = {.h = NULL}, *site = &own;
    site_make(site, NULL, 0);
    uint32_t gap = site_block(site, 300000, 0), content = site_block(site, FAKES, 0);
    /* Where no page can be given back. */
    uint32_t longer = site_block(site, 1000, 0), shorter = site_block(site, 1000, 0);
    site_block(site, 1000, 0);
    g_assert_cmpint(resize_slot(site->h, longer, 960), ==, RM_OK);
    g_assert_cmpint(resize_slot(site->h, shorter, 600), ==, RM_OK);
    g_assert_cmpint(free_slot(site->h, gap), ==, RM_OK);
    g_assert_true(heap_trim(site->h) && site->h->store.area.released_units != 0);
    site_keep(site);
    grown_ends(site);
    grown_released(
        site,
        entry_span(&site->h->store, table_entry(&site->h->store.table, content)) + 1);
    site_assert_sound(site);
    g_assert_true(registry_destroy(site->tag));
    for (unsigned i = 0; i < 2; i++) g_free(site->parts[i].copy);
}

/* --- what compaction remembers --- */

static void test_mover(struct site *site, gconstpointer fill) {
    struct mover *m = &site->h->store.mover;
    struct area *a = &site->h->store.area;
    struct table *t = &site->h->store.table;
    const char *mover = "The block half moved cannot be";
    uint32_t slot = site_half_moved(site, fill != NULL);
    uint64_t e = table_entry(t, slot);
    site_keep(site);
    FIND(11, mover, m->slot = 64); /* a bitmap's */
    FIND(11, mover, m->units = 0);
    FIND(11, mover, m->units = a->limit + 1);
    FIND(11, mover, m->from = UNIT_NIL);
    FIND(11, mover, m->to = a->limit);
    FIND(11, mover, m->done = SIZE_MAX);
    FIND(11, mover, m->reach++);
    FIND(11, mover, m->n_moved = UINT32_MAX);
    FIND(11, mover, m->pages = true);
    FIND(11, "An entry is wrong about",
         table_set(t, slot, entry_with_locks(e, LOCKS_NONE)));
    if (fill == NULL) {
        FIND(11, "The stretch is not", (a->stretch = m->from, m->to = m->from));
        FIND(11, "The stretch is not",
             (a->stretch = m->to = m->from, a->stretch_units = m->units));
        FIND(11, "The stretch is not", a->stretch_units++);
        return;
    }
    const char *reserved = "What is reserved is not";
    FIND(11, reserved, area_set_header(a, m->to, block_header(slot + 1, 80000, false)));
    FIND(11, reserved, area_set_header(a, m->to, block_header(slot, 100, false)));
    FIND(11, reserved, area_set_header(a, m->to, block_header(slot, 0, false)));
    FIND(11, "The block half moved has two",
         FLIP64(area_at(a, m->from), UINT64_C(1) << BLOCK_SIZE_SHIFT));
    struct mover was = *m;
    g_assert_true(heap_make_lockable(site->h, slot_handle(site->h, slot), slot));
    site_keep(site);
    FIND(11, "Nothing is reserved", (table_set(t, slot, e), *m = was));
}

/* --- spans --- */

/* A block whose content is full of what is made up: its first unit but one. */
static unit_t fakes(struct site *site) {
    struct store *s = &site->h->store;
    unit_t span = entry_span(s, table_entry(&s->table, site_block(site, FAKES, 0)));
    memset(area_at(&s->area, span) + HEADER, 0, FAKES);
    site_keep(site);
    return span + 1;
}

static uint64_t free_header(unit_t units, unit_t next) {
    return SPAN_FREE | (uint64_t)units << FREE_SIZE_SHIFT |
           (uint64_t)next << FREE_NEXT_SHIFT;
}

static unit_t fake_bin(struct area *a, unit_t fake, unit_t units, bool released) {
    unit_t next = a->buddy.bins[units];
    uint64_t h = free_header(units, next) | (uint64_t)released << FREE_RELEASED_BIT;
    store64(area_at(a, fake), h);
    store32(area_at(a, fake) + 8, UNIT_NIL);
    if (next != UNIT_NIL) store32(area_at(a, next) + 8, fake);
    return a->buddy.bins[units] = fake;
}

/* One below the other, their sizes alike in more and more of the upper bits: as many as there are. */
static void fake_trie(struct area *a, unit_t fake, unsigned side) {
    enum { NODES = BUDDY_ORDER_MIN + 1, APART = 4 };
    const unit_t units = side == 0 ? 1u << BUDDY_ORDER_MIN : (2u << BUDDY_ORDER_MIN) - 1;
    unit_t parent = UNIT_NIL;
    a->buddy.tries[0] = fake;
    for (unsigned i = 0; i < NODES; i++, fake += APART) {
        char *node = area_at(a, fake);
        store64(node, free_header(units, UNIT_NIL));
        store32(node + 8, UNIT_NIL);
        store32(node + 16 + 4 * side, fake + APART);
        store32(node + 20 - 4 * side, UNIT_NIL);
        store32(node + 24, parent);
        store32(node + 28, 1);
        parent = fake;
    }
}

static void test_index(struct site *site, gconstpointer none) {
    struct area *a = &site->h->store.area;
    unit_t fake = fakes(site), last = BUDDY_TRIES;
    const char *index = "The index leads to what is no";
    FIND(4, index, fake_bin(a, fake, 2, true));
    FIND(4, index, fake_bin(a, fake, 2, false));
    unit_t *other = &a->buddy.bins[free_size(area_header(a, site->free))];
    FIND(4, index, (*other = UNIT_NIL, fake_bin(a, fake, 2, true)));
    FIND(4, index, a->buddy.bins[5] = fake); /* of no units */
    FIND(4, "A trie is deeper", fake_trie(a, fake, 0));
    FIND(4, "A trie is deeper", fake_trie(a, fake, 1));
    while (a->buddy.tries[--last] == UNIT_NIL) continue;
    FIND(4, "A trie leads", a->buddy.tries[last] = fake);
}

static void test_medium(struct site *site, gconstpointer none) {
    struct table *t = &site->h->store.table;
    uint32_t slot = site_block(site, 1000, 0);
    uint64_t e = table_entry(t, slot);
    site_keep(site);
    FIND(5, "A reference names an entry",
         table_set(t, slot, entry_moved(e, entry_place(e), shape_of_block(2000, false))));
    /* A bitmap's word, whatever it looks like. */
    struct area *a = &site->h->store.area;
    unit_t span = entry_span(&site->h->store, e);
    for (uint32_t map = 0; map < t->n_slots; map += 64)
        FIND(5, "A reference names no live",
             area_set_header(a, span, block_header(map, 1000, false)));
    /* And if it looks like the entry of what a thread has, by which slots of its group are free. */
    uint32_t third;
    do {
        third = site_block(site, 1, 0);
    } while (third % 64 != ENTRY_LOCKS_SHIFT + 2 || !table_live(t, third - 1) ||
             !table_live(t, third - 2));
    g_assert_cmpint(free_slot(site->h, third - 2), ==, RM_OK);
    heap_settle(site->h);
    g_assert_cmpuint(entry_locks(table_entry(t, third & ~63u)), ==, LOCKS_MOVING);
    site_keep(site);
    FIND(5, "A reference names no live",
         area_set_header(a, span, block_header(third & ~63u, 1000, false)));
}

/* --- runs --- */

/* The run that is to be found by its class, and has so much to spare; or UNIT_NIL. */
static unit_t run_of(const struct store *s, unsigned class_id, bool full) {
    const struct area *a = &s->area;
    for (unit_t at = 0; at < a->limit; at += area_units(a, at)) {
        uint64_t h = area_header(a, at);
        if (header_kind(h) == SPAN_RUN && run_class(h) == class_id &&
            (run_mask(h) == 0) == full)
            return at;
    }
    return UNIT_NIL;
}

/* A run of the last class, all of it free, that links to itself. */
static unit_t fake_run(struct store *s, unit_t fake, unsigned slots, uint64_t mask) {
    store64(area_at(&s->area, fake), run_header(CLASSES - 1, slots, mask));
    struct run r = run_read(s, fake, area_header(&s->area, fake));
    char *links = run_slot(&r, bit_highest(r.free));
    store32(links, fake);
    store32(links + 4, fake);
    return fake;
}

/* A block that looks like a run, but for its kind, which links to itself: of a class that has none. */
static void fake_block(struct site *site) {
    struct store *s = &site->h->store;
    unsigned class_id = 1, slots = 63;
    while (s->runs[class_id].head[DENSE] != UNIT_NIL ||
           s->runs[class_id].head[SPARSE] != UNIT_NIL)
        class_id++;
    uint32_t slot = site_block(site, 8192 + (slots << 7) + class_id, 0);
    unit_t span = entry_span(s, table_entry(&s->table, slot));
    site_keep(site);
    struct run r = run_read(s, span, area_header(&s->area, span));
    g_assert_true(r.class_id == class_id && r.slots == slots);
    char *links = run_slot(&r, bit_highest(r.free));
    store32(links, span);
    store32(links + 4, span);
    unsigned density = 2 * run_live(&r) > r.slots ? DENSE : SPARSE;
    unit_t *others = s->runs[run_class(area_header(&s->area, site->run))].head;
    FIND(7, "A list of runs leads",
         (others[DENSE] = others[SPARSE] = UNIT_NIL, /* or there would be too many */
          s->runs[class_id].head[density] = span));
}

static void test_runs(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    uint64_t h = area_header(&s->area, site->run);
    unsigned c = run_class(h), other = 1;
    const char *list = "A list of runs leads";
    unit_t fake = fakes(site), *head = s->runs[c].head;
    unit_t *last = s->runs[CLASSES - 1].head;
    while (other == c || run_of(s, other, false) == UNIT_NIL) other++;
    unsigned full = 1;
    while (run_of(s, full, true) == UNIT_NIL) full++;
    FIND(7, list, head[0] = run_of(s, other, false));
    FIND(7, list, s->runs[full].head[0] = run_of(s, full, true));
    FIND(7, list, (head[0] = site->run, head[1] = site->run));
    FIND(7, list, head[0] = site->block);
    g_assert_true(last[DENSE] == UNIT_NIL && last[SPARSE] == UNIT_NIL);
    FIND(7, list, last[SPARSE] = fake_run(s, fake, 2, 15));
    FIND(7, list, last[SPARSE] = fake_run(s, fake, 2, 3));
    FIND(7, "A run with a free slot is in", head[0] = head[1] = UNIT_NIL);
    fake_block(site);
}

/* --- what rests --- */

enum { RESTING = 40 };

static void test_quick(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    struct quick *q = &s->quick;
    uint32_t slots[RESTING], other = site_block(site, 300, 0);
    unsigned c = class_of(40);
    const char *rests = "A quick list leads to what", *queued = "What is queued";
    const char *pool = "The pool of the quick lists";
    for (unsigned i = 0; i < RESTING; i++) slots[i] = site_block(site, 40, 0);
    for (unsigned i = 0; i < RESTING; i++)
        g_assert_cmpint(free_slot(site->h, slots[i]), ==, RM_OK);
    g_assert_cmpint(free_slot(site->h, other), ==, RM_OK);
    g_assert_cmpuint(q->n_queued, ==, 0);
    site_keep(site);
    uint32_t top = q->small[c];
    g_assert_cmpuint(top % QUICK_CHUNK, <, QUICK_CHUNK - QUICK_WORD);
    FIND(13, rests, /* one twice: of the last list there is one too many */
         (store32(quick_word(s, top + QUICK_WORD), slots[0]), q->small[c] += QUICK_WORD));
    FIND(13, pool, q->fresh = 0);
    FIND(13, pool, q->fresh = q->n_chunks + 1);
    FIND(13, pool, store32(quick_word(s, q->pool), 0));
    FIND(13, pool, store32(quick_word(s, quick_bottom(q)), 0));
    FIND(13, queued, (q->n_queued = 1, q->queue[0] = slots[0]));
    for (unsigned i = 0; i < QUICK_QUEUE; i++) { /* which say of what class they are */
        uint64_t e = table_entry(&s->table, slots[i]);
        table_set(&s->table, slots[i], e | (uint64_t)(40 - 1) << SHAPE_SIZE_SHIFT);
        q->queue[i] = slots[i];
    }
    FIND(13, queued, (q->small[c] = quick_bottom(q), q->n_queued = QUICK_QUEUE + 1));
    heap_settle(site->h);
}

/* A slot without a block makes up for one that says that it has one, which is not so. */
struct claim {
    size_t place;
    unsigned shape, list; /* of a cache; 0: it is queued */
};

static void claims(struct site *site, struct cache *c, const struct claim *claims,
                   unsigned n) {
    struct store *s = &site->h->store;
    struct quick *q = &s->quick;
    uint32_t slot = c->spare[0], last = q->small[class_of(200)];
    uint64_t e = table_entry(&s->table, slot);
    for (unsigned i = 0; i < n; i++) {
        const struct claim *claim = &claims[i];
        uint64_t says = entry_moved(e, claim->place, claim->shape);
        unsigned list = claim->list;
        if (list == 0) {
            q->queue[q->n_queued++] = slot;
            q->small[class_of(200)] = last - QUICK_WORD;
            FIND(13, "What is queued",
                 table_set(&s->table, slot, entry_with_locks(says, LOCKS_FREE)));
            continue;
        }
        uint32_t *slots = list < CLASSES ? c->small[list] : c->blocks[list - CLASSES];
        slots[c->n[list]++] = slot;
        c->spare[0] = c->spare[1]; /* as many as before */
        FIND(16, "A thread has what", table_set(&s->table, slot, says));
        c->spare[0] = slot;
        c->n[list]--;
    }
}

static void test_claims(struct site *site, gconstpointer none) {
    struct store *s = &site->h->store;
    struct area *a = &s->area;
    struct cache *c = g_new0(struct cache, 1);
    uint32_t small = site_block(site, 200, 0), medium = site_block(site, 1000, 0);
    uint32_t empty = site_block(site, 0, 64), longer = site_block(site, 1204, 0);
    unsigned of_run = run_class(area_header(a, site->run)), of_300 = class_of(300);
    uint32_t aligned = site_block(site, 1000, 64);
    uint32_t alike = site_block(site, 1024 + of_run, 0);
    cache_open(c, s, 1, CACHE_BYTES);
    g_assert_cmpuint(cache_slot(c), !=, SLOT_NIL);
    c->n_spare++; /* it stays there */
    g_assert_cmpint(free_slot(site->h, small), ==, RM_OK);
    site_keep(site);
    unsigned blocks = CLASSES + block_units(1000, false) - QUICK_UNITS_MIN;
    unsigned one = shape_of_block(1000, false), two = shape_of_block(2000, false);
    size_t run = place_behind(site->run), block = place_behind(site->block);
    size_t place = entry_place(table_entry(&s->table, medium));
    size_t nothing = entry_place(table_entry(&s->table, empty));
    unsigned of_other = of_run % 16 + 1;
    unsigned longs = CLASSES + block_units(1204, false) - QUICK_UNITS_MIN;
    size_t at_longer = entry_place(table_entry(&s->table, longer)) - HEADER;
    size_t at_alike = entry_place(table_entry(&s->table, alike)) - HEADER;
    size_t here = size_classes[of_run].least, there = size_classes[of_other].least;
    const struct size_class *class = &size_classes[of_run];
    unsigned high = class->slots_max - 1u;
    const struct claim list[] = {
        {0, one, 0},
        {units_bytes(a->limit) + HEADER, one, 0},
        {place, shape_of_number(0), 0},
        {place, shape_of_number(SHAPE_MEDIUM - SMALL_MAX - 1), 0}, /* of no bytes */
        {run, one, 0},
        {block, one, 0},
        {nothing, one, 0},
        {place, two, blocks},
        {place, shape_of_number(0), blocks},
        {place, shape_make(of_run, 0, here), blocks},
        {run, one, blocks},
        {place, one, of_run},
        {HEADER, shape_make(of_run, high, here), of_run},
        {units_bytes(site->block) + slot_offset(class, 0), shape_make(of_run, 0, here),
         of_run},
        {units_bytes(site->run) + slot_offset(&size_classes[of_other], 0),
         shape_make(of_other, 0, there), of_other},
        /* Read as something else they would fit. */
        {entry_place(table_entry(&s->table, aligned)), one, blocks},
        {at_longer + slot_offset(&size_classes[of_300], 3), shape_make(of_300, 3, 300),
         longs},
        {run - HEADER + slot_offset(class, SHAPE_OTHERS), shape_of_number(0), of_run},
        {at_alike + slot_offset(class, 0), shape_make(of_run, 0, here), of_run},
    };
    claims(site, c, list, G_N_ELEMENTS(list));
    c->blocks[blocks - CLASSES][c->n[blocks]++] = medium; /* which is live */
    FIND(16, "A thread has what", (void)0);
    c->n[blocks]--;
    uint32_t first = c->spare[0];
    c->spare[0] = medium;
    FIND(16, "A thread has a slot", (void)0);
    c->spare[0] = first;
    cache_close(c);
    g_free(c);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    alarm(60);
    SITE_ADD("/findings/ends", test_ends, NULL);
    SITE_ADD("/findings/mover/slide", test_mover, NULL);
    SITE_ADD("/findings/mover/fill", test_mover, "fill");
    SITE_ADD("/findings/index", test_index, NULL);
    SITE_ADD("/findings/medium", test_medium, NULL);
    SITE_ADD("/findings/runs", test_runs, NULL);
    SITE_ADD("/findings/quick", test_quick, NULL);
    SITE_ADD("/findings/claims", test_claims, NULL);
    g_test_add_func("/findings/growing", test_growing);
    return g_test_run();
}
