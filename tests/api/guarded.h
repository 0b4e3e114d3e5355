/* SPDX-License-Identifier: MIT */
/*
 * Memory for a heap of the caller's, with a watch on both ends:
 *
 *      | no access | canary | region ... | canary | no access |
 *        a page      slack                 slack    a page
 *
 * A region flush with a guard page has no slack on that side: one byte too far
 * is a SIGSEGV at once. What slack there is shows later in guarded_fault.
 */
#ifndef RMTEST_GUARDED_H
#define RMTEST_GUARDED_H

#include <stddef.h>

enum guarded_place {
    GUARDED_LOW, /* begins `shift` bytes above the lower guard page */
    GUARDED_HIGH /* ends `shift` bytes below the upper guard page */
};

struct guarded {
    unsigned char *memory;
    size_t size;
    /* private */
    unsigned char *mapping;
    size_t mapped;
};

/* Maps it, filled with garbage. */
void guarded_init(struct guarded *region, size_t size, enum guarded_place place,
                  size_t shift);
/* NULL where nobody wrote outside, else what was found. */
const char *guarded_fault(const struct guarded *region);
/* From here on every access to it is a SIGSEGV. */
void guarded_forbid(struct guarded *region);
void guarded_finish(struct guarded *region);

#endif
