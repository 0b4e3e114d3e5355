/* SPDX-License-Identifier: MIT */
/*
 * Files that are there whole or not at all: written as FILE.tmp, renamed at the end.
 */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include <stdio.h>

struct output {
    const char *path; /* NULL: not wanted; all calls below do nothing then */
    char *temporary;  /* NULL where path is "-", standard output, or a device or pipe */
    FILE *file;
};

/* Where a CSV file comes from, for the comment lines it begins with. */
struct provenance {
    char *command; /* as the user would type it again */
    char machine[160];
    char date[24]; /* when it began, UTC: "2026-01-31T12:00:00Z" */
    const char *trace;
    char heap[64]; /* "grow", or bytes */
    char policy[96];
};

/* Makes the folder that files go to, where it is not there. Returns: a status. */
int output_directory(const char *path);

/* Collects command and machine; provenance_finish frees what that took. */
void provenance_init(struct provenance *provenance, int argc, char **argv);
void provenance_finish(struct provenance *provenance);

/* Returns: a status. path is kept, not copied; NULL for none. */
int output_open(struct output *output, const char *path);

/* Writes the comment lines; the header row of column names follows them. */
void output_provenance(struct output *output, const struct provenance *provenance);

/* Puts the file in its place, or fails without leaving anything. Returns: a status. */
int output_close(struct output *output);

/* Removes what has been written. After output_close it does nothing. */
void output_discard(struct output *output);

/* "0.1.0", of the library this program was built with. */
extern const char tool_version[];

#endif
