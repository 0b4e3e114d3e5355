/* SPDX-License-Identifier: MIT */
/*
 * What a case finds: a heap in a region, with bystanders in it whose contents are looked at when it
 * is over; calls that end the program where they fail; random numbers by its seed.
 */
#ifndef STAGE_H
#define STAGE_H

#include "misuse.h"
#include "rng.h"

extern rm_heap_t *heap; /* in a region of STAGE_BYTES bytes, one thread at a time */
enum { STAGE_BYTES = 256 << 10 };
extern struct rng rng;

void stage_open(uint64_t seed);
/* The bystanders, and the proof of every heap that was opened here and has not been closed. */
void stage_close(void);

/* The region of `heap`. */
char *stage_region(void);
/* Another heap: in a region, of the library's, or with these options. */
rm_heap_t *open_heap(const rm_heap_options_t *options);
rm_heap_t *open_region(void *memory, size_t size);
rm_heap_t *open_growing(rm_threads_t threads);
void close_heap(rm_heap_t *gone);
/* It is not looked at in the end: who made the mistake has made it unusable. */
void abandon_heap(rm_heap_t *gone);

/* --- calls --- */

/* The mistaken call: what it returns is what the case comes to. RM_OK says nothing. */
void call(rm_status_t status);
/* Returns only where the status is RM_OK. */
void must(rm_status_t status);
/* The program's own check. Returns where it holds. */
void expect(bool holds, const char *text);

memory_t *block_in(rm_heap_t *in, size_t size);
memory_t *block(size_t size); /* in `heap` */
memory_t *aligned_block(size_t size, size_t alignment);
void *lock(memory_t *handle);
void unlock(memory_t *handle);
void drop(memory_t *handle); /* rmfree */
void resize(memory_t *handle, size_t size);
void compact(rm_heap_t *which); /* to the end */

/* A block filled with this text or these bytes, unlocked. */
memory_t *text_block(const char *text);
memory_t *bytes_block(size_t size, int byte);
/* Its content, by a lock and an unlock. */
bool text_is(memory_t *handle, const char *text);
bool bytes_are(memory_t *handle, size_t size, int byte);

/* A gap below everything that is made from now on, until it is let go. */
memory_t *gap_open(size_t size);
void gap_close(memory_t *gap);

/* Runs it in a thread, to its end. */
void in_thread(void *(*run)(void *), void *argument);
/* A random number below `n`. */
unsigned below(unsigned n);

#endif
