/* SPDX-License-Identifier: MIT */
/*
 * A program made to stand still for a moment, by ptrace(2), and what the system says of it.
 */
#ifndef RMTOOL_FREEZE_H
#define RMTOOL_FREEZE_H

#include "top/target.h"

/* The program's name, and when it began. Returns: a status; it has complained. */
int freeze_identify(struct target *target);

/* Complains about what the system has refused with `error`, and says what to do. */
int freeze_refused(const struct target *target, int error, const char *what);

#endif
