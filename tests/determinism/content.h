/* SPDX-License-Identifier: MIT */
/* What blocks contain, by a number each: all bytes of smaller ones, a word now and then in larger ones. */
#ifndef DETERMINISM_CONTENT_H
#define DETERMINISM_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void content_fill(void *at, size_t size, uint64_t number);
/* Of what has been filled as `filled` bytes, are the first `size` still so? */
bool content_holds(const void *at, size_t filled, size_t size, uint64_t number);
bool content_zero(const void *at, size_t size);

#endif
