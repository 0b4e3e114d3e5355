/* SPDX-License-Identifier: MIT */
/*
 * Writing traces (trace.h reads them): the one way by which the tool makes them from what
 * others have recorded, cut or converted. Whoever writes names blocks by number; ages,
 * thread lines, totals and the header come from here. What the format forbids is refused by
 * the reader's own rules, so each file that is written passes them.
 *
 * The header has to say what only the end knows. So the events go, compressed, into a
 * file without a name beside the one that is wanted, and at the end follow a header that
 * is a zstd frame of its own: frames one behind the other are one text.
 *
 * It takes memory for the blocks that live (blocks.h), none for events, and up to 50 MiB to
 * compress.
 */
#ifndef RMTOOL_TRACE_WRITER_H
#define RMTOOL_TRACE_WRITER_H

#include "trace/trace.h"

struct trace_writer;

/*
 * Every function with a status complains when it fails. The first failure is the writer's:
 * all later calls return it and do nothing more, and so does trace_writer_close.
 *
 *  path: "-" is standard output, to which all goes at the end; NULL: nothing is written, for
 *        the checks and the totals alone. Kept, not copied.
 */
int trace_writer_open(struct trace_writer **out, const char *path);

/*
 * A line of the header, "# key: value", in the order of the calls; "note" goes behind the
 * counted keys, which come by themselves. Any time before the end. What would end the
 * line becomes a space, what is no UTF-8 question marks, and a value ends after 16 KiB.
 */
void trace_writer_key(struct trace_writer *writer, const char *key, const char *format,
                      ...) __attribute__((format(printf, 3, 4)));

/* The lines of a trace's header that count nothing, in the order in which they stand there.
   suffix: to the value of "kind", such as ", cut". */
void trace_writer_copy_keys(struct trace_writer *writer, const struct trace *trace,
                            const char *suffix);

/* The events that follow are of that thread: any number. The file has 1 for the thread
   that has the first event, 2 for the next, and so on. */
void trace_writer_thread(struct trace_writer *writer, uint64_t thread);

/*
 * Makes a block.
 *  op:             TRACE_ALLOC, TRACE_ZERO or TRACE_ALIGNED.
 *  size:           below 2^56.
 *  alignment_log2: below 56; of TRACE_ALIGNED only.
 *  block:          receives its number, counted from 0; may be NULL.
 */
int trace_writer_alloc(struct trace_writer *writer, enum trace_op op, uint64_t size,
                       unsigned alignment_log2, uint64_t *block);

/* Both unlock the block first where it is locked. size: above 0, below 2^56. */
int trace_writer_realloc(struct trace_writer *writer, uint64_t block, uint64_t size);
int trace_writer_free(struct trace_writer *writer, uint64_t block);

int trace_writer_lock(struct trace_writer *writer, uint64_t block);
int trace_writer_unlock(struct trace_writer *writer, uint64_t block);

/* An event as the reader has it, with its thread. Where it makes a block, event->block is of no meaning. */
int trace_writer_event(struct trace_writer *writer, const struct trace_event *event);

/* When the next event happened, since the program began: "# time: 1.500000000". */
int trace_writer_time(struct trace_writer *writer, uint64_t nanoseconds);

const struct trace_totals *trace_writer_totals(const struct trace_writer *writer);

/* The file in its place, whole; or nothing of it. Frees the writer. */
int trace_writer_close(struct trace_writer *writer);

/* Leaves nothing behind. Frees the writer; NULL does nothing. */
void trace_writer_discard(struct trace_writer *writer);

#endif
