/* SPDX-License-Identifier: MIT */
#include "lockbook.h"

#include <stdlib.h>
#include <string.h>

static void *grow(void *items, size_t *capacity, size_t size, uint32_t slot) {
    size_t more = *capacity ? *capacity * 2 : 1024;
    void *grown;

    while (more <= slot) more *= 2;
    grown = realloc(items, more * size);
    if (!grown) return NULL;
    memset((char *)grown + *capacity * size, 0, (more - *capacity) * size);
    *capacity = more;
    return grown;
}

bool population_reserve(struct population *population, uint32_t slot) {
    if (slot < population->capacity) return true;
    struct lockbook_block *blocks =
        grow(population->blocks, &population->capacity, sizeof(*blocks), slot);
    if (blocks) population->blocks = blocks;
    return blocks != NULL;
}

bool lockbook_reserve(struct lockbook *book, uint32_t slot) {
    if (slot < book->capacity) return true;
    struct spell *spells = grow(book->spells, &book->capacity, sizeof(*spells), slot);
    if (spells) book->spells = spells;
    return spells != NULL;
}

void population_count(struct population *population) {
    double time = (double)(population->clock - population->counted);

    population->block_accesses += time * (double)population->live_blocks;
    population->byte_accesses += time * (double)population->live_bytes;
    population->counted = population->clock;
}

/* The time since the last comparison goes to where both books stood. */
static void compare(struct lockbook *book, uint32_t slot) {
    struct spell *spell = &book->spells[slot];
    double time = (double)(book->population->clock - spell->compared);
    bool truth = book->truth->spells[slot].locked;

    if (spell->locked && truth)
        book->both += time;
    else if (spell->locked)
        book->only_here += time;
    else if (truth)
        book->only_truth += time;
    spell->compared = book->population->clock;
}

/* Each lock of one book can be the pair of one of the other that it overlaps. */
static void pair(struct lockbook *book, uint32_t slot) {
    struct spell *spell = &book->spells[slot];

    if (!spell->locked || !book->truth->spells[slot].locked) return;
    if (spell->paired || spell->truth_paired) return;
    spell->paired = spell->truth_paired = true;
    book->pairs++;
}

void lockbook_truth_changes(struct lockbook *book, uint32_t slot) { compare(book, slot); }

void lockbook_truth_locked(struct lockbook *book, uint32_t slot) {
    book->spells[slot].truth_paired = false;
    pair(book, slot);
}

void lockbook_lock(struct lockbook *book, uint32_t slot) {
    struct spell *spell = &book->spells[slot];

    if (book->truth) compare(book, slot);
    spell->locked = true;
    spell->since = book->population->clock;
    book->locks++;
    book->locked_blocks++;
    book->locked_bytes += book->population->blocks[slot].size;
    if (book->locked_blocks > book->most_locked_blocks)
        book->most_locked_blocks = book->locked_blocks;
    if (book->locked_bytes > book->most_locked_bytes)
        book->most_locked_bytes = book->locked_bytes;
    if (!book->truth) return;
    spell->paired = false;
    pair(book, slot);
}

void lockbook_unlock(struct lockbook *book, uint32_t slot) {
    struct spell *spell = &book->spells[slot];
    uint64_t time = book->population->clock - spell->since;
    uint64_t size = book->population->blocks[slot].size;

    if (book->truth) compare(book, slot);
    spell->locked = false;
    book->locked_blocks--;
    book->locked_bytes -= size;
    book->held += (double)time;
    book->held_bytes += (double)time * (double)size;
    if (time > book->longest) book->longest = time;
}

void lockbook_end(struct lockbook *book) {
    for (uint32_t slot = 0; slot < book->capacity; slot++) {
        if (book->spells[slot].locked)
            lockbook_unlock(book, slot);
        else if (book->truth)
            compare(book, slot);
    }
}

void lockbook_finish(struct lockbook *book) {
    free(book->spells);
    book->spells = NULL;
    book->capacity = 0;
}
