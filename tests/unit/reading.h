/* SPDX-License-Identifier: MIT */
/* What a view reads of this process: some word of it is another than it is, or cannot be read; and how much it was. */
#ifndef RM_TESTS_READING_H
#define RM_TESTS_READING_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* So many bytes from `at` on are another word, from the n-th read of them on. */
struct patch {
    const void *at;
    uint64_t word;
    unsigned bytes, from;
};
enum { PATCHES = 2000 };
struct other {
    struct patch patches[PATCHES];
    unsigned n_patches, seen[PATCHES];
    const void *dark; /* this byte cannot be read; ... */
    size_t longest;   /* ... in reads of so many bytes or more, ... */
    unsigned n_dark;  /* ... as often as that; 0: always */
    size_t n_reads, n_bytes;
};

static inline void apply(const struct patch *p, unsigned *seen, uint64_t address,
                         char *to, size_t size) {
    uint64_t at = (uintptr_t)p->at;
    if (at < address || at + p->bytes > address + size || ++*seen < p->from) return;
    memcpy(to + (at - address), &p->word, p->bytes);
}

static inline bool read_own(uint64_t address, void *to, size_t size, void *context) {
    struct other *other = context;
    uint64_t dark = (uintptr_t)other->dark;
    if (dark >= address && dark < address + size && size >= other->longest) {
        if (other->n_dark == 1) other->dark = NULL;
        if (other->n_dark > 0) other->n_dark--;
        return false;
    }
    other->n_reads++;
    other->n_bytes += size;
    memcpy(to, (const void *)(uintptr_t)address, size);
    for (unsigned i = 0; i < other->n_patches; i++)
        apply(&other->patches[i], &other->seen[i], address, to, size);
    return true;
}

static inline void add(struct other *other, const void *at, uint64_t word,
                       unsigned bytes) {
    g_assert_cmpuint(other->n_patches, <, PATCHES);
    other->patches[other->n_patches++] = (struct patch){at, word, bytes, 0};
}

#endif
