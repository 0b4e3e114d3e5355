/* SPDX-License-Identifier: MIT */
/*
 * Our own assertions: invariants of lib/README.rst, by number. The build option `checks`
 * chooses the level; assert() is not used, since build types switch it on and off.
 */
#ifndef RM_CHECK_H
#define RM_CHECK_H

#ifndef RM_CHECKS
#define RM_CHECKS 0
#endif
#define RM_CHECKS_NONE 0  /* no checks */
#define RM_CHECKS_ENTRY 1 /* cheap ones inside the rooms */
#define RM_CHECKS_FULL 2  /* the whole heap after every call, and fill patterns */

/* Says which invariant is broken and where, and aborts. */
__attribute__((noreturn, cold)) void check_failed(const char *file, int line,
                                                  int invariant, const char *what);

#if RM_CHECKS >= RM_CHECKS_ENTRY
#define CHECK(invariant, condition)                                                      \
    do {                                                                                 \
        if (!(condition)) check_failed(__FILE__, __LINE__, (invariant), #condition);     \
    } while (0)
#else
#define CHECK(invariant, condition) ((void)0)
#endif

#endif
