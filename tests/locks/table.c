/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64
#define FIRST_PLACES 2

static void check(rm_status_t status) {
    if (status == RM_OK) return;
    fputs("wordindex: out of memory\n", stderr);
    exit(3);
}

rm_memory_t *make(size_t size) {
    rm_memory_t *block;

    check(rmalloc(&block, (ssize_t)size));
    return block;
}

void resize(rm_memory_t *block, size_t size) { check(rmrealloc(block, (ssize_t)size)); }

void *use(rm_memory_t *block) {
    void *pointer;

    check(rmlock(block, &pointer));
    return pointer;
}

void done(rm_memory_t *block) { check(rmunlock(block)); }

void drop(rm_memory_t *block) {
    if (block) check(rmfree(block));
}

/* ------------------------------------------------------------------------ words */

static rm_memory_t *make_buckets(size_t n) {
    rm_memory_t *block = make(n * sizeof(rm_memory_t *));
    rm_memory_t **buckets = use(block);

    for (size_t i = 0; i < n; i++) buckets[i] = NULL;
    done(block);
    return block;
}

void table_init(struct table *table) {
    *table = (struct table){make_buckets(FIRST_BUCKETS), FIRST_BUCKETS, 0};
}

static void drop_word(rm_memory_t *block) {
    struct word *word = use(block);
    rm_memory_t *text = word->text, *places = word->places;

    done(block);
    drop(text);
    drop(places);
    drop(block);
}

void table_finish(struct table *table) {
    rm_memory_t **buckets = use(table->buckets);

    for (size_t i = 0; i < table->n_buckets; i++) {
        for (rm_memory_t *block = buckets[i], *next; block; block = next) {
            next = ((struct word *)use(block))->next;
            done(block);
            drop_word(block);
        }
    }
    done(table->buckets);
    drop(table->buckets);
}

/* Both arrays are locked from beginning to end, each word while it is relinked. */
static void grow(struct table *table) {
    size_t n = table->n_buckets * 2;
    rm_memory_t *block = make_buckets(n);
    rm_memory_t **to = use(block), **from = use(table->buckets);

    for (size_t i = 0; i < table->n_buckets; i++) {
        for (rm_memory_t *at = from[i], *next; at; at = next) {
            struct word *word = use(at);
            next = word->next;
            word->next = to[word->hash % n];
            to[word->hash % n] = at;
            done(at);
        }
    }
    done(table->buckets);
    done(block);
    drop(table->buckets);
    table->buckets = block;
    table->n_buckets = n;
}

static int is_word(const struct word *word, const char *text, size_t length) {
    const char *known = use(word->text);
    int same = strncmp(known, text, length) == 0 && known[length] == '\0';

    done(word->text);
    return same;
}

static rm_memory_t *find(const struct table *table, uint32_t hash, const char *text,
                         size_t length) {
    rm_memory_t **buckets = use(table->buckets);
    rm_memory_t *at = buckets[hash % table->n_buckets];

    done(table->buckets);
    while (at) {
        struct word *word = use(at);
        rm_memory_t *next = word->next;
        int same = word->hash == hash && is_word(word, text, length);
        done(at);
        if (same) return at;
        at = next;
    }
    return NULL;
}

static rm_memory_t *make_word(struct table *table, uint32_t hash, const char *text,
                              size_t length) {
    rm_memory_t *block = make(sizeof(struct word));
    struct word *word = use(block);
    char *copy;

    *word = (struct word){.hash = hash, .room = FIRST_PLACES};
    word->text = make(length + 1);
    word->places = make(FIRST_PLACES * sizeof(struct place));
    copy = use(word->text);
    memcpy(copy, text, length);
    copy[length] = '\0';
    done(word->text);

    rm_memory_t **buckets = use(table->buckets);
    word->next = buckets[hash % table->n_buckets];
    buckets[hash % table->n_buckets] = block;
    done(table->buckets);
    done(block);
    table->n_words++;
    return block;
}

void table_add(struct table *table, const char *text, size_t length, struct place place) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    rm_memory_t *block;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    block = find(table, hash, text, length);
    if (!block) {
        if (table->n_words >= table->n_buckets) grow(table);
        block = make_word(table, hash, text, length);
    }
    struct word *word = use(block);
    if (word->n_places == word->room) {
        word->room *= 2;
        resize(word->places, word->room * sizeof(struct place));
    }
    struct place *places = use(word->places);
    places[word->n_places++] = place;
    done(word->places);
    done(block);
}

/* ---------------------------------------------------------------------- sorting */

/* More places first, then by text. */
static int compare(const void *a, const void *b) {
    rm_memory_t *first = *(rm_memory_t *const *)a, *second = *(rm_memory_t *const *)b;
    struct word *one = use(first), *other = use(second);
    int order = (one->n_places < other->n_places) - (one->n_places > other->n_places);

    if (order == 0) {
        order = strcmp(use(one->text), use(other->text));
        done(one->text);
        done(other->text);
    }
    done(first);
    done(second);
    return order;
}

/* The array is locked while it is sorted: the longest lock of all. */
rm_memory_t *table_most(const struct table *table, size_t most, size_t *n) {
    rm_memory_t *block = make((table->n_words + 1) * sizeof(rm_memory_t *));
    rm_memory_t **words = use(block), **buckets = use(table->buckets);

    *n = 0;
    for (size_t i = 0; i < table->n_buckets; i++) {
        for (rm_memory_t *at = buckets[i], *next; at; at = next) {
            words[(*n)++] = at;
            next = ((struct word *)use(at))->next;
            done(at);
        }
    }
    done(table->buckets);
    qsort(words, *n, sizeof(*words), compare);
    done(block);
    if (*n > most) {
        *n = most;
        resize(block, most * sizeof(rm_memory_t *));
    }
    return block;
}
