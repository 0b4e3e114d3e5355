/* SPDX-License-Identifier: MIT */
/*
 * What of a thread's state a child of fork has: its own read sections, nobody else's; all
 * locks; half-moved blocks; and room for threads of its own.
 */
#include <string.h>

#include "crew.h"
#include "util.h"

struct scene {
    struct site site;
    struct tale tale;
    struct worker holder;
    unsigned depth; /* of the sections of the thread that forks */
};

/* ------------------------------------------------------------------ read sections */

static void *holder(void *context) {
    struct worker *worker = context;
    struct scene *scene = worker->context;

    fails_status(worker, "hold", rm_heap_hold(scene->site.heap), RM_OK);
    tale_turn(&scene->tale, 1);
    tale_await(&scene->tale, 2);
    fails_status(worker, "release", rm_heap_release(scene->site.heap), RM_OK);
    return NULL;
}

static const char *still_inside(struct scene *scene) {
    struct book *book = &scene->site.book;
    rm_progress_t progress = {0, 0, 0, false};

    for (unsigned i = 0; i < scene->depth; i++) {
        for (size_t k = 0; k < book->n; k += 10) {
            void *at = NULL;
            const char *text;

            if (rmpeek(book->blocks[k].handle, &at) != RM_OK) return "no peek";
            text = content_fault(at, book->blocks[k].size, book->blocks[k].seed);
            if (text != NULL) return text;
        }
        if (rm_heap_compact(scene->site.heap, NULL, &progress) != RM_OK ||
            progress.moved != 0 || progress.complete)
            return "a heap that the child holds is compacted";
        if (rm_heap_release(scene->site.heap) != RM_OK) return "no release";
    }
    return NULL;
}

/* The other thread's section is over here, at once. */
static const char *inside(void *context) {
    struct scene *scene = context;
    const char *text = still_inside(scene);
    rm_progress_t progress = {0, 0, 0, false};

    if (text != NULL) return text;
    if (rm_heap_release(scene->site.heap) != RM_EUNLOCKED) return "one release too many";
    if (rm_heap_compact(scene->site.heap, NULL, &progress) != RM_OK ||
        progress.moved == 0 || !progress.complete)
        return "a heap that nobody holds is not compacted";
    if (rm_heap_hold(scene->site.heap) != RM_OK) return "no hold";
    if (rm_heap_release(scene->site.heap) != RM_OK) return "no release";
    text = book_verify(&scene->site.book);
    return text != NULL ? text : heap_fault(scene->site.heap);
}

static void *forker(void *context) {
    struct worker *worker = context;
    struct scene *scene = worker->context;

    for (unsigned i = 0; i < scene->depth; i++)
        fails_status(worker, "hold", rm_heap_hold(scene->site.heap), RM_OK);
    fails(worker, in_child(inside, scene));
    for (unsigned i = 0; i < scene->depth; i++)
        fails_status(worker, "release", rm_heap_release(scene->site.heap), RM_OK);
    fails_status(worker, "release", rm_heap_release(scene->site.heap), RM_EUNLOCKED);
    worker->n_done++;
    return NULL;
}

/* Forked by the first thread and by another, with one more inside a section. */
static void test_sections(void) {
    for (unsigned round = 0; round < 12; round++) {
        struct scene scene = {.tale = TALE_INIT, .depth = round % 4};
        struct worker worker = {.context = &scene};
        rm_progress_t progress = {0, 0, 0, false};

        site_open(&scene.site, 400000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        perforate(&scene.site.book, 300, 1000);
        scene.holder.context = &scene;
        worker_start(&scene.holder, holder);
        tale_await(&scene.tale, 1);
        if (round % 2 == 0) {
            (void)forker(&worker);
        } else {
            worker_start(&worker, forker);
            worker_join(&worker);
        }
        g_assert_cmpstr(worker.wrong, ==, NULL);
        g_assert_cmpuint(worker.n_done, ==, 1);
        /* not here: the holder is still inside */
        assert_ok(rm_heap_compact(scene.site.heap, NULL, &progress));
        g_assert_cmpuint(progress.moved, ==, 0);
        g_assert_false(progress.complete);
        tale_turn(&scene.tale, 2);
        worker_join(&scene.holder);
        g_assert_cmpstr(scene.holder.wrong, ==, NULL);
        compact_fully(scene.site.heap, 0);
        site_close(&scene.site);
    }
}

/* -------------------------------------------------------------------------- locks */

static void *locker(void *context) {
    struct worker *worker = context;
    struct scene *scene = worker->context;
    struct book *book = &scene->site.book;

    for (size_t i = 0; i < book->n; i++)
        for (size_t k = 0; k < i % 9; k++)
            fails_status(worker, "lock", book_lock(book, i), RM_OK);
    tale_turn(&scene->tale, 1);
    tale_await(&scene->tale, 2);
    return NULL;
}

static const char *locked_still(void *context) {
    struct scene *scene = context;
    struct book *book = &scene->site.book;
    const char *text;

    if (rm_heap_compact(scene->site.heap, NULL, NULL) != RM_OK) return "no compaction";
    text = book_verify(book); /* counts, places, contents */
    for (size_t i = 0; i < book->n && text == NULL; i++)
        if (book->blocks[i].locks > 0 && rmfree(book->blocks[i].handle) != RM_ELOCKED)
            text = "a locked block is freed";
    book_unlock_all(book);
    if (text == NULL) text = book_verify(book);
    if (rm_heap_compact(scene->site.heap, NULL, NULL) != RM_OK) return "no compaction";
    if (text == NULL) text = book_verify(book);
    if (text == NULL) text = heap_complete_fault(scene->site.heap, 0);
    book_free_all(book);
    return text != NULL ? text : book->wrong;
}

/* Those of a thread that is no more in the child, one to eight of each block. */
static void test_locks(void) {
    struct scene scene = {.tale = TALE_INIT};

    site_open(&scene.site, 400000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    perforate(&scene.site.book, 300, 1000);
    scene.holder.context = &scene;
    worker_start(&scene.holder, locker);
    tale_await(&scene.tale, 1);
    assert_sound(in_child(locked_still, &scene));
    assert_sound(book_verify(&scene.site.book)); /* the parent's are its own */
    tale_turn(&scene.tale, 2);
    worker_join(&scene.holder);
    g_assert_cmpstr(scene.holder.wrong, ==, NULL);
    book_unlock_all(&scene.site.book);
    site_close(&scene.site);
}

/* ------------------------------------------------------------------- half-moved blocks */

static const char *goes_on(void *context) {
    struct scene *scene = context;
    const char *text = NULL;

    if (scene->depth % 2) text = book_verify(&scene->site.book);
    if (text == NULL && rm_heap_compact(scene->site.heap, NULL, NULL) != RM_OK)
        text = "no compaction";
    if (text == NULL) text = book_verify(&scene->site.book);
    return text != NULL ? text : heap_complete_fault(scene->site.heap, 0);
}

static void test_half_moved(void) {
    for (unsigned round = 0; round < 30; round++) {
        const rm_budget_t budget = {1, 0};
        struct scene scene = {.depth = round};

        site_open(&scene.site, (size_t)4 << 20, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
        assert_ok(book_alloc(&scene.site.book, round % 3 ? 1100000 : 70000, 0, 0));
        assert_ok(book_alloc(&scene.site.book, 1 << 20, 0, 0));
        assert_ok(book_free(&scene.site.book, 0));
        for (unsigned i = 0; i <= round / 2; i++)
            assert_ok(rm_heap_compact(scene.site.heap, &budget, NULL));
        assert_sound(in_child(goes_on, &scene));
        assert_sound(goes_on(&scene));
        site_close(&scene.site);
    }
}

/* -------------------------------------------------------------- threads of the child's */

static void *shuffles(void *context) {
    struct worker *worker = context;
    struct book book;

    book_init(&book, worker->heap);
    for (; worker->n_done < 200; worker->n_done++) {
        book_shuffle(&book, &worker->rng, 20, SHAPE_MIXED, 3000, true);
        if (worker->n_done % 20 == 0) (void)rm_heap_compact(worker->heap, NULL, NULL);
        if (fails(worker, book_verify(&book))) break;
        if (book.requested < 100000) continue;
        book_free_all(&book);
    }
    book_free_all(&book);
    fails(worker, book.wrong);
    book_finish(&book);
    return NULL;
}

static const char *with_threads(void *context) {
    struct scene *scene = context;
    struct worker workers[3];
    const char *text = NULL;

    for (unsigned i = 0; i < 3; i++) {
        memset(&workers[i], 0, sizeof(workers[i]));
        workers[i].rng.state = i;
        workers[i].heap = scene->site.heap;
        worker_start(&workers[i], shuffles);
    }
    for (unsigned i = 0; i < 3; i++) {
        worker_join(&workers[i]);
        if (workers[i].wrong != NULL) text = fault("%s", workers[i].wrong);
    }
    if (text == NULL) text = book_verify(&scene->site.book);
    return text != NULL ? text : heap_fault(scene->site.heap);
}

static void test_threads(void) {
    if (BUILT_FOR_TSAN) {
        g_test_skip("a child of fork cannot have threads here");
        return;
    }
    for (unsigned round = 0; round < 8; round++) {
        struct scene scene = {.tale = TALE_INIT};

        site_open(&scene.site, 800000, RM_THREADS_SAFE,
                  round % 2 ? RM_COMPACT_STEADY : RM_COMPACT_ON_DEMAND);
        perforate(&scene.site.book, 100, 1000);
        assert_sound(with_threads(&scene));
        assert_sound(in_child(with_threads, &scene));
        assert_sound(with_threads(&scene));
        site_close(&scene.site);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fork/sections", test_sections);
    g_test_add_func("/fork/locks", test_locks);
    g_test_add_func("/fork/half-moved", test_half_moved);
    g_test_add_func("/fork/threads", test_threads);
    return g_test_run();
}
