/* SPDX-License-Identifier: MIT */
/*
 * Moving one thing: a whole span into or down through a free one, an object out of its run,
 * a large block piece by piece. Says what may move; which moves where is compact's business.
 * Invariants 10, 11.
 */
#ifndef RM_MOVE_H
#define RM_MOVE_H

#include "store.h"

/* The most bytes moved at once within a budget, and its promise: at most so many too many. */
enum { MOVE_PIECE = 64 * 1024 };

/* Is anything in a used span locked? */
bool move_pinned(struct store *s, unit_t span);
/* The same of the object in slot `i` of a run. */
bool move_slot_pinned(struct store *s, unit_t span, unsigned i);
/* Does that rest (quick.h)? Then it moves, but to a run of its class. */
bool move_slot_rests(const struct store *s, unit_t span, unsigned i);

/* Where in the free span `gap` a used span above it could begin, given its alignment: the
   lowest such unit, which may lie beyond the gap. A block whose pages are moved keeps its offset
   within the page: sliding, always (unless the store is to be `tight`); filling, where it fits. */
unit_t move_target(const struct store *s, unit_t gap, unit_t span);
unit_t move_fill_target(const struct store *s, unit_t gap, unit_t span);

/* Slide the span right above `gap` down to `to`, which lies in the gap. A block over
   MOVE_PIECE becomes the half-moved one, with its first piece (store.piece bytes) moved, and UNIT_NIL is
   returned; else the free span above it then. The gap itself: somebody has come to lock it. */
unit_t move_slide(struct store *s, unit_t gap, unit_t to);
/* Move a span that fits to `to` in a free span elsewhere; or the object in slot `i` of a run into
   the free span `gap`, as a block of its own. Both return the span that covers where it was; UNIT_NIL:
   it is where it was, since somebody wants it. */
unit_t move_fill(struct store *s, unit_t gap, unit_t to, unit_t span);
unit_t move_single(struct store *s, unit_t gap, unit_t run, unsigned i);

/* A span's bytes are where it is now: its entries and lists follow, and it counts as moved. It
   came from `from`. */
void move_arrived(struct store *s, unit_t span, unit_t from);

/* Move the next piece of the half-moved block; there is one. */
void move_continue(struct store *s);
/* Be done with the half-moved block, so that it can be used: complete a slide, undo a fill. */
void move_finish(struct store *s);
/* The same, but its content is of no use any more: nothing is copied. */
void move_abandon(struct store *s);

/* The table entry of a live slot, with no move under way: what every caller who wants to use
   the block asks for. */
uint64_t move_entry(struct store *s, uint32_t slot);

#endif
