/* SPDX-License-Identifier: MIT */
#include "bounds.h"

#include "os.h"

static uintptr_t number(const void *pointer) { return (uintptr_t)pointer; }

struct bounds bounds_of(const struct heap *h) {
    const struct store *s = &h->store;
    return (struct bounds){
        .low = h->region.low,
        .bytes = h->region.bytes,
        .base = s->area.base,
        .zones = s->area.zones,
        .crowd = s->crowd,
        .blocks = s->quick.blocks,
        .pool = s->quick.pool,
        .n_chunks = s->quick.n_chunks,
        .tag = h->tag,
        .page = h->region.pages ? os_page() : 0,
    };
}

/* What never changes. */
static bool is_as_made(const struct heap *h, const struct bounds *b) {
    const struct store *s = &h->store;
    const struct quick *q = &s->quick;
    uintptr_t changed = (number(s->table.top) ^ number(h)) |
                        (number(s->area.base) ^ number(b->base)) |
                        (number(s->area.zones) ^ number(b->zones)) |
                        (number(s->crowd) ^ number(b->crowd)) |
                        (number(q->blocks) ^ number(b->blocks)) | (h->tag ^ b->tag);
    return (changed | (q->pool ^ b->pool) | (q->n_chunks ^ b->n_chunks)) == 0;
}

/* The border between the area and the table, as both know it; and what of the table is in use. */
static bool border_holds(const struct heap *h, const struct bounds *b) {
    const struct table *t = &h->store.table;
    const struct area *a = &h->store.area;
    uintptr_t end = number(b->base) + units_bytes(a->limit) + HEADER;
    return number(h->region.area_end) == end && end <= number(h) &&
           number(h->region.table_end) + (size_t)t->room * 8 == number(h) &&
           number(h->region.table_end) >= end && t->n_slots <= t->room &&
           t->n_slots >= TABLE_SLOTS_MIN && a->buddy.limit == a->limit;
}

/* What is asked of the system, for reserved memory that has pages so far. */
static bool pages_hold(const struct heap *h, const struct bounds *b) {
    const struct region *r = &h->region;
    const struct store *s = &h->store;
    uintptr_t area_end = number(r->area_end), table_end = number(r->table_end);
    uintptr_t zones_end = number(r->zones_end), rest = b->page - 1;
    size_t zones = ((size_t)(s->area.limit >> ZONE_SHIFT) + 2) * sizeof(struct zone);
    return r->low == b->low && r->bytes == b->bytes && (zones_end & rest) == 0 &&
           zones_end <= number(b->low) + b->bytes &&
           zones_end >= number(b->zones) + zones && s->pages_bytes == b->bytes &&
           (area_end == table_end || ((area_end | table_end) & rest) == 0) &&
           s->table.reach >= s->table.room &&
           s->table.reach <= (number(h) - number(b->low)) / 8;
}

bool bounds_hold(const struct heap *h, const struct bounds *b) {
    if (unlikely(!is_as_made(h, b)) || unlikely(!border_holds(h, b))) return false;
    if (unlikely(h->store.table.n_slots % 2 != 0) ||
        unlikely(h->store.quick.fresh - 1 >= b->n_chunks))
        return false;
    unsigned char pages;
    memcpy(&pages, &h->region.pages, 1);
    if (b->page != 0) return pages == 1 && pages_hold(h, b);
    return pages == 0 && h->region.area_end == h->region.table_end &&
           h->store.pages_state == PAGES_STAY;
}
