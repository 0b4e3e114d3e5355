/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "fault.h"
#include "look.h"

/* -------------------------------------------------------------------- heaps */

/* Watermarks, by heap_spec.marks: the defaults, tight, loose, of free memory alone. */
static rm_watermarks_t watermarks(unsigned n, size_t bytes) {
    const rm_watermarks_t all[] = {
        {0, 0, 0, 0}, {0.01, 0.02, 0, 0}, {0.2, 0.6, 0, 0}, {0, 0, bytes / 8, bytes / 4}};

    return all[n % 4];
}

static const char *open_standard(struct home *home) {
    rm_stats_t stats;

    home->heap = rm_heap_default();
    if (home->heap == NULL) return "there is no default heap";
    if (rm_heap_stats_quick(NULL, &stats) != RM_OK) return "rm_heap_stats_quick fails";
    if (stats.live_blocks != 0) return "a new default heap has blocks";
    return FINE;
}

const char *world_open_heap(struct world *world, unsigned heap) {
    const struct heap_spec *spec = &world->spec->heaps[heap];
    struct home *home = &world->homes[heap];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_status_t status;

    memset(home, 0, sizeof(*home));
    if (spec->standard) return open_standard(home);
    options.size = spec->limit;
    options.compaction = (rm_compaction_t)spec->policy;
    options.threads = (rm_threads_t)spec->threads;
    if (spec->region > 0) {
        guarded_init(&home->region, spec->region,
                     spec->shift % 2 ? GUARDED_LOW : GUARDED_HIGH, spec->shift / 2);
        options.memory = home->region.memory;
        options.size = home->region.size;
    }
    if (spec->policy == RM_COMPACT_BACKGROUND)
        options.watermarks = watermarks(spec->marks, options.size);
    status = rm_heap_create(&home->heap, &options);
    if (status != RM_OK) return fault("rm_heap_create says %d", (int)status);
    return FINE;
}

const char *world_close_heap(struct world *world, unsigned heap) {
    struct home *home = &world->homes[heap];
    const char *text = FINE;
    rm_fault_t found;

    if (home->heap == NULL) return FINE;
    for (unsigned a = 0; a < ACTORS_MOST; a++) {
        struct list *list = &world->actors[a].live;

        for (size_t i = list->n; i-- > 0;)
            if (world->blocks[list->ids[i]].heap == heap) world_drop(world, list->ids[i]);
        world->actors[a].depth[heap] = 0;
    }
    if (rm_heap_destroy(home->heap) != RM_OK) text = "rm_heap_destroy fails";
    if (text == FINE && rm_heap_check(home->heap, &found) != RM_EINVAL)
        text = "a destroyed heap is still one";
    if (world->spec->heaps[heap].region > 0) {
        if (text == FINE) text = guarded_fault(&home->region);
        guarded_finish(&home->region);
    }
    home->heap = NULL;
    return text;
}

/* Where all that can move does at every call, or blocks are used at another address than their own. */
static bool is_restless(void) {
    static const char *const settings[] = {"RMALLOC_STRESS", "RMALLOC_FENCE"};

    for (unsigned i = 0; i < 2; i++) {
        const char *value = getenv(settings[i]);

        if (value != NULL && value[0] != '\0' && value[0] != '0') return true;
    }
    return false;
}

const char *world_open(struct world *world, const struct spec *spec, size_t n_ids) {
    const char *text = FINE;

    if (n_ids > world->room) {
        free(world->blocks);
        world->blocks = malloc(n_ids * sizeof(*world->blocks));
        if (world->blocks == NULL) give_up("no memory for the books");
        world->room = n_ids;
    }
    world->n_ids = n_ids;
    memset(world->blocks, 0, n_ids * sizeof(*world->blocks));
    world->spec = spec;
    world->restless = is_restless();
    memset(world->homes, 0, sizeof(world->homes));
    for (unsigned h = 0; h < spec->n_heaps && text == FINE; h++)
        text = world_open_heap(world, h);
    return text;
}

/* Sections of other threads have ended with them, but those that are the heap's. */
static const char *end_sections(struct world *world, unsigned heap) {
    for (unsigned a = 0; a < ACTORS_MOST; a++)
        for (; world->actors[a].depth[heap] > 0; world->actors[a].depth[heap]--)
            if (rm_heap_release(world->homes[heap].heap) != RM_OK)
                return "rm_heap_release fails";
    return FINE;
}

const char *world_close(struct world *world) {
    const char *text = FINE;

    for (unsigned h = 0; h < world->spec->n_heaps && text == FINE; h++)
        text = end_sections(world, h);
    for (unsigned h = 0; h < world->spec->n_heaps && text == FINE; h++) {
        text = look_verify(world, h);
        if (text == FINE) text = look_picture(world, h, false);
        if (text == FINE) text = world_close_heap(world, h);
    }
    for (uint32_t id = 0; id < world->n_ids && text == FINE; id++) {
        void *pointer;

        if (world->blocks[id].state == BLOCK_FREED &&
            rmlock(world->blocks[id].handle, &pointer) != RM_EHANDLE)
            text = fault("block %u can be locked, and its heap is destroyed", id);
    }
    return text;
}

void world_finish(struct world *world) {
    for (unsigned a = 0; a < ACTORS_MOST; a++) free(world->actors[a].live.ids);
    free(world->blocks);
    memset(world, 0, sizeof(*world));
}

/* ------------------------------------------------------------------- blocks */

struct block *world_block(struct world *world, uint32_t id) {
    return id < world->n_ids ? &world->blocks[id] : NULL;
}

struct block *world_live(struct world *world, unsigned actor, uint32_t id) {
    struct block *block = world_block(world, id);

    if (block == NULL || block->state != BLOCK_LIVE) return NULL;
    return world->spec->racing && block->owner != actor ? NULL : block;
}

bool world_is_handle(const struct world *world, rm_memory_t *handle) {
    for (unsigned a = 0; a < world->spec->n_actors; a++)
        for (size_t i = 0; i < world->actors[a].live.n; i++)
            if (world->blocks[world->actors[a].live.ids[i]].handle == handle) return true;
    return false;
}

static void list_add(struct world *world, unsigned actor, uint32_t id) {
    struct list *list = &world->actors[actor].live;

    if (list->n == list->room) {
        list->room = list->room > 0 ? 2 * list->room : 64;
        list->ids = realloc(list->ids, list->room * sizeof(*list->ids));
        if (list->ids == NULL) give_up("no memory for the books");
    }
    world->blocks[id].owner = (uint8_t)actor;
    world->blocks[id].place = (uint32_t)list->n;
    list->ids[list->n++] = id;
}

static void list_remove(struct world *world, uint32_t id) {
    struct list *list = &world->actors[world->blocks[id].owner].live;
    uint32_t last = list->ids[--list->n];

    list->ids[world->blocks[id].place] = last;
    world->blocks[last].place = world->blocks[id].place;
}

void world_take(struct world *world, unsigned actor, uint32_t id, rm_memory_t *handle,
                const struct op *op, size_t size) {
    struct block *block = &world->blocks[id];
    struct home *home = &world->homes[op->heap];
    size_t align = rule_alignment(size);

    memset(block, 0, sizeof(*block));
    block->handle = handle;
    block->size = size;
    block->asked = (uint32_t)op->b;
    block->align = (uint32_t)(op->b > align ? op->b : align);
    block->heap = op->heap;
    block->state = BLOCK_LIVE;
    block->content = id;
    list_add(world, actor, id);
    count(&home->n_live, 1);
    count(&home->n_allocated, 1);
    count(&home->requested, size);
    count(&home->aligned, op->b > 16 ? (size_t)op->b : 0);
    if (!world->spec->racing && home->requested > home->peak)
        home->peak = home->requested;
}

void world_drop(struct world *world, uint32_t id) {
    struct block *block = &world->blocks[id];
    struct home *home = &world->homes[block->heap];

    block->state = BLOCK_FREED;
    count(&world->n_freed, 1);
    block->buried = __atomic_load_n(&world->n_freed, __ATOMIC_RELAXED);
    count(&home->n_live, (size_t)-1);
    count(&home->n_freed, 1);
    count(&home->requested, (size_t)0 - block->size);
    count(&home->aligned, block->asked > 16 ? (size_t)0 - block->asked : 0);
    if (block->locks > 0) count(&home->n_locked, (size_t)-1);
    list_remove(world, id);
}

void world_give(struct world *world, uint32_t id, unsigned actor) {
    list_remove(world, id);
    list_add(world, actor, id);
}
