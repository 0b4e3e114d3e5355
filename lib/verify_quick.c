/* SPDX-License-Identifier: MIT */
#include "proof.h"

/* Where the block of a slot that rests begins; NULL: that cannot be. */
static const char *resting_at(const struct proof *p, uint32_t slot) {
    if (!proof_resting(p, slot)) return NULL;
    size_t place = entry_place(table_entry(p->t, slot));
    return place < units_bytes(p->a->limit) ? p->a->base + place : NULL;
}

/* Is the block of a slot, which the tiling has met, of a list's class or of so many units? */
static bool fits_list(const struct proof *p, uint32_t slot, unsigned class_id,
                      unit_t units) {
    uint64_t h = area_header(p->a, entry_span(p->s, table_entry(p->t, slot)));
    if (header_kind(h) == SPAN_RUN) return run_class(h) == class_id;
    if (header_kind(h) != SPAN_BLOCK) return false;
    if (class_id != 0) /* compaction has taken it out of its run */
        return block_size(h) <= size_classes[class_id].capacity;
    return block_units(block_size(h), false) == units;
}

/* One list. It ends after as many members as there are on all. */
static bool list_sound(struct proof *p, struct tally *met, const struct quick_list *list,
                       unsigned class_id, unit_t units) {
    unsigned shift = class_id != 0 ? SLACK_BITS : 0;
    uint32_t before = met->n;
    for (uint32_t link = list->head; link != 0;) {
        uint32_t slot = link >> shift;
        const char *at = resting_at(p, slot);
        if (at == NULL || met->n == p->resting.n || !fits_list(p, slot, class_id, units))
            return fail(p, 13, "A quick list leads to what does not rest there.");
        note(met, slot);
        link = load32(at);
    }
    return met->n - before == list->n || fail(p, 13, "A quick list is miscounted.");
}

bool quick_sound(struct proof *p) {
    const struct quick *q = &p->s->quick;
    struct tally met = {0, 0};
    const char *blocks = (const char *)p->h + HEAP_STRUCTURE;
    p->fault->offset = p->self;
    if (q->blocks != NULL && (const char *)q->blocks != blocks)
        return fail(p, 13, "The quick lists of blocks are elsewhere.");
    for (unsigned c = 1; c < CLASSES; c++)
        if (!list_sound(p, &met, &q->small[c], c, 0)) return false;
    for (unsigned i = 0; q->blocks != NULL && i < QUICK_BLOCKS; i++)
        if (!list_sound(p, &met, &q->blocks[i], 0, QUICK_UNITS_MIN + i)) return false;
    for (uint32_t i = 0; i < q->n_queued; i++) {
        if (i == QUICK_QUEUE || met.n == p->resting.n ||
            resting_at(p, q->queue[i]) == NULL)
            return fail(p, 13, "What is queued does not rest.");
        note(&met, q->queue[i]);
    }
    return (same(&met, &p->resting) && (met.n == 0 || q->any)) ||
           fail(p, 13, "Not all blocks that rest are on a quick list.");
}
