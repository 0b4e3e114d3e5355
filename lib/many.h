/* SPDX-License-Identifier: MIT */
/*
 * Blocks with more locks than the state counts: LOCKS_MANY. Then the entry's shape is the count, and
 * the reference or the header says the size. A block becomes one of them when LOCKS_FEW + 1 locks are
 * held on it, and stays one, with 0 locks too, until somebody needs its shape: locking it again takes no
 * more than any other.
 *
 * To be called with the heap's mutex held, if it has one; others may lock and unlock meanwhile.
 */
#ifndef RM_MANY_H
#define RM_MANY_H

#include "block.h"
#include "run.h"

/* The reference of an object in a run, or the header of a block, says its size from here on; or,
   where `plain`, its entry. */
void many_note_size(struct store *s, uint64_t e, size_t size, bool plain);

/* A block that has none to LOCKS_FEW locks by its entry `*e` is one with many. False: it has another number of
   them by now, and `*e` says which. */
bool many_begin(struct store *s, uint32_t slot, uint64_t *e);

/* The entry of a live block, which is not one with many if no lock is held. */
uint64_t many_end(struct store *s, uint32_t slot);

/* The size that was asked for, of a block in any state but at rest. */
size_t many_size(const struct store *s, uint64_t e);

#endif
