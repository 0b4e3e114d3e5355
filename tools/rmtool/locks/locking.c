/* SPDX-License-Identifier: MIT */
#include "locks/locking.h"

#include <stdlib.h>
#include <string.h>

#include "base/output.h"
#include "base/say.h"

static int no_memory(void) {
    return complain(STATUS_IO, "no memory for the program's blocks");
}

int locking_init(struct locking *locking, const struct lockmodel_spec *specs, size_t n) {
    *locking = (struct locking){0};
    locking->models = calloc(n ? n : 1, sizeof(*locking->models));
    if (!locking->models) return no_memory();
    locking->n_models = n;
    for (size_t i = 0; i < n; i++) {
        struct locking_model *model = &locking->models[i];
        model->locking = locking;
        model->model.spec = specs[i];
        model->model.book.population = &locking->population;
        if (specs[i].kind == LOCKMODEL_TRUTH) locking->truth = model;
    }
    for (size_t i = 0; i < n && locking->truth; i++)
        if (&locking->models[i] != locking->truth)
            locking->models[i].model.book.truth = &locking->truth->model.book;
    return STATUS_OK;
}

/* ------------------------------------------------------------------------ traces */

static int write_change(void *context, bool locks, uint32_t slot) {
    struct locking_model *model = context;
    uint64_t block = model->locking->population.blocks[slot].number;

    return locks ? trace_writer_lock(model->writer, block)
                 : trace_writer_unlock(model->writer, block);
}

int locking_trace(struct locking *locking, size_t model, const char *path,
                  const char *name, const char *command) {
    struct locking_model *m = &locking->models[model];
    int status;

    m->path = strdup(path);
    if (!m->path) return no_memory();
    status = trace_writer_open(&m->writer, m->path);
    if (status) return status;
    trace_writer_thread(m->writer, 1); /* as items begin */
    m->model.on_change = write_change;
    m->model.context = m;
    trace_writer_key(m->writer, "name", "%s", name);
    trace_writer_key(m->writer, "program", "rmtool");
    trace_writer_key(m->writer, "version", "%s", tool_version);
    trace_writer_key(m->writer, "command", "%s", command);
    trace_writer_key(m->writer, "kind", "recorded, lock events by the model %s",
                     m->model.spec.name);
    return STATUS_OK;
}

/* The events other than locks, after the models have let go of the block. */
static int write_event(struct trace_writer *writer, const struct access_item *item,
                       uint64_t number) {
    switch (item->op) {
    case ACCESS_ALLOC:
        return trace_writer_alloc(writer, TRACE_ALLOC, item->value, 0, NULL);
    case ACCESS_ZERO: return trace_writer_alloc(writer, TRACE_ZERO, item->value, 0, NULL);
    case ACCESS_ALIGNED:
        return trace_writer_alloc(writer, TRACE_ALIGNED, item->value,
                                  item->alignment_log2, NULL);
    case ACCESS_REALLOC: return trace_writer_realloc(writer, number, item->value);
    case ACCESS_FREE: return trace_writer_free(writer, number);
    case ACCESS_THREAD: trace_writer_thread(writer, item->value); return STATUS_OK;
    default: return STATUS_OK;
    }
}

/* ------------------------------------------------------------------------- items */

static void take_access(struct locking *locking, const struct access_item *item) {
    for (size_t i = 0; i < locking->n_models; i++) {
        lockmodel_before(&locking->models[i].model, item, locking->stack);
        lockmodel_access(&locking->models[i].model, item, locking->stack);
    }
    locking->population.clock++;
    for (size_t i = 0; i < locking->n_models; i++)
        lockmodel_after(&locking->models[i].model);
    if (item->op == ACCESS_LOAD)
        locking->loads++;
    else if (item->op == ACCESS_STORE)
        locking->stores++;
    else
        locking->modifies++;
}

static bool make_block(struct locking *locking, const struct access_item *item) {
    struct population *population = &locking->population;

    if (!population_reserve(population, item->slot)) return false;
    for (size_t i = 0; i < locking->n_models; i++)
        if (!lockmodel_reserve(&locking->models[i].model, item->slot)) return false;
    population->blocks[item->slot] =
        (struct lockbook_block){item->value, population->n_blocks++};
    population->live_blocks++;
    population->live_bytes += item->value;
    return true;
}

/* The truth is asked first, since the others compare with it as it was and as it is. */
static void own_lock(struct locking *locking, const struct access_item *item,
                     bool locks) {
    struct lockmodel *truth = &locking->truth->model;
    bool before = lockbook_is_locked(&truth->book, item->slot);
    bool changes = locks ? !before : truth->nested[item->slot] == 1;

    locking->own_locks += locks;
    for (size_t i = 0; i < locking->n_models && changes; i++)
        if (&locking->models[i] != locking->truth)
            lockbook_truth_changes(&locking->models[i].model.book, item->slot);
    if (locks)
        lockmodel_own_lock(truth, item->slot);
    else
        lockmodel_own_unlock(truth, item->slot);
    for (size_t i = 0; i < locking->n_models && changes && locks; i++)
        if (&locking->models[i] != locking->truth)
            lockbook_truth_locked(&locking->models[i].model.book, item->slot);
}

/* Before its realloc and its free nobody holds a block; the truth lets go last. */
static void drop_locks(struct locking *locking, uint32_t slot) {
    for (size_t i = 0; i < locking->n_models; i++)
        if (&locking->models[i] != locking->truth)
            lockmodel_drop(&locking->models[i].model, slot);
    if (!locking->truth || !lockbook_is_locked(&locking->truth->model.book, slot)) return;
    for (size_t i = 0; i < locking->n_models; i++)
        if (&locking->models[i] != locking->truth)
            lockbook_truth_changes(&locking->models[i].model.book, slot);
    lockmodel_drop(&locking->truth->model, slot);
}

static int take_event(struct locking *locking, const struct access_item *item) {
    struct population *population = &locking->population;
    bool makes = item->op >= ACCESS_ALLOC && item->op <= ACCESS_ALIGNED;
    bool drops = item->op == ACCESS_REALLOC || item->op == ACCESS_FREE;
    uint64_t number = 0;
    int status = STATUS_OK;

    for (size_t i = 0; i < locking->n_models; i++)
        lockmodel_before(&locking->models[i].model, item, locking->stack);
    if (makes || drops) population_count(population);
    if (drops) drop_locks(locking, item->slot);
    if (makes && !make_block(locking, item)) return no_memory();
    if (drops) {
        struct lockbook_block *block = &population->blocks[item->slot];
        number = block->number;
        population->live_bytes -= block->size;
        block->size = item->op == ACCESS_FREE ? 0 : item->value;
        population->live_bytes += block->size;
        population->live_blocks -= item->op == ACCESS_FREE;
        locking->frees += item->op == ACCESS_FREE;
        locking->reallocations += item->op == ACCESS_REALLOC;
    }
    if (item->op == ACCESS_STACK) locking->stack = (uint32_t)item->value;
    if (item->op == ACCESS_THREAD && item->value > locking->threads_seen)
        locking->threads_seen = item->value;
    if ((item->op == ACCESS_LOCK || item->op == ACCESS_UNLOCK) && locking->truth)
        own_lock(locking, item, item->op == ACCESS_LOCK);
    for (size_t i = 0; i < locking->n_models && status == STATUS_OK; i++)
        if (locking->models[i].writer)
            status = write_event(locking->models[i].writer, item, number);
    locking->events++;
    return status;
}

int locking_take(void *context, const struct access_item *items, size_t n) {
    struct locking *locking = context;
    int status = STATUS_OK;

    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        if (ACCESS_IS_ACCESS(items[i].op))
            take_access(locking, &items[i]);
        else
            status = take_event(locking, &items[i]);
        locking->instructions = items[i].instructions;
    }
    for (size_t i = 0; i < locking->n_models && status == STATUS_OK; i++)
        status = locking->models[i].model.status;
    return status;
}

int locking_end(struct locking *locking) {
    int status = STATUS_OK;

    population_count(&locking->population);
    for (size_t i = 0; i < locking->n_models; i++)
        if (&locking->models[i] != locking->truth)
            lockbook_end(&locking->models[i].model.book);
    if (locking->truth) lockbook_end(&locking->truth->model.book);
    for (size_t i = 0; i < locking->n_models && status == STATUS_OK; i++) {
        if (!locking->models[i].writer) continue;
        status = trace_writer_close(locking->models[i].writer);
        locking->models[i].writer = NULL;
    }
    return status;
}

void locking_finish(struct locking *locking) {
    for (size_t i = 0; i < locking->n_models; i++) {
        trace_writer_discard(locking->models[i].writer);
        lockmodel_finish(&locking->models[i].model);
        free(locking->models[i].path);
    }
    free(locking->models);
    free(locking->population.blocks);
    *locking = (struct locking){0};
}
