/* SPDX-License-Identifier: MIT */
/* Types, units and bit tricks that every room uses. Knows nothing of heaps. */
#ifndef RM_BASE_H
#define RM_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Memory inside a heap is counted in units of 16 bytes, from the heap's base. */
enum { UNIT_SHIFT = 4, UNIT = 1 << UNIT_SHIFT };

/* A unit number; 30 bits, so a heap has at most 16 GiB. */
typedef uint32_t unit_t;
enum { UNIT_BITS = 30 };
#define UNIT_NIL ((unit_t)((1u << UNIT_BITS) - 1))
#if UINTPTR_MAX > UINT32_MAX
#define HEAP_BYTES_MAX ((size_t)(UNIT_NIL - 1) << UNIT_SHIFT)
#else /* what addresses differ by fits ptrdiff_t */
#define HEAP_BYTES_MAX ((size_t)INT32_MAX - 0xffff)
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static inline unsigned bit_lowest(uint64_t x) { return (unsigned)__builtin_ctzll(x); }
static inline unsigned bit_highest(uint64_t x) {
    return 63u - (unsigned)__builtin_clzll(x);
}
/* Where the processor has no instruction for certain, the compiler's own would be a call. */
static inline unsigned bit_count(uint64_t x) {
#ifdef __POPCNT__
    return (unsigned)__builtin_popcountll(x);
#else
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(x * UINT64_C(0x0101010101010101) >> 56);
#endif
}

/* The n lowest of the bits that are set in x; all, where there are fewer. */
static inline uint64_t bit_first(uint64_t x, unsigned n) {
    uint64_t rest = x;
    for (; n > 0 && rest != 0; n--) rest &= rest - 1;
    return x ^ rest;
}

/* The n lowest bits, n <= 63. */
static inline uint64_t bit_mask(unsigned n) { return (UINT64_C(1) << n) - 1; }

static inline size_t round_up(size_t x, size_t power) {
    return (x + power - 1) & ~(power - 1);
}
static inline size_t round_down(size_t x, size_t power) { return x & ~(power - 1); }
static inline size_t units_bytes(unit_t n) { return (size_t)n << UNIT_SHIFT; }

/* Whole units that hold so many bytes. */
static inline unit_t bytes_units(size_t bytes) {
    return (unit_t)((bytes + UNIT - 1) >> UNIT_SHIFT);
}

/* Where ASan is built in it looks at what a function reads and writes, but not of these: what is nobody's in a
   guarded heap it has been told to let nobody touch, and the library has its own data there. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNSEEN __attribute__((no_sanitize("address")))
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(UNSEEN)
#define UNSEEN __attribute__((no_sanitize("address")))
#endif
#ifndef UNSEEN
#define UNSEEN
#endif

/* A truth in a heap's own memory, where any byte may be by now: it is no bool, which would have to be 0 or 1. */
typedef unsigned char flag_t;

/* Words of a heap are read and written through these: its memory has no type of its own. */
typedef uint64_t loose64 __attribute__((may_alias, aligned(1)));
typedef uint32_t loose32 __attribute__((may_alias, aligned(1)));
typedef uint16_t loose16 __attribute__((may_alias, aligned(1)));
static inline UNSEEN uint64_t load64(const void *p) { return *(const loose64 *)p; }
static inline UNSEEN uint32_t load32(const void *p) { return *(const loose32 *)p; }
static inline UNSEEN uint16_t load16(const void *p) { return *(const loose16 *)p; }
static inline UNSEEN uint8_t load8(const void *p) { return *(const uint8_t *)p; }
static inline UNSEEN void store64(void *p, uint64_t x) { *(loose64 *)p = x; }
static inline UNSEEN void store32(void *p, uint32_t x) { *(loose32 *)p = x; }
static inline UNSEEN void store16(void *p, uint16_t x) { *(loose16 *)p = x; }
static inline UNSEEN void store8(void *p, uint8_t x) { *(uint8_t *)p = x; }

/* They lie at multiples of 8, which with 32 bits not every uint64_t does. */
typedef uint64_t word_t __attribute__((aligned(8)));

/* Words that other threads may read, or change by compare-and-swap, at the same time. What was written
   before one is stored is seen by whoever has swapped it, or loaded it. */
static inline UNSEEN uint64_t word_load(const void *p) {
    return __atomic_load_n((const word_t *)p, __ATOMIC_ACQUIRE);
}
static inline UNSEEN void word_store(void *p, uint64_t x) {
    __atomic_store_n((word_t *)p, x, __ATOMIC_RELEASE);
}
/* From *was to `x`; false: it is another by now, which is in *was. */
static inline UNSEEN bool word_swap(void *p, uint64_t *was, uint64_t x) {
    return __atomic_compare_exchange_n((word_t *)p, was, x, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

#endif
