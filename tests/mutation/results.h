/* SPDX-License-Identifier: MIT */
/* What has come of each mutant, in a file that grows; and which survivors are explained. */
#ifndef MUTATION_RESULTS_H
#define MUTATION_RESULTS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "sites.h"

/* No killer sees it; all that see it have passed; patience has come to its end; any other is a kill. */
extern const char result_unseen[], result_survived[], result_undecided[];

/* By key, the last of each; and what has killed it, or "-". */
GHashTable *results_read(const char *file);
GHashTable *results_killers(const char *file);
/* Prints the lines of n of those that were killed, drawn by chance. */
void results_draw(const char *file, unsigned n, unsigned seed);
void results_write(int file, const struct site *site, enum kind kind, const char *result,
                   const char *by);
bool result_is_kill(const char *result);

/* FILE|KIND|TEXT, as site_survivor has it. */
GHashTable *survivors_read(const char *file);

/* Says who has survived, and how many were killed; returns the exit status. `order`: site and kind of each. */
int results_tell(const char *file, const char *survivors, const struct site *sites,
                 const unsigned *order, size_t n, int percent);

#endif
