/* SPDX-License-Identifier: MIT */
/*
 * Text on its way into a file through zstd. input.h is the other direction.
 */
#ifndef BASE_PACKER_H
#define BASE_PACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct packer;

/*
 * Begins a frame on a file, which stays the caller's.
 *  path: for complaints. Kept, not copied.
 *  long_text: compress faster, and on a thread beside, where zstd has threads.
 * Returns: a status.
 */
int packer_open(struct packer **out, FILE *file, const char *path, bool long_text);

/* Returns: a status; after the first failure always that one, without a second complaint. */
int packer_write(struct packer *packer, const char *text, size_t size);

/* Ends the frame and frees the packer; NULL does nothing. Returns: a status. */
int packer_close(struct packer *packer);

/* Frees it without an end to the frame; NULL does nothing. */
void packer_discard(struct packer *packer);

#endif
