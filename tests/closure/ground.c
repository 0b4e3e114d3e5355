/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "book.h"
#include "closure.h"
#include "fault.h"
#include "registry.h"

enum { STEP = 64, MAPPED_MOST = 1 << 20 };
/* Where it is mapped, if nothing else is: numbers of states are then the same in every run. */
#define WHERE ((void *)(uintptr_t)0x20000000)

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static void map(struct ground *g) {
    g->mapped = MAPPED_MOST + 2 * page();
    void *mapping = mmap(WHERE, g->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) give_up("mmap of a region failed");
    g->mapping = mapping;
    if (mprotect(g->mapping + page(), MAPPED_MOST, PROT_READ | PROT_WRITE) != 0)
        give_up("mprotect of a region failed");
}

/* A heap in the highest `bytes` of what is mapped. */
static bool make(struct ground *g, size_t bytes) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    struct access access;
    g->bytes = bytes;
    g->low = g->mapping + page() + MAPPED_MOST - bytes;
    options.memory = g->low;
    options.size = bytes;
    options.compaction = g->config->policy;
    options.threads = g->config->between ? RM_THREADS_SAFE : RM_THREADS_NONE;
    if (rm_heap_create(&g->token, &options) != RM_OK) return false;
    if (!registry_enter((uint64_t)(uintptr_t)g->token >> 4, &access)) return false;
    g->h = access.heap;
    registry_leave(&access);
    return true;
}

/* The smallest that has so many units. */
static const char *make_smallest(struct ground *g) {
    for (size_t bytes = STEP; bytes < MAPPED_MOST; bytes += STEP) {
        if (!make(g, bytes)) continue;
        if (g->h->store.area.limit >= g->config->units) break;
        rm_heap_destroy(g->token);
        g->h = NULL;
    }
    if (g->h == NULL || g->h->store.area.limit != g->config->units)
        return fault("no region has an area of %u units", g->config->units);
    return NULL;
}

const char *ground_take(struct ground *g, rm_memory_t *handle, const struct ask *ask) {
    uint64_t value = (uint64_t)(uintptr_t)handle, generation;
    uint32_t slot = handle_slot(value);
    void *pointer = NULL;
    if (slot >= SLOTS || naive_live(&g->naive, slot)) return fault("gives slot %u", slot);
    if (rmpeek(handle, &pointer) != RM_OK) return "a new block cannot be peeked at";
    const unsigned char *at = pointer;
    for (size_t i = 0; (ask->flags & RM_ZERO) && i < ask->size; i++)
        if (at[i] != 0) return fault("byte %zu is not zero", i);
    naive_fill(pointer, slot, 0, ask->size);
    generation = value >> ENTRY_GENERATION_SHIFT & bit_mask(g->config->generations);
    g->naive.slots[slot] = (struct known){
        .live = 1,
        .size = ask->size & bit_mask(20),
        .asked = ask->alignment > 8 ? bit_lowest(ask->alignment) & 15 : 0,
        .sixteen = rule_alignment(ask->size) == 16,
        .generation = generation & 7,
    };
    return NULL;
}

/* A block that stays, of which no call is made; and its slot. */
static const char *make_fixed(struct ground *g, const struct ask *ask, uint32_t *slot) {
    rm_memory_t *handle;
    if (rm_heap_alloc(g->token, &handle, ask->size, ask->alignment, ask->flags) != RM_OK)
        return "no room for what stays";
    *slot = handle_slot((uint64_t)(uintptr_t)handle);
    const char *text = ground_take(g, handle, ask);
    if (text == NULL) g->fixed |= UINT32_C(1) << *slot;
    return text;
}

/* A block at the low end takes all but so many units: it stays there, since there is nothing below. */
static const char *make_filled(struct ground *g) {
    if (!make(g, g->config->region)) return "the heap is not created";
    unit_t limit = g->h->store.area.limit - 1; /* one goes to the table */
    const struct ask ask = {units_bytes(limit - g->config->units) - HEADER, 0, 0};
    const char *text = make_fixed(g, &ask, &g->filler);
    if (text != NULL) return text;
    size_t lead = (size_t)((unsigned char *)g->h->store.area.base - g->low);
    g->changing = lead + HEADER + ask.size;
    return ground_place(g, g->filler) == lead + HEADER ? NULL : "the filler is elsewhere";
}

const char *ground_open(struct ground *g, const struct config *config) {
    memset(g, 0, sizeof *g);
    g->config = config;
    map(g);
    const char *text = config->region == 0 ? make_smallest(g) : make_filled(g);
    for (unsigned i = 0; text == NULL && i < config->fixed; i++) {
        uint32_t slot;
        text = make_fixed(g, &config->asks[0], &slot);
    }
    if (text != NULL) return text;
    g->still = malloc(g->changing + 1);
    if (g->still == NULL) give_up("no memory");
    memcpy(g->still, g->low, g->changing);
    return canon(g, 0);
}

void ground_close(struct ground *g) {
    while (g->open > 0 && rm_heap_release(g->token) == RM_OK) g->open--;
    if (g->token != NULL) rm_heap_destroy(g->token);
    free(g->still);
    munmap(g->mapping, g->mapped);
}

/* Read sections are counted outside of the heap: it is called until there are as many. */
void ground_restore(struct ground *g, const unsigned char *image, const struct naive *n) {
    for (; g->open < n->held; g->open++)
        if (rm_heap_hold(g->token) != RM_OK) give_up("a heap cannot be held");
    for (; g->open > n->held; g->open--)
        if (rm_heap_release(g->token) != RM_OK) give_up("a heap cannot be released");
    memcpy(g->low + g->changing, image, ground_image(g));
    g->naive = *n;
}

rm_memory_t *ground_handle(const struct ground *g, unsigned slot, unsigned generation) {
    uint64_t unlocked = (uint64_t)generation << ENTRY_GENERATION_SHIFT;
    return handle_make(g->h->tag, slot, unlocked | LOCKS_NONE * ENTRY_LOCK_ONE);
}

size_t ground_place(const struct ground *g, unsigned slot) {
    size_t lead = (size_t)((unsigned char *)g->h->store.area.base - g->low);
    return lead + entry_place(table_entry(&g->h->store.table, slot));
}
