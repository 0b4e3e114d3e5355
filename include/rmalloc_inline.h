/* SPDX-License-Identifier: MIT */
/*
 * rmlock, rmunlock and rmpeek without a call, for loops in which the call counts.
 *
 * What they do and return is what the functions do; they take a heap's common case on
 * themselves and leave the rest to the functions. That case is a block locked at most
 * three times. In a heap of RM_THREADS_NONE, or a process that has only ever had one
 * thread, it takes no atomic operation; else one compare-and-swap on the block's own word.
 *
 * They know how the library lays out its data, so a program that uses them has to be
 * built anew for another version of the library: the name of rm_gates below holds the
 * version, and a program built for another does not link or load.
 *
 * C11 or C++17, GCC or Clang; 32 or 64 bits, any byte order. Between threads it needs a compare-and-swap
 * of 64 bits: a processor without one, i486 say, is refused.
 */
#ifndef RMALLOC_INLINE_H
#define RMALLOC_INLINE_H

#include "rmalloc.h"

#include <stdint.h>
#include <string.h>

#if !defined(__GNUC__)
#error "rmalloc_inline.h is written for GCC and Clang: call rmlock, rmunlock and rmpeek"
#endif

#if defined(__has_include)
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define RM_SINGLE_THREADED __libc_single_threaded
#endif
#endif
#ifndef RM_SINGLE_THREADED
#if defined(__wasm__) && !defined(_REENTRANT)
#define RM_SINGLE_THREADED 1 /* it has no threads at all */
#else
#define RM_SINGLE_THREADED 0 /* a libc that does not say */
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define rm_gates rm_gates_0_1_0

/* What begins each heap's structure. */
struct rm_core {
    char *top;  /* its own address: the handle table lies right below it */
    char *base; /* places count from here */
    uint32_t n_slots, unlocked, motion;
};
/* The table's words, which lie at multiples of 8: with 32 bits not every uint64_t does. */
typedef uint64_t rm_word_t __attribute__((aligned(8)));
/* Whose heap lies in a place of the registry. */
struct rm_gate {
    uint32_t tag; /* the handles' lowest 18 bits, and RM_GATE_LIVE; 0: no heap */
    uint32_t
        shared; /* bit 0: between threads, where there are any; the rest is the library's own */
    struct rm_core *heap;
};
enum { RM_GATE_LIVE = 1 << 18 };

/*
 * A handle is the heap's tag:18, a slot:28 and the upper 18 bits of the slot's word as they are where the
 * block is not locked: a state:3, which is 2, and a generation:15. On 32 bits there is room for less, and the
 * state goes without saying:
 *
 *      64 bits   generation:15  2:3  slot:28  tag:18    epoch:1 place:13 epoch:4
 *      32 bits   generation:6        slot:20  tag:6             place:5  epoch:1
 *
 * Inside, both are the former (rm_word_handle); of a generation those bits are compared that a handle has.
 */
#if UINTPTR_MAX > UINT32_MAX

/* Private to the library and to this header. */
enum { RM_GATES = 1 << 13 };
RM_API extern struct rm_gate rm_gates[RM_GATES];

/* The gate that a handle or a heap's tag leads to: place:13, above the 4 lowest bits. */
static inline const struct rm_gate *rm_gate_of(uint32_t tag) {
    uint32_t offset = tag & (RM_GATES - 1) * (uint32_t)sizeof(struct rm_gate);
    return (const struct rm_gate *)((const char *)rm_gates + offset);
}
static inline uint64_t rm_word_handle(const rm_memory_t *handle) {
    return (uint64_t)(uintptr_t)handle;
}
/* What a handle and its slot's word have in common above the place: state and generation; and the latter alone. */
static inline uint64_t rm_upper(uint64_t word) { return word >> 46; }
static inline uint64_t rm_generation(uint64_t word) { return word >> 49; }

/* What the gate of a handle's heap says. */
static inline uint32_t rm_live_of(const rm_memory_t *handle) {
    return (uint32_t)(uintptr_t)handle % RM_GATE_LIVE | RM_GATE_LIVE;
}

/* The slot of a handle in the heap's table. Another state than 2 makes it too large for any table. */
static inline uint32_t rm_slot_of(const rm_memory_t *handle) {
    return (uint32_t)((uint64_t)(uintptr_t)handle << 15 >> 33) - (UINT32_C(2) << 28);
}

#else

enum { RM_GATES = 1 << 5, RM_GENERATION_MASK = (1 << 6) - 1 };
RM_API extern struct rm_gate rm_gates[RM_GATES];

static inline const struct rm_gate *rm_gate_of(uint32_t tag) {
    return &rm_gates[tag >> 1 & (RM_GATES - 1)];
}
static inline uint32_t rm_slot_of(const rm_memory_t *handle) {
    return (uint32_t)((uintptr_t)handle >> 6 & 0xfffff);
}
static inline uint64_t rm_word_handle(const rm_memory_t *handle) {
    uint64_t generation = (uintptr_t)handle >> 26, slot = rm_slot_of(handle);
    return generation << 49 | UINT64_C(2) << 46 | slot << 18 | ((uintptr_t)handle & 63);
}
static inline uint64_t rm_upper(uint64_t word) {
    return word >> 46 & (RM_GENERATION_MASK << 3 | 7);
}
static inline uint64_t rm_generation(uint64_t word) {
    return word >> 49 & RM_GENERATION_MASK;
}
static inline uint32_t rm_live_of(const rm_memory_t *handle) {
    return (uint32_t)((uintptr_t)handle & 63) | RM_GATE_LIVE;
}

#endif

/* The heap whose gate says `live`, and whether others may be inside; 0: there is none. */
static inline int rm_enter(uint32_t live, struct rm_core **heap, int *shared) {
    const struct rm_gate *gate = rm_gate_of(live);
    if (__builtin_expect(__atomic_load_n(&gate->tag, __ATOMIC_ACQUIRE) != live, 0))
        return 0;
    *shared = !RM_SINGLE_THREADED && (gate->shared & 1);
    *heap = gate->heap;
    return 1;
}

/* The table's word of a slot, of which there are `n`; NULL: this is none of them. */
static inline rm_word_t *rm_word_of(struct rm_core *heap, uint32_t slot, uint32_t n) {
    if (__builtin_expect(slot >= n || slot % 64 == 0, 0)) return NULL;
    return (rm_word_t *)((char *)heap + 8 * ~(ptrdiff_t)slot);
}

static inline void *rm_address(const struct rm_core *heap, uint64_t e) {
    return (void *)((uintptr_t)heap->base + ((size_t)(e & 0x7fffffff) << 3));
}

/* Where others may be inside, the table may get shorter at any time. Its memory can still be read: what has
   been read was a word of it if the slot is still one then. A word that is not is no matter; but the sanitizer for
   threads would think so, and is told of words alone that have the handle's generation. */
static inline uint32_t rm_slots_now(const struct rm_core *heap) {
    return __atomic_load_n(&heap->n_slots, __ATOMIC_ACQUIRE);
}
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RM_SANITIZE_THREAD 1
#endif
#endif
#if defined(RM_SANITIZE_THREAD) || defined(__SANITIZE_THREAD__)
__attribute__((no_sanitize("thread"), noinline, unused)) static uint64_t
rm_word_unseen(const rm_word_t *word) {
    return *(const volatile rm_word_t *)word;
}
static inline uint64_t rm_word_now(const rm_word_t *word, uint64_t handle) {
    uint64_t e = rm_word_unseen(word);
    return rm_generation(e ^ handle) == 0 ? __atomic_load_n(word, __ATOMIC_ACQUIRE) : e;
}
#else
static inline uint64_t rm_word_now(const rm_word_t *word, uint64_t handle) {
    (void)handle;
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
#endif

/* Adds `by` to a slot's word whose locks, less those of `least`, are at most two; 0: it is not so, and nothing
   has been done. */
static inline int rm_add_shared(struct rm_core *heap, uint32_t slot, uint64_t handle,
                                uint64_t least, uint64_t by, uint64_t *e) {
    rm_word_t *word = rm_word_of(heap, slot, rm_slots_now(heap));
    if (__builtin_expect(word == NULL, 0)) return 0;
    *e = rm_word_now(word, handle);
    if (__builtin_expect(rm_upper(*e) - least > 2, 0)) return 0;
    if (__builtin_expect(slot >= rm_slots_now(heap), 0)) return 0;
    return __atomic_compare_exchange_n(word, e, *e + by, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* The same where there is nobody else. */
static inline int rm_add_alone(struct rm_core *heap, uint32_t slot, uint64_t least,
                               uint64_t by, uint64_t *e) {
    rm_word_t *word = rm_word_of(heap, slot, heap->n_slots);
    if (__builtin_expect(word == NULL, 0)) return 0;
    *e = *word;
    if (__builtin_expect(rm_upper(*e) - least > 2, 0)) return 0;
    *word = *e + by;
    return 1;
}

/* Lock or unlock in the common case; 0: nothing has been done. A word's state counts locks from
   2 up: 2 to 4 are none to two, 3 to 5 one to three. */
static inline int rm_lock_quickly(rm_memory_t *handle, void **pointer) {
    uint64_t h = rm_word_handle(handle), e = 0, one = UINT64_C(1) << 46;
    struct rm_core *heap;
    int shared;
    if (__builtin_expect(!rm_enter(rm_live_of(handle), &heap, &shared), 0)) return 0;
    uint32_t slot = rm_slot_of(handle);
    if (shared ? !rm_add_shared(heap, slot, h, rm_upper(h), one, &e)
               : !rm_add_alone(heap, slot, rm_upper(h), one, &e))
        return 0;
    *pointer = rm_address(heap, e);
    return 1;
}

static inline int rm_unlock_quickly(rm_memory_t *handle) {
    uint64_t h = rm_word_handle(handle), e = 0, one = UINT64_C(1) << 46;
    struct rm_core *heap;
    int shared;
    if (__builtin_expect(!rm_enter(rm_live_of(handle), &heap, &shared), 0)) return 0;
    uint32_t slot = rm_slot_of(handle);
    if (!shared) {
        if (!rm_add_alone(heap, slot, rm_upper(h) + 1, 0 - one, &e)) return 0;
        heap->unlocked = 1;
        return 1;
    }
    if (!rm_add_shared(heap, slot, h, rm_upper(h) + 1, 0 - one, &e)) return 0;
    if (__builtin_expect(!__atomic_load_n(&heap->unlocked, __ATOMIC_RELAXED), 0))
        __atomic_store_n(&heap->unlocked, 1, __ATOMIC_RELAXED);
    return 1;
}

/* The address of a block that does not move, locked at most three times. */
static inline int rm_peek_quickly(const rm_memory_t *handle, void **pointer) {
    uint64_t h = rm_word_handle(handle), e;
    const rm_word_t *word;
    struct rm_core *heap;
    int shared;
    if (__builtin_expect(!rm_enter(rm_live_of(handle), &heap, &shared), 0)) return 0;
    uint32_t slot = rm_slot_of(handle);
    word = rm_word_of(heap, slot, rm_slots_now(heap));
    if (__builtin_expect(word == NULL, 0)) return 0;
    e = rm_word_now(word, h);
    if (__builtin_expect(rm_upper(e) - rm_upper(h) > 3, 0)) return 0;
    if (shared && __builtin_expect(slot >= rm_slots_now(heap), 0)) return 0;
    *pointer = rm_address(heap, e);
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

/** rmpeek, inline: in a held heap (rm_heap_hold), or of a locked block. */
static inline rm_status_t rmpeek_inline(rm_memory_t *handle, void **pointer) {
    if (__builtin_expect(pointer != NULL && rm_peek_quickly(handle, pointer), 1))
        return RM_OK;
    return rmpeek(handle, pointer);
}

#ifdef __cplusplus
}
#endif
#endif
