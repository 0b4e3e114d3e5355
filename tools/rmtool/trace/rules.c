/* SPDX-License-Identifier: MIT */
#include "trace/rules.h"

#include <inttypes.h>

#include "base/say.h"

/* The state of a block, in the low byte of its word; all clear once it is freed. */
#define BLOCK_LIVE 1u
#define BLOCK_LOCKED 2u
#define BLOCK_FRESH 4u                 /* not locked since it was made or reallocated */
#define LIVE_LIMIT (UINT64_C(1) << 62) /* one event cannot get from here to overflow */

static int malformed(const struct trace *trace, uint64_t line, const char *what) {
    return complain_at(STATUS_MALFORMED, trace->path, line, "%s", what);
}

static void count_live(struct trace_totals *totals, uint64_t more, uint64_t less) {
    totals->live_bytes += more;
    if (more > 0 && totals->live_bytes > totals->peak_copies_bytes)
        totals->peak_copies_bytes = totals->live_bytes;
    totals->live_bytes -= less;
    if (totals->live_bytes > totals->peak_live_bytes)
        totals->peak_live_bytes = totals->live_bytes;
    if (totals->live_blocks > totals->peak_live_blocks)
        totals->peak_live_blocks = totals->live_blocks;
}

static void count_size(struct trace_totals *totals, uint64_t size) {
    if (size > totals->largest) totals->largest = size;
}

static void count_lock(struct trace_totals *totals, uint64_t size) {
    totals->locks++;
    totals->locked_blocks++;
    totals->locked_bytes += size;
    if (totals->locked_blocks > totals->peak_locked_blocks)
        totals->peak_locked_blocks = totals->locked_blocks;
    if (totals->locked_bytes > totals->peak_locked_bytes)
        totals->peak_locked_bytes = totals->locked_bytes;
}

static int make(struct trace *trace, const struct trace_line *line,
                struct trace_event *event) {
    struct trace_totals *totals = &trace->totals;

    event->op = line->op == 'a'   ? TRACE_ALLOC
                : line->op == 'z' ? TRACE_ZERO
                                  : TRACE_ALIGNED;
    if (line->op == 'm') {
        if (line->second == 0 || (line->second & (line->second - 1)) != 0)
            return malformed(trace, line->number, "the alignment is not a power of two");
        event->alignment_log2 = (uint8_t)__builtin_ctzll(line->second);
    }
    if (!blocks_add(&trace->blocks, line->first << 8 | BLOCK_LIVE | BLOCK_FRESH))
        return complain_at(STATUS_IO, trace->path, line->number,
                           "no memory for the sizes of %" PRIu64 " blocks",
                           totals->live_blocks + 1);
    event->block = totals->blocks++;
    event->size = line->first;
    totals->allocations++;
    totals->live_blocks++;
    count_size(totals, event->size);
    count_live(totals, event->size, 0);
    return STATUS_OK;
}

/* What forbids event `op` on a block in that state; NULL where nothing does. */
static const char *forbidden(char op, uint64_t state) {
    if (!(state & BLOCK_LIVE))
        return op == 'f' ? "the block has been freed already"
                         : "names a block that has been freed";
    if (op == 'u')
        return state & BLOCK_LOCKED ? NULL : "unlocks a block that is not locked";
    if (state & BLOCK_LOCKED)
        return op == 'l'   ? "locks a block that is locked"
               : op == 'f' ? "frees a block that is locked"
                           : "reallocates a block that is locked";
    return NULL;
}

static int change(struct trace *trace, const struct trace_line *line,
                  struct trace_event *event) {
    struct trace_totals *totals = &trace->totals;

    if (line->first >= totals->blocks)
        return complain_at(STATUS_MALFORMED, trace->path, line->number,
                           "BACK is %" PRIu64 " where only %" PRIu64
                           " blocks have been made",
                           line->first, totals->blocks);
    event->block = totals->blocks - 1 - line->first;

    uint64_t word = blocks_get(&trace->blocks, event->block);
    const char *wrong = forbidden(line->op, word);
    if (wrong) return malformed(trace, line->number, wrong);
    event->size = word >> 8;

    switch (line->op) {
    case 'r':
        if (line->second == 0)
            return malformed(trace, line->number, "a realloc to size 0");
        event->op = TRACE_REALLOC;
        event->old_size = event->size;
        event->size = line->second;
        blocks_set(&trace->blocks, event->block,
                   line->second << 8 | BLOCK_LIVE | BLOCK_FRESH);
        count_size(totals, event->size);
        totals->reallocations++;
        if (event->size > event->old_size)
            count_live(totals, event->size, event->old_size);
        else
            totals->live_bytes -= event->old_size - event->size;
        break;
    case 'f':
        event->op = TRACE_FREE;
        blocks_drop(&trace->blocks, event->block);
        totals->frees++;
        totals->live_blocks--;
        totals->live_bytes -= event->size;
        break;
    case 'l':
        event->op = TRACE_LOCK;
        event->first_lock = (word & BLOCK_FRESH) != 0;
        blocks_set(&trace->blocks, event->block,
                   (word & ~(uint64_t)BLOCK_FRESH) | BLOCK_LOCKED);
        count_lock(totals, event->size);
        break;
    default:
        event->op = TRACE_UNLOCK;
        blocks_set(&trace->blocks, event->block, word & ~(uint64_t)BLOCK_LOCKED);
        totals->unlocks++;
        totals->locked_blocks--;
        totals->locked_bytes -= event->size;
        break;
    }
    return STATUS_OK;
}

static int switch_thread(struct trace *trace, const struct trace_line *line) {
    if (line->first == 0 || line->first > trace->totals.threads + 1)
        return malformed(trace, line->number,
                         "threads are numbered from 1, without gaps");
    if (line->first > UINT32_MAX) return malformed(trace, line->number, "2^32 threads");
    if (line->first > trace->totals.threads) trace->totals.threads = line->first;
    trace->thread = (uint32_t)line->first;
    return STATUS_OK;
}

bool rules_locked(const struct trace *trace, uint64_t block) {
    return (blocks_get(&trace->blocks, block) & BLOCK_LOCKED) != 0;
}

uint64_t rules_size(const struct trace *trace, uint64_t block) {
    return blocks_get(&trace->blocks, block) >> 8;
}

int rules_apply(struct trace *trace, const struct trace_line *line,
                struct trace_event *event) {
    int status;

    if (line->op == 't') return switch_thread(trace, line);
    *event = (struct trace_event){.line = line->number, .thread = trace->thread};
    if (line->op == 'a' || line->op == 'z' || line->op == 'm')
        status = make(trace, line, event);
    else
        status = change(trace, line, event);
    trace->totals.events++;
    if (status == STATUS_OK && trace->totals.live_bytes >= LIVE_LIMIT)
        return malformed(trace, line->number, "2^62 live bytes or more");
    return status;
}
