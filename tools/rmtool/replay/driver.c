/* SPDX-License-Identifier: MIT */
#include "replay/replay.h"

const struct driver driver_rmalloc = {
    .alloc = rm_heap_alloc,
    .resize = rmrealloc,
    .free = rmfree,
    .lock = rmlock,
    .unlock = rmunlock,
};

static rm_status_t null_alloc(rm_heap_t *heap, rm_memory_t **out, size_t size,
                              size_t alignment, unsigned flags) {
    *out = (rm_memory_t *)out; /* any value but NULL */
    return RM_OK;
}

static rm_status_t null_resize(rm_memory_t *handle, ssize_t size) { return RM_OK; }

static rm_status_t null_free(rm_memory_t *handle) { return RM_OK; }

static rm_status_t null_lock(rm_memory_t *handle, void **pointer) {
    *pointer = NULL;
    return RM_OK;
}

static rm_status_t null_unlock(rm_memory_t *handle) { return RM_OK; }

const struct driver driver_null = {
    .alloc = null_alloc,
    .resize = null_resize,
    .free = null_free,
    .lock = null_lock,
    .unlock = null_unlock,
};
