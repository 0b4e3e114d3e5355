/* SPDX-License-Identifier: MIT */
/*
 * Decompressing, zstd or gzip, told apart by a file's first bytes. Memory is bounded by the
 * window: 128 MiB for zstd, 32 KiB for gzip.
 */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

struct unpack;

/* How many of a file's first bytes say what it is. */
#define UNPACK_MAGIC 4

/*
 * By the first n bytes of a file, at most UNPACK_MAGIC.
 *  out: receives what decompresses it, to be closed; NULL where it is not compressed.
 * Returns: a status; STATUS_IO where memory is out, or the program was built without zlib
 *        and the file is gzip's.
 */
int unpack_open(struct unpack **out, const unsigned char *first, size_t n,
                const char *path);
void unpack_close(struct unpack *unpack); /* NULL does nothing */

/* One step: takes from `in`, adds to `out`, and moves both positions. */
struct unpack_buffers {
    const unsigned char *in;
    size_t in_size, in_at;
    char *out;
    size_t out_size, out_at;
    bool within; /* receives whether the compressed data has to go on */
};

/* Returns: NULL, or what is wrong with the data, for a complaint. */
const char *unpack_step(struct unpack *unpack, struct unpack_buffers *buffers);

#endif
