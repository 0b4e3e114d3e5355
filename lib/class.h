/* SPDX-License-Identifier: MIT */
/*
 * Size classes of small objects: a size in bytes to a class, a class to the shape of its runs.
 *
 * Every stride (multiples of 8 up to 128, of 16 up to 512) has two classes:
 *   embedded  the reference lies in the last 4 bytes of the slot: capacity = stride - 4
 *   separate  the reference lies in an array before the slots: capacity = stride
 * and a size takes whichever spends fewer bytes. Multiples of 16, and sizes from 128 on, come
 * out at strides that are multiples of 16: invariant 10.
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
    uint32_t reciprocal;          /* of stride: (distance * reciprocal) >> 20 */
    uint16_t ref_first, ref_step; /* slot i's reference: ref_first + i * ref_step from the
                                     run's header on */
    uint8_t slots_max;            /* in a run */
    bool embedded;
    uint8_t round, add; /* see run_slots_offset */
};

extern const struct size_class size_classes[CLASSES];

/* The alignment rule of the contract. */
static inline size_t size_alignment(size_t size) {
    return size >= 128 || (size != 0 && size % 16 == 0) ? 16 : 8;
}

/* The class of a size, 0..SMALL_MAX. */
static inline unsigned class_of(size_t size) {
    if (size <= 128) return size == 0 ? 1 : (unsigned)(size + 3) >> 2;
    unsigned k = (unsigned)(size - 129) >> 4;
    return 33 + 2 * k + (size > 140 + 16 * k);
}

/* Bytes from a run's header to its first slot. Headers lie 8 below a 16-byte boundary, so this
   is 8 modulo 16 for strides that are multiples of 16, else a multiple of 8. */
static inline unsigned run_slots_offset(const struct size_class *class, unsigned slots) {
    unsigned end = 8 + (class->embedded ? 0 : 4 * slots);
    return ((end + 7) & ~(unsigned)class->round) + class->add;
}

/* Units that a run of so many slots takes. */
static inline unit_t run_units(const struct size_class *class, unsigned slots) {
    return bytes_units(run_slots_offset(class, slots) + (size_t)slots * class->stride);
}

#endif
