/* SPDX-License-Identifier: MIT */
/*
 * The naive side of every test: a list of what was allocated, with the content
 * (made from a seed), the size, the alignment and the locks that each block must
 * have. Knows nothing of how the library does it.
 */
#ifndef RMTEST_BOOK_H
#define RMTEST_BOOK_H

#include <rmalloc.h>

#include "rng.h"
#include "rules.h"

struct block {
    rm_memory_t *handle;
    size_t size;
    size_t asked; /* the alignment given to rm_heap_alloc, 0 for the rule */
    size_t align; /* what is promised now */
    uint64_t seed;
    unsigned locks;
    unsigned char *locked_at; /* while locks > 0 */
    /* The model's: where it was last seen, and what had been moved until then. */
    unsigned char *seen_at;
    size_t seen_moved, seen_epoch;
};

struct book {
    rm_heap_t *heap;
    struct block *blocks;
    size_t n, room;
    size_t requested; /* sum of sizes */
    size_t n_locked;
    size_t aligned; /* sum of the alignments asked for that are above 16 */
    size_t n_allocated, n_freed, n_failed;
    uint64_t n_seeds;
    const char *wrong; /* the first fault that a call below met, else NULL */
};

/* The most that the next handle may take. */
size_t handle_need(const struct book *book);

void content_fill(unsigned char *at, size_t size, uint64_t seed);
/* NULL where the first `size` bytes are as filled. */
const char *content_fault(const unsigned char *at, size_t size, uint64_t seed);

void book_init(struct book *book, rm_heap_t *heap);
void book_finish(struct book *book);

/* Take a block that the test itself has allocated, and fill it. Returns its place. */
size_t book_take(struct book *book, rm_memory_t *handle, size_t size, size_t asked);
/* The calls, with the books kept; the status is the library's. */
rm_status_t book_alloc(struct book *book, size_t size, size_t asked, unsigned flags);
rm_status_t book_free(struct book *book, size_t i);
rm_status_t book_resize(struct book *book, size_t i, size_t size);
rm_status_t book_lock(struct book *book, size_t i);
rm_status_t book_unlock(struct book *book, size_t i);

/* The block's address by a lock and an unlock. */
unsigned char *book_address(struct book *book, size_t i);
/* Size, locks, heap, alignment, place while locked, and content. */
const char *book_verify_one(struct book *book, size_t i);
const char *book_verify(struct book *book);

void book_unlock_all(struct book *book);
void book_free_all(struct book *book);
/*
 * Random steps (alloc, free, resize, and locks where `locks` is set) that leave
 * the heap in a random state; the same seed gives the same steps, and the same
 * state for the same heap. Sizes are at most `most`.
 */
void book_shuffle(struct book *book, struct rng *rng, size_t steps, enum shape shape,
                  size_t most, bool locks);
/* Allocate until not even a block of size 0 fits. */
void book_fill(struct book *book, struct rng *rng, enum shape shape, size_t most);

#endif
