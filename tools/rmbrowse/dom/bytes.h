/* SPDX-License-Identifier: MIT */
/*
 * Bytes that are collected inside a call, or until a text is complete: scratch, in malloc. Once there was no memory
 * for some, nothing more is added, and `failed` says so.
 */
#ifndef RMBROWSE_BYTES_H
#define RMBROWSE_BYTES_H

#include <stdbool.h>
#include <stddef.h>

struct bytes {
    char *data;
    size_t n, room;
    bool failed;
};

void bytes_add(struct bytes *bytes, const void *from, size_t n);
/* None are left, and room is kept for the next. */
void bytes_clear(struct bytes *bytes);
/* Frees them; as initialized with zeros then. */
void bytes_free(struct bytes *bytes);

#endif
