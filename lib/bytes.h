/* SPDX-License-Identifier: MIT */
/*
 * Bytes of blocks, copied and filled. Where ASan is in the process it looks at every memcpy, and would find that a
 * block's bytes are not to be touched while nobody holds a lock; whom the compactor asks has leave to.
 */
#ifndef RM_BYTES_H
#define RM_BYTES_H

#include "base.h"

/* Set before the first byte is hidden from anyone: from then on it is word by word. */
extern bool bytes_unseen;
void bytes_copy_unseen(char *to, const char *from, size_t bytes);
void bytes_fill_unseen(char *to, unsigned char value, size_t bytes);

/* To a place apart, which in a damaged heap may overlap all the same; the same byte everywhere. */
static inline void bytes_move(void *to, const void *from, size_t bytes) {
    if (unlikely(bytes_unseen))
        bytes_copy_unseen(to, from, bytes);
    else
        memmove(to, from, bytes);
}
static inline void bytes_fill(void *to, unsigned char value, size_t bytes) {
    if (unlikely(bytes_unseen))
        bytes_fill_unseen(to, value, bytes);
    else
        memset(to, value, bytes);
}

#endif
