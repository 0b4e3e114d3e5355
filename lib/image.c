/* SPDX-License-Identifier: MIT */
/*
 * What is copied. The insides of large blocks are of no interest, and neither is free memory: what looks at a
 * heap reads headers, runs, and the first and last bytes of free spans. So, for a heap of more than `WHOLE`
 * bytes: the table and the structure first; then the pages where the entries' spans begin, and runs whole, which
 * is nearly all; then, from span to span, what is missing: of free spans, and of what has no entry. Where an
 * entry makes no sense nothing is copied for it, and the proof will fail.
 *
 * The copy takes memory for what is copied, by pages. Where that is most of the area they had better be huge,
 * as these are sooner there while the other stands still.
 */
#include "image.h"

#include "os.h"
#include "verify.h"

enum {
    WHOLE = 1024 * 1024,  /* bytes of area that are copied as they are */
    CACHES_MOST = 1 << 13 /* of one heap, or the list may be made up to fill memory */
};

bool image_read(struct image_source *source, uint64_t address, void *to, size_t size) {
    source->bytes += size;
    return source->read(address, to, size, source->context);
}

void image_drop(struct image *m) {
    if (m->memory != NULL) os_unreserve(m->memory, m->reserved);
    if (m->caches != NULL) os_unreserve(m->caches, m->n_caches * sizeof *m->caches);
    *m = (struct image){.heap = NULL};
}

/* --- what threads keep --- */

static bool cache_sane(const struct cache *c) {
    size_t bytes = 0;
    if (c->n_spare > CACHE_SPARE) return false;
    for (unsigned i = 1; i < CACHE_LISTS; i++) {
        bool small = i < CLASSES;
        if (c->n[i] > (small ? CACHE_SMALL : CACHE_BLOCKS)) return false;
        bytes += c->n[i] * (small ? size_classes[i].stride
                                  : units_bytes(i - CLASSES + QUICK_UNITS_MIN));
    }
    return c->n[0] == 0 && c->bytes == bytes;
}

/* The bytes of a cache up to its lists tell where the next one is. */
static rm_view_status_t count_caches(struct image_source *source, uint64_t at,
                                     size_t *n) {
    enum { HEAD = offsetof(struct cache, spare) };
    union {
        char bytes[HEAD];
        uint64_t align;
        struct cache *pointer;
    } head;
    for (*n = 0; at != 0; ++*n) {
        uint32_t busy;
        memset(&head, 0, sizeof head);
        if (*n == CACHES_MOST || at % sizeof(uint64_t) != 0) return RM_VIEW_DAMAGED;
        if (!image_read(source, at, &head, sizeof head.bytes)) return RM_VIEW_UNREADABLE;
        memcpy(&busy, head.bytes + offsetof(struct cache, busy), sizeof busy);
        memcpy(&at, head.bytes + offsetof(struct cache, next), sizeof at);
        if (busy != 0) return RM_VIEW_BUSY;
    }
    return RM_VIEW_OK;
}

static rm_view_status_t copy_caches(struct image *m, struct image_source *source,
                                    const struct crowd *crowd) {
    uint64_t at = (uintptr_t)crowd->caches;
    size_t n;
    rm_view_status_t status = count_caches(source, at, &n);
    if (status != RM_VIEW_OK || n == 0) return status;
    m->caches = os_reserve(n * sizeof *m->caches);
    if (m->caches == NULL) return RM_VIEW_NO_MEMORY;
    m->n_caches = n;
    if (!os_commit(m->caches, n * sizeof *m->caches)) return RM_VIEW_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        struct cache *c = &m->caches[i];
        if (!image_read(source, at, c, sizeof *c)) return RM_VIEW_UNREADABLE;
        at = (uintptr_t)c->next;
        if ((at == 0) != (i + 1 == n)) return RM_VIEW_BUSY; /* it does not stand still */
    }
    return RM_VIEW_OK;
}

/* --- the region --- */

/* Where the parts of the other's region are; made sure of as far as the copying relies on it. */
struct plan {
    uintptr_t low, area_end, table_end, top, zones_end;
    size_t bytes;
    bool pages;
};

static bool byte_is(const void *flag, bool as) {
    unsigned char byte;
    memcpy(&byte, flag, 1);
    return byte == as;
}

static bool plan_make(struct plan *p, const struct place *place, const struct heap *h,
                      uintptr_t address) {
    size_t page = os_page(), structure = heap_structure(h->asked);
    p->low = (uintptr_t)place->low;
    p->bytes = place->bytes;
    p->pages = byte_is(&place->pages, true);
    p->top = address;
    p->area_end = (uintptr_t)h->region.area_end;
    p->table_end = (uintptr_t)h->region.table_end;
    p->zones_end = p->pages ? (uintptr_t)h->region.zones_end : p->low + p->bytes;
    if (!byte_is(&place->pages, p->pages) || !byte_is(&h->region.pages, p->pages) ||
        p->bytes < structure + region_zones(p->bytes, p->pages) ||
        p->bytes > HEAP_BYTES_MAX || p->low > UINTPTR_MAX - p->bytes)
        return false;
    if (p->pages && (p->low % page != 0 || p->bytes % page != 0)) return false;
    return region_top(p->low, p->bytes, p->pages, structure) == address &&
           p->low < p->area_end && p->area_end <= p->table_end &&
           p->table_end <= p->top && p->zones_end >= p->top + structure &&
           p->zones_end <= p->low + p->bytes;
}

/* Room for the copy, at the same place in its pages; what there is no memory of in the other has none here. No
   huge pages as yet: of one header each would take its time while the other stands still, and its memory. */
static bool make_room(struct image *m, const struct plan *p) {
    size_t page = os_page(), lead = p->low % page;
    m->reserved = round_up(lead + p->bytes, page) + OS_HUGE;
    m->memory = os_reserve(m->reserved);
    if (m->memory == NULL) return false;
    char *memory = (char *)round_up((uintptr_t)m->memory, OS_HUGE);
    m->low = memory + lead;
    m->bytes = p->bytes;
    m->shift = m->low - (char *)(uintptr_t)p->low;
    os_avoid_huge(memory, round_up(lead + p->bytes, page));
    if (!p->pages) return os_commit(memory, round_up(lead + p->bytes, page));
    size_t area = round_up(p->area_end - p->low, page);
    size_t table = round_down(p->table_end - p->low, page);
    size_t end = round_up(p->zones_end - p->low, page);
    return os_commit(m->low, area) && os_commit(m->low + table, end - table);
}

static char *here(const struct image *m, uintptr_t there) {
    return (char *)(uintptr_t)there + m->shift;
}

/* [from, to) of the other. */
static bool fetch(struct image *m, struct image_source *source, uintptr_t from,
                  uintptr_t to) {
    return image_read(source, from, here(m, from), to - from);
}

/* --- what matters of a large area --- */

/* Pages of the area that are to be fetched, and have been: a bit for each. */
struct pick {
    struct image *m;
    struct image_source *source;
    const struct plan *plan;
    const struct area *area; /* with its addresses here */
    uint64_t *wanted, *there;
    size_t n_pages, bytes;
};

static void pick(struct pick *k, size_t from, size_t to) {
    size_t page = os_page(), lead = k->plan->low % page;
    size_t end = k->plan->area_end - k->plan->low;
    if (to > end) to = end;
    if (from >= to) return;
    for (size_t i = (from + lead) / page; i <= (to - 1 + lead) / page; i++)
        k->wanted[i / 64] |= UINT64_C(1) << i % 64;
}

static bool bit_of(const uint64_t *bits, size_t i) { return bits[i / 64] >> i % 64 & 1; }

/* What is wanted from here on; and a few pages between two such are no more work than another call. */
enum { BETWEEN = 4 };
static size_t wanted_from(const struct pick *k, size_t i) {
    size_t n = 1;
    for (size_t end = 1; end <= n + BETWEEN && i + end < k->n_pages; end++)
        if (bit_of(k->wanted, i + end)) n = end + 1;
    return n;
}

/* If most pages are wanted, huge ones take hardly more memory. */
static void prefer_huge(const struct pick *k) {
    size_t page = os_page(), n = 0;
    for (size_t i = 0; i <= k->n_pages / 64; i++) n += bit_count(k->wanted[i]);
    if (n > k->n_pages / 2)
        os_prefer_huge(k->m->low - k->plan->low % page, k->n_pages * page);
}

/* Fetch `n` pages. */
static bool fetch_pages(struct pick *k, size_t i, size_t n) {
    size_t page = os_page();
    uintptr_t from = round_down(k->plan->low, page) + i * page, to = from + n * page;
    if (from < k->plan->low) from = k->plan->low;
    if (to > k->plan->area_end) to = k->plan->area_end;
    if (!fetch(k->m, k->source, from, to)) return false;
    for (size_t j = i; j < i + n; j++) k->there[j / 64] |= UINT64_C(1) << j % 64;
    return true;
}

/* Fetch what is picked, whole stretches at a time. */
static bool fetch_picked(struct pick *k) {
    size_t n;
    prefer_huge(k);
    for (size_t i = 0; i < k->n_pages; i += n) {
        n = 1;
        if (k->wanted[i / 64] == 0) { /* nothing in 64 pages, as is common */
            n = 64 - i % 64;
            continue;
        }
        if (!bit_of(k->wanted, i)) continue;
        n = wanted_from(k, i);
        if (!fetch_pages(k, i, n)) return false;
    }
    return true;
}

/* What is missing of [from, to), page by page. */
static bool fetch_between(struct pick *k, size_t from, size_t to) {
    size_t page = os_page(), lead = k->plan->low % page;
    size_t end = k->plan->area_end - k->plan->low;
    if (to > end) to = end;
    for (size_t i = (from + lead) / page; i * page < to + lead; i++)
        if (!bit_of(k->there, i) && !fetch_pages(k, i, 1)) return false;
    return true;
}

/* A span's header and node, and the last bytes of what lies below. */
enum { BEFORE = UNIT, BEHIND = RELEASED_HEADROOM };

static size_t offset_of_unit(const struct pick *k, unit_t unit) {
    return (size_t)(k->area->base - k->m->low) + units_bytes(unit);
}

static void pick_header(struct pick *k, unit_t span) {
    size_t at = offset_of_unit(k, span);
    pick(k, at > BEFORE ? at - BEFORE : 0, at + BEHIND);
}
static bool fetch_header(struct pick *k, unit_t span) {
    size_t at = offset_of_unit(k, span);
    return fetch_between(k, at > BEFORE ? at - BEFORE : 0, at + BEHIND);
}

/* Where an entry says that its span begins; `limit`: it makes no sense, or does not say. */
static unit_t span_said(const struct pick *k, uint64_t e, unsigned *class_id) {
    unit_t limit = k->area->limit;
    size_t offset = HEADER;
    *class_id = 0;
    if (entry_locks(e) == LOCKS_MANY) return limit;
    *class_id = shape_class(e);
    if (*class_id >= CLASSES) return limit;
    if (*class_id != 0) offset = slot_offset(&size_classes[*class_id], shape_index(e));
    size_t place = entry_place(e);
    if (place < offset || place - offset >= units_bytes(limit)) return limit;
    return object_span(e, offset);
}

/* What rests says which slot of a run it has, and neither the class nor, with many locks, the slot: all that
   may lie below is fetched. */
static void pick_around(struct pick *k, uint64_t e) {
    enum { LONGEST = 4096 + BEHIND };
    size_t place = entry_place(e), least = place > LONGEST ? place - LONGEST : 0;
    size_t base = offset_of_unit(k, 0);
    pick(k, base + least, base + place + LONGEST);
}

/* Where an entry's span begins, and all of a run. */
static void pick_begin(struct pick *k, uint64_t e) {
    unsigned class_id, locks = entry_locks(e);
    if (locks == LOCKS_FREE || locks == LOCKS_MOVING || locks == LOCKS_MANY)
        pick_around(k, e);
    unit_t span = span_said(k, e, &class_id);
    if (span == k->area->limit) return;
    pick_header(k, span);
    if (class_id == 0) return;
    const struct size_class *class = &size_classes[class_id];
    unit_t units = run_units(class, class->slots_max);
    pick(k, offset_of_unit(k, span), offset_of_unit(k, span + units));
}

/* What compaction works at: a stretch, a block half moved. Of what lies outside of the area nothing is picked. */
static void pick_mover(struct pick *k, const struct store *s) {
    const struct mover *m = &s->mover;
    if (m->slot == SLOT_NIL) return;
    pick_header(k, m->to);
    pick_header(k, m->from);
    pick_header(k, m->to + m->units);
    pick_header(k, m->from + m->units);
}

static bool fetch_entries(struct pick *k, const struct store *s) {
    const struct table *t = &s->table;
    const char *lowest = here(k->m, k->plan->table_end);
    for (uint32_t slot = 0; slot < t->n_slots; slot++) {
        const char *at = here(k->m, k->plan->top) - 8 * ((size_t)slot + 1);
        if (at < lowest) break;
        uint64_t e = load64(at);
        if (!table_is_bitmap(slot) && !entry_is_free(e)) pick_begin(k, e);
    }
    pick_header(k, 0);
    if (k->area->limit > 0) pick_header(k, k->area->limit - 1);
    pick_mover(k, s);
    return fetch_picked(k);
}

/* The length of a span, as area_units has it; 0: its header makes no sense. */
static unit_t units_said(const struct area *a, unit_t at) {
    unit_t units = area_length(a, at);
    return units <= a->limit - at ? units : 0;
}

/* From span to span, as the proof will go. Most is there. */
static bool fetch_spans(struct pick *k) {
    const struct area *a = k->area;
    unit_t units;
    for (unit_t at = 0; at < a->limit; at += units) {
        if (!fetch_header(k, at)) return false;
        units = units_said(a, at);
        if (units == 0) return true;
        if (header_kind(area_header(a, at)) == SPAN_RUN &&
            !fetch_between(k, offset_of_unit(k, at), offset_of_unit(k, at + units)))
            return false;
    }
    return fetch_header(k, a->limit);
}

static rm_view_status_t fetch_area(struct image *m, struct image_source *source,
                                   const struct plan *plan) {
    struct area area = m->heap->store.area;
    struct pick k = {.m = m, .source = source, .plan = plan, .area = &area};
    size_t page = os_page(), bytes = plan->area_end - plan->low;
    area.base = m->low + (round_up(plan->low, UNIT) + HEADER - plan->low);
    size_t from_base = bytes - (size_t)(area.base - m->low);
    if (bytes <= WHOLE || units_bytes(area.limit) > from_base)
        return fetch(m, source, plan->low, plan->area_end) ? RM_VIEW_OK
                                                           : RM_VIEW_UNREADABLE;
    k.n_pages = (plan->low % page + bytes + page - 1) / page;
    k.bytes = round_up((k.n_pages / 64 + 1) * 2 * sizeof(uint64_t), page);
    k.wanted = os_reserve(k.bytes);
    if (k.wanted == NULL || !os_commit(k.wanted, k.bytes)) {
        if (k.wanted != NULL) os_unreserve(k.wanted, k.bytes);
        return RM_VIEW_NO_MEMORY;
    }
    k.there = k.wanted + k.n_pages / 64 + 1;
    bool read = fetch_entries(&k, &m->heap->store) && fetch_spans(&k);
    os_unreserve(k.wanted, k.bytes);
    return read ? RM_VIEW_OK : RM_VIEW_UNREADABLE;
}

/* --- all of it --- */

static rm_view_status_t copy(struct image *m, struct image_source *source,
                             const struct place *place, uintptr_t address, uint64_t tag) {
    struct plan plan;
    struct heap h;
    memset(&h, 0, sizeof h);
    if (!image_read(source, address, &h, sizeof h)) return RM_VIEW_UNREADABLE;
    if (h.tag != tag || !plan_make(&plan, place, &h, address)) return RM_VIEW_DAMAGED;
    rm_view_status_t status = copy_caches(m, source, &place->crowd);
    if (status != RM_VIEW_OK) return status;
    if (!make_room(m, &plan)) return RM_VIEW_NO_MEMORY;
    if (!fetch(m, source, plan.table_end, plan.zones_end)) return RM_VIEW_UNREADABLE;
    m->heap = (struct heap *)here(m, address);
    /* The plan is of this structure, or what the proof relies on is not there. */
    if (memcmp(m->heap, &h, sizeof h) != 0) return RM_VIEW_BUSY;
    if (place->watch != NULL &&
        !image_read(source, (uintptr_t)place->watch, &m->watch, sizeof m->watch))
        return RM_VIEW_UNREADABLE;
    m->watched = place->watch != NULL;
    m->crowd = place->crowd;
    return fetch_area(m, source, &plan);
}

rm_view_status_t image_copy(struct image *m, struct image_source *source,
                            const struct place *place, uintptr_t address, uint64_t tag) {
    image_drop(m);
    rm_view_status_t status = copy(m, source, place, address, tag);
    if (status != RM_VIEW_OK) image_drop(m);
    return status;
}

/* --- from there to here --- */

static void moved_to(const struct image *m, char **pointer) {
    if (*pointer != NULL) *pointer = (char *)((uintptr_t)*pointer + (uintptr_t)m->shift);
}

/* What verify_heap does not look at is made harmless. */
static void disarm(struct image *m) {
    struct store *s = &m->heap->store;
    const int64_t most = INT64_C(1) << 40;
    static const bool no = false;
    memcpy(&s->concurrent, &no, 1);
    memcpy(&s->large, &no, 1);
    memcpy(&s->tight, &no, 1);
    memcpy(&s->sliding, &no, 1);
    memcpy(&m->heap->sparing, &no, 1);
    if (s->ebb.credit > most || s->ebb.credit < -most) s->ebb.credit = 0;
    s->pages_bytes = m->bytes;
    s->table.motion = 0;
}

static void rebase(struct image *m) {
    struct heap *h = m->heap;
    struct store *s = &h->store;
    const struct crowd none = {.caches = m->caches, .stopped = true};
    moved_to(m, &s->table.top);
    moved_to(m, &s->table.base);
    moved_to(m, &s->area.base);
    moved_to(m, (char **)(void *)&s->area.zones);
    moved_to(m, (char **)(void *)&s->quick.blocks);
    moved_to(m, &h->region.low);
    moved_to(m, &h->region.area_end);
    moved_to(m, &h->region.table_end);
    moved_to(m, &h->region.zones_end);
    m->crowd = none; /* nobody is to be kept out of it */
    s->crowd = &m->crowd;
    s->moves = NULL;
    for (size_t i = 0; i < m->n_caches; i++) {
        struct cache *c = &m->caches[i];
        c->store = s;
        c->next = i + 1 < m->n_caches ? c + 1 : NULL;
        c->previous = i > 0 ? c - 1 : NULL;
        c->chain = NULL;
    }
}

/* False: it is damaged, in a way that the proof has not seen. */
static bool settle(struct heap *h) {
    jmp_buf edge;
    bool sound = _setjmp(edge) == 0;
    damage_edge = &edge;
    if (sound) heap_settle(h);
    damage_edge = NULL;
    return sound;
}

rm_view_status_t image_settle(struct image *m, rm_fault_t *fault) {
    rm_fault_t found;
    if (fault == NULL) fault = &found;
    memset(fault, 0, sizeof *fault);
    if (m->heap == NULL) return RM_VIEW_EINVAL;
    if (m->settled) return RM_VIEW_OK;
    disarm(m);
    rebase(m);
    bool sane = true;
    for (size_t i = 0; i < m->n_caches; i++) sane = sane && cache_sane(&m->caches[i]);
    if (!sane) {
        fault->invariant = 16;
        strcpy(fault->text, "What a thread says that it keeps cannot be.");
    }
    if (!sane || verify_heap(m->heap, &m->crowd, m->low, m->bytes, fault) != RM_OK) {
        image_drop(m);
        return RM_VIEW_DAMAGED;
    }
    if (!settle(m->heap)) {
        fault->invariant = 17;
        strcpy(fault->text, "What rests there cannot be freed.");
        image_drop(m);
        return RM_VIEW_DAMAGED;
    }
    m->settled = true;
    return RM_VIEW_OK;
}
