/* SPDX-License-Identifier: MIT */
/*
 * A report while it is made: what it is of, the files and pictures that lie in its folder, and
 * the parts of its page. The verb fills it; each dossier_*.c writes one part.
 */
#ifndef RMTOOL_DOSSIER_H
#define RMTOOL_DOSSIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "compare/compare_load.h"
#include "plot/figures.h"
#include "plot/session.h"
#include "base/output.h"

enum { DOSSIER_INPUTS = 256, DOSSIER_PICTURES = 4096 };

enum dossier_kind {
    DOSSIER_SUMMARY,
    DOSSIER_SERIES,
    DOSSIER_TIMES,
    DOSSIER_MICRO,
    DOSSIER_LOCKS,
    DOSSIER_SESSION,
    DOSSIER_JSON,
    DOSSIER_TRACE
};

struct dossier_input {
    enum dossier_kind kind;
    const char *path;
    char name[FIGURES_NAME];  /* of its files */
    char trace[FIGURES_NAME]; /* DOSSIER_TRACE: what it calls itself */
};

/* A picture in the folder, and how gnuplot was told to make it. */
struct dossier_picture {
    char *file; /* in the folder */
    char *script, *variables;
};

struct dossier {
    const char *title; /* NULL: said by what there is */
    const char *keep;  /* the folder stays, under that name; else NULL */
    struct figures figures;
    struct provenance provenance; /* of the report itself */
    struct dossier_input inputs[DOSSIER_INPUTS];
    size_t n_inputs;
    struct loaded loaded; /* where compared */
    bool compared;
    char traces[DOSSIER_INPUTS][FIGURES_NAME]; /* that something is known of, in order */
    size_t n_traces;
    struct session *sessions; /* of inputs, in their order */
    size_t n_sessions;
    struct dossier_picture *pictures;
    size_t n_pictures;
};

/* Notes that something is known of a trace. */
void dossier_note_trace(struct dossier *dossier, const char *name);

/* Notes a picture: what figures.on_picture is given. */
void dossier_note_picture(void *dossier, const char *picture, const char *script,
                          const char *variables);

/* Paths in the folder: DIR/NAME ENDING. To be freed; NULL, having complained. */
char *dossier_path(const struct dossier *dossier, const char *name, const char *ending);

/* A copy of a text that names files of a folder, without the folder: their names are enough for
   who stands in it. To be freed; NULL where memory is out. */
char *dossier_without(const char *text, const char *directory);

/* Whether such a file is there. */
bool dossier_has(const struct dossier *dossier, const char *name, const char *ending);

/* The replayed trace of that name; NULL where it was not replayed. */
const struct dossier_input *dossier_replayed(const struct dossier *dossier,
                                             const char *trace);

/* The n-th SVG picture that a script drew with `of` among its variables; NULL where there is
   none. */
const struct dossier_picture *dossier_picture(const struct dossier *dossier,
                                              const char *script, const char *of,
                                              size_t n);

/* A picture as a figure with its caption; nothing where picture is NULL. Returns: a status. */
int dossier_figure(const struct dossier *dossier, const struct dossier_picture *picture,
                   const char *caption, FILE *to);

/*
 * Looks at an input, says what it is and checks it; nothing is written.
 *  path: kept, not copied.
 * Returns: a status.
 */
int dossier_add(struct dossier *dossier, const char *path);

/* Puts what an input is drawn from into the folder, and draws it; but not sessions, which share a sheet. Returns: a
   status. */
int dossier_draw(struct dossier *dossier, const struct dossier_input *input);

/* Notes the session that an input is, having checked it; draws the sheet of all of them. Return: a status. */
int dossier_add_session(struct dossier *dossier, const struct dossier_input *input);
int dossier_draw_sessions(struct dossier *dossier);

void dossier_finish(struct dossier *dossier);

/* The allocator that is ours, as an entrant; 0 where none is compared. */
size_t dossier_ours(const struct dossier *dossier);

/* Parts of the page. Each writes elements, and returns a status. */
int dossier_lead(const struct dossier *dossier, FILE *to);
int dossier_compare(const struct dossier *dossier, FILE *to);
int dossier_traces(const struct dossier *dossier, FILE *to);
int dossier_micro(const struct dossier *dossier, FILE *to);
int dossier_sessions(const struct dossier *dossier, FILE *to);
int dossier_files(const struct dossier *dossier, FILE *to);

/* A line for each picture in the folder: the command that draws it there. The CSV files say
   themselves what made them. */
void dossier_commands(const struct dossier *dossier, FILE *to);
int dossier_locks(const struct dossier *dossier, const struct dossier_input *replayed,
                  FILE *to);
void dossier_contents(const struct dossier *dossier, FILE *to);
/* "21 November 2026"; what to say where it is NULL or empty. */
void dossier_date(const char *date, FILE *to);
void dossier_title(const struct dossier *dossier, FILE *to);

/* The heap map of a trace's two replays, with the curves, as JSON. Returns: a status. */
int dossier_map(const struct dossier *dossier, const char *name, FILE *to);

#endif
