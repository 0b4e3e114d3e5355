/* SPDX-License-Identifier: MIT */
/*
 * malloc and its family, as this library defines them: <stdlib.h> and <malloc.h> say of
 * the results what would let a compiler leave calls out.
 */
#ifndef TESTS_RECORD_COUNTER_H
#define TESTS_RECORD_COUNTER_H

#include <stddef.h>

void *memalign(size_t alignment, size_t size);
void *pvalloc(size_t size);

#endif
