/* SPDX-License-Identifier: MIT */
#include "seal.h"

#include "block.h"
#include "os.h"
#include "run.h"

enum { GROUP = 64, LANES = 4 };

/* --- sums --- */

/*
 * A bijection in either. A product spreads a bit to those above it, each as the factor has it: the lowest ones to all,
 * the uppermost to nowhere, and another word that differs in that bit alone would hide it, whatever the factor. The
 * turn takes the uppermost down, and the second product spreads them.
 */
static inline uint64_t step(const struct seal *seal, uint64_t x, uint64_t word) {
    x = (x ^ word) * seal->odd[0];
    return (x << 8 | x >> 56) * seal->odd[1];
}

/* Of so many bytes, a multiple of 8; several chains at once, since each has to wait for its last step. */
static uint64_t sum_of(const struct seal *seal, uint64_t x, const char *at,
                       size_t bytes) {
    uint64_t lane[LANES] = {x, ~x, x ^ seal->odd[0], ~x ^ seal->odd[0]};
    for (; bytes >= 8 * LANES; bytes -= 8 * LANES, at += 8 * LANES)
        for (unsigned i = 0; i < LANES; i++)
            lane[i] = step(seal, lane[i], load64(at + 8 * i));
    for (; bytes > 0; bytes -= 8, at += 8) lane[0] = step(seal, lane[0], load64(at));
    for (unsigned i = 1; i < LANES; i++) lane[0] = step(seal, lane[0], lane[i]);
    return lane[0];
}

/* --- the structure --- */

/* Its chunks that have ever been used lie at the pool's high end, the bottom at its low one. */
static uint64_t structure_sum(const struct seal *seal, const struct heap *h) {
    const struct quick *q = &h->store.quick;
    const char *pool = (const char *)h + q->pool;
    uint64_t x = sum_of(seal, seal->key, (const char *)h, q->pool);
    size_t used = (size_t)(q->fresh - 1) * QUICK_CHUNK;
    x = sum_of(seal, x, pool, QUICK_CHUNK);
    return sum_of(seal, x, pool + (size_t)q->n_chunks * QUICK_CHUNK - used, used);
}

/* The same of one that may be damaged: what says how long it is is compared with what it has to be. */
static bool structure_holds(const struct seal *seal, const struct heap *h) {
    const struct quick *q = &h->store.quick;
    return q->pool == seal->pool && q->n_chunks == seal->n_chunks &&
           q->fresh - 1 < seal->n_chunks && structure_sum(seal, h) == seal->structure;
}

/* --- the table --- */

static uint64_t group_sum(const struct seal *seal, const struct table *t,
                          uint32_t group) {
    uint32_t first = group * GROUP, n = t->n_slots - first;
    if (n > GROUP) n = GROUP;
    return sum_of(seal, seal->key ^ group, table_slot(t, first + n - 1), (size_t)n * 8);
}

static uint32_t n_groups(const struct table *t) { return (t->n_slots - 1) / GROUP + 1; }

/* --- the area --- */

static uint64_t free_sum(const struct seal *seal, uint64_t x, const char *node,
                         unit_t units) {
    enum {
        PREVIOUS = 8,
        CHILD = 16,
        PARENT = 24,
        IN_TRIE = 28,
        NODE_END = 32,
        LINKS = 40
    };
    uint64_t header = load64(node);
    unit_t key = units;
    bool released = header >> FREE_RELEASED_BIT && units > RELEASED_HEADROOM / UNIT;
    x = step(seal, x,
             (uint64_t)load32(node + PREVIOUS) << 32 |
                 load32(node + units_bytes(units) - sizeof(uint32_t)));
    if (released) {
        x = step(seal, x, load64(node + RELEASED_FIRST));
        x = step(seal, x, load64(node + LINKS));
        key -= load32(node + RELEASED_COUNT);
    }
    if (key < BUDDY_BINS || units < NODE_END / UNIT) return x;
    if (load32(node + IN_TRIE) == 0) return step(seal, x, 0);
    x = step(seal, x, load64(node + CHILD));
    return step(seal, x, load64(node + PARENT));
}

/* References by twos: of both it is the words that matter, not where they lie. */
static uint64_t run_sum(const struct seal *seal, uint64_t x, const struct store *s,
                        unit_t span, uint64_t header) {
    struct run r = run_read(s, span, header);
    uint64_t all = bit_mask(r.slots), pair = 0;
    unsigned n = 0;
    for (uint64_t live = all & ~r.free; live != 0; live &= live - 1, n++) {
        unsigned i = bit_lowest(live);
        uint32_t ref = run_ref(&r, i);
        pair = pair << 32 | ref;
        if (n % 2 == 1) x = step(seal, x, pair);
        if ((ref & SLACK_WIDE) != SLACK_WIDE) continue;
        x = step(seal, x, load16(run_slot(&r, i) + r.class->capacity - 2));
    }
    if (n % 2 == 1) x = step(seal, x, pair);
    r.free &= all;
    return r.free != 0 ? step(seal, x, load64(run_links(&r))) : x;
}

/* Zones and spans. Of a damaged area it is the sum up to where it cannot be followed. */
static uint64_t area_sum(const struct seal *seal, const struct store *s) {
    const struct area *a = &s->area;
    size_t zones = ((size_t)(a->limit >> ZONE_SHIFT) + 2) * sizeof(struct zone);
    uint64_t x = sum_of(seal, seal->key, (const char *)a->zones, zones);
    unit_t units;
    for (unit_t at = 0; at < a->limit; at += units) {
        uint64_t header = area_header(a, at);
        x = step(seal, x, header);
        units = area_length(a, at);
        if (units - 1 >= a->limit - at) return ~x;
        if (header_kind(header) == SPAN_FREE)
            x = free_sum(seal, x, area_at(a, at), units);
        else if (header_kind(header) == SPAN_RUN)
            x = run_sum(seal, x, s, at, header);
        else if (header_kind(header) == SPAN_ALIGNED)
            x = step(seal, x, load8(area_at(a, at + units) - 1));
    }
    return step(seal, x, area_header(a, a->limit));
}

/* --- the whole --- */

bool seal_init(struct seal *seal, const struct heap *h, size_t bytes) {
    size_t slots = bytes / 8 + GROUP;
    if (slots > (size_t)1 << SLOT_BITS) slots = (size_t)1 << SLOT_BITS;
    *seal = (struct seal){.key = os_random(), .odd = {os_random() | 1, os_random() | 1}};
    seal->pool = h->store.quick.pool;
    seal->n_chunks = h->store.quick.n_chunks;
    seal->bytes = round_up(slots / GROUP * sizeof(uint64_t) + 1, os_page());
    seal->groups = os_reserve(seal->bytes);
    if (seal->groups == NULL) return false;
    if (!os_commit(seal->groups, seal->bytes)) {
        os_unreserve(seal->groups, seal->bytes);
        return false;
    }
    seal_all(seal, h);
    return true;
}

void seal_finish(struct seal *seal) { os_unreserve(seal->groups, seal->bytes); }

void seal_all(struct seal *seal, const struct heap *h) {
    const struct table *t = &h->store.table;
    seal->structure = structure_sum(seal, h);
    for (uint32_t group = 0; group < n_groups(t); group++)
        seal->groups[group] = group_sum(seal, t, group);
    seal->area = area_sum(seal, &h->store);
}

void seal_entry(struct seal *seal, const struct heap *h, uint32_t slot) {
    seal->structure = structure_sum(seal, h);
    if (slot >= h->store.table.n_slots) return;
    seal->groups[slot / GROUP] = group_sum(seal, &h->store.table, slot / GROUP);
}

bool seal_holds(const struct seal *seal, const struct heap *h) {
    const struct table *t = &h->store.table;
    if (!structure_holds(seal, h)) return false;
    for (uint32_t group = 0; group < n_groups(t); group++)
        if (seal->groups[group] != group_sum(seal, t, group)) return false;
    return seal->area == area_sum(seal, &h->store);
}

bool seal_holds_entry(const struct seal *seal, const struct heap *h, uint32_t slot) {
    const struct table *t = &h->store.table;
    if (!structure_holds(seal, h)) return false;
    if (slot >= t->n_slots) return true; /* it is none, and nothing is done with it */
    return seal->groups[slot / GROUP] == group_sum(seal, t, slot / GROUP);
}
