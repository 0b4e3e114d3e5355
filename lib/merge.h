/* SPDX-License-Identifier: MIT */
/*
 * Merging: the objects of a class come together in as few runs as hold them, the last of which
 * is cut to the length it needs; an object that is left alone gets a block of its own, which takes
 * less. Needs no memory.
 */
#ifndef RM_MERGE_H
#define RM_MERGE_H

#include "store.h"

/* To be called before a series of steps: what was stuck behind something locked is tried again
   where something has been unlocked since. */
void merge_again(struct store *s);

/* One action, of at most one run's bytes or some looks at what is locked; false: there is nothing to
   merge. */
bool merge_step(struct store *s);
/* Empty one run into others of its class, where the slots that are free in those suffice: what that
   moves is less than what it frees. Only where nothing is half moved. False: nowhere. */
bool merge_one_run(struct store *s);
/* Is there something that merge_step would look at? */
static inline bool merge_pending(const struct store *s) {
    return (s->loose[0] | s->loose[1]) != 0;
}

#endif
