/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 4096

struct entry {
    rm_memory_t *before, *after, *text;
    struct place place;
    size_t length;
};

void cache_init(struct cache *cache, const char *const *files, size_t limit) {
    *cache = (struct cache){.files = files, .limit = limit};
}

/* Takes an entry out of the list; its neighbours are locked one after the other. */
static void unlink_entry(struct cache *cache, rm_memory_t *block) {
    struct entry *entry = use(block);
    rm_memory_t *before = entry->before, *after = entry->after;

    done(block);
    if (before) {
        ((struct entry *)use(before))->after = after;
        done(before);
    } else {
        cache->first = after;
    }
    if (after) {
        ((struct entry *)use(after))->before = before;
        done(after);
    } else {
        cache->last = before;
    }
}

static void put_first(struct cache *cache, rm_memory_t *block) {
    struct entry *entry = use(block);

    entry->before = NULL;
    entry->after = cache->first;
    done(block);
    if (cache->first) {
        ((struct entry *)use(cache->first))->before = block;
        done(cache->first);
    } else {
        cache->last = block;
    }
    cache->first = block;
}

static void evict(struct cache *cache) {
    rm_memory_t *block = cache->last, *text;
    struct entry *entry;

    unlink_entry(cache, block);
    entry = use(block);
    text = entry->text;
    cache->bytes -= entry->length + 1;
    done(block);
    drop(text);
    drop(block);
}

void cache_finish(struct cache *cache) {
    while (cache->last) evict(cache);
}

static rm_memory_t *find(const struct cache *cache, struct place place) {
    rm_memory_t *at = cache->first;

    while (at) {
        const struct entry *entry = use(at);
        rm_memory_t *after = entry->after;
        int same = entry->place.file == place.file && entry->place.line == place.line;
        done(at);
        if (same) return at;
        at = after;
    }
    return NULL;
}

/* The file is read up to the line, into a buffer that is locked all the while. */
static rm_memory_t *read_line(struct cache *cache, struct place place) {
    rm_memory_t *buffer = make(LINE_BYTES), *block = make(sizeof(struct entry));
    FILE *file = fopen(cache->files[place.file], "r");
    struct entry *entry = use(block);
    char *line = use(buffer);

    *line = '\0';
    for (uint32_t i = 0; file && i < place.line; i++)
        if (!fgets(line, LINE_BYTES, file)) break;
    if (file) fclose(file);
    *entry = (struct entry){.place = place, .length = strcspn(line, "\n")};
    entry->text = make(entry->length + 1);
    char *text = use(entry->text);
    memcpy(text, line, entry->length);
    text[entry->length] = '\0';
    done(entry->text);
    cache->bytes += entry->length + 1;
    done(buffer);
    drop(buffer);
    done(block);
    return block;
}

size_t cache_line(struct cache *cache, struct place place, char *buffer, size_t size) {
    rm_memory_t *block = find(cache, place);
    size_t length;

    if (block) {
        cache->hits++;
        unlink_entry(cache, block);
    } else {
        cache->misses++;
        block = read_line(cache, place);
        while (cache->last && cache->bytes > cache->limit) evict(cache);
    }
    put_first(cache, block);
    struct entry *entry = use(block);
    const char *text = use(entry->text);
    while (*text == ' ') text++;
    length = (size_t)snprintf(buffer, size, "%s", text);
    done(entry->text);
    done(block);
    return length < size ? length : size - 1;
}
