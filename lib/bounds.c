/* SPDX-License-Identifier: MIT */
#include "bounds.h"

static uintptr_t number(const void *pointer) { return (uintptr_t)pointer; }

struct bounds bounds_of(const struct heap *h) {
    const struct store *s = &h->store;
    return (struct bounds){
        .low = h->region.low,
        .bytes = h->region.bytes,
        .base = s->area.base,
        .zones = s->area.zones,
        .crowd = s->crowd,
        .moves = s->moves,
        .blocks = s->quick.blocks,
        .pool = s->quick.pool,
        .n_chunks = s->quick.n_chunks,
        .cache = h->cache,
        .tag = h->tag,
        .pages = h->region.pages,
    };
}

/* What never changes. */
static bool is_as_made(const struct heap *h, const struct bounds *b) {
    const struct store *s = &h->store;
    const struct quick *q = &s->quick;
    unsigned char pages;
    memcpy(&pages, &h->region.pages, 1);
    uintptr_t changed =
        (number(s->table.top) ^ number(h)) | (number(s->area.base) ^ number(b->base)) |
        (number(s->area.zones) ^ number(b->zones)) |
        (number(s->crowd) ^ number(b->crowd)) | (number(s->moves) ^ number(b->moves)) |
        (number(q->blocks) ^ number(b->blocks)) | (h->cache ^ b->cache) |
        (h->tag ^ b->tag) | (number(h->region.low) ^ number(b->low)) |
        (h->region.bytes ^ b->bytes);
    return (changed | (q->pool ^ b->pool) | (q->n_chunks ^ b->n_chunks) |
            (pages ^ (unsigned)b->pages)) == 0;
}

static bool hold(const struct heap *h, const struct bounds *b) {
    const struct table *t = &h->store.table;
    const struct area *a = &h->store.area;
    uintptr_t end = number(b->base) + units_bytes(a->limit) + HEADER;
    return is_as_made(h, b) && number(h->region.area_end) == end && end <= number(h) &&
           number(h->region.table_end) + (size_t)t->room * 8 == number(h) &&
           number(h->region.table_end) >= end && t->n_slots <= t->room &&
           t->n_slots >= TABLE_SLOTS_MIN && a->buddy.limit == a->limit &&
           h->store.quick.fresh - 1 < b->n_chunks;
}

void bounds_compare(const struct heap *h, const struct bounds *b) { SOUND(hold(h, b)); }
