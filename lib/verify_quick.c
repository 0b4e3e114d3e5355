/* SPDX-License-Identifier: MIT */
#include "proof.h"

/* Is the block of a slot of a list's class, or of so many units? The tiling need not have met it: what is amiss
   may be made up for by slots that caches have, which are looked at last. */
static bool fits_list(const struct proof *p, uint32_t slot, unsigned class_id,
                      unit_t units) {
    uint64_t e = table_entry(p->t, slot);
    if (entry_place(e) < HEADER || entry_place(e) >> UNIT_SHIFT >= p->a->limit)
        return false;
    if (class_id == 0) { /* a larger block */
        if (!shape_is_medium(e) || block_units(shape_medium_size(e), false) != units)
            return false;
        uint64_t h = area_header(p->a, entry_span(p->s, e));
        return header_kind(h) == SPAN_BLOCK && block_units(block_size(h), false) == units;
    }
    if (!shape_is_plain(e)) return false;
    size_t offset = slot_offset(&size_classes[class_id], shape_slot(e));
    if (offset > entry_place(e)) return false;
    uint64_t h = area_header(p->a, object_span(e, offset));
    return header_kind(h) == SPAN_RUN && run_class(h) == class_id;
}

/* Is it a chunk that has been used? Of what lies below the pool the number is too large. */
static bool chunk_sound(const struct quick *q, uint32_t at) {
    uint32_t chunk = (at - q->pool) / QUICK_CHUNK;
    return (at - q->pool) % QUICK_CHUNK == 0 && chunk < q->n_chunks &&
           chunk + q->fresh > q->n_chunks;
}

/* What has been met on all lists, of which there cannot be more than there is; no chunk is met twice, so that each list
   ends. */
struct met {
    struct tally slots;
    uint32_t n_chunks;
    uint64_t chunks[QUICK_CHUNKS_MAX / 64];
};

/* A chunk that has been used is met. False: it is none, or has been met before. */
static bool meet_chunk(struct met *met, const struct quick *q, uint32_t at) {
    if (!chunk_sound(q, at)) return false;
    uint32_t chunk = (at - q->pool) / QUICK_CHUNK;
    uint64_t bit = UINT64_C(1) << chunk % 64;
    if (met->chunks[chunk / 64] & bit) return false;
    met->chunks[chunk / 64] |= bit;
    return true;
}

/* One list, from its top down. */
static bool list_sound(struct proof *p, struct met *met, uint32_t top, unsigned class_id,
                       unit_t units) {
    const struct quick *q = &p->s->quick;
    while (top != quick_bottom(q)) {
        uint32_t chunk = top & ~(uint32_t)(QUICK_CHUNK - 1), link;
        if (top % QUICK_WORD != 0 || !meet_chunk(met, q, chunk))
            return fail(p, 13, "A quick list leads out of its pool.");
        met->n_chunks++;
        for (; top != chunk; top -= QUICK_WORD) {
            uint32_t slot = load32(quick_word(p->s, top));
            if (!proof_resting(p, slot) || met->slots.n == p->resting.n ||
                !fits_list(p, slot, class_id, units))
                return fail(p, 13, "A quick list leads to what does not rest there.");
            note(&met->slots, slot);
        }
        link = load32(quick_word(p->s, chunk));
        top = link & (uint32_t)bit_mask(QUICK_TOP_BITS);
        if (link < QUICK_LINK || top % QUICK_CHUNK != QUICK_CHUNK - QUICK_WORD)
            return fail(p, 13, "A chunk of a quick list does not lie on a full one.");
    }
    return true;
}

static bool pool_sound(struct proof *p, struct met *met) {
    const struct quick *q = &p->s->quick;
    size_t bytes = p->h->asked, pool = HEAP_STRUCTURE + heap_tops(bytes), n = 0;
    const char *tops = (const char *)p->h + HEAP_STRUCTURE;
    if (q->pool != pool || q->n_chunks != quick_chunks(bytes) ||
        (const char *)q->blocks != (pool > HEAP_STRUCTURE ? tops : NULL))
        return fail(p, 13, "The quick lists are elsewhere.");
    if (q->fresh == 0 || q->fresh > q->n_chunks ||
        load32(quick_word(p->s, q->pool)) != QUICK_LINK ||
        load32(quick_word(p->s, quick_bottom(q))) != QUICK_LINK)
        return fail(p, 13, "The pool of the quick lists is damaged.");
    for (uint32_t at = q->vacant; at != 0; at = load32(quick_word(p->s, at)), n++)
        if (!meet_chunk(met, q, at))
            return fail(p, 13, "A vacant chunk is none of the pool.");
    if (n + q->n_used + 1 == q->fresh) return true;
    return fail(p, 13, "The chunks of the pool are miscounted.");
}

/* What is queued says itself what it is. */
static bool fits_queue(const struct proof *p, uint32_t slot) {
    uint64_t e = table_entry(p->t, slot);
    if (shape_is_plain(e)) return fits_list(p, slot, shape_plain_class(e), 0);
    return fits_list(p, slot, 0, block_units(shape_medium_size(e), false));
}

bool quick_sound(struct proof *p) {
    const struct quick *q = &p->s->quick;
    struct met met = {.n_chunks = 0};
    p->fault->offset = p->self;
    if (!pool_sound(p, &met)) return false;
    for (unsigned c = 1; c < CLASSES; c++)
        if (!list_sound(p, &met, q->small[c], c, 0)) return false;
    for (unsigned i = 0; q->blocks != NULL && i < QUICK_BLOCKS; i++)
        if (!list_sound(p, &met, q->blocks[i], 0, QUICK_UNITS_MIN + i)) return false;
    for (uint32_t i = 0; i < q->n_queued; i++) {
        if (i == QUICK_QUEUE || met.slots.n == p->resting.n ||
            !proof_resting(p, q->queue[i]) || !fits_queue(p, q->queue[i]))
            return fail(p, 13, "What is queued does not rest.");
        note(&met.slots, q->queue[i]);
    }
    if (met.n_chunks != q->n_used)
        return fail(p, 13, "The chunks of the quick lists are miscounted.");
    return same(&met.slots, &p->resting) ||
           fail(p, 13, "Not all blocks that rest are on a quick list.");
}

/* --- what threads have --- */

/* One slot that a cache says it has; the list is a class, or above them a length (cache.h). */
struct looked {
    struct proof *p;
    struct tally slots;
    bool sound;
};

static void look(void *context, uint32_t slot, unsigned list) {
    struct looked *looked = context;
    struct proof *p = looked->p;
    unit_t units = list < CLASSES ? 0 : list - CLASSES + QUICK_UNITS_MIN;
    if (!proof_cached(p, slot) || !fits_list(p, slot, list < CLASSES ? list : 0, units))
        looked->sound = false;
    else
        note(&looked->slots, slot);
}

/* A slot for a block that is about to be made: it has no place, so the tiling does not meet it. */
static bool is_spare(const struct proof *p, uint32_t slot) {
    return proof_cached(p, slot) && entry_place(table_entry(p->t, slot)) == 0;
}

/* The tiling has met all slots that are taken but for as many as `spare` has: if those are all that have no place,
   none of them twice, each slot is accounted for. */
static bool spare_sound(const struct proof *p, const struct tally *spare) {
    struct tally there = {0, 0};
    for (uint32_t slot = 0; spare->n > 0 && slot < p->t->n_slots; slot++)
        if (is_spare(p, slot)) note(&there, slot);
    return same(spare, &there) ||
           fail(p, 16, "A slot without a block is not in one cache, and once.");
}

bool caches_sound(struct proof *p) {
    struct looked looked = {.p = p, .sound = true};
    struct tally spare = {0, 0};
    p->fault->offset = p->self;
    if (p->s->crowd != p->crowd)
        return fail(p, 16, "The heap does not know its threads' caches.");
    for (const struct cache *c = p->crowd->caches; c != NULL; c = c->next) {
        cache_look(c, look, &looked);
        for (uint32_t i = 0; i < c->n_spare; i++)
            if (is_spare(p, c->spare[i]))
                note(&spare, c->spare[i]);
            else
                return fail(p, 16, "A thread has a slot that is not for it.");
    }
    if (!looked.sound) return fail(p, 16, "A thread has what is not for it.");
    if (!spare_sound(p, &spare)) return false;
    return same(&looked.slots, &p->cached) ||
           fail(p, 16, "Not all blocks that no one else may have are in a cache.");
}
