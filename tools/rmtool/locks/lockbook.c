/* SPDX-License-Identifier: MIT */
#include "locks/lockbook.h"

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
    if (slot >= book->capacity) {
        uint32_t *held = grow(book->held, &book->capacity, sizeof(*held), slot);
        if (!held) return false;
        book->held = held;
    }
    if (book->truth && slot >= book->compared_capacity) {
        struct comparison *comparisons =
            grow(book->comparisons, &book->compared_capacity, sizeof(*comparisons), slot);
        if (!comparisons) return false;
        book->comparisons = comparisons;
    }
    return true;
}

bool lockbook_reserve_lock(struct lockbook *book) {
    if (book->unused || book->n_since < book->since_capacity) return true;
    uint64_t *since =
        grow(book->since, &book->since_capacity, sizeof(*since), (uint32_t)book->n_since);
    if (since) book->since = since;
    return since != NULL;
}

/* The number of a new lock. */
static uint32_t take_number(struct lockbook *book) {
    uint32_t number = book->unused;

    if (number)
        book->unused = (uint32_t)book->since[number - 1];
    else
        number = (uint32_t)++book->n_since;
    return number;
}

void population_count(struct population *population) {
    double time = (double)(population->clock - population->counted);

    population->block_accesses += time * (double)population->live_blocks;
    population->byte_accesses += time * (double)population->live_bytes;
    population->counted = population->clock;
}

/* The time since the last comparison goes to where both books stood. */
static void compare(struct lockbook *book, uint32_t slot) {
    struct comparison *comparison = &book->comparisons[slot];
    double time = (double)(book->population->clock - comparison->compared);
    bool here = lockbook_is_locked(book, slot);
    bool truth = lockbook_is_locked(book->truth, slot);

    if (here && truth)
        book->both += time;
    else if (here)
        book->only_here += time;
    else if (truth)
        book->only_truth += time;
    comparison->compared = book->population->clock;
}

/* Each lock of one book can be the pair of one of the other that it overlaps. */
static void pair(struct lockbook *book, uint32_t slot) {
    struct comparison *comparison = &book->comparisons[slot];

    if (!lockbook_is_locked(book, slot) || !lockbook_is_locked(book->truth, slot)) return;
    if (comparison->paired || comparison->truth_paired) return;
    comparison->paired = comparison->truth_paired = true;
    book->pairs++;
}

void lockbook_truth_changes(struct lockbook *book, uint32_t slot) { compare(book, slot); }

void lockbook_truth_locked(struct lockbook *book, uint32_t slot) {
    book->comparisons[slot].truth_paired = false;
    pair(book, slot);
}

void lockbook_lock(struct lockbook *book, uint32_t slot) {
    uint32_t number = take_number(book);

    if (book->truth) compare(book, slot);
    book->held[slot] = number;
    book->since[number - 1] = book->population->clock;
    book->locks++;
    book->locked_blocks++;
    book->locked_bytes += book->population->blocks[slot].size;
    if (book->locked_blocks > book->most_locked_blocks)
        book->most_locked_blocks = book->locked_blocks;
    if (book->locked_bytes > book->most_locked_bytes)
        book->most_locked_bytes = book->locked_bytes;
    if (!book->truth) return;
    book->comparisons[slot].paired = false;
    pair(book, slot);
}

void lockbook_unlock(struct lockbook *book, uint32_t slot) {
    uint32_t number = book->held[slot];
    uint64_t time = book->population->clock - book->since[number - 1];
    uint64_t size = book->population->blocks[slot].size;

    if (book->truth) compare(book, slot);
    book->held[slot] = 0;
    book->since[number - 1] = book->unused;
    book->unused = number;
    book->locked_blocks--;
    book->locked_bytes -= size;
    book->held_time += (double)time;
    book->held_bytes += (double)time * (double)size;
    if (time > book->longest) book->longest = time;
}

void lockbook_end(struct lockbook *book) {
    for (uint32_t slot = 0; slot < book->capacity; slot++) {
        if (lockbook_is_locked(book, slot))
            lockbook_unlock(book, slot);
        else if (book->truth)
            compare(book, slot);
    }
}

void lockbook_finish(struct lockbook *book) {
    free(book->held);
    free(book->comparisons);
    free(book->since);
    book->held = NULL;
    book->comparisons = NULL;
    book->since = NULL;
    book->capacity = book->compared_capacity = book->since_capacity = book->n_since = 0;
}
