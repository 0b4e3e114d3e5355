/* SPDX-License-Identifier: MIT */
/*
 * The access log, "rma 1": the items of one program (access.h) in a file, so that models of
 * locking can be tried again and again without running it. Two to four bytes an item before
 * zstd compresses them.
 *
 * The file is text, then bytes, compressed with zstd (or plain) as one stream:
 *
 *      # rma 1                 the first line; more "# KEY: VALUE" lines follow,
 *                              name and command among them; an empty line ends them
 *      item item ... END
 *
 * Numbers are of 7 bits a byte, the lowest first; the top bit says that more follow. A signed
 * number n stands as 2n where it is not negative, else as -2n - 1. An item begins with a byte
 *
 *      bits 0-1  0 load, 1 store, 2 both of the same bytes by one instruction, 3 an event
 *      bit 2     frames have ended or begun since the item before it on this stack
 *
 * and of an access (0 to 2)
 *
 *      bit 3     the block is that of the access before it
 *      bits 4-7  instructions since the item before it; 15: 15 more than the number that
 *                follows
 *      then      [instructions - 15] [ended, begun] [slot - slot of the access before it]
 *
 * each where the bits say so. Of an event
 *
 *      bits 3-7  0 END, 1 alloc, 2 zero, 3 aligned, 4 realloc, 5 free, 6 lock, 7 unlock,
 *                8 thread, 9 stack
 *      then      instructions since the item before it, [ended, begun], and
 *                  alloc, zero: size         aligned: size, log2 of the alignment
 *                  realloc: slot, size       free, lock, unlock: slot
 *                  thread: its number        stack: its number
 *                  END: accesses, events in all
 *
 * Slots are those of access.h; that of a new block is not written. A thread's items follow
 * the event that names it, a stack's likewise; at the start it is thread 1, stack 0. Each stack
 * begins with depth 0; an event "stack" carries no frames.
 */
#ifndef RMTOOL_ACCESSLOG_H
#define RMTOOL_ACCESSLOG_H

#include <stdio.h>

#include "locks/access.h"

#define ACCESSLOG_KEY 64
#define ACCESSLOG_VALUE 512

struct accesslog_reader;
struct accesslog_writer;

struct accesslog_header {
    char name[ACCESSLOG_KEY];
    char command[ACCESSLOG_VALUE];
};

/* Makes words of it that can be shown, and, of the name, a file's: bytes that steer terminals
   become '_', and so do slashes. */
void accesslog_tidy(struct accesslog_header *header);

/*
 * Opens path, or standard input where it is "-", and reads the header, which is tidied.
 *  path: kept, not copied.
 * Returns: a status.
 */
int accesslog_open(struct accesslog_reader **out, const char *path,
                   struct accesslog_header *header);

/*
 * The next items, with all that access.h promises.
 *  n: receives how many; 0 at the end.
 * Returns: STATUS_OK; STATUS_IO; STATUS_MALFORMED, with the item's number.
 */
int accesslog_read(struct accesslog_reader *reader, struct access_item *items,
                   size_t most, size_t *n);
void accesslog_close(struct accesslog_reader *reader); /* NULL does nothing */

/* Whether the file begins as access logs do; no complaint where it does not. */
bool accesslog_wanted(const char *path);

/*
 * Writes to a file, which stays the caller's.
 *  path: for complaints. Kept, not copied.
 * Returns: a status, as all do here.
 */
int accesslog_create(struct accesslog_writer **out, FILE *file, const char *path,
                     const struct accesslog_header *header);
int accesslog_write(struct accesslog_writer *writer, const struct access_item *items,
                    size_t n);

/* The end of the log, and of the writer, which is freed; NULL does nothing. */
int accesslog_finish(struct accesslog_writer *writer);
void accesslog_discard(struct accesslog_writer *writer);

#endif
