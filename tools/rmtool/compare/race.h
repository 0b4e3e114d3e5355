/* SPDX-License-Identifier: MIT */
/*
 * Plays stretches of a reel on an allocator: one loop for each kind of allocator, the same
 * text for all, so that the difference between them is the allocators' own.
 *
 * Every new block is written to, a byte of every 64, and so is what a realloc adds. An
 * allocator with handles locks a block for that and unlocks it, every time; the lock
 * events of a trace come on top, and are nothing to the others.
 */
#ifndef RMTOOL_RACE_H
#define RMTOOL_RACE_H

#include "compare/reel.h"
#include "rmalloc.h"

/* Whether the library has locks that are not calls; then the handles' loop uses them. */
#if __has_include("rmalloc_inline.h")
#define RACE_INLINE_LOCKS 1
#else
#define RACE_INLINE_LOCKS 0
#endif

/* A malloc and its family. */
struct race_calls {
    void *(*malloc)(size_t size);
    void *(*calloc)(size_t n, size_t size);
    void *(*realloc)(void *pointer, size_t size);
    void (*free)(void *pointer);
    int (*posix_memalign)(void **pointer, size_t alignment, size_t size);
};

/* A pointer that runs through a small buffer and begins anew at its end: what replaying
   costs without an allocator. */
struct race_bump {
    unsigned char *base;
    size_t at, turn; /* offsets: the next block's; where it begins anew */
};
#define RACE_BUMP_TURN ((size_t)256 << 10)

/* A stretch of a reel. */
struct race {
    const uint64_t *at, *end;
    void **slots;
};

/*
 * Each plays up to the end of a stretch.
 * Returns: whether it got there; else race->at is the event that failed.
 */
bool race_malloc(struct race *race, const struct race_calls *calls);
bool race_bump(struct race *race, struct race_bump *bump);
bool race_handles(struct race *race, rm_heap_t *heap);
/* The same with every lock and unlock as calls, whatever the others have. */
bool race_handles_by_call(struct race *race, rm_heap_t *heap);

#endif
