/* SPDX-License-Identifier: MIT */
/*
 * What each room does about each kind of damage: a picture, of which a row is a function and a column a word of the
 * heap that is wrong. E: it meets that, and ends at the edge. Else what it says, as a digit: it does not come there,
 * or need not care. Whoever looks one word further, or less far, has another row.
 */
#include <glib.h>
#include <setjmp.h>

#include "block.h"
#include "cache.h"
#include "calls.h"
#include "claim.h"
#include "compact.h"
#include "damage.h"
#include "fill.h"
#include "inside.h"
#include "largest.h"
#include "many.h"
#include "merge.h"
#include "mirror.h"
#include "move.h"
#include "scramble.h"
#include "seal.h"
#include "slide.h"
#include "small.h"
#include "stats.h"
#include "walk.h"

enum { REGION = 1 << 18, SIZE = 40, OBJECTS = 150, BLOCK = 3000 };

static struct {
    struct heap *h;
    struct store *s;
    struct crowd *crowd;
    char *low, *copy;
    size_t bytes;
    uint64_t tag;
    uint32_t object, other;                 /* of two runs of a class; */
    unit_t run, other_run;                  /* either has free slots */
    uint32_t block, crowded, crowded_block; /* the last two have many locks */
    uint32_t pin;                           /* locked, with a gap below */
    uint32_t aligned;
    unit_t gap, gap_units;
    struct cache *cache;
} site;

static uint32_t make(size_t size, size_t alignment) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site.h, NULL, size, alignment, 0, &slot), ==, RM_OK);
    return slot;
}
static void drop(uint32_t slot) { g_assert_cmpint(free_slot(site.h, slot), ==, RM_OK); }
static uint64_t entry(uint32_t slot) { return table_entry(&site.s->table, slot); }
static unit_t span_of(uint32_t slot) { return entry_span(site.s, entry(slot)); }
static char *header(unit_t span) { return area_at(&site.s->area, span); }

static uint32_t make_crowded(size_t size) {
    void *pointer;
    uint32_t slot = make(size, 0);
    for (unsigned i = 0; i < 6; i++) g_assert_true(lock_slot(site.h, slot, &pointer));
    return slot;
}

/* Two runs with holes, blocks, a gap below a locked one with things above that fit; nothing rests. */
static void fill_heap(void) {
    uint32_t objects[OBJECTS];
    void *pointer;
    make(700, 0);
    uint32_t gap = make(9000, 0);
    site.pin = make(2000, 0);
    for (unsigned i = 0; i < OBJECTS; i++) objects[i] = make(SIZE, 0);
    site.block = make(BLOCK, 0);
    site.aligned = make(800, 256);
    site.crowded = make_crowded(100);
    site.crowded_block = make_crowded(5000);
    make(6000, 0);
    g_assert_true(lock_slot(site.h, site.pin, &pointer));
    site.gap = span_of(gap);
    for (unsigned i = 0; i < OBJECTS; i += 3) drop(objects[i]);
    drop(gap);
    heap_settle(site.h);
    site.gap_units = area_units(&site.s->area, site.gap);
    site.object = objects[1];
    site.run = span_of(site.object);
    for (unsigned i = 2; i < OBJECTS; i += 3)
        if (span_of(objects[i]) != site.run) site.other = objects[i];
    site.other_run = span_of(site.other);
    g_assert_cmpuint(run_mask(load64(header(site.run))), !=, 0);
    g_assert_cmpuint(run_mask(load64(header(site.other_run))), !=, 0);
}

static void open_site(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.memory = inside_between(REGION);
    options.size = REGION;
    options.compaction = RM_COMPACT_MANUAL;
    options.threads = RM_THREADS_NONE;
    inside_open(&site, &options);
    site.s = &site.h->store;
    fill_heap();
    inside_assert_sound(&site);
    site.copy = g_memdup2(site.low, site.bytes);
}
static void close_site(void) {
    inside_assert_sound(&site);
    g_assert_true(registry_destroy(site.tag));
    inside_between_free(site.low, REGION);
    g_free(site.copy);
}

/* --- damages --- */

static void set_field(char *at, unsigned shift, unsigned bits, uint64_t value) {
    uint64_t mask = bit_mask(bits) << shift;
    store64(at, (load64(at) & ~mask) | (value << shift & mask));
}
static void set_entry(uint32_t slot, unsigned shift, unsigned bits, uint64_t value) {
    set_field(table_slot(&site.s->table, slot), shift, bits, value);
}
static void run_field(unsigned shift, unsigned bits, uint64_t value) {
    set_field(header(site.run), shift, bits, value);
}

static void is_block(void) { run_field(0, 2, SPAN_BLOCK); }
static void is_free(void) { run_field(0, 2, SPAN_FREE); }
static void no_class(void) { run_field(RUN_CLASS_SHIFT, 7, 0); }
static void high_class(void) { run_field(RUN_CLASS_SHIFT, 7, CLASSES); }
static void no_slots(void) { run_field(RUN_SLOTS_SHIFT, 6, 0); }
static void many_slots(void) { run_field(RUN_SLOTS_SHIFT, 6, 63); }
static void mask_beyond(void) { run_field(63, 1, 1); }
static void no_mask(void) { run_field(RUN_MASK_SHIFT, 48, 0); }
static void all_masked(void) {
    run_field(RUN_MASK_SHIFT, 48, bit_mask(run_slots(load64(header(site.run)))));
}
static void short_area(void) { site.s->area.limit = site.run + 1; }
static void link_beyond(void) {
    struct run r = run_at(site.s, site.run);
    store32(run_links(&r), site.s->area.limit);
}
static void link_wrong(void) {
    struct run r = run_at(site.s, site.run);
    store32(run_links(&r), span_of(site.block));
}
static void reference_beyond(void) {
    struct run r = run_at(site.s, site.run);
    run_put_ref(&r, shape_slot(entry(site.object)),
                site.s->table.n_slots << SLACK_BITS | SLACK_NONE);
}
static void slack_wide(void) {
    struct run r = run_at(site.s, site.run);
    unsigned i = shape_slot(entry(site.object));
    run_put_ref(&r, i, site.object << SLACK_BITS | SLACK_WIDE);
    store16(run_slot(&r, i) + r.class->capacity - 2, 0xffff);
}
static void place_beyond(void) {
    set_entry(site.object, 0, 31, units_bytes(site.s->area.limit + 500) >> 3);
}
static void shape_beyond(void) {
    set_entry(site.object, ENTRY_SHAPE_SHIFT, 15, shape_of_number(4095));
}
static void slot_beyond(void) { set_entry(site.object, ENTRY_SHAPE_SHIFT, 6, 47); }
static void block_long(void) {
    set_field(header(span_of(site.block)), BLOCK_SIZE_SHIFT, 33, REGION);
}
static void block_none(void) { set_field(header(span_of(site.block)), 0, 2, SPAN_FREE); }
static void block_beyond(void) {
    set_entry(site.block, 0, 31, units_bytes(site.s->area.limit) >> 3);
}
static void owner_beyond(void) {
    set_field(header(span_of(site.block)), BLOCK_REF_SHIFT, 28, site.s->table.n_slots);
}
static void alignment_odd(void) {
    unit_t span = span_of(site.aligned);
    store8(header(span + area_units(&site.s->area, span)) - 1, 60);
}
static void gap_none(void) { set_field(header(site.gap), FREE_SIZE_SHIFT, UNIT_BITS, 0); }
static void gap_long(void) {
    set_field(header(site.gap), FREE_SIZE_SHIFT, UNIT_BITS, UNIT_NIL);
}
static void gap_used(void) { set_field(header(site.gap), 0, 2, SPAN_BLOCK); }
static void crowd_beyond(void) {
    set_entry(site.crowded, 0, 31, units_bytes(site.s->area.limit) >> 3);
}
static void crowd_off(void) {
    set_entry(site.crowded, 0, 31, entry_place(entry(site.crowded)) / 8 + 40);
}
static void head_beyond(void) {
    struct class_runs *runs = &site.s->runs[class_of(SIZE)];
    runs->head[DENSE] = runs->head[SPARSE] = site.s->area.limit;
}
static void head_wrong(void) {
    struct class_runs *runs = &site.s->runs[class_of(SIZE)];
    runs->head[DENSE] = runs->head[SPARSE] = site.gap;
}
static void few_slots(void) { site.s->table.n_slots = TABLE_SLOTS_MIN; }

static void (*const damages[])(void) = {
    is_block,         is_free,      no_class,     high_class,    no_slots,    many_slots,
    mask_beyond,      no_mask,      all_masked,   short_area,    link_beyond, link_wrong,
    reference_beyond, slack_wide,   place_beyond, shape_beyond,  slot_beyond, block_long,
    block_none,       block_beyond, owner_beyond, alignment_odd, gap_none,    gap_long,
    gap_used,         crowd_beyond, crowd_off,    head_beyond,   head_wrong,  few_slots};
enum { DAMAGES = G_N_ELEMENTS(damages) };

#include "test_walls.h"

/* --- the picture --- */

static char outcome(uint64_t (*function)(void)) {
    jmp_buf edge;
    volatile char is = 'E';
    if (_setjmp(edge) == 0) {
        damage_edge = &edge;
        is = "0123456789abcdefghijklmnopqrstuvwxyz"[function() % 36];
    }
    damage_edge = NULL;
    return is;
}

static void test_row(gconstpointer data) {
    const struct row *row = data;
    char is[DAMAGES + 1] = "";
    open_site();
    for (unsigned i = 0; i < DAMAGES; i++) {
        damages[i]();
        is[i] = outcome(row->function);
        memcpy(site.low, site.copy, site.bytes);
        *site.crowd = (struct crowd){.caches = NULL};
    }
    if (strcmp(is, row->outcomes) != 0)
        g_error("is  {\"%s\", %s, \"%s\"}, not \"%s\"", row->name, row->name, is,
                row->outcomes);
    close_site();
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        char *name = g_strdup_printf("/walls/%s", rows[i].name);
        g_test_add_data_func(name, &rows[i], test_row);
        g_free(name);
    }
    return g_test_run();
}
