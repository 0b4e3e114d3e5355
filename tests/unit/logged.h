/* SPDX-License-Identifier: MIT */
/*
 * The system's part: memory is had from it as ever, but each request for pages goes into a sum, its place counted
 * from where address space was reserved last. Pages are moved here, into empty ones alone, as the kernel does it. Time
 * passes by as much at each look.
 */
#ifndef RM_TESTS_LOGGED_H
#define RM_TESTS_LOGGED_H

#include <stdint.h>

extern uint64_t logged_sum;
void logged_mix(uint64_t word);

/* The sum and the time begin anew. Of so many requests for pages one is refused; 0: none; 1: to move
   them alone, always. */
void logged_begin(unsigned refuses);
/* One is, the next (1) or another; or all of them, until it is told otherwise. */
enum { LOGGED_ALL = 1 << 30 };
void logged_refuse(unsigned then);

/* What address space has been had last. */
const char *logged_reserved(void);

#endif
