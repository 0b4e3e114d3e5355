/* SPDX-License-Identifier: MIT */
/* What every public function begins and ends with: from a handle or a token to its heap, and out again. */
#ifndef RM_CALL_H
#define RM_CALL_H

#include "check.h"
#include "lock.h"
#include "registry.h"
#include "threads.h"
#include "verify.h"

#include <rmalloc.h>

/* What takes longer is kept out of the common cases, so that they save no registers for it. */
#define SLOW __attribute__((noinline))

/* --- handles and tokens --- */

static inline uint64_t call_handle(const rm_memory_t *handle) {
    return rm_word_handle(handle);
}

/* Enter the heap of a live handle; false: it is none. */
static inline bool call_enter(const rm_memory_t *handle, struct access *a,
                              uint32_t *slot) {
    uint64_t h = call_handle(handle);
    if (unlikely(!registry_enter(h, a))) return false;
    *slot = handle_slot(h);
    if (likely(heap_live(a->heap, h, *slot))) return true;
    registry_leave_unseen(a);
    return false;
}

static inline rm_heap_t *call_token(uint64_t tag) {
    return (rm_heap_t *)(uintptr_t)(tag << 4 | 8);
}
/* A token's tag; NULL is the default heap's. RM_EINVAL: it is no token. */
static inline rm_status_t call_tag(const rm_heap_t *token, uint64_t *tag) {
    uint64_t t = (uint64_t)(uintptr_t)token;
    if (token == NULL) return registry_default(tag);
    *tag = t >> 4;
    return (t & 15) == 8 && *tag < UINT64_C(1) << TAG_BITS ? RM_OK : RM_EINVAL;
}
/* Enter a heap. */
static inline rm_status_t call_enter_heap(const rm_heap_t *token, struct access *a) {
    uint64_t tag;
    rm_status_t status = call_tag(token, &tag);
    if (status != RM_OK) return status;
    return registry_enter(tag, a) ? RM_OK : registry_refused(tag, RM_EINVAL);
}

/* Leave a heap with a status; in checking builds it is proven first. */
static inline rm_status_t call_leave(const struct access *a, rm_status_t status) {
#if RM_CHECKS >= RM_CHECKS_FULL
    rm_fault_t fault;
    char *low;
    size_t bytes;
    cache_halt(registry_crowd(a));
    registry_region(a, &low, &bytes);
    if (verify_heap(a->heap, registry_crowd(a), low, bytes, &fault) != RM_OK)
        check_failed(__FILE__, (int)fault.offset, (int)fault.invariant, fault.text);
#endif
    registry_leave(a);
    return status;
}

/* A call in a common case has succeeded. In checking builds the whole heap is proven after each of them too. */
static inline rm_status_t call_done(uint64_t tag) {
#if RM_CHECKS >= RM_CHECKS_FULL
    struct access a;
    if (registry_enter(tag, &a)) call_leave(&a, RM_OK);
#else
    (void)tag;
#endif
    return RM_OK;
}

#endif
