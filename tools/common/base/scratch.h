/* SPDX-License-Identifier: MIT */
/*
 * A directory for files that nobody is to see.
 */
#ifndef BASE_SCRATCH_H
#define BASE_SCRATCH_H

/* In $TMPDIR, or /tmp. Returns: a status. directory receives its path, on the heap, or NULL. */
int scratch_make(char **directory);

/* Removes it with all files in it, and frees the path; NULL does nothing. */
void scratch_remove(char *directory);

#endif
