/* SPDX-License-Identifier: MIT */
#include "class.h"

/* Slots in a group: four where 16 bytes of references keep the alignment, else two. */
#define SHIFT(s) ((s) % 16 == 0 ? 2 : 1)
#define REFS(s) (4 << SHIFT(s))
#define GROUP(s) (REFS(s) + ((s) << SHIFT(s)))
/* A run is about a page at most: the last slot begins within 4,095 bytes of the header's end. */
#define LEAST(a, b) (uint8_t)((a) < (b) ? (a) : (b))
#define SLOTS_EMBEDDED(s) LEAST(4095 / (s) + 1, RUN_SLOTS_MAX)
#define SLOTS_SEPARATE(s) LEAST((4095 + (s)) / GROUP(s) << SHIFT(s), RUN_SLOTS_MAX)
#define RECIPROCAL(s) ((1u << 20) / (s) + 1)

/* Above 128 an embedded class has the sizes of three fours, from the last stride on. */
#define LEAST_EMBEDDED(s) (uint16_t)((s) > 128 ? (s)-15 : (s)-7)
#define EMBEDDED(s)                                                                      \
    {                                                                                    \
        .stride = (s), .capacity = (s)-4, .group_bytes = (s),                            \
        .reciprocal = RECIPROCAL(s), .group_reciprocal = RECIPROCAL(s),                  \
        .ref_first = (s)-4, .least = LEAST_EMBEDDED(s), .slots_max = SLOTS_EMBEDDED(s),  \
        .embedded = true                                                                 \
    }
#define SEPARATE(s)                                                                      \
    {                                                                                    \
        .stride = (s), .capacity = (s), .group_bytes = GROUP(s),                         \
        .group_shift = SHIFT(s), .group_refs = REFS(s), .reciprocal = RECIPROCAL(s),     \
        .group_reciprocal = RECIPROCAL(GROUP(s)), .least = (s)-3,                        \
        .slots_max = SLOTS_SEPARATE(s)                                                   \
    }
#define PAIR(s) EMBEDDED(s), SEPARATE(s)
#define PAIRS4(s, step)                                                                  \
    PAIR(s), PAIR((s) + (step)), PAIR((s) + 2 * (step)), PAIR((s) + 3 * (step))
#define PAIRS8(s, step) PAIRS4(s, step), PAIRS4((s) + 4 * (step), step)

const struct size_class size_classes[CLASSES] = {
    {0}, PAIRS8(8, 8), PAIRS8(72, 8), PAIRS8(144, 16), PAIRS8(272, 16), PAIRS8(400, 16),
};

/* Two sizes in fours to a stride of 8, where the one fits beside its reference and the other does
   not; from 128 on three and one to a stride of 16. */
#define TWO(c) (c), (c) + 1
#define EIGHT(c) TWO(c), TWO((c) + 2), TWO((c) + 4), TWO((c) + 6)
#define FOUR(c) (c), (c), (c), (c) + 1
#define SIXTEEN(c) FOUR(c), FOUR((c) + 2), FOUR((c) + 4), FOUR((c) + 6)

const uint8_t class_of_fours[SMALL_MAX / 4 + 1] = {
    1,           EIGHT(1),    EIGHT(9),    EIGHT(17),   EIGHT(25),   SIXTEEN(33),
    SIXTEEN(41), SIXTEEN(49), SIXTEEN(57), SIXTEEN(65), SIXTEEN(73),
};
