/* SPDX-License-Identifier: MIT */
/*
 * What is shown: a run is its header and references (no handle), its slots, its padding; a
 * half-moved block is one block with its stretch, or itself and a reserved one without handle.
 */
#include "walk.h"

#include "os.h"
#include "small.h"

struct walk {
    const struct heap *h;
    rm_walk_fn *visit;
    void *context;
    size_t offset; /* where the next span begins */
    bool stopped;
};

static void show(struct walk *w, size_t size, rm_span_kind_t kind, uint32_t slot) {
    if (w->stopped || size == 0) return;
    rm_span_t span = {.offset = w->offset, .size = size, .kind = kind};
    if (slot != SLOT_NIL) {
        span.handle = heap_handle(w->h, slot);
        span.requested = heap_size(w->h, slot);
        span.locks = heap_locks(w->h, slot);
    }
    w->offset += size;
    jmp_buf *edge = damage_edge; /* it may call into other heaps */
    w->stopped = !w->visit(&span, w->context);
    damage_edge = edge;
}

/* Pages given back in the middle of a free span hold no memory. */
static void show_free(struct walk *w, unit_t span, unit_t units) {
    const struct area *a = &w->h->store.area;
    size_t gone = units_bytes(units - buddy_key(a->base, span));
    size_t before = units_bytes(units);
    if (gone != 0) {
        size_t first = load32(area_at(a, span) + RELEASED_FIRST) * os_page() - 8;
        before = first - units_bytes(span);
    }
    show(w, before, RM_SPAN_FREE, SLOT_NIL);
    show(w, gone, RM_SPAN_RESERVED, SLOT_NIL);
    show(w, units_bytes(units) - before - gone, RM_SPAN_FREE, SLOT_NIL);
}

static void show_run(struct walk *w, unit_t span, unit_t units) {
    const struct store *s = &w->h->store;
    struct run r = run_at(s, span);
    size_t begin = w->offset;
    for (unsigned i = 0; i < r.slots; i++) {
        bool live = run_live_mask(&r) >> i & 1;
        size_t before = begin + slot_offset(r.class, i) - w->offset;
        show(w, before, RM_SPAN_BLOCK, SLOT_NIL);
        show(w, r.class->stride, RM_SPAN_BLOCK, live ? run_owner(s, &r, i) : SLOT_NIL);
    }
    show(w, begin + units_bytes(units) - w->offset, RM_SPAN_BLOCK, SLOT_NIL);
}

/* Can this header, with so many units left above it, be followed? */
static bool plausible(const struct store *s, unit_t span) {
    uint64_t h = area_header(&s->area, span);
    unit_t units = area_length(&s->area, span);
    if (units == 0 || units > s->area.limit - span) return false;
    if (header_kind(h) == SPAN_FREE) return true;
    if (header_kind(h) != SPAN_RUN) return table_live(&s->table, block_ref(h));
    struct run r = run_at(s, span);
    for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1)
        if (!table_live(&s->table, ref_slot(run_ref(&r, bit_lowest(live))))) return false;
    return true;
}

static void show_span(struct walk *w, unit_t span, unit_t units) {
    const struct store *s = &w->h->store;
    uint64_t h = area_header(&s->area, span);
    const struct mover *m = &s->mover;
    switch (header_kind(h)) {
    case SPAN_FREE: show_free(w, span, units); return;
    case SPAN_RUN: show_run(w, span, units); return;
    default: break;
    }
    bool reserved = m->slot != SLOT_NIL && !m->slide && span == m->to;
    show(w, units_bytes(units), RM_SPAN_BLOCK, reserved ? SLOT_NIL : block_ref(h));
}

rm_status_t walk_heap(const struct heap *h, rm_walk_fn *visit, void *context) {
    struct walk w = {.h = h, .visit = visit, .context = context};
    const struct store *s = &h->store;
    const struct region *r = &h->region;
    unit_t units;
    size_t lead = region_lead(r, s);
    show(&w, lead, RM_SPAN_METADATA, SLOT_NIL);
    for (unit_t at = 0; at < s->area.limit && !w.stopped; at += units) {
        if (!plausible(s, at)) return RM_ECORRUPT;
        units = area_units(&s->area, at);
        show_span(&w, at, units);
    }
    size_t all = region_capacity(r, s) + units_bytes(s->area.released_units);
    size_t metadata = all - units_bytes(s->area.limit) - lead;
    size_t gap = region_gap(r);
    if (gap != 0) { /* the area's end word, and the bytes before its first unit */
        size_t border = (size_t)(r->area_end - r->low) - units_bytes(s->area.limit);
        show(&w, border, RM_SPAN_METADATA, SLOT_NIL);
        show(&w, gap, RM_SPAN_RESERVED, SLOT_NIL);
        metadata -= border;
    }
    show(&w, metadata, RM_SPAN_METADATA, SLOT_NIL);
    if (r->pages)
        show(&w, (size_t)(r->low + r->bytes - r->zones_end), RM_SPAN_RESERVED, SLOT_NIL);
    return RM_OK;
}
