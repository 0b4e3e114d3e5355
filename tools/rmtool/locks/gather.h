/* SPDX-License-Identifier: MIT */
/*
 * From what lackey prints of a program and what the recorder logs of it to the items of
 * access.h. The recorder's own stores put the two streams in step: the store to word 0 of
 * slot k is the moment of record k.
 *
 *      lackey     I  S  I  L  I  I  S(slot 7)  I  L ...
 *      the log                      7: free 0x51a0
 *      items         access ......  free       ...
 *
 * An access counts where it touches a live block within the size that was asked for, or of
 * which malloc_usable_size has told. Blocks are born by the record that follows their
 * malloc and dead from the record in front of their free, and a block is none while it is
 * resized: what the allocator does to its memory meanwhile counts for nothing.
 */
#ifndef RMTOOL_GATHER_H
#define RMTOOL_GATHER_H

#include <stdio.h>

#include "locks/access.h"
#include "locks/lackey.h"

struct gather_options {
    int fd;           /* lackey's text */
    int ends;         /* tells of its end, as for lackey_open; -1: none */
    const char *path; /* its name, for complaints */
    const char
        *log; /* the recorder's log; NULL: that of process `pid` in `directory`, the first
                 to begin after the text did */
    const char *directory;
    uint64_t pid;
    uint64_t at;             /* where the log is mapped in the program, if log is NULL */
    uint64_t limit_accesses; /* ends after so many to the heap */
};

struct gather_totals {
    uint64_t lines;         /* of lackey's text */
    uint64_t instructions;  /* of the program, and of malloc and the recorder in it */
    uint64_t accesses;      /* of the same, to any memory */
    uint64_t heap;          /* of them those that count */
    uint64_t records, lost; /* the recorder's; slots never written */
    uint64_t unknown;       /* frees, reallocs, locks of no known block */
    uint64_t stacks;
    bool cut;       /* by limit_accesses */
    bool failed;    /* valgrind has, before the program's end */
    bool exited;    /* the program has, as far as the recorder saw */
    int log_failed; /* not 0: an errno, and from then on nothing was recorded */
    bool left_open; /* the program has ended, and left others behind */
};

/*
 * Reads both to their ends.
 *  words: receives what valgrind has said last, for complaints.
 * Returns: a status.
 */
int gather(const struct gather_options *options, const struct access_sink *sink,
           struct gather_totals *totals, char *words, size_t size);

#endif
