/* SPDX-License-Identifier: MIT */
#include "bytes.h"

bool bytes_unseen;

/* What is volatile becomes no call of memcpy. */
static UNSEEN void copy_word(char *to, const char *from) {
    *(volatile loose64 *)to = *(const volatile loose64 *)from;
}
static UNSEEN void copy_byte(char *to, const char *from) {
    *(volatile char *)to = *(const volatile char *)from;
}

UNSEEN void bytes_copy_unseen(char *to, const char *from, size_t bytes) {
    if (to <= from) {
        for (; bytes >= 8; bytes -= 8, to += 8, from += 8) copy_word(to, from);
        for (; bytes > 0; bytes--) copy_byte(to++, from++);
        return;
    }
    for (; bytes % 8 != 0; bytes--) copy_byte(to + bytes - 1, from + bytes - 1);
    for (; bytes > 0; bytes -= 8) copy_word(to + bytes - 8, from + bytes - 8);
}

UNSEEN void bytes_fill_unseen(char *to, unsigned char value, size_t bytes) {
    uint64_t word = value * UINT64_C(0x0101010101010101);
    for (; bytes >= 8; bytes -= 8, to += 8) *(volatile loose64 *)to = word;
    for (; bytes > 0; bytes--) *(volatile char *)to++ = (char)value;
}
