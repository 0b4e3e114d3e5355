/* SPDX-License-Identifier: MIT */
/*
 * What a trace consists of, beyond its totals: sizes, lifetimes, reallocations, threads, and
 * how much was live when. One pass; 32 bytes for each live block.
 */
#ifndef RMTOOL_CENSUS_H
#define RMTOOL_CENSUS_H

#include "base/histogram.h"
#include "trace/trace.h"
#include "trace/watch.h"

enum { CENSUS_CLASSES = 58, CENSUS_GROWTHS = 8 };

/* Sizes by powers of two: class 0 is size 0, class i holds 2^(i-2) < size <= 2^(i-1). */
struct census_class {
    uint64_t blocks, bytes; /* made with such a size */
    uint64_t live;          /* blocks at the end, by the size they have there */
};
uint64_t census_class_least(unsigned index);
uint64_t census_class_most(unsigned index);

struct census_thread {
    uint64_t events, allocations, frees;
    uint64_t foreign_frees; /* of blocks that another thread has made */
};

struct census_point {
    uint64_t event; /* how many there have been; first: see watch_thin_items */
    uint64_t live_bytes, live_blocks, locked_bytes, locked_blocks;
    uint64_t time_ns; /* UINT64_MAX: the trace does not say */
};

struct census {
    uint64_t zeroed, aligned; /* of the allocations */
    struct census_class classes[CENSUS_CLASSES];
    /* Of the blocks that are freed: from making to freeing, by events, and by bytes that
       are allocated in between, its own left out. */
    struct histogram life_events, life_bytes;

    uint64_t grown, shrunk, kept; /* reallocations */
    uint64_t grown_bytes;
    uint64_t growths[CENSUS_GROWTHS]; /* by factor: see census_growths */
    uint64_t resized_blocks;          /* ever reallocated */
    uint64_t most_resizes;            /* of one block */
    uint64_t foreign_reallocs;

    struct census_thread *threads; /* by number - 1 */
    size_t n_threads, threads_capacity;

    struct census_point *points;
    size_t n_points, points_capacity;
    uint64_t inherited;
    uint64_t allocated_bytes; /* so far, reallocations by what they grow */

    /* Words by block: event and allocated bytes at its birth, thread and resizes. */
    struct blocks births, bytes, owners;
    struct watcher watcher;
    struct trace *trace;
};

/* The factors below which growths[i] lies; the last is for all above. */
extern const double census_growths[CENSUS_GROWTHS - 1];

/*
 * Reads a trace that has just been opened to its end.
 *  points: how many moments of the curve, about.
 * Returns: a status; census_finish is due whatever it is.
 */
int census_take(struct census *census, struct trace *trace, uint64_t points);
void census_finish(struct census *census);

#endif
