/* SPDX-License-Identifier: MIT */
/* What the library writes to standard error is kept, and the stacks that it writes about are the test's. */
#ifndef RM_TESTS_TOLD_H
#define RM_TESTS_TOLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern unsigned told_writes;
/* All that has been written since it was asked for the last time. */
const char *told(void);

enum { TOLD_DEEPEST = 100 };
/* The stack that calls come from: a frame is printed as "at" and its number. */
extern void *told_stack[TOLD_DEEPEST];
extern int told_depth;
static inline void *told_frame(size_t number) { return (void *)(uintptr_t)(number + 1); }
void told_set_stack(int n, ...);

/* Does a call end in abort(), or in a fault? Then it has been left. Once told_listen has set the handlers, before
   whoever else listens. */
void told_listen(void);
#define TOLD_DIES(call)                                                                  \
    (sigsetjmp(*told_begin(), 1) == 0 ? ((void)(call), told_end(), false)                \
                                      : (told_end(), true))
sigjmp_buf *told_begin(void);
void told_end(void);

#endif
