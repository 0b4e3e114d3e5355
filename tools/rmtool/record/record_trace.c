/* SPDX-License-Identifier: MIT */
/*
 * A reallocation is two records. At the first its block leaves the map of addresses,
 * since its old address may be another thread's before the second comes; then the block
 * is put where it is now. Those of one thread nest (a signal handler), so the latest is
 * taken.
 */
#include "record/record_trace.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/say.h"

struct record_pending {
    struct record_pending *next;
    uint64_t thread, address;
    struct record_block *block; /* NULL: nobody knows it */
};

static int no_memory(const struct record_trace *trace) {
    return complain(STATUS_IO, "%s: no memory for what is live", trace->path);
}

/* ------------------------------------------------------------------- making */

/* A live block at the address is none any more: its free was not seen. */
static int clear(struct record_trace *trace, uint64_t address) {
    struct record_block *block = record_blocks_find(&trace->blocks, address);

    if (!block) return STATUS_OK;
    trace->counts.implicit_frees++;
    record_blocks_take(&trace->blocks, block);
    int status = trace_writer_free(trace->writer, block->number);
    record_blocks_drop(&trace->blocks, block);
    return status;
}

static int make(struct record_trace *trace, enum trace_op op, uint64_t address,
                uint64_t size, unsigned alignment_log2) {
    struct record_block *block;
    int status = clear(trace, address);

    if (status) return status;
    block = record_blocks_make(&trace->blocks);
    if (!block) return no_memory(trace);
    block->size = size;
    status = trace_writer_alloc(trace->writer, op, size, alignment_log2, &block->number);
    if (status) return status;
    return record_blocks_put(&trace->blocks, block, address) ? STATUS_OK
                                                             : no_memory(trace);
}

/* What was there is counted as of the thread that goes on with it. */
static int begin(struct record_trace *trace, uint64_t thread) {
    int status = trace_writer_open(&trace->writer, trace->path);

    if (status == STATUS_OK) trace_writer_thread(trace->writer, thread);
    for (size_t i = 0; i < trace->n_heirs && status == STATUS_OK; i++)
        status =
            make(trace, TRACE_ALLOC, trace->heirs[i].address, trace->heirs[i].size, 0);
    trace->counts.inherited = trace->n_heirs;
    free(trace->heirs);
    trace->heirs = NULL;
    trace->n_heirs = 0;
    return status;
}

/* ------------------------------------------------------------- reallocations */

static int begin_realloc(struct record_trace *trace, uint64_t address, uint64_t thread) {
    struct record_pending *pending = calloc(1, sizeof(*pending));

    if (!pending) return no_memory(trace);
    pending->thread = thread;
    pending->address = address;
    pending->block = record_blocks_find(&trace->blocks, address);
    if (pending->block) record_blocks_take(&trace->blocks, pending->block);
    pending->next = trace->pending;
    trace->pending = pending;
    return STATUS_OK;
}

/* The latest of a thread; NULL: there is none. The caller's, to free. */
static struct record_pending *take_pending(struct record_trace *trace, uint64_t thread) {
    struct record_pending **link = &trace->pending, *found;

    while (*link && (*link)->thread != thread) link = &(*link)->next;
    found = *link;
    if (found) *link = found->next;
    return found;
}

static int put_back(struct record_trace *trace, struct record_block *block,
                    uint64_t address) {
    int status = clear(trace, address);

    if (status) return status;
    return record_blocks_put(&trace->blocks, block, address) ? STATUS_OK
                                                             : no_memory(trace);
}

static int end_realloc(struct record_trace *trace, struct record record) {
    struct record_pending *pending = take_pending(trace, record_thread(record));
    struct record_block *block = pending ? pending->block : NULL;
    uint64_t address = record_address(record), size = record_size(record);
    uint64_t old = pending ? pending->address : 0;
    int status = STATUS_OK;

    free(pending);
    if (address == 0) {
        trace->counts.failed_reallocs++;
        return block ? put_back(trace, block, old) : STATUS_OK;
    }
    trace->counts.calls++;
    if (!block) {
        trace->counts.unknown_reallocs++;
        return make(trace, TRACE_ALLOC, address, size, 0);
    }
    status = put_back(trace, block, address);
    if (status) return status;
    block->locks = 0;
    block->size = size;
    if (size == 0) size = 1; /* the format has no reallocation to nothing */
    return trace_writer_realloc(trace->writer, block->number, size);
}

/* -------------------------------------------------------------------- others */

static int release(struct record_trace *trace, uint64_t address) {
    struct record_block *block = record_blocks_find(&trace->blocks, address);

    trace->counts.calls++;
    if (!block) {
        trace->counts.unknown_frees++;
        return STATUS_OK;
    }
    record_blocks_take(&trace->blocks, block);
    int status = trace_writer_free(trace->writer, block->number);
    record_blocks_drop(&trace->blocks, block);
    return status;
}

static int use(struct record_trace *trace, uint64_t address, uint64_t size) {
    struct record_block *block = record_blocks_find(&trace->blocks, address);

    if (trace->leave_usable || !block || size <= block->size) return STATUS_OK;
    trace->counts.usable_sizes++;
    block->size = size;
    int status = trace_writer_realloc(trace->writer, block->number, size);
    if (status == STATUS_OK && block->locks > 0) /* which that has undone */
        status = trace_writer_lock(trace->writer, block->number);
    return status;
}

static int lock(struct record_trace *trace, uint64_t address, bool on) {
    struct record_block *block = record_blocks_find(&trace->blocks, address);

    if (!block || (!on && block->locks == 0)) {
        trace->counts.unknown_locks++;
        return STATUS_OK;
    }
    if (on)
        return block->locks++ == 0 ? trace_writer_lock(trace->writer, block->number)
                                   : STATUS_OK;
    return --block->locks == 0 ? trace_writer_unlock(trace->writer, block->number)
                               : STATUS_OK;
}

/* The clocks of two threads and their slots need not be in the same order. */
static int time_goes_on(struct record_trace *trace, uint64_t ns) {
    if (ns <= trace->last_ns) return STATUS_OK;
    trace->last_ns = ns;
    return trace->writer ? trace_writer_time(trace->writer, ns) : STATUS_OK;
}

/* --------------------------------------------------------------------- calls */

void record_trace_init(struct record_trace *trace, const char *path, bool leave_usable) {
    *trace = (struct record_trace){.path = path, .leave_usable = leave_usable};
}

void record_trace_inherit(struct record_trace *trace, struct record_heir *heirs,
                          size_t n) {
    free(trace->heirs);
    trace->heirs = heirs;
    trace->n_heirs = n;
}

int record_trace_apply(struct record_trace *trace, struct record record) {
    enum record_op op = record_op(record);
    uint64_t address = record_address(record), size = record_size(record);
    int status;

    if (op == RECORD_TIME) return time_goes_on(trace, record.word[1]);
    if (op == RECORD_FORK || op == RECORD_NONE) return STATUS_OK;
    if (!trace->writer && (status = begin(trace, record_thread(record))) != STATUS_OK)
        return status;
    trace_writer_thread(trace->writer, record_thread(record));
    switch (op) {
    case RECORD_ALLOC:
        trace->counts.calls++;
        return make(trace, TRACE_ALLOC, address, size, 0);
    case RECORD_ZERO:
        trace->counts.calls++;
        return make(trace, TRACE_ZERO, address, size, 0);
    case RECORD_ALIGNED:
        trace->counts.calls++;
        return make(trace, TRACE_ALIGNED, address, size, record_alignment_log2(record));
    case RECORD_FREE: return release(trace, address);
    case RECORD_REALLOC_BEGIN:
        return begin_realloc(trace, address, record_thread(record));
    case RECORD_REALLOC_END: return end_realloc(trace, record);
    case RECORD_USABLE: return use(trace, address, size);
    case RECORD_LOCK: return lock(trace, address, true);
    case RECORD_UNLOCK: return lock(trace, address, false);
    default: return STATUS_OK;
    }
}

void record_trace_end(struct record_trace *trace) {
    struct record_pending *pending;

    while ((pending = trace->pending)) {
        trace->counts.unfinished++;
        trace->pending = pending->next;
        if (pending->block && !record_blocks_find(&trace->blocks, pending->address))
            record_blocks_put(&trace->blocks, pending->block, pending->address);
        free(pending);
    }
    free(trace->heirs);
    trace->heirs = NULL;
    trace->n_heirs = 0;
}

void record_trace_keys(const struct record_trace *trace) {
    const struct record_counts *c = &trace->counts;
    const struct {
        const char *name;
        uint64_t value;
    } keys[] = {
        {"inherited", c->inherited},
        {"usable-sizes", c->usable_sizes},
        {"unknown-frees", c->unknown_frees},
        {"unknown-reallocs", c->unknown_reallocs},
        {"implicit-frees", c->implicit_frees},
        {"failed-reallocs", c->failed_reallocs},
        {"unfinished-reallocs", c->unfinished},
        {"unknown-locks", c->unknown_locks},
    };

    trace_writer_key(trace->writer, "calls", "%" PRIu64, c->calls);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].value > 0)
            trace_writer_key(trace->writer, keys[i].name, "%" PRIu64, keys[i].value);
}

void record_trace_finish(struct record_trace *trace) {
    while (trace->pending) {
        struct record_pending *next = trace->pending->next;
        free(trace->pending);
        trace->pending = next;
    }
    trace_writer_discard(trace->writer);
    record_blocks_finish(&trace->blocks);
    free(trace->heirs);
    *trace = (struct record_trace){0};
}
