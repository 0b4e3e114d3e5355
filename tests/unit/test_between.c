/* SPDX-License-Identifier: MIT */
/*
 * What another thread does to a block between two steps of a call, without the mutex: it locks the block, or frees
 * it and makes it anew, out of what it keeps. The functions that one room calls of another are wrapped by the linker,
 * so that it happens at a certain one of them, whatever the machine does.
 */
#include <glib.h>
#include <string.h>

#include "calls.h"
#include "compact.h"
#include "inside.h"
#include "merge.h"
#include "move.h"
#include "pages.h"
#include "registry.h"
#include "resize.h"

/* --- the other thread --- */

enum moment {
    NOWHERE,
    BEFORE_MANY_END,
    AFTER_MANY_END,
    BEFORE_CLAIM,
    BEFORE_CLAIM_SPAN,
    BEFORE_PUBLISH,
    AFTER_BLOCK_ALLOC,
    AFTER_COMPACT,
    AFTER_GROW,
    AFTER_CLOSE,
    BEFORE_TARGET
};

static struct other {
    enum moment moment;
    unsigned n; /* the n-th time */
    void (*act)(struct other *other);
    uint32_t slot;
    struct heap *h;
    struct cache *cache;
    size_t size; /* it is made anew with */
    uint64_t handle;
} other;

static void come(enum moment moment) {
    if (other.moment != moment || --other.n > 0) return;
    other.moment = NOWHERE;
    other.act(&other);
}

/* At whatever block comes first. */
static bool is_for(uint32_t slot, enum moment moment) {
    if (other.moment != moment) return false;
    if (other.slot == SLOT_NIL) other.slot = slot;
    return slot == other.slot;
}

static void arrive(enum moment moment, uint32_t slot, void (*act)(struct other *)) {
    other.moment = moment;
    other.n = 1;
    other.slot = slot;
    other.act = act;
}
static void assert_happened(void) { g_assert_cmpint(other.moment, ==, NOWHERE); }

static void locks(struct other *o) {
    uint64_t e;
    enum lock_outcome outcome = lock_take(&o->h->store.table, slot_handle(o->h, o->slot),
                                          o->slot, RM_LOCKS_MAX, &e);
    g_assert_cmpint(outcome, ==, LOCK_DONE);
}

static void frees(struct other *o) {
    uint64_t e = table_entry(&o->h->store.table, o->slot);
    g_assert_true(shape_is_plain(e) ? cache_put(o->cache, o->slot, e)
                                    : cache_put_block(o->cache, o->slot, e));
}

static void remakes(struct other *o) {
    uint64_t e;
    uint32_t slot;
    frees(o);
    slot = o->size <= SMALL_MAX ? cache_take(o->cache, o->size, &e)
                                : cache_take_block(o->cache, o->size, &e);
    g_assert_cmpuint(slot, ==, o->slot);
    o->handle = slot_handle(o->h, slot);
}

/* --- where it comes --- */

#define WRAPPED(type, name, ...)                                                         \
    type __real_##name(__VA_ARGS__);                                                     \
    type __wrap_##name(__VA_ARGS__);                                                     \
    type __wrap_##name(__VA_ARGS__)

WRAPPED(uint64_t, many_end, struct store *s, uint32_t slot) {
    if (is_for(slot, BEFORE_MANY_END)) come(BEFORE_MANY_END);
    uint64_t e = __real_many_end(s, slot);
    if (is_for(slot, AFTER_MANY_END)) come(AFTER_MANY_END);
    return e;
}
WRAPPED(bool, claim_one_slowly, struct store *s, uint32_t slot, unsigned state,
        uint64_t *e) {
    if (is_for(slot, BEFORE_CLAIM)) come(BEFORE_CLAIM);
    return __real_claim_one_slowly(s, slot, state, e);
}
WRAPPED(bool, claim_span_slowly, struct store *s, unit_t span, unsigned state) {
    if (block_ref(area_header(&s->area, span)) == other.slot) come(BEFORE_CLAIM_SPAN);
    return __real_claim_span_slowly(s, span, state);
}
WRAPPED(bool, claim_publish_slowly, struct store *s, uint32_t slot, uint64_t e,
        uint64_t to) {
    if (is_for(slot, BEFORE_PUBLISH)) come(BEFORE_PUBLISH);
    return __real_claim_publish_slowly(s, slot, e, to);
}
WRAPPED(bool, block_alloc, struct store *s, uint32_t slot, size_t size, size_t alignment,
        uint64_t *e) {
    bool done = __real_block_alloc(s, slot, size, alignment, e);
    if (done && is_for(slot, AFTER_BLOCK_ALLOC)) come(AFTER_BLOCK_ALLOC);
    return done;
}
WRAPPED(bool, compact, struct store *s, const struct compact_goal *goal) {
    bool done = __real_compact(s, goal);
    come(AFTER_COMPACT);
    return done;
}
WRAPPED(bool, region_grow, struct region *r, struct store *s, unit_t units) {
    bool done = __real_region_grow(r, s, units);
    come(AFTER_GROW);
    return done;
}
WRAPPED(bool, region_close, struct region *r, struct store *s) {
    bool done = __real_region_close(r, s);
    come(AFTER_CLOSE);
    return done;
}
WRAPPED(unit_t, pages_target, unit_t gap, unit_t span) {
    come(BEFORE_TARGET);
    return __real_pages_target(gap, span);
}

/* --- a heap that threads share --- */

struct site {
    struct heap *h;
    struct crowd *crowd;
    char *low;
    size_t bytes;
    uint64_t tag;
    struct cache *cache;
};

struct variant {
    size_t limit; /* of the heap */
    size_t size;
    enum moment moment;
};
enum { LIMIT = 1 << 20 };

static void open_site(struct site *site, gconstpointer data) {
    const struct variant *variant = data;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.size = variant->limit;
    inside_open(site, &options);
    site->h->store.concurrent = true;
    site->cache = g_new0(struct cache, 1);
    cache_open(site->cache, &site->h->store, 1, CACHE_BYTES);
    other = (struct other){.h = site->h, .cache = site->cache};
}

static void close_site(struct site *site, gconstpointer none) {
    inside_assert_sound(site);
    cache_close(site->cache);
    g_free(site->cache);
    g_assert_true(registry_destroy(site->tag));
}

static uint32_t make(const struct site *site, size_t size) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site->h, NULL, size, 0, 0, &slot), ==, RM_OK);
    memset(site->h->store.area.base +
               entry_place(table_entry(&site->h->store.table, slot)),
           (int)slot & 0xff, size);
    return slot;
}

static void assert_content(const struct site *site, uint32_t slot, size_t size) {
    void *at;
    g_assert_true(lock_slot(site->h, slot, &at));
    for (size_t i = 0; i < size; i++)
        g_assert_cmpint(((unsigned char *)at)[i], ==, slot & 0xff);
    g_assert_true(unlock_slot(site->h, slot));
}

static unsigned state(const struct site *site, uint32_t slot) {
    return entry_locks(table_entry(&site->h->store.table, slot));
}

/* So that a block can be placed at once. */
static void make_room(const struct site *site) {
    uint32_t slot = make(site, 100000);
    g_assert_cmpint(free_slot(site->h, slot), ==, RM_OK);
}

/* As large as what is free in one piece, and at least so many bytes of that left. */
static void fill_up(const struct site *site, size_t left) {
    uint32_t slot;
    for (size_t size = 1 << 20; size > left; size /= 2)
        while (heap_alloc(site->h, NULL, size, 0, 0, &slot) == RM_OK) continue;
}

/* --- a block grows --- */

/* It is not the one that was to be resized: nobody has claimed it, and it may be freed. */
static void test_remade_while_placed(struct site *site, gconstpointer data) {
    size_t size = ((const struct variant *)data)->size;
    uint32_t slot = make(site, size);
    uint64_t handle = slot_handle(site->h, slot);
    make(site, 5000); /* it cannot grow where it is */
    make_room(site);
    other.size = size;
    arrive(AFTER_BLOCK_ALLOC, slot, remakes);
    g_assert_cmpint(resize_block(site->h, handle, slot, 20000), ==, RM_EHANDLE);
    assert_happened();
    g_assert_cmpuint(state(site, slot), ==, LOCKS_NONE);
    g_assert_cmpuint(heap_size(site->h, slot), ==, size);
    inside_assert_sound(site);
    g_assert_cmpint(heap_free(site->h, other.handle, slot), ==, RM_OK);
}

static void test_freed_before_it_moves(struct site *site, gconstpointer none) {
    uint32_t slot = make(site, 100);
    uint64_t handle = slot_handle(site->h, slot);
    arrive(BEFORE_MANY_END, slot, frees);
    g_assert_cmpint(resize_block(site->h, handle, slot, 20000), ==, RM_EHANDLE);
    assert_happened();
    g_assert_cmpuint(state(site, slot), ==, LOCKS_MOVING); /* the cache's */
    /* The handle that it will have: there is no such block yet. */
    g_assert_cmpint(resize_block(site->h, slot_handle(site->h, slot), slot, 50), ==,
                    RM_EHANDLE);
    g_assert_cmpint(resize_block(site->h, handle, slot, 50), ==, RM_EHANDLE);
    g_assert_cmpint(heap_free(site->h, handle, slot), ==, RM_EHANDLE);
    g_assert_false(heap_make_lockable(site->h, handle, slot));
    g_assert_false(heap_live(site->h, handle, slot));
}

static void test_locked_before_it_moves(struct site *site, gconstpointer none) {
    uint32_t slot = make(site, 100);
    make_room(site);
    arrive(AFTER_BLOCK_ALLOC, slot, locks);
    g_assert_cmpint(resize_slot(site->h, slot, 20000), ==, RM_ELOCKED);
    assert_happened();
    g_assert_cmpuint(heap_locks(site->h, slot), ==, 1);
    inside_assert_sound(site);
    g_assert_true(unlock_slot(site->h, slot));
    assert_content(site, slot, 100);
    g_assert_cmpint(resize_slot(site->h, slot, 20000), ==, RM_OK);
    assert_content(site, slot, 100);
}

/* In a heap without room, at any of the last resorts: it stays as it is. */
static void test_locked_when_full(struct site *site, gconstpointer data) {
    uint32_t slot = make(site, 5000), above = make(site, 5000);
    size_t free;
    fill_up(site, 4000);
    arrive(((const struct variant *)data)->moment, slot, locks);
    free = site->h->store.area.free_units;
    g_assert_cmpint(resize_slot(site->h, slot, 9000), !=, RM_OK);
    assert_happened();
    inside_assert_sound(site);
    g_assert_cmpuint(heap_locks(site->h, slot), ==, 1);
    g_assert_cmpuint(site->h->store.area.free_units, >=, free);
    g_assert_true(unlock_slot(site->h, slot));
    g_assert_cmpuint(heap_size(site->h, slot), ==, 5000);
    assert_content(site, slot, 5000);
    assert_content(site, above, 5000);
}

static void test_freed_when_full(struct site *site, gconstpointer data) {
    uint32_t slot = make(site, 4000), above = make(site, 5000);
    uint64_t handle = slot_handle(site->h, slot);
    fill_up(site, 3000);
    arrive(((const struct variant *)data)->moment, slot, frees);
    g_assert_cmpint(resize_block(site->h, handle, slot, 9000), !=, RM_OK);
    assert_happened();
    g_assert_cmpint(resize_block(site->h, handle, slot, 9000), ==, RM_EHANDLE);
    inside_assert_sound(site);
    assert_content(site, above, 5000);
}

/* What lies above has to go up for it, and is locked when it is to be claimed. */
static void test_raised_is_locked(struct site *site, gconstpointer data) {
    uint32_t slot = make(site, 5000), above = make(site, 6000), gap = make(site, 5000);
    fill_up(site, 500);
    g_assert_cmpint(free_slot(site->h, gap), ==, RM_OK);
    arrive(BEFORE_CLAIM_SPAN, above, locks);
    g_assert_cmpint(resize_slot(site->h, slot, 8000), ==, RM_ENOMEM);
    assert_happened();
    inside_assert_sound(site);
    g_assert_cmpuint(heap_locks(site->h, above), ==, 1);
    g_assert_true(unlock_slot(site->h, above));
    assert_content(site, slot, 5000);
    assert_content(site, above, 6000);
    g_assert_cmpint(resize_slot(site->h, slot, 8000), ==, RM_OK);
    assert_content(site, slot, 5000);
    assert_content(site, above, 6000);
}

/* The last block of all, for which the area has grown. */
static void test_freed_at_the_end(struct site *site, gconstpointer none) {
    uint32_t slot;
    uint64_t handle;
    quick_flush(&site->h->store);
    slot = make(site, 4000);
    handle = slot_handle(site->h, slot);
    arrive(AFTER_GROW, slot, frees);
    g_assert_cmpint(resize_block(site->h, handle, slot, 500000), ==, RM_EHANDLE);
    assert_happened();
}

/* A large block, whose pages were to move. */
static void test_locked_before_its_pages_move(struct site *site, gconstpointer none) {
    enum { LARGE = 3 * PAGES_LEAST };
    uint32_t slot = make(site, LARGE), behind = make(site, 5000);
    arrive(BEFORE_TARGET, slot, locks);
    rm_status_t status = resize_slot(site->h, slot, 2 * LARGE);
    if (other.moment != NOWHERE) {
        g_assert_cmpint(status, ==, RM_OK);
        g_test_skip("pages of blocks do not move here");
        return;
    }
    g_assert_cmpint(status, ==, RM_ELOCKED);
    g_assert_true(unlock_slot(site->h, slot));
    assert_content(site, slot, LARGE);
    assert_content(site, behind, 5000);
}

/* --- an object goes out of a run into a gap --- */

/* A class whose sizes take blocks of different lengths; its smallest fills the gap. */
struct single {
    const struct size_class *class;
    uint32_t slot;
    unit_t gap, run;
    unsigned i;
};

static uint32_t make_aligned(const struct site *site, size_t size) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site->h, NULL, size, 16, 0, &slot), ==, RM_OK);
    return slot;
}

static struct single make_single(const struct site *site) {
    struct store *s = &site->h->store;
    struct single single = {.class = &size_classes[1]};
    while (block_units(single.class->least, false) ==
           block_units(single.class->capacity, false))
        single.class ++;
    single.slot = make(site, single.class->least);
    uint64_t e = table_entry(&s->table, single.slot);
    single.run = entry_span(s, e);
    single.i = shape_index(e);
    make_room(site);
    uint32_t gap = make_aligned(site, single.class->least - 1u);
    make_aligned(site, 100);
    single.gap = entry_span(s, table_entry(&s->table, gap));
    g_assert_cmpint(free_slot(site->h, gap), ==, RM_OK);
    uint64_t header = area_header(&s->area, single.gap);
    g_assert_cmpint(header_kind(header), ==, SPAN_FREE);
    g_assert_cmpuint(free_size(header), ==, block_units(single.class->least, false));
    return single;
}

static void assert_stays(const struct site *site, const struct single *single) {
    struct store *s = &site->h->store;
    unit_t free = s->area.free_units;
    g_assert_cmpuint(move_single(s, single->gap, single->run, single->i), ==, UNIT_NIL);
    assert_happened();
    g_assert_cmpuint(s->area.free_units, ==, free);
    inside_assert_sound(site);
}

/* It is too large for the gap by then. */
static void test_single_remade(struct site *site, gconstpointer none) {
    struct single single = make_single(site);
    other.size = single.class->capacity;
    arrive(BEFORE_CLAIM, single.slot, remakes);
    assert_stays(site, &single);
    g_assert_cmpuint(state(site, single.slot), ==, LOCKS_NONE);
    g_assert_cmpint(heap_free(site->h, other.handle, single.slot), ==, RM_OK);
}

static void test_single_locked(struct site *site, gconstpointer data) {
    struct single single = make_single(site);
    arrive(((const struct variant *)data)->moment, single.slot, locks);
    assert_stays(site, &single);
    g_assert_cmpuint(heap_locks(site->h, single.slot), ==, 1);
    g_assert_true(unlock_slot(site->h, single.slot));
    assert_content(site, single.slot, single.class->least);
    g_assert_cmpuint(move_single(&site->h->store, single.gap, single.run, single.i), !=,
                     UNIT_NIL);
    assert_content(site, single.slot, single.class->least);
}

/* --- runs are merged --- */

static void test_merged_is_locked(struct site *site, gconstpointer none) {
    enum { OBJECTS = 300, SIZE = 40 };
    struct store *s = &site->h->store;
    uint32_t slots[OBJECTS];
    for (unsigned i = 0; i < OBJECTS; i++) slots[i] = make(site, SIZE);
    for (unsigned i = 0; i < OBJECTS; i++)
        if (i % 4 != 0) g_assert_cmpint(free_slot(site->h, slots[i]), ==, RM_OK);
    quick_flush(s);
    arrive(BEFORE_PUBLISH, SLOT_NIL, locks);
    size_t voided = s->voided, n = 0;
    while (merge_step(s)) g_assert_cmpuint(++n, <, 10 * OBJECTS);
    assert_happened();
    g_assert_cmpuint(s->voided, >, voided);
    g_assert_cmpuint(heap_locks(site->h, other.slot), ==, 1);
    inside_assert_sound(site);
    g_assert_true(unlock_slot(site->h, other.slot));
    for (unsigned i = 0; i < OBJECTS; i += 4) assert_content(site, slots[i], SIZE);
}

/* --- a block is freed --- */

/* One that had many locks, and has none. */
static void test_locked_when_freed(struct site *site, gconstpointer none) {
    uint32_t slot = make(site, 100);
    void *at;
    for (unsigned i = 0; i < 5; i++) g_assert_true(lock_slot(site->h, slot, &at));
    for (unsigned i = 0; i < 5; i++) g_assert_true(unlock_slot(site->h, slot));
    g_assert_cmpuint(state(site, slot), ==, LOCKS_MANY);
    arrive(AFTER_MANY_END, slot, locks);
    g_assert_cmpint(free_slot(site->h, slot), ==, RM_ELOCKED);
    assert_happened();
    g_assert_cmpuint(heap_locks(site->h, slot), ==, 1);
    inside_assert_sound(site);
    g_assert_true(unlock_slot(site->h, slot));
    assert_content(site, slot, 100);
    g_assert_cmpint(free_slot(site->h, slot), ==, RM_OK);
}

/* A limit of the heap, and what else a test is to know. */
#define ADD(name, test, ...)                                                             \
    do {                                                                                 \
        static const struct variant variant = {__VA_ARGS__};                             \
        g_test_add("/between/" name, struct site, &variant, open_site, test,             \
                   close_site);                                                          \
    } while (0)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    ADD("remade-while-placed/small", test_remade_while_placed, .size = 100);
    ADD("remade-while-placed/medium", test_remade_while_placed, .size = 4000);
    ADD("freed-before-it-moves", test_freed_before_it_moves, .limit = 0);
    ADD("locked-before-it-moves", test_locked_before_it_moves, .limit = 0);
    ADD("locked-when-full/closed", test_locked_when_full, .limit = LIMIT,
        .moment = AFTER_CLOSE);
    ADD("locked-when-full/compacted", test_locked_when_full, .limit = LIMIT,
        .moment = AFTER_COMPACT);
    ADD("freed-when-full/closed", test_freed_when_full, .limit = LIMIT,
        .moment = AFTER_CLOSE);
    ADD("freed-when-full/compacted", test_freed_when_full, .limit = LIMIT,
        .moment = AFTER_COMPACT);
    ADD("raised-is-locked", test_raised_is_locked, .limit = LIMIT);
    ADD("freed-at-the-end", test_freed_at_the_end, .limit = 0);
    ADD("locked-before-its-pages-move", test_locked_before_its_pages_move, .limit = 0);
    ADD("single-remade", test_single_remade, .limit = 0);
    ADD("single-locked/seen", test_single_locked, .moment = AFTER_MANY_END);
    ADD("single-locked/copied", test_single_locked, .moment = BEFORE_PUBLISH);
    ADD("merged-is-locked", test_merged_is_locked, .limit = 0);
    ADD("locked-when-freed", test_locked_when_freed, .limit = 0);
    return g_test_run();
}
