/* SPDX-License-Identifier: MIT */
/*
 * Memory for a heap of the caller's, with a watch on both ends:
 *
 *      | no access | canary | region ... | canary | no access |
 *        a page      slack                 slack    a page
 *
 * A region flush with a guard page has no slack on that side: one byte too far
 * is a SIGSEGV at once. What slack there is shows later in region_fault.
 */
#ifndef RMTEST_REGION_H
#define RMTEST_REGION_H

#include <stddef.h>

enum region_place {
    REGION_LOW, /* begins `shift` bytes above the lower guard page */
    REGION_HIGH /* ends `shift` bytes below the upper guard page */
};

struct region {
    unsigned char *memory;
    size_t size;
    /* private */
    unsigned char *mapping;
    size_t mapped;
};

/* Maps it, filled with garbage. */
void region_init(struct region *region, size_t size, enum region_place place,
                 size_t shift);
/* NULL where nobody wrote outside, else what was found. */
const char *region_fault(const struct region *region);
/* From here on every access to it is a SIGSEGV. */
void region_forbid(struct region *region);
void region_finish(struct region *region);

#endif
