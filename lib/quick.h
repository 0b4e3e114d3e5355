/* SPDX-License-Identifier: MIT */
/*
 * Quick lists: blocks freed a moment ago, as they were, for the next request alike. Such a block
 * *rests*: to every caller its handle is stale, to the rooms below it is an unlocked block like
 * any other, which moves when they move it.
 *
 *      entry      place and back stay | LOCKS_FREE | the generation its next handle has
 *      content    the first 4 bytes link to the one below it on its list
 *
 * A list for each class of small objects; and, where the heap has room for their heads, one for
 * each length in units of the larger blocks up to a page. A link is a reference as in run.h (slot
 * and slack), so that one word tells whether an object comes back at the size it had.
 *
 * What rests is garbage that nobody has looked for yet: whoever wants memory, or wants to know
 * about it, calls quick_flush first. Invariant 13.
 */
#ifndef RM_QUICK_H
#define RM_QUICK_H

#include "block.h"
#include "run.h"

/* May something more rest? What is enough follows the area's size. */
bool quick_room_slowly(struct store *s);
static inline bool quick_room(struct store *s) {
    return likely(s->quick.bytes < s->quick.limit) || quick_room_slowly(s);
}

/* Free up to `most` of the blocks that rest, for good. */
void quick_flush_some(struct store *s, unsigned most);
static inline void quick_flush(struct store *s) {
    if (s->quick.n > 0) quick_flush_some(s, UINT32_MAX);
}

/* The list of larger blocks of so many units; QUICK_BLOCKS and above: there is none. */
static inline unsigned quick_block_list(unit_t units) { return units - QUICK_UNITS_MIN; }

/* A block that rests, for a size that has its class, but another slack. */
bool quick_refit(struct store *s, uint32_t slot, size_t size);

static inline void quick_leave(struct store *s, uint32_t slot, uint64_t e, size_t bytes) {
    table_set(&s->table, slot, e + LOCKS_NONE * ENTRY_LOCK_ONE);
    s->quick.n--;
    s->quick.bytes -= bytes;
}

/* Take a block for `size` bytes, no alignment asked for: its slot, live again, whose block is
   placed and named. SLOT_NIL: none rests there. */
static inline uint32_t quick_take(struct store *s, size_t size) {
    struct quick *q = &s->quick;
    if (likely(size <= SMALL_MAX)) {
        unsigned class_id = class_of(size);
        uint32_t link = q->small[class_id], slot = ref_slot(link);
        if (link == 0) return SLOT_NIL;
        size_t capacity = size_classes[class_id].capacity;
        uint64_t e = table_entry(&s->table, slot);
        q->small[class_id] = load32(s->area.base + entry_place(e));
        quick_leave(s, slot, e, capacity);
        if (likely((link & bit_mask(SLACK_BITS)) == capacity - size)) return slot;
        return quick_refit(s, slot, size) ? slot : SLOT_NIL;
    }
    if (size > QUICK_SIZE_MAX || q->blocks == NULL) return SLOT_NIL;
    unit_t units = block_units(size, false);
    uint32_t *head = &q->blocks[quick_block_list(units)], slot = *head;
    if (slot == SLOT_NIL) return SLOT_NIL;
    uint64_t e = table_entry(&s->table, slot);
    *head = load32(s->area.base + entry_place(e));
    quick_leave(s, slot, e, units_bytes(units));
    block_set_size(s, entry_span(e), slot, size);
    return slot;
}

static inline void quick_rest(struct store *s, uint32_t slot, uint64_t e, uint32_t *head,
                              uint32_t link, size_t bytes) {
    store32(s->area.base + entry_place(e), *head);
    *head = link;
    uint64_t generation = UINT64_C(1)
                          << ENTRY_GENERATION_SHIFT; /* the last one wraps to 0 */
    table_set(&s->table, slot, e + generation - LOCKS_NONE * ENTRY_LOCK_ONE);
    s->quick.n++;
    s->quick.bytes += bytes;
}

/* Lay an unlocked object of a run to rest; false: there is enough that rests already. */
static inline bool quick_put_slot(struct store *s, uint32_t slot, uint64_t e,
                                  const struct run *r, uint32_t ref) {
    struct quick *q = &s->quick;
    if (!quick_room(s)) return false;
    quick_rest(s, slot, e, &q->small[r->class_id], ref, r->class->capacity);
    return true;
}

/* The same of a block with a span of its own; false also where there is no list for it. */
static inline bool quick_put_block(struct store *s, uint32_t slot, uint64_t e,
                                   uint64_t header) {
    struct quick *q = &s->quick;
    size_t size = block_size(header);
    if (header_kind(header) != SPAN_BLOCK || size <= SMALL_MAX || size > QUICK_SIZE_MAX ||
        q->blocks == NULL || !quick_room(s))
        return false;
    unit_t units = block_units(size, false);
    quick_rest(s, slot, e, &q->blocks[quick_block_list(units)], slot, units_bytes(units));
    return true;
}

#endif
