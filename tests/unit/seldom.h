/* SPDX-License-Identifier: MIT */
/* A heap whose states are made up, in a system that refuses when it is told to (logged.h). */
#ifndef RM_TESTS_SELDOM_H
#define RM_TESTS_SELDOM_H

#include <glib.h>
#include <setjmp.h>

#include "calls.h"
#include "inside.h"
#include "logged.h"
#include "verify.h"

enum { KIB = 1 << 10, MIB = 1 << 20, OBJECTS = 1200, SIZE = 40, MEDIUM = 1000 };

static struct {
    struct heap *h;
    struct store *s;
    struct crowd *crowd;
    char *low, *memory, *copy;
    size_t bytes;
    uint64_t tag;
    uint32_t slots[OBJECTS];
} site;

static inline uint32_t make(size_t size) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site.h, NULL, size, 0, 0, &slot), ==, RM_OK);
    return slot;
}
static inline void drop(uint32_t slot) {
    g_assert_cmpint(free_slot(site.h, slot), ==, RM_OK);
}
static inline void pin(uint32_t slot) {
    void *pointer;
    g_assert_true(lock_slot(site.h, slot, &pointer));
}
static inline uint64_t entry(uint32_t slot) { return table_entry(&site.s->table, slot); }
static inline unit_t span_of(uint32_t slot) { return entry_span(site.s, entry(slot)); }
static inline bool is_sound(void) {
    rm_fault_t fault;
    return verify_heap(site.h, site.crowd, site.low, site.bytes, &fault) == RM_OK;
}

/* A heap that grows, up to so many bytes; or in the caller's. */
static inline void open_heap(size_t bytes, bool grows) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    memset(&site, 0, sizeof site);
    logged_begin(0);
    if (!grows) options.memory = site.memory = g_aligned_alloc0(1, bytes, MIB);
    options.size = bytes;
    options.compaction = RM_COMPACT_MANUAL;
    options.threads = RM_THREADS_NONE;
    inside_open(&site, &options);
    site.s = &site.h->store;
}
static inline void close_heap(void) {
    heap_settle(site.h);
    g_assert_true(is_sound());
    g_assert_true(registry_destroy(site.tag));
    g_aligned_free(site.memory);
    g_free(site.copy);
}

/* After a statement that damages the heap a call ends where it meets that. A caller's is as it was then. */
static inline void restore(void) { memcpy(site.low, site.copy, site.bytes); }
#define ENDS(damage, call)                                                               \
    do {                                                                                 \
        jmp_buf edge;                                                                    \
        (void)(damage);                                                                  \
        if (_setjmp(edge) == 0) {                                                        \
            damage_edge = &edge;                                                         \
            (void)(call);                                                                \
            g_error("%s: %s goes on", #damage, #call);                                   \
        }                                                                                \
        damage_edge = NULL;                                                              \
    } while (0)

/* A program of such cases. */
struct seldom_case {
    const char *name;
    void (*test)(void);
};
static inline int seldom_main(int argc, char **argv, const char *what,
                              const struct seldom_case *cases, unsigned n) {
    g_test_init(&argc, &argv, NULL);
    g_setenv("RMALLOC_TOOLS", "no", TRUE);
    for (unsigned i = 0; i < n; i++) {
        char *name = g_strdup_printf("/%s/%s", what, cases[i].name);
        g_test_add_func(name, cases[i].test);
        g_free(name);
    }
    return g_test_run();
}

#endif
