/* SPDX-License-Identifier: MIT */
/*
 * For --check: every byte of every block is known. A block holds a pattern made from its
 * number, so content that has been mixed up, shifted or lost is noticed; the address is
 * compared while a lock is held, and its alignment at every lock.
 */
#ifndef RMTOOL_CONTENTS_H
#define RMTOOL_CONTENTS_H

#include "rmalloc.h"
#include "trace/trace.h"
#include "trace/watch.h"

struct contents_block {
    void *locked_at; /* while the trace has it locked */
    uint64_t size;
    uint8_t asked_log2;    /* the alignment asked for; 0 for none */
    uint8_t required_log2; /* the one that has to hold now */
};

struct contents {
    const char *path; /* of the trace, for complaints */
    struct contents_block *blocks;
    size_t capacity;
    uint64_t verified_bytes;
};

/* Each of these is called where its name says, and returns a status: STATUS_FOUND where
   something is not as it has to be. */
int contents_reserve(struct contents *contents, size_t n_blocks);
int contents_after_alloc(struct contents *contents, const struct trace_event *event,
                         rm_memory_t *handle);
int contents_after_realloc(struct contents *contents, const struct trace_event *event,
                           rm_memory_t *handle);
int contents_before_free(struct contents *contents, const struct trace_event *event,
                         rm_memory_t *handle);
int contents_after_lock(struct contents *contents, const struct trace_event *event,
                        void *pointer);
int contents_before_unlock(struct contents *contents, const struct trace_event *event,
                           rm_memory_t *handle);

/* At the end: block number `block` is live, locked or not. */
int contents_at_end(struct contents *contents, uint64_t block, rm_memory_t *handle);

void contents_finish(struct contents *contents);

/* What a watcher calls (context: a struct contents): rm_heap_check, and the heap's metrics
   against what the replay has counted. */
int contents_look(void *context, const struct moment *moment);

#endif
