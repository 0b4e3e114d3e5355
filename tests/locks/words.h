/* SPDX-License-Identifier: MIT */
/*
 * The rooms of wordindex, a program written for handles. Every block is locked where it is
 * used, for as long as its pointer is, and no longer.
 */
#ifndef WORDINDEX_WORDS_H
#define WORDINDEX_WORDS_H

#include <rmalloc.h>
#include <stddef.h>
#include <stdint.h>

rm_memory_t *make(size_t size);
void resize(rm_memory_t *block, size_t size);
void *use(rm_memory_t *block); /* locks; done unlocks */
void done(rm_memory_t *block);
void drop(rm_memory_t *block); /* frees; NULL does nothing */

/* A word, a block: the text and the places where it stands are blocks of their own. */
struct word {
    rm_memory_t *next; /* in its bucket */
    rm_memory_t *text; /* ends with a NUL */
    rm_memory_t *places;
    uint32_t n_places, room, hash, unused;
};

struct place {
    uint32_t file, line;
};

/* The table of all words, by hash: an array of lists that doubles. */
struct table {
    rm_memory_t *buckets;
    size_t n_buckets, n_words;
};

void table_init(struct table *table);
void table_finish(struct table *table);
void table_add(struct table *table, const char *text, size_t length, struct place place);

/* The `most` words with the most places, in order: a block of handles of words. */
rm_memory_t *table_most(const struct table *table, size_t most, size_t *n);

/* Lines of the files, kept while there is room for them: those not used for longest go. */
struct cache {
    rm_memory_t *first, *last; /* the one used last is first */
    size_t bytes, limit, hits, misses;
    const char *const *files;
};

void cache_init(struct cache *cache, const char *const *files, size_t limit);
void cache_finish(struct cache *cache);

/* Writes a line, without what is around it, to a buffer of `size` bytes. Returns its length. */
size_t cache_line(struct cache *cache, struct place place, char *buffer, size_t size);

#endif
