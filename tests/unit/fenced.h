/* SPDX-License-Identifier: MIT */
/* A heap that has fences, or a seal, for tests that look into what guards it. */
#ifndef RM_TESTS_FENCED_H
#define RM_TESTS_FENCED_H

#include "guarded.h"
#include "os.h"

enum { REGION = 4 << 20 };

struct site {
    rm_heap_t *heap;
    struct guard *g;
    struct fence *f;
    struct heap *h;
    struct store *s;
};

static inline struct site make_site(unsigned fence_every, bool integrity) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct site site;
    options.threads = RM_THREADS_NONE;
    options.size = REGION;
    options.fence_every = fence_every;
    options.integrity = integrity;
    g_assert_cmpint(rm_heap_create(&site.heap, &options), ==, RM_OK);
    site.g = guard_of(site.heap);
    g_assert_nonnull(site.g);
    site.f = &site.g->fence;
    site.h = site.g->heap;
    site.s = &site.h->store;
    return site;
}
static inline void end_site(const struct site *site) {
    g_assert_cmpint(rm_heap_destroy(site->heap), ==, RM_OK);
}
static inline rm_memory_t *make(const struct site *site, size_t size) {
    rm_memory_t *block;
    g_assert_cmpint(rm_heap_alloc(site->heap, &block, size, 0, 0), ==, RM_OK);
    return block;
}

static inline uint32_t slot_of(rm_memory_t *block) {
    return handle_slot(call_handle(block));
}
static inline uint64_t entry_of(const struct site *site, rm_memory_t *block) {
    return table_entry(&site->s->table, slot_of(block));
}

/* Is this where fenced blocks are used? */
static inline bool in_arena(const struct site *site, const void *at) {
    const struct fence *f = site->f;
    return (const char *)at >= f->arena &&
           (const char *)at < f->arena + (size_t)f->n_pages * os_page();
}

#endif
