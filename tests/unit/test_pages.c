/* SPDX-License-Identifier: MIT */
/*
 * Large blocks whose pages move instead of their bytes: that they do where the system allows it,
 * and that all is well where it refuses, from the first or in the midst of a block.
 */
#include <errno.h>
#include <glib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "check.h"
#include "inject.h"
#include "largest.h"
#include "move.h"
#include "os.h"
#include "pages.h"
#include "registry.h"
#include "verify.h"

enum { MIB = 1 << 20, BLOCKS = 40, MANY = 80, BEHIND = 5000, LIMIT = 64 * MIB };

struct block {
    uint32_t slot; /* SLOT_NIL: freed */
    size_t size;
    uint64_t seed;
};

struct site {
    struct heap *h;
    char *low;
    struct crowd *crowd;
    size_t bytes;
    uint64_t tag;
    struct block blocks[MANY];
    unsigned n;
};

static void open_site(struct site *site, const rm_heap_options_t *options) {
    struct access access;
    g_assert_cmpint(registry_create(options, &site->tag), ==, RM_OK);
    g_assert_true(registry_enter(site->tag, &access));
    registry_region(&access, &site->low, &site->bytes);
    site->crowd = registry_crowd(&access);
    registry_leave(&access);
    site->h = access.heap;
    site->n = 0;
}

static void open_growing(struct site *site) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.size = LIMIT;
    options.compaction = RM_COMPACT_MANUAL;
    open_site(site, &options);
}

/* --- blocks, and what is in them --- */

static char *lock(const struct site *site, unsigned i) {
    void *at = NULL;
    g_assert_true(lock_slot(site->h, site->blocks[i].slot, &at));
    return at;
}

static void unlock(const struct site *site, unsigned i) {
    g_assert_true(unlock_slot(site->h, site->blocks[i].slot));
}

static char byte_of(uint64_t seed, size_t k) {
    return (char)((seed + k) * 0x9E3779B97F4A7C15u >> 56);
}

static unsigned make(struct site *site, size_t size, size_t alignment) {
    struct block *b = &site->blocks[site->n];
    *b = (struct block){SLOT_NIL, size, site->n * 1000003u + size};
    g_assert_cmpint(heap_alloc(site->h, NULL, size, alignment, 0, &b->slot), ==, RM_OK);
    char *at = lock(site, site->n);
    for (size_t k = 0; k < size; k++) at[k] = byte_of(b->seed, k);
    unlock(site, site->n);
    return site->n++;
}

static void discard(struct site *site, unsigned i) {
    g_assert_cmpint(free_slot(site->h, site->blocks[i].slot), ==, RM_OK);
    site->blocks[i].slot = SLOT_NIL;
}

static void resize(struct site *site, unsigned i, size_t size) {
    struct block *b = &site->blocks[i];
    g_assert_cmpint(resize_slot(site->h, b->slot, size), ==, RM_OK);
    char *at = lock(site, i);
    for (size_t k = b->size; k < size; k++) at[k] = byte_of(b->seed, k);
    unlock(site, i);
    b->size = size;
}

static void check_heap(const struct site *site) {
    rm_fault_t fault;
    if (verify_heap(site->h, site->crowd, site->low, site->bytes, &fault) != RM_OK)
        g_error("invariant %u at %zu: %s", fault.invariant, fault.offset, fault.text);
}

static void check_block(const struct site *site, unsigned i) {
    const struct block *b = &site->blocks[i];
    const char *at = lock(site, i);
    for (size_t k = 0; k < b->size; k++)
        if (at[k] != byte_of(b->seed, k))
            g_error("block %u of %zu bytes differs at %zu", i, b->size, k);
    unlock(site, i);
}

static void check_all(const struct site *site) {
    check_heap(site);
    for (unsigned i = 0; i < site->n; i++)
        if (site->blocks[i].slot != SLOT_NIL) check_block(site, i);
    check_heap(site);
}

static void close_site(struct site *site) {
    check_all(site);
    g_assert_true(registry_destroy(site->tag));
}

/* The system has moved pages, or the test says aloud that it does not. */
static bool pages_are_moved(const struct site *site) {
    if (site->h->store.pages_state == PAGES_MOVE) return true;
    g_test_skip("the system does not move pages here: bytes are copied");
    return false;
}

/* Free pages hold nothing, so that moving others is worth it. */
static void give_back(const struct site *site) {
    g_assert_true(area_release(&site->h->store.area));
}

/* Pages of [low, low + bytes) that are in memory. */
static size_t resident(char *low, size_t bytes) {
    size_t page = os_page(), n = 0;
    char *first = (char *)round_up((uintptr_t)low, page);
    size_t pages = (size_t)(low + bytes - first) / page;
    unsigned char *in_core = g_malloc0(pages);
    g_assert_cmpint(mincore(first, pages * page, in_core), ==, 0);
    for (size_t i = 0; i < pages; i++) n += in_core[i] & 1;
    g_free(in_core);
    return n;
}

/* --- the system --- */

enum { PAGES = 32 };

static bool holds(const char *page, int value) {
    return page[0] == value && memcmp(page, page + 1, os_page() - 1) == 0;
}

static void test_system(void) {
    size_t page = os_page();
    char *at = os_reserve(PAGES * page);
    g_assert_true(at != NULL && os_commit(at, PAGES * page));
    for (int i = 4; i < PAGES; i++) memset(at + i * page, i, page);
    if (!os_move_prepare(at, PAGES * page)) {
        g_test_skip("the system does not move pages here");
        os_unreserve(at, PAGES * page);
        return;
    }
    g_assert_cmpuint(os_move(at, at + 8 * page, 4 * page), ==, 4 * page); /* apart */
    for (int i = 0; i < 4; i++)
        g_assert_true(holds(at + i * page, i + 8) && holds(at + (i + 8) * page, 0));
    g_assert_true(os_release(at + 8 * page, 4 * page));
    g_assert_cmpuint(os_move(at + 11 * page, at + 12 * page, 20 * page), ==, 20 * page);
    for (int i = 11; i < PAGES - 1; i++) g_assert_true(holds(at + i * page, i + 1));
    g_assert_true(holds(at + (PAGES - 1) * page, 0));
    /* A target that is not empty: up to there, and neither is harmed. */
    g_assert_true(os_release(at + 8 * page, 3 * page));
    g_assert_cmpuint(os_move(at + 8 * page, at + 16 * page, 8 * page), ==, 3 * page);
    g_assert_true(holds(at + 10 * page, 19) && holds(at + 11 * page, 12));
    g_assert_true(holds(at + 18 * page, 0) && holds(at + 19 * page, 20));
    /* Where the source holds nothing, the target does not either. */
    g_assert_true(os_release(at, 4 * page) && os_release(at + 20 * page, page));
    g_assert_cmpuint(os_move(at, at + 19 * page, 3 * page), ==, 3 * page);
    g_assert_true(holds(at, 20) && holds(at + page, 0) && holds(at + 2 * page, 22));
    os_unreserve(at, PAGES * page);
}

/* --- moved, not copied --- */

/* A gap below a block of a MiB. */
static unsigned block_above_gap(struct site *site, size_t gap, size_t alignment) {
    unsigned low = make(site, gap, 0), high = make(site, MIB, alignment);
    make(site, BEHIND, 0);
    discard(site, low);
    return high;
}

static void test_moved(void) {
    for (size_t gap = 70000; gap < 3 * MIB; gap = gap * 2 + 1000) {
        struct site site;
        open_growing(&site);
        unsigned high = block_above_gap(&site, gap, 0);
        char *from = lock(&site, high);
        unlock(&site, high);
        if (gap > 300000) give_back(&site);
        errno = 77;
        g_assert_true(heap_compact(site.h, 0, 0, NULL));
        g_assert_cmpint(errno, ==, 77);
        g_assert_cmpuint(site.h->store.moved, >=, MIB); /* pages count as bytes */
        check_heap(&site);
        char *to = lock(&site, high);
        unlock(&site, high);
        if (pages_are_moved(&site)) {
            size_t apart = (size_t)(from - to), vacated = apart < MIB ? apart : MIB;
            g_assert_cmpuint(apart % os_page(), ==, 0);
            g_assert_cmpuint(gap - apart, <, os_page() + 64);
            /* What it has left is empty, but for the pages at either end; so it is noted. */
            g_assert_cmpuint(resident(from + MIB - vacated, vacated), <=, 3);
            g_assert_cmpuint(units_bytes(site.h->store.area.released_units), >=,
                             vacated - 4 * os_page());
        }
        close_site(&site);
    }
}

/* One after the other down a heap of many gaps, given back before or not; and then again. */
static void test_many(gconstpointer trimmed) {
    struct site site;
    open_growing(&site);
    for (unsigned i = 0; i < BLOCKS; i++) make(&site, 3 * MIB / 4 + i * 12345, 0);
    for (unsigned i = 0; i < BLOCKS; i += 2) discard(&site, i);
    if (trimmed != NULL) g_assert_true(heap_trim(site.h));
    g_assert_true(heap_compact(site.h, 0, 0, NULL));
    check_all(&site);
    discard(&site, 1);
    discard(&site, 7);
    g_assert_true(heap_compact(site.h, 0, 0, NULL));
    if (trimmed != NULL) pages_are_moved(&site);
    close_site(&site);
}

/* Of many small gaps each leaves one below the block that moves; what was looked at for the last is not
   where it was. */
static void test_sparse(void) {
    for (unsigned round = 0; round < 6; round++) {
        struct site site;
        open_growing(&site);
        for (unsigned i = 0; i < MANY; i++)
            make(&site, (size_t)g_test_rand_int_range(MIB / 4, MIB / 2), 0);
        for (unsigned i = 0; i < MANY; i += 8) discard(&site, i);
        g_assert_true(heap_compact(site.h, 0, 0, NULL));
        close_site(&site);
    }
}

/* Memory of the caller's stays where it is: every page of it. */
static void test_region(void) {
    struct site site;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.size = 4 * MIB;
    options.memory = mmap(NULL, options.size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(options.memory, 1, options.size);
    open_site(&site, &options);
    block_above_gap(&site, MIB, 0);
    g_assert_true(heap_compact(site.h, 0, 0, NULL));
    g_assert_cmpint(site.h->store.pages_state, ==, PAGES_STAY);
    g_assert_cmpuint(resident(options.memory, options.size), ==,
                     options.size / os_page());
    close_site(&site);
    munmap(options.memory, options.size);
}

/* What is left below a large block is closed where a block would not fit otherwise. */
static void test_tight(void) {
    struct site site;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    uint32_t slot;
    options.size = 8 * MIB;
    open_site(&site, &options);
    for (unsigned i = 0; i < 9; i++) make(&site, 800000 + 16 * i, 0);
    make(&site, largest_request(site.h, true), 0); /* it cannot grow any more */
    for (unsigned i = 0; i < 9; i += 2) discard(&site, i);
    give_back(&site);
    g_assert_true(heap_compact(site.h, 0, 0, NULL));
    size_t now = largest_request(site.h, false), then = largest_request(site.h, true);
    if (pages_are_moved(&site)) {
        g_assert_cmpuint(now, <, then);
        g_assert_cmpuint(site.h->store.area.buddy.n_spans, >, 1);
    }
    g_assert_cmpint(heap_alloc(site.h, NULL, then + 16, 0, 0, &slot), ==, RM_ENOMEM);
    g_assert_cmpint(heap_alloc(site.h, NULL, then, 0, 0, &slot), ==, RM_OK);
    check_all(&site);
    g_assert_cmpint(free_slot(site.h, slot), ==, RM_OK);
    close_site(&site);
}

/* The same where something is locked: what is free below it is not used up by moving things in
   from above before it has become one piece. */
static void test_tight_pinned(void) {
    struct site site;
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    uint32_t slot;
    options.size = 8 * MIB;
    open_site(&site, &options);
    unsigned first = make(&site, 500000, 0);
    make(&site, 800000, 0);
    discard(&site, first);
    g_assert_true(
        heap_compact(site.h, 0, 0, NULL)); /* from here on the system is asked */
    unsigned low = make(&site, 700000, 0);
    make(&site, 801000, 0);
    unsigned middle = make(&site, 700000, 0), pin = make(&site, 20000, 0);
    while (site.n < BLOCKS - 1) make(&site, 100000, 0);
    make(&site, largest_request(site.h, true), 0); /* it cannot grow any more */
    lock(&site, pin);
    discard(&site, low);
    discard(&site, middle);
    g_assert_true(
        area_release(&site.h->store.area)); /* so that moving pages is worth it */
    size_t then = largest_request(site.h, true);
    g_assert_cmpuint(then, >=, 1400000);
    g_assert_cmpint(heap_alloc(site.h, NULL, then, 0, 0, &slot), ==, RM_OK);
    g_assert_cmpint(free_slot(site.h, slot), ==, RM_OK);
    unlock(&site, pin);
    pages_are_moved(&site);
    close_site(&site);
}

/* --- in steps --- */

enum meddling { LEAVE, LOCK, FREE, SHRINK, GROW, N_MEDDLINGS };

static void meddle(struct site *site, unsigned i, enum meddling what) {
    switch (what) {
    case LOCK: check_block(site, i); break;
    case FREE: discard(site, i); break;
    case SHRINK: resize(site, i, 100000); break;
    case GROW: resize(site, i, site->blocks[i].size + 70000); break;
    default: break;
    }
}

/* The block is used when so many steps have been made; sliding, or filling a gap below a pin. */
static void steps(size_t gap, unsigned at, enum meddling what, bool fill,
                  size_t alignment) {
    struct site site;
    open_growing(&site);
    unsigned low = make(&site, gap, 0), pin = make(&site, 20000, 0);
    unsigned high = make(&site, MIB, alignment);
    make(&site, BEHIND, 0);
    if (fill) lock(&site, pin);
    discard(&site, low);
    if (at % 5 != 1) give_back(&site);
    bool complete = false;
    for (unsigned n = 0; !complete; n++) {
        size_t before = site.h->store.moved;
        complete = heap_compact(site.h, 1, 0, NULL);
        g_assert_cmpuint(site.h->store.moved - before, <=, MOVE_PIECE + 1);
        g_assert_true(complete || site.h->store.moved > before);
        check_heap(&site);
        if (n == at) {
            meddle(&site, high, what);
            check_heap(&site);
        }
        g_assert_cmpuint(n, <, 200);
    }
    if (fill) unlock(&site, pin);
    close_site(&site);
}

static void test_steps(gconstpointer fill) {
    for (enum meddling what = LEAVE; what < N_MEDDLINGS; what++)
        for (unsigned at = 0; at < 20; at += at < 3 ? 1 : 5)
            for (unsigned k = 0; k < 3; k++) {
                size_t gap = fill != NULL ? MIB + 9000 + k * 70000 : 5000 + k * 200001;
                steps(gap, at, what, fill != NULL, k == 1 ? 4096 : k == 2 ? 64 : 0);
            }
}

/* --- refused --- */

static void refuse(const struct fault *fault) {
    struct site site;
    bool steps = fault->k % 2;
    open_growing(&site);
    for (unsigned i = 0; i < 8; i++) make(&site, MIB / 2 + i * 3333, 0);
    for (unsigned i = 0; i < 8; i += 2) discard(&site, i);
    if (fault->k % 3 != 0) give_back(&site);
    inject_begin(fault);
    errno = 77;
    while (!heap_compact(site.h, steps, 0, NULL)) continue;
    g_assert_cmpint(errno, ==, 77);
    inject_end();
    close_site(&site);
}

/* Every request to move in turn is the one that fails, or the first of those that do, for each reason; and every request
   at all, by which it may be learnt that pages do not move. */
static void test_stopped(gconstpointer all) {
    for (unsigned reason = 0; reason < inject_choices(REQUEST_UFFD_MOVE); reason++)
        for (unsigned n = 1; n <= 4; n++)
            refuse(&(struct fault){n, all != NULL, reason, 1u << REQUEST_UFFD_MOVE});
}
static void test_refused(gconstpointer all) {
    for (unsigned n = 1; n <= 40; n++)
        refuse(&(struct fault){n, all != NULL, n, REQUESTS_ALL});
}

/* Run in a child of its own; all assertions of it hold. */
static void in_child(void (*work)(struct site *site), struct site *site) {
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        work(site);
        _exit(0);
    }
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void compact_all(struct site *site) {
    g_assert_true(heap_compact(site->h, 0, 0, NULL));
    check_all(site);
}

/* Pages shared with a child are not moved, and a child does not move its parent's. */
static void test_forked(void) {
    struct site site;
    open_growing(&site);
    for (unsigned i = 0; i < BLOCKS; i++) make(&site, MIB / 2 + i * 12345, 0);
    discard(&site, 0);
    compact_all(&site); /* from here on the system is asked */
    for (unsigned i = 2; i < BLOCKS; i += 2) discard(&site, i);
    give_back(&site);
    int gate[2];
    g_assert_cmpint(pipe(gate), ==, 0);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) { /* holds on to the pages until the parent has compacted */
        char byte;
        close(gate[1]);
        g_assert_cmpint(read(gate[0], &byte, 1), ==, 0);
        compact_all(&site);
        bool moved = site.h->store.pages_state != PAGES_STAY;
        open_growing(&site); /* one of its own, whose pages move again */
        block_above_gap(&site, MIB / 4, 0);
        compact_all(&site);
        g_assert_true(!moved || site.h->store.area.released_units > 0);
        _exit(0);
    }
    bool moved = site.h->store.pages_state != PAGES_STAY;
    compact_all(&site); /* refused for each block, but not for good */
    if (moved) g_assert_cmpint(site.h->store.pages_state, ==, PAGES_MOVE);
    close(gate[0]);
    close(gate[1]);
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close_site(&site);
}

static void close_descriptors(struct site *site) {
    open_growing(site);
    for (unsigned i = 0; i < 6; i++) make(site, MIB / 2, 0);
    discard(site, 0);
    compact_all(site);
    for (int fd = 3; fd < 1024; fd++) close(fd);
    g_assert_cmpint(dup(1), >=, 3); /* its number is another file's now */
    discard(site, 2);
    compact_all(site);
    discard(site, 4);
    compact_all(site);
}

/* A program that closes what it does not know loses no content. */
static void test_closed(void) {
    struct site site;
    in_child(close_descriptors, &site);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pages/system", test_system);
    g_test_add_func("/pages/moved", test_moved);
    g_test_add_data_func("/pages/many", NULL, test_many);
    g_test_add_data_func("/pages/many/given-back", "trimmed", test_many);
    g_test_add_func("/pages/sparse", test_sparse);
    g_test_add_func("/pages/region", test_region);
    g_test_add_func("/pages/tight", test_tight);
    g_test_add_func("/pages/tight/pinned", test_tight_pinned);
    g_test_add_data_func("/pages/steps/slide", NULL, test_steps);
    g_test_add_data_func("/pages/steps/fill", "fill", test_steps);
    g_test_add_data_func("/pages/stopped/once", NULL, test_stopped);
    g_test_add_data_func("/pages/stopped/from-then-on", "all", test_stopped);
    g_test_add_data_func("/pages/refused/once", NULL, test_refused);
    g_test_add_data_func("/pages/refused/from-then-on", "all", test_refused);
    g_test_add_func("/pages/forked", test_forked);
    g_test_add_func("/pages/closed", test_closed);
    return g_test_run();
}
