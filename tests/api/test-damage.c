/* SPDX-License-Identifier: MIT */
/*
 * rm_heap_check on damaged heaps: whatever bytes of a caller's region are turned, it neither
 * crashes nor hangs; a heap that it finds sound can be walked. Each damage is done in a child process with
 * an alarm; the region lies between guard pages.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

enum outcome { FOUND = 10, UNSEEN = 11, WRONG = 12 };

static bool count(const rm_span_t *span, void *context) {
    size_t *n = context;

    (void)span;
    return ++*n < 10000000; /* a walk that never ends would be a hang */
}

/* In the child: what check and walk say of the heap as it is. */
static int look(rm_heap_t *heap, const struct guarded *region) {
    rm_fault_t found;
    rm_status_t checked, walked;
    size_t n = 0;

    memset(&found, 0x7f, sizeof(found));
    checked = rm_heap_check(heap, &found);
    if (rm_heap_check(heap, NULL) != checked) return WRONG;
    if (checked == RM_OK && found.invariant != 0) return WRONG;
    if (checked == RM_ECORRUPT &&
        (found.invariant == 0 || memchr(found.text, '\0', sizeof(found.text)) == NULL ||
         found.text[0] == '\0' || found.offset > region->size))
        return WRONG;
    if (checked != RM_OK && checked != RM_ECORRUPT) return WRONG;
    walked = checked == RM_OK ? rm_heap_walk(heap, count, &n) : checked;
    if ((walked != RM_OK && walked != RM_ECORRUPT) || n >= 10000000) return WRONG;
    if (guarded_fault(region) != NULL) return WRONG;
    return checked == RM_OK ? UNSEEN : FOUND;
}

enum harm { FLIP_ONE, FLIP_SOME, GARBAGE, STUTTER, ZEROS, ONES, N_HARMS };

static void harm(struct guarded *region, enum harm what, struct rng *rng) {
    unsigned char *memory = region->memory;
    size_t n, from = (size_t)rng_below(rng, region->size);

    switch (what) {
    case FLIP_ONE: memory[from] ^= (unsigned char)(1u << rng_below(rng, 8)); break;
    case FLIP_SOME:
        for (n = rng_between(rng, 2, 200); n > 0; n--)
            memory[rng_below(rng, region->size)] ^=
                (unsigned char)rng_between(rng, 1, 255);
        break;
    case GARBAGE:
        n = rng_between(rng, 1, region->size - from);
        while (n > 0) memory[from + --n] = (unsigned char)rng_next(rng);
        break;
    case STUTTER: /* what was true elsewhere */
        n = rng_between(rng, 1, region->size - from);
        memmove(memory + from, memory + rng_below(rng, region->size - n + 1), n);
        break;
    default:
        n = rng_between(rng, 1, region->size - from);
        memset(memory + from, what == ZEROS ? 0 : 0xff, n);
        break;
    }
}

/* Each child does `each` damages one after the other, so damage adds up. */
static void children(size_t size, rm_threads_t threads, unsigned n_children,
                     unsigned each) {
    struct rng rng = test_rng();
    struct site site;
    unsigned n_found = 0, n_unseen = 0;

    for (unsigned i = 0; i < n_children; i++) {
        int status = 0;
        pid_t child;
        uint64_t seed = rng_next(&rng);

        site_open(&site, size, threads, (rm_compaction_t)(i % 3));
        book_shuffle(&site.book, &rng, i % 5 * 150, SHAPE_MIXED, size / 8, true);
        if (i % 7 == 0) {
            rm_budget_t budget = {1000, 0};

            assert_ok(rm_heap_compact(site.heap, &budget, NULL));
        }
        assert_sound(heap_fault(site.heap));
        fflush(NULL);
        child = fork();
        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            int outcome = UNSEEN;

            rng.state = seed;
            alarm(60);
            for (unsigned k = 0; k < each && outcome != WRONG; k++) {
                harm(&site.region, (enum harm)rng_below(&rng, N_HARMS), &rng);
                outcome = look(site.heap, &site.region);
            }
            _exit(outcome);
        }
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        if (!WIFEXITED(status) ||
            (WEXITSTATUS(status) != FOUND && WEXITSTATUS(status) != UNSEEN))
            g_test_message("child %u, region of %zu, its seed 0x%llx: status 0x%x", i,
                           size, (unsigned long long)seed, (unsigned)status);
        g_assert_true(WIFEXITED(status)); /* else it crashed, or hung until the alarm */
        g_assert_cmpint(WEXITSTATUS(status), !=, WRONG);
        n_found += WEXITSTATUS(status) == FOUND;
        n_unseen += WEXITSTATUS(status) == UNSEEN;
        site_close(&site);
    }
    g_assert_cmpuint(n_found + n_unseen, ==, n_children);
    g_test_message("region of %zu: damage found in %u of %u", size, n_found, n_children);
    g_assert_cmpuint(n_found, >=, n_children * 3 / 4); /* after `each` damages */
}

static void test_damage(void) {
    children(RM_HEAP_SIZE_MIN, RM_THREADS_NONE, 60, 60);
    children(4096, RM_THREADS_SAFE, 60, 60);
    children(20000, RM_THREADS_NONE, 60, 60);
    children(200000, RM_THREADS_SAFE, 30, 40);
}

/* Nothing left of it at all: that is always seen. */
static void test_wiped(void) {
    static const int fills[] = {0x00, 0xff, 0x5a, 0x01, 0x80};

    for (size_t i = 0; i < G_N_ELEMENTS(fills); i++)
        for (size_t size = RM_HEAP_SIZE_MIN; size < 300000; size *= 7) {
            struct site site;
            struct rng rng = test_rng();
            int status = 0;
            pid_t child;

            site_open(&site, size, RM_THREADS_NONE, RM_COMPACT_ON_DEMAND);
            book_shuffle(&site.book, &rng, 200, SHAPE_MIXED, size / 8, false);
            fflush(NULL);
            child = fork();
            g_assert_cmpint(child, >=, 0);
            if (child == 0) {
                alarm(60);
                memset(site.region.memory, fills[i], size);
                _exit(look(site.heap, &site.region));
            }
            g_assert_cmpint(waitpid(child, &status, 0), ==, child);
            g_assert_true(WIFEXITED(status));
            g_assert_cmpint(WEXITSTATUS(status), ==, FOUND);
            site_close(&site);
        }
}

/* A heap that is well: RM_OK, and the fault says so. */
static void test_sound(void) {
    struct site site;
    struct rng rng = test_rng();

    site_open(&site, 60000, RM_THREADS_SAFE, RM_COMPACT_ON_DEMAND);
    for (unsigned i = 0; i < 300; i++) {
        rm_fault_t found;
        rm_stats_t before, after;

        memset(&found, 0x7f, sizeof(found));
        book_shuffle(&site.book, &rng, 5, SHAPE_MIXED, 4000, true);
        assert_ok(rm_heap_stats(site.heap, &before));
        assert_ok(rm_heap_check(site.heap, &found));
        g_assert_cmpuint(found.invariant, ==, 0);
        assert_ok(rm_heap_check(site.heap, NULL)); /* fault may be NULL */
        assert_ok(rm_heap_stats(site.heap, &after));
        g_assert_cmpint(memcmp(&before, &after, sizeof(before)), ==, 0);
    }
    site_close(&site);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/damage/sound", test_sound);
    g_test_add_func("/damage/random", test_damage);
    g_test_add_func("/damage/wiped", test_wiped);
    return g_test_run();
}
