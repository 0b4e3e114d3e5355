/* SPDX-License-Identifier: MIT */
/*
 * The entries of the image cache: a table in one object, found by URL through buckets in another. An id is a place in
 * the table, from 1, so neither moves when the objects do.
 *
 *      buckets   | 3 |   |   | 1 |          table   | 1 | 2 | 3 |   free: 2
 *                  |           |                      next:   0
 *                  +-> 3       +-> 1 -> ...           each entry knows the next of its bucket
 */
#ifndef RMBROWSE_ENTRIES_H
#define RMBROWSE_ENTRIES_H

#include "image/cache.h"

struct entry {
    ref_t url;           /* with its end; NO_REF: the entry is free */
    uint32_t hash, next; /* next: of the same bucket, or free */
    uint32_t users, pins, locks;
    image_state_t state;
    image_id_t newer, older; /* among idle ones, cache.c */
    image_t image;           /* its size is kept when its pixels go */
};

struct entries {
    store_t *store;
    ref_t table, buckets;
    uint32_t n, room;   /* entries in use; places in the table */
    uint32_t n_buckets; /* a power of two, or 0 */
    image_id_t free;    /* the first free one */
};

/* An entry while the table is locked; it nests. */
struct entry *entry_lock(const struct entries *entries, image_id_t id);
void entry_unlock(const struct entries *entries);

/* 0: there is none. */
image_id_t entries_find(const struct entries *entries, const char *url);

/* A new entry of a URL that has none, all else zero. The table must not be locked. While it asks for memory others may
   be removed. 0: no memory. */
image_id_t entries_add(struct entries *entries, const char *url);

/* Frees its URL and its pixels; asks for no memory. */
void entries_remove(struct entries *entries, image_id_t id);

/* Removes all. */
void entries_finish(struct entries *entries);

#endif
