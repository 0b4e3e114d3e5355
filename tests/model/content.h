/* SPDX-License-Identifier: MIT */
/*
 * What is in a block: bytes of a fixed random table, from a place that the block's number
 * chooses, so that filling and verifying cost what memcpy and memcmp cost, and bytes that
 * have been moved by the wrong distance, or not, differ.
 */
#ifndef MODEL_CONTENT_H
#define MODEL_CONTENT_H

#include <stddef.h>
#include <stdint.h>

/* Before anything else, and before there are threads. */
void content_init(void);
void content_write(unsigned char *at, size_t size, uint64_t number);
/* NULL where the first `size` bytes are as written. */
const char *content_differs(const unsigned char *at, size_t size, uint64_t number);
/* NULL where all are zero. */
const char *content_zero(const unsigned char *at, size_t size);

#endif
