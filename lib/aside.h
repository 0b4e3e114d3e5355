/* SPDX-License-Identifier: MIT */
/*
 * Memory aside: for what is remembered of a guarded heap outside of it, out of reach of what damages the heap and
 * of malloc, which may be built on a heap. Pieces of 64 bytes times a power of two, out of chunks of pages that the
 * system gives; a piece given back goes to the next one of its size. All go back at once, at the end.
 */
#ifndef RM_ASIDE_H
#define RM_ASIDE_H

#include "base.h"

enum { ASIDE_LEAST_SHIFT = 6, ASIDE_SIZES = 34 };

struct aside {
    void *chunks; /* each begins with the next one's address, and its own length */
    char *at, *end;
    void *free[ASIDE_SIZES]; /* by size; each begins with the next one's address */
};

/* Zeros, 64-aligned; NULL: there is no memory. An aside of zeros has nothing yet. */
void *aside_alloc(struct aside *a, size_t bytes);
/* Of so many bytes, as it was asked for. */
void aside_free(struct aside *a, void *piece, size_t bytes);
void aside_finish(struct aside *a);

#endif
