/* SPDX-License-Identifier: MIT */
/*
 * What a heap is in memory, as a number: every byte of the caller's region, but for what is no
 * part of what the calls have done.
 *
 * Left out, because it may differ between runs or builds of the same calls:
 *   addresses     of the heap's own parts, and of the library's data: they are where the region
 *                 is, or where the program was loaded
 *   the tag       which place of the registry the heap has got
 *   times         how fast rm_heap_idle has found the machine to be
 *   padding       bytes of the structure that belong to no member
 * The region has to begin at a page: where blocks of large alignment go depends on it.
 */
#ifndef DETERMINISM_IMAGE_H
#define DETERMINISM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rmalloc.h>

/* More is added to a number of this kind; it begins with any. */
uint64_t image_mix(uint64_t hash, uint64_t value);
/* The heap in the region [memory, memory + size); `copy` has as much room. */
uint64_t image_of(rm_heap_t *heap, const void *memory, size_t size, void *copy);
/* From where places of blocks count. */
uintptr_t image_base(rm_heap_t *heap);
/* From now on bytes are copied, and no pages moved, whatever the system offers. */
void image_copy_bytes(rm_heap_t *heap);
/* How a heap looks: its spans, in order, but for handles; and one of them, added to a number (rm_walk_fn). */
uint64_t image_picture(rm_heap_t *heap);
bool image_add_span(const rm_span_t *span, void *hash);

#endif
