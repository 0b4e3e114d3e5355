/* SPDX-License-Identifier: MIT */
/*
 * The calls on blocks, of heaps that are guarded (guard.h). Such a heap's public gate is closed, so that whatever is
 * quick fails over to here; no such heap, and a wrong argument that is known without one, are told apart here too.
 */
#ifndef RM_API_GUARDED_H
#define RM_API_GUARDED_H

#include "call.h"

/* With `out` NULL already, and arguments that make sense. */
rm_status_t guarded_alloc(uint64_t tag, rm_memory_t **out, size_t size, size_t alignment,
                          unsigned flags);
rm_status_t guarded_free(rm_memory_t *handle);
rm_status_t guarded_lock(rm_memory_t *handle, void **pointer);
rm_status_t guarded_unlock(rm_memory_t *handle);
rm_status_t guarded_peek(rm_memory_t *handle, void **pointer);
rm_status_t guarded_size(rm_memory_t *handle, size_t *size);
rm_status_t guarded_locks(rm_memory_t *handle, unsigned *count);
rm_status_t guarded_heap(rm_memory_t *handle, rm_heap_t **heap);
/* Inside of the heap, of a live handle; it is left. */
rm_status_t guarded_resize(const struct access *a, rm_memory_t *handle, uint32_t slot,
                           size_t size);

#endif
