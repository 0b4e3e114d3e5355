/* SPDX-License-Identifier: MIT */
/*
 * The recorder's log (tools/common/record_log.h), read while the program still writes it.
 */
#ifndef RMTOOL_RECORDING_H
#define RMTOOL_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "record_log.h"

struct recording {
    const char *path; /* kept, not copied */
    char *found;      /* path, where recording_find has made it */
    int fd;
    uint64_t mapped, base_slot, first_slot;
    uint64_t limit_slot; /* the file has had room for those below it */
};

/* Returns: a status, as both do. Whatever it is, recording_close is due. */
int recording_open(struct recording *recording, const char *path);

/* The newest log of a process in a directory, mapped at an address; found->path stays NULL
   where there is none. */
int recording_find(struct recording *recording, const char *directory, uint64_t pid,
                   uint64_t at);

/* Whether the file has room for a slot: else nothing that is stored there is a record. */
bool recording_has(struct recording *recording, uint64_t slot);

/* Slot number `slot`; op RECORD_NONE where it has not been written. */
int recording_read(struct recording *recording, uint64_t slot, struct record *record);
void recording_close(struct recording *recording);

#endif
