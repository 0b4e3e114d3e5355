/* SPDX-License-Identifier: MIT */
/*
 * A naive model of an area: a map of its units, which are taken, and how long the span is that
 * begins there. Free spans are then the holes between.
 */
#ifndef RM_AREA_MODEL_H
#define RM_AREA_MODEL_H

#include "area.h"

enum { LIMIT = 20000, START = 9000, ZONES = (LIMIT >> ZONE_SHIFT) + 2 };
enum { BYTES = (LIMIT + 2) * UNIT + 4096 };

struct site {
    struct area area;
    struct zone zones[ZONES];
    char *memory;
    /* The model: units of the used span that begins at a unit, else 0; and all units of them. */
    unit_t used[LIMIT + 1];
    bool taken[LIMIT + 1];
};

/* An area of START units in memory of our own, page-backed; nothing is taken. */
void site_open(struct site *site, const void *none);
void site_close(struct site *site, const void *none);

/* Up to LIMIT; and how long a span is to be: mostly small, some large. */
unit_t random_below(unit_t n);
unit_t random_units(void);

/* Where the hole ends that begins at a unit; where nothing is free, that unit. */
unit_t hole_end(const struct site *site, unit_t at);
/* The first unit of a used span, or of a hole, at random; UNIT_NIL: there is none. */
unit_t any_used(const struct site *site);
unit_t any_hole(const struct site *site);
/* The size of the smallest hole of at least so many units; 0: there is none. */
unit_t naive_best(const struct site *site, unit_t units);
/* The lowest hole that begins at `from` or above, or UNIT_NIL. */
unit_t naive_lowest_free(const struct site *site, unit_t from);

/* A used span, in the model. */
void model_take(struct site *site, unit_t span, unit_t units);
void model_free(struct site *site, unit_t span, unit_t units);
/* Its header in the area, and a content by which it is known wherever it is. */
void write_span(struct site *site, unit_t span, unit_t units);
/* Both: what was just cut out of a hole. */
void take_span(struct site *site, unit_t span, unit_t units);

/* The whole area is as the model says. */
void check_area(struct site *site);
/* Its pages given back are where they may be, hold nothing, and are counted. */
void check_released(struct site *site);

#endif
