/* SPDX-License-Identifier: MIT */
/*
 * The calls of rmalloc.h that wordindex makes, on plain malloc: nothing ever moves, and each
 * lock and unlock is told to the recorder. So what a program written for handles locks,
 * and what it accesses meanwhile, is seen in one run under lackey.
 *
 * Handles are entries of a table of our own that is no block, as the library's table is none.
 */
#include <rmalloc.h>
#include <rmrecord.h>
#include <stdlib.h>

#define HANDLES (1 << 20)

struct rm_memory {
    void *block;
    struct rm_memory *next_free;
};

static struct rm_memory handles[HANDLES], *first_free;
static size_t n_handles;

rm_status_t rmalloc(rm_memory_t **out, ssize_t size) {
    struct rm_memory *handle = first_free;
    void *block = malloc((size_t)size);

    if (!block || (!handle && n_handles == HANDLES)) {
        free(block);
        return RM_ENOMEM;
    }
    if (handle)
        first_free = handle->next_free;
    else
        handle = &handles[n_handles++];
    handle->block = block;
    *out = handle;
    return RM_OK;
}

rm_status_t rmrealloc(rm_memory_t *handle, ssize_t size) {
    void *block = realloc(handle->block, (size_t)size);

    if (!block) return RM_ENOMEM;
    handle->block = block;
    return RM_OK;
}

rm_status_t rmfree(rm_memory_t *handle) {
    free(handle->block);
    handle->next_free = first_free;
    first_free = handle;
    return RM_OK;
}

rm_status_t rmlock(rm_memory_t *handle, void **pointer) {
    *pointer = handle->block;
    rmrecord_locked(handle->block);
    return RM_OK;
}

rm_status_t rmunlock(rm_memory_t *handle) {
    rmrecord_unlocked(handle->block);
    return RM_OK;
}
