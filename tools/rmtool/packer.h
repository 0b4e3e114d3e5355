/* SPDX-License-Identifier: MIT */
/*
 * Text on its way into a file through zstd. input.h is the other direction.
 */
#ifndef RMTOOL_PACKER_H
#define RMTOOL_PACKER_H

#include <stdio.h>

struct packer;

/*
 * Begins a frame on a file, which stays the caller's.
 *  path: for complaints. Kept, not copied.
 * Returns: a status.
 */
int packer_open(struct packer **out, FILE *file, const char *path);

/* The stream to print to. What goes wrong on the way is said by packer_close. */
FILE *packer_stream(struct packer *packer);

/* Ends the frame and frees the packer; NULL does nothing. Returns: a status. */
int packer_close(struct packer *packer);

#endif
