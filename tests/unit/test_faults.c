/* SPDX-License-Identifier: MIT */
/*
 * The system refuses: a growing heap goes through the same random steps again and again, each time
 * with another request to the system failing, once or from then on. A refused call says so and
 * changes nothing; once the fault is gone everything works again.
 */
#include <errno.h>
#include <glib.h>
#include <sys/mman.h>

#include <rmalloc.h>

#include "check.h"
#include "os.h"

enum { BLOCKS = 64, STEPS = 120, MANY = 4000, LARGE = 40000, ZONES_BLOCK = 20 << 20 };

struct block {
    rm_memory_t *handle;
    size_t size;
    unsigned char fill;
};

struct site {
    rm_heap_t *heap;
    GRand *random; /* the same for each fault */
    struct block blocks[BLOCKS];
    size_t requested;
    unsigned n, n_made, n_failed;
    bool limited;
};

/* What to do to a heap, and which fault. */
struct plan {
    rm_heap_options_t options;
    guint32 seed;
    unsigned fail_after; /* 0: none */
    bool all;
};

static unsigned below(struct site *site, unsigned n) {
    return (unsigned)g_rand_int_range(site->random, 0, (gint32)n);
}

/* --- what must hold --- */

static void check_heap(const struct site *site) {
    rm_fault_t fault;
    rm_stats_t stats;
    if (rm_heap_check(site->heap, &fault) != RM_OK)
        g_error("invariant %u at %zu: %s", fault.invariant, fault.offset, fault.text);
    g_assert_cmpint(rm_heap_stats(site->heap, &stats), ==, RM_OK);
    g_assert_cmpuint(stats.live_blocks, ==, site->n);
    g_assert_cmpuint(stats.requested, ==, site->requested);
    g_assert_cmpuint(stats.used + stats.metadata + stats.free, ==, stats.capacity);
}

static void check_block(const struct block *block) {
    unsigned char *at;
    size_t size;
    g_assert_cmpint(rmsize(block->handle, &size), ==, RM_OK);
    g_assert_cmpuint(size, ==, block->size);
    g_assert_cmpint(rmlock(block->handle, (void **)&at), ==, RM_OK);
    if (size > 0)
        g_assert_true(at[0] == block->fill && memcmp(at, at + 1, size - 1) == 0);
    g_assert_cmpint(rmunlock(block->handle), ==, RM_OK);
}

static void check_all(const struct site *site) {
    check_heap(site);
    for (unsigned i = 0; i < site->n; i++) check_block(&site->blocks[i]);
}

/* Did a call succeed? If not it said what it may say, and the heap is sound. */
static bool said_why(const struct site *site, rm_status_t status) {
    if (status == RM_OK) return true;
    int why = errno;
    g_assert_true(status == RM_ESYSTEM || (status == RM_ENOMEM && site->limited));
    if (status == RM_ESYSTEM) g_assert_cmpint(why, ==, ENOMEM);
    check_heap(site);
    return false;
}

/* The same; the first time all blocks are looked at as well. */
static bool succeeded(struct site *site, rm_status_t status) {
    if (said_why(site, status)) return true;
    if (site->n_failed++ == 0) check_all(site);
    return false;
}

/* --- steps --- */

static void fill(struct site *site, struct block *block, size_t size) {
    unsigned char *at;
    site->requested += size - block->size;
    block->size = size;
    block->fill = (unsigned char)++site->n_made;
    g_assert_cmpint(rmlock(block->handle, (void **)&at), ==, RM_OK);
    memset(at, block->fill, size);
    g_assert_cmpint(rmunlock(block->handle), ==, RM_OK);
}

static size_t random_size(struct site *site) {
    return below(site, below(site, 3) == 0 ? LARGE : 700);
}

static void step_alloc(struct site *site) {
    struct block *block = &site->blocks[site->n];
    size_t size = random_size(site),
           alignment = below(site, 5) == 0 ? 16u << below(site, 9) : 0;
    if (site->n == BLOCKS) return;
    errno = 0;
    block->handle = (rm_memory_t *)site; /* no such handle */
    rm_status_t status = rm_heap_alloc(site->heap, &block->handle, size, alignment, 0);
    if (succeeded(site, status)) {
        site->n++;
        block->size = 0;
        fill(site, block, size);
    } else {
        g_assert_null(block->handle);
    }
}

static void step_free(struct site *site) {
    if (site->n == 0) return;
    unsigned i = below(site, site->n);
    site->requested -= site->blocks[i].size;
    g_assert_cmpint(rmfree(site->blocks[i].handle), ==, RM_OK);
    site->blocks[i] = site->blocks[--site->n];
}

static void step_realloc(struct site *site) {
    if (site->n == 0) return;
    struct block *block = &site->blocks[below(site, site->n)];
    size_t size = random_size(site), kept = MIN(size, block->size);
    unsigned char *at;
    errno = 0;
    if (succeeded(site, rmrealloc(block->handle, (ssize_t)size))) {
        g_assert_cmpint(rmlock(block->handle, (void **)&at), ==, RM_OK);
        if (kept > 0)
            g_assert_true(at[0] == block->fill && memcmp(at, at + 1, kept - 1) == 0);
        g_assert_cmpint(rmunlock(block->handle), ==, RM_OK);
        fill(site, block, size);
    } else {
        check_block(block);
    }
}

static void step_trim(struct site *site) {
    errno = 0;
    succeeded(site, rm_heap_trim(site->heap));
}

static void step_compact(struct site *site) {
    rm_budget_t budget = {.bytes = 20000};
    g_assert_cmpint(rm_heap_compact(site->heap, &budget, NULL), ==, RM_OK);
}

/* Many small handles: the table grows as well. */
static void step_handles(struct site *site) {
    rm_memory_t *handles[700];
    unsigned n = 0;
    for (errno = 0; n < G_N_ELEMENTS(handles); n++)
        if (rm_heap_alloc(site->heap, &handles[n], 0, 0, 0) != RM_OK) break;
    int why = errno;
    while (n > 0) g_assert_cmpint(rmfree(handles[--n]), ==, RM_OK);
    if (why != 0) g_assert_cmpint(why, ==, ENOMEM);
    check_heap(site);
}

static void random_step(struct site *site) {
    unsigned dice = below(site, 100);
    if (dice < 45)
        step_alloc(site);
    else if (dice < 65)
        step_free(site);
    else if (dice < 85)
        step_realloc(site);
    else if (dice < 93)
        step_trim(site);
    else if (dice < 99)
        step_compact(site);
    else
        step_handles(site);
}

/* --- a heap's life --- */

static bool open_heap(struct site *site, const struct plan *plan) {
    *site = (struct site){.random = g_rand_new_with_seed(plan->seed)};
    site->limited = plan->options.size != 0;
    errno = 0;
    rm_status_t status = rm_heap_create(&site->heap, &plan->options);
    if (status == RM_OK) return true;
    g_assert_cmpint(status, ==, RM_ESYSTEM);
    g_assert_cmpint(errno, ==, ENOMEM);
    g_assert_null(site->heap);
    return false;
}

/* With nothing refused: nothing fails but what does not fit, and in the end all comes back. */
static void check_recovered(struct site *site, const struct plan *plan) {
    rm_memory_t *handle;
    check_all(site);
    unsigned before = site->n_failed;
    for (unsigned step = 0; step < STEPS / 2; step++) random_step(site);
    if (plan->options.size == 0) g_assert_cmpuint(site->n_failed, ==, before);
    check_all(site);
    while (site->n > 0) step_free(site);
    g_assert_cmpint(rm_heap_compact(site->heap, NULL, NULL), ==, RM_OK);
    g_assert_cmpint(rm_heap_trim(site->heap), ==, RM_OK);
    check_heap(site);
    size_t size = plan->options.size == 0 ? 1 << 20 : plan->options.size / 4 * 3;
    g_assert_cmpint(rm_heap_alloc(site->heap, &handle, size, 0, RM_ZERO), ==, RM_OK);
    g_assert_cmpint(rmfree(handle), ==, RM_OK);
    check_heap(site);
}

/* All steps with a fault; returns how many calls failed before it was gone. */
static unsigned live(const struct plan *plan) {
    struct site site;
    unsigned n_failed = 0;
    os_fail_after(plan->fail_after, plan->all);
    bool opened = open_heap(&site, plan);
    for (unsigned step = 0; opened && step < STEPS; step++) random_step(&site);
    os_fail_after(0, false);
    if (opened) {
        n_failed = site.n_failed;
        check_recovered(&site, plan);
        g_assert_cmpint(rm_heap_destroy(site.heap), ==, RM_OK);
    }
    g_rand_free(site.random);
    return n_failed + !opened;
}

/* How many requests the steps make where none is refused. */
static unsigned count_requests(const struct plan *plan) {
    size_t page = os_page();
    struct site site;
    unsigned left = 1;
    char *memory =
        mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    os_fail_after(MANY, true);
    g_assert_true(open_heap(&site, plan));
    for (unsigned step = 0; step < STEPS; step++) random_step(&site);
    while (os_release(memory, page)) left++;
    os_fail_after(0, false);
    g_assert_cmpuint(left, >, 1); /* else MANY are too few */
    if (plan->options.size == 0) g_assert_cmpuint(site.n_failed, ==, 0);
    g_assert_cmpint(rm_heap_destroy(site.heap), ==, RM_OK);
    g_rand_free(site.random);
    munmap(memory, page);
    return MANY - left;
}

/* Every request in turn is the one that fails. */
static void test_every(size_t limit, rm_compaction_t compaction, bool all) {
    struct plan plan = {.options = RM_HEAP_OPTIONS_INIT, .all = all};
    unsigned n_failed = 0;
    if (RM_CHECKS < RM_CHECKS_ENTRY) {
        g_test_skip("no faults can be injected: build with -Dchecks=entry");
        return;
    }
    plan.options.size = limit;
    plan.options.compaction = compaction;
    plan.seed = (guint32)g_test_rand_int();
    unsigned n = count_requests(&plan);
    g_assert_cmpuint(n, >, 5);
    for (plan.fail_after = 1; plan.fail_after <= n; plan.fail_after++)
        n_failed += live(&plan);
    g_test_message("%u requests to the system; %u calls failed", n, n_failed);
    g_assert_cmpuint(n_failed, >, 0);
}

/* Large blocks, never touched: the memory of the zones grows as well. */
static void test_large(gconstpointer all) {
    struct plan plan = {.options = RM_HEAP_OPTIONS_INIT, .all = all != NULL};
    unsigned n_failed = 0;
    if (RM_CHECKS < RM_CHECKS_ENTRY) {
        g_test_skip("no faults can be injected: build with -Dchecks=entry");
        return;
    }
    for (unsigned k = 1; k <= 8; k++) {
        struct site site;
        rm_memory_t *handle;
        g_assert_true(open_heap(&site, &plan));
        os_fail_after(k, plan.all);
        for (unsigned i = 0; i < 4; i++) {
            errno = 0;
            rm_status_t status = rm_heap_alloc(site.heap, &handle, ZONES_BLOCK, 0, 0);
            if (i == 2) os_fail_after(0, false);
            if (status == RM_OK) site.n++, site.requested += ZONES_BLOCK;
            if (!said_why(&site, status)) n_failed++;
            if (i > 2) g_assert_cmpint(status, ==, RM_OK);
        }
        check_heap(&site);
        g_assert_cmpint(rm_heap_destroy(site.heap), ==, RM_OK);
        g_rand_free(site.random);
    }
    g_assert_true(n_failed > 0 || !plan.all); /* one that fails is made again */
}

/* The policies of compaction, without a limit and with one that is reached. */
static void test_policies(gconstpointer all) {
    for (unsigned c = RM_COMPACT_ON_DEMAND; c <= RM_COMPACT_STEADY; c++) {
        test_every(0, (rm_compaction_t)c, all != NULL);
        test_every(300000, (rm_compaction_t)c, all != NULL);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/faults/once", NULL, test_policies);
    g_test_add_data_func("/faults/from-then-on", "all", test_policies);
    g_test_add_data_func("/faults/large/once", NULL, test_large);
    g_test_add_data_func("/faults/large/from-then-on", "all", test_large);
    return g_test_run();
}
