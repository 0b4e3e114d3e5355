/* SPDX-License-Identifier: MIT */
#include "small.h"

#include "bytes.h"
#include "check.h"

/* A single object takes less with a header of its own than as a run of one. */
enum { SLOTS_LEAST = 2 };

void small_init(struct store *s) {
    for (unsigned c = 0; c < CLASSES; c++)
        s->runs[c] = (struct class_runs){{UNIT_NIL, UNIT_NIL}, 0, 0};
}

/* --- slots --- */

/* Take so many of a run's free slots, the lowest. */
static uint64_t take_slots(struct store *s, struct run *r, unsigned n) {
    uint64_t taken = bit_first(r->free, n);
    SOUND(taken != 0);
    run_change_free(s, r, r->free & ~taken);
    n = bit_count(taken);
    s->runs[r->class_id].live += n;
    s->spare -= (size_t)n * r->class->stride;
    return taken;
}

static unsigned take_slot(struct store *s, struct run *r) {
    return bit_lowest(take_slots(s, r, 1));
}

static size_t slot_place(const struct store *s, const struct run *r, unsigned i) {
    return (size_t)(run_slot(r, i) - s->area.base);
}

/* An object of a run is in slot i now: its entry follows. */
static void point_entry(struct store *s, uint32_t slot, const struct run *r, unsigned i) {
    uint64_t e = table_entry(&s->table, slot);
    table_set(&s->table, slot, entry_settled(shape_moved(e, slot_place(s, r, i), i)));
    store_tell(s, slot);
}

/* How many slots the next run of a class is to have. */
static unsigned wanted_slots(const struct store *s, unsigned class_id) {
    const struct size_class *class = &size_classes[class_id];
    unsigned slots = SLOTS_LEAST + s->runs[class_id].live / 4;
    if (slots >= class->slots_max) return class->slots_max;
    /* Whole fours leave no padding behind the references. */
    return slots >= 8 ? slots & ~3u : slots;
}

unit_t small_run_units(const struct store *s, size_t size) {
    unsigned class_id = class_of(size);
    return run_units(&size_classes[class_id], wanted_slots(s, class_id));
}

/* A span just cut out becomes a run without objects, for which one is coming. */
static void adopt_run(struct store *s, unit_t span, unsigned class_id, unsigned slots) {
    area_set_header(&s->area, span, run_header(class_id, slots, bit_mask(slots)));
    s->runs[class_id].slots += slots;
    s->spare += (size_t)slots * size_classes[class_id].stride;
    s->loose[class_id / 64] |= UINT64_C(1) << class_id % 64;
    struct run r = run_at(s, span);
    run_list(s, &r);
}

/* How many slots, at most so many, a run of so many units has. */
static unsigned slots_within(const struct size_class *class, unsigned most,
                             unit_t units) {
    while (most > 0 && run_units(class, most) > units) most--;
    return most;
}

/* A new run: of the wanted slots, else of as many as the largest free span holds, a quarter or more of
   those; `any`: of any length. To fill a span leaves no gap that nothing else fits. */
static unit_t make_run(struct store *s, unsigned class_id, bool any) {
    const struct size_class *class = &size_classes[class_id];
    unsigned slots = wanted_slots(s, class_id), least = any ? 1 : (slots + 3) / 4;
    if (least < SLOTS_LEAST) least = SLOTS_LEAST;
    unit_t span = area_alloc(&s->area, run_units(class, slots));
    if (span == UNIT_NIL) {
        slots = slots_within(class, slots, area_largest(&s->area));
        if (slots < least) return UNIT_NIL;
        span = area_alloc(&s->area, run_units(class, slots));
        SOUND(span != UNIT_NIL);
    }
    adopt_run(s, span, class_id, slots);
    return span;
}

/* A run of a larger class with a free slot that keeps the alignment rule for `size`. */
static unit_t larger_run(const struct store *s, unsigned class_id, size_t size) {
    bool sixteen = size_alignment(size) == 16;
    for (unsigned c = class_id + 1; c < CLASSES; c++)
        if (run_first(s, c) != UNIT_NIL && !(sixteen && size_classes[c].stride % 16 != 0))
            return run_first(s, c);
    return UNIT_NIL;
}

/* A new object takes the lowest free slot of a run. */
static void settle_in(struct store *s, unit_t span, uint32_t slot, size_t size,
                      uint64_t *e) {
    struct run r = run_at(s, span);
    unsigned i = take_slot(s, &r), shape = shape_make(r.class_id, i, size);
    *e = entry_moved(*e, slot_place(s, &r, i), shape);
    run_put_ref(&r, i, slot << SLACK_BITS);
    if (unlikely(!shape_is_plain(*e))) run_note_size(&r, i, size, false);
}

bool small_alloc_in(struct store *s, unsigned class_id, uint32_t slot, size_t size,
                    bool any, uint64_t *e) {
    unit_t span = run_first(s, class_id);
    if (span == UNIT_NIL) span = make_run(s, class_id, any);
    if (span == UNIT_NIL) return false;
    settle_in(s, span, slot, size, e);
    return true;
}

unsigned small_take_some(struct store *s, unsigned class_id, unsigned most,
                         const uint32_t *slots) {
    unit_t span = run_first(s, class_id);
    struct run r = run_at(s, span);
    uint64_t taken = take_slots(s, &r, most);
    unsigned n = 0;
    for (; taken != 0; taken &= taken - 1, n++) {
        unsigned i = bit_lowest(taken);
        uint64_t e = table_entry(&s->table, slots[n]);
        run_put_ref(&r, i, slots[n] << SLACK_BITS);
        table_set(&s->table, slots[n], entry_moved(e, slot_place(s, &r, i), i));
    }
    return n;
}

unsigned small_free_slots(struct store *s, unsigned class_id) {
    unit_t span = run_first(s, class_id);
    if (span == UNIT_NIL) span = make_run(s, class_id, false);
    return span == UNIT_NIL ? 0 : bit_count(run_at(s, span).free);
}

bool small_alloc_larger(struct store *s, uint32_t slot, size_t size, uint64_t *e) {
    unit_t span = larger_run(s, class_of(size), size);
    if (span == UNIT_NIL) return false;
    settle_in(s, span, slot, size, e);
    return true;
}

size_t small_largest(const struct store *s) {
    for (unsigned c = CLASSES - 1; c > 0; c--)
        if (run_first(s, c) != UNIT_NIL) return size_classes[c].capacity;
    return 0;
}

/* Free the last objects of a run, and the run. */
static unit_t free_last(struct store *s, const struct run *r) {
    struct class_runs *runs = &s->runs[r->class_id];
    if (r->free != 0) run_unlist(s, r, run_density(r));
    runs->live -= run_live(r);
    runs->slots -= r->slots;
    s->spare -= (size_t)bit_count(r->free) * r->class->stride;
    return area_free(&s->area, r->span, run_units(r->class, r->slots));
}

unit_t small_free_some(struct store *s, struct run *r, uint64_t slots) {
    uint64_t free = r->free | slots;
    SOUND((r->free & slots) == 0 && slots >> r->slots == 0);
    if (unlikely(free == bit_mask(r->slots))) return free_last(s, r);
    unsigned n = bit_count(slots);
    s->runs[r->class_id].live -= n;
    s->spare += (size_t)n * r->class->stride;
    s->loose[r->class_id / 64] |= UINT64_C(1) << r->class_id % 64;
    run_change_free(s, r, free);
    return UNIT_NIL;
}

unit_t small_free(struct store *s, unit_t span, unsigned i) {
    struct run r = run_at(s, span);
    return small_free_some(s, &r, UINT64_C(1) << i);
}

uint64_t small_restore(struct store *s, const struct run *before, uint32_t ref,
                       uint64_t e) {
    if (run_live(before) == 1) { /* the run went with its only object */
        unit_t units = run_units(before->class, before->slots), at, next;
        at = area_start_near(&s->area, before->span);
        while ((next = at + area_units(&s->area, at)) <= before->span) at = next;
        area_cut(&s->area, at, before->span, units);
        adopt_run(s, before->span, before->class_id, before->slots);
    }
    struct run r = run_at(s, before->span);
    unsigned i = take_slot(s, &r);
    run_put_ref(&r, i, ref);
    return shape_moved(e, slot_place(s, &r, i), i);
}

/* --- what merging frees, and the cut at its end --- */

/* Units of a run, or of a block, that is left of a run when `kept` objects stay in it: those in
   its highest live slots, since it gives away its lowest first. */
static unit_t units_left(const struct store *s, const struct run *r, unsigned kept) {
    if (kept == 0) return 0;
    if (kept > 1) return run_units(r->class, kept);
    SOUND(run_live(r) > 0);
    return block_units(run_size(s, r, bit_highest(run_live_mask(r))), false);
}

/* The run behind one in its list: of its class, and it knows the one before it, so that no list goes round
   without its head. */
static unit_t next_in(const struct store *s, const struct run *r) {
    unit_t next = load32(run_links(r));
    SOUND(run_at(s, next).class_id == r->class_id &&
          run_link(s, next, RUN_PREVIOUS) == r->span);
    return next;
}

/* One circular list of a class. `live` objects are still to be housed: runs take them in
   order; the run that takes the last is cut, those behind it are freed. A free slot that the
   cut leaves is noted. */
static size_t list_excess(const struct store *s, unit_t head, uint32_t *live,
                          size_t *slot) {
    size_t excess = 0;
    if (head == UNIT_NIL) return 0;
    unit_t at = head;
    do {
        struct run r = run_at(s, at);
        unsigned kept = *live < r.slots ? *live : r.slots;
        unit_t units = run_units(r.class, r.slots), left = units_left(s, &r, kept);
        excess += units - left;
        if (kept > 1 && kept < r.slots && left == units)
            *slot = r.class->capacity; /* they ascend */
        *live -= kept;
        at = next_in(s, &r);
    } while (at != head);
    return excess;
}

static uint32_t list_live(const struct store *s, unit_t head) {
    uint32_t live = 0;
    if (head == UNIT_NIL) return 0;
    unit_t at = head;
    do {
        struct run r = run_at(s, at);
        live += run_live(&r);
        at = next_in(s, &r);
    } while (at != head);
    return live;
}

size_t small_excess(const struct store *s, size_t *slot) {
    size_t none, *largest = slot != NULL ? slot : &none;
    *largest = 0;
    size_t excess = 0;
    for (unsigned c = 1; c < CLASSES; c++) {
        const unit_t *head = s->runs[c].head;
        if (head[DENSE] == UNIT_NIL && head[SPARSE] == UNIT_NIL) continue;
        uint32_t live = list_live(s, head[DENSE]) + list_live(s, head[SPARSE]);
        excess += list_excess(s, head[DENSE], &live, largest);
        excess += list_excess(s, head[SPARSE], &live, largest);
    }
    return excess;
}

unsigned small_follow(struct store *s, unit_t span) {
    struct run r = run_at(s, span);
    for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1) {
        unsigned i = bit_lowest(live);
        point_entry(s, run_owner(s, &r, i), &r, i);
    }
    return run_live(&r);
}

void small_cut(struct store *s, unit_t span) {
    struct run r = run_at(s, span);
    unsigned live = run_live(&r);
    unit_t units = run_units(r.class, r.slots), cut = run_units(r.class, live);
    if (cut == units) return;
    run_unlist(s, &r, run_density(&r));
    s->runs[r.class_id].slots -= r.slots - live;
    s->spare -= (size_t)(r.slots - live) * r.class->stride;

    /* Objects beyond the new end go to the lowest free slots. */
    while (r.free & bit_mask(live)) {
        unsigned to = bit_lowest(r.free), from = bit_highest(run_live_mask(&r));
        bytes_move(run_slot(&r, to), run_slot(&r, from), r.class->capacity);
        uint32_t ref = run_ref(&r, from), slot = run_owner(s, &r, from);
        run_put_ref(&r, to, ref);
        /* It stays claimed: who cuts gives the claim up, when no claim can be taken for a cache's any more. */
        table_set(&s->table, slot,
                  shape_moved(table_entry(&s->table, slot), slot_place(s, &r, to), to));
        r.free ^= UINT64_C(1) << to | UINT64_C(1) << from;
        store_tell(s, slot);
        store_moved(s, r.class->stride, 1);
    }
    area_set_header(&s->area, span, run_header(r.class_id, live, 0));
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
    SOUND(bytes - UNIT <= SMALL_MAX - UNIT);
    /* Embedded, so that nothing but a header stands beside the slot. */
    size_t stride = bytes <= 128 ? bytes - HEADER : bytes - UNIT;
    unsigned class_id = class_of(stride) - 1;
    uint64_t loose = s->loose[class_id / 64];
    area_cut(&s->area, gap, gap, units);
    adopt_run(s, gap, class_id, 1);
    s->runs[class_id].head[SPARSE] = run_link(s, gap, RUN_NEXT); /* it is the last */
    s->loose[class_id / 64] = loose; /* there is nothing to merge */
    s->kept[class_id / 64] |= UINT64_C(1) << class_id % 64;
}

/* They are the last ones of their list: nothing comes behind a run without an object. */
bool small_drop_kept(struct store *s) {
    for (unsigned word = 0; word < 2; word++)
        for (; s->kept[word] != 0; s->kept[word] &= s->kept[word] - 1) {
            unsigned class_id = 64 * word + bit_lowest(s->kept[word]);
            SOUND(class_id < CLASSES);
            unit_t head = s->runs[class_id].head[SPARSE];
            if (head == UNIT_NIL) continue;
            struct run r = run_at(s, run_link(s, head, RUN_PREVIOUS));
            if (run_live(&r) != 0) continue;
            run_unlist(s, &r, SPARSE);
            s->runs[class_id].slots -= r.slots;
            s->spare -= (size_t)r.slots * r.class->stride;
            area_free(&s->area, r.span, run_units(r.class, r.slots));
            return true;
        }
    return false;
}
