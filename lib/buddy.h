/* SPDX-License-Identifier: MIT */
/*
 * The free spans, indexed by the power-of-two order of their size.
 *
 * A span stands whole in its order. Sizes below BUDDY_BINS units have a list each; from
 * there on the spans of one order form a binary digital trie over the bits of the size
 * below its leading one: the order is halved and halved again, as a buddy system halves
 * memory, but nothing is rounded. (Tries of this form: D. Lea, dlmalloc 2.8.)
 *
 * The nodes lie in the spans themselves, as described under struct buddy. Knows units and
 * the memory they lie in; no handles, no tiling.
 * Invariant 4.
 */
#ifndef RM_BUDDY_H
#define RM_BUDDY_H

#include "base.h"

enum {
    BUDDY_BINS = 64,          /* sizes 1..63 units have lists of their own */
    BUDDY_ORDER_MIN = 6,      /* the first order with a trie: 64 units */
    BUDDY_ORDERS = UNIT_BITS, /* orders of sizes in units: 0..29 */
    BUDDY_TRIES = BUDDY_ORDERS - BUDDY_ORDER_MIN
};

/*
 * A node, at the start of a free span (byte offsets); `next`/`previous` link spans of one
 * size, the rest is used from 64 units on, by the first span of its size only:
 *    0  header word: kind:2 prev:1 size:30 next:30 released:1
 *    8  previous:32
 *   16  child 0:32    20  child 1:32    24  parent:32 (UNIT_NIL: the root; see below)
 *   28  in a trie as the first of its size:32 (0 or 1)
 */
struct buddy {
    unit_t limit;         /* spans lie below */
    uint64_t bins_used;   /* bit n: bins[n] is not empty */
    uint32_t orders_used; /* bit k: tries[k - BUDDY_ORDER_MIN] is not empty */
    uint32_t n_spans;
    uint64_t units[BUDDY_ORDERS]; /* in the spans of each order */
    unit_t bins[BUDDY_BINS];
    unit_t tries[BUDDY_TRIES];
};

/* The header word of a free span. */
enum { FREE_SIZE_SHIFT = 3, FREE_NEXT_SHIFT = 33, FREE_RELEASED_BIT = 63 };

static inline unit_t free_size(uint64_t header) {
    return (unit_t)(header >> FREE_SIZE_SHIFT) & UNIT_NIL;
}

void buddy_init(struct buddy *b);

/* Put a span into the index under `key` units (at most its size), or take it out. The
   header word must be there already, its `next` is ours. */
void buddy_insert(struct buddy *b, char *base, unit_t span, unit_t key);
void buddy_remove(struct buddy *b, char *base, unit_t span, unit_t key);
/* It will be taken out soon: ask for what that takes from memory, but for the header, which is read. */
void buddy_ask(const char *base, unit_t span);

/* The span with the smallest key of at least `units`, or UNIT_NIL. O(orders). */
unit_t buddy_best(const struct buddy *b, const char *base, unit_t units);

/* The largest key, in units; 0 where there is no span. O(orders). */
unit_t buddy_largest(const struct buddy *b, const char *base);

/* The key a span stands under: its size, less the pages given back inside it. */
unit_t buddy_key(const char *base, unit_t span);

/* Where the range of pages given back inside a span is recorded: first unit and count. */
enum { RELEASED_FIRST = 32, RELEASED_COUNT = 36, RELEASED_HEADROOM = 64 };

#endif
