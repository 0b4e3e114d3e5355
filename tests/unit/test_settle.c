/* SPDX-License-Identifier: MIT */
/*
 * A view's copy that is damaged in a way that its proof does not see: freeing what rests there comes upon it. The
 * function that does so is wrapped by the linker, as no such damage is known.
 */
#include <glib.h>
#include <rmalloc_view.h>

#include "heap.h"
#include "reading.h"
#include "registry.h"

static bool damaged;
static struct other other; /* nothing is changed on the way */

void __real_heap_settle(struct heap *h);
void __wrap_heap_settle(struct heap *h);
void __wrap_heap_settle(struct heap *h) {
    SOUND(!damaged);
    __real_heap_settle(h);
}

static void test_unseen(void) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    static char memory[10000];
    rm_heap_t *heap;
    rm_view_t *view;
    rm_fault_t fault;
    rm_stats_t stats;
    options.memory = memory;
    options.size = sizeof memory;
    g_assert_cmpint(rm_heap_create(&heap, &options), ==, RM_OK);
    g_assert_cmpint(
        rm_view_open(&view, (uintptr_t)&registry_sign, read_own, &other, NULL), ==,
        RM_VIEW_OK);
    for (unsigned i = 0; i < 2; i++) { /* and the next copy is as good as ever */
        damaged = i == 0;
        rm_view_status_t wanted = damaged ? RM_VIEW_DAMAGED : RM_VIEW_OK;
        g_assert_cmpint(rm_view_copy(view, heap, NULL), ==, RM_VIEW_OK);
        g_assert_cmpint(rm_view_settle(view, &fault), ==, wanted);
        g_assert_cmpuint(fault.invariant, ==, damaged ? 17 : 0);
        g_assert_null(damage_edge);
        g_assert_cmpint(rm_view_stats(view, &stats), ==,
                        damaged ? RM_VIEW_EINVAL : RM_VIEW_OK);
    }
    rm_view_close(view);
    g_assert_cmpint(rm_heap_destroy(heap), ==, RM_OK);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settle/unseen", test_unseen);
    return g_test_run();
}
