/* SPDX-License-Identifier: MIT */
/*
 * Allocation traces in the format "rmt 1": streams of the allocations of a program,
 *
 *      # rmt 1                 the first line; more "# KEY: VALUE" lines follow
 *      a SIZE                  malloc; the k-th of a, z and m makes block k
 *      z SIZE                  calloc
 *      m SIZE ALIGNMENT        memalign
 *      r BACK SIZE             realloc; BACK is a block's age: 0 was made last
 *      f BACK                  free
 *      l BACK   u BACK         lock and unlock, in some traces
 *      t THREAD                the events that follow are of that thread
 *
 * compressed with zstd or gzip, or plain; or made up on the spot, see generate.h. The form
 * is in tools/README.rst, exactly. The reader checks every rule of it, so whoever takes an
 * event from it may rely on them: it names a live block, a locked block is neither locked
 * again nor freed nor reallocated, and so on. Besides the events it keeps 8 bytes for each
 * live block and its neighbours (blocks.h), and nothing of the file but the header's lines.
 */
#ifndef RMTOOL_TRACE_H
#define RMTOOL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/blocks.h"
#include "trace/generate.h"
#include "base/input.h"
#include "trace/tape.h"
#include "trace/trace_keys.h"

/* What says when the event behind it happened: "# time: SECONDS.NANOSECONDS". */
#define TRACE_TIME "# time: "
/* How many blocks were live before the trace begins. */
#define TRACE_INHERITED "# inherited: "
#define TRACE_SECOND UINT64_C(1000000000)

enum trace_op {
    TRACE_ALLOC,
    TRACE_ZERO,
    TRACE_ALIGNED,
    TRACE_REALLOC,
    TRACE_FREE, /* the ops up to here are operations, the other two are not */
    TRACE_LOCK,
    TRACE_UNLOCK,
};

struct trace_event {
    uint64_t block;    /* counted from 0 */
    uint64_t size;     /* of the block after the event; before it for a free */
    uint64_t old_size; /* realloc: of the block before it */
    uint64_t line;     /* in the file */
    uint8_t op;        /* enum trace_op */
    uint8_t alignment_log2;
    bool first_lock; /* of the block since it was made or reallocated */
    uint32_t thread; /* counted from 1 */
};

struct trace {
    const char *path;
    char name[64]; /* from the header, else from path; printable */
    /* What the header says, 0 where it does not. Hints: whoever cuts a trace leaves its
       header as it was. */
    uint64_t hint_events, hint_locks;
    struct trace_claims claims;
    uint64_t inherited; /* so many blocks were live before the trace begins: it makes them
                           first */
    char *keys;         /* the header's other lines, each with its end; NULL for none */
    size_t keys_size;
    uint64_t scanned_events; /* after trace_scan: how many there are */
    struct trace_totals totals;
    uint32_t thread; /* of the last event */
    /* Of the last event, since the program began, where a comment says so: the file's
       comments alone do, so it is of no use after trace_rewind. */
    bool timed;
    uint64_t time_ns;
    uint64_t time_fault_line; /* the first time that is before the one before it; or 0 */

    uint64_t limit_events; /* the trace ends after so many */
    struct input *input;   /* NULL while the tape is read */
    const char *pending;   /* the line behind the header, not yet taken; else NULL */
    size_t pending_length;
    struct trace_line held; /* the next event's, if has_held; see trace_peek */
    bool has_held;
    struct tape tape;
    bool taping;                /* what is read goes to the tape too */
    bool tape_whole;            /* it holds the trace to its end */
    struct generated generated; /* its name is NULL where the trace is read */
    struct blocks blocks;       /* size << 8 | state */
};

/*
 * Opens a trace and reads its header.
 *  path:         "-" is standard input, synth:... is generated. Kept, not copied.
 *  limit_events: UINT64_MAX for all.
 *  keep:         a wish to have the events in memory, for trace_rewind. Standard input
 *                can be rewound only with it.
 * Returns: a status, as all calls here do. Whatever it is, trace_close is due.
 */
int trace_open(struct trace *trace, const char *path, uint64_t limit_events, bool keep);

/* The same of text that has been opened, of which nothing has been read; it is the trace's
   from now on. */
int trace_open_input(struct trace *trace, const char *path, struct input *input);

/*
 * Reads up to `most` events.
 *  n: receives their number; 0 at the end of the trace.
 */
int trace_read(struct trace *trace, struct trace_event *events, size_t most, size_t *n);

/*
 * Reads what stands before the next event, so that time and thread are that event's, and
 * the totals still those before it.
 *  ended: receives whether there is no next event.
 */
int trace_peek(struct trace *trace, bool *ended);

/* Reads all that is left, for the totals and for the check that it is well-formed. */
int trace_scan(struct trace *trace);

/* To the beginning again, with totals at zero. */
int trace_rewind(struct trace *trace);

void trace_close(struct trace *trace);

/* How many events there will be, as far as is known; 0 where it is not. */
uint64_t trace_expected_events(const struct trace *trace);

#endif
