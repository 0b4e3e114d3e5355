/* SPDX-License-Identifier: MIT */
/* A guarded heap that a test looks into. */
#ifndef RM_TESTS_GUARDED_H
#define RM_TESTS_GUARDED_H

#include <glib.h>

#include "call.h"

static inline struct guard *guard_of(rm_heap_t *heap) {
    struct access a;
    uint64_t tag;
    g_assert_cmpint(call_tag(heap, &tag), ==, RM_OK);
    g_assert_true(registry_enter(tag, &a));
    struct guard *g = a.guard;
    registry_leave(&a);
    return g;
}

static inline unsigned char *lock(rm_memory_t *block) {
    void *at;
    g_assert_cmpint(rmlock(block, &at), ==, RM_OK);
    return at;
}

#endif
