/* SPDX-License-Identifier: MIT */
/*
 * The proof that a heap is sound: every invariant of lib/README.rst that its memory can show,
 * recounted in one pass over the spans and one over each list. Needs no memory, writes nothing.
 */
#ifndef RM_VERIFY_H
#define RM_VERIFY_H

#include "heap.h"

/* `low` and `bytes` are the heap's region as someone else remembers it: all else, the heap's own
   structure included, may be damaged. `crowd` is what threads have, who are kept out of it. RM_OK, and the fault's invariant is 0; or RM_ECORRUPT.
   O(heap). */
rm_status_t verify_heap(const struct heap *h, const struct crowd *crowd, const char *low,
                        size_t bytes, rm_fault_t *fault);

#endif
