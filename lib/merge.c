/* SPDX-License-Identifier: MIT */
#include "merge.h"

#include "block.h"
#include "bytes.h"
#include "claim.h"
#include "move.h"
#include "small.h"

enum {
    LOOKS_MAX = 64,   /* at pinned runs, in one action, */
    LOOKS_SHARED = 4, /* and where others may be waiting */
    LINE = 64,        /* bytes that come at once from memory */
    LINKS_GUESSED = 4,
    STRIDE_SLOTS = 128 /* from here on, those slots are asked for that are needed */
};

/* --- which run gives --- */

/* The last run of one list that can be emptied. Pinned ones on the way go to its front: there they
   are filled first, and no more looked at. UNIT_NIL: all are pinned, or there have been many. */
static unit_t giver_in(struct store *s, unsigned class_id, enum density density,
                       bool *pinned) {
    unit_t *head = &s->runs[class_id].head[density];
    if (*head == UNIT_NIL) return UNIT_NIL;
    unit_t last = run_link(s, *head, RUN_PREVIOUS), at = last;
    unsigned most = s->concurrent ? LOOKS_SHARED : LOOKS_MAX;
    for (unsigned looks = 0; looks < most; looks++) {
        s->looked++;
        if (!move_pinned(s, at)) return at;
        *pinned = true;
        *head = at;
        at = run_link(s, at, RUN_PREVIOUS);
        if (at == last) break;
    }
    return UNIT_NIL;
}

static unit_t giver(struct store *s, unsigned class_id, bool *pinned) {
    unit_t from = giver_in(s, class_id, SPARSE, pinned);
    return from != UNIT_NIL ? from : giver_in(s, class_id, DENSE, pinned);
}

/* --- objects from one run to another --- */

/* A run is about to have `free` slots free, which may take it from its list or to another. False: its
   place in its list and its links are still good. */
static bool leaves_list(struct store *s, const struct run *r, uint64_t free) {
    struct run after = *r;
    after.free = free;
    if (free != 0 && free != bit_mask(r->slots) && run_density(&after) == run_density(r))
        return false;
    run_unlist(s, r, run_density(r));
    return true;
}

/* Slot contents, of multiples of 8 bytes. */
#if defined(__SANITIZE_THREAD__)
static void copy_slot(char *to, const char *from, unsigned bytes) {
    claim_copy(to, from, bytes);
}
#else
static UNSEEN void copy_slot(char *to, const char *from, unsigned bytes) {
    for (; bytes >= 16; bytes -= 16, to += 16, from += 16) {
        uint64_t low = load64(from), high = load64(from + 8);
        store64(to, low);
        store64(to + 8, high);
    }
    if (bytes != 0) store64(to, load64(from));
}
#endif

/* --- what will be needed soon --- */

/* Runs lie anywhere, and so do the entries of their objects: so what a run needs is asked for while those
   before it in its list are poured. Each hop along the list takes what was asked for the last time:

        third     its header, and its highest slots: most likely its links lie in one of them
        second    the slots that will be read, or written, and their references
        first     entries                                                                        */

/* Too much at once is not heard: so a share is asked for with each object that is copied. */
struct coming {
    struct run taker, giver, first; /* the second ones of both, and the first giver */
    uint64_t room, live, entries; /* what has not been asked for: slots, and `first`'s */
    const char *at[2],
        *end[2];    /* where slots are short: all of taker and giver, in bytes */
    unsigned share; /* of those, lines of each for an object */
};

static void ask(const char *at) { __builtin_prefetch(at, 1); }

static void ask_for_links(const struct store *s, unit_t span, const struct run *like) {
    struct run r = *like; /* as long, most likely */
    r.at = area_at(&s->area, span);
    ask(r.at);
    for (unsigned i = r.slots; i > 0 && i + LINKS_GUESSED > r.slots; i--)
        ask(run_slot(&r, i - 1));
}

static unit_t neighbour(const struct run *r, unsigned which) {
    return load32(run_links(r) + 4 * which);
}

static void whole(struct coming *c, unsigned which, const struct run *r, unsigned n) {
    size_t bytes = units_bytes(run_units(r->class, r->slots)) + HEADER; /* of the next */
    unsigned share = (unsigned)(bytes / LINE + n) / n;
    c->at[which] = r->at;
    c->end[which] = r->at + bytes;
    if (share > c->share) c->share = share;
}

/* While `n` objects are copied: what comes after the giver, if it is emptied, and the taker, if it is
   filled. */
static void look_ahead(struct coming *c, const struct store *s, const struct run *giver,
                       const struct run *taker, unsigned n) {
    if (n == 0) return; /* a kept gap gives nothing */
    bool slots = giver->class->stride >= STRIDE_SLOTS;
    if (n == run_live(giver)) {
        c->first = run_at(s, neighbour(giver, RUN_PREVIOUS));
        c->entries = run_live_mask(&c->first);
        c->giver = run_at(s, neighbour(&c->first, RUN_PREVIOUS));
        ask_for_links(s, neighbour(&c->giver, RUN_PREVIOUS), giver);
        c->live = slots ? run_live_mask(&c->giver) : 0;
        if (!slots) whole(c, 0, &c->giver, n);
    }
    if (n == bit_count(taker->free)) {
        struct run first = run_at(s, neighbour(taker, RUN_NEXT));
        c->taker = run_at(s, neighbour(&first, RUN_NEXT));
        ask_for_links(s, neighbour(&c->taker, RUN_NEXT), taker);
        c->room = slots ? c->taker.free : 0;
        if (!slots) whole(c, 1, &c->taker, n);
    }
}

static void ask_for_slot(const struct run *r, uint64_t *slots) {
    if (*slots == 0) return;
    unsigned i = bit_lowest(*slots);
    const char *slot = run_slot(r, i);
    *slots &= *slots - 1;
    for (unsigned line = 0; line <= r->class->stride; line += LINE) ask(slot + line);
    ask(r->at + ref_offset(r->class, i));
}

static void ask_for_entry(const struct store *s, struct coming *c) {
    if (c->entries == 0) return;
    ask(table_slot(&s->table, ref_slot(run_ref(&c->first, bit_lowest(c->entries)))));
    c->entries &= c->entries - 1;
}

static void ask_for_share(const struct store *s, struct coming *c) {
    ask_for_entry(s, c); /* needed soonest */
    ask_for_entry(s, c);
    for (unsigned which = 0; which < 2; which++)
        for (unsigned i = 0; i < c->share && c->at[which] < c->end[which]; i++) {
            ask(c->at[which]);
            c->at[which] += LINE;
        }
    ask_for_slot(&c->giver, &c->live);
    ask_for_slot(&c->taker, &c->room);
}

static void ask_for_rest(const struct store *s, struct coming *c) {
    while (c->entries != 0) ask_for_entry(s, c);
    while (c->live != 0) ask_for_slot(&c->giver, &c->live);
    while (c->room != 0) ask_for_slot(&c->taker, &c->room);
}

/* --- pouring --- */

/* What of it has come to nothing: the objects are wanted where they are. */
struct kept {
    uint64_t given, taken; /* their slots, and those that were for them */
};

/* The objects in slots `given` go to slots `taken` of a run of the same class. */
static struct kept copy_objects(struct store *s, const struct run *from, uint64_t given,
                                const struct run *to, uint64_t taken,
                                struct coming *coming) {
    const struct size_class class = *from->class; /* what is written is no part of it */
    struct kept kept = {0, 0};
    bool alone = !s->concurrent; /* all was seen to be movable */
    struct table table = s->table;
    size_t at = (size_t)(to->at - s->area.base);
    for (; given != 0; given &= given - 1, taken &= taken - 1) {
        unsigned i = bit_lowest(given), j = bit_lowest(taken), offset;
        offset = slot_offset(&class, j);
        uint32_t ref = load32(from->at + ref_offset(&class, i));
        uint32_t slot = table_named(&table, ref_slot(ref));
        uint64_t e;
        bool goes = alone || claim_one(s, slot, LOCKS_COPYING, &e);
        copy_slot(to->at + offset, from->at + slot_offset(&class, i),
                  class.stride); /* an embedded reference is in it */
        store32(to->at + ref_offset(&class, j), ref);
        ask_for_share(s, coming);
        if (alone) {
            e = table_entry(&table, slot);
            table_set(&table, slot, shape_moved(e, at + offset, j));
            store_tell(s, slot);
            continue;
        }
        if (goes && claim_publish(s, slot, e, shape_moved(e, at + offset, j))) {
            store_tell(s, slot);
            continue;
        }
        kept.given |= given & -given;
        kept.taken |= taken & -taken;
    }
    return kept;
}

/* Move objects out of an unpinned run until it or the other one is done; at most a run's worth. Those that
   somebody comes to lock stay where they are, and are seen to be pinned the next time. False: all. */
static bool pour(struct store *s, unit_t from, unit_t to) {
    struct run source = run_at(s, from), target = run_at(s, to);
    SOUND(source.class_id == target.class_id);
    unsigned live = run_live(&source), room = bit_count(target.free);
    unsigned n = live < room ? live : room;
    uint64_t given = run_live_mask(&source), taken = target.free;
    if (n < live) given = bit_first(given, n);
    if (n < room) taken = bit_first(taken, n);
    struct coming coming;
    coming.share = 0;
    coming.room = coming.live = coming.entries = 0;
    coming.at[0] = coming.end[0] = coming.at[1] = coming.end[1] = NULL;
    look_ahead(&coming, s, &source, &target, n);

    /* The links lie in the highest free slot: it is taken last, but given as any other. */
    uint64_t source_free = source.free | given, target_free = target.free & ~taken;
    bool target_leaves = leaves_list(s, &target, target_free);
    bool source_leaves = leaves_list(s, &source, source_free);
    uint64_t links = load64(run_links(&source));
    struct kept kept = copy_objects(s, &source, given, &target, taken, &coming);
    ask_for_rest(s, &coming);
    source_free &= ~kept.given;
    target_free |= kept.taken;
    n -= bit_count(kept.given);
    store_moved(s, (size_t)n * source.class->stride, n);
    s->spare -= (size_t)n * source.class->stride;

    if (n == live) {
        s->runs[source.class_id].slots -= source.slots;
        s->spare -= (size_t)(source.slots - live) * source.class->stride;
        area_free(&s->area, from, run_units(source.class, source.slots));
    } else {
        s->spare += (size_t)n * source.class->stride;
        run_set_free(s, &source, source_free);
        if (!source_leaves) store64(run_links(&source), links);
        if (source_leaves) run_list(s, &source);
    }
    run_set_free(s, &target, target_free);
    if (target_leaves && target_free != 0) run_list(s, &target);
    return n > 0;
}

/* --- what is left --- */

/* The only object of a run gets a block of its own, in what the run took. False: somebody wants it. */
static bool set_free(struct store *s, unit_t span) {
    struct run r = run_at(s, span);
    unsigned i = bit_lowest(run_live_mask(&r));
    uint32_t slot = run_owner(s, &r, i);
    uint64_t e;
    if (!claim_one(s, slot, LOCKS_MOVING, &e)) return false;
    size_t size = run_size(s, &r, i);
    char content[SMALL_MAX];
    bytes_move(content, run_slot(&r, i), size);
    unit_t gap = small_free(s, span, i);
    area_cut(&s->area, gap, gap, block_units(size, false));
    e = block_write(s, gap, slot, size, 0, e);
    bytes_move(area_at(&s->area, gap) + HEADER, content, size);
    table_set(&s->table, slot, entry_settled(e));
    store_tell(s, slot);
    store_moved(s, size, 1);
    return true;
}

/* A run is cut down to what is live in it. False: somebody wants something in it. */
static bool cut(struct store *s, unit_t span) {
    if (!claim_span(s, span, LOCKS_MOVING)) return false;
    small_cut(s, span);
    claim_drop(s, span, LOCKS_MOVING);
    return true;
}

/* The one run with a free slot that is left of a class; false: somebody wants something in it, or its only
   object rests, which stays in a run of its class. */
static bool finish_run(struct store *s, unit_t span) {
    struct run r = run_at(s, span);
    if (run_live(&r) > 1) return cut(s, span);
    SOUND(run_live(&r) == 1);
    return !move_slot_rests(s, span, bit_lowest(run_live_mask(&r))) && set_free(s, span);
}

/* One action in a class; false: it is done. */
static bool merge_class(struct store *s, unsigned class_id) {
    uint64_t *loose = &s->loose[class_id / 64], *stuck = &s->stuck[class_id / 64];
    uint64_t bit = UINT64_C(1) << class_id % 64;
    bool pinned = false;
    SOUND(class_id < CLASSES);
    unit_t from = giver(s, class_id, &pinned), to = run_first(s, class_id);
    if (from == to) to = s->runs[class_id].head[SPARSE]; /* where all there are pinned */
    if (from != UNIT_NIL && to != UNIT_NIL && from != to) {
        pour(s, from, to);
        return true;
    }
    *loose &= ~bit;
    size_t before = s->moved;
    bool done = from == UNIT_NIL || finish_run(s, from);
    if (pinned || !done) *stuck |= bit;
    return pinned || s->moved > before;
}

void merge_again(struct store *s) {
    /* Has something been unlocked, or is it at rest no more? */
    uint64_t now = s->changes + s->allocations;
    if (s->stuck_at == now) return;
    s->stuck_at = now;
    for (unsigned word = 0; word < 2; word++) {
        s->loose[word] |= s->stuck[word];
        s->stuck[word] = 0;
    }
}

bool merge_step(struct store *s) {
    for (unsigned word = 0; word < 2; word++)
        while (s->loose[word] != 0)
            if (merge_class(s, 64 * word + bit_lowest(s->loose[word]))) return true;
    return false;
}

/* Do the free slots of a class, without those of one of its runs, hold what is live in that one? */
static bool worth_emptying(const struct store *s, unsigned class_id, unit_t span) {
    const struct class_runs *runs = &s->runs[class_id];
    return runs->slots - runs->live >= run_slots(area_header(&s->area, span));
}

bool merge_one_run(struct store *s) {
    for (unsigned word = 0; word < 2; word++)
        for (uint64_t loose = s->loose[word]; loose != 0; loose &= loose - 1) {
            unsigned class_id = 64 * word + bit_lowest(loose);
            bool pinned = false;
            SOUND(class_id < CLASSES);
            unit_t from = giver(s, class_id, &pinned);
            if (from == UNIT_NIL || !worth_emptying(s, class_id, from)) continue;
            uint32_t before = s->runs[class_id].slots;
            while (s->runs[class_id].slots == before) {
                unit_t to = run_first(s, class_id);
                if (to == from) to = s->runs[class_id].head[SPARSE];
                if (to == from || to == UNIT_NIL || !pour(s, from, to)) break;
            }
            if (s->runs[class_id].slots < before) return true;
        }
    return false;
}
