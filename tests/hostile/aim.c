/* SPDX-License-Identifier: MIT */
#include "hostile.h"

#include <stdlib.h>

#include "block.h"
#include "fault.h"
#include "run.h"

const char *const kind_names[N_KINDS] = {
    [K_TABLE] = "structure-table",
    [K_OUTER] = "structure-outer",
    [K_AREA] = "structure-area",
    [K_INDEX] = "structure-index",
    [K_QUICK] = "structure-quick",
    [K_RUNS] = "structure-runs",
    [K_NOTES] = "structure-notes",
    [K_REGION] = "structure-region",
    [K_CHUNK] = "chunk",
    [K_ENTRY] = "entry",
    [K_RESTING] = "entry-resting",
    [K_UNUSED] = "entry-free",
    [K_BITMAP] = "bitmap",
    [K_ZONE] = "zone",
    [K_BLOCK] = "header-block",
    [K_RUN] = "header-run",
    [K_FREE] = "header-free",
    [K_NODE] = "free-link",
    [K_LAST] = "free-size",
    [K_REFERENCE] = "reference",
    [K_LINK] = "run-link",
    [K_SLACK] = "slack",
    [K_ANY] = "any",
};

/* --- what there is --- */

struct list {
    struct scene *s;
    size_t room;
};

static void add(struct list *l, enum kind kind, const void *at, unsigned bytes,
                uint32_t slot) {
    struct scene *s = l->s;
    if (s->n_words == l->room) {
        l->room = l->room ? 2 * l->room : 1024;
        s->words = realloc(s->words, l->room * sizeof *s->words);
        if (s->words == NULL) give_up("no memory for a list of words");
    }
    char *word = (char *)(uintptr_t)at;
    s->words[s->n_words++] = (struct word){word, slot, (uint8_t)bytes, (uint8_t)kind};
}

static void add_words(struct list *l, enum kind kind, const void *from, const void *end) {
    const char *at = from;
    for (; at + 8 <= (const char *)end; at += 8) add(l, kind, at, 8, SLOT_NIL);
    if (at + 4 <= (const char *)end) add(l, kind, at, 4, SLOT_NIL);
}

static void add_structure(struct list *l) {
    const struct heap *h = l->s->h;
    const struct store *s = &h->store;
    const struct quick *q = &s->quick;
    add_words(l, K_TABLE, &s->table, &s->crowd);
    add_words(l, K_OUTER, &s->crowd, &s->requested);
    add_words(l, K_NOTES, &s->requested, &s->area);
    add_words(l, K_AREA, &s->area, &s->area.buddy);
    add_words(l, K_INDEX, &s->area.buddy, &s->area + 1);
    add_words(l, K_QUICK, q, q + 1);
    add_words(l, K_NOTES, &s->mover, s->runs);
    add_words(l, K_RUNS, s->runs, s + 1);
    add_words(l, K_REGION, &h->region, h + 1);
    if (q->blocks != NULL) add_words(l, K_QUICK, q->blocks, q->blocks + QUICK_BLOCKS);
    const char *pool = (const char *)s + q->pool;
    add_words(l, K_CHUNK, pool, pool + QUICK_CHUNK);
    add_words(l, K_CHUNK, pool + (size_t)(q->n_chunks - q->fresh + 1) * QUICK_CHUNK,
              pool + (size_t)q->n_chunks * QUICK_CHUNK);
}

static void add_table(struct list *l) {
    const struct table *t = &l->s->h->store.table;
    for (uint32_t slot = 0; slot < t->n_slots; slot++) {
        uint64_t e = table_entry(t, slot);
        enum kind kind = K_UNUSED;
        if (table_is_bitmap(slot))
            kind = K_BITMAP;
        else if (entry_locks(e) == LOCKS_FREE && !entry_is_free(e))
            kind = K_RESTING;
        else if (entry_locks(e) != LOCKS_FREE)
            kind = K_ENTRY;
        add(l, kind, table_slot(t, slot), 8, kind == K_ENTRY ? slot : SLOT_NIL);
    }
}

static void add_free(struct list *l, unit_t span, unit_t units) {
    enum { PREVIOUS = 8, CHILD = 16, IN_TRIE = 28 };
    const struct area *a = &l->s->h->store.area;
    const char *node = area_at(a, span);
    add(l, K_FREE, node, 8, SLOT_NIL);
    add(l, K_NODE, node + PREVIOUS, 4, SLOT_NIL);
    add(l, K_LAST, node + units_bytes(units) - 4, 4, SLOT_NIL);
    if (buddy_key(a->base, span) < BUDDY_BINS) return;
    add(l, K_NODE, node + IN_TRIE, 4, SLOT_NIL);
    if (load32(node + IN_TRIE) == 0) return;
    for (unsigned at = CHILD; at < IN_TRIE; at += 4)
        add(l, K_NODE, node + at, 4, SLOT_NIL);
}

static void add_run(struct list *l, unit_t span) {
    struct run r = run_at(&l->s->h->store, span);
    uint64_t objects = run_live_mask(&r);
    uint32_t one = objects != 0 ? ref_slot(run_ref(&r, bit_lowest(objects))) : SLOT_NIL;
    add(l, K_RUN, r.at, 8, one);
    for (uint64_t live = run_live_mask(&r); live != 0; live &= live - 1) {
        unsigned i = bit_lowest(live);
        uint32_t ref = run_ref(&r, i);
        add(l, K_REFERENCE, r.at + ref_offset(r.class, i), 4, ref_slot(ref));
        if ((ref & SLACK_WIDE) == SLACK_WIDE)
            add(l, K_SLACK, run_slot(&r, i) + r.class->capacity - 2, 2, ref_slot(ref));
    }
    if (r.free != 0) add_words(l, K_LINK, run_links(&r), run_links(&r) + 8);
}

static void add_spans(struct list *l) {
    const struct store *s = &l->s->h->store;
    const struct area *a = &s->area;
    for (unit_t at = 0; at < a->limit; at += area_units(a, at)) {
        uint64_t h = area_header(a, at);
        unit_t units = area_units(a, at);
        if (header_kind(h) == SPAN_FREE)
            add_free(l, at, units);
        else if (header_kind(h) == SPAN_RUN)
            add_run(l, at);
        else
            add(l, K_BLOCK, area_at(a, at), 8, block_ref(h));
        if (header_kind(h) == SPAN_ALIGNED)
            add(l, K_SLACK, area_at(a, at + units) - 1, 1, block_ref(h));
    }
    add(l, K_BLOCK, area_at(a, a->limit), 8, SLOT_NIL);
    add_words(l, K_ZONE, a->zones, a->zones + (a->limit >> ZONE_SHIFT) + 2);
}

static int by_kind(const void *a, const void *b) {
    const struct word *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

void aim_list(struct scene *s) {
    struct list l = {s, 0};
    add_structure(&l);
    add_table(&l);
    add_spans(&l);
    qsort(s->words, s->n_words, sizeof *s->words, by_kind);
    size_t i = 0;
    for (unsigned kind = 0; kind <= N_KINDS; kind++) {
        while (i < s->n_words && s->words[i].kind < kind) i++;
        s->first[kind] = i;
    }
}

/* --- what becomes of it --- */

static uint64_t get(const struct word *w) {
    uint64_t x = 0;
    memcpy(&x, w->at, w->bytes);
    return x;
}

static uint64_t bit_of(struct rng *rng, const struct word *w) {
    return UINT64_C(1) << rng_below(rng, 8u * w->bytes);
}

static struct word pick(struct scene *s, struct rng *rng, enum kind kind) {
    if (kind == K_ANY)
        return (struct word){s->memory + rng_below(rng, s->size), SLOT_NIL, 1, K_ANY};
    size_t n = s->first[kind + 1] - s->first[kind];
    return s->words[s->first[kind] + rng_below(rng, n)];
}

/* A bit, mostly; some; what another word of its kind says; what is just above or below; anything. */
static void damage(struct scene *s, struct rng *rng, const struct word *w) {
    uint64_t x = get(w);
    struct word other;
    switch (rng_below(rng, 10)) {
    default: x ^= bit_of(rng, w); break;
    case 5:
        for (uint64_t n = rng_between(rng, 2, 6); n > 0; n--) x ^= bit_of(rng, w);
        break;
    case 6:
        other = pick(s, rng, (enum kind)w->kind);
        if (other.bytes == w->bytes) x = get(&other);
        break;
    case 7: x += rng_chance(rng, 50) ? 1 : UINT64_MAX; break;
    case 8: x = rng_chance(rng, 50) ? 0 : UINT64_MAX; break;
    case 9: x = rng_next(rng); break;
    }
    memcpy(w->at, &x, w->bytes);
}

bool aim_damage(struct scene *s, struct rng *rng, enum kind kind, struct word *hit) {
    if (kind != K_ANY && s->first[kind] == s->first[kind + 1]) return false;
    *hit = pick(s, rng, kind);
    if (rng_chance(rng, 90)) {
        damage(s, rng, hit);
        return true;
    }
    for (uint64_t n = rng_between(rng, 2, 4); n > 0; n--) { /* some at once */
        struct word w = pick(s, rng, kind);
        damage(s, rng, &w);
    }
    return true;
}
