/* SPDX-License-Identifier: MIT */
/*
 * What `rmtool top` knows: the program, its heaps, the last two looks at one; and the ways
 * to show it: lines for scripts, a report, a screen.
 */
#ifndef RMTOOL_TOP_H
#define RMTOOL_TOP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "top/look.h"

/* What happened between two looks, per second; all 0 at the first. */
struct top_rates {
    double seconds;
    double allocations, frees, failures;
    double moved, moved_blocks, regained, returned, voided;
    double background_steps, background_moved, background_busy; /* a share of the time */
};

/* A heap that is watched. */
struct top_watch {
    struct look look;
    uint64_t n; /* looks so far */
    bool before;
    rm_stats_t stats; /* of the look before, ... */
    uint64_t at_ns;   /* ... which was then */
    struct top_rates rates;
};

struct top {
    struct target target;
    rm_view_heap_t *heaps;
    size_t n_heaps;
    uint64_t interval_ns;
};

/* Looks at a heap, and works out the rates. Returns: as look_take. */
int top_look(struct top *top, struct top_watch *watch, const rm_view_heap_t *heap,
             size_t n_cells, bool *ended);

/* Why a look was not taken, as a sentence. */
const char *top_why(const struct top_watch *watch, char text[200]);

/* "grows, safe for threads, compacted on demand" */
const char *top_describe(const rm_view_heap_t *heap, char text[100]);

/* A line of JSON; the names of the columns, and a line of CSV; and a map's rows. */
int top_json(const struct top *top, const struct top_watch *watch, FILE *file);
void top_csv_header(FILE *file);
void top_csv(const struct top *top, const struct top_watch *watch, FILE *file);
void top_map_header(FILE *file);
void top_map(const struct top_watch *watch, FILE *file);

/* For people, without a screen. */
void top_report(const struct top *top, const struct top_watch *watch, FILE *file);

/* On a screen, until the user or the program ends. `number`: the heap to begin with, or -1.
   Returns: a status; *said: receives what is to be said then. */
int top_screen(struct top *top, long number, char said[200]);
/* Whether this rmtool can. */
extern const bool top_has_screen;

#endif
