/* SPDX-License-Identifier: MIT */
#include "generate.h"

#include <string.h>

enum { MILLE = 1000 };
static const size_t kib = 1024, mib = 1024 * 1024;

static bool per_mille(struct rng *rng, unsigned n) { return rng_below(rng, MILLE) < n; }

/* ---------------------------------------------------------------------- heaps */

static void closed(struct rng *rng, struct heap_spec *heap, size_t least, size_t most) {
    heap->region = rng_between(rng, least, most);
    heap->shift = (unsigned)rng_below(rng, 64);
    heap->most = rng_chance(rng, 60)   ? heap->region / 16 + 16
                 : rng_chance(rng, 50) ? 128
                                       : heap->region / 4;
    if (heap->most > 20000 && rng_chance(rng, 70)) heap->most = 3000;
}

/* Those that grow: a limit or none; blocks small, or large enough for their pages to be moved. */
static void growing(struct rng *rng, struct heap_spec *heap, bool limited) {
    heap->limit = limited ? rng_between(rng, mib, 6 * mib) : 0;
    heap->most = rng_chance(rng, 70) ? 1500 : rng_chance(rng, 70) ? 20000 : 700000;
    heap->standard = !limited && rng_chance(rng, 30);
}

static void policy(struct rng *rng, struct heap_spec *heap, bool between) {
    uint64_t dice = rng_below(rng, 100);

    heap->policy = dice < 40   ? RM_COMPACT_ON_DEMAND
                   : dice < 65 ? RM_COMPACT_MANUAL
                   : dice < 90 ? RM_COMPACT_STEADY
                   : between   ? RM_COMPACT_BACKGROUND
                               : RM_COMPACT_ON_DEMAND;
    heap->threads =
        rng_chance(rng, between ? 25 : 50) ? RM_THREADS_NONE : RM_THREADS_SAFE;
    heap->marks = (unsigned)rng_below(rng, 4);
    if (heap->policy == RM_COMPACT_BACKGROUND) heap->threads = RM_THREADS_SAFE;
    if (!heap->standard) return;
    heap->policy = RM_COMPACT_ON_DEMAND;
    heap->threads = RM_THREADS_SAFE;
}

static void one_heap(struct rng *rng, struct heap_spec *heap, bool between) {
    uint64_t dice = rng_below(rng, 100);

    if (dice < 35)
        closed(rng, heap, RM_HEAP_SIZE_MIN, 8 * kib);
    else if (dice < 65)
        closed(rng, heap, 8 * kib, 64 * kib);
    else if (dice < 80)
        closed(rng, heap, 64 * kib, mib);
    else
        growing(rng, heap, dice < 88);
    policy(rng, heap, between);
}

size_t generate_spec(struct spec *spec, uint64_t seed) {
    struct rng rng = {rng_mix(seed)};
    size_t n = 16384;

    memset(spec, 0, sizeof(*spec));
    spec->between = seed % 2 == 1;
    spec->n_heaps = rng_chance(&rng, 88) ? 1 : (unsigned)rng_between(&rng, 2, HEAPS_MOST);
    spec->n_actors = 1;
    for (unsigned h = 0; h < spec->n_heaps; h++) {
        one_heap(&rng, &spec->heaps[h], spec->between);
        if (h > 0) spec->heaps[h].standard = false; /* there is one at most */
    }
    if (spec->between && rng_chance(&rng, 30)) {
        spec->n_actors = (unsigned)rng_between(&rng, 2, ACTORS_MOST);
        spec->racing = rng_chance(&rng, 40);
        n = 4096;
    }
    for (unsigned h = 0; h < spec->n_heaps; h++) {
        if (spec->racing) spec->heaps[h].threads = RM_THREADS_SAFE;
        if (spec->heaps[h].most > 20000) n = 2048;
    }
    return n;
}

/* --------------------------------------------------------------------- habits */

/* Edge cases often: dense, empty, nothing locked, everything locked. */
static void change_habits(struct generator *g) {
    struct rng *rng = &g->rng;
    struct habits *habits = &g->habits;

    habits->shape = (enum shape)rng_below(rng, N_SHAPES);
    habits->course = (enum course)rng_below(rng, N_COURSES);
    if (rng_chance(rng, 40)) habits->course = COURSE_MIXED;
    habits->fill = rng_chance(rng, 40) ? 100 : (unsigned)rng_between(rng, 5, 100);
    habits->locks = rng_chance(rng, 40) ? 0 : (unsigned)rng_between(rng, 10, 400);
    habits->resizes = rng_chance(rng, 30) ? 0 : (unsigned)rng_between(rng, 10, 300);
    habits->uses = (unsigned)rng_between(rng, 0, 200);
    habits->compact = rng_chance(rng, 50) ? 10 : (unsigned)rng_between(rng, 0, 100);
    habits->rare = (unsigned)rng_between(rng, 0, 20);
    habits->aligned = rng_chance(rng, 60) ? 0 : (unsigned)rng_between(rng, 10, 400);
    habits->ask = rng_chance(rng, 50) ? 0 : (unsigned)rng_between(rng, 10, 300);
    habits->see = rng_chance(rng, 50) ? 0 : (unsigned)rng_between(rng, 10, 300);
    habits->stick = (unsigned)rng_between(rng, 1, 60);
    habits->eager = rng_chance(rng, 8);
    habits->restless = rng_chance(rng, 8);
    g->left = rng_between(rng, 100, 3000);
    g->unlock_all = rng_chance(rng, 50);
    g->free_all = !g->unlock_all && rng_chance(rng, 10);
    g->cursor = 0;
}

void generate_begin(struct generator *g, uint64_t seed) {
    memset(g, 0, sizeof(*g));
    g->rng.state = rng_mix(~seed);
}

/* ----------------------------------------------------------------- operations */

static struct op op_on(enum op_kind kind, unsigned actor, unsigned heap, uint64_t a,
                       uint64_t b) {
    return (struct op){(uint8_t)kind, (uint8_t)heap, (uint8_t)actor, 0, 0, a, b};
}

static struct op op_of(const struct world *world, enum op_kind kind, unsigned actor,
                       uint32_t id, uint64_t a) {
    return (struct op){
        (uint8_t)kind, world->blocks[id].heap, (uint8_t)actor, 0, id, a, 0};
}

static struct op allocation(struct generator *g, const struct world *world,
                            unsigned actor, unsigned heap) {
    const struct heap_spec *spec = &world->spec->heaps[heap];
    size_t size = rng_size(&g->rng, g->habits.shape, (size_t)spec->most);
    struct op op = op_on(OP_ALLOC, actor, heap, size, 0);
    uint64_t dice = rng_below(&g->rng, 100);

    if (g->habits.course == COURSE_PAIRS && rng_chance(&g->rng, 80)) op.a = g->last_size;
    if (dice < 10) op.how |= ALLOC_ZERO;
    if (dice >= 5 && dice < 15) op.how |= ALLOC_NO_COMPACT;
    if (per_mille(&g->rng, g->habits.aligned))
        op.b = (uint64_t)1 << rng_below(&g->rng, spec->most < 4096 ? 8 : 13);
    else if (spec->standard && dice >= 50)
        op.how = (uint8_t)(ALLOC_PLAIN | (dice < 60 ? ALLOC_ZERO : 0));
    if (per_mille(&g->rng, g->habits.ask) && !world->spec->racing) {
        op.how |= ALLOC_ASK;
        if (op.b == 0 && dice >= 15 && dice < 30) { /* right at the edge, and beyond it */
            op.how |= ALLOC_EDGE;
            op.a = dice < 23 ? 0 : 16;
        }
    }
    op.id = g->next_id++;
    g->last_size = (size_t)op.a;
    return op;
}

static size_t another_size(struct generator *g, size_t old, size_t most) {
    switch (rng_below(&g->rng, 7)) {
    case 0: return old;
    case 1: return rng_between(&g->rng, 0, old);
    case 2: return old + rng_between(&g->rng, 1, 16);
    case 3: return old - (old < 16 ? old : rng_between(&g->rng, 1, 16));
    case 4: return 2 * old < most ? 2 * old : most;
    default: return rng_size(&g->rng, g->habits.shape, most);
    }
}

static struct op resizing(struct generator *g, const struct world *world, unsigned actor,
                          uint32_t id) {
    const struct block *block = &world->blocks[id];
    size_t most = (size_t)world->spec->heaps[block->heap].most;
    struct op op = op_of(world, OP_RESIZE, actor, id, another_size(g, block->size, most));

    if (per_mille(&g->rng, g->habits.see)) op.how = HOW_SEE;
    if (per_mille(&g->rng, g->habits.ask)) { /* as much as there is, and what it has */
        op.how |= HOW_EDGE;
        op.a = rng_below(&g->rng, block->size + 32);
    }
    return op;
}

static struct op locking(struct generator *g, const struct world *world, unsigned actor,
                         uint32_t id) {
    enum op_kind kind = rng_chance(&g->rng, 55) ? OP_LOCK : OP_UNLOCK;
    uint64_t dice = rng_below(&g->rng, 200);
    uint64_t times = dice == 0   ? rng_between(&g->rng, 1, RM_LOCKS_MAX + 3)
                     : dice < 12 ? rng_between(&g->rng, 2, 6)
                                 : 1;
    struct op op = op_of(world, kind, actor, id, times);

    op.how = dice % 2 ? HOW_INLINE : 0;
    return op;
}

static struct op using(struct generator *g, const struct world *world, unsigned actor,
                       uint32_t id) {
    static const enum op_kind kinds[] = {OP_READ, OP_WRITE, OP_PEEK, OP_SEE};
    enum op_kind kind = kinds[rng_below(&g->rng, 4)];
    struct op op;

    if (kind == OP_SEE && !per_mille(&g->rng, g->habits.see)) kind = OP_READ;
    op = op_of(world, kind, actor, id, 0);
    if (kind == OP_WRITE) op.a = rng_next(&g->rng) >> 32;
    op.how = rng_chance(&g->rng, 50) ? HOW_INLINE : 0;
    return op;
}

static struct op compaction(struct generator *g, const struct world *world,
                            unsigned actor, unsigned heap) {
    struct op op = op_on(OP_COMPACT, actor, heap, 0, 0);
    size_t most = (size_t)world->spec->heaps[heap].most;

    switch (rng_below(&g->rng, 5)) {
    case 0: break;
    case 1: op.b = 1; break; /* any more would depend on the machine */
    case 2: op.a = 1; break;
    default: op.a = rng_between(&g->rng, 1, 2 * most + 16); break;
    }
    if (world->homes[heap].n_live < 300 || rng_chance(&g->rng, 5)) op.how = HOW_SEE;
    return op;
}

/* A block that was freed before, lately or long ago. */
static struct op stale(struct generator *g, unsigned actor) {
    uint64_t back = rng_below(&g->rng, rng_chance(&g->rng, 70) ? 64 : g->next_id + 1);
    struct op op = op_on(OP_STALE, actor, 0, 0, 0);

    op.id = back < g->next_id ? g->next_id - 1 - (uint32_t)back : 0;
    return op;
}

static struct op rare(struct generator *g, const struct world *world, unsigned actor,
                      unsigned heap) {
    struct rng *rng = &g->rng;
    uint64_t dice = rng_below(rng, MILLE);

    if (dice < 2) return op_on(OP_FORK, actor, heap, 0, 0);
    if (dice < 8) return op_on(OP_REOPEN, actor, heap, 0, 0);
    if (dice < 30) return op_on(OP_QUIT, actor, heap, 0, 0);
    if (dice < 32)
        return op_on(OP_CHURN, actor, heap, rng_below(rng, 600),
                     rng_between(rng, 1000, 32767));
    if (dice < 100)
        return op_on(OP_CHURN, actor, heap, rng_below(rng, 600), rng_between(rng, 1, 40));
    if (dice < 200) return op_on(OP_TRIM, actor, heap, 0, 0);
    if (dice < 250) return op_on(OP_IDLE, actor, heap, dice % 4 ? 0 : 1000000000, 0);
    if (dice < 300) return op_on(OP_LARGEST, actor, heap, 0, 0);
    if (dice < 450) return op_on(OP_HOLD, actor, heap, 0, 0);
    if (dice < 800) return op_on(OP_RELEASE, actor, heap, 0, 0);
    if (dice < 830) return op_on(OP_PAUSE, actor, heap, 0, 0);
    if (dice < 880) return op_on(OP_RESUME, actor, heap, 0, 0);
    return op_on(OP_WRONG, actor, heap, rng_below(rng, 20), 0);
}

/* ---------------------------------------------------------------------- choice */

static bool wants_more(struct generator *g, const struct world *world, unsigned heap) {
    const struct heap_spec *spec = &world->spec->heaps[heap];
    size_t capacity = spec->region > 0  ? spec->region
                      : spec->limit > 0 ? spec->limit
                                        : 2 * mib;
    size_t most = g->habits.course == COURSE_DRAIN ? 0 : capacity / 100 * g->habits.fill;

    if (spec->most <= 1500 && spec->region == 0) most /= 8;
    switch (g->habits.course) {
    case COURSE_FILL:
        return rng_chance(&g->rng, world->homes[heap].requested < most ? 95 : 45);
    case COURSE_DRAIN: return rng_chance(&g->rng, 15);
    case COURSE_PAIRS: return g->n % 2 == 0;
    default: return rng_chance(&g->rng, world->homes[heap].requested < most ? 70 : 35);
    }
}

/* What has been begun is done to the end first: all locks given back, all blocks freed. */
static bool sweeping(struct generator *g, const struct world *world, unsigned actor,
                     struct op *op) {
    const struct list *list = &world->actors[actor].live;

    while (g->unlock_all && g->cursor < list->n) {
        uint32_t id = list->ids[g->cursor++];

        if (world->blocks[id].locks == 0) continue;
        *op = op_of(world, OP_UNLOCK, actor, id, world->blocks[id].locks);
        return true;
    }
    g->unlock_all = false;
    if (g->free_all && g->cursor < list->n) {
        *op = op_of(world, OP_FREE, actor, list->ids[list->n - 1 - g->cursor], 0);
        g->cursor += world->blocks[op->id].locks > 0 || world->spec->racing;
        return true;
    }
    g->free_all = false;
    return false;
}

static struct op choose(struct generator *g, const struct world *world, unsigned actor) {
    const struct habits *habits = &g->habits;
    const struct list *list = &world->actors[actor].live;
    struct rng *rng = &g->rng;
    unsigned heap = (unsigned)rng_below(rng, world->spec->n_heaps), dice;
    uint32_t id;
    struct op op;

    if (sweeping(g, world, actor, &op)) return op;
    if (world->spec->n_actors > 1 && !world->spec->racing && rng_chance(rng, 25))
        list = &world->actors[rng_below(rng, world->spec->n_actors)].live;
    if (habits->restless && g->n % 2 == 0) return op_on(OP_COMPACT, actor, heap, 0, 0);
    if (per_mille(rng, habits->compact)) return compaction(g, world, actor, heap);
    if (per_mille(rng, habits->rare)) return rare(g, world, actor, heap);
    if (per_mille(rng, 15)) return stale(g, actor);
    if (list->n == 0) return allocation(g, world, actor, heap);
    id = list->ids[rng_below(rng, list->n)];
    dice = (unsigned)rng_below(rng, MILLE);
    if (dice < habits->locks) return locking(g, world, actor, id);
    if (dice < habits->locks + habits->resizes) return resizing(g, world, actor, id);
    if (dice < habits->locks + habits->resizes + habits->uses)
        return using(g, world, actor, id);
    if (dice == MILLE - 1) return op_of(world, OP_FORGE, actor, id, rng_below(rng, 64));
    if (dice == MILLE - 2) return op_of(world, OP_GIVE, actor, id, rng_next(rng) % 64);
    if (wants_more(g, world, heap)) return allocation(g, world, actor, heap);
    if (habits->course == COURSE_PAIRS) id = list->ids[list->n - 1];
    return op_of(world, OP_FREE, actor, id, 0);
}

/* Is it time to look at a heap? The more is in it, the more seldom. */
static bool looking(struct generator *g, const struct world *world, struct op *op) {
    unsigned heap = (unsigned)(g->n % world->spec->n_heaps);
    size_t n = world->homes[heap].n_live;

    if (g->since_verify[heap] > (g->habits.eager && n < 200 ? 0 : 16 + n / 2)) {
        g->since_verify[heap] = 0;
        *op = op_on(OP_VERIFY, g->actor, heap, 0, 0);
        return true;
    }
    if (g->since_picture[heap] > 64 + 2 * n) {
        g->since_picture[heap] = 0;
        *op = op_on(OP_PICTURE, g->actor, heap, 0, 0);
        return true;
    }
    g->since_verify[heap]++;
    g->since_picture[heap]++;
    return false;
}

static void turn(struct generator *g, const struct world *world) {
    if (g->left-- == 0 || g->n == 0) change_habits(g);
    if (world->spec->n_actors > 1 && rng_below(&g->rng, g->habits.stick) == 0)
        g->actor = (unsigned)rng_below(&g->rng, world->spec->n_actors);
}

struct op generate(struct generator *g, const struct world *world) {
    struct op op;

    if (looking(g, world, &op)) return op;
    turn(g, world);
    op = choose(g, world, g->actor);
    g->n++;
    return op;
}

struct op generate_racing(struct generator *g, const struct world *world,
                          unsigned actor) {
    struct op op;

    if (g->left-- == 0 || g->n == 0) change_habits(g);
    op = choose(g, world, actor);
    g->n++;
    return op;
}
