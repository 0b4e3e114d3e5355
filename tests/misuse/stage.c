/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYSTANDERS = 12, HEAPS = 8 };

rm_heap_t *heap;
struct rng rng;
struct witness *witness;

static _Alignas(4096) char region[STAGE_BYTES];
static rm_heap_t *heaps[HEAPS]; /* those to be proved in the end */
static memory_t *bystanders[BYSTANDERS];

/* Sizes of objects in runs, of blocks, and one that is aligned. */
static const size_t bystander_sizes[BYSTANDERS] = {8,   24,  24,  56,   100,  120,
                                                   200, 400, 900, 1500, 3000, 6000};

/* --- calls --- */

static _Noreturn void leave(void) {
    witness->over = true;
    _exit(0);
}

void call(rm_status_t status) {
    if (witness->status == RM_OK && witness->wrong == NULL) witness->status = status;
}

void must(rm_status_t status) {
    if (status == RM_OK) return;
    call(status);
    leave();
}

void expect(bool holds, const char *text) {
    if (holds) return;
    if (witness->status == RM_OK && witness->wrong == NULL) witness->wrong = text;
    leave();
}

memory_t *block_in(rm_heap_t *in, size_t size) {
    memory_t *handle;
    must(rm_heap_alloc(in, &handle, size, 0, 0));
    return handle;
}

memory_t *block(size_t size) { return block_in(heap, size); }

memory_t *aligned_block(size_t size, size_t alignment) {
    memory_t *handle;
    must(rm_heap_alloc(heap, &handle, size, alignment, 0));
    return handle;
}

void *lock(memory_t *handle) {
    void *pointer = NULL;
    must(rmlock(handle, &pointer));
    return pointer;
}

void unlock(memory_t *handle) { must(rmunlock(handle)); }

void drop(memory_t *handle) { must(rmfree(handle)); }

void resize(memory_t *handle, size_t size) { must(rmrealloc(handle, (ssize_t)size)); }

void compact(rm_heap_t *which) { must(rm_heap_compact(which, NULL, NULL)); }

/* --- blocks with content --- */

memory_t *text_block(const char *text) {
    memory_t *handle = block(strlen(text) + 1);
    memcpy(lock(handle), text, strlen(text) + 1);
    unlock(handle);
    return handle;
}

memory_t *bytes_block(size_t size, int byte) {
    memory_t *handle = block(size);
    memset(lock(handle), byte, size);
    unlock(handle);
    return handle;
}

bool text_is(memory_t *handle, const char *text) {
    size_t size = 0;
    must(rmsize(handle, &size));
    const char *at = lock(handle);
    bool same = size > strlen(text) && memcmp(at, text, strlen(text) + 1) == 0;
    unlock(handle);
    return same;
}

static bool filled_with(const unsigned char *at, size_t size, int byte) {
    for (size_t i = 0; i < size; i++)
        if (at[i] != (unsigned char)byte) return false;
    return true;
}

bool bytes_are(memory_t *handle, size_t size, int byte) {
    bool same = filled_with(lock(handle), size, byte);
    unlock(handle);
    return same;
}

memory_t *gap_open(size_t size) { return block(size); }

void gap_close(memory_t *gap) {
    drop(gap);
    compact(heap);
}

/* --- heaps --- */

char *stage_region(void) { return region; }

rm_heap_t *open_heap(const rm_heap_options_t *options) {
    rm_heap_t *opened;
    must(rm_heap_create(&opened, options));
    for (unsigned i = 0; i < HEAPS; i++)
        if (heaps[i] == NULL) {
            heaps[i] = opened;
            return opened;
        }
    expect(false, "more heaps than the stage has room for");
    return NULL;
}

rm_heap_t *open_region(void *memory, size_t size) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.memory = memory;
    options.size = size;
    options.threads = RM_THREADS_NONE;
    return open_heap(&options);
}

rm_heap_t *open_growing(rm_threads_t threads) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    options.threads = threads;
    return open_heap(&options);
}

void abandon_heap(rm_heap_t *gone) {
    for (unsigned i = 0; i < HEAPS; i++)
        if (heaps[i] == gone) heaps[i] = NULL;
    if (gone == heap) heap = NULL;
}

void close_heap(rm_heap_t *gone) {
    abandon_heap(gone);
    must(rm_heap_destroy(gone));
}

/* --- before and after --- */

void stage_open(uint64_t seed) {
    rng.state = rng_mix(seed);
    heap = open_region(region, sizeof region);
    for (unsigned i = 0; i < BYSTANDERS; i++)
        bystanders[i] = bytes_block(bystander_sizes[i], 'a' + (int)i);
}

void stage_close(void) {
    size_t size;
    /* With a call that only looks: a heap that proves itself before each call refuses it. */
    for (unsigned i = 0; i < HEAPS; i++)
        if (heaps[i] != NULL) must(rm_heap_largest(heaps[i], false, &size));
    for (unsigned i = 0; i < HEAPS; i++)
        if (heaps[i] != NULL && rm_heap_check(heaps[i], NULL) != RM_OK)
            witness->check = true;
    if (heap != NULL && !witness->check)
        for (unsigned i = 0; i < BYSTANDERS; i++)
            expect(bytes_are(bystanders[i], bystander_sizes[i], 'a' + (int)i),
                   "a bystander's content has changed");
    leave();
}

void in_thread(void *(*run)(void *), void *argument) {
    pthread_t thread;
    expect(pthread_create(&thread, NULL, run, argument) == 0, "no thread");
    pthread_join(thread, NULL);
}

unsigned below(unsigned n) { return (unsigned)rng_below(&rng, n); }
