/* SPDX-License-Identifier: MIT */
/*
 * The logs of a recording, as they come, and the trace that each becomes. An image is
 * what one exec has made of a process: it has one log.
 *
 * A child's log goes on where its parent's was at the fork. So the parent's is read up to
 * there, the live blocks are handed on, and both are read further, in any order. At a
 * record that says a fork follows, the parent's has to wait for the child's log.
 */
#ifndef RMTOOL_RECORD_IMAGES_H
#define RMTOOL_RECORD_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/record_alive.h"
#include "record/record_reader.h"
#include "record/record_trace.h"

enum { RECORD_READS = 1024 };

/* What of a log's header is of use when it has been read. */
struct record_about {
    uint64_t first_slot, pid, start_ns, parent_fork, exited, failed, failed_slot;
    bool other_malloc;
    char parent[RECORD_NAME];
};

struct record_image {
    struct record_image *next;
    char name[RECORD_NAME]; /* of its log */
    char *log_path, *trace_path;
    char program[RECORD_NAME]; /* base name, fit for a file's */
    struct record_reader *reader;
    struct record_about header; /* as it was last */
    struct record_trace trace;
    struct record_image *parent; /* whose heap it began with; NULL */
    bool waits;                  /* for the parent's blocks */
    bool orphan;                 /* it had some, and nobody knows them */
    bool done;
    bool stopped;                 /* its end is now, though its process may live on */
    uint64_t applied;             /* all slots below it are in the trace */
    uint64_t heir_slot;           /* here the next child is to be given its blocks */
    uint64_t stalled_ns;          /* since when it waits for a child; 0: it does not */
    uint64_t stalled_fork;        /* which */
    uint64_t childless_forks;     /* whose child has made no log */
    int damage;                   /* a status: of reading the log */
    uint64_t checked_ns;          /* when it was last seen alive */
    struct record_entry *entries; /* RECORD_READS, until it is done */
    size_t n_entries, taken;      /* of them: read, done with */

    /* Once it is done. */
    bool written;
    bool keep; /* the log: there is something wrong with it, or with the trace */
    uint64_t unwritten;
    struct trace_totals totals;
};

struct record_session {
    const char *logs;   /* folder of the logs */
    const char *folder; /* of the traces */
    bool keep_logs, leave_usable;
    bool ours;                   /* the logs are of this recording, not found somewhere */
    bool complete;               /* all logs are there, and nobody writes to them */
    bool alone;                  /* no descendant lives: no log of a child will come */
    bool stopping;               /* all logs are to end now, those that come too */
    struct record_image *images; /* the latest first */
    struct record_living living; /* as seen in this step */
    size_t n_live;               /* not done */
    size_t n_kept;               /* logs, by record_session_finish */
    int status;                  /* the first that is not fine */
};

/*
 * Looks for new logs, and takes each of all some steps further.
 *  urgent: look at once whether processes have ended, not just now and then.
 * Returns: whether there was anything to do.
 */
bool record_session_step(struct record_session *session, bool urgent);

/* From now on there will be no more: reads all to their ends. */
void record_session_complete(struct record_session *session);

/* Ends all logs where they are, those that will come too, though their processes live. */
void record_session_stop(struct record_session *session);

/* The images in the order in which their processes began. */
void record_session_sort(struct record_session *session);

/* Removes the logs that are not to be kept, of images. */
void record_session_finish(struct record_session *session);

/* Takes the header of its log as it is now. */
void record_image_about(struct record_image *image);

/* Ends all logs in a folder, those that no image has too. remove: unlinks them. */
void record_logs_sweep(const char *folder, bool remove);

#endif
