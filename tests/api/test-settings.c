/* SPDX-License-Identifier: MIT */
/*
 * What the environment asks for: a value that makes no sense is said on standard error, once, and
 * the heap is made as without it; one that makes sense is not.
 */
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const char *const names[] = {"RMALLOC_STRESS", "RMALLOC_FENCE",
                                    "RMALLOC_INTEGRITY", "RMALLOC_TOOLS"};

struct setting {
    const char *name, *value;
    bool makes_sense;
};

static void clear(void) {
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) g_unsetenv(names[i]);
}

/* A heap, of either kind, that does what heaps do. */
static void use_heaps(void) {
    for (rm_threads_t threads = RM_THREADS_SAFE; threads <= RM_THREADS_NONE; threads++)
        for (unsigned growing = 0; growing < 2; growing++) {
            rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
            char *memory = g_malloc(200000);
            rm_memory_t *block;
            char *bytes = NULL;

            options.threads = threads;
            options.memory = growing ? NULL : memory;
            options.size = 200000;
            rm_heap_t *heap = heap_with(&options);
            assert_ok(rm_heap_alloc(heap, &block, 5, 0, RM_ZERO));
            assert_ok(rmlock(block, (void **)&bytes));
            memcpy(bytes, "abcd", 5);
            assert_ok(rmunlock(block));
            assert_status(rmunlock(block), RM_EUNLOCKED);
            assert_ok(rmrealloc(block, 5000));
            assert_ok(rm_heap_compact(heap, NULL, NULL));
            assert_ok(rmlock(block, (void **)&bytes));
            g_assert_cmpstr(bytes, ==, "abcd");
            assert_ok(rmunlock(block));
            assert_ok(rmfree(block));
            assert_refused(block);
            assert_sound(heap_fault(heap));
            assert_ok(rm_heap_destroy(heap));
            assert_status(rm_heap_destroy(heap), RM_EINVAL);
            g_free(memory);
        }
}

static void test_value(gconstpointer given) {
    const struct setting *setting = given;

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, 0);
        g_test_trap_assert_passed();
        if (setting->makes_sense) {
            g_test_trap_assert_stderr("");
            return;
        }
        char *said = g_strdup_printf("rmalloc: %s is '%s', and takes ?*\n", setting->name,
                                     setting->value);
        g_test_trap_assert_stderr(said);
        g_test_trap_assert_stderr_unmatched("*rmalloc:*rmalloc:*"); /* once */
        g_free(said);
        return;
    }
    clear();
    g_setenv(setting->name, setting->value, true);
    use_heaps();
}

static const struct setting settings[] = {
    {"RMALLOC_STRESS", "onchange", true},
    {"RMALLOC_STRESS", "onall", true},
    {"RMALLOC_STRESS", "", true},
    {"RMALLOC_STRESS", "always", false},
    {"RMALLOC_STRESS", "onchange:7", true},
    {"RMALLOC_STRESS", "onall:18446744073709551615", true},
    {"RMALLOC_STRESS", "onall:", false},
    {"RMALLOC_STRESS", "onall:x", false},
    {"RMALLOC_STRESS", "onallx", false},
    {"RMALLOC_STRESS", "onchangd", false},
    {"RMALLOC_STRESS", "onchanges", false},
    {"RMALLOC_STRESS", "onalk", false},
    {"RMALLOC_STRESS", "onall:18446744073709551616", false},
    {"RMALLOC_FENCE", "1", true},
    {"RMALLOC_FENCE", "1000", true},
    {"RMALLOC_FENCE", "0", true},
    {"RMALLOC_FENCE", "-1", false},
    {"RMALLOC_FENCE", "10k", false},
    {"RMALLOC_FENCE", " 7", false},
    {"RMALLOC_FENCE", "4294967296", false},
    {"RMALLOC_FENCE", "99999999999999999999", false},
    {"RMALLOC_INTEGRITY", "1", true},
    {"RMALLOC_INTEGRITY", "yes", true},
    {"RMALLOC_INTEGRITY", "0", true},
    {"RMALLOC_INTEGRITY", "true", false},
    {"RMALLOC_TOOLS", "no", true},
    {"RMALLOC_TOOLS", "off", false},
};

/* The options ask for it as well. */
static void test_options(void) {
    for (unsigned integrity = 0; integrity < 2; integrity++)
        for (unsigned every = 0; every < 3; every++) {
            rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
            rm_memory_t *block;
            rm_heap_t *heap, *of = NULL;
            size_t size = 0;
            unsigned locks = 9;
            void *at = NULL, *again = NULL;

            options.integrity = integrity;
            options.fence_every = every;
            heap = heap_with(&options);
            assert_ok(rm_heap_alloc(heap, &block, 100, 64, 0));
            assert_ok(rmlock(block, &at));
            assert_ok(rmpeek(block, &again));
            g_assert_true(at == again && (uintptr_t)at % 64 == 0);
            assert_ok(rmlocks(block, &locks));
            assert_ok(rmsize(block, &size));
            assert_ok(rmheap(block, &of));
            g_assert_true(locks == 1 && size == 100 && of == heap);
            assert_status(rmfree(block), RM_ELOCKED);
            for (unsigned i = 1; i < RM_LOCKS_MAX; i++) assert_ok(rmlock(block, &at));
            assert_status(rmlock(block, &at), RM_EOVERFLOW);
            for (unsigned i = 0; i < RM_LOCKS_MAX; i++) assert_ok(rmunlock(block));
            assert_ok(rm_heap_hold(heap));
            assert_ok(rmpeek(block, &again));
            assert_status(rmrealloc(block, 1 << 20), RM_ELOCKED);
            assert_ok(rm_heap_release(heap));
            assert_status(rm_heap_release(heap), RM_EUNLOCKED);
            assert_status(rm_heap_alloc(heap, &block, RM_BLOCK_MAX + 1, 0, 0), RM_ENOMEM);
            assert_ok(rm_heap_destroy(heap));
            assert_status(rm_heap_hold(heap), RM_EINVAL);
        }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        char *path = g_strdup_printf("/settings/%s/%zu", settings[i].name, i);
        g_test_add_data_func(path, &settings[i], test_value);
        g_free(path);
    }
    g_test_add_func("/settings/options", test_options);
    return g_test_run();
}
