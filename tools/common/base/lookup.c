/* SPDX-License-Identifier: MIT */
#include "base/lookup.h"

#include <stdlib.h>

/* Out of memory, uthash leaves an element out of the table and says so by its hh.tbl. */
#define HASH_NONFATAL_OOM 1
/* All keys are 8 bytes: the upper half of a product with 2^64 / the golden ratio (Knuth,
   The Art of Computer Programming, 6.4) depends on each of their bits. */
#define HASH_FUNCTION(key_address, key_size, hash)                                       \
    (hash) = (unsigned)(*(key_address)*UINT64_C(0x9e3779b97f4a7c15) >> 32)
#include <uthash.h>

struct lookup_entry {
    uint64_t key, value;
    UT_hash_handle hh;
};

static struct lookup_entry *find(const struct lookup *lookup, uint64_t key) {
    struct lookup_entry *entry;

    HASH_FIND(hh, lookup->entries, &key, sizeof(key), entry);
    return entry;
}

bool lookup_find(const struct lookup *lookup, uint64_t key, uint64_t *value) {
    const struct lookup_entry *entry = find(lookup, key);

    if (entry) *value = entry->value;
    return entry != NULL;
}

bool lookup_add(struct lookup *lookup, uint64_t key, uint64_t value) {
    struct lookup_entry *entry = malloc(sizeof(*entry));

    if (!entry) return false;
    *entry = (struct lookup_entry){.key = key, .value = value};
    HASH_ADD(hh, lookup->entries, key, sizeof(entry->key), entry);
    if (entry->hh.tbl) return true;
    free(entry);
    return false;
}

bool lookup_take(struct lookup *lookup, uint64_t key, uint64_t *value) {
    struct lookup_entry *entry = find(lookup, key);

    if (!entry) return false;
    *value = entry->value;
    HASH_DELETE(hh, lookup->entries, entry);
    free(entry);
    return true;
}

size_t lookup_count(const struct lookup *lookup) { return HASH_COUNT(lookup->entries); }

void lookup_finish(struct lookup *lookup) {
    struct lookup_entry *entry, *next;

    HASH_ITER(hh, lookup->entries, entry, next) {
        HASH_DELETE(hh, lookup->entries, entry);
        free(entry);
    }
}
