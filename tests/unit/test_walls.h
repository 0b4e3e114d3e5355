/* SPDX-License-Identifier: MIT */
/* What test_walls.c calls, and what comes of it with each damage. */
#ifndef RM_TESTS_WALLS_H
#define RM_TESTS_WALLS_H

/* --- runs --- */

static uint64_t link_next(void) { return run_link(site.s, site.run, RUN_NEXT) != 0; }
static uint64_t relink(void) { return run_relink(site.s, site.run, site.run), 0; }
static uint64_t change_free(void) {
    struct run r = run_at(site.s, site.run);
    return run_change_free(site.s, &r, 0), 0;
}
static uint64_t free_one(void) {
    return small_free(site.s, site.run, shape_slot(entry(site.object))) != UNIT_NIL;
}
static uint64_t free_slots(void) { return small_free_slots(site.s, class_of(SIZE)); }
static uint64_t take_some(void) {
    const uint32_t slot = site.object;
    return small_take_some(site.s, class_of(SIZE), 1, &slot);
}
static uint64_t alloc_small(void) {
    uint64_t e = 0;
    return small_alloc(site.s, site.object, SIZE, true, &e);
}
static uint64_t alloc_larger(void) {
    uint64_t e = 0;
    return small_alloc_larger(site.s, site.object, SIZE - 8, &e);
}
static uint64_t excess(void) {
    size_t slot;
    return small_excess(site.s, &slot);
}
static uint64_t follow(void) { return small_follow(site.s, site.run); }
/* Who calls these two has looked at the run, and at the gap. */
static uint64_t cut(void) {
    struct run r = run_read(site.s, site.run, load64(header(site.run)));
    uint64_t beyond = r.slots <= 48 ? r.free >> r.slots : 1;
    return beyond == 0 && run_live(&r) < 2 ? 1 : (small_cut(site.s, site.run), 0);
}
static uint64_t largest_slot(void) { return small_largest(site.s); }
static uint64_t keep_gap(void) { return small_keep_gap(site.s, site.gap), 0; }

/* --- claims, locks --- */

static uint64_t movable(void) { return claim_all_movable(site.s, site.run); }
static uint64_t movable_block(void) {
    return claim_all_movable(site.s, span_of(site.block));
}
static uint64_t movable_one(void) { return claim_movable(site.s, site.crowded); }
static uint64_t claim_shared(void) {
    site.s->concurrent = true;
    bool claimed = claim_span(site.s, site.run, LOCKS_MOVING);
    if (claimed) claim_drop(site.s, site.run, LOCKS_MOVING);
    return claimed;
}
static uint64_t size_of_many(void) { return many_size(site.s, entry(site.crowded)); }
static uint64_t size_of_one(void) { return many_size(site.s, entry(site.object)); }
static uint64_t size_of_block(void) { return many_size(site.s, entry(site.block)); }
static uint64_t begin_many(void) {
    uint64_t e = entry(site.object);
    return many_begin(site.s, site.object, &e);
}
static uint64_t begin_many_block(void) {
    uint64_t e = entry(site.block);
    return many_begin(site.s, site.block, &e);
}
static uint64_t end_many(void) { return many_end(site.s, site.crowded) != 0; }
static uint64_t look(void) { return heap_look(site.h, site.object).size; }
static uint64_t look_many(void) { return heap_look(site.h, site.crowded).size; }
static uint64_t size_here(void) { return heap_size(site.h, site.block); }

/* --- moving --- */

static uint64_t pinned(void) { return move_pinned(site.s, site.run); }
static uint64_t slot_pinned(void) {
    return move_slot_pinned(site.s, site.run, shape_slot(entry(site.object)));
}
static uint64_t slot_rests(void) {
    return move_slot_rests(site.s, site.run, shape_slot(entry(site.object)));
}
static uint64_t single(void) {
    return move_single(site.s, site.gap, site.run, shape_slot(entry(site.object))) !=
           UNIT_NIL;
}
static uint64_t fill_block(void) {
    return move_fill(site.s, site.gap, site.gap, span_of(site.block)) != UNIT_NIL;
}
static uint64_t fill_run(void) {
    return move_fill(site.s, site.gap, site.gap, site.run) != UNIT_NIL;
}
static uint64_t target(void) {
    return move_target(site.s, site.gap, span_of(site.aligned)) & 7;
}
static uint64_t fill(bool whole) {
    uint64_t h = load64(header(site.gap));
    if (header_kind(h) != SPAN_FREE || free_size(h) != site.gap_units) return 35;
    return fill_step(site.s, site.gap, whole, SIZE_MAX);
}
static uint64_t fill_gap(void) { return fill(false); }
static uint64_t fill_whole(void) { return fill(true); }
static uint64_t merge(void) {
    unsigned n = 0;
    merge_again(site.s);
    while (merge_step(site.s) && n < 30) n++;
    return n;
}
static uint64_t merge_one(void) { return merge_one_run(site.s); }
static void unpin(void) { set_entry(site.pin, ENTRY_LOCKS_SHIFT, 3, LOCKS_NONE); }
static uint64_t slide_all(void) {
    const struct slide_goal goal = {.work = SIZE_MAX, .units = UNIT_NIL};
    unpin();
    return slide(site.s, site.gap, &goal) != site.gap;
}
static uint64_t compact_all(void) {
    const struct compact_goal goal = {.bytes = 0};
    return compact(site.s, &goal);
}
static uint64_t compact_unpinned(void) { return unpin(), compact_all(); }
static uint64_t outlook(void) { return compact_outlook(site.s, true, 0); }
static uint64_t outlook_free(void) { return compact_outlook(site.s, false, 0); }
static uint64_t regain(void) { return compact_regain(site.s); }
static uint64_t used_below(void) {
    return compact_used_below(&site.s->area, site.gap) == 0;
}
static uint64_t raise_block(void) {
    return compact_raise(site.s, span_of(site.block), 50);
}
static uint64_t scramble_all(void) {
    struct scramble c = {.random = 1};
    struct trail trail;
    g_assert_true(trail_init(&trail, site.bytes));
    jmp_buf *outer = damage_edge, edge;
    volatile uint64_t moved = 0;
    volatile bool met = _setjmp(edge) != 0;
    damage_edge = &edge;
    if (!met) moved = scramble(site.h, &c, &trail) ? c.moved : 0;
    damage_edge = outer;
    trail_finish(&trail);
    if (met) damage_found();
    return moved;
}

/* --- blocks, calls --- */

static uint64_t alignment(void) {
    return block_alignment(site.s, span_of(site.aligned)) / 16;
}
static uint64_t shrink(void) { return block_resize(site.s, span_of(site.block), 1000); }
static uint64_t free_block(void) { return block_free(site.s, span_of(site.block)), 0; }
static uint64_t resize_small(void) { return resize_slot(site.h, site.object, SIZE - 4); }
static uint64_t resize_out(void) { return resize_slot(site.h, site.object, 900); }
static uint64_t resize_large(void) { return resize_slot(site.h, site.block, 20000); }
static uint64_t resize_less(void) { return resize_slot(site.h, site.block, 1500); }
static uint64_t resize_many(void) { return resize_slot(site.h, site.crowded, 90); }
static uint64_t free_object(void) {
    uint64_t status = free_slot(site.h, site.object);
    return heap_settle(site.h), status;
}
static uint64_t free_both(void) {
    uint64_t status = free_slot(site.h, site.object) + free_slot(site.h, site.block);
    return heap_settle(site.h), status;
}
static uint64_t free_place(void) {
    return quick_free_place(site.s, entry(site.object)), 0;
}
static uint64_t alloc_some(void) {
    uint32_t slot;
    uint64_t status = 0;
    for (unsigned i = 0; i < 70; i++)
        status += (uint64_t)heap_alloc(site.h, NULL, SIZE, 0, 0, &slot);
    return status + (uint64_t)heap_alloc(site.h, NULL, 8000, 0, 0, &slot);
}
static uint64_t alloc_aligned(void) {
    uint32_t slot;
    return heap_alloc(site.h, NULL, 500, 512, 0, &slot);
}
static uint64_t lockable(void) {
    return heap_make_lockable(site.h, slot_handle(site.h, site.crowded), site.crowded);
}
static uint64_t settle(void) { return heap_settle(site.h), quick_count(site.s); }
static uint64_t trim(void) { return heap_trim(site.h); }

/* --- looks at all --- */

static bool visit(const rm_span_t *span, void *context) {
    uint64_t *sum = context;
    *sum = *sum * 31 + span->size + span->requested + span->locks + span->kind;
    return true;
}
static uint64_t walk(void) {
    uint64_t sum = 0;
    rm_status_t status = walk_heap(site.h, visit, &sum);
    return sum + status;
}
static uint64_t largest(void) { return largest_request(site.h, false); }
static uint64_t largest_then(void) { return largest_request(site.h, true); }
static uint64_t stats(void) {
    rm_stats_t stats = {0};
    stats_quick(site.h, &stats);
    stats_locked(site.h, &stats);
    return stats.locked + stats.largest_free;
}
static uint64_t mirror(void) {
    struct mirror m;
    struct mirror_difference d;
    g_assert_true(mirror_init(&m, site.bytes));
    jmp_buf *outer = damage_edge, edge;
    volatile uint64_t found = 0;
    volatile bool met = _setjmp(edge) != 0;
    damage_edge = &edge;
    if (!met) {
        mirror_take(&m, site.s);
        mirror_note(&m, site.s, entry(site.object));
        mirror_note(&m, site.s, entry(site.block));
        found = mirror_find(&m, site.s, &d);
    }
    damage_edge = outer;
    mirror_finish(&m);
    if (met) damage_found();
    return found;
}
static uint64_t seal(void) {
    struct seal made;
    g_assert_true(seal_init(&made, site.h, site.bytes));
    seal_all(&made, site.h);
    uint64_t held = seal_holds(&made, site.h);
    seal_finish(&made);
    return held;
}

/* --- caches --- */

static struct cache *open_cache(void) {
    static struct cache c;
    c = (struct cache){.live = 0};
    cache_open(&c, site.s, 1, CACHE_BYTES);
    return &c;
}
static uint64_t cache_get(void) {
    struct cache *c = open_cache();
    cache_fill(c, SIZE);
    return c->n[class_of(SIZE)];
}
static uint64_t cache_there_and_back(void) {
    struct cache *c = open_cache();
    cache_fill(c, SIZE);
    uint64_t n = c->n[class_of(SIZE)];
    cache_close(c);
    return heap_settle(site.h), n;
}

static const struct row {
    const char *name;
    uint64_t (*function)(void);
    const char *outcomes;
} rows[] = {
    {"link_next", link_next, "EEEEEEEE1EE1111111111111111111"},
    {"relink", relink, "EEEEEEE00EEE000000000000000000"},
    {"change_free", change_free, "EEEEEEE00EEE000000000000000000"},
    {"free_one", free_one, "EEEEEEE0EEEE111EE1111111111111"},
    {"free_slots", free_slots, "111111111E11111111111111111EE1"},
    {"take_some", take_some, "111111111E11111111111111111EE1"},
    {"alloc_small", alloc_small, "111111111E11111111111111111EE1"},
    {"alloc_larger", alloc_larger, "000000000000000000000000000000"},
    {"excess", excess, "EEEEEEEEmEEEmmmmmmmmmmmmmmmEEm"},
    {"follow", follow, "EEEEEEE20E11E1111111111111111E"},
    {"cut", cut, "1111EEE01111111111111111111111"},
    {"largest_slot", largest_slot, "ssssssssssssssssssssssssssssss"},
    {"keep_gap", keep_gap, "EEEEEEEEEEEEEEEEEEEEEEEEEEEEEE"},
    {"movable", movable, "11EEEEE11E11E1111111111111111E"},
    {"movable_block", movable_block, "111111111E1111111111E11111111E"},
    {"movable_one", movable_one, "000000000000000000000000000000"},
    {"claim_shared", claim_shared, "11EEEEE11E11E1111111111111111E"},
    {"size_of_many", size_of_many, "EEEEEEsssEsssssssEEsssEEEEwsss"},
    {"size_of_one", size_of_one, "444444444444444E44444444444444"},
    {"size_of_block", size_of_block, "cccccccccccccccccccccccccccccc"},
    {"begin_many", begin_many, "11EEEEE11E1111EE11111111111111"},
    {"begin_many_block", begin_many_block, "111111111E11111111111111111111"},
    {"end_many", end_many, "111111111111111111111111111111"},
    {"look", look, "444444444E4444EE44444444444444"},
    {"look_many", look_many, "EEEEEEsssEsssssssEEsssEEEEwsss"},
    {"size_here", size_here, "cccccccccccccccccccccccccccccc"},
    {"pinned", pinned, "00EEEEE00E00E0000000000000000E"},
    {"slot_pinned", slot_pinned, "EEEEEEE00E00E0000000000000000E"},
    {"slot_rests", slot_rests, "EEEEEEE00E00E0010000000000000E"},
    {"single", single, "EEEEEEE1EEEEE11EE111110EE1111E"},
    {"fill_block", fill_block, "111111111E1111111EEEE1EEE1111E"},
    {"fill_run", fill_run, "EEEEEEE11EEEE111111111EEE1111E"},
    {"target", target, "777777777E77777777777E77777777"},
    {"fill_gap", fill_gap, "EEEEEEE11EEEE111111111zzz1111E"},
    {"fill_whole", fill_whole, "EEEEEEE11EEEE111111111zzz1111E"},
    {"merge", merge, "EEEEEEEEfEEEEeeeeeEeeeeeeeeEEE"},
    {"merge_one", merge_one, "EEEEEEEE1EEE111111111111111EEE"},
    {"slide_all", slide_all, "EEEEEEEE1EEEE1111EE1EEEEE1111E"},
    {"compact_all", compact_all, "EEEEEEEEEEEEE1111EE1EEE1E11EEE"},
    {"compact_unpinned", compact_unpinned, "EEEEEEEEEEEEE1111EE1EEE1E11EEE"},
    {"outlook", outlook, "EEEEEEEzzEzzEzzzzEEzEEEEEzzzzE"},
    {"outlook_free", outlook_free, "EEEEEEEE1EEE111111111111111EE1"},
    {"regain", regain, "EEEEEEEEmEEEmmmmmmmmmmmmmmmEEm"},
    {"used_below", used_below, "111111111111111111111111111111"},
    {"raise_block", raise_block, "EEEEEE000E0000000E1E00EEE0000E"},
    {"scramble_all", scramble_all, "EEEEEEEEEEEEEwEEEEEEEEEEEwwww1"},
    {"alignment", alignment, "gggggggggEgggggggggggEgggggggg"},
    {"shrink", shrink, "111111111E1111111EEE1111111111"},
    {"free_block", free_block, "000000000E0000000EEE0000000000"},
    {"resize_small", resize_small, "EEEEEEE00E0000EEE0000000000000"},
    {"resize_out", resize_out, "EEEEEEE0EEEE00EEE00000EEE00000"},
    {"resize_large", resize_large, "000000000E0000000EEE0000000000"},
    {"resize_less", resize_less, "000000000E0000000EEE0000000000"},
    {"resize_many", resize_many, "EEEEEE000E0000000EE000EEEE0000"},
    {"free_object", free_object, "EEEEEEE0EEEE00EEE0000000000003"},
    {"free_both", free_both, "EEEEEEE0EEEE00EEEEEE0000000006"},
    {"free_place", free_place, "EEEEEEE0EEEE00EEE0000000000000"},
    {"alloc_some", alloc_some, "EEEEEEEE0EEE0000000000EEE00EEE"},
    {"alloc_aligned", alloc_aligned, "0000000000000000000000EEE0000E"},
    {"lockable", lockable, "111111111111111111111111111110"},
    {"settle", settle, "000000000000000000000000000000"},
    {"trim", trim, "111111111111111111111111111111"},
    {"walk", walk, "yryyyyEyiyaayaaEayjayaaaaEeaa7"},
    {"largest", largest, "cccccccccccccccccccccccccccccw"},
    {"largest_then", largest_then, "EEEEEEEccEccEccccEEcEEEEEccccs"},
    {"stats", stats, "EEEEEEsssEsssssssEEsssEEEEwssk"},
    {"mirror", mirror, "EEEEEEE00E0000EEEE0000EEEE0000"},
    {"seal", seal, "111111111111111111111111111111"},
    {"cache_get", cache_get, "111111111E11111111111111111EEE"},
    {"cache_there_and_back", cache_there_and_back, "111111111E11111111111111111EEE"},
};

#endif
