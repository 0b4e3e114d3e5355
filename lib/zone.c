/* SPDX-License-Identifier: MIT */
#include "zone.h"

enum { WIDE = ZONE_GROUP * ZONE_GROUP }; /* zones of a word of level 2 */

void zones_init(struct zone *zones, unit_t from, unit_t to) {
    for (; from < to; from++) zones[from] = (struct zone){0, ZONE_EMPTY, 0};
}

/* The words of a zone: level 1 in the first of its 16, level 2 in the second of its 256. */
static uint16_t *word_1(struct zone *zones, unit_t z) {
    return &zones[round_down(z, ZONE_GROUP)].some;
}
static uint16_t *word_2(struct zone *zones, unit_t z) {
    return &zones[round_down(z, WIDE) + 1].some;
}
static uint16_t bit_1(unit_t z) { return (uint16_t)(1u << z % ZONE_GROUP); }
static uint16_t bit_2(unit_t z) { return bit_1(z / ZONE_GROUP); }

void zones_mark(struct zone *zones, unit_t z) {
    *word_1(zones, z) |= bit_1(z);
    *word_2(zones, z) |= bit_2(z);
}

void zones_unmark(struct zone *zones, unit_t z) {
    *word_1(zones, z) &= (uint16_t)~bit_1(z);
    if (*word_1(zones, z) == 0) *word_2(zones, z) &= (uint16_t)~bit_2(z);
}

unit_t zones_next_free(const struct zone *zones, unit_t from, unit_t end) {
    unit_t z = from;
    while (z < end) {
        unsigned here = (unsigned)zones[round_down(z, ZONE_GROUP)].some >> z % ZONE_GROUP;
        if (here != 0) return z + bit_lowest(here) < end ? z + bit_lowest(here) : end;
        z = (unit_t)round_down(z, ZONE_GROUP) + ZONE_GROUP;
        if (z >= end) break;
        unsigned group = z / ZONE_GROUP % ZONE_GROUP;
        unsigned above = (unsigned)zones[round_down(z, WIDE) + 1].some >> group;
        z = above != 0 ? z + ZONE_GROUP * bit_lowest(above)
                       : (unit_t)round_down(z, WIDE) + WIDE;
    }
    return end;
}

/* What the word in a zone should be. */
static unsigned expected_word(const struct zone *zones, unit_t z, unit_t end) {
    unsigned word = 0;
    if (z % ZONE_GROUP == 0)
        for (unit_t i = 0; i < ZONE_GROUP && z + i < end; i++)
            word |= (unsigned)(zones[z + i].free != 0) << i;
    if (z % WIDE == 1)
        for (unit_t i = 0; i < ZONE_GROUP && z - 1 + i * ZONE_GROUP < end; i++)
            word |= (unsigned)(zones[z - 1 + i * ZONE_GROUP].some != 0) << i;
    return word;
}

unit_t zones_wrong_word(const struct zone *zones, unit_t end) {
    for (unit_t z = 0; z <= end; z++)
        if (zones[z].some != expected_word(zones, z, end)) return z;
    return UNIT_NIL;
}
