/* SPDX-License-Identifier: MIT */
/*
 * Why it neither crashes nor hangs: each step of verify_heap relies on those before it alone.
 * The region's pointers are compared, as numbers, with what they must be; from there on every
 * unit read from memory goes through legal_units before it is followed. The tiling goes upward,
 * and a list ends when it has had as many members as the tiling has met.
 *
 * Why it proves: the tiling meets every span once. A list is right if its members, each fit for
 * it by its own header, are the spans met that belong there. Whether two sets of spans are the
 * same is told by their numbers and sums of hashes (struct tally): what is left of an old span
 * inside a block may look like a span, but is not among those met.
 */
#include "verify.h"

#include "os.h"
#include "proof.h"

/* A free span's node, as under struct buddy; and the links of area.c's list. */
enum { PREVIOUS = 8, CHILD = 16, PARENT = 24, IN_TRIE = 28 };
enum { NEXT_RELEASED = 40, PREV_RELEASED = 44, RELEASED_NODE_UNITS = 4 };

/* --- the heap's own structure --- */

/* A damaged bool may be neither, and must not be read as one. */
static bool is_bool(const flag_t *flag) {
    unsigned char byte;
    memcpy(&byte, flag, 1);
    return byte <= 1;
}

/* Where the memory of the parts ends; where it begins has been found in order. */
static bool ends_sound(const struct proof *p, uintptr_t end) {
    const struct region *r = &p->h->region;
    uintptr_t area_end = (uintptr_t)r->area_end, table_end = (uintptr_t)r->table_end;
    uintptr_t zones_end = (uintptr_t)r->zones_end, top = (uintptr_t)p->h;
    size_t zones = ((size_t)(p->a->limit >> ZONE_SHIFT) + 2) * sizeof(struct zone);
    size_t page = os_page();
    if (table_end > top || top - table_end != (size_t)p->t->room * 8)
        return fail(p, 8, "The table's room is not what its memory has.");
    if (area_end != (uintptr_t)p->a->base + units_bytes(p->a->limit) + HEADER)
        return fail(p, 1, "The area's limit is not where its memory ends.");
    if (area_end > table_end ||
        (area_end < table_end && (!r->pages || (area_end | table_end) % page != 0)))
        return fail(p, 1, "The area and the table neither meet nor end with pages.");
    if (r->pages ? zones_end % page != 0 || zones_end > end ||
                       zones_end < (uintptr_t)p->a->zones + zones
                 : zones_end != 0)
        return fail(p, 1, "The zones are not where their memory ends.");
    return true;
}

static bool region_sound(struct proof *p, const char *low, size_t bytes) {
    const struct region *r = &p->h->region;
    uintptr_t end = round_down((uintptr_t)low + bytes, sizeof(struct zone));
    uintptr_t base = round_up((uintptr_t)low, UNIT) + HEADER;
    p->fault->offset = p->self = (uintptr_t)p->h - base;
    if (r->low != low || r->bytes != bytes || !is_bool(&r->pages) ||
        (uintptr_t)p->a->base != base ||
        (uintptr_t)p->a->zones != end - region_zones(bytes, r->pages))
        return fail(p, 1, "The region is not the one that the heap was made in.");
    if (p->t->top != (const char *)p->h)
        return fail(p, 8, "The table does not begin where the region has it.");
    return ends_sound(p, (uintptr_t)low + bytes);
}

/* Invariant 8. From here on table_live tells what has a handle. */
static bool table_sound(const struct proof *p) {
    const struct table *t = p->t;
    if (t->n_slots < TABLE_SLOTS_MIN || t->n_slots % 2 != 0 || t->n_slots > t->room ||
        t->n_slots > TABLE_SLOTS_MAX || t->generation >= GENERATIONS ||
        t->hint >= TABLE_SLOTS_MAX >> 6)
        return fail(p, 8, "The table's slots, generation or hint cannot be.");
    uint32_t slot = table_verify(t);
    if (slot == TABLE_SOUND) return true;
    if (slot >= t->n_slots) return fail(p, 9, "The table's slots are miscounted.");
    p->fault->offset = offset_of(p, table_slot(t, slot));
    return fail(p, 8, "A bitmap of the table is wrong.");
}

/* What the compactor remembers. Invariant 11, but for the spans, which the tiling will meet. */
static bool compactor_sound(const struct proof *p) {
    const struct store *s = p->s;
    const struct mover *m = &s->mover;
    const struct area *a = p->a;
    uint64_t low = s->loose[0] | s->stuck[0] | s->kept[0];
    uint64_t high = s->loose[1] | s->stuck[1] | s->kept[1];
    if ((low & 1) != 0 || high >> (CLASSES - 64) != 0)
        return fail(p, 7, "Runs are to be merged of a class that is none.");
    if (!is_bool(&m->slide) || !is_bool(&m->pages) || !is_bool(&s->scan.sure) ||
        !is_bool(&s->pass.whole) || s->scan.at > p->h->region.bytes >> UNIT_SHIFT ||
        s->scan.shift >= UNIT_BITS || (unsigned)s->pass.phase > PASS_DONE)
        return fail(p, 11, "The compactor's notes cannot be.");
    if (s->pages_state > PAGES_MOVE ||
        (s->pages_state != PAGES_STAY && !p->h->region.pages))
        return fail(p, 11, "Pages would be moved of memory that is not ours.");
    if (m->slot != SLOT_NIL &&
        (!table_live(p->t, m->slot) || m->units == 0 || m->units > a->limit ||
         m->from > a->limit - m->units || m->to > a->limit - m->units ||
         m->done >= units_bytes(m->units) - HEADER || m->reach != m->units ||
         m->n_moved > m->done / os_page() || (m->pages && !p->h->region.pages)))
        return fail(p, 11, "The block half moved cannot be.");
    if (m->slot == SLOT_NIL || !m->slide
            ? a->stretch != UNIT_NIL
            : a->stretch != m->to || m->to >= m->from ||
                  a->stretch_units != m->from + m->units - m->to)
        return fail(p, 11, "The stretch is not that of a block half moved.");
    return true;
}

/* --- the tiling --- */

/* The length of what looks like a span; 0: it is none, or reaches out of the area. */
static unit_t legal_units(const struct area *a, unit_t at) {
    if (at >= a->limit) return 0;
    uint64_t h = area_header(a, at);
    enum span_kind kind = header_kind(h);
    bool block = kind == SPAN_BLOCK || kind == SPAN_ALIGNED;
    if (block ? block_size(h) > RM_BLOCK_MAX : at == a->stretch) return 0;
    unit_t units = area_length(a, at);
    return units <= a->limit - at ? units : 0;
}

/* Invariant 12: whole pages, clear of the span's node and of its size word. */
static bool released_sound(struct proof *p, unit_t at, unit_t units) {
    const char *node = area_at(p->a, at);
    size_t page = os_page(), low = units_bytes(at) + RELEASED_HEADROOM;
    size_t high = units_bytes(at + units) - sizeof(uint32_t);
    if (!p->h->region.pages || units < RELEASED_NODE_UNITS)
        return fail(p, 12, "A free span that holds no page has given some back.");
    size_t bytes = units_bytes(load32(node + RELEASED_COUNT));
    size_t first =
        load32(node + RELEASED_FIRST) * page - HEADER; /* of page 0: too large */
    if (bytes == 0 || bytes % page || first < low || first > high || bytes > high - first)
        return fail(p, 12, "Pages given back are not inside their span.");
    note(&p->released, at);
    p->released_units += bytes >> UNIT_SHIFT;
    return true;
}

static bool free_sound(struct proof *p, unit_t at, unit_t units) {
    const struct area *a = p->a;
    if (load32(area_at(a, at + units) - sizeof(uint32_t)) != units)
        return fail(p, 3, "A free span's last word is not its size.");
    if (area_header(a, at) >> FREE_RELEASED_BIT && !released_sound(p, at, units))
        return false;
    unit_t key = buddy_key(a->base, at);
    p->units[bit_highest(key)] += key;
    p->free_units += units;
    p->zone.free += units;
    note(&p->free, at);
    return true;
}

/* Invariant 5 of an object of `size` bytes. As places differ, no entry is named twice. */
static bool named(struct proof *p, uint32_t slot, size_t place, unsigned shape,
                  size_t size) {
    bool cached = proof_cached(p, slot), resting = cached || proof_resting(p, slot);
    if (!resting && !table_live(p->t, slot))
        return fail(p, 5, "A reference names no live entry.");
    uint64_t e = table_entry(p->t, slot);
    bool moving = slot == p->s->mover.slot;
    bool many = entry_locks(e) == LOCKS_MANY;
    unsigned wrong = entry_shape(e) ^ shape;
    if (resting)
        wrong &= (unsigned)bit_mask(SHAPE_SLOT_BITS); /* the rest is of no meaning */
    if (entry_place(e) != place || (!many && wrong != 0))
        return fail(p, moving ? 11 : 5, "A reference names an entry of something else.");
    if (entry_count(e) > RM_LOCKS_MAX)
        return fail(p, 5, "An entry has an impossible number of locks.");
    if (!cached && (entry_locks(e) == LOCKS_MOVING) != moving)
        return fail(p, 11, "An entry is wrong about being half moved.");
    if (resting) {
        note(cached ? &p->cached : &p->resting, slot);
    } else {
        p->n_blocks++;
        p->requested += size;
    }
    return true;
}

static bool block_sound(struct proof *p, unit_t at, unit_t units) {
    const struct mover *m = &p->s->mover;
    uint64_t h = area_header(p->a, at);
    bool aligned = header_kind(h) == SPAN_ALIGNED,
         reserved = m->slot != SLOT_NIL && at == m->to;
    unit_t place = reserved ? m->from : at;
    /* A stretch ends where its block does: the last byte is the alignment's there too. */
    unsigned log2 = aligned ? load8(area_at(p->a, at + units) - 1) : UNIT_SHIFT;
    if (log2 < UNIT_SHIFT || log2 > bit_lowest(RM_ALIGNMENT_MAX) ||
        (((uintptr_t)area_at(p->a, at) + HEADER) & bit_mask(log2)) != 0)
        return fail(p, 10, "A block is not aligned as its span says.");
    p->reserved |= reserved;
    if (reserved &&
        (block_ref(h) != m->slot || block_units(block_size(h), aligned) != m->units))
        return fail(p, 11, "What is reserved is not for the block half moved.");
    if (reserved && !m->slide) { /* the block itself is met elsewhere */
        if (((h ^ area_header(p->a, place)) & ~(uint64_t)SPAN_PREV_FREE) == 0)
            return true;
        return fail(p, 11, "The block half moved has two headers.");
    }
    unsigned shape = block_shape(h);
    size_t size = block_size(h);
    uint64_t e = block_ref(h) < p->t->n_slots ? table_entry(p->t, block_ref(h)) : 0;
    bool many = entry_locks(e) == LOCKS_MANY;
    if (!many && shape_is_medium(e) && size > SMALL_MAX && !aligned &&
        block_units(size, false) == block_units(shape_medium_size(e), false)) {
        shape = entry_shape(e); /* whatever size so long the header says */
        size = shape_medium_size(e);
    }
    return named(p, block_ref(h), place_behind(place), shape, size);
}

/* The size of a live slot's object, which may be none. */
static size_t size_said(const struct proof *p, const struct run *r, unsigned i) {
    uint32_t ref = run_ref(r, i);
    if ((ref & SLACK_WIDE) != SLACK_NONE) return run_size_read(r, i);
    return shape_size(table_entry(p->t, ref_slot(ref)));
}

static bool run_sound(struct proof *p, unit_t at) {
    struct run r = run_read(p->s, at, area_header(p->a, at));
    if (r.free & ~bit_mask(r.slots))
        return fail(p, 7, "A run has free slots beyond its end.");
    if (run_live(&r) == 0 && r.slots > 1) /* a single slot may be there to keep a gap */
        return fail(p, 7, "A run of some slots has no live one.");
    p->runs[r.class_id].slots += r.slots;
    p->runs[r.class_id].live += run_live(&r);
    p->spare += (size_t)bit_count(r.free) * r.class->stride;
    if (r.free != 0) note(&p->partial, at);
    for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1) {
        unsigned i = bit_lowest(live);
        size_t place = offset_of(p, run_slot(&r, i));
        uint32_t slot = ref_slot(run_ref(&r, i));
        p->fault->offset = place;
        if (slot >= p->t->n_slots)
            return fail(p, 5, "An object's reference names no slot of the table.");
        bool resting = proof_cached(p, slot) || proof_resting(p, slot);
        size_t size = resting ? r.class->capacity : size_said(p, &r, i);
        if (size > r.class->capacity) /* below 0 it has wrapped */
            return fail(p, 5, "The size of an object in a run cannot be.");
        unsigned shape = shape_make(r.class_id, i, size);
        bool plain = (shape & bit_mask(SHAPE_SLOT_BITS)) < SHAPE_OTHERS;
        bool many = entry_locks(table_entry(p->t, slot)) == LOCKS_MANY;
        if (((run_ref(&r, i) & SLACK_WIDE) == SLACK_NONE) != (plain && !many))
            return fail(p, 5, "The size of an object is not where it belongs.");
        if (!named(p, slot, place, shape, size)) return false;
    }
    return true;
}

/* Invariant 6 of the zones below the one of unit `at`, in which no more spans begin. */
static bool zones_sound(struct proof *p, unit_t at) {
    for (; p->n_zones < at >> ZONE_SHIFT; p->n_zones++) {
        const struct zone *zone = &p->a->zones[p->n_zones];
        p->fault->offset = offset_of(p, zone);
        if (zone->first != p->zone.first || zone->free != p->zone.free)
            return fail(p, 6, "A zone is wrong about its spans.");
        p->zone = (struct zone){0, ZONE_EMPTY, 0};
    }
    p->fault->offset = units_bytes(at);
    return true;
}

static bool span_sound(struct proof *p, unit_t at, unit_t units, bool below_free) {
    uint64_t h = area_header(p->a, at);
    enum span_kind kind = header_kind(h);
    if (kind == SPAN_FREE && below_free)
        return fail(p, 3, "Two free spans are adjacent.");
    if (((h & SPAN_PREV_FREE) != 0) != below_free)
        return fail(p, 2, "A span is wrong about the one below being free.");
    if (p->zone.first == ZONE_EMPTY)
        p->zone.first = (uint16_t)(at & bit_mask(ZONE_SHIFT));
    if (kind == SPAN_FREE) return free_sound(p, at, units);
    return kind == SPAN_RUN ? run_sound(p, at) : block_sound(p, at, units);
}

static bool tiling_sound(struct proof *p) {
    const struct area *a = p->a;
    uint64_t free = 0; /* what the prev bit of the next span should be */
    unit_t units;
    for (unit_t at = 0; at < a->limit; at += units) {
        if (!zones_sound(p, at)) return false;
        units = legal_units(a, at);
        if (units == 0) return fail(p, 1, "A span's header makes no sense.");
        if (!span_sound(p, at, units, free != 0)) return false;
        free = header_kind(area_header(a, at)) == SPAN_FREE ? SPAN_PREV_FREE : 0;
    }
    uint64_t end = area_header(a, a->limit);
    p->fault->offset = units_bytes(a->limit);
    if ((end & ~(uint64_t)SPAN_PREV_FREE) != SPAN_BLOCK)
        return fail(p, 1, "The word at the area's end is another.");
    if ((end & SPAN_PREV_FREE) != free)
        return fail(p, 2, "The word at the area's end is wrong about the last span.");
    unit_t zones = (a->limit >> ZONE_SHIFT) + 1, wrong;
    if (!zones_sound(p, zones << ZONE_SHIFT)) return false;
    if ((wrong = zones_wrong_word(a->zones, zones)) != UNIT_NIL) {
        p->fault->offset = offset_of(p, &a->zones[wrong]);
        return fail(p, 6, "The bitmap of zones with a free span is wrong.");
    }
    p->fault->offset = p->self;
    if (p->reserved != (p->s->mover.slot != SLOT_NIL))
        return fail(p, 11, "Nothing is reserved for the block half moved.");
    size_t n_spare = 0;
    for (const struct cache *c = p->crowd->caches; c != NULL; c = c->next)
        n_spare += c->n_spare;
    if (p->n_blocks + p->resting.n + p->cached.n + n_spare == p->t->n_taken) return true;
    return fail(p, 5, "A live entry names nothing that refers to it.");
}

/* --- the index: invariant 4 --- */

static uint32_t field(const struct proof *p, unit_t span, unsigned offset) {
    return load32(area_at(p->a, span) + offset);
}

/* The key of what looks like a free span whose fields can be read; 0: it does not. */
static unit_t key_of(const struct proof *p, unit_t at) {
    unit_t units = legal_units(p->a, at);
    if (units == 0 || header_kind(area_header(p->a, at)) != SPAN_FREE) return 0;
    bool released = area_header(p->a, at) >> FREE_RELEASED_BIT;
    return released && units < RELEASED_NODE_UNITS ? 0 : buddy_key(p->a->base, at);
}

/* A list of spans of one key. Each names the one before, so none comes twice. */
static bool same_size_sound(struct proof *p, unit_t first, unit_t key) {
    unit_t previous = UNIT_NIL;
    for (unit_t at = first; at != UNIT_NIL;) {
        bool in_trie = key >= BUDDY_BINS;
        if (key_of(p, at) != key || key == 0 || field(p, at, PREVIOUS) != previous ||
            (in_trie && field(p, at, IN_TRIE) != (at == first)) ||
            p->indexed.n == p->free.n)
            return fail(p, 4, "The index leads to what is no free span of that size.");
        p->fault->offset = units_bytes(at);
        note(&p->indexed, at);
        previous = at;
        at = (unit_t)(area_header(p->a, at) >> FREE_NEXT_SHIFT) & UNIT_NIL;
    }
    return true;
}

/* A node still to be visited: keys from it on downward are `path` from bit `bit` up. */
struct branch {
    unit_t at, parent, path;
    unsigned bit;
};

static bool trie_sound(struct proof *p, unit_t root, unsigned order) {
    struct branch
        todo[BUDDY_ORDERS + 1]; /* each level leaves one, and the next has a bit less */
    unsigned n = 0;
    todo[n++] = (struct branch){root, UNIT_NIL, 1, order};
    while (n > 0) {
        struct branch b = todo[--n];
        if (b.at == UNIT_NIL) continue;
        unit_t key = key_of(p, b.at);
        if (key >> b.bit != b.path || field(p, b.at, PARENT) != b.parent)
            return fail(p, 4, "A trie leads to what is no free span of such a size.");
        if (!same_size_sound(p, b.at, key)) return false;
        for (unsigned side = 0; side < 2; side++) {
            unit_t child = field(p, b.at, CHILD + 4 * side);
            if (b.bit > 0)
                todo[n++] = (struct branch){child, b.at, b.path << 1 | side, b.bit - 1};
            else if (child != UNIT_NIL)
                return fail(p, 4, "A trie is deeper than sizes have bits.");
        }
    }
    return true;
}

static bool index_sound(struct proof *p) {
    const struct buddy *b = &p->a->buddy;
    uint64_t bins_used = 0, orders_used = 0;
    p->fault->offset = p->self;
    if (b->limit != p->a->limit)
        return fail(p, 4, "The index is wrong about where spans end.");
    for (unsigned key = 0; key < BUDDY_BINS; key++) {
        p->fault->offset = p->self;
        if (!same_size_sound(p, b->bins[key], key)) return false;
        bins_used |= (uint64_t)(b->bins[key] != UNIT_NIL) << key;
    }
    for (unsigned i = 0; i < BUDDY_TRIES; i++) {
        p->fault->offset = p->self;
        if (!trie_sound(p, b->tries[i], BUDDY_ORDER_MIN + i)) return false;
        orders_used |= (uint64_t)(b->tries[i] != UNIT_NIL) << (BUDDY_ORDER_MIN + i);
    }
    p->fault->offset = p->self;
    if (bins_used != b->bins_used || orders_used != b->orders_used)
        return fail(p, 4, "The index is wrong about which sizes and orders have a span.");
    return same(&p->indexed, &p->free) ||
           fail(p, 4, "The index does not hold all free spans.");
}

/* Invariant 12: the list of the spans with pages given back. */
static bool released_list_sound(const struct proof *p) {
    struct tally members = {0, 0};
    unit_t previous = UNIT_NIL;
    for (unit_t at = p->a->released; at != UNIT_NIL; at = field(p, at, NEXT_RELEASED)) {
        if (members.n == p->released.n || key_of(p, at) == 0 ||
            !(area_header(p->a, at) >> FREE_RELEASED_BIT) ||
            field(p, at, PREV_RELEASED) != previous)
            return fail(p, 12, "The list of spans with pages given back is broken.");
        p->fault->offset = units_bytes(at);
        note(&members, at);
        previous = at;
    }
    return same(&members, &p->released) ||
           fail(p, 12, "Not all pages given back are listed.");
}

/* --- the lists of runs: invariant 7 --- */

/* The links of what looks like a run that belongs there, else NULL. */
static const char *links_of(const struct proof *p, unit_t at, unsigned class_id,
                            unsigned density) {
    if (legal_units(p->a, at) == 0 || header_kind(area_header(p->a, at)) != SPAN_RUN)
        return NULL;
    struct run r = run_read(p->s, at, area_header(p->a, at));
    if (r.class_id != class_id || r.free == 0 || r.free & ~bit_mask(r.slots)) return NULL;
    if ((2 * run_live(&r) > r.slots ? DENSE : SPARSE) != density) return NULL;
    return run_slot(&r, bit_highest(r.free));
}

/* A circular list: from the run behind its head round to the head. */
static bool list_sound(struct proof *p, unsigned class_id, unsigned density) {
    unit_t head = p->s->runs[class_id].head[density], at = head;
    p->fault->offset = p->self;
    if (head == UNIT_NIL) return true;
    const char *links = links_of(p, head, class_id, density);
    do {
        unit_t previous = at;
        if (links != NULL) {
            at = load32(links);
            links = links_of(p, at, class_id, density);
        }
        if (links == NULL || load32(links + 4) != previous || p->listed.n == p->partial.n)
            return fail(p, 7, "A list of runs leads to what does not belong there.");
        p->fault->offset = units_bytes(at);
        note(&p->listed, at);
    } while (at != head);
    return true;
}

static bool lists_sound(struct proof *p) {
    for (unsigned c = 0; c < CLASSES; c++)
        if (!list_sound(p, c, DENSE) || !list_sound(p, c, SPARSE)) return false;
    p->fault->offset = p->self;
    return same(&p->listed, &p->partial) ||
           fail(p, 7, "A run with a free slot is in no list.");
}

/* --- the counters: invariant 9 --- */

static bool counters_sound(const struct proof *p) {
    const struct store *s = p->s;
    const struct buddy *b = &p->a->buddy;
    if (p->a->free_units != p->free_units || p->a->released_units != p->released_units)
        return fail(p, 9, "The free units are miscounted.");
    if (b->n_spans != p->free.n || memcmp(b->units, p->units, sizeof p->units) != 0)
        return fail(p, 9, "The free spans of some order are miscounted.");
    size_t requested = s->requested;
    uint64_t allocations = s->allocations;
    for (const struct cache *c = p->crowd->caches; c != NULL; c = c->next) {
        requested += c->requested;
        allocations += c->allocations;
    }
    if (requested != p->requested ||
        (p->crowd->caches == NULL && s->peak_requested < s->requested))
        return fail(p, 9, "The bytes asked for are miscounted.");
    if (allocations < p->n_blocks) return fail(p, 9, "More blocks live than were made.");
    for (unsigned c = 0; c < CLASSES; c++)
        if (s->runs[c].slots != p->runs[c].slots || s->runs[c].live != p->runs[c].live)
            return fail(p, 9, "The slots of a class are miscounted.");
    return s->spare == p->spare || fail(p, 9, "The free slots are miscounted.");
}

rm_status_t verify_heap(const struct heap *h, const struct crowd *crowd, const char *low,
                        size_t bytes, rm_fault_t *fault) {
    struct proof p = {.h = h,
                      .s = &h->store,
                      .crowd = crowd,
                      .fault = fault,
                      .zone = {0, ZONE_EMPTY, 0}};
    p.a = &h->store.area;
    p.t = &h->store.table;
    memset(fault, 0, sizeof *fault);
    if (!region_sound(&p, low, bytes) || !table_sound(&p) || !compactor_sound(&p) ||
        !tiling_sound(&p) || !index_sound(&p) || !released_list_sound(&p) ||
        !lists_sound(&p) || !quick_sound(&p) || !caches_sound(&p) || !counters_sound(&p))
        return RM_ECORRUPT;
    fault->offset = 0;
    return RM_OK;
}
