/* SPDX-License-Identifier: MIT */
/*
 * What an entry says of its block beside the place: an object's size and the slot of the run that it
 * lies in, from which follow its class, and where the run's header is.
 *
 *      plain   size less one:9 | slot, 0 to 47:6
 *      others  upper part:9 | 48 + lower part:6, of a number of 13 bits:
 *                      48 * class + slot       odd: an object in a run of another class than its
 *                                              size's; its reference says the size (run.h)
 *              4,096 + size - 513              medium: a block with a span of its own, up to 4,608 bytes
 *                               0              any other, whose header says its size
 *
 * Whoever uses a shape knows that the entry is not LOCKS_MANY.
 */
#ifndef RM_SHAPE_H
#define RM_SHAPE_H

#include "class.h"
#include "table.h"

enum {
    SHAPE_SLOT_BITS = 6,
    SHAPE_OTHERS = RUN_SLOTS_MAX, /* slots from here on */
    SHAPE_LOW_BITS = 4,           /* of the number */
    SHAPE_LOW = (1 << SHAPE_LOW_BITS) - 1,
    SHAPE_SIZE_SHIFT = ENTRY_SHAPE_SHIFT + SHAPE_SLOT_BITS,
    SHAPE_MEDIUM = 4096,
    SHAPE_MEDIUM_MAX = SMALL_MAX + SHAPE_MEDIUM /* bytes */
};
_Static_assert(SHAPE_OTHERS + SHAPE_LOW + 1 == 1 << SHAPE_SLOT_BITS && SMALL_MAX == 512 &&
                   CLASSES * RUN_SLOTS_MAX <= SHAPE_MEDIUM,
               "15 bits");

#define SHAPE_SIZE_MASK (UINT64_C(511) << SHAPE_SIZE_SHIFT)
#define SHAPE_REST (SHAPE_SIZE_MASK | 7 * ENTRY_LOCK_ONE)

/* The lower 6 bits: a plain object's slot. */
static inline unsigned shape_slot(uint64_t e) {
    return (unsigned)(e >> ENTRY_SHAPE_SHIFT) & 63;
}
static inline bool shape_is_plain(uint64_t e) { return shape_slot(e) < SHAPE_OTHERS; }

/* A plain object's size; and its class. */
static inline unsigned shape_size(uint64_t e) {
    return ((unsigned)(e >> SHAPE_SIZE_SHIFT) & 511) + 1;
}
static inline unsigned shape_plain_class(uint64_t e) { return class_of(shape_size(e)); }

/* The number of any other. */
static inline unsigned shape_number(uint64_t e) {
    unsigned shape = entry_shape(e);
    return shape >> SHAPE_SLOT_BITS << SHAPE_LOW_BITS | (shape & SHAPE_LOW);
}
static inline unsigned shape_of_number(unsigned number) {
    return number >> SHAPE_LOW_BITS << SHAPE_SLOT_BITS | SHAPE_OTHERS |
           (number & SHAPE_LOW);
}

/* A medium block, not a plain object; and its size. */
static inline bool shape_is_medium(uint64_t e) {
    return !shape_is_plain(e) && shape_number(e) >= SHAPE_MEDIUM;
}
static inline size_t shape_medium_size(uint64_t e) {
    return shape_number(e) - SHAPE_MEDIUM + SMALL_MAX + 1;
}
/* Does an entry say its block's size? One with many locks does not. */
static inline bool shape_says_size(uint64_t e, size_t *size) {
    if (unlikely(entry_locks(e) == LOCKS_MANY)) return false;
    if (likely(shape_is_plain(e)))
        *size = shape_size(e);
    else if (shape_is_medium(e))
        *size = shape_medium_size(e);
    else
        return false;
    return true;
}
/* The shape of a block with a span of its own; `aligned`: it keeps an alignment that was asked for. */
static inline unsigned shape_of_block(size_t size, bool aligned) {
    bool medium = !aligned && size > SMALL_MAX && size <= SHAPE_MEDIUM_MAX;
    return shape_of_number(medium ? (unsigned)size - SMALL_MAX - 1 + SHAPE_MEDIUM : 0);
}

/* A plain object goes to rest (quick.h): its next generation, no locks, no size; and, given one of those
   1 to SMALL_MAX, what such an entry has to grow by for it to be live again. */
static inline uint64_t shape_to_rest(uint64_t e) {
    return (e & ~SHAPE_REST) + (UINT64_C(1) << ENTRY_GENERATION_SHIFT);
}
static inline uint64_t shape_to_live(size_t size) {
    return (uint64_t)(size - 1 + (LOCKS_NONE << 9)) << SHAPE_SIZE_SHIFT;
}

/* Of a block of any kind: its class, 0 where it has a span of its own, and its slot in a run. */
static inline unsigned shape_class(uint64_t e) {
    if (likely(shape_is_plain(e))) return shape_plain_class(e);
    unsigned number = shape_number(e);
    return number < SHAPE_MEDIUM ? number / RUN_SLOTS_MAX : 0;
}
static inline unsigned shape_index(uint64_t e) {
    return likely(shape_is_plain(e)) ? shape_slot(e) : shape_number(e) % RUN_SLOTS_MAX;
}

/* The shape of an object of `size` bytes in slot `i` of a run. */
static inline unsigned shape_make(unsigned class_id, unsigned i, size_t size) {
    if (likely(size != 0 && class_of(size) == class_id))
        return ((unsigned)size - 1) << SHAPE_SLOT_BITS | i;
    return shape_of_number(class_id * RUN_SLOTS_MAX + i);
}

/* An object's entry when it has moved to slot `i` of a run of the same class. */
static inline uint64_t shape_moved(uint64_t e, size_t place, unsigned i) {
    unsigned shape = entry_shape(e);
    if (likely(shape_is_plain(e)))
        shape = (shape & ~63u) | i;
    else
        shape = shape_of_number(shape_class(e) * RUN_SLOTS_MAX + i);
    return entry_moved(e, place, shape);
}

#endif
