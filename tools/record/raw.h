/* SPDX-License-Identifier: MIT */
/*
 * System calls, and text, without libc: nothing here allocates, touches errno, or is a
 * place where a thread can be cancelled.
 */
#ifndef RMRECORD_RAW_H
#define RMRECORD_RAW_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* The result, or minus an errno, which is also left in errno where there is no better
   way. */
static inline long raw(long number, long a, long b, long c, long d, long e, long f) {
#ifdef __x86_64__
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    long result = syscall(number, a, b, c, d, e, f);
    return result == -1 ? -(long)errno : result;
#endif
}

/* Behind the n bytes that are there, as far as it fits, with a NUL. Returns the new n. */
static inline size_t raw_append(char *text, size_t n, size_t most, const char *more) {
    while (*more && n + 1 < most) text[n++] = *more++;
    text[n] = '\0';
    return n;
}

static inline size_t raw_append_number(char *text, size_t n, size_t most, uint64_t number,
                                       unsigned radix) {
    char digits[65];
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    do digits[--at] = "0123456789abcdef"[number % radix];
    while ((number /= radix) > 0);
    return raw_append(text, n, most, digits + at);
}

#endif
