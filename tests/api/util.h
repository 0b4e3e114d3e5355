/* SPDX-License-Identifier: MIT */
/*
 * What the GLib programs share: assertions on statuses and faults, heaps in
 * guarded regions, and "nothing has changed".
 */
#ifndef RMTEST_UTIL_H
#define RMTEST_UTIL_H

#include <glib.h>
#include <rmalloc.h>

#include "book.h"
#include "fault.h"
#include "picture.h"
#include "guarded.h"
#include "rng.h"

const char *status_name(rm_status_t status);
void assert_status_at(const char *file, int line, const char *call, rm_status_t status,
                      rm_status_t wanted);
void assert_sound_at(const char *file, int line, const char *call, const char *text);

/* The call gives this status. */
#define assert_status(call, wanted)                                                      \
    assert_status_at(__FILE__, __LINE__, #call, (call), (wanted))
#define assert_ok(call) assert_status(call, RM_OK)
/* The helper finds no fault. */
#define assert_sound(call) assert_sound_at(__FILE__, __LINE__, #call, (call))

/* A heap in a guarded region, with its books. */
struct site {
    struct guarded region;
    rm_heap_t *heap;
    struct book book;
    rm_threads_t threads;
    rm_compaction_t compaction;
};

/* The region is flush with the upper guard page. */
void site_open(struct site *site, size_t size, rm_threads_t threads,
               rm_compaction_t compaction);
/* The same region again, with an empty heap and empty books. */
void site_renew(struct site *site);
/* Contents, heap, canaries: all must be well. */
void site_verify(struct site *site);
/* Verifies, destroys, verifies the canaries, unmaps. */
void site_close(struct site *site);

/* A heap with these options. */
rm_heap_t *heap_with(const rm_heap_options_t *options);
/* A heap that the library makes room for, of at most `limit` bytes. */
rm_heap_t *growable_heap(size_t limit, rm_compaction_t compaction);

size_t moved_so_far(rm_heap_t *heap);
size_t free_now(rm_heap_t *heap);
/* `n` blocks more, and of these every other one freed: half of the room is gaps then. */
void perforate(struct book *book, size_t n, size_t size);
/* Compacts to the end; the promise of `complete` is verified. */
void compact_fully(rm_heap_t *heap, size_t align);

/* Seeded from the test's own random numbers (printed, and accepted by --seed). */
struct rng test_rng(void);

/*
 * Every call that takes a handle refuses this one with RM_EHANDLE, and leaves
 * what its out-parameter points to alone.
 */
void assert_refused(rm_memory_t *handle);

#endif
