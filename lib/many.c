/* SPDX-License-Identifier: MIT */
#include "many.h"

void many_note_size(struct store *s, uint64_t e, size_t size, bool plain) {
    unit_t span = entry_span(s, e);
    uint64_t header = area_header(&s->area, span);
    if (header_kind(header) == SPAN_RUN) {
        struct run r = run_at_header(s, span, header);
        run_note_size(&r, run_index(s, &r, e), size, plain);
    } else if (header_kind(header) == SPAN_BLOCK) {
        area_set_header(&s->area, span, block_header(block_ref(header), size, false));
    }
}

size_t many_size(const struct store *s, uint64_t e) {
    size_t size;
    if (likely(shape_says_size(e, &size))) return size;
    /* A half-moved block's old header may be under its new content: the stretch has it. */
    unit_t span = entry_span(s, e);
    if (entry_locks(e) == LOCKS_MOVING && s->mover.slide) span = s->mover.to;
    uint64_t header = area_header(&s->area, span);
    if (header_kind(header) != SPAN_RUN) return block_size(header);
    struct run r = run_at(s, span);
    return run_size_noted(&r, run_index(s, &r, e));
}

bool many_begin(struct store *s, uint32_t slot, uint64_t *e) {
    uint64_t few = *e;
    size_t size = many_size(s, few);
    if (!table_swap(&s->table, slot, e, entry_with_many(few, entry_count(few))))
        return false;
    /* Not before: what is not certain to stay may be another's by now. Who has not the mutex does not ask. */
    many_note_size(s, few, size, false);
    return true;
}

/* The shape of a block that has many locks. */
static unsigned shape_of_many(const struct store *s, uint64_t e, size_t size) {
    unit_t span = entry_span(s, e);
    uint64_t header = area_header(&s->area, span);
    if (header_kind(header) != SPAN_RUN) return block_shape(header);
    struct run r = run_at_header(s, span, header);
    return shape_make(r.class_id, run_index(s, &r, e), size);
}

uint64_t many_end(struct store *s, uint32_t slot) {
    uint64_t e = table_entry(&s->table, slot);
    if (likely(entry_locks(e) != LOCKS_MANY) || entry_count(e) != 0) return e;
    size_t size = many_size(s, e);
    uint64_t few = entry_with_locks(e, LOCKS_NONE);
    few = entry_moved(few, entry_place(e), shape_of_many(s, e, size));
    if (!table_swap(&s->table, slot, &e, few)) return e; /* locked again */
    s->bared = true;
    /* Whoever wants to know its size from its reference has to have the mutex. */
    if (shape_is_plain(few)) many_note_size(s, few, size, true);
    return few;
}
