/* SPDX-License-Identifier: MIT */
#include "record/record_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/member.h"
#include "base/output.h"
#include "base/units.h"

/* What was counted and would surprise. */
static void print_counts(const struct record_image *image) {
    const struct record_counts *c = &image->trace.counts;
    const struct {
        uint64_t value;
        const char *text;
    } lines[] = {
        {c->inherited, "blocks inherited from its parent"},
        {c->usable_sizes, "blocks grown to what malloc_usable_size said"},
        {c->unknown_frees, "frees of blocks that nobody knows"},
        {c->unknown_reallocs, "reallocations of blocks that nobody knows"},
        {c->implicit_frees, "blocks whose free was not seen"},
        {c->unfinished, "reallocations that did not end"},
        {c->unknown_locks, "locks of what is no block, unlocks of what is not locked"},
        {image->childless_forks, "forks of which no child was recorded"},
        {image->unwritten, "records begun and not written"},
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (lines[i].value > 0)
            fprintf(stderr, "    %" PRIu64 " %s\n", lines[i].value, lines[i].text);
    if (image->orphan) fputs("    what its parent had allocated is not known\n", stderr);
    if (image->header.other_malloc)
        fputs("    it has another malloc beside (jemalloc, tcmalloc, mimalloc); what it "
              "calls by that one's own names is missing\n",
              stderr);
    if (image->header.failed || image->damage || image->stopped)
        fputs("    it ends before the process did; its header says where\n", stderr);
}

void record_report_print(const struct record_session *session) {
    for (const struct record_image *image = session->images; image; image = image->next) {
        const struct trace_totals *t = &image->totals;
        char peak[SIZE_TEXT];
        if (!image->written) continue;
        fprintf(stderr,
                "%s: %" PRIu64 " events, %" PRIu64 " thread%s, peak %s in %" PRIu64
                " blocks, %.3f s\n",
                image->trace_path, t->events, t->threads, t->threads == 1 ? "" : "s",
                format_size(peak, t->peak_live_bytes), t->peak_live_blocks,
                (double)image->trace.last_ns / 1e9);
        print_counts(image);
    }
}

static json_t *process(const struct record_image *image) {
    const struct trace_totals *t = &image->totals;
    const struct record_counts *c = &image->trace.counts;
    json_t *object = json_object();

    member_text(object, "program", image->program);
    member_text(object, "file", image->trace_path);
    json_t *others = json_pack(
        "{s:I, s:f, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "pid",
        (json_int_t)image->header.pid, "seconds", (double)image->trace.last_ns / 1e9,
        "exited", (int)(image->header.exited != 0), "cut",
        (int)(image->header.failed != 0 || image->damage != 0 || image->stopped),
        "events", (json_int_t)t->events, "threads", (json_int_t)t->threads, "allocations",
        (json_int_t)t->allocations, "reallocations", (json_int_t)t->reallocations,
        "frees", (json_int_t)t->frees, "peak_live_bytes", (json_int_t)t->peak_live_bytes,
        "peak_live_blocks", (json_int_t)t->peak_live_blocks, "end_live_bytes",
        (json_int_t)t->live_bytes, "end_live_blocks", (json_int_t)t->live_blocks);
    json_t *counts = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "calls",
        (json_int_t)c->calls, "inherited", (json_int_t)c->inherited, "usable_sizes",
        (json_int_t)c->usable_sizes, "unknown_frees", (json_int_t)c->unknown_frees,
        "unknown_reallocs", (json_int_t)c->unknown_reallocs, "implicit_frees",
        (json_int_t)c->implicit_frees, "failed_reallocs", (json_int_t)c->failed_reallocs,
        "unfinished_reallocs", (json_int_t)c->unfinished, "unknown_locks",
        (json_int_t)c->unknown_locks, "childless_forks",
        (json_int_t)image->childless_forks, "unwritten", (json_int_t)image->unwritten);

    json_object_update_new(object, others);
    json_object_update_new(object, counts);
    return object;
}

int record_report_json(const struct record_session *session, int exit_status) {
    json_t *processes = json_array();

    for (const struct record_image *image = session->images; image; image = image->next)
        if (image->written) json_array_append_new(processes, process(image));
    return member_print(json_pack("{s:s, s:i, s:o}", "version", tool_version,
                                  "exit_status", exit_status, "processes", processes));
}
