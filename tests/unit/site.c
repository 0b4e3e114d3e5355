/* SPDX-License-Identifier: MIT */
#include "site.h"

#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "inside.h"
#include "os.h"
#include "registry.h"
#include "small.h"
#include "verify.h"

enum { REGION = 1 << 19, N_BLOCKS = 1200 };

void site_assert_sound(const struct site *site) { inside_assert_sound(site); }

uint32_t site_block(const struct site *site, size_t size, size_t alignment) {
    uint32_t slot = SLOT_NIL;
    g_assert_cmpint(heap_alloc(site->h, NULL, size, alignment, 0, &slot), ==, RM_OK);
    return slot;
}

void site_make(struct site *site, void *memory, size_t bytes) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    uint32_t slots[N_BLOCKS];
    options.memory = memory;
    options.size = bytes;
    inside_open(site, &options);
    for (unsigned i = 0; i < N_BLOCKS; i++)
        slots[i] =
            site_block(site, i % 16 ? i * 7 % 300 : i * 37 % 5000, i % 32 == 16 ? 64 : 0);
    for (unsigned i = 0; i < N_BLOCKS; i += 3)
        g_assert_cmpint(free_slot(site->h, slots[i]), ==, RM_OK);
    site_assert_sound(site);
    heap_settle(site->h);
    site_assert_sound(site);
}

void site_open(struct site *site, gconstpointer none) {
    size_t page = os_page();
    char *memory =
        mmap(NULL, REGION + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_cmpint(mprotect(memory + page, REGION, PROT_READ | PROT_WRITE), ==, 0);
    site_make(site, memory + page, REGION);
    site_keep(site);
    const struct area *a = &site->h->store.area;
    for (unit_t at = 0; at < a->limit; at += area_units(a, at)) {
        uint64_t h = area_header(a, at);
        switch (header_kind(h)) {
        case SPAN_FREE:
            *(free_size(h) < BUDDY_BINS ? &site->free : &site->large_free) = at;
            break;
        case SPAN_BLOCK: site->block = at; break;
        case SPAN_ALIGNED: site->aligned = at; break;
        case SPAN_RUN:
            if (run_mask(h) != 0 && run_slots(h) > 4) site->run = at;
        }
    }
    g_assert_true(site->free && site->large_free && site->block && site->aligned &&
                  site->run);
}

void site_close(struct site *site, gconstpointer none) {
    site_assert_sound(site);
    g_assert_true(registry_destroy(site->tag));
    munmap(site->low - os_page(), REGION + 2 * os_page());
    g_free(site->parts[0].copy);
    g_free(site->parts[1].copy);
}

static void keep(struct part *part, char *at, const char *end) {
    g_free(part->copy);
    *part = (struct part){at, g_memdup2(at, (size_t)(end - at)), (size_t)(end - at)};
}

void site_keep(struct site *site) {
    const struct region *r = &site->h->region;
    site_assert_sound(site);
    keep(&site->parts[0], site->low, r->pages ? r->area_end : site->low + site->bytes);
    if (r->pages) keep(&site->parts[1], r->table_end, r->zones_end);
}

void site_restore(const struct site *site) {
    for (unsigned i = 0; i < G_N_ELEMENTS(site->parts); i++)
        if (site->parts[i].bytes > 0)
            memcpy(site->parts[i].at, site->parts[i].copy, site->parts[i].bytes);
}

void site_expect(const struct site *site, unsigned invariant, const char *text,
                 const char *what) {
    rm_fault_t fault;
    rm_status_t status =
        verify_heap(site->h, site->crowd, site->low, site->bytes, &fault);
    if (status != RM_ECORRUPT || fault.invariant != invariant ||
        !g_str_has_prefix(fault.text, text))
        g_error("%s: %u, not %u: %s", what, fault.invariant, invariant, fault.text);
    g_assert_true(fault.offset <= site->bytes && fault.text[0] != '\0');
    site_restore(site);
}

uint32_t site_half_moved(const struct site *site, bool fill) {
    struct mover *m = &site->h->store.mover;
    void *pointer;
    heap_compact(site->h, 0, 0, NULL);
    uint32_t low = site_block(site, 90000, 0), pin = site_block(site, 600, 0);
    uint32_t high = site_block(site, 80000, 64);
    if (fill) g_assert_true(lock_slot(site->h, pin, &pointer));
    g_assert_cmpint(free_slot(site->h, low), ==, RM_OK);
    while (m->slot == SLOT_NIL) g_assert_false(heap_compact(site->h, 1, 0, NULL));
    g_assert_true(m->slot == high && m->slide == !fill);
    return high;
}
