/* SPDX-License-Identifier: MIT */
/*
 * An allocator in a shared object: finding its calls, asking for its version, and telling
 * it to give back what it can. Each of the known ones says that in its own way.
 */
#ifndef RMTOOL_LIBRARY_H
#define RMTOOL_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "compare/race.h"

struct library {
    void *handle; /* NULL: the malloc of the process */
    struct race_calls calls;
};

/* Whether others can be loaded: not where a sanitizer has put its own malloc in place. */
bool library_loadable(void);

/* The malloc of the process itself. */
void library_of_process(struct library *library);

/*
 * Loads one.
 *  reason: receives why it cannot.
 */
bool library_open(struct library *library, const char *path, char *reason, size_t size);

/* Writes its version, such as "5.3.0". */
void library_version(const struct library *library, char *text, size_t size);

/* Gives back all that it can be told to. */
void library_trim(const struct library *library);

#endif
