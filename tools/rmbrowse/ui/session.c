/* SPDX-License-Identifier: MIT */
#include "ui/session.h"

#include <inttypes.h>

#include "base/say.h"
#include "base/units.h"

const char *const compaction_names[] = {
    [COMPACT_OFF] = "off",
    [COMPACT_IDLE] = "idle",
    [COMPACT_STEADY] = "steady",
};

/* --------------------------------------------------------------- the CSV */

static void write_head(struct session *session, const struct provenance *provenance) {
    FILE *file = session->csv.file;

    if (!file) return;
    fprintf(file,
            "# rmbrowse session 1\n# command: %s\n# objects: %s\n# compaction: %s\n"
            "# heaps: %s\n# machine: %s\n# date: %s\n",
            provenance->command ? provenance->command : "rmbrowse", store_kind,
            compaction_names[session->compaction], session->shared ? "shared" : "tab",
            provenance->machine, provenance->date);
    fputs("frame,time_ns,tabs,objects,live,footprint,own_footprint,own_free,own_largest,"
          "fragmentation,libraries,locked,resident,work_ns,compact_ns,steps,"
          "longest_step_ns,moved,longest_alloc_ns,busy,line\n",
          file);
}

double session_fragmentation(const struct memory_figures *memory) {
    return memory->own_free > 0
               ? 1 - ratio_of((double)memory->own_largest, (double)memory->own_free)
               : 0;
}

/* All may have been done in the frame itself, so that nothing is left to do at its end. */
static bool was_busy(const struct frame *frame) { return frame->busy || frame->changed; }

static void write_row(const struct moment *moment, FILE *file) {
    const struct memory_figures *memory = &moment->memory;
    const struct frame *frame = &moment->frame;
    const struct store_work *work = &frame->compaction;

    if (!file) return;
    fprintf(file, "%" PRIu64 ",%" PRIu64 ",%u,%zu,%zu,%zu,%zu,%zu,%zu,%.6g,%zu,%zu,%zu",
            frame->number, frame->begin_ns, moment->tabs, memory->own_objects,
            memory->own_live, memory->footprint, memory->own_footprint, memory->own_free,
            memory->own_largest, session_fragmentation(memory), memory->libraries_live,
            moment->locked, memory->resident);
    fprintf(file,
            ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
            ",%d,%" PRIu64 "\n",
            frame->work_ns, work->ns, work->steps, work->longest_ns, moment->moved,
            frame->longest_allocation_ns, was_busy(frame), moment->line);
}

/* ---------------------------------------------------------------- frames */

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static void add_work(struct store_work *sum, const struct store_work *work) {
    sum->ns += work->ns;
    sum->steps += work->steps;
    sum->moved += work->moved;
    if (work->longest_ns > sum->longest_ns) sum->longest_ns = work->longest_ns;
}

size_t session_locked(size_t *objects) {
    size_t bytes = 0;

    *objects = 0;
    for (store_t *store = store_first(); store; store = store_next(store)) {
        struct store_figures figures;
        store_look(store, &figures);
        bytes += figures.locked_bytes;
        *objects += figures.locked;
    }
    return bytes;
}

static void sum_up(struct session_totals *totals, const struct moment *moment) {
    const struct memory_figures *memory = &moment->memory;
    const struct frame *frame = &moment->frame;

    totals->frames++;
    totals->busy_frames += was_busy(frame);
    totals->late_frames += frame->work_ns + frame->compaction.ns > FRAME_NS;
    totals->work_ns += frame->work_ns;
    histogram_add(&totals->work, frame->work_ns);
    add_work(&totals->compaction, &frame->compaction);
    if (frame->longest_allocation_ns > totals->longest_allocation_ns)
        totals->longest_allocation_ns = frame->longest_allocation_ns;
    totals->peak_live = larger(totals->peak_live, memory->own_live);
    totals->peak_own = larger(totals->peak_own, memory->own_footprint);
    totals->peak_footprint = larger(totals->peak_footprint, memory->footprint);
    totals->peak_locked = larger(totals->peak_locked, moment->locked);
    if (memory->own_live == 0) return;
    totals->live_frames++;
    totals->own_per_live += (double)memory->own_footprint / (double)memory->own_live;
}

void session_frame(struct session *session, int wait_ms, struct frame *frame) {
    struct moment *moment = &session->moments[session->totals.frames % SESSION_MOMENTS];
    unsigned numbers[TABS_MAX];
    size_t locked_objects;

    *moment = (struct moment){.line = session->line};
    browser_frame(session->browser, wait_ms, &moment->frame);
    add_work(&moment->frame.compaction, &session->by_key);
    session->by_key = (struct store_work){0};
    memory_look(&moment->memory);
    moment->locked = session_locked(&locked_objects);
    moment->moved = store_moved() - session->moved;
    session->moved += moment->moved;
    moment->tabs = browser_tabs(session->browser, numbers, TABS_MAX);
    write_row(moment, session->csv.file);
    sum_up(&session->totals, moment);
    *frame = moment->frame;
}

void session_compact(struct session *session) {
    struct store_work work = {0};

    browser_compact(session->browser, &work);
    add_work(&session->by_key, &work);
}

const struct moment *session_moment(const struct session *session, size_t n) {
    uint64_t frames = session->totals.frames;

    if (n >= frames || n >= SESSION_MOMENTS) return NULL;
    return &session->moments[(frames - 1 - n) % SESSION_MOMENTS];
}

/* ------------------------------------------------------- begin, and end */

int session_begin(struct session *session, const struct browser_options *options,
                  const char *csv, const struct provenance *provenance) {
    int status;

    *session =
        (struct session){.compaction = options->compaction, .shared = options->shared};
    status = output_open(&session->csv, csv);
    if (status) return status;
    session->browser = browser_create(options);
    if (!session->browser) {
        output_discard(&session->csv);
        return STATUS_IO;
    }
    write_head(session, provenance);
    return STATUS_OK;
}

int session_end(struct session *session) {
    size_t left = browser_destroy(session->browser), refused = memory_refusals();
    int status = output_close(&session->csv), found = STATUS_OK;

    session->browser = NULL;
    if (refused > 0)
        found = complain(STATUS_FOUND, "memory was refused %zu time%s", refused,
                         refused > 1 ? "s" : "");
    if (left > 0)
        found = complain(STATUS_FOUND, "%zu object%s left at the end", left,
                         left > 1 ? "s were" : " was");
    return status ? status : found;
}
