/* SPDX-License-Identifier: MIT */
/*
 * Options: how a verb reads its own, and the values of those that several verbs take. Each
 * function complains about what it cannot read, naming the verb, and returns a status.
 */
#ifndef BASE_ARGUMENTS_H
#define BASE_ARGUMENTS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number from least to most. */
int parse_number(const char *verb, const char *option, const char *text, uint64_t least,
                 uint64_t most, uint64_t *number);

/* What a verb knows of its options. */
struct option_reader {
    const char *verb, *help;
    const char *letters; /* of the short ones, as getopt_long takes them; ':' first */
    const struct option *options;
    int (*set)(void *context, int option); /* its value is in optarg */
};

/*
 * Reads a verb's options; with -h among them, prints the help. What is no option begins at
 * argv[optind].
 *  helped: receives whether there is nothing left to do.
 */
int parse_options(const struct option_reader *reader, int argc, char **argv,
                  void *context, bool *helped);

/* Whether a file is standard output. path may be NULL: no file. */
bool is_standard_output(const char *path);

/*
 * Standard output takes one thing: one of the files, or the report as JSON.
 *  files: what would go there, as the complaint is to name it: "--csv, --json".
 *  taken: receives whether a file does; may be NULL.
 */
int check_standard_output(const char *verb, const char *files, const char *const *paths,
                          size_t n, bool json, bool *taken);

/* Refuses a path that is standard output where that is a terminal: for compressed data. */
int check_terminal(const char *verb, const char *path);

#endif
