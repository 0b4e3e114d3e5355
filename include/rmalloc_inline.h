/* SPDX-License-Identifier: MIT */
/*
 * rmlock and rmunlock without a call, for loops in which the call counts.
 *
 * What they do and return is what the functions do; they take a heap's common case on
 * themselves and leave the rest to the functions. That case is a block locked at most
 * four times, in a heap of RM_THREADS_NONE or a process that has only ever had one
 * thread.
 *
 * They know how the library lays out its data, so a program that uses them has to be
 * built anew for another version of the library: the name of rm_gates below holds the
 * version, and a program built for another does not link or load.
 *
 * C11 or C++17, GCC or Clang, 64-bit little-endian.
 */
#ifndef RMALLOC_INLINE_H
#define RMALLOC_INLINE_H

#include "rmalloc.h"

#include <stdint.h>
#include <string.h>

#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define RM_SINGLE_THREADED __libc_single_threaded
#endif
#endif
#ifndef RM_SINGLE_THREADED /* a libc that does not say */
#define RM_SINGLE_THREADED 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define rm_gates rm_gates_0_1_0

/* What begins each heap's structure. */
struct rm_core {
    char *top; /* its own address: the handle table lies right below it */
    uint32_t n_slots, unlocked;
    uint32_t others[12];
    char *base; /* places count from here */
};
/* Whose heap lies in a place of the registry. */
struct rm_gate {
    uint32_t tag;    /* the handles' lowest 18 bits, and RM_GATE_LIVE; 0: no heap */
    uint32_t shared; /* 1: to be locked where there are threads */
    struct rm_core *heap;
};
enum { RM_GATES = 1 << 13, RM_GATE_LIVE = 1 << 18 };

/* Private to the library and to this header. */
RM_API extern struct rm_gate rm_gates[RM_GATES];

/* The gate that a handle or a heap's tag leads to: place:13, above the 4 lowest bits. */
static inline const struct rm_gate *rm_gate_of(uint32_t tag) {
    uint32_t offset = tag & (RM_GATES - 1) * (uint32_t)sizeof(struct rm_gate);
    return (const struct rm_gate *)((const char *)rm_gates + offset);
}

/* The slot of a handle in the table of *heap; 0, which is nobody's: for the function to find out. A
   handle is the heap's tag:18, a slot:28 and the upper 18 bits of the slot's word as they are where the
   block is not locked: a state:3, which is 2, and a generation:15. A slot out of bounds or another
   state is no handle's. */
static inline uint32_t rm_slot_of(const rm_memory_t *handle, struct rm_core **heap) {
    uint64_t h = (uint64_t)(uintptr_t)handle;
    const struct rm_gate *gate = rm_gate_of((uint32_t)h);
    uint32_t tag = (uint32_t)h % RM_GATE_LIVE | RM_GATE_LIVE;
    uint32_t slot = (uint32_t)(h << 15 >> 33) - (UINT32_C(2) << 28);
    if (__builtin_expect(__atomic_load_n(&gate->tag, __ATOMIC_ACQUIRE) != tag, 0))
        return 0;
    if (!RM_SINGLE_THREADED && gate->shared) return 0;
    *heap = gate->heap;
    if (__builtin_expect(slot >= (*heap)->n_slots || slot % 64 == 0, 0)) return 0;
    return slot;
}

/* The table's word of a slot. */
static inline char *rm_word_of(struct rm_core *heap, uint32_t slot) {
    return (char *)heap + 8 * ~(ptrdiff_t)slot;
}

/* Lock or unlock in the common case; false: nothing has been done. A word's state counts locks from
   2 up: 2 to 5 are none to three, 3 to 6 one to four. */
static inline int rm_lock_quickly(rm_memory_t *handle, void **pointer) {
    struct rm_core *heap;
    uint32_t slot = rm_slot_of(handle, &heap);
    uint64_t e, unlocked = (uint64_t)(uintptr_t)handle >> 46;
    if (__builtin_expect(slot == 0, 0)) return 0;
    memcpy(&e, rm_word_of(heap, slot), 8);
    if (__builtin_expect((e >> 46) - unlocked > 3, 0)) return 0;
    *pointer = heap->base + ((e & 0x7fffffff) << 3);
    e += UINT64_C(1) << 46;
    memcpy(rm_word_of(heap, slot), &e, 8);
    return 1;
}

static inline int rm_unlock_quickly(rm_memory_t *handle) {
    struct rm_core *heap;
    uint32_t slot = rm_slot_of(handle, &heap);
    uint64_t e, locked = ((uint64_t)(uintptr_t)handle >> 46) + 1;
    if (__builtin_expect(slot == 0, 0)) return 0;
    memcpy(&e, rm_word_of(heap, slot), 8);
    if (__builtin_expect((e >> 46) - locked > 3, 0)) return 0;
    e -= UINT64_C(1) << 46;
    memcpy(rm_word_of(heap, slot), &e, 8);
    heap->unlocked = 1;
    return 1;
}

/** rmlock, inline. Cost: some 15 instructions in the common case. */
static inline rm_status_t rmlock_inline(rm_memory_t *handle, void **pointer) {
    if (__builtin_expect(pointer != NULL && rm_lock_quickly(handle, pointer), 1))
        return RM_OK;
    return rmlock(handle, pointer);
}

/** rmunlock, inline. Cost: some 15 instructions in the common case. */
static inline rm_status_t rmunlock_inline(rm_memory_t *handle) {
    if (__builtin_expect(rm_unlock_quickly(handle), 1)) return RM_OK;
    return rmunlock(handle);
}

#ifdef __cplusplus
}
#endif
#endif
