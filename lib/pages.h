/* SPDX-License-Identifier: MIT */
/*
 * Large blocks whose pages move instead of their bytes, in heaps whose memory we reserved. Where
 * such a block may go, and the next piece of it; the edges, less than a page at either
 * end, are its mover's to copy.
 *
 *      from   |gap.|hdr edge|page |page |page |edge|next      one offset within the page,
 *      to     |..|hdr edge|page |page |page |edge|            so that pages stay pages
 *
 * The target's pages have to be empty, so what they hold is given back first.
 */
#ifndef RM_PAGES_H
#define RM_PAGES_H

#include "store.h"

/* What a compaction is about, that moves pages: so that it is worth giving the targets' back. */
enum pages_terms {
    PAGES_WHOLE,  /* blocks at once */
    PAGES_PIECES, /* pieces, that take a call of the system each */
    PAGES_REUSED  /* what becomes free is soon used: what is given back is touched anew */
};
/* Are there large blocks, is moving their pages worth it, and does the system do it? It is asked when
   the rest is so for the first time. */
bool pages_wanted(struct store *s, enum pages_terms terms);
/* Are the pages of the block in this span moved, where it goes to a place that differs by whole
   pages? */
bool pages_move(const struct store *s, unit_t span);
/* The first unit from `gap` on at the same offset within its page as `span`; less than a page away. */
unit_t pages_target(unit_t gap, unit_t span);

/* A block has become the half-moved one: will its pages be moved? */
void pages_begin(struct store *s);
/* So many units behind it, and behind its target, may go the same way: the page that it ends in
   then need not be copied. */
void pages_reach(struct store *s, unit_t behind);

/* Bytes of the half-moved block's content up to the next whole page, `done` being moved: what is
   to be copied. 0: it is at a page that can be moved. SIZE_MAX: no page is left. */
size_t pages_edge(const struct store *s);
/* Move its next pages, of at most so many bytes, at least one page. Returns the bytes, those behind
   the block included; 0: refused, the rest of the block is to be copied. */
size_t pages_advance(struct store *s, size_t most);

/* The pages that its moved ones have left behind, which may be targets since. */
struct pages pages_left(const struct store *s);

#endif
