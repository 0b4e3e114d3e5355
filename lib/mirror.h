/* SPDX-License-Identifier: MIT */
/*
 * What nobody may write to between two calls: free memory, the rest of a block behind the size asked for, what
 * lies between blocks, and blocks without a lock. A copy of it, outside of the heap, is taken when a call leaves;
 * when the next one enters it is held against the heap, so what has been written meanwhile is found, to the byte.
 *
 *      heap   |hdr|aaaaaa++|hdr|LLLLLLLL+++|free.................|
 *      copy   |hdr|aaaaaa++|hdr|        +++|free.................|      L: locked, + and .: filled
 *
 * Free memory is filled beforehand, so that who reads a block too late gets no sense of it. What lies above the
 * highest place that was ever used is neither filled nor copied. Cost: O(memory in use), three times over.
 *
 * Not for the handle table, the heap's structure and pages that have been given back.
 */
#ifndef RM_MIRROR_H
#define RM_MIRROR_H

#include "store.h"

enum {
    MIRROR_FREE = 0xdf,  /* what is filled with: what is nobody's, */
    MIRROR_FRESH = 0xcf, /* what nobody has written to yet, */
    MIRROR_REST = 0xef   /* and what lies behind the size asked for */
};

struct mirror {
    char *copy; /* at the same offsets */
    size_t reserved, bytes;
    unit_t high;  /* units that are copied */
    bool known;   /* they are */
    bool reading; /* blocks without a lock may be written to, in a read section */
};

/* False: the system refuses. */
bool mirror_init(struct mirror *m, size_t bytes);
void mirror_finish(struct mirror *m);

/* Fill what is nobody's, and copy. Where there is no memory for it, nothing will be found. */
void mirror_take(struct mirror *m, const struct store *s);
/* A block's header, or its reference, says its size from now on. */
void mirror_note(struct mirror *m, const struct store *s, uint64_t e);

/* Where something has been written: the first byte, and how many up to the last one that is near. */
struct mirror_difference {
    size_t place, bytes;
};
bool mirror_find(const struct mirror *m, const struct store *s,
                 struct mirror_difference *d);
/* Fill a block that has just been made, or the part of it that has. */
void mirror_fill_fresh(const struct store *s, size_t place, size_t size);

#endif
