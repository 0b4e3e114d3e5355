/* SPDX-License-Identifier: MIT */
/*
 * A session of rmbrowse, read from the CSV file that it has written, and checked: the figures that say most of
 * it. tools/rmbrowse/README.rst has the form of the file.
 */
#ifndef RMTOOL_SESSION_H
#define RMTOOL_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/units.h"

/* What is known of a session as a whole. */
enum session_figure {
    SESSION_FRAMES,
    SESSION_PEAK,          /* footprint of the process: heaps and malloc */
    SESSION_PEAK_OWN,      /* what of it is for the browser's own objects */
    SESSION_OWN_OVER_LIVE, /* mean of that over mean live bytes */
    SESSION_END_OVER_LIVE, /* the same of the last frame */
    SESSION_FRAGMENTATION, /* mean; 0 to 1 */
    SESSION_SPLIT,         /* the same free memory over what is held, mean over mean */
    SESSION_HALF,    /* frames, less compaction: half of them take at most so long, */
    SESSION_MOST,    /* 99 % of them, */
    SESSION_LONGEST, /* all of them */
    SESSION_STEP,    /* the longest step of compaction */
    SESSION_CALL,    /* the longest call that made an object or changed its size */
    SESSION_MOVED,
    N_SESSION_FIGURES
};

enum { SESSION_NAME = 256 };

struct session {
    const char *path;
    char
        name[SESSION_NAME]; /* what tells it from others: "rmalloc, idle, a heap a tab" */
    char machine[SESSION_NAME], date[32]; /* empty where the file does not say */
    /* Bytes and nanoseconds; NAN where there is none: no step, nothing live. */
    double figures[N_SESSION_FIGURES];
};

/* How tables name and explain a figure. */
struct session_head {
    const char *over, *head; /* two lines, at most 9 letters each */
    const char *title;
};
extern const struct session_head session_heads[N_SESSION_FIGURES];

/* Whether a file is a session, of any version, by its first line. */
bool session_wanted(const char *path);

/*
 * Reads a session and checks all of it.
 *  path: kept, not copied.
 * Returns: STATUS_OK; STATUS_IO; STATUS_MALFORMED, having said which line.
 */
int session_read(struct session *session, const char *path);

/* Sessions that have one name get that of their file as well. */
void sessions_tell_apart(struct session *list, size_t n);

/* A figure for reading: "31.2 MiB", "1.08", "12.3 %", "4.20 ms"; "-" where there is none. Returns text. */
const char *session_text(char text[SIZE_TEXT], const struct session *session,
                         enum session_figure figure);

#endif
