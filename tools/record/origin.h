/* SPDX-License-Identifier: MIT */
/*
 * What this process is, and what the environment says of recording it. Read with system
 * calls alone: the first allocation of a process comes before libc has looked at its
 * environment.
 */
#ifndef RMRECORD_ORIGIN_H
#define RMRECORD_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "record_log.h"

struct origin {
    char directory[RECORD_PATH]; /* of the logs */
    uint64_t at;                 /* address for the log; 0: any */
};

/* false: this process is not to be recorded. */
bool origin_find(struct origin *origin);

/* Writes program and command. */
void origin_describe(struct record_header *header);

#endif
