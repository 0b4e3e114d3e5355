/* SPDX-License-Identifier: MIT */
#include "image/entries.h"

#include <string.h>

enum { ROOM_FIRST = 16 };

/* FNV-1a. */
static uint32_t hash_of(const char *url) {
    uint32_t hash = UINT32_C(2166136261);

    for (; *url; url++) hash = (hash ^ (unsigned char)*url) * UINT32_C(16777619);
    return hash;
}

struct entry *entry_lock(const struct entries *entries, image_id_t id) {
    return (struct entry *)store_lock(entries->table) + (id - 1);
}

void entry_unlock(const struct entries *entries) { store_unlock(entries->table); }

static bool is_of(const struct entry *entry, uint32_t hash, const char *url) {
    bool same;

    if (entry->hash != hash) return false;
    same = strcmp(store_lock(entry->url), url) == 0;
    store_unlock(entry->url);
    return same;
}

image_id_t entries_find(const struct entries *entries, const char *url) {
    uint32_t hash = hash_of(url), *buckets;
    struct entry *table;
    image_id_t id;

    if (entries->n_buckets == 0) return 0;
    buckets = store_lock(entries->buckets);
    id = buckets[hash & (entries->n_buckets - 1)];
    store_unlock(entries->buckets);
    if (id == 0) return 0;

    table = entry_lock(entries, 1);
    while (id != 0 && !is_of(&table[id - 1], hash, url)) id = table[id - 1].next;
    entry_unlock(entries);
    return id;
}

/* Puts an entry at the head of its bucket. */
static void link_up(uint32_t *buckets, uint32_t n_buckets, struct entry *table,
                    image_id_t id) {
    uint32_t *head = &buckets[table[id - 1].hash & (n_buckets - 1)];

    table[id - 1].next = *head;
    *head = id;
}

/* As many buckets as there are places, or nearly so; fewer, where memory is short, are slower. */
static void grow_buckets(struct entries *entries) {
    uint32_t n_buckets = entries->n_buckets ? 2 * entries->n_buckets : ROOM_FIRST, *heads;
    ref_t buckets = store_new_zeroed(entries->store, n_buckets * sizeof *heads);
    struct entry *table;

    if (buckets == NO_REF) return;
    heads = store_lock(buckets);
    table = entry_lock(entries, 1);
    for (image_id_t id = 1; id <= entries->room; id++)
        if (table[id - 1].url != NO_REF) link_up(heads, n_buckets, table, id);
    entry_unlock(entries);
    store_unlock(buckets);
    store_free(entries->store, entries->buckets);
    entries->buckets = buckets;
    entries->n_buckets = n_buckets;
}

static bool grow_table(struct entries *entries) {
    uint32_t room = entries->room ? entries->room + entries->room / 2 : ROOM_FIRST;
    struct entry *table;

    if (entries->table == NO_REF)
        entries->table = store_new(entries->store, room * sizeof *table);
    else if (!store_resize(entries->store, &entries->table, room * sizeof *table))
        return false;
    if (entries->table == NO_REF) return false;

    table = entry_lock(entries, 1);
    for (image_id_t id = room; id > entries->room; id--) {
        table[id - 1] = (struct entry){.next = entries->free};
        entries->free = id;
    }
    entry_unlock(entries);
    entries->room = room;
    return true;
}

image_id_t entries_add(struct entries *entries, const char *url) {
    image_id_t id;
    ref_t copy;

    /* All memory first: while it is asked for, others may be removed. */
    if (entries->free == 0 && !grow_table(entries)) return 0;
    if (entries->n >= entries->n_buckets) grow_buckets(entries);
    if (entries->n_buckets == 0) return 0;
    copy = store_copy(entries->store, url, strlen(url) + 1);
    if (copy == NO_REF) return 0;

    struct entry *table = entry_lock(entries, 1);
    id = entries->free;
    entries->free = table[id - 1].next;
    table[id - 1] = (struct entry){.url = copy, .hash = hash_of(url)};
    link_up(store_lock(entries->buckets), entries->n_buckets, table, id);
    store_unlock(entries->buckets);
    entry_unlock(entries);
    entries->n++;
    return id;
}

void entries_remove(struct entries *entries, image_id_t id) {
    struct entry *table = entry_lock(entries, 1), *entry = &table[id - 1];
    uint32_t *at = store_lock(entries->buckets);

    at += entry->hash & (entries->n_buckets - 1);
    while (*at != id) at = &table[*at - 1].next;
    *at = entry->next;
    store_unlock(entries->buckets);
    store_free(entries->store, entry->url);
    store_free(entries->store, entry->image.pixels);
    *entry = (struct entry){.next = entries->free};
    entries->free = id;
    entry_unlock(entries);
    entries->n--;
}

void entries_finish(struct entries *entries) {
    for (image_id_t id = 1; id <= entries->room; id++) {
        bool used = entry_lock(entries, id)->url != NO_REF;
        entry_unlock(entries);
        if (used) entries_remove(entries, id);
    }
    store_free(entries->store, entries->buckets);
    store_free(entries->store, entries->table);
}
