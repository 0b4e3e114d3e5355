/* SPDX-License-Identifier: MIT */
/*
 * From the records of one process to its trace: addresses become blocks. Nothing that a
 * log may hold is fatal; what cannot be told is counted.
 */
#ifndef RMTOOL_RECORD_TRACE_H
#define RMTOOL_RECORD_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "record/record_blocks.h"
#include "record/record_reader.h"
#include "trace/trace_writer.h"

/* What a trace has besides the calls that were recorded, and what of them it lacks. */
struct record_counts {
    uint64_t calls;            /* recorded: allocations, reallocations, frees */
    uint64_t inherited;        /* blocks made by the parent before the fork */
    uint64_t usable_sizes;     /* blocks grown to what malloc_usable_size has said */
    uint64_t unknown_frees;    /* of blocks that were made before the recorder came */
    uint64_t unknown_reallocs; /* the same; an allocation in the trace */
    uint64_t implicit_frees;   /* of blocks whose address was given out again */
    uint64_t failed_reallocs;  /* not in the trace */
    uint64_t unfinished;       /* reallocations that the process did not live to see */
    uint64_t unknown_locks;    /* of what is no block, or is not locked */
};

struct record_pending;

struct record_trace {
    const char *path;
    struct trace_writer *writer; /* NULL before the first event */
    bool leave_usable;           /* malloc_usable_size is of no interest */
    uint64_t last_ns;            /* the latest that is known of the process */
    struct record_blocks blocks;
    struct record_pending *pending; /* reallocations under way, the last one first */
    struct record_heir *heirs;      /* blocks that were there at the beginning */
    size_t n_heirs;
    struct record_counts counts;
};

/* path: kept, not copied. Nothing is opened before there is an event. */
void record_trace_init(struct record_trace *trace, const char *path, bool leave_usable);

/* The blocks that the process begins with; they are the trace's from here on. Before the
   first event. */
void record_trace_inherit(struct record_trace *trace, struct record_heir *heirs,
                          size_t n);

/* One record. Returns: a status, that of the writer. */
int record_trace_apply(struct record_trace *trace, struct record record);

/* No more records will come. */
void record_trace_end(struct record_trace *trace);

/* Keys that say what was counted. */
void record_trace_keys(const struct record_trace *trace);

/* Discards the writer, where it has not been closed. */
void record_trace_finish(struct record_trace *trace);

#endif
