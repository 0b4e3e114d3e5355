/* SPDX-License-Identifier: MIT */
/*
 * What memcheck would know of a heap: the functions by which the library tells it are here, in the place of tool.c's.
 * Each byte of memcheck_memory is hidden or shown, and where it is shown has bits that are not defined; blocks have
 * names in pools; and bytes are known by what they were.
 */
#ifndef RM_TESTS_MEMCHECK_H
#define RM_TESTS_MEMCHECK_H

#include <stdbool.h>
#include <stddef.h>

enum { MEMCHECK_BYTES = 3 << 19, MEMCHECK_NAMES = 3000, MEMCHECK_SAID = 1000 };

extern char memcheck_memory[MEMCHECK_BYTES];
extern bool memcheck_hidden[MEMCHECK_BYTES];
extern unsigned char memcheck_bits[MEMCHECK_BYTES];

/* The place where all blocks are made, as it is told. */
extern const char memcheck_place[];

/* So many calls are inside of the library, and may touch what is hidden. */
extern int memcheck_depth;

struct memcheck_name {
    const void *pool;
    const char *at;
    size_t bytes;
};
extern struct memcheck_name memcheck_names[MEMCHECK_NAMES];
extern unsigned memcheck_n_names, memcheck_n_pools;
/* Of the block there; NULL: it has none. */
const struct memcheck_name *memcheck_name_at(const char *at);

struct memcheck_said {
    const char *low, *end; /* NULL: dropped */
    char what[256];
};
extern struct memcheck_said memcheck_said[MEMCHECK_SAID];
extern unsigned memcheck_n_said; /* that are there */
const struct memcheck_said *memcheck_said_of(const char *low, const char *end);

/* Nothing is known. */
void memcheck_reset(void);

#endif
