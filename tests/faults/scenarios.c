/* SPDX-License-Identifier: MIT */
/* Scenarios of one heap and one thread. */
#include "scenarios.h"

#include <stdlib.h>

#include "world.h"

enum {
    LIMIT = 300000,
    SMALL = 40,
    LARGE = 40000,
    PAGED = 400 * 1024,
    ZONES = 20 << 20,
    HANDLES = 700,
    AROUND = 6,
    TABLE_PAGE =
        4096 / 8 / 64 * 63 - AROUND, /* slots of a page of the table, nearly all */
    STEPS = 120
};

static rm_heap_options_t options_of(size_t limit, rm_compaction_t compaction) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    options.size = limit;
    options.compaction = compaction;
    options.threads = RM_THREADS_NONE;
    return options;
}

/* Every other one, from behind. */
static void perforate(struct world *world) {
    for (unsigned i = world->n; i > 1; i -= 2) world_free(world, i - 2);
}

static void alloc_some(struct world *world, unsigned n, size_t most) {
    while (n-- > 0) world_alloc(world, rng_below(&world->rng, most), 0, n % 7 == 0);
}

/* --- one after the other: all that a heap does --- */

static void live(struct world *world) {
    alloc_some(world, SMALL, 300);
    alloc_some(world, 12, LARGE);
    world_alloc(world, 5000, 4096, 0);
    perforate(world);
    world_compact(world, 20000);
    for (unsigned i = 0; i < world->n; i += 2)
        world_resize(world, i, world->items[i].size * 2 + 1);
    if (world->n > 1) world_lock(world, 1);
    alloc_some(world, 30, 5000);
    world_trim(world);
    alloc_some(world, 10, LARGE);
    perforate(world);
    world_compact(world, 0);
    world_trim(world);
    if (world->n > 1 && world->items[1].locks > 0) world_unlock(world, 1);
    for (unsigned i = 0; i < HANDLES && world->n < ITEMS_MOST; i++)
        if (!world_alloc(world, 0, 0, 0)) break;
    while (world->n > 10) world_free(world, world->n - 1);
    while (!world_compact(world, LIMIT)) continue;
    world_trim(world);
}

static void one_life(size_t limit, rm_compaction_t compaction, uint64_t seed,
                     bool looked) {
    static struct world world;
    const rm_heap_options_t options = options_of(limit, compaction);

    world_init(&world, seed, looked);
    if (world_create(&world, &options)) live(&world);
    world_end(&world);
}

static void growing(uint64_t seed, bool looked) {
    one_life(0, RM_COMPACT_ON_DEMAND, seed, looked);
}
static void growing_manual(uint64_t seed, bool looked) {
    one_life(0, RM_COMPACT_MANUAL, seed, looked);
}
static void growing_steady(uint64_t seed, bool looked) {
    one_life(0, RM_COMPACT_STEADY, seed, looked);
}
static void limited(uint64_t seed, bool looked) {
    one_life(LIMIT, RM_COMPACT_ON_DEMAND, seed, looked);
}
static void tiny(uint64_t seed, bool looked) {
    one_life(16384, RM_COMPACT_STEADY, seed, looked);
}

/* --- heaps that end with all that is in them --- */

static void brief(uint64_t seed, bool looked) {
    static struct world world;
    rm_heap_options_t options = options_of(0, RM_COMPACT_ON_DEMAND);

    for (unsigned i = 0; i < 5; i++) {
        world_init(&world, seed + i, looked);
        options.threads = (rm_threads_t)(i % 2);
        if (i == 4) options.compaction = RM_COMPACT_BACKGROUND; /* between threads */
        if (!world_create(&world, &options)) continue;
        alloc_some(&world, SMALL, LARGE);
        if (world.n > 0) world_lock(&world, 0);
        world_destroy(&world);
    }
    world_end(&world);
}

/* --- a call that needs both more of the table and more of the area --- */

static void border(uint64_t seed, bool looked) {
    static struct world world;
    const rm_heap_options_t options = options_of(0, RM_COMPACT_MANUAL);
    const unsigned *commits = &injected->asked[REQUEST_COMMIT];

    world_init(&world, seed, false);
    if (world_create(&world, &options)) {
        unsigned before = *commits, more = 0;
        while (world.n < HANDLES && *commits == before) world_alloc(&world, 0, 0, 0);
        while (more++ < TABLE_PAGE && world_alloc(&world, 0, 0, 0)) continue;
        world.looked = looked; /* here it is that both end */
        for (unsigned i = 0; i < 2 * AROUND && world_alloc(&world, 0, 0, 0); i++) {
            if (world_alloc(&world, PAGED, 0, 0)) world_free(&world, world.n - 1);
            world_trim(&world);
        }
    }
    world_end(&world);
}

/* --- large blocks: memory of the zones, huge pages --- */

static void large(uint64_t seed, bool looked) {
    static struct world world;
    const rm_heap_options_t options = options_of(0, RM_COMPACT_ON_DEMAND);

    world_init(&world, seed, looked);
    if (world_create(&world, &options)) {
        for (unsigned i = 0; i < 7; i++) world_alloc(&world, ZONES, 0, 0);
        if (world.n > 0) world_resize(&world, world.n - 1, 2 * (size_t)ZONES);
        if (world.n > 0) world_resize(&world, 0, 1000);
        perforate(&world);
        world_trim(&world);
        world_alloc(&world, ZONES, 0, 0);
    }
    world_end(&world);
}

/* --- pages that move --- */

static void pages(uint64_t seed, bool looked) {
    static struct world world;
    const rm_heap_options_t options = options_of(0, RM_COMPACT_ON_DEMAND);

    world_init(&world, seed, looked);
    if (world_create(&world, &options)) {
        for (unsigned i = 0; i < 8; i++) world_alloc(&world, PAGED + i * 10000, 0, 0);
        perforate(&world);
        for (unsigned i = 0; i < 9; i++) world_compact(&world, 100000);
        if (world.n > 0) world_lock(&world, 0); /* whichever is half moved */
        for (unsigned i = 0; i < 3; i++) world_compact(&world, 100000);
        if (world.n > 0) world_unlock(&world, 0);
        if (world.n > 1) world_resize(&world, 1, PAGED * 2);
        world_compact(&world, 100000);
        if (world.n > 0) world_free(&world, world.n - 1);
        alloc_some(&world, 20, 3000);
        world_compact(&world, 0);
        if (world.n > 0) world_free(&world, 0);
        world_alloc(&world, PAGED, 0, 0);
        while (!world_compact(&world, 200000)) continue;
    }
    world_end(&world);
}

/* --- guarded heaps: what the guard needs is refused, too --- */

static void guarded(const char *stress, const char *fence, size_t limit, uint64_t seed,
                    bool looked) {
    static struct world world;
    const rm_heap_options_t options = options_of(limit, RM_COMPACT_ON_DEMAND);

    setenv("RMALLOC_STRESS", stress, 1);
    setenv("RMALLOC_FENCE", fence, 1);
    setenv("RMALLOC_TOOLS", "no", 1);
    world_init(&world, seed, looked);
    if (world_create(&world, &options)) {
        alloc_some(&world, 8, 300);
        alloc_some(&world, 3, LARGE / 4);
        for (unsigned i = 0; i < world.n; i += 3) world_lock(&world, i);
        perforate(&world);
        for (unsigned i = 0; i < world.n; i += 2)
            world_resize(&world, i, world.items[i].size + 500);
        world_compact(&world, 5000);
        alloc_some(&world, 6, 3000);
        world_trim(&world);
        world_alloc(&world, LARGE, 64, 0);
        if (limit == 0) world_destroy(&world);
    }
    world_end(&world);
}

static void stressed(uint64_t seed, bool looked) {
    guarded("onchange", "", 0, seed, looked);
}
static void fenced(uint64_t seed, bool looked) { guarded("", "3", 0, seed, looked); }
static void sealed(uint64_t seed, bool looked) {
    setenv("RMALLOC_INTEGRITY", "yes", 1);
    guarded("", "", LIMIT, seed, looked);
}
static void fenced_stressed(uint64_t seed, bool looked) {
    guarded("onchange", "2", LIMIT, seed, looked);
}

/* --- whatever comes --- */

static void step(struct world *world) {
    uint64_t dice = rng_below(&world->rng, 100);
    unsigned i = world->n ? (unsigned)rng_below(&world->rng, world->n) : 0;
    size_t size = rng_below(&world->rng, rng_chance(&world->rng, 30) ? LARGE : 700);
    bool any = world->n > 0;

    if (dice < 45 && world->n < 200)
        world_alloc(world, size, dice < 9 ? (size_t)16 << dice : 0, 0);
    else if (dice < 62 && any && world->items[i].locks == 0)
        world_free(world, i);
    else if (dice < 80 && any)
        world_resize(world, i, size);
    else if (dice < 84 && any && world->items[i].locks < 6)
        world_lock(world, i);
    else if (dice < 88 && any && world->items[i].locks > 0)
        world_unlock(world, i);
    else if (dice < 93)
        world_trim(world);
    else
        world_compact(world, dice < 98 ? 20000 : 0);
}

static void chance(uint64_t seed, bool looked) {
    static struct world world;
    rm_heap_options_t options =
        options_of(seed % 3 == 0 ? LIMIT : 0, (rm_compaction_t)(seed / 3 % 3));

    world_init(&world, seed, looked);
    if (world_create(&world, &options))
        for (unsigned i = 0; i < STEPS; i++) step(&world);
    world_end(&world);
}

const struct scenario scenarios[] = {
    {"growing", growing, false},
    {"manual", growing_manual, false},
    {"steady", growing_steady, false},
    {"limited", limited, false},
    {"tiny", tiny, false},
    {"brief", brief, false},
    {"border", border, false},
    {"large", large, false},
    {"pages", pages, false},
    {"threads", scenario_threads, false},
    {"background", scenario_background, false},
    {"fork", scenario_fork, false},
    {"many", scenario_many, false},
    {"default", scenario_default, false},
    {"view", scenario_view, false},
    {"stressed", stressed, false},
    {"fenced", fenced, false},
    {"sealed", sealed, false},
    {"fenced-stressed", fenced_stressed, false},
    {"chance", chance, true},
};
const unsigned n_scenarios = sizeof(scenarios) / sizeof(*scenarios);
