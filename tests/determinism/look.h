/* SPDX-License-Identifier: MIT */
/* What a heap says of itself, and what another process would see of it, added to a trail (image_mix). */
#ifndef DETERMINISM_LOOK_H
#define DETERMINISM_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include <rmalloc.h>

/* Metrics, spans, the largest requests, a proof. This ends what rests. */
uint64_t look_own(uint64_t trail, rm_heap_t *heap);
/* The same by rm_view, with what rests, and what is in caches. */
uint64_t look_view(uint64_t trail, rm_heap_t *heap);

#endif
