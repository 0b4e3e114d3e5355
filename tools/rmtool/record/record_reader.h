/* SPDX-License-Identifier: MIT */
/*
 * Reading a log of the recorder (tools/common/record_log.h), also while it is being
 * written. Nothing that a file holds is believed: whatever it is, it is read or refused.
 */
#ifndef RMTOOL_RECORD_READER_H
#define RMTOOL_RECORD_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record_log.h"

struct record_reader;

/* How far to read. */
enum record_end {
    RECORD_RUNNING, /* up to the first slot that is not written yet */
    RECORD_STOPPED, /* the same, and that is its end, though its writer may live on */
    RECORD_ENDED,   /* all there is; slots that were never written are left out */
};

struct record_entry {
    uint64_t slot;
    struct record record;
};

/*
 * Opens a log and checks its header.
 *  path:  kept, not copied.
 *  again: it can be tried again, so no descriptor or no memory now is no failure.
 *  out:   receives the reader; NULL where the log has no header yet (or never got one, and
 *         then is of a process that was ended in its first microseconds), or is to be
 *         tried again.
 * Returns: a status.
 */
int record_reader_open(struct record_reader **out, const char *path, bool again);
void record_reader_close(struct record_reader *reader);

/* As it is now: the fields that change are read again by record_reader_read. */
const struct record_header *record_reader_header(const struct record_reader *reader);

/*
 * The next records, in order.
 *  n: receives how many; 0: no more (for now, if it is being written).
 * Returns: a status; STATUS_MALFORMED once, at a record that cannot be one. There the log
 * ends.
 */
int record_reader_read(struct record_reader *reader, enum record_end end,
                       struct record_entry *entries, size_t most, size_t *n);

/* Slots passed that were taken and never written. */
uint64_t record_reader_unwritten(const struct record_reader *reader);

/* Gives the disk back what has been read: it cannot be read again. */
void record_reader_punch(struct record_reader *reader);

/* Cuts off what a log has room for behind the last record. Nobody may write to it. */
void record_reader_trim(struct record_reader *reader);

/* Tells the process that its log is to grow no more. */
void record_reader_stop(struct record_reader *reader);

#endif
