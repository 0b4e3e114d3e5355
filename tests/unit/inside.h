/* SPDX-License-Identifier: MIT */
/* A heap of the registry that a test looks into. */
#ifndef RM_TESTS_INSIDE_H
#define RM_TESTS_INSIDE_H

#include <glib.h>

#include "os.h"
#include "registry.h"
#include "verify.h"

/* Those that a test's structure has of it, by the names h, crowd, low, bytes and tag. */
#define inside_open(site, options)                                                       \
    ((site)->h = inside_make((options), &(site)->crowd, &(site)->low, &(site)->bytes,    \
                             &(site)->tag))
#define inside_assert_sound(site)                                                        \
    inside_prove((site)->h, (site)->crowd, (site)->low, (site)->bytes)

static inline struct heap *inside_make(const rm_heap_options_t *options,
                                       struct crowd **crowd, char **low, size_t *bytes,
                                       uint64_t *tag) {
    struct access access;
    g_assert_cmpint(registry_create(options, tag), ==, RM_OK);
    g_assert_true(registry_enter(*tag, &access));
    registry_region(&access, low, bytes);
    *crowd = registry_crowd(&access);
    registry_leave(&access);
    return access.heap;
}

static inline void inside_prove(struct heap *h, struct crowd *crowd, char *low,
                                size_t bytes) {
    rm_fault_t fault;
    if (verify_heap(h, crowd, low, bytes, &fault) != RM_OK)
        g_error("invariant %u at %zu: %s", fault.invariant, fault.offset, fault.text);
    g_assert_true(fault.invariant == 0 && fault.text[0] == '\0');
}

/* Memory for a heap, between two pages that must not be touched. */
static inline char *inside_between(size_t bytes) {
    char *memory = os_reserve(bytes + 2 * os_page());
    g_assert_nonnull(memory);
    g_assert_true(os_commit(memory + os_page(), bytes));
    return memory + os_page();
}

static inline void inside_between_free(char *low, size_t bytes) {
    os_unreserve(low - os_page(), bytes + 2 * os_page());
}

#endif
