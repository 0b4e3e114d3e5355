/* SPDX-License-Identifier: MIT */
/*
 * Sliding: what lies above a gap moves down through it, span after span.
 *
 *      |AA|  |B|CC|..|D|PINNED|        before
 *      |AA|B|CC|D|     |PINNED|        after
 *
 * Each span is moved once, in address order, and the index of free spans is told once. Knows
 * nothing of passes. Invariants 5, 10.
 */
#ifndef RM_SLIDE_H
#define RM_SLIDE_H

#include "store.h"

/* How far: until so much work is done (store_work; one span at least), or the gap has so many
   units. */
struct slide_goal {
    size_t work;
    unit_t units;
};

/* Slide through the free span `gap` what can go at once: up to something pinned, over MOVE_PIECE
   or aligned above UNIT. Returns the free span that it is then; the same: nothing could. */
unit_t slide(struct store *s, unit_t gap, const struct slide_goal *goal);

#endif
