/* SPDX-License-Identifier: MIT */
/*
 * A heap of another process as a private copy: at another address, but with the same offsets and the same
 * place in its pages, and the few absolute addresses in its structure corrected. So the rooms below look at
 * it as at any heap: it is proven first, by verify_heap, which trusts nothing; then they may trust it.
 *
 * The copy is ours: it may be changed, and is, when what rests there is freed. Section 12 of README.rst.
 */
#ifndef RM_IMAGE_H
#define RM_IMAGE_H

#include "registry.h"

#include <rmalloc_view.h>

/* Who reads the other's memory; and how much it was asked for. */
struct image_source {
    rm_view_read_fn *read;
    void *context;
    size_t bytes;
};
bool image_read(struct image_source *source, uint64_t address, void *to, size_t size);

struct image {
    struct heap *heap; /* in the copy; NULL: there is none */
    void *memory;      /* that is reserved here */
    size_t reserved;
    char *low; /* of the copy: where the region begins */
    size_t bytes;
    ptrdiff_t shift; /* from an address there to its place here */
    struct crowd crowd;
    struct cache *caches; /* n_caches of them, in order */
    size_t n_caches;
    struct watch watch;
    bool watched; /* the background thread has notes on it */
    bool settled;
};

/* Copy the heap at `address`, of a place, with its tag. `*m` is a last copy, or zero. */
rm_view_status_t image_copy(struct image *m, struct image_source *source,
                            const struct place *place, uintptr_t address, uint64_t tag);
/* Prove it; then nothing rests any more. */
rm_view_status_t image_settle(struct image *m, rm_fault_t *fault);
void image_drop(struct image *m);

#endif
