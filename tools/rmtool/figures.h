/* SPDX-License-Identifier: MIT */
/*
 * The figures of one trace: the replays that give the numbers, and gnuplot that draws
 * them. Knows nothing of command lines.
 */
#ifndef RMTOOL_FIGURES_H
#define RMTOOL_FIGURES_H

#include <stdbool.h>

enum { FIGURES_PATH = 4096, FIGURES_NAME = 128 };

/* What is wanted, for all traces. */
struct figures {
    const char *directory;              /* exists; all files go there */
    const char *compact;                /* the policy of the runs with compaction */
    const char *step;                   /* --step of theirs; NULL: to suit the trace */
    const char *samples, *limit_events; /* options of the replays, NULL: not given */
    bool png, svg;
    bool reuse;                 /* the CSV files are there: no replays */
    bool quiet;                 /* neither progress nor names of pictures */
    char program[FIGURES_PATH]; /* this executable */
    char scripts[FIGURES_PATH]; /* the directory of the gnuplot scripts, absolute */
    unsigned done, n_jobs;      /* for the progress bar */
};

/*
 * Makes all figures of a trace, as DIRECTORY/NAME-FIGURE.png and .svg, and prints their
 * names. The CSV files that they were drawn from stay beside them.
 *  name: letters, digits and "-_.+" only.
 * Returns: a status; that of a replay where it fails.
 */
int figures_make(struct figures *figures, const char *trace, const char *name);

/*
 * Draws one picture, DIRECTORY/NAME-FIGURE.FORMAT.
 *  script:    its gnuplot script, without the ending.
 *  variables: what it is told, as gnuplot assignments.
 * Returns: a status.
 */
int figures_draw(struct figures *figures, const char *script, const char *variables,
                 const char *name, const char *figure, const char *format);

#endif
