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
    const char *directory; /* exists; all files go there */
    const char *compact;   /* the policy of the runs with compaction */
    const char *step;      /* --step of theirs; NULL: to suit the trace */
    /* Options of the replays; NULL: not given. */
    const char *samples, *limit_events, *map_cells;
    const char *settings; /* more gnuplot assignments for all pictures; NULL: none */
    bool png, svg;
    const char *animate;        /* "gif" or "mp4": the heap over time too; NULL: not */
    bool reuse;                 /* the CSV files are there: no replays */
    bool quiet;                 /* neither progress nor names of pictures */
    bool unnamed;               /* no names of pictures */
    char program[FIGURES_PATH]; /* this executable */
    char scripts[FIGURES_PATH]; /* the directory of the gnuplot scripts, absolute */
    unsigned done, n_jobs;      /* for the progress bar */
    /* Told of every picture that has been drawn; may be NULL. */
    void (*on_picture)(void *context, const char *picture, const char *script,
                       const char *variables);
    void *on_picture_context;
};

/* What the files of a trace end in, behind its name. */
#define FIGURES_PLAIN_GROW "-plain-grow.csv"
#define FIGURES_PLAIN "-plain.csv"
#define FIGURES_PLAIN_MAP "-plain-map.csv"
#define FIGURES_COMPACTED_GROW "-compacted-grow.csv"
#define FIGURES_COMPACTED "-compacted.csv"
#define FIGURES_COMPACTED_MAP "-compacted-map.csv"
#define FIGURES_STEPS "-compacted-steps.csv"
#define FIGURES_BLOCKERS "-compacted-blockers.csv"

/*
 * The name that the files of a trace, or of a CSV file, get: that of its own file without
 * the endings, and nothing in it that a shell or gnuplot would take amiss.
 */
void figures_name(const char *path, char name[FIGURES_NAME]);

/* Looks for gnuplot, for the scripts, and for this executable; `given` is where the scripts
   are said to be, or NULL. Returns: a status. */
int figures_find(struct figures *figures, const char *given);

/*
 * Makes all figures of a trace, as DIRECTORY/NAME-FIGURE.png and .svg, and prints their
 * names. The CSV files that they were drawn from stay beside them.
 *  name: letters, digits and "-_.+" only.
 * Returns: a status; that of a replay where it fails.
 */
int figures_make(struct figures *figures, const char *trace, const char *name);

/*
 * Draws one picture, DIRECTORY/NAME-FIGURE.FORMAT.
 *  name:      "" for DIRECTORY/FIGURE.FORMAT.
 *  script:    its gnuplot script, without the ending.
 *  variables: what it is told, as gnuplot assignments.
 * Returns: a status.
 */
int figures_draw(struct figures *figures, const char *script, const char *variables,
                 const char *name, const char *figure, const char *format);

#endif
