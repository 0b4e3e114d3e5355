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

/*
 * Opens one of the logs in a directory: of a process, mapped at an address. By exec it may
 * have been several programs, one after the other.
 *  after:  the oldest that began after that time (struct record_header: start_ns); where
 *          none did, the newest.
 * recording->path stays NULL where there is none.
 */
int recording_find(struct recording *recording, const char *directory, uint64_t pid,
                   uint64_t at, uint64_t after);

/* When the newest of them began; 0: there is none. */
uint64_t recording_newest(const char *directory, uint64_t pid, uint64_t at);

/* Once the program has ended.
   exited: it called exit(), or returned from main.
   failed: an errno where the log could not grow to its end; else 0. */
void recording_end(const struct recording *recording, bool *exited, int *failed);

/* Whether the file has room for a slot: else nothing that is stored there is a record. */
bool recording_has(struct recording *recording, uint64_t slot);

/* Slot number `slot`; op RECORD_NONE where it has not been written. */
int recording_read(struct recording *recording, uint64_t slot, struct record *record);
void recording_close(struct recording *recording);

#endif
