/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include <call.h>

#include "rng.h"

uint64_t image_mix(uint64_t hash, uint64_t value) { return rng_sum(hash, value); }

/* Guarded or not. */
static struct heap *heap_of(rm_heap_t *token) {
    const struct place *p;
    uint64_t tag;

    if (call_tag(token, &tag) != RM_OK) abort();
    p = &registry_sign.places[registry_place(tag)];
    if (p->gate.heap == NULL) abort();
    return (struct heap *)p->gate.heap;
}

/* What lies between a member and the next one, or the end, is padding; who assigns the whole may write it. */
#define CLEAR_BEHIND(object, member, type, next)                                         \
    memset((char *)&(object)->member + sizeof((object)->member), 0,                      \
           (next)-offsetof(type, member) - sizeof((object)->member))

/* The copy's structure, without what may differ. */
static void neutralise(struct heap *h) {
    struct store *s = &h->store;
    struct area *a = &s->area;
    struct region *r = &h->region;

    s->table.top = s->table.base = NULL;
    s->crowd = NULL;
    a->base = NULL;
    a->zones = NULL;
    s->quick.blocks = NULL;
    r->low = r->area_end = r->table_end = r->zones_end = NULL;
    h->tag = 0;
    h->pace = 0;
    CLEAR_BEHIND(&s->scan, sure, struct fill_scan, sizeof(s->scan));
    CLEAR_BEHIND(&s->pass, whole, struct pass, offsetof(struct pass, cursor));
    CLEAR_BEHIND(&s->pass, cursor, struct pass, offsetof(struct pass, stamp));
    CLEAR_BEHIND(&s->mover, empty, struct mover, sizeof(s->mover));
    CLEAR_BEHIND(&s->mover, pages, struct mover, offsetof(struct mover, from));
}

uint64_t image_of(rm_heap_t *heap, const void *memory, size_t size, void *copy) {
    struct heap *h = heap_of(heap);
    size_t at = (size_t)((const char *)h - (const char *)memory), i = 0;
    uint64_t hash = size, word;

    memcpy(copy, memory, size);
    neutralise((struct heap *)(void *)((char *)copy + at));
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, (char *)copy + i, 8);
        if (word != 0) hash = image_mix(hash, word + i);
    }
    for (; i < size; i++) hash = image_mix(hash, ((unsigned char *)copy)[i] + i);
    return hash;
}

uintptr_t image_base(rm_heap_t *heap) {
    return (uintptr_t)heap_of(heap)->store.area.base;
}

void image_copy_bytes(rm_heap_t *heap) {
    struct access a;

    if (call_enter_heap(heap, &a) != RM_OK) abort();
    a.heap->store.pages_state = PAGES_STAY;
    registry_leave(&a);
}

bool image_add_span(const rm_span_t *span, void *context) {
    uint64_t *hash = context;

    /* Where a heap that grows ends is a matter of how much is reserved. */
    if (span->kind == RM_SPAN_RESERVED || span->kind == RM_SPAN_METADATA) return true;
    *hash = image_mix(*hash, span->offset);
    *hash = image_mix(*hash, span->size * 16 + span->kind * 2u + (span->handle != NULL));
    *hash = image_mix(*hash, span->requested * 2048 + span->locks);
    return true;
}

uint64_t image_picture(rm_heap_t *heap) {
    uint64_t hash = 1;

    if (rm_heap_walk(heap, image_add_span, &hash) != RM_OK) abort();
    return hash;
}
