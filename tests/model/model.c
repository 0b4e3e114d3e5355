/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <string.h>

#include "fault.h"
#include "picture.h"

/* Edge cases often: dense, empty, nothing locked, everything locked. */
static void change_habits(struct model *model) {
    struct rng *rng = &model->rng;
    struct habits *habits = &model->habits;

    habits->shape = (enum shape)rng_below(rng, N_SHAPES);
    habits->fill = rng_chance(rng, 40) ? 100 : (unsigned)rng_between(rng, 5, 100);
    habits->locks = rng_chance(rng, 40) ? 0 : (unsigned)rng_between(rng, 1, 40);
    habits->aligned = rng_chance(rng, 60) ? 0 : (unsigned)rng_between(rng, 1, 40);
    habits->compact = rng_chance(rng, 50) ? 1 : (unsigned)rng_between(rng, 0, 10);
    if (rng_chance(rng, 50)) {
        LOG(model, "book_unlock_all(&book);\n");
        book_unlock_all(&model->book);
    }
    if (rng_chance(rng, 5)) {
        LOG(model, "book_free_all(&book);\n");
        book_free_all(&model->book);
    }
}

/* Every step: the counters. */
static const char *counters(struct model *model) {
    const struct book *book = &model->book;
    rm_stats_t stats;

    if (rm_heap_stats_quick(model->heap, &stats) != RM_OK)
        return "rm_heap_stats_quick fails";
    if (book->requested > model->peak_requested) model->peak_requested = book->requested;
    if (stats.live_blocks != book->n)
        return fault("%zu live blocks, not %zu", stats.live_blocks, book->n);
    if (stats.requested != book->requested)
        return fault("%zu bytes requested, not %zu", stats.requested, book->requested);
    if (stats.allocations != book->n_allocated || stats.frees != book->n_freed)
        return fault("%zu allocations and %zu frees, not %zu and %zu", stats.allocations,
                     stats.frees, book->n_allocated, book->n_freed);
    if (stats.failures != book->n_failed)
        return fault("%zu failures, not %zu", stats.failures, book->n_failed);
    if (stats.peak_requested != model->peak_requested)
        return fault("the peak is %zu, not %zu", stats.peak_requested,
                     model->peak_requested);
    if (stats.used + stats.metadata + stats.free != stats.capacity)
        return fault("used + metadata + free is not capacity");
    return book->wrong;
}

/* At intervals: the whole heap, some blocks; more rarely all blocks. */
static const char *inspect(struct model *model) {
    struct book *book = &model->book;
    unsigned every = model->kind->check_every;
    const char *text = NULL;

    if (model->step % every == 0) text = heap_fault(model->heap);
    for (unsigned i = 0; i < 2 && book->n > 0 && text == NULL; i++) {
        size_t k = (size_t)rng_below(&model->rng, book->n);

        LOG(model, "book_verify_one(&book, %zu);\n", k);
        text = book_verify_one(book, k);
    }
    if (text == NULL && model->step % (32 * every) == 0) {
        LOG(model, "book_verify(&book);\n");
        text = book_verify(book);
        if (text == NULL && model->kind->region > 0) text = guarded_fault(&model->region);
    }
    return text;
}

static const char *open_heap(struct model *model) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    size_t odd = (size_t)rng_below(&model->rng, 32);

    options.compaction = model->compaction;
    options.threads = model->threads;
    options.size = model->kind->limit;
    model->capacity = model->kind->limit;
    if (model->kind->region > 0) {
        guarded_init(&model->region, model->kind->region,
                     odd % 2 ? GUARDED_LOW : GUARDED_HIGH, odd / 2);
        LOG(model, "a region %zu bytes from the %s guard page\n", odd / 2,
            odd % 2 ? "lower" : "upper");
        options.memory = model->region.memory;
        options.size = model->region.size;
        model->capacity = model->region.size;
    }
    if (rm_heap_create(&model->heap, &options) != RM_OK) return "rm_heap_create fails";
    book_init(&model->book, model->heap);
    return NULL;
}

static const char *close_heap(struct model *model) {
    const char *text = book_verify(&model->book);

    if (text == NULL) text = heap_fault(model->heap);
    if (rm_heap_destroy(model->heap) != RM_OK && text == NULL)
        text = "rm_heap_destroy fails";
    if (model->kind->region > 0) {
        if (text == NULL) text = guarded_fault(&model->region);
        guarded_finish(&model->region);
    }
    return text;
}

const char *model_run(struct model *model, uint64_t seed, size_t steps) {
    const char *text;

    model->rng.state = seed;
    model->step = 0;
    text = open_heap(model);
    for (; model->step < steps && text == NULL; model->step++) {
        if (model->step % model->kind->phase == 0) change_habits(model);
        text = operate(model);
        if (text == NULL && model->stress) text = operate_compact(model, NULL);
        if (text == NULL) text = counters(model);
        if (text == NULL) text = inspect(model);
        if (text != NULL) break; /* the step that failed is the one told */
    }
    if (text == NULL) text = close_heap(model);
    book_finish(&model->book);
    return text;
}
