/* SPDX-License-Identifier: MIT */
/*
 * What a program says, line by line, is what it has said before. A line begins with its name; the file has what they
 * were when it was last renewed, by whatever compiler. TAP.
 */
#ifndef RMTEST_GOLDEN_H
#define RMTEST_GOLDEN_H

#include <stdbool.h>

/* `renew`: lines are printed, for the file. Else they are compared with it; it ends the program if it cannot be read. */
void golden_begin(const char *file, bool renew);
/* The line of a case, its name in front. */
void golden_say(const char *name, const char *line);
/* Returns the program's status: 1 where a line was another. */
int golden_end(void);

#endif
