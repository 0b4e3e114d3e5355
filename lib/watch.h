/* SPDX-License-Identifier: MIT */
/*
 * When a heap needs the background thread: above one mark it wakes, and it works until the other is reached. One
 * that has worked in vain is left alone for a while, longer each time.
 */
#ifndef RM_WATCH_H
#define RM_WATCH_H

#include "place.h"

/* Does the heap begin to need it, now? O(1), but for a look at the clock. */
bool watch_wakes(const struct heap *h, struct watch *w);
/* What a step has come to, that took so long and left something to do or not: is there more? Of one that
   `stood` nothing could be moved: somebody reads. */
bool watch_goes_on(const struct heap *h, struct watch *w, bool complete, bool stood,
                   uint64_t now);
/* It woke, but there is no thread to work: it sleeps for a while. */
void watch_put_off(struct watch *w, uint64_t now);
/* When it is to be looked at again, come what may; UINT64_MAX: it need not be. */
uint64_t watch_again(const struct watch *w);

#endif
