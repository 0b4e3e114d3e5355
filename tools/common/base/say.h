/* SPDX-License-Identifier: MIT */
/*
 * What goes to standard error: complaints and the progress bar. They share a file
 * because they share the terminal's last line.
 */
#ifndef BASE_SAY_H
#define BASE_SAY_H

#include <stdbool.h>
#include <stdint.h>

/* Exit statuses, and the results of most functions of the tool: whoever returns one that
   is not STATUS_OK has already complained. */
enum {
    STATUS_OK = 0,
    STATUS_FOUND = 1,     /* the replay or a verification failed */
    STATUS_USAGE = 2,     /* wrong arguments */
    STATUS_IO = 3,        /* cannot read or write, or no memory for the tool itself */
    STATUS_MALFORMED = 4, /* the input breaks a rule of its format */
};

/* Prints "PROGRAM: ..." and returns status, so that a function can end with it. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with a place: "PROGRAM: FILE:LINE: ...". */
int complain_at(int status, const char *file, uint64_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* For wrong arguments: complains, names the verb's --help (NULL: the program's), returns STATUS_USAGE. */
int complain_usage(const char *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A bar on standard error, if that is a terminal and `wanted`. It is drawn at once, then
 * at most every 100 ms; colour only where NO_COLOR is unset or empty.
 *  what: kept until progress_end.
 */
void progress_begin(const char *what, bool wanted);

/* total 0: not known, so only a count is shown. Cheap enough for every thousand events. */
void progress_update(uint64_t done, uint64_t total);
void progress_end(void);

#endif
