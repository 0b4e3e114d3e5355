/* SPDX-License-Identifier: MIT */
/*
 * Runs other programs, one at a time, and waits for them.
 */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>

/*
 * Runs a program to its end. What it prints is kept back.
 *  argv:        its name, looked for along PATH where it has no slash; arguments; NULL.
 *  directory:   to run it in, NULL for this one.
 *  show_errors: print on standard error what was kept back, where it fails.
 *  found:       receives whether there is such a program.
 * Returns: its exit status; STATUS_IO where it could not be run or was killed.
 */
int child_run(const char *const argv[], const char *directory, bool show_errors,
              bool *found);

#endif
