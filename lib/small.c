/* SPDX-License-Identifier: MIT */
#include "small.h"

#include "check.h"

/* A single object takes less with a header of its own than as a run of one. */
enum { SLOTS_LEAST = 2 };

void small_init(struct store *s) {
    for (unsigned c = 0; c < CLASSES; c++)
        s->runs[c] = (struct class_runs){{UNIT_NIL, UNIT_NIL}, 0, 0};
}

struct run small_run(const struct store *s, unit_t span) {
    uint64_t h = area_header(&s->area, span);
    struct run r = {.span = span, .class_id = run_class(h), .slots = run_slots(h)};
    r.free = run_mask(h);
    r.class = &size_classes[r.class_id];
    char *at = area_at(&s->area, span);
    r.first = at + run_slots_offset(r.class, r.slots);
    r.refs = r.class->embedded ? r.first + r.class->capacity : at + HEADER;
    r.ref_step = r.class->embedded ? r.class->stride : 4;
    return r;
}

static uint64_t header_of(unsigned class_id, unsigned slots, uint64_t free) {
    return SPAN_RUN | (uint64_t)class_id << RUN_CLASS_SHIFT |
           (uint64_t)slots << RUN_SLOTS_SHIFT | free << RUN_MASK_SHIFT;
}

static void set_free(struct store *s, struct run *r, uint64_t free) {
    r->free = free;
    area_set_header(&s->area, r->span, header_of(r->class_id, r->slots, free));
}

/* --- sizes --- */

static void set_ref(const struct run *r, unsigned i, uint32_t ref) {
    store32(r->refs + i * r->ref_step, ref);
}

static char *wide_slack(const struct run *r, unsigned i) {
    return run_slot(r, i) + r->class->capacity - 2;
}

size_t small_size(const struct run *r, unsigned i) {
    unsigned slack = run_ref(r, i) & (unsigned)bit_mask(SLACK_BITS);
    if (unlikely(slack == SLACK_WIDE)) {
        uint16_t wide;
        memcpy(&wide, wide_slack(r, i), sizeof wide);
        slack = wide;
    }
    return (size_t)r->class->capacity - slack;
}

static void set_ref_size(const struct run *r, unsigned i, uint32_t slot, size_t size) {
    unsigned slack = r->class->capacity - (unsigned)size;
    if (unlikely(slack >= SLACK_WIDE)) {
        uint16_t wide = (uint16_t)slack;
        memcpy(wide_slack(r, i), &wide, sizeof wide);
        slack = SLACK_WIDE;
    }
    set_ref(r, i, slot << SLACK_BITS | slack);
}

void small_set_size(const struct run *r, unsigned i, size_t size) {
    set_ref_size(r, i, ref_slot(run_ref(r, i)), size);
}

/* --- lists: circular, the links in the highest free slot --- */

enum { NEXT, PREVIOUS };

static char *links_in(const struct run *r) { return run_slot(r, bit_highest(r->free)); }

static unit_t link_of(const struct store *s, unit_t span, unsigned which) {
    struct run r = small_run(s, span);
    return load32(links_in(&r) + 4 * which);
}

static void set_link(struct store *s, unit_t span, unsigned which, unit_t to) {
    struct run r = small_run(s, span);
    store32(links_in(&r) + 4 * which, to);
}

static enum density density_of(const struct run *r) {
    return 2 * run_live(r) > r->slots ? DENSE : SPARSE;
}

static void list_insert(struct store *s, const struct run *r) {
    unit_t *head = &s->runs[r->class_id].head[density_of(r)];
    char *links = links_in(r);
    if (*head == UNIT_NIL) {
        store32(links, r->span);
        store32(links + 4, r->span);
    } else {
        unit_t last = link_of(s, *head, PREVIOUS);
        store32(links, *head);
        store32(links + 4, last);
        set_link(s, *head, PREVIOUS, r->span);
        set_link(s, last, NEXT, r->span);
    }
    *head = r->span;
}

/* Takes a run out of the list of `density`, its links read where they are now. */
static void list_remove(struct store *s, const struct run *r, enum density density) {
    unit_t *head = &s->runs[r->class_id].head[density];
    unit_t next = load32(links_in(r)), previous = load32(links_in(r) + 4);
    if (next == r->span) {
        *head = UNIT_NIL;
        return;
    }
    set_link(s, previous, NEXT, next);
    set_link(s, next, PREVIOUS, previous);
    if (*head == r->span) *head = next;
}

unit_t small_first(const struct store *s, unsigned class_id) {
    const struct class_runs *runs = &s->runs[class_id];
    return runs->head[DENSE] != UNIT_NIL ? runs->head[DENSE] : runs->head[SPARSE];
}

unit_t small_last(const struct store *s, unsigned class_id) {
    const struct class_runs *runs = &s->runs[class_id];
    unit_t head = runs->head[SPARSE] != UNIT_NIL ? runs->head[SPARSE] : runs->head[DENSE];
    return head == UNIT_NIL ? UNIT_NIL : link_of(s, head, PREVIOUS);
}

unit_t small_before(const struct store *s, unit_t span) {
    struct run r = small_run(s, span);
    const unit_t *head = s->runs[r.class_id].head;
    if (span != head[density_of(&r)]) return load32(links_in(&r) + 4);
    if (density_of(&r) == DENSE || head[DENSE] == UNIT_NIL) return UNIT_NIL;
    return link_of(s, head[DENSE], PREVIOUS);
}

/* --- slots --- */

/* Take the lowest free slot of a run: it stands in its list by the density it has then. */
static unsigned take_slot(struct store *s, struct run *r) {
    enum density before = density_of(r);
    unsigned i = bit_lowest(r->free);
    uint64_t left = r->free & (r->free - 1);
    if (left == 0) {
        list_remove(s, r, before);
        set_free(s, r, 0);
    } else { /* the links stay: the highest free slot is another one */
        struct run after = *r;
        after.free = left;
        if (density_of(&after) != before) {
            list_remove(s, r, before);
            set_free(s, r, left);
            list_insert(s, r);
        } else {
            set_free(s, r, left);
        }
    }
    s->runs[r->class_id].live++;
    s->spare -= r->class->stride;
    return i;
}

/* Name the object's place in its entry. */
static void point_entry(struct store *s, uint32_t slot, const struct run *r, unsigned i) {
    size_t place = (size_t)(run_slot(r, i) - s->area.base);
    unsigned back = (unsigned)((place - place_behind(r->span)) >> UNIT_SHIFT);
    table_set(&s->table, slot, entry_moved(table_entry(&s->table, slot), place, back));
}

/* How many slots the next run of a class is to have. */
static unsigned wanted_slots(const struct store *s, unsigned class_id) {
    const struct size_class *class = &size_classes[class_id];
    unsigned slots = SLOTS_LEAST + s->runs[class_id].live / 4;
    if (slots >= class->slots_max) return class->slots_max;
    /* Whole fours leave no padding behind the references. */
    return slots >= 8 ? slots & ~3u : slots;
}

/* A span just cut out becomes a run without objects, for which one is coming. */
static void adopt_run(struct store *s, unit_t span, unsigned class_id, unsigned slots) {
    area_set_header(&s->area, span, header_of(class_id, slots, bit_mask(slots)));
    s->runs[class_id].slots += slots;
    s->spare += (size_t)slots * size_classes[class_id].stride;
    s->loose[class_id / 64] |= UINT64_C(1) << class_id % 64;
    struct run r = small_run(s, span);
    list_insert(s, &r);
}

/* A new run, of half the wanted slots or more; `any`: of any length. */
static unit_t make_run(struct store *s, unsigned class_id, bool any) {
    const struct size_class *class = &size_classes[class_id];
    unsigned slots = wanted_slots(s, class_id), least = any ? 1 : (slots + 1) / 2;
    if (least < SLOTS_LEAST) least = SLOTS_LEAST;
    for (; slots >= least; slots /= 2) {
        unit_t span = area_alloc(&s->area, run_units(class, slots));
        if (span == UNIT_NIL) continue;
        adopt_run(s, span, class_id, slots);
        return span;
    }
    return UNIT_NIL;
}

/* A run of a larger class with a free slot that keeps the alignment rule for `size`. */
static unit_t larger_run(const struct store *s, unsigned class_id, size_t size) {
    bool sixteen = size_alignment(size) == 16;
    for (unsigned c = class_id + 1; c < CLASSES; c++)
        if (small_first(s, c) != UNIT_NIL &&
            !(sixteen && size_classes[c].stride % 16 != 0))
            return small_first(s, c);
    return UNIT_NIL;
}

/* A new object takes the lowest free slot of a run. */
static void settle_in(struct store *s, unit_t span, uint32_t slot, size_t size) {
    struct run r = small_run(s, span);
    unsigned i = take_slot(s, &r);
    set_ref_size(&r, i, slot, size);
    point_entry(s, slot, &r, i);
}

bool small_alloc(struct store *s, uint32_t slot, size_t size, bool any) {
    unsigned class_id = class_of(size);
    unit_t span = small_first(s, class_id);
    if (span == UNIT_NIL) span = make_run(s, class_id, any);
    if (span == UNIT_NIL) return false;
    settle_in(s, span, slot, size);
    return true;
}

bool small_alloc_larger(struct store *s, uint32_t slot, size_t size) {
    unit_t span = larger_run(s, class_of(size), size);
    if (span == UNIT_NIL) return false;
    settle_in(s, span, slot, size);
    return true;
}

size_t small_largest(const struct store *s) {
    for (unsigned c = CLASSES - 1; c > 0; c--)
        if (small_first(s, c) != UNIT_NIL) return size_classes[c].capacity;
    return 0;
}

unit_t small_free(struct store *s, unit_t span, unsigned i) {
    struct run r = small_run(s, span);
    struct class_runs *runs = &s->runs[r.class_id];
    uint64_t bit = UINT64_C(1) << i;
    runs->live--;
    if ((r.free | bit) == bit_mask(r.slots)) { /* its last object */
        if (r.free != 0) list_remove(s, &r, density_of(&r));
        runs->slots -= r.slots;
        s->spare -= (size_t)(r.slots - 1) * r.class->stride;
        return area_free(&s->area, span, run_units(r.class, r.slots));
    }
    s->spare += r.class->stride;
    s->loose[r.class_id / 64] |= UINT64_C(1) << r.class_id % 64;
    if (r.free == 0) {
        set_free(s, &r, bit);
        list_insert(s, &r);
        return UNIT_NIL;
    }
    struct run after = r;
    after.free = r.free | bit;
    if (density_of(&after) != density_of(&r)) {
        list_remove(s, &r, density_of(&r));
        set_free(s, &r, after.free);
        list_insert(s, &r);
    } else {
        if (bit > r.free) /* a new highest free slot: the links move into it */
            store64(links_in(&after), load64(links_in(&r)));
        set_free(s, &r, after.free);
    }
    return UNIT_NIL;
}

char *small_restore(struct store *s, const struct run *before, uint32_t ref) {
    if (run_live(before) == 1) { /* the run went with its only object */
        unit_t units = run_units(before->class, before->slots), at, next;
        at = area_start_near(&s->area, before->span);
        while ((next = at + area_units(&s->area, at)) <= before->span) at = next;
        area_cut(&s->area, at, before->span, units);
        adopt_run(s, before->span, before->class_id, before->slots);
    }
    struct run r = small_run(s, before->span);
    unsigned i = take_slot(s, &r);
    set_ref(&r, i, ref);
    point_entry(s, ref_slot(ref), &r, i);
    return run_slot(&r, i);
}

void small_shift(struct store *s, unit_t from, unsigned i, unit_t to) {
    struct run source = small_run(s, from), target = small_run(s, to);
    CHECK(7, source.class_id == target.class_id && target.free != 0);
    unsigned j = take_slot(s, &target);
    memcpy(run_slot(&target, j), run_slot(&source, i), source.class->capacity);
    uint32_t ref = run_ref(&source, i);
    set_ref(&target, j, ref);
    point_entry(s, ref_slot(ref), &target, j);
    store_moved(s, source.class->stride, 1);
    small_free(s, from, i);
}

/* --- what merging frees, and the cut at its end --- */

/* Units of a run, or of a block, that is left of a run when `kept` objects stay in it: those in
   its highest live slots, since it gives away its lowest first. */
static unit_t units_left(const struct run *r, unsigned kept) {
    if (kept == 0) return 0;
    if (kept > 1 || r->slots == 1) return run_units(r->class, kept);
    return block_units(small_size(r, bit_highest(run_live_mask(r))), false);
}

/* One circular list of a class. `live` objects are still to be housed: runs take them in
   order; the run that takes the last is cut, those behind it are freed. */
static size_t list_excess(const struct store *s, unit_t head, uint32_t *live) {
    size_t excess = 0;
    if (head == UNIT_NIL) return 0;
    unit_t at = head;
    do {
        struct run r = small_run(s, at);
        unsigned kept = *live < r.slots ? *live : r.slots;
        excess += run_units(r.class, r.slots);
        excess -= units_left(&r, kept);
        *live -= kept;
        at = load32(links_in(&r));
    } while (at != head);
    return excess;
}

static uint32_t list_live(const struct store *s, unit_t head) {
    uint32_t live = 0;
    if (head == UNIT_NIL) return 0;
    unit_t at = head;
    do {
        struct run r = small_run(s, at);
        live += run_live(&r);
        at = load32(links_in(&r));
    } while (at != head);
    return live;
}

size_t small_excess(const struct store *s) {
    size_t excess = 0;
    for (unsigned c = 1; c < CLASSES; c++) {
        const unit_t *head = s->runs[c].head;
        if (head[DENSE] == UNIT_NIL && head[SPARSE] == UNIT_NIL) continue;
        uint32_t live = list_live(s, head[DENSE]) + list_live(s, head[SPARSE]);
        excess += list_excess(s, head[DENSE], &live);
        excess += list_excess(s, head[SPARSE], &live);
    }
    return excess;
}

void small_relink(struct store *s, unit_t from, unit_t to) {
    struct run r = small_run(s, to);
    if (r.free == 0) return;
    unit_t next = load32(links_in(&r)), previous = load32(links_in(&r) + 4);
    if (next == from) { /* alone in its list */
        next = previous = to;
    }
    set_link(s, next, PREVIOUS, to);
    set_link(s, previous, NEXT, to);
    unit_t *head = &s->runs[r.class_id].head[density_of(&r)];
    if (*head == from) *head = to;
}

unsigned small_follow(struct store *s, unit_t span) {
    struct run r = small_run(s, span);
    for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1) {
        unsigned i = bit_lowest(live);
        point_entry(s, ref_slot(run_ref(&r, i)), &r, i);
    }
    return run_live(&r);
}

void small_cut(struct store *s, unit_t span) {
    struct run r = small_run(s, span);
    unsigned live = run_live(&r);
    unit_t units = run_units(r.class, r.slots), cut = run_units(r.class, live);
    if (cut == units) return;
    list_remove(s, &r, density_of(&r));
    s->runs[r.class_id].slots -= r.slots - live;
    s->spare -= (size_t)(r.slots - live) * r.class->stride;

    /* Objects beyond the new end go to the lowest free slots ... */
    while (r.free & bit_mask(live)) {
        unsigned to = bit_lowest(r.free), from = bit_highest(run_live_mask(&r));
        memcpy(run_slot(&r, to), run_slot(&r, from), r.class->capacity);
        uint32_t ref = run_ref(&r, from);
        set_ref(&r, to, ref);
        point_entry(s, ref_slot(ref), &r, to);
        r.free ^= UINT64_C(1) << to | UINT64_C(1) << from;
        store_moved(s, r.class->stride, 1);
    }
    /* ... and where the references come first, all slots move down behind fewer of them. */
    area_set_header(&s->area, span, header_of(r.class_id, live, 0));
    struct run after = small_run(s, span);
    if (after.first != r.first) {
        memmove(after.first, r.first, (size_t)live * r.class->stride);
        s->moved += (size_t)live * r.class->stride;
        s->moved_blocks += small_follow(s, span);
    }
    area_split_off(&s->area, span + cut, units - cut);
}

/* --- gaps as long as a slot --- */

bool small_has_stride(const struct store *s, size_t bytes) {
    if (bytes > SMALL_MAX) return false;
    unsigned separate = class_of(bytes);
    return s->runs[separate].live + s->runs[separate - 1].live > 0;
}

void small_keep_gap(struct store *s, unit_t gap) {
    unit_t units = free_size(area_header(&s->area, gap));
    size_t bytes = units_bytes(units);
    /* Embedded, so that nothing but a header stands beside the slot. */
    size_t stride = bytes <= 128 ? bytes - HEADER : bytes - UNIT;
    unsigned class_id = class_of(stride) - 1;
    CHECK(7, size_classes[class_id].embedded &&
                 run_units(&size_classes[class_id], 1) == units);
    uint64_t loose = s->loose[class_id / 64];
    area_cut(&s->area, gap, gap, units);
    adopt_run(s, gap, class_id, 1);
    s->loose[class_id / 64] = loose; /* there is nothing to merge */
    s->kept[class_id / 64] |= UINT64_C(1) << class_id % 64;
}

static void drop(struct store *s, const struct run *r) {
    list_remove(s, r, density_of(r));
    s->runs[r->class_id].slots -= r->slots;
    s->spare -= (size_t)r->slots * r->class->stride;
    area_free(&s->area, r->span, run_units(r->class, r->slots));
}

/* Those of one class are among the sparse ones. */
static void drop_kept_of(struct store *s, unsigned class_id) {
    unit_t at = s->runs[class_id].head[SPARSE], next;
    if (at == UNIT_NIL) return;
    unit_t last = link_of(s, at, PREVIOUS);
    for (bool done = false; !done; at = next) {
        struct run r = small_run(s, at);
        next = load32(links_in(&r));
        done = at == last;
        if (run_live(&r) == 0) drop(s, &r);
    }
}

void small_drop_kept(struct store *s) {
    for (unsigned word = 0; word < 2; word++)
        for (; s->kept[word] != 0; s->kept[word] &= s->kept[word] - 1)
            drop_kept_of(s, 64 * word + bit_lowest(s->kept[word]));
}
