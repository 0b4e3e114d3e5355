/* SPDX-License-Identifier: MIT */
/* A heap that is to be damaged, in a region between two pages that cannot be touched, and what verify_heap says. */
#ifndef RM_TESTS_SITE_H
#define RM_TESTS_SITE_H

#include <glib.h>

#include "heap.h"

struct site {
    struct heap *h;
    char *low; /* the region, ... */
    struct crowd *crowd;
    size_t bytes;
    struct part {
        char *at, *copy;
        size_t bytes;
    } parts[2]; /* ... and all that there is in it when it is sound */
    uint64_t tag;
    unit_t free, large_free, block, aligned, run; /* one span of each */
};

/* A heap with blocks of all sizes, every third of them freed again. */
void site_make(struct site *site, void *memory, size_t bytes);
/* The same in such a region, with its copy; and its end. For g_test_add. */
void site_open(struct site *site, gconstpointer none);
void site_close(struct site *site, gconstpointer none);

uint32_t site_block(const struct site *site, size_t size, size_t alignment);

void site_assert_sound(const struct site *site);
/* A block half moved, slid or filled into a gap: its slot. */
uint32_t site_half_moved(const struct site *site, bool fill);

/* It is sound, and this is what it is put back to. */
void site_keep(struct site *site);
void site_restore(const struct site *site);
/* The heap as it is breaks this invariant, which is told by a text that begins so; then it is as it was. */
void site_expect(const struct site *site, unsigned invariant, const char *text,
                 const char *what);

/* Damage the heap by a statement, or a word of it by flipping bits. */
#define FIND(invariant, text, statement)                                                 \
    ((void)(statement), site_expect(site, (invariant), (text), #statement))
#define SPOIL(invariant, statement) FIND(invariant, "", statement)
#define FLIP64(where, bits) store64((where), load64(where) ^ (bits))
#define FLIP32(where, bits) store32((where), load32(where) ^ (bits))

#define SITE_ADD(name, test, data)                                                       \
    g_test_add(name, struct site, data, site_open, test, site_close)

#endif
