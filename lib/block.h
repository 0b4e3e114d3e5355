/* SPDX-License-Identifier: MIT */
/*
 * Blocks with a span of their own: those above SMALL_MAX, those with an alignment asked for,
 * and small ones where no run can be made. Invariant 5.
 */
#ifndef RM_BLOCK_H
#define RM_BLOCK_H

#include "store.h"

/* Place a block for a table slot, whose entry will be `*e`, and is not touched. alignment: 0, or a power
   of two from 16 that is kept for its life. False: no free span holds it. */
bool block_alloc(struct store *s, uint32_t slot, size_t size, size_t alignment,
                 uint64_t *e);
/* The same in a span just cut out, of block_units(size, alignment != 0) units. Returns the entry. */
uint64_t block_write(struct store *s, unit_t span, uint32_t slot, size_t size,
                     size_t alignment, uint64_t e);
/* The header word of a block. */
static inline uint64_t block_header(uint32_t slot, size_t size, bool aligned) {
    return (aligned ? SPAN_ALIGNED : SPAN_BLOCK) | (uint64_t)size << BLOCK_SIZE_SHIFT |
           (uint64_t)slot << BLOCK_REF_SHIFT;
}
/* The bytes of a block without an alignment of its own that have to go with it. Of a medium one its
   header says no more than how many units it has: its entry says its size. */
static inline size_t block_content(uint64_t header) {
    size_t size = block_size(header);
    return size > SHAPE_MEDIUM_MAX ? size
                                   : units_bytes(block_units(size, false)) - HEADER;
}
/* The slot of the table that it has. */
static inline uint32_t block_owner(const struct store *s, uint64_t header) {
    return table_named(&s->table, block_ref(header));
}
/* The shape, in its entry, of a block with such a header, if that says its size. */
static inline unsigned block_shape(uint64_t header) {
    return shape_of_block(block_size(header), header_kind(header) == SPAN_ALIGNED);
}
/* Make a block's span free memory. */
void block_free(struct store *s, unit_t span);

/* The alignment that was asked for; 0 where none was. */
size_t block_alignment(const struct store *s, unit_t span);

/* Give a block another size where it stands: smaller, or into the free span right behind it.
   False: there is no room, nothing has changed. */
bool block_resize(struct store *s, unit_t span, size_t size);

#endif
