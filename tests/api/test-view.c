/* SPDX-License-Identifier: MIT */
/*
 * rmalloc_view.h: the test looks at its own heaps, through a reader that goes by the system, and sees
 * what the heaps say of themselves. Whatever is damaged on the way, it neither crashes nor hangs.
 */
#include <rmalloc_view.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "own.h"
#include "util.h"

/* The other's memory; in each stretch of `harm` bytes a bit is turned, the same one each time. */
struct other {
    uint64_t seed;
    uint64_t harm; /* a power of two; 0: none is */
    bool blind;    /* from here on nothing can be read */
    size_t bytes;
};

static void harm_some(const struct other *other, uint64_t address, unsigned char *to,
                      size_t size) {
    uint64_t end = address + size;

    for (uint64_t at = address & ~(other->harm - 1); at < end; at += other->harm) {
        struct rng rng = {other->seed ^ at};
        uint64_t victim = at + rng_below(&rng, other->harm);

        if (victim >= address && victim < end)
            to[victim - address] ^= (unsigned char)(1u << rng_below(&rng, 8));
    }
}

static bool read_other(uint64_t address, void *to, size_t size, void *context) {
    struct other *other = context;

    if (other->blind || size > (size_t)1 << 36) return false;
    if (!own_read(address, to, size, NULL)) return false;
    other->bytes += size;
    if (other->harm > 0) harm_some(other, address, to, size);
    return true;
}

/* The registry in what this process has mapped of files and may write to, as a stranger would find it. */
static rm_view_t *find_view(struct other *other, uint64_t *address) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    rm_view_t *view = NULL;

    g_assert_nonnull(maps);
    while (view == NULL && fgets(line, sizeof(line), maps) != NULL) {
        unsigned long long from, to, inode;
        char mode[5];

        if (sscanf(line, "%llx-%llx %4s %*s %*s %llu", &from, &to, mode, &inode) != 4)
            continue;
        if (strncmp(mode, "rw", 2) != 0 || inode == 0) continue;
        char *copy = g_malloc0(to - from), *at = copy;
        if (read_other(from, copy, to - from, other))
            while (view == NULL && (at = memmem(at, (size_t)(copy + (to - from) - at),
                                                RM_VIEW_MAGIC, RM_VIEW_MAGIC_BYTES))) {
                *address = from + (uint64_t)(at++ - copy);
                if (*address % 8 == 0)
                    rm_view_open(&view, *address, read_other, other, NULL);
            }
        g_free(copy);
    }
    fclose(maps);
    return view;
}

/* --- what is seen is what there is --- */

struct seen {
    rm_span_t *spans;
    size_t n, room;
};

static bool collect(const rm_span_t *span, void *context) {
    struct seen *seen = context;

    if (seen->n == seen->room) {
        seen->room = 2 * seen->room + 64;
        seen->spans = g_realloc_n(seen->spans, seen->room, sizeof(*seen->spans));
    }
    seen->spans[seen->n++] = *span;
    return true;
}

static void assert_same_stats(const rm_stats_t *is, const rm_stats_t *should) {
    const size_t *a = (const size_t *)is, *b = (const size_t *)should;

    for (size_t i = 0; i < offsetof(rm_stats_t, internal_fragmentation) / sizeof(*a); i++)
        if (a[i] != b[i]) g_error("word %zu of the stats: %zu, not %zu", i, a[i], b[i]);
    g_assert_cmpint(memcmp(is, should, sizeof(*is)), ==, 0);
}

/* A look at it, before anything of its own is asked for, which would free what rests. */
static void look_at(rm_view_t *view, rm_heap_t *heap, size_t *bytes) {
    struct seen there = {0}, here = {0};
    rm_stats_t is, should;
    rm_fault_t fault;

    g_assert_cmpint(rm_view_copy(view, heap, bytes), ==, RM_VIEW_OK);
    g_assert_cmpint(rm_view_stats(view, &is), ==, RM_VIEW_EINVAL); /* not settled */
    rm_view_status_t status = rm_view_settle(view, &fault);
    if (status != RM_VIEW_OK)
        g_error("invariant %u at %zu: %s", fault.invariant, fault.offset, fault.text);
    g_assert_cmpint(rm_view_stats(view, &is), ==, RM_VIEW_OK);
    g_assert_cmpint(rm_view_walk(view, collect, &there), ==, RM_VIEW_OK);
    assert_ok(rm_heap_stats(heap, &should));
    assert_ok(rm_heap_walk(heap, collect, &here));
    assert_same_stats(&is, &should);
    g_assert_cmpuint(there.n, ==, here.n);
    for (size_t i = 0; i < here.n; i++) {
        g_assert_cmpuint(there.spans[i].offset, ==, here.spans[i].offset);
        g_assert_cmpuint(there.spans[i].size, ==, here.spans[i].size);
        g_assert_cmpint(there.spans[i].kind, ==, here.spans[i].kind);
        g_assert_true(there.spans[i].handle == here.spans[i].handle);
        g_assert_cmpuint(there.spans[i].requested, ==, here.spans[i].requested);
        g_assert_cmpuint(there.spans[i].locks, ==, here.spans[i].locks);
    }
    g_free(there.spans);
    g_free(here.spans);
}

static void shuffle_and_look(size_t size, size_t limit, unsigned rounds, size_t most) {
    struct other other = {0};
    struct rng rng = test_rng();
    struct guarded region;
    struct book book;
    uint64_t at;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;

    if (size > 0) {
        guarded_init(&region, size, GUARDED_HIGH, 3);
        options.memory = region.memory;
    }
    options.size = size > 0 ? size : limit;
    for (int threads = 0; threads < 2; threads++) {
        options.threads = threads ? RM_THREADS_NONE : RM_THREADS_SAFE;
        rm_heap_t *heap = heap_with(&options);
        rm_view_t *view = find_view(&other, &at);
        g_assert_nonnull(view);
        book_init(&book, heap);
        for (unsigned i = 0; i < rounds; i++) {
            rm_budget_t budget = {1000 + 100000 * (i % 3), 0};

            book_shuffle(&book, &rng, 1 + rng_below(&rng, 600), SHAPE_MIXED, most, true);
            if (i % 3 == 1) assert_ok(rm_heap_compact(heap, &budget, NULL));
            if (i % 7 == 6) assert_ok(rm_heap_trim(heap));
            look_at(view, heap, NULL);
        }
        rm_view_close(view);
        book_unlock_all(&book);
        book_free_all(&book);
        book_finish(&book);
        assert_ok(rm_heap_destroy(heap));
    }
    if (size > 0) guarded_finish(&region);
}

static void test_regions(void) {
    shuffle_and_look(RM_HEAP_SIZE_MIN, 0, 20, 64);
    shuffle_and_look(20011, 0, 40, 2000);
    shuffle_and_look(3 << 20, 0, 40, 40000);
}

static void test_growing(void) {
    shuffle_and_look(0, 0, 30, 3000);
    shuffle_and_look(0, 64 << 20, 30, 100000);
    shuffle_and_look(0, 64 << 20, 20, 2000000);
}

static size_t resident(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    g_assert_nonnull(file);
    g_assert_cmpint(fscanf(file, "%*s %lu", &pages), ==, 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Of large blocks no more is read than their headers, and no memory is taken for the rest. */
static void test_large(void) {
    struct other other = {0};
    rm_heap_t *heap = growable_heap(0, RM_COMPACT_ON_DEMAND);
    rm_memory_t *blocks[200], *small;
    uint64_t at;
    size_t bytes;
    rm_view_t *view = find_view(&other, &at);

    g_assert_nonnull(view);
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
        void *p;

        assert_ok(
            rm_heap_alloc(heap, &blocks[i], 500000 + 1000 * i, i % 5 ? 0 : 4096, 0));
        assert_ok(rm_heap_alloc(heap, &small, 100, 0, 0));
        for (size_t k = 0; i % 9 == 0 && k < 5 * (i % 2 + 1); k++)
            assert_ok(rmlock(blocks[i], &p));
    }
    for (size_t i = 1; i < G_N_ELEMENTS(blocks); i += 3)
        if (i % 9 != 0) assert_ok(rmfree(blocks[i]));
    size_t before = resident();
    g_assert_cmpint(rm_view_copy(view, heap, &bytes), ==, RM_VIEW_OK);
    g_assert_cmpint(rm_view_settle(view, NULL), ==, RM_VIEW_OK);
    size_t after = resident();
    g_assert_cmpuint(after, <, before + bytes + (8 << 20));
    rm_view_forget(view);
    g_assert_cmpint(rm_view_walk(view, collect, NULL), ==, RM_VIEW_EINVAL);
    rm_view_forget(NULL);
    other.bytes = 0;
    look_at(view, heap, &bytes);
    g_assert_cmpuint(bytes, ==, other.bytes);
    g_assert_cmpuint(bytes, <, 8 << 20); /* of 100 MiB */
    for (unsigned i = 0; i < 200; i++) {
        rm_budget_t budget = {100000, 0};

        assert_ok(rm_heap_compact(heap, &budget, NULL));
        if (i % 5 == 0) look_at(view, heap, &bytes);
    }
    rm_view_close(view);
    assert_ok(rm_heap_destroy(heap));
}

/* --- which heaps there are --- */

static const rm_view_heap_t *heap_in(const rm_view_heap_t *list, size_t n,
                                     rm_heap_t *heap) {
    for (size_t i = 0; i < n; i++)
        if (list[i].heap == heap) return &list[i];
    return NULL;
}

static void test_list(void) {
    struct other other = {0};
    static unsigned char region[50000];
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *growing = rm_heap_default(), *closed;
    rm_view_heap_t list[8];
    const rm_view_heap_t *is;
    uint64_t at;
    size_t n;
    char version[20];

    options.memory = region;
    options.size = sizeof(region);
    options.threads = RM_THREADS_NONE;
    options.compaction = RM_COMPACT_STEADY;
    closed = heap_with(&options);
    rm_view_t *view = find_view(&other, &at), *second;
    g_assert_nonnull(view);
    g_assert_cmpint(rm_view_open(&second, at, read_other, &other, version), ==,
                    RM_VIEW_OK);
    g_assert_cmpstr(version, !=, "");
    rm_view_close(second);
    g_assert_cmpint(rm_view_heaps(view, list, G_N_ELEMENTS(list), &n), ==, RM_VIEW_OK);
    g_assert_cmpuint(n, >=, 2);
    is = heap_in(list, n, growing);
    g_assert_nonnull(is);
    g_assert_true(is->grows && is->is_default && is->threads == RM_THREADS_SAFE);
    is = heap_in(list, n, closed);
    g_assert_nonnull(is);
    g_assert_true(!is->grows && !is->is_default && is->threads == RM_THREADS_NONE &&
                  is->compaction == RM_COMPACT_STEADY && is->limit == sizeof(region) &&
                  is->capacity == sizeof(region) && is->address == (uintptr_t)region);
    g_assert_cmpint(rm_view_heaps(view, NULL, 0, &n), ==, RM_VIEW_OK);
    assert_ok(rm_heap_destroy(closed));
    g_assert_cmpint(rm_view_copy(view, closed, NULL), ==, RM_VIEW_NONE);
    g_assert_cmpint(rm_view_settle(view, NULL), ==, RM_VIEW_EINVAL);
    g_assert_cmpint(rm_view_copy(view, NULL, NULL), ==, RM_VIEW_EINVAL);
    g_assert_cmpint(rm_view_open(&second, at + 8, read_other, &other, NULL), ==,
                    RM_VIEW_NONE);
    g_assert_cmpint(rm_view_open(NULL, at, read_other, &other, NULL), ==, RM_VIEW_EINVAL);
    other.blind = true;
    g_assert_cmpint(rm_view_heaps(view, list, 1, &n), ==, RM_VIEW_UNREADABLE);
    g_assert_cmpint(rm_view_copy(view, growing, NULL), ==, RM_VIEW_UNREADABLE);
    rm_view_close(view);
    rm_view_close(NULL);
}

/* --- a call that goes on --- */

static bool look_inside(const rm_span_t *span, void *context) {
    (void)span;
    g_assert_cmpint(rm_view_copy(context, rm_heap_default(), NULL), ==, RM_VIEW_BUSY);
    return false;
}

static void *nothing(void *context) { return context; }

static void test_busy(void) {
    struct other other = {0};
    uint64_t at;
    pthread_t thread;

    /* From the first thread on mutexes are taken. */
    g_assert_cmpint(pthread_create(&thread, NULL, nothing, NULL), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    rm_heap_t *heap = rm_heap_default();
    rm_view_t *view = find_view(&other, &at);
    g_assert_nonnull(view);
    assert_ok(rm_heap_walk(heap, look_inside, view));
    look_at(view, heap, NULL);
    rm_view_close(view);
}

/* --- damage --- */

static bool count(const rm_span_t *span, void *context) {
    (void)span;
    return ++*(size_t *)context < 10000000;
}

static void harm_and_look(rm_heap_t *heap, uint64_t at, struct rng *rng, unsigned harm,
                          size_t *n_seen, size_t *n_damaged) {
    struct other other = {.seed = rng_next(rng), .harm = harm};
    rm_view_heap_t list[16];
    rm_view_t *view;
    rm_stats_t stats;
    rm_fault_t fault;
    size_t n;

    if (rng_below(rng, 4) > 0) other.harm = 0; /* the registry is whole */
    if (rm_view_open(&view, at, read_other, &other, NULL) != RM_VIEW_OK) return;
    other.harm = harm;
    rm_view_heaps(view, list, G_N_ELEMENTS(list), &n);
    rm_view_status_t status = rm_view_copy(view, heap, NULL);
    if (status == RM_VIEW_OK) {
        status = rm_view_settle(view, &fault);
        *n_damaged += status == RM_VIEW_DAMAGED;
    }
    if (status == RM_VIEW_OK) {
        n = 0;
        rm_view_stats(view, &stats);
        rm_view_walk(view, count, &n);
        g_assert_cmpuint(n, <, 10000000);
        ++*n_seen;
    }
    rm_view_close(view);
}

static void test_damage(void) {
    struct rng rng = test_rng();
    struct other other = {0};
    struct book book;
    uint64_t at;
    size_t n_seen = 0, n_damaged = 0;
    unsigned rounds = g_test_slow() ? 400 : getenv("RMTEST_UNTIMED") ? 4 : 12;

    rm_view_close(find_view(&other, &at));
    alarm(10 * rounds + 200);
    for (unsigned round = 0; round < rounds; round++) {
        static const size_t most[] = {50, 600, 5000, 300000};
        rm_heap_t *heap = growable_heap(round % 2 ? 32 << 20 : 0, RM_COMPACT_ON_DEMAND);
        book_init(&book, heap);
        book_shuffle(&book, &rng, 100 + round % 5 * 400, SHAPE_MIXED, most[round % 4],
                     true);
        for (unsigned i = 0; i < 400; i++)
            harm_and_look(heap, at, &rng, 1u << rng_between(&rng, 4, 24), &n_seen,
                          &n_damaged);
        book_unlock_all(&book);
        book_free_all(&book);
        book_finish(&book);
        assert_ok(rm_heap_destroy(heap));
    }
    alarm(0);
    g_test_message("%zu copies damaged, %zu not where anybody looks", n_damaged, n_seen);
    g_assert_cmpuint(n_seen, >, 0);
    g_assert_cmpuint(n_damaged, >, 0);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/view/regions", test_regions);
    g_test_add_func("/view/growing", test_growing);
    g_test_add_func("/view/large", test_large);
    g_test_add_func("/view/list", test_list);
    g_test_add_func("/view/damage", test_damage);
    g_test_add_func("/view/busy", test_busy); /* last: there have been threads then */
    return g_test_run();
}
