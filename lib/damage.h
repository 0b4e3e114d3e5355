/* SPDX-License-Identifier: MIT */
/*
 * Damage: what is read from a heap's memory is believed only as far as it can be. Whoever follows a unit, a
 * slot or a length from there looks first whether it can be one (SOUND); where it cannot, the call ends here and
 * now, at its edge: it says RM_ECORRUPT, and the heap is touched no more. What may be followed keeps within
 * the heap, so that damage neither crashes nor is written outside, whatever becomes of the blocks.
 *
 * Not looked at where a request is as fast as it can be: in rmlock and its like, and in what is taken from a
 * quick list or put on it (quick.h).
 */
#ifndef RM_DAMAGE_H
#define RM_DAMAGE_H

#include <setjmp.h>

#include "base.h"

/* Where the call that this thread is in ends; NULL: there is none, and damage aborts. */
extern _Thread_local jmp_buf *damage_edge
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Does not return. */
__attribute__((noreturn, cold)) void damage_found(void);

#define SOUND(condition)                                                                 \
    do {                                                                                 \
        if (unlikely(!(condition))) damage_found();                                      \
    } while (0)

#endif
