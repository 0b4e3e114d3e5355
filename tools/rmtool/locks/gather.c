/* SPDX-License-Identifier: MIT */
/*
 * Live blocks lie in an ordered map, by address (Judy's JudyL): the block of an address is
 * the last one at or before it. In front of it are the lowest and the highest address that
 * ever was a block's, and the block that was accessed last, which answer nearly all.
 */
#include "locks/gather.h"

#include <Judy.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "locks/recording.h"
#include "base/say.h"
#include "locks/shadow.h"

#ifdef RMTOOL_SMALL_BUFFERS /* tests/fuzz */
#define LINES 16
#define ITEMS 16
#else
#define LINES 4096
#define ITEMS 4096
#endif
#define LOG_SPAN (UINT64_C(1) << 40) /* addresses that a log may come to take */
#define PATIENCE_NS UINT64_C(5000000000)

struct gathered_block {
    uint64_t base, size;
};

struct gather {
    const struct gather_options *options;
    const struct access_sink *sink;
    struct gather_totals *totals;
    struct lackey *lackey;
    struct recording recording;
    struct shadow shadow;
    struct access_slots slots;
    struct gathered_block *blocks; /* by slot */
    size_t capacity;

    Pvoid_t map;                  /* base -> slot + 1 */
    Pvoid_t resizing;             /* thread -> slot + 1, within its realloc */
    uint64_t low, high;           /* all blocks ever: base and limit */
    uint64_t hit_base, hit_limit; /* the block accessed last */
    uint32_t hit_slot;

    uint64_t log_base, log_limit;
    uint64_t seen_limit; /* the highest slot stored to, and one */
    uint64_t thread;     /* of the last record */
    uint32_t stack;      /* of the last item */
    bool memory_out;
    bool begun;
    uint64_t launched_ns; /* logs up to then are those of whoever starts valgrind */

    size_t n_items;
    struct access_item items[ITEMS];
};

/* ------------------------------------------------------------------------- items */

static int deliver(struct gather *g) {
    size_t n = g->n_items;

    g->n_items = 0;
    return n ? g->sink->take(g->sink->context, g->items, n) : STATUS_OK;
}

static int emit(struct gather *g, struct access_item item) {
    struct shadow_stack *stack = &g->shadow.stacks[g->shadow.current];
    int status = g->n_items + 2 > ITEMS ? deliver(g) : STATUS_OK;

    item.instructions = g->totals->instructions;
    if (g->shadow.current != g->stack) {
        g->stack = g->shadow.current;
        g->items[g->n_items++] = (struct access_item){
            .op = ACCESS_STACK, .instructions = item.instructions, .value = g->stack};
    }
    item.low = stack->low;
    item.depth = stack->depth;
    stack->low = stack->depth;
    g->items[g->n_items++] = item;
    return status;
}

/* ------------------------------------------------------------------------ blocks */

static void forget_hit(struct gather *g) { g->hit_base = g->hit_limit = 0; }

static bool map_block(struct gather *g, uint32_t slot, uint64_t base, uint64_t size) {
    PWord_t value;

    if (slot >= g->capacity) {
        size_t capacity = g->capacity ? g->capacity * 2 : 1024;
        struct gathered_block *blocks = realloc(g->blocks, capacity * sizeof(*blocks));
        if (!blocks) return false;
        g->blocks = blocks;
        g->capacity = capacity;
    }
    JLI(value, g->map, base);
    if (value == PJERR) return false;
    *value = (Word_t)slot + 1;
    g->blocks[slot] = (struct gathered_block){base, size};
    if (base < g->low) g->low = base;
    if (base + size > g->high) g->high = base + size;
    forget_hit(g);
    return true;
}

static void unmap_block(struct gather *g, uint64_t base) {
    int rc;

    JLD(rc, g->map, base);
    (void)rc;
    forget_hit(g);
}

/* The block that begins there. Returns: false where there is none. */
static bool find_block(struct gather *g, uint64_t base, uint32_t *slot) {
    PWord_t value;

    JLG(value, g->map, base);
    if (!value) return false;
    *slot = (uint32_t)(*value - 1);
    return true;
}

static int free_block(struct gather *g, uint32_t slot) {
    unmap_block(g, g->blocks[slot].base);
    if (!access_slots_give(&g->slots, slot)) g->memory_out = true;
    return emit(g, (struct access_item){.op = ACCESS_FREE, .slot = slot});
}

/* A new block is there: whichever was is none any more, though its free was not recorded. */
static int vacate(struct gather *g, uint64_t base) {
    uint32_t slot;

    if (!find_block(g, base, &slot)) return STATUS_OK;
    g->totals->unknown++;
    return free_block(g, slot);
}

static int make_block(struct gather *g, const struct record *record, uint8_t op) {
    uint64_t base = record_address(*record), size = record_size(*record);
    uint32_t slot;
    int status = vacate(g, base);

    if (status) return status;
    if (!access_slots_take(&g->slots, &slot) || !map_block(g, slot, base, size)) {
        g->memory_out = true;
        return status;
    }
    return emit(g, (struct access_item){.op = op,
                                        .slot = slot,
                                        .value = size,
                                        .alignment_log2 =
                                            (uint8_t)record_alignment_log2(*record)});
}

/* ----------------------------------------------------------------------- records */

/* The block is no block between the two, so whatever another thread is given meanwhile is
   not mistaken for it. */
static void begin_resize(struct gather *g, const struct record *record) {
    PWord_t value;
    uint32_t slot;

    if (!find_block(g, record_address(*record), &slot)) return;
    JLI(value, g->resizing, (Word_t)record_thread(*record));
    if (value == PJERR) {
        g->memory_out = true;
        return;
    }
    *value = (Word_t)slot + 1;
    unmap_block(g, record_address(*record));
}

static int end_resize(struct gather *g, const struct record *record) {
    uint64_t base = record_address(*record), size = record_size(*record);
    PWord_t value;
    uint32_t slot = 0;
    int rc;

    JLG(value, g->resizing, (Word_t)record_thread(*record));
    bool known = value != NULL;
    if (known) {
        slot = (uint32_t)(*value - 1);
        JLD(rc, g->resizing, (Word_t)record_thread(*record));
        (void)rc;
    }
    if (!known) { /* the block was made before the recorder was there */
        g->totals->unknown++;
        return base ? make_block(g, record, ACCESS_ALLOC) : STATUS_OK;
    }
    bool failed = base == 0; /* the block is where it was */
    if (failed) base = g->blocks[slot].base;
    int status = vacate(g, base);
    if (status) return status;
    if (!map_block(g, slot, base, failed ? g->blocks[slot].size : size))
        g->memory_out = true;
    if (failed) return STATUS_OK;
    return emit(g, (struct access_item){
                       .op = ACCESS_REALLOC, .slot = slot, .value = size ? size : 1});
}

static int take_named(struct gather *g, const struct record *record) {
    uint32_t slot;

    if (!find_block(g, record_address(*record), &slot)) {
        g->totals->unknown++;
        return STATUS_OK;
    }
    switch (record_op(*record)) {
    case RECORD_FREE: return free_block(g, slot);
    case RECORD_LOCK:
        return emit(g, (struct access_item){.op = ACCESS_LOCK, .slot = slot});
    case RECORD_UNLOCK:
        return emit(g, (struct access_item){.op = ACCESS_UNLOCK, .slot = slot});
    default: /* RECORD_USABLE: it may use more than it has asked for */
        if (record_size(*record) > g->blocks[slot].size)
            g->blocks[slot].size = record_size(*record);
        if (g->blocks[slot].base + g->blocks[slot].size > g->high)
            g->high = g->blocks[slot].base + g->blocks[slot].size;
        forget_hit(g);
        return STATUS_OK;
    }
}

static int take_record(struct gather *g, const struct record *record) {
    unsigned op = record_op(*record);
    int status = STATUS_OK;

    g->totals->records++;
    if (op >= RECORD_TIME) return STATUS_OK;
    if (record_thread(*record) != g->thread) {
        g->thread = record_thread(*record) ? record_thread(*record) : 1;
        status = emit(g, (struct access_item){.op = ACCESS_THREAD, .value = g->thread});
        if (status) return status;
    }
    switch (op) {
    case RECORD_ALLOC: return make_block(g, record, ACCESS_ALLOC);
    case RECORD_ZERO: return make_block(g, record, ACCESS_ZERO);
    case RECORD_ALIGNED: return make_block(g, record, ACCESS_ALIGNED);
    case RECORD_REALLOC_BEGIN: begin_resize(g, record); return STATUS_OK;
    case RECORD_REALLOC_END: return end_resize(g, record);
    default: return take_named(g, record);
    }
}

/* Lackey's line comes before its store. So the record may not be there yet, but it will be
   in a moment, unless the program has been killed in that moment. */
static int await_record(struct gather *g, uint64_t slot, struct record *record) {
    uint64_t waited = 0;
    int status;

    for (;;) {
        status = recording_read(&g->recording, slot, record);
        if (status || record_op(*record) != RECORD_NONE || waited >= PATIENCE_NS)
            return status;
        if (g->options->log) return STATUS_OK; /* nobody writes it any more */
        struct timespec pause = {.tv_nsec = 20000};
        nanosleep(&pause, NULL);
        waited += 20000;
    }
}

static int open_log(struct gather *g) {
    int status = recording_find(&g->recording, g->options->directory, g->options->pid,
                                g->options->at, g->launched_ns);

    if (status) return status;
    if (!g->recording.path)
        return complain(STATUS_IO,
                        "%s: a record is written, but to no log of process "
                        "%" PRIu64 " here",
                        g->options->directory, g->options->pid);
    g->seen_limit = g->recording.first_slot;
    return STATUS_OK;
}

/* Its record is due now, whatever slots below are still empty: of several threads valgrind
   runs one at a time, so one that has taken its slot may come to write it long after others
   have written theirs. */
static int store_to_log(struct gather *g, const struct lackey_line *line) {
    struct record record;
    uint64_t slot;
    int status = STATUS_OK;

    if (line->size != 8 || (line->address - g->log_base) % sizeof(struct record) != 0)
        return STATUS_OK;
    if (!g->recording.path) status = open_log(g);
    if (status) return status;
    slot = g->recording.base_slot + (line->address - g->log_base) / sizeof(struct record);
    if (!recording_has(&g->recording, slot)) return STATUS_OK;
    status = await_record(g, slot, &record);
    if (slot >= g->seen_limit) g->seen_limit = slot + 1;
    return status || record_op(record) == RECORD_NONE ? status : take_record(g, &record);
}

/* ---------------------------------------------------------------------- accesses */

static bool look_up(struct gather *g, uint64_t address, uint64_t last) {
    Word_t base = last;
    PWord_t value;

    JLL(value, g->map, base);
    if (!value) return false;
    const struct gathered_block *block = &g->blocks[*value - 1];
    if (block->base + block->size <= address || block->size == 0) return false;
    g->hit_base = block->base;
    g->hit_limit = block->base + block->size;
    g->hit_slot = (uint32_t)(*value - 1);
    return true;
}

static int take_access(struct gather *g, const struct lackey_line *line) {
    uint64_t address = line->address, last = address + line->size - 1;

    g->totals->accesses++;
    if (line->kind == 'S' && address >= g->log_base && address < g->log_limit)
        return store_to_log(g, line);
    if (last < g->low || address >= g->high) return STATUS_OK;
    if ((address < g->hit_base || last >= g->hit_limit) && !look_up(g, address, last))
        return STATUS_OK;
    shadow_no_stack(&g->shadow);
    g->totals->heap++;
    return emit(g, (struct access_item){.op = line->kind == 'L'   ? ACCESS_LOAD
                                              : line->kind == 'S' ? ACCESS_STORE
                                                                  : ACCESS_MODIFY,
                                        .slot = g->hit_slot});
}

static int take_lines(struct gather *g, const struct lackey_line *lines, size_t n) {
    int status = STATUS_OK;

    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        if (lines[i].kind == 'I') {
            g->totals->instructions++;
            if (!shadow_instruction(&g->shadow, &lines[i])) g->memory_out = true;
        } else {
            shadow_access(&g->shadow, &lines[i]);
            status = take_access(g, &lines[i]);
        }
        if (g->memory_out)
            return complain(STATUS_IO, "no memory for the program's blocks and frames");
        if (g->totals->heap >= g->options->limit_accesses) {
            g->totals->cut = true;
            break;
        }
    }
    return status;
}

/* --------------------------------------------------------------------------- all */

static int run(struct gather *g) {
    struct lackey_line *lines = malloc(LINES * sizeof(*lines));
    size_t n;
    int status = lines ? STATUS_OK : complain(STATUS_IO, "no memory to read with");

    while (status == STATUS_OK && !g->totals->cut) {
        status = lackey_read(g->lackey, lines, LINES, &n);
        if (status == STATUS_OK && !g->begun && g->options->directory)
            g->launched_ns =
                recording_newest(g->options->directory, g->options->pid, g->options->at);
        g->begun = true;
        if (status || n == 0) break;
        status = take_lines(g, lines, n);
        progress_update(g->totals->heap, 0);
    }
    free(lines);
    /* Slots that were taken and never written: by threads that have been killed. */
    uint64_t taken = g->seen_limit - g->recording.first_slot;
    g->totals->lost = taken > g->totals->records ? taken - g->totals->records : 0;
    if (status == STATUS_OK) status = deliver(g);
    g->totals->lines = lackey_line_number(g->lackey);
    recording_end(&g->recording, &g->totals->exited, &g->totals->log_failed);
    g->totals->failed = lackey_failed(g->lackey);
    g->totals->left_open = lackey_left_open(g->lackey);
    g->totals->stacks = g->shadow.n;
    return status;
}

int gather(const struct gather_options *options, const struct access_sink *sink,
           struct gather_totals *totals, char *words, size_t size) {
    struct gather *g = calloc(1, sizeof(*g));
    int status;

    *totals = (struct gather_totals){0};
    if (!g || !shadow_init(&g->shadow)) {
        free(g);
        return complain(STATUS_IO, "no memory to read %s", options->path);
    }
    g->options = options;
    g->sink = sink;
    g->totals = totals;
    g->low = UINT64_MAX;
    g->thread = 1;
    g->log_base = options->at;
    status = options->log ? recording_open(&g->recording, options->log) : STATUS_OK;
    if (options->log && status == STATUS_OK) {
        g->log_base = g->recording.mapped;
        g->seen_limit = g->recording.first_slot;
    }
    g->log_limit = g->log_base + LOG_SPAN;
    if (options->log && status == STATUS_OK) { /* it grows no more */
        recording_has(&g->recording, g->recording.base_slot);
        g->log_limit = g->log_base + (g->recording.limit_slot - g->recording.base_slot) *
                                         sizeof(struct record);
    }
    if (status == STATUS_OK)
        status = lackey_open(&g->lackey, options->fd, options->ends, options->path);
    if (status == STATUS_OK) status = run(g);
    if (g->lackey) snprintf(words, size, "%s", lackey_words(g->lackey));
    JudyLFreeArray(&g->map, PJE0);
    JudyLFreeArray(&g->resizing, PJE0);
    lackey_close(g->lackey);
    recording_close(&g->recording);
    shadow_finish(&g->shadow);
    access_slots_finish(&g->slots);
    free(g->blocks);
    free(g);
    return status;
}
