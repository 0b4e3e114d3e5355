/* SPDX-License-Identifier: MIT */
#include "class.h"

/* An object's distance from its run's header must fit the 8 bits, in units, of an entry's
   `back`: the last slot begins at most 4,095 bytes beyond the header's end. */
#define LEAST(a, b) ((a) < (b) ? (a) : (b))
#define SLOTS_EMBEDDED(s) LEAST(4095 / (s) + 1, RUN_SLOTS_MAX)
/* Whole fours where the reference array has to end on a 16-byte boundary, else whole twos. */
#define SLOTS_FIT(s) LEAST((4095 + (s)-8) / ((s) + 4), RUN_SLOTS_MAX)
#define SLOTS_SEPARATE(s) ((s) % 16 == 0 ? SLOTS_FIT(s) / 4 * 4 : SLOTS_FIT(s) / 2 * 2)
#define RECIPROCAL(s) ((1u << 20) / (s) + 1)

#define PAIR(s)                                                                          \
    {(s), (s)-4, RECIPROCAL(s), 8 + (s)-4, (s), SLOTS_EMBEDDED(s), true, 7, 0}, {        \
        (s), (s), RECIPROCAL(s), 8, 4, SLOTS_SEPARATE(s), false, (s) % 16 ? 7 : 15,      \
            (s) % 16 ? 0 : 8                                                             \
    }
#define PAIRS4(s, step)                                                                  \
    PAIR(s), PAIR((s) + (step)), PAIR((s) + 2 * (step)), PAIR((s) + 3 * (step))
#define PAIRS8(s, step) PAIRS4(s, step), PAIRS4((s) + 4 * (step), step)

const struct size_class size_classes[CLASSES] = {
    {0}, PAIRS8(8, 8), PAIRS8(72, 8), PAIRS8(144, 16), PAIRS8(272, 16), PAIRS8(400, 16),
};
