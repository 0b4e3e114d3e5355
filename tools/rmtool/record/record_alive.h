/* SPDX-License-Identifier: MIT */
/*
 * Whether anybody still writes to a log: whether a process has it mapped. A process that
 * has ended, or has called exec, has not; nor has a child of fork.
 */
#ifndef RMTOOL_RECORD_ALIVE_H
#define RMTOOL_RECORD_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

/* What was seen of all processes, for as long as that is good; all zero: nothing yet. */
struct record_living {
    bool looked;
    char *names; /* lines that end with that of a log; NULL: not known, so all may live */
};

/*
 * living: from a time when the log was there already.
 * path:   of the log.
 * pid:    where to look first; in a namespace of its own, a process may have had another.
 */
bool record_alive(struct record_living *living, const char *path, uint64_t pid);
void record_living_forget(struct record_living *living);

#endif
