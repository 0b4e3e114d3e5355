/* SPDX-License-Identifier: MIT */
/*
 * What is said at the end of a session, and in between.
 */
#ifndef RMBROWSE_SUMMARY_H
#define RMBROWSE_SUMMARY_H

#include <stdio.h>

#include "ui/session.h"

/* A line of figures, "frame=812 tabs=5 ...", named as the CSV's columns are. */
void summary_line(const struct moment *moment, FILE *file);

/* A session in a page of text, while its browser is there. */
void summary_print(const struct session *session, FILE *file);

/* The same as JSON on standard output. Returns: a status. */
int summary_print_json(const struct session *session);

#endif
