/* SPDX-License-Identifier: MIT */
/*
 * The pattern of a block is a sequence of 8-byte words, word i being seed + i * STEP, with
 * the seed mixed from the block's number. It depends on the offset in the block alone, so
 * after a realloc what has been kept is verified and the rest filled.
 */
#include "replay/contents.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

#define STEP UINT64_C(0xd1b54a32d192ed03)

/* Where a complaint is about: a line of the trace, or its end. */
struct place {
    struct contents *contents;
    uint64_t block;
    uint64_t line; /* 0: at the end */
    const char *when;
};

static struct place place_of(struct contents *contents, const struct trace_event *event,
                             const char *when) {
    return (struct place){contents, event->block, event->line, when};
}

static int complain_block(const struct place *place, const char *what) {
    if (place->line == 0)
        return complain(STATUS_FOUND, "%s: block %" PRIu64 " %s: %s",
                        place->contents->path, place->block + 1, place->when, what);
    return complain_at(STATUS_FOUND, place->contents->path, place->line,
                       "block %" PRIu64 " %s: %s", place->block + 1, place->when, what);
}

/* ----------------------------------------------------------------- pattern */

static uint64_t pattern_seed(uint64_t block) {
    uint64_t x = (block + 1) * UINT64_C(0x9e3779b97f4a7c15);

    x ^= x >> 32;
    x *= UINT64_C(0xff51afd7ed558ccd);
    return x ^ x >> 29;
}

static void fill(unsigned char *bytes, uint64_t block, size_t from, size_t size) {
    uint64_t seed = pattern_seed(block);

    for (size_t i = from / 8 * 8; i < size; i += 8) {
        uint64_t word = seed + i / 8 * STEP;
        memcpy(bytes + i, &word, size - i < 8 ? size - i : 8);
    }
}

static int verify(const struct place *place, const unsigned char *bytes, size_t size) {
    uint64_t seed = pattern_seed(place->block);

    place->contents->verified_bytes += size;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t expected = seed + i / 8 * STEP;
        size_t n = size - i < 8 ? size - i : 8;
        if (memcmp(bytes + i, &expected, n) != 0) {
            char what[80];
            snprintf(what, sizeof(what), "the content has changed, at offset %zu of %zu",
                     i, size);
            return complain_block(place, what);
        }
    }
    return STATUS_OK;
}

static int verify_zeros(const struct place *place, const unsigned char *bytes,
                        size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) return complain_block(place, "is not filled with zeros");
    }
    return STATUS_OK;
}

/* --------------------------------------------------------------- alignment */

/* The alignment that a block has without one asked for: rmalloc.h, "Rules said once". */
static uint8_t default_log2(uint64_t size) {
    return (size % 16 == 0 && size > 0) || size >= 128 ? 4 : 3;
}

static uint8_t required_log2(const struct contents_block *block, uint64_t size) {
    return block->asked_log2 > 0 ? block->asked_log2 : default_log2(size);
}

/* Locks the block, and checks what has to be true of its address. */
static int lock(const struct place *place, rm_memory_t *handle, unsigned char **bytes) {
    const struct contents_block *block = &place->contents->blocks[place->block];
    void *pointer = NULL;
    size_t size = 0;
    rm_status_t status = rmlock(handle, &pointer);

    if (status != RM_OK) return complain_block(place, rm_strerror(status));
    *bytes = pointer;
    if (!pointer) return complain_block(place, "its lock gives a NULL pointer");
    if (((uintptr_t)pointer & ((UINT64_C(1) << block->required_log2) - 1)) != 0)
        return complain_block(place, "is not aligned as it has to be");
    if (block->locked_at && block->locked_at != pointer)
        return complain_block(place, "has moved while it was locked");
    status = rmsize(handle, &size);
    if (status != RM_OK || size != block->size)
        return complain_block(place, "rmsize says another size");
    return STATUS_OK;
}

static int unlock(const struct place *place, rm_memory_t *handle) {
    rm_status_t status = rmunlock(handle);

    return status == RM_OK ? STATUS_OK : complain_block(place, rm_strerror(status));
}

/* ------------------------------------------------------------------- events */

int contents_reserve(struct contents *contents, size_t n_blocks) {
    size_t capacity = contents->capacity ? contents->capacity : 4096;

    if (n_blocks <= contents->capacity) return STATUS_OK;
    while (capacity < n_blocks) capacity *= 2;

    struct contents_block *blocks =
        realloc(contents->blocks, capacity * sizeof(*contents->blocks));
    if (!blocks) return complain(STATUS_IO, "no memory to check %zu blocks", capacity);
    contents->blocks = blocks;
    contents->capacity = capacity;
    return STATUS_OK;
}

int contents_after_alloc(struct contents *contents, const struct trace_event *event,
                         rm_memory_t *handle) {
    struct place place = place_of(contents, event, "allocated");
    struct contents_block *block = &contents->blocks[event->block];
    unsigned char *bytes;
    int status;

    *block = (struct contents_block){
        .size = event->size,
        .asked_log2 = event->op == TRACE_ALIGNED ? event->alignment_log2 : 0,
    };
    block->required_log2 = required_log2(block, event->size);
    status = lock(&place, handle, &bytes);
    if (status == STATUS_OK && event->op == TRACE_ZERO)
        status = verify_zeros(&place, bytes, event->size);
    if (status) return status;
    fill(bytes, event->block, 0, event->size);
    return unlock(&place, handle);
}

int contents_after_realloc(struct contents *contents, const struct trace_event *event,
                           rm_memory_t *handle) {
    struct place place = place_of(contents, event, "reallocated");
    struct contents_block *block = &contents->blocks[event->block];
    uint8_t required = required_log2(block, event->size);
    unsigned char *bytes;
    int status;

    /* A block that shrinks keeps its place: it cannot be asked for more than it had. */
    if (event->size > event->old_size || required < block->required_log2)
        block->required_log2 = required;
    block->size = event->size;
    status = lock(&place, handle, &bytes);
    if (status == STATUS_OK)
        status = verify(&place, bytes,
                        event->size < event->old_size ? event->size : event->old_size);
    if (status) return status;
    fill(bytes, event->block, event->old_size, event->size);
    return unlock(&place, handle);
}

static int verify_block(const struct place *place, rm_memory_t *handle) {
    unsigned char *bytes;
    int status = lock(place, handle, &bytes);

    if (status == STATUS_OK)
        status = verify(place, bytes, place->contents->blocks[place->block].size);
    return status ? status : unlock(place, handle);
}

int contents_before_free(struct contents *contents, const struct trace_event *event,
                         rm_memory_t *handle) {
    struct place place = place_of(contents, event, "to be freed");

    return verify_block(&place, handle);
}

int contents_after_lock(struct contents *contents, const struct trace_event *event,
                        void *pointer) {
    contents->blocks[event->block].locked_at = pointer;
    return STATUS_OK;
}

int contents_before_unlock(struct contents *contents, const struct trace_event *event,
                           rm_memory_t *handle) {
    struct place place = place_of(contents, event, "to be unlocked");
    int status = verify_block(&place, handle);

    contents->blocks[event->block].locked_at = NULL;
    return status;
}

int contents_at_end(struct contents *contents, uint64_t block, rm_memory_t *handle) {
    struct place place = {contents, block, 0, "at the end"};

    return verify_block(&place, handle);
}

void contents_finish(struct contents *contents) {
    free(contents->blocks);
    *contents = (struct contents){0};
}

/* --------------------------------------------------------------------- heap */

int contents_look(void *context, const struct moment *moment) {
    const struct contents *contents = context;
    rm_fault_t fault = {0};
    rm_stats_t stats;
    rm_status_t status = rm_heap_check(moment->heap, &fault);

    if (status != RM_OK)
        return complain(STATUS_FOUND,
                        "%s: after event %" PRIu64 ": rm_heap_check: %s (invariant %u, "
                        "offset %zu: %.*s)",
                        contents->path, moment->events, rm_strerror(status),
                        fault.invariant, fault.offset, (int)sizeof(fault.text),
                        fault.text);
    status = rm_heap_stats(moment->heap, &stats);
    if (status != RM_OK)
        return complain(STATUS_FOUND, "rm_heap_stats: %s", rm_strerror(status));

    const struct {
        const char *name;
        uint64_t heap, replay;
    } counts[] = {
        {"live_blocks", stats.live_blocks, moment->live_blocks},
        {"requested", stats.requested, moment->live_bytes},
        {"locked_blocks", stats.locked_blocks, moment->locked_blocks},
        {"locked", stats.locked, moment->locked_bytes},
        {"allocations", stats.allocations, moment->allocations},
        {"frees", stats.frees, moment->frees},
        {"capacity", stats.capacity, stats.used + stats.metadata + stats.free},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        if (counts[i].heap != counts[i].replay)
            return complain(STATUS_FOUND,
                            "%s: after event %" PRIu64 ": the heap's %s is %" PRIu64
                            " and should be %" PRIu64,
                            contents->path, moment->events, counts[i].name,
                            counts[i].heap, counts[i].replay);
    }
    return STATUS_OK;
}
