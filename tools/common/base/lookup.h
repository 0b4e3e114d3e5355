/* SPDX-License-Identifier: MIT */
/*
 * From one number to another: addresses to blocks, threads to their numbers. About 100 bytes
 * for each that is held.
 */
#ifndef BASE_LOOKUP_H
#define BASE_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lookup_entry;

struct lookup {
    struct lookup_entry *entries; /* NULL: empty */
};

/* Whether key is there; *value receives what it stands for. */
bool lookup_find(const struct lookup *lookup, uint64_t key, uint64_t *value);

/* Adds a key that is not there. Returns: false where memory is out. */
bool lookup_add(struct lookup *lookup, uint64_t key, uint64_t value);

/* Whether key was there, and is no longer; *value receives what it stood for. */
bool lookup_take(struct lookup *lookup, uint64_t key, uint64_t *value);

size_t lookup_count(const struct lookup *lookup);
void lookup_finish(struct lookup *lookup); /* frees all; empty again */

#endif
