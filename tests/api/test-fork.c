/* SPDX-License-Identifier: MIT */
/*
 * fork in the midst of everything: the child has every heap as it was, sound and usable,
 * with the locks that were held, and the read sections of the thread that forked alone.
 *
 * A worker marks a block as busy while it does something with it. What is not busy has
 * to be in the child as the books say: a thread's own writes come to the child in order.
 */
#include <string.h>
#include <unistd.h>

#include "crew.h"
#include "util.h"

#define MILLISECOND UINT64_C(1000000)
#define WORKERS 4
#define RECORDS 48 /* of one worker */
#define HEAPS 3
#define FORKS 50

struct record {
    atomic_bool busy;
    rm_memory_t *handle;
    size_t size;
    uint64_t seed;
    unsigned locks;
};

struct shop {
    rm_heap_t *heaps[HEAPS];
    struct guarded region;
    struct worker workers[WORKERS + 1];
    struct record records[WORKERS][RECORDS];
    atomic_bool over;
};

/* ----------------------------------------------------------------- the workers */

static const char *record_fault(const struct record *record) {
    size_t size = SIZE_MAX;
    unsigned locks = 9999;
    void *at = NULL;
    const char *text;

    if (rmsize(record->handle, &size) != RM_OK || size != record->size)
        return fault("rmsize says %zu, not %zu", size, record->size);
    if (rmlocks(record->handle, &locks) != RM_OK || locks != record->locks)
        return fault("rmlocks says %u, not %u", locks, record->locks);
    if (rmlock(record->handle, &at) != RM_OK) return fault("cannot be locked");
    text = content_fault(at, size, record->seed);
    if (rmunlock(record->handle) != RM_OK) return fault("cannot be unlocked");
    return text;
}

static const char *rewrite(struct record *record, uint64_t seed) {
    void *at = NULL;

    if (rmlock(record->handle, &at) != RM_OK) return fault("no lock to write");
    record->seed = seed;
    content_fill(at, record->size, seed);
    return rmunlock(record->handle) == RM_OK ? NULL : fault("no unlock after writing");
}

static const char *make(struct record *record, rm_heap_t *heap, struct rng *rng) {
    size_t size = rng_size(rng, SHAPE_MIXED, rng_chance(rng, 5) ? 500000 : 5000);
    rm_status_t status = rm_heap_alloc(heap, &record->handle, size, 0, 0);

    if (status == RM_ENOMEM) return NULL; /* the region is tight */
    if (status != RM_OK) return fault("rm_heap_alloc says %d", (int)status);
    record->size = size;
    return rewrite(record, rng_next(rng));
}

static const char *resize(struct record *record, struct rng *rng) {
    size_t size = rng_size(rng, SHAPE_MIXED, 8000);
    rm_status_t status = rmrealloc(record->handle, (ssize_t)size);
    const char *text;
    void *at = NULL;

    if (status == RM_ENOMEM) return NULL;
    if (status == RM_ELOCKED) return NULL; /* the block is, or somebody holds the heap */
    if (status != RM_OK) return fault("rmrealloc says %d", (int)status);
    if (rmlock(record->handle, &at) != RM_OK) return fault("no lock after resizing");
    text = content_fault(at, size < record->size ? size : record->size, record->seed);
    if (rmunlock(record->handle) != RM_OK) return fault("no unlock after resizing");
    record->size = size;
    return text != NULL ? text : rewrite(record, rng_next(rng));
}

static const char *lock_or_unlock(struct record *record, struct rng *rng) {
    void *at = NULL;

    if (record->locks < 6 && rng_chance(rng, 50)) {
        record->locks++;
        return rmlock(record->handle, &at) == RM_OK ? NULL : fault("no lock");
    }
    if (record->locks == 0) return NULL;
    record->locks--;
    return rmunlock(record->handle) == RM_OK ? NULL : fault("no unlock");
}

static const char *drop(struct record *record) {
    rm_status_t status = rmfree(record->handle);

    if (status != (record->locks > 0 ? RM_ELOCKED : RM_OK))
        return fault("rmfree says %d", (int)status);
    if (status == RM_OK) record->handle = NULL;
    return NULL;
}

static const char *peek(struct record *record, rm_heap_t *heap) {
    void *at = NULL;
    const char *text;

    if (rm_heap_hold(heap) != RM_OK) return fault("no hold");
    if (rmpeek(record->handle, &at) != RM_OK) return fault("no peek");
    text = content_fault(at, record->size, record->seed);
    return rm_heap_release(heap) == RM_OK ? text : fault("no release");
}

static const char *use(struct record *record, rm_heap_t *heap, struct rng *rng) {
    switch (rng_below(rng, 7)) {
    case 0:
    case 1: return lock_or_unlock(record, rng);
    case 2: return rewrite(record, rng_next(rng));
    case 3: return resize(record, rng);
    case 4: return drop(record);
    case 5: return peek(record, heap);
    default: return record_fault(record);
    }
}

static const char *look_at(rm_heap_t *heap, struct rng *rng) {
    rm_budget_t budget = {rng_between(rng, 1, 200000), 0};
    rm_stats_t stats;
    rm_status_t status = RM_OK;

    switch (rng_below(rng, 6)) {
    case 0:
    case 1: status = rm_heap_compact(heap, &budget, NULL); break;
    case 2: (void)rm_heap_idle(heap, now_ns() + 100000); break;
    case 3: status = rm_heap_trim(heap); break;
    case 4: status = rm_heap_stats(heap, &stats); break;
    default: status = rm_heap_compact(heap, NULL, NULL); break;
    }
    return status == RM_OK ? NULL : fault("a call on the heap says %d", (int)status);
}

static void *work(void *context) {
    struct worker *worker = context;
    struct shop *shop = worker->context;

    while (!atomic_load(&shop->over) || worker->n_done < FORKS) {
        unsigned i = (unsigned)rng_below(&worker->rng, RECORDS);
        struct record *record = &shop->records[worker->index][i];
        rm_heap_t *heap = shop->heaps[i % HEAPS];

        atomic_store(&record->busy, true);
        if (fails(worker, record->handle == NULL ? make(record, heap, &worker->rng)
                                                 : use(record, heap, &worker->rng)))
            break;
        atomic_store(&record->busy, false);
        if (i == 0 &&
            fails(worker, look_at(shop->heaps[worker->n_done % HEAPS], &worker->rng)))
            break;
        worker->n_done++;
    }
    return NULL;
}

/* Heaps that come and go all the time. */
static void *found(void *context) {
    struct worker *worker = context;
    struct shop *shop = worker->context;

    for (; !atomic_load(&shop->over) || worker->n_done < FORKS; worker->n_done++) {
        rm_memory_t *block = NULL;
        rm_heap_t *heap = NULL;

        fails_status(worker, "create", rm_heap_create(&heap, NULL), RM_OK);
        fails_status(worker, "alloc", rm_heap_alloc(heap, &block, 100, 0, 0), RM_OK);
        fails_status(worker, "hold", rm_heap_hold(heap), RM_OK);
        if (fails_status(worker, "destroy", rm_heap_destroy(heap), RM_OK)) break;
    }
    return NULL;
}

/* ------------------------------------------------------------------- the child */

static const char *verify_all(struct shop *shop, size_t *n_busy) {
    const char *text = NULL;

    *n_busy = 0;
    for (unsigned w = 0; w < WORKERS; w++)
        for (unsigned i = 0; i < RECORDS && text == NULL; i++) {
            struct record *record = &shop->records[w][i];

            if (atomic_load(&record->busy))
                ++*n_busy;
            else if (record->handle != NULL)
                text = record_fault(record);
        }
    return text;
}

static const char *check_all(struct shop *shop) {
    rm_fault_t found;

    for (unsigned h = 0; h < HEAPS; h++)
        if (rm_heap_check(shop->heaps[h], &found) != RM_OK)
            return fault("heap %u, invariant %u at %zu: %s", h, found.invariant,
                         found.offset, found.text);
    return NULL;
}

static const char *free_all(struct shop *shop) {
    for (unsigned w = 0; w < WORKERS; w++)
        for (unsigned i = 0; i < RECORDS; i++) {
            struct record *record = &shop->records[w][i];

            if (atomic_load(&record->busy) || record->handle == NULL) continue;
            for (; record->locks > 0; record->locks--)
                if (rmunlock(record->handle) != RM_OK) return "no unlock";
            if (rmfree(record->handle) != RM_OK) return "no free";
            if (rmfree(record->handle) != RM_EHANDLE) return "freed twice";
        }
    return NULL;
}

/* In each heap, as in one that nothing has happened to. */
static const char *use_all(struct shop *shop, struct rng *rng) {
    struct record records[100];
    const char *text = NULL;

    memset(records, 0, sizeof(records));
    for (unsigned step = 0; step < 2000 && text == NULL; step++) {
        unsigned i = (unsigned)rng_below(rng, 100);
        rm_heap_t *heap = shop->heaps[i % HEAPS];

        text = records[i].handle == NULL ? make(&records[i], heap, rng)
                                         : use(&records[i], heap, rng);
        if (text == NULL && step % 200 == 0) text = look_at(heap, rng);
    }
    for (unsigned i = 0; i < 100 && text == NULL; i++) {
        if (records[i].handle == NULL) continue;
        text = record_fault(&records[i]);
        for (; records[i].locks > 0; records[i].locks--)
            if (rmunlock(records[i].handle) != RM_OK) return "no unlock in the end";
        if (rmfree(records[i].handle) != RM_OK) return "no free in the end";
    }
    return text;
}

static const char *child(void *context) {
    struct shop *shop = context;
    struct rng rng = {(uint64_t)getpid()};
    size_t n_busy, n_live = 0;
    const char *text = check_all(shop);
    rm_stats_t stats;

    if (text == NULL) text = verify_all(shop, &n_busy);
    for (unsigned h = 0; h < HEAPS && text == NULL; h++) {
        rm_progress_t progress = {0, 0, 0, false};

        if (rm_heap_compact(shop->heaps[h], NULL, &progress) != RM_OK ||
            !progress.complete) /* no section is left over */
            text = fault("heap %u is not compacted to the end", h);
    }
    if (text == NULL) text = verify_all(shop, &n_busy);
    if (text == NULL) text = use_all(shop, &rng);
    if (text == NULL) text = verify_all(shop, &n_busy);
    if (text == NULL) text = free_all(shop);
    if (text == NULL) text = check_all(shop);
    for (unsigned h = 0; h < HEAPS && text == NULL; h++) {
        if (rm_heap_stats(shop->heaps[h], &stats) != RM_OK) return "no metrics";
        n_live += stats.live_blocks;
    }
    /* What is busy may be there, or not any more, or not yet. */
    if (text == NULL && n_live > n_busy)
        text = fault("%zu blocks are left, of %zu that were busy", n_live, n_busy);
    for (unsigned h = 0; h < HEAPS && text == NULL; h++)
        if (rm_heap_destroy(shop->heaps[h]) != RM_OK) text = "no destroy";
    return text;
}

/* ------------------------------------------------------------------ the parent's side */

static void open_shop(struct shop *shop) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    memset(shop, 0, sizeof(*shop));
    guarded_init(&shop->region, 900000, GUARDED_HIGH, 0);
    shop->heaps[0] = growable_heap(0, RM_COMPACT_ON_DEMAND);
    /* its thread would be one too many in the child, see BUILT_FOR_TSAN */
    shop->heaps[1] =
        growable_heap(0, BUILT_FOR_TSAN ? RM_COMPACT_STEADY : RM_COMPACT_BACKGROUND);
    options.memory = shop->region.memory;
    options.size = shop->region.size;
    options.compaction = RM_COMPACT_STEADY;
    shop->heaps[2] = heap_with(&options);
    for (unsigned w = 0; w <= WORKERS; w++) {
        shop->workers[w].index = w;
        shop->workers[w].rng = test_rng();
        shop->workers[w].context = shop;
        worker_start(&shop->workers[w], w < WORKERS ? work : found);
    }
}

static void close_shop(struct shop *shop) {
    size_t n_busy;

    atomic_store(&shop->over, true);
    for (unsigned w = 0; w <= WORKERS; w++) {
        worker_join(&shop->workers[w]);
        g_assert_cmpstr(shop->workers[w].wrong, ==, NULL);
        g_assert_cmpuint(shop->workers[w].n_done, >=, FORKS);
    }
    assert_sound(verify_all(shop, &n_busy));
    g_assert_cmpuint(n_busy, ==, 0);
    assert_sound(free_all(shop));
    for (unsigned h = 0; h < HEAPS; h++) {
        rm_stats_t stats;

        assert_ok(rm_heap_stats(shop->heaps[h], &stats));
        g_assert_cmpuint(stats.live_blocks, ==, 0);
        g_assert_cmpuint(stats.allocations, ==, stats.frees);
        assert_ok(rm_heap_check(shop->heaps[h], NULL));
        assert_ok(rm_heap_destroy(shop->heaps[h]));
    }
    assert_sound(guarded_fault(&shop->region));
    guarded_finish(&shop->region);
}

static void test_while_they_work(void) {
    struct shop *shop = g_new(struct shop, 1);
    struct rng rng = test_rng();

    open_shop(shop);
    sleep_ns(20 * MILLISECOND);
    for (unsigned n = 0; n < FORKS; n++) {
        assert_sound(in_child(child, shop));
        sleep_ns(rng_below(&rng, 3000000));
    }
    close_shop(shop);
    g_free(shop);
}

static const char *comes_and_goes(void *context) {
    rm_heap_t *heap;

    (void)alarm(20); /* rather than wait for ever */
    if (rm_heap_create(&heap, NULL) != RM_OK) return "no heap";
    return rm_heap_destroy(heap) == RM_OK ? NULL : "no destroy";
}

/* A process that has no heap yet forks while another thread of it makes the first. */
static const char *first_heap(void *context) {
    struct worker worker = {.context = context};
    struct rng *rng = ((struct shop *)context)->workers[0].context;
    const char *text;

    worker_start(&worker, found);
    for (uint64_t end = now_ns() + rng_below(rng, 300000); now_ns() < end;) continue;
    text = in_child(comes_and_goes, NULL);
    atomic_store(&((struct shop *)context)->over, true);
    worker_join(&worker);
    return text != NULL ? text : worker.wrong;
}

static void test_first_heap(void) {
    struct shop *shop = g_new0(struct shop, 1);
    struct rng rng = test_rng();

    if (BUILT_FOR_TSAN) {
        g_test_skip("a child of fork cannot have threads here");
        return;
    }
    shop->workers[0].context = &rng;
    for (unsigned n = 0; n < 3 * FORKS; n++, (void)rng_below(&rng, 2))
        assert_sound(in_child(first_heap, shop));
    g_free(shop);
}

/* In a process that has never had a heap compacted in the background. */
static void test_nothing_begun(void) {
    struct shop *shop = g_new0(struct shop, 1);
    struct worker workers[2] = {{0}};

    for (unsigned i = 0; i < 2; i++) {
        workers[i].context = shop;
        worker_start(&workers[i], found);
    }
    for (unsigned n = 0; n < 10 * FORKS; n++)
        assert_sound(in_child(comes_and_goes, NULL));
    atomic_store(&shop->over, true);
    for (unsigned i = 0; i < 2; i++) worker_join(&workers[i]);
    g_free(shop);
}

/* The child of a child, each while its own threads are at work. */
static const char *generations(void *context) {
    struct shop *shop = context;
    const char *text = in_child(child, shop);

    return text != NULL ? text : child(shop);
}

static void test_generations(void) {
    struct shop *shop = g_new(struct shop, 1);

    open_shop(shop);
    for (unsigned n = 0; n < 10; n++) {
        sleep_ns(2 * MILLISECOND);
        assert_sound(in_child(generations, shop));
    }
    sleep_ns(20 * MILLISECOND);
    close_shop(shop);
    g_free(shop);
}

/* The one that forks is one of the workers; the child goes on in its place. */
static void *forks(void *context) {
    struct worker *worker = context;

    for (; worker->n_done < worker->steps; worker->n_done++)
        if (fails(worker, in_child(child, worker->context))) break;
    return NULL;
}

static void test_from_a_thread(void) {
    struct shop *shop = g_new(struct shop, 1);
    struct worker workers[2] = {{0}};

    open_shop(shop);
    for (unsigned i = 0; i < 2; i++) { /* two at once */
        workers[i].context = shop;
        workers[i].steps = 12;
        worker_start(&workers[i], forks);
    }
    for (unsigned i = 0; i < 2; i++) {
        worker_join(&workers[i]);
        g_assert_cmpstr(workers[i].wrong, ==, NULL);
    }
    sleep_ns(20 * MILLISECOND);
    close_shop(shop);
    g_free(shop);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    /* these two first: they are about a process that has not done much yet */
    g_test_add_func("/fork/first-heap", test_first_heap);
    g_test_add_func("/fork/nothing-begun", test_nothing_begun);
    g_test_add_func("/fork/while-they-work", test_while_they_work);
    g_test_add_func("/fork/generations", test_generations);
    g_test_add_func("/fork/from-a-thread", test_from_a_thread);
    return g_test_run();
}
