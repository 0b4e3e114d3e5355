/* SPDX-License-Identifier: MIT */
/*
 * Size classes of small objects: a size in bytes to a class, a class to the shape of its runs.
 *
 * Every stride (multiples of 8 up to 128, of 16 up to 512) has two classes:
 *   embedded  the reference lies in the last 4 bytes of the slot: capacity = stride - 4
 *   separate  references lie before every two slots, or four: capacity = stride
 * and a size takes whichever spends fewer bytes. Multiples of 16, and sizes from 128 on, come
 * out at strides that are multiples of 16: invariant 10.
 *
 * Where a slot and its reference lie depends on neither the run's length nor anything else that
 * only its header says.
 */
#ifndef RM_CLASS_H
#define RM_CLASS_H

#include "base.h"

enum {
    SMALL_MAX = 512,   /* the largest size that lives in runs */
    CLASSES = 81,      /* 1..80; 0 is none */
    RUN_SLOTS_MAX = 48 /* bits in a run's mask */
};

struct size_class {
    uint16_t stride, capacity;
    uint16_t
        group_bytes; /* of a group of slots and their references; embedded: the stride */
    uint8_t group_shift;                   /* log2 of the slots in one; embedded: 0 */
    uint8_t group_refs;                    /* bytes of references in one; embedded: 0 */
    uint32_t reciprocal, group_reciprocal; /* (distance * reciprocal) >> 20 */
    uint16_t ref_first; /* from a group to its first reference: embedded: the capacity */
    uint16_t least;     /* the smallest size of the class, but for 0 */
    uint8_t slots_max;  /* in a run */
    bool embedded;
};

extern const struct size_class size_classes[CLASSES];

/* The alignment rule of the contract. */
static inline size_t size_alignment(size_t size) {
    return size >= 128 || (size != 0 && size % 16 == 0) ? 16 : 8;
}

/* The class of a size, 0..SMALL_MAX. Capacities are multiples of 4. */
extern const uint8_t class_of_fours[SMALL_MAX / 4 + 1];
static inline unsigned class_of(size_t size) { return class_of_fours[(size + 3) >> 2]; }

/* Bytes from a run's header to slot i, and to its reference. Headers lie 8 below a 16-byte
   boundary, so that a slot is 8 modulo 16 for strides that are multiples of 16. */
static inline unsigned slot_offset(const struct size_class *class, unsigned i) {
    return 8 + ((i >> class->group_shift) + 1) * class->group_refs + i * class->stride;
}
static inline unsigned ref_offset(const struct size_class *class, unsigned i) {
    return 8 + (i >> class->group_shift) * class->group_bytes + class->ref_first +
           4 * (i & ((1u << class->group_shift) - 1));
}
/* The slot that begins so many bytes from the header. */
static inline unsigned slot_index(const struct size_class *class, unsigned offset) {
    uint32_t distance = offset - 8;
    uint32_t group = (uint32_t)((uint64_t)distance * class->group_reciprocal >> 20);
    distance -= group * class->group_bytes + class->group_refs;
    return (group << class->group_shift) +
           (uint32_t)((uint64_t)distance * class->reciprocal >> 20);
}

/* Units that a run of so many slots takes. */
static inline unit_t run_units(const struct size_class *class, unsigned slots) {
    return bytes_units(slot_offset(class, slots - 1) + (size_t) class->stride);
}

#endif
