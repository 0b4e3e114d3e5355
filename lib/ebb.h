/* SPDX-License-Identifier: MIT */
/*
 * Free memory ebbs away: pages inside large free spans go back to the system when blocks have been
 * freed. Nothing moves for it. What goes is what nobody has needed for a while, as far as the time that
 * it takes has been earned. Knows nothing of blocks.
 */
#ifndef RM_EBB_H
#define RM_EBB_H

#include "store.h"

/* The clock: allocations and frees so far. */
static inline uint64_t ebb_operations(const struct store *s) {
    return 2 * s->allocations - s->table.n_taken;
}

/* Blocks have been freed for good: is it time to look? The least that is free is noted here, too: what is
   free is least before frees. */
static inline bool ebb_due(struct store *s) {
    unit_t held = s->area.free_units - s->area.released_units;
    if (held < s->ebb.low) s->ebb.low = held;
    return unlikely(ebb_operations(s) >= s->ebb.next);
}
void ebb(struct store *s);

/* A block of so many bytes has been freed: where it is larger than any before, by an eighth, the pages of
   the largest free span go at once. So what is freed once is given back, and what comes and goes stays
   (as glibc's threshold for mmap does). */
void ebb_large(struct store *s, size_t size);
static inline void ebb_freed(struct store *s, size_t size) {
    if (unlikely(size >= s->ebb.large)) ebb_large(s, size);
}

/* `pages`: the memory is the system's, not a caller's. */
void ebb_init(struct store *s, bool pages);

#endif
