/* SPDX-License-Identifier: MIT */
/*
 * The zones: what is known of each 64 KiB of an area, so that nobody has to walk to it. Where does
 * the first span begin, how much is free, which zone is the next with anything free?
 *
 *      zone        0 1 2 ... 15 16 ...  31 ...  255 256 257 ...
 *      first, free x x x      x  x       x        x   x   x
 *      some        1 2        -  1       -        -   1   2     level 1: which of 16 zones,
 *                                                               level 2: which 16 of 16 zones
 *
 * The two levels of the bitmap lie in the zones themselves: it grows with them. Knows units;
 * no headers. Invariant 6.
 */
#ifndef RM_ZONE_H
#define RM_ZONE_H

#include "damage.h"

enum {
    ZONE_SHIFT = 16 - UNIT_SHIFT, /* of a unit: its zone */
    ZONE_EMPTY = UINT16_MAX,
    ZONE_GROUP = 16 /* zones of a word of the bitmap, and words of a word above */
};

struct zone {
    unit_t free; /* units of the free spans that begin in it */
    uint16_t
        first; /* the first span that begins in it, from its start; ZONE_EMPTY: none */
    uint16_t some; /* a word of the bitmap: something is free there */
};

/* Zones [from, to) have no spans yet. The one behind the last in use must be there as well. */
void zones_init(struct zone *zones, unit_t from, unit_t to);

/* Something is free in a zone now, or nothing is any more. */
void zones_mark(struct zone *zones, unit_t z);
void zones_unmark(struct zone *zones, unit_t z);

/* A free span of so many units is there now; or it is not. */
static inline void zones_free_in(struct zone *zones, unit_t span, unit_t units) {
    struct zone *zone = &zones[span >> ZONE_SHIFT];
    zone->free += units;
    if (zone->free == units) zones_mark(zones, span >> ZONE_SHIFT);
}
static inline void zones_free_out(struct zone *zones, unit_t span, unit_t units) {
    struct zone *zone = &zones[span >> ZONE_SHIFT];
    zone->free -= units;
    if (zone->free == 0) zones_unmark(zones, span >> ZONE_SHIFT);
}

/* The lowest zone of [from, end) in which a free span begins; `end` where there is none. Reads a word
   in 16 zones, and where nothing is free one in 256. */
unit_t zones_next_free(const struct zone *zones, unit_t from, unit_t end);

/* The lowest zone below `end`, the first one unused, whose word of the bitmap is wrong; UNIT_NIL: they
   are all right. For rm_heap_check: reads zones [0, end]. */
unit_t zones_wrong_word(const struct zone *zones, unit_t end);

/* The first span that begins in a zone, or UNIT_NIL. */
static inline unit_t zone_first(const struct zone *zones, unit_t z) {
    if (zones[z].first == ZONE_EMPTY) return UNIT_NIL;
    SOUND(zones[z].first >> ZONE_SHIFT == 0);
    return (z << ZONE_SHIFT) + zones[z].first;
}
/* A span begins at `span`; or does no more, and the next one begins at `next`, which may be the end
   of all. */
static inline void zones_begins(struct zone *zones, unit_t span) {
    struct zone *zone = &zones[span >> ZONE_SHIFT];
    uint16_t at = (uint16_t)(span & bit_mask(ZONE_SHIFT));
    if (at < zone->first) zone->first = at; /* ZONE_EMPTY is larger than any */
}
static inline void zones_vanishes(struct zone *zones, unit_t span, unit_t next,
                                  unit_t limit) {
    struct zone *zone = &zones[span >> ZONE_SHIFT];
    if (zone->first != (span & bit_mask(ZONE_SHIFT))) return;
    bool here = next < limit && next >> ZONE_SHIFT == span >> ZONE_SHIFT;
    zone->first = here ? (uint16_t)(next & bit_mask(ZONE_SHIFT)) : (uint16_t)ZONE_EMPTY;
}

#endif
