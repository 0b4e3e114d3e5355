/* SPDX-License-Identifier: MIT */
/*
 * A session: a browser, and what is known of each of its frames. Frames are run here, for scripts and windows alike,
 * and each is a line of the CSV, a point of the panel's curves, and a part of the summary.
 */
#ifndef RMBROWSE_SESSION_H
#define RMBROWSE_SESSION_H

#include "base/histogram.h"
#include "base/output.h"
#include "browse/browser.h"

/* How a frame ended. */
struct moment {
    struct frame frame; /* with what was compacted by a key since the one before */
    struct memory_figures memory;
    size_t locked;  /* bytes */
    uint64_t moved; /* bytes, by compaction and by allocations */
    unsigned tabs;
    uint64_t line; /* of the script; 0: none */
};

/* How many of the last frames are kept. */
enum { SESSION_MOMENTS = 240 };

/* What has been, all frames together. Bytes are as of the ends of frames. */
struct session_totals {
    struct histogram work; /* nanoseconds of frames, without compaction */
    uint64_t frames, busy_frames, late_frames; /* late: with compaction over 16 ms */
    uint64_t work_ns;
    struct store_work compaction;
    uint64_t longest_allocation_ns;
    size_t peak_live, peak_own, peak_footprint, peak_locked;
    double own_per_live; /* summed over frames in which there was something live */
    uint64_t live_frames;
};

struct session {
    browser_t *browser;
    compaction_t compaction;
    bool shared;
    struct output csv;
    struct store_work by_key; /* since the last frame */
    uint64_t line;            /* of the script, that is being run; 0: none */
    uint64_t moved;           /* as of the last frame, bytes since the program began */
    struct moment moments[SESSION_MOMENTS];
    struct session_totals totals;
};

/*
 * Creates the browser, and the CSV file where csv is not NULL.
 *  provenance: for the CSV's first lines.
 * Returns: a status (base/say.h), having complained.
 */
int session_begin(struct session *session, const struct browser_options *options,
                  const char *csv, const struct provenance *provenance);

/* Runs a frame, and writes down what it was. */
void session_frame(struct session *session, int wait_ms, struct frame *frame);

/* Compacts everything; it counts as a part of the next frame. */
void session_compact(struct session *session);

/* The n-th last moment, from 0; NULL where there was none. */
const struct moment *session_moment(const struct session *session, size_t n);

/* Bytes of objects that are locked now, and how many there are. */
size_t session_locked(size_t *objects);

/* 1 - the largest free piece / all that is free; 0 where nothing is. */
double session_fragmentation(const struct memory_figures *memory);

/*
 * Closes all tabs and the CSV file. Says so where objects were left, or memory was refused.
 * Returns: a status: STATUS_FOUND for these.
 */
int session_end(struct session *session);

/* "off", "idle", "steady". */
extern const char *const compaction_names[];

#endif
