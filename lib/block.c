/* SPDX-License-Identifier: MIT */
#include "block.h"

/* The last byte of an aligned block's span: log2 of its alignment. */
static char *alignment_byte(const struct store *s, unit_t span, size_t size) {
    return area_at(&s->area, span + block_units(size, true)) - 1;
}

/* What may stay free below a block, in units, since it cannot slide into less. */
static size_t slack_below(size_t alignment) {
    return alignment > UNIT ? (alignment >> UNIT_SHIFT) - 1 : 0;
}

uint64_t block_write(struct store *s, unit_t span, uint32_t slot, size_t size,
                     size_t alignment, uint64_t e) {
    s->aligned_slack += slack_below(alignment);
    s->large |= size >= PAGES_LEAST;
    area_set_header(&s->area, span, block_header(slot, size, alignment != 0));
    if (alignment != 0)
        store8(alignment_byte(s, span, size), (uint8_t)bit_lowest(alignment));
    return entry_moved(e, place_behind(span), shape_of_block(size, alignment != 0));
}

bool block_alloc(struct store *s, uint32_t slot, size_t size, size_t alignment,
                 uint64_t *e) {
    unit_t units = block_units(size, alignment != 0);
    unit_t span = alignment > UNIT ? area_alloc_aligned(&s->area, units, alignment)
                                   : area_alloc(&s->area, units);
    if (span == UNIT_NIL) return false;
    *e = block_write(s, span, slot, size, alignment, *e);
    return true;
}

size_t block_alignment(const struct store *s, unit_t span) {
    uint64_t h = area_header(&s->area, span);
    if (header_kind(h) != SPAN_ALIGNED) return 0;
    return (size_t)1 << (load8(alignment_byte(s, span, block_size(h))) & 63);
}

void block_free(struct store *s, unit_t span) {
    s->aligned_slack -= slack_below(block_alignment(s, span));
    area_free(&s->area, span, area_units(&s->area, span));
}

bool block_resize(struct store *s, unit_t span, size_t size) {
    uint64_t h = area_header(&s->area, span);
    bool aligned = header_kind(h) == SPAN_ALIGNED;
    size_t alignment = block_alignment(s, span);
    unit_t before = area_units(&s->area, span), after = block_units(size, aligned);
    if (after > before) {
        unit_t behind = span + before, more = after - before;
        uint64_t next = area_header(&s->area, behind);
        if (behind >= s->area.limit || header_kind(next) != SPAN_FREE ||
            free_size(next) < more)
            return false;
        area_cut(&s->area, behind, behind, more);
        area_absorb(&s->area, behind, more);
    }
    s->large |= size >= PAGES_LEAST;
    area_set_header(&s->area, span, block_header(block_ref(h), size, aligned));
    if (aligned) store8(alignment_byte(s, span, size), (uint8_t)bit_lowest(alignment));
    if (after < before) area_split_off(&s->area, span + after, before - after);
    return true;
}
