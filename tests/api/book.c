/* SPDX-License-Identifier: MIT */
#include "book.h"

#include <stdlib.h>
#include <string.h>

#include "fault.h"

size_t handle_need(const struct book *book) { return slot_need(book->n); }

/* ------------------------------------------------------------------ content */

static uint64_t word_of(uint64_t seed, size_t i) {
    return (seed + i) * UINT64_C(0x9e3779b97f4a7c15) ^ seed;
}

void content_fill(unsigned char *at, size_t size, uint64_t seed) {
    size_t i;

    for (i = 0; i + 8 <= size; i += 8) {
        uint64_t word = word_of(seed, i);

        memcpy(at + i, &word, 8);
    }
    if (i < size) {
        uint64_t word = word_of(seed, i);

        memcpy(at + i, &word, size - i);
    }
}

const char *content_fault(const unsigned char *at, size_t size, uint64_t seed) {
    size_t i = 0;

    for (; i + 8 <= size; i += 8) {
        uint64_t word;

        memcpy(&word, at + i, 8);
        if (word != word_of(seed, i)) break;
    }
    if (i < size) {
        uint64_t wanted = word_of(seed, i);

        if (memcmp(at + i, &wanted, size - i < 8 ? size - i : 8) != 0)
            return fault("content differs in the 8 bytes from %zu of %zu", i, size);
    }
    return NULL;
}

/* -------------------------------------------------------------------- books */

static void note(struct book *book, const char *text) {
    if (book->wrong == NULL && text != NULL) {
        static _Thread_local char kept[400];

        strncpy(kept, text, sizeof(kept) - 1);
        book->wrong = kept;
    }
}

void book_init(struct book *book, rm_heap_t *heap) {
    memset(book, 0, sizeof(*book));
    book->heap = heap;
}

void book_finish(struct book *book) {
    free(book->blocks);
    memset(book, 0, sizeof(*book));
}

static uint64_t new_seed(struct book *book) { return rng_mix(++book->n_seeds); }

size_t book_take(struct book *book, rm_memory_t *handle, size_t size, size_t asked) {
    struct block *block;
    void *at = NULL;

    if (book->n == book->room) {
        book->room = book->room ? 2 * book->room : 64;
        book->blocks = realloc(book->blocks, book->room * sizeof(*book->blocks));
        if (book->blocks == NULL) give_up("no memory for the books");
    }
    block = &book->blocks[book->n];
    memset(block, 0, sizeof(*block));
    block->handle = handle;
    block->size = size;
    block->asked = asked;
    block->align = asked > rule_alignment(size) ? asked : rule_alignment(size);
    block->seed = new_seed(book);
    book->requested += size;
    book->aligned += asked > 16 ? asked : 0;
    book->n_allocated++;
    if (rmlock(handle, &at) != RM_OK || at == NULL) {
        note(book, "a fresh block cannot be locked");
        return book->n++;
    }
    content_fill(at, size, block->seed);
    if (rmunlock(handle) != RM_OK) note(book, "a fresh block cannot be unlocked");
    return book->n++;
}

static const char *zeros_fault(rm_memory_t *handle, size_t size) {
    void *at = NULL;
    const char *text = NULL;

    if (rmlock(handle, &at) != RM_OK) return "a zeroed block cannot be locked";
    for (size_t i = 0; i < size && text == NULL; i++)
        if (((unsigned char *)at)[i] != 0)
            text = fault("byte %zu of %zu is not zero", i, size);
    if (rmunlock(handle) != RM_OK) return "a zeroed block cannot be unlocked";
    return text;
}

rm_status_t book_alloc(struct book *book, size_t size, size_t asked, unsigned flags) {
    rm_memory_t *handle = (rm_memory_t *)(uintptr_t)1;
    rm_status_t status = rm_heap_alloc(book->heap, &handle, size, asked, flags);

    if (status != RM_OK) {
        if (handle != NULL)
            note(book, "the out-parameter of a failed allocation is not NULL");
        book->n_failed += status == RM_ENOMEM || status == RM_ESYSTEM;
        return status;
    }
    if (handle == NULL)
        note(book, "an allocation succeeded and gave NULL");
    else if ((flags & RM_ZERO) != 0)
        note(book, zeros_fault(handle, size));
    book_take(book, handle, size, asked);
    return status;
}

rm_status_t book_free(struct book *book, size_t i) {
    rm_status_t status = rmfree(book->blocks[i].handle);

    if (status == RM_OK) {
        book->requested -= book->blocks[i].size;
        book->aligned -= book->blocks[i].asked > 16 ? book->blocks[i].asked : 0;
        book->n_freed++;
        book->blocks[i] = book->blocks[--book->n];
    }
    return status;
}

/* What is kept must be as it was; then the whole is filled anew. */
rm_status_t book_resize(struct book *book, size_t i, size_t size) {
    struct block *block = &book->blocks[i];
    rm_status_t status = rmrealloc(block->handle, (ssize_t)size);
    size_t kept = size < block->size ? size : block->size;
    void *at = NULL;

    book->n_failed += status == RM_ENOMEM || status == RM_ESYSTEM;
    if (status != RM_OK) return status;
    if (rmlock(block->handle, &at) != RM_OK) {
        note(book, "a resized block cannot be locked");
        return status;
    }
    note(book, content_fault(at, kept, block->seed));
    book->requested += size;
    book->requested -= block->size;
    if (size > block->size)
        block->align =
            block->asked > rule_alignment(size) ? block->asked : rule_alignment(size);
    block->size = size;
    block->seed = new_seed(book);
    block->seen_at = NULL;
    content_fill(at, size, block->seed);
    if (block->locks > 0 && block->locked_at != at)
        note(book, "a locked block was resized to another place");
    if (rmunlock(block->handle) != RM_OK)
        note(book, "a resized block cannot be unlocked");
    return status;
}

rm_status_t book_lock(struct book *book, size_t i) {
    struct block *block = &book->blocks[i];
    void *at = NULL;
    rm_status_t status = rmlock(block->handle, &at);

    if (status != RM_OK) return status;
    if (block->locks == 0)
        book->n_locked++;
    else if (block->locked_at != at)
        note(book, "a second lock gave another address");
    block->locked_at = at;
    block->locks++;
    return status;
}

rm_status_t book_unlock(struct book *book, size_t i) {
    struct block *block = &book->blocks[i];
    rm_status_t status = rmunlock(block->handle);

    if (status == RM_OK && block->locks == 0)
        note(book, "an unlock too many was accepted");
    else if (status == RM_OK && --block->locks == 0) {
        book->n_locked--;
        block->locked_at = NULL;
    }
    return status;
}

unsigned char *book_address(struct book *book, size_t i) {
    void *at = NULL;

    if (rmlock(book->blocks[i].handle, &at) != RM_OK ||
        rmunlock(book->blocks[i].handle) != RM_OK)
        note(book, "a live block cannot be locked and unlocked");
    return at;
}

/* ------------------------------------------------------------- verification */

const char *book_verify_one(struct book *book, size_t i) {
    struct block *block = &book->blocks[i];
    size_t size = SIZE_MAX;
    unsigned locks = 9999;
    rm_heap_t *heap = NULL;
    void *locked = NULL;
    unsigned char *at;
    const char *text;

    if (book->wrong != NULL) return book->wrong;
    if (rmsize(block->handle, &size) != RM_OK || size != block->size)
        return fault("rmsize says %zu, not %zu", size, block->size);
    if (rmlocks(block->handle, &locks) != RM_OK || locks != block->locks)
        return fault("rmlocks says %u, not %u", locks, block->locks);
    if (rmheap(block->handle, &heap) != RM_OK ||
        (book->heap != NULL && heap != book->heap))
        return fault("rmheap says another heap");
    if (block->locks > 0 &&
        (text = content_fault(block->locked_at, block->size, block->seed)) != NULL)
        return text;
    /* Read under a lock: other threads may compact. */
    if (rmlock(block->handle, &locked) != RM_OK)
        return fault("a live block is not locked");
    at = locked;
    if (at == NULL || (uintptr_t)at % block->align != 0)
        text = fault("a block of %zu bytes is at %p, not aligned by %zu", block->size,
                     locked, block->align);
    else if (block->locks > 0 && at != block->locked_at)
        text = fault("a locked block of %zu bytes has moved", block->size);
    else
        text = content_fault(at, block->size, block->seed);
    if (rmunlock(block->handle) != RM_OK) return fault("a locked block is not unlocked");
    return text;
}

const char *book_verify(struct book *book) {
    const char *text = book->wrong;

    for (size_t i = 0; i < book->n && text == NULL; i++) text = book_verify_one(book, i);
    return text;
}

/* ------------------------------------------------------------ random states */

void book_unlock_all(struct book *book) {
    for (size_t i = 0; i < book->n; i++)
        while (book->blocks[i].locks > 0)
            if (book_unlock(book, i) != RM_OK) {
                note(book, "a locked block cannot be unlocked");
                break;
            }
}

void book_free_all(struct book *book) {
    book_unlock_all(book);
    while (book->n > 0)
        if (book_free(book, book->n - 1) != RM_OK) {
            note(book, "a live, unlocked block cannot be freed");
            return;
        }
}

void book_shuffle(struct book *book, struct rng *rng, size_t steps, enum shape shape,
                  size_t most, bool locks) {
    for (size_t step = 0; step < steps && book->wrong == NULL; step++) {
        uint64_t dice = rng_below(rng, 100);
        size_t i = book->n ? (size_t)rng_below(rng, book->n) : 0;

        if (dice < 50 || book->n == 0)
            (void)book_alloc(book, rng_size(rng, shape, most), 0, 0);
        else if (dice < 75 && book->blocks[i].locks == 0)
            (void)book_free(book, i);
        else if (dice < 90)
            (void)book_resize(book, i, rng_size(rng, shape, most));
        else if (locks && book->blocks[i].locks > 0)
            (void)book_unlock(book, i);
        else if (locks && rng_chance(rng, 60))
            (void)book_lock(book, i);
    }
}

void book_fill(struct book *book, struct rng *rng, enum shape shape, size_t most) {
    while (book->wrong == NULL) {
        size_t size = rng_size(rng, shape, most);

        if (book_alloc(book, size, 0, 0) == RM_OK) continue;
        if (most == 0) return;
        most = size / 2;
    }
}
