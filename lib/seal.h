/* SPDX-License-Identifier: MIT */
/*
 * Integrity: a keyed sum of all that a heap remembers of itself, made when a call leaves the heap and compared
 * when the next one comes. It lies with its key outside of the heap.
 *
 *      whole    the heap's structure, in use chunks of quick lists, zones; of each span its header; of free
 *               ones their links and last word, of runs references, links and noted sizes, of aligned blocks the
 *               byte that says so
 *      groups   one sum for each 64 slots of the handle table
 *
 * Content of blocks is their owners', and not looked at. A sum is a chain of words: each step is a bijection in the
 * sum so far and in the word, so that a change of one word is found for certain. That another word hides it is left to
 * chance, some one in 2^48 even for those that are chosen best: what a change does to the sum depends on odd factors
 * that nobody knows (seal.c). Who does may forge it: this is about bugs, not about attacks on the library's own data.
 *
 * Cost: the whole is O(metadata): reads of all headers and references, that is some 3 % of a heap of small objects. A
 * call that needs no more of the heap than its structure and the entry of one block, as locking does, has those
 * alone looked at: O(1).
 *
 * It follows nothing that has not been summed and found right, or is within bounds: so it neither crashes nor
 * hangs on a damaged heap.
 */
#ifndef RM_SEAL_H
#define RM_SEAL_H

#include "heap.h"

struct seal {
    uint64_t key, odd[2];     /* that sums begin with, and their factors */
    uint64_t structure, area; /* sums */
    uint32_t pool, n_chunks;  /* of quick lists, as they have always been */
    uint64_t *groups;
    size_t bytes; /* of those, reserved */
};

/* For a heap in so many bytes. False: there is no memory. */
bool seal_init(struct seal *seal, const struct heap *h, size_t bytes);
void seal_finish(struct seal *seal);

/* Seal the heap as it is: all of it; or after a call that has changed its structure's first words and one
   entry alone. */
void seal_all(struct seal *seal, const struct heap *h);
void seal_entry(struct seal *seal, const struct heap *h, uint32_t slot);

/* Is it as it was sealed? All of it; or its structure and the entries that lie about one. */
bool seal_holds(const struct seal *seal, const struct heap *h);
bool seal_holds_entry(const struct seal *seal, const struct heap *h, uint32_t slot);

#endif
