/* SPDX-License-Identifier: MIT */
/*
 * A trace's events in memory, for reading them again without decompressing and parsing:
 * two to five bytes an event. Also what makes standard input readable twice.
 */
#ifndef RMTOOL_TAPE_H
#define RMTOOL_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line of a trace as it stands there, before anything is known about it. */
struct trace_line {
    char op;        /* its letter: a z m r f l u t */
    uint64_t first; /* the line's numbers; 0 where it has none */
    uint64_t second;
    uint64_t number; /* the line's own, counted from 1 */
};

struct tape {
    unsigned char *bytes;
    size_t used, capacity;
    size_t at;        /* where reading goes on */
    uint64_t written; /* line numbers of the last line written and read: */
    uint64_t read;    /* the tape holds the difference to the one before */
};

/* Adds a line. Returns: false where the tape would exceed 2 GiB or memory. */
bool tape_write(struct tape *tape, const struct trace_line *line);

/* Returns: false at the end. */
bool tape_read(struct tape *tape, struct trace_line *line);

void tape_rewind(struct tape *tape);
void tape_finish(struct tape *tape); /* frees it; empty again */

#endif
