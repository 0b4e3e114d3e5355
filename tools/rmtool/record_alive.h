/* SPDX-License-Identifier: MIT */
/*
 * Whether anybody still writes to a log: whether a process has it mapped. A process that
 * has ended, or has called exec, has not; nor has a child of fork.
 */
#ifndef RMTOOL_RECORD_ALIVE_H
#define RMTOOL_RECORD_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * path: of the log.
 * pid:  where to look first; in a namespace of its own, a process may have had another.
 */
bool record_alive(const char *path, uint64_t pid);

#endif
