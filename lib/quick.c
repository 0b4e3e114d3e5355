/* SPDX-License-Identifier: MIT */
#include "quick.h"

#include "ebb.h"
#include "small.h"

uint32_t quick_count(const struct store *s) {
    const struct quick *q = &s->quick;
    uint32_t n = q->n_queued;
    for (unsigned c = 1; c < CLASSES; c++) n += q->small[c].n;
    for (unsigned i = 0; q->blocks != NULL && i < QUICK_BLOCKS; i++) n += q->blocks[i].n;
    return n;
}

size_t quick_bytes(const struct store *s) {
    const struct quick *q = &s->quick;
    size_t bytes = 0;
    for (unsigned c = 1; c < CLASSES; c++)
        bytes += (size_t)q->small[c].n * size_classes[c].stride;
    for (unsigned i = 0; q->blocks != NULL && i < QUICK_BLOCKS; i++)
        bytes += q->blocks[i].n * units_bytes(QUICK_UNITS_MIN + i);
    return bytes;
}

/* --- larger blocks --- */

uint32_t quick_take_block(struct store *s, size_t size) {
    if (size > QUICK_SIZE_MAX || s->quick.blocks == NULL) return SLOT_NIL;
    struct quick_list *list = quick_blocks(s, block_units(size, false));
    uint32_t slot = list->head;
    if (slot == SLOT_NIL) return SLOT_NIL;
    uint64_t e = table_entry(&s->table, slot);
    list->head = load32(s->area.base + entry_place(e));
    list->n--;
    table_set(&s->table, slot, e + LOCKS_NONE * ENTRY_LOCK_ONE);
    block_set_size(s, entry_span(s, e), slot, size);
    return slot;
}

bool quick_put_block(struct store *s, uint32_t slot, uint64_t e, uint64_t h) {
    size_t size = block_size(h);
    if (header_kind(h) != SPAN_BLOCK || size <= SMALL_MAX || size > QUICK_SIZE_MAX ||
        s->quick.blocks == NULL)
        return false;
    struct quick_list *list = quick_blocks(s, block_units(size, false));
    if (list->n >= QUICK_BLOCKS_MOST || quick_high(s, slot, e)) return false;
    s->requested -= size;
    store32(s->area.base + entry_place(e), list->head);
    list->head = slot;
    list->n++;
    s->quick.any = true;
    uint64_t freed =
        (UINT64_C(1) << ENTRY_GENERATION_SHIFT) - LOCKS_NONE * ENTRY_LOCK_ONE;
    table_set(&s->table, slot, e + freed);
    return true;
}

/* --- for good --- */

void quick_free_place(struct store *s, uint64_t e) {
    unit_t span = entry_span(s, e);
    uint64_t header = area_header(&s->area, span);
    if (header_kind(header) != SPAN_RUN) {
        block_free(s, span);
        return;
    }
    struct run r = run_at_header(s, span, header);
    small_free_slot(s, &r, run_index(s, &r, e));
}

/* Free a block that was taken off its list. */
static void free_resting(struct store *s, uint32_t slot) {
    quick_free_place(s, table_entry(&s->table, slot));
    table_untake(&s->table, slot);
}

static void drain(struct store *s) {
    struct quick *q = &s->quick;
    uint32_t n = q->n_queued;
    q->n_queued = 0;
    for (uint32_t i = 0; i < n; i++) free_resting(s, q->queue[i]);
    if (ebb_due(s)) ebb(s);
}

void quick_enqueue(struct store *s, uint32_t slot, uint64_t e) {
    struct quick *q = &s->quick;
    __builtin_prefetch(area_at(&s->area, entry_span(s, e)), 1);
    __builtin_prefetch(table_slot(&s->table, slot & ~63u), 1);
    table_set(&s->table, slot, entry_resting(e));
    q->queue[q->n_queued++] = slot;
    q->any = true;
    if (q->n_queued == QUICK_QUEUE) drain(s);
}

/* Its class is right, so a slot of a run is; a block that compaction made of it has its length
   by the size it had. */
static bool refit(struct store *s, uint32_t slot, uint64_t e, size_t size) {
    unit_t span = entry_span(s, e);
    uint64_t header = area_header(&s->area, span);
    if (likely(header_kind(header) == SPAN_RUN)) {
        struct run r = run_at_header(s, span, header);
        unsigned i = run_index(s, &r, e);
        run_set_ref(&r, i, slot, size);
        e = entry_moved(e, entry_place(e), run_shape(&r, i, size));
    } else if (block_units(size, false) == block_units(block_size(header), false)) {
        block_set_size(s, span, slot, size);
    } else {
        return false;
    }
    table_set(&s->table, slot, e + LOCKS_NONE * ENTRY_LOCK_ONE);
    return true;
}

uint32_t quick_take_any(struct store *s, size_t size) {
    struct quick_list *list = &s->quick.small[class_of(size)];
    while (list->head != 0) {
        uint32_t slot = ref_slot(list->head);
        uint64_t e = table_entry(&s->table, slot);
        list->head = load32(s->area.base + entry_place(e));
        list->n--;
        if (likely(refit(s, slot, e, size))) return slot;
        free_resting(s, slot);
    }
    return SLOT_NIL;
}

/* Free what one list holds, the last laid to rest first; returns how many more may go. */
static uint32_t flush_list(struct store *s, struct quick_list *list, unsigned shift,
                           uint32_t most) {
    for (; list->head != 0 && most > 0; most--) {
        uint32_t slot = list->head >> shift;
        list->head = load32(s->area.base + entry_place(table_entry(&s->table, slot)));
        list->n--;
        __builtin_prefetch(table_slot(&s->table, list->head >> shift));
        free_resting(s, slot);
    }
    return most;
}

bool quick_flush_some(struct store *s, uint32_t most) {
    struct quick *q = &s->quick;
    drain(s);
    for (unsigned c = 1; c < CLASSES; c++)
        most = flush_list(s, &q->small[c], SLACK_BITS, most);
    for (unsigned i = 0; q->blocks != NULL && i < QUICK_BLOCKS; i++)
        most = flush_list(s, &q->blocks[i], 0, most);
    while (s->table.n_taken == 0 && small_drop_kept(s)) continue;
    q->any = most == 0 && quick_count(s) > 0;
    return !q->any;
}
