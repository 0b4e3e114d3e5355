/* SPDX-License-Identifier: MIT */
#include "ui/summary.h"

#include <inttypes.h>

#include "base/member.h"
#include "base/units.h"

void summary_line(const struct moment *moment, FILE *file) {
    const struct memory_figures *memory = &moment->memory;

    fprintf(file,
            "frame=%" PRIu64 " tabs=%u objects=%zu live=%zu footprint=%zu "
            "own_footprint=%zu own_free=%zu own_largest=%zu fragmentation=%.4f "
            "libraries=%zu locked=%zu resident=%zu\n",
            moment->frame.number, moment->tabs, memory->own_objects, memory->own_live,
            memory->footprint, memory->own_footprint, memory->own_free,
            memory->own_largest, session_fragmentation(memory), memory->libraries_live,
            moment->locked, memory->resident);
}

/* All that is said, before it is put into words. */
struct summary {
    struct browser_counts counts;
    struct memory_figures end;
    const struct session_totals *totals;
    double mean_ratio, end_ratio; /* footprint over live, of the browser's own objects */
    uint64_t moved;
    uint64_t mean_ns, median_ns, most_ns, longest_ns; /* of frames; most: 99 of 100 */
};

static void sum_up(const struct session *session, struct summary *summary) {
    const struct session_totals *totals = &session->totals;

    *summary = (struct summary){.totals = totals, .moved = session->moved};
    browser_count(session->browser, &summary->counts);
    memory_look(&summary->end);
    summary->mean_ratio = ratio_of(totals->own_per_live, (double)totals->live_frames);
    summary->end_ratio =
        ratio_of((double)summary->end.own_footprint, (double)summary->end.own_live);
    summary->mean_ns = totals->frames ? totals->work_ns / totals->frames : 0;
    summary->median_ns = histogram_quantile(&totals->work, 0.5);
    summary->most_ns = histogram_quantile(&totals->work, 0.99);
    summary->longest_ns = totals->work.largest;
}

/* ------------------------------------------------------------------- text */

static void print_times(const struct summary *summary, FILE *file) {
    const struct session_totals *totals = summary->totals;
    const struct store_work *work = &totals->compaction;
    char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT], d[SIZE_TEXT];

    fprintf(file,
            "frames          %" PRIu64 ", of them %" PRIu64 " busy, %" PRIu64
            " over 16 ms\n",
            totals->frames, totals->busy_frames, totals->late_frames);
    fprintf(file, "frame           mean %s, median %s, 99 of 100 in %s, longest %s\n",
            format_ns(a, summary->mean_ns), format_ns(b, summary->median_ns),
            format_ns(c, summary->most_ns), format_ns(d, summary->longest_ns));
    fprintf(file, "compaction      %" PRIu64 " steps in %s, longest %s, %s moved\n",
            work->steps, format_ns(a, work->ns), format_ns(b, work->longest_ns),
            format_size(c, summary->moved));
    fprintf(file, "allocation      longest %s\n",
            format_ns(a, totals->longest_allocation_ns));
}

static void print_memory(const struct summary *summary, FILE *file) {
    const struct session_totals *totals = summary->totals;
    const struct memory_figures *end = &summary->end;
    char a[SIZE_TEXT], b[SIZE_TEXT], c[SIZE_TEXT];

    fprintf(file, "peaks           live %s, footprint %s, with libraries %s\n",
            format_size(a, totals->peak_live), format_size(b, totals->peak_own),
            format_size(c, totals->peak_footprint));
    fprintf(file, "footprint/live  mean %.3f, at the end %.3f\n", summary->mean_ratio,
            summary->end_ratio);
    fprintf(file, "at the end      %zu objects, live %s, footprint %s\n",
            end->own_objects, format_size(a, end->own_live),
            format_size(b, end->own_footprint));
    fprintf(file, "libraries       %s at the end\n", format_size(a, end->libraries_live));
    fprintf(file, "refused         %zu\n", memory_refusals());
}

void summary_print(const struct session *session, FILE *file) {
    struct summary summary;
    const struct browser_counts *counts = &summary.counts;
    char a[SIZE_TEXT], b[SIZE_TEXT];

    sum_up(session, &summary);
    fprintf(file, "objects in      %s, compaction %s, %s\n", store_kind,
            compaction_names[session->compaction],
            session->shared ? "one heap for all tabs" : "a heap a tab");
    fprintf(file, "pages           %u loads, %u failed, %u tab%s open\n", counts->loads,
            counts->failures, counts->tabs, counts->tabs == 1 ? "" : "s");
    print_times(&summary, file);
    print_memory(&summary, file);
    fprintf(file, "images          %zu of %zu decoded, %s of %s, shed %zu times\n",
            counts->images.there, counts->images.entries,
            format_size(a, counts->images.bytes), format_size(b, counts->images.budget),
            counts->images.shed);
}

/* ------------------------------------------------------------------- JSON */

static json_t *pages_object(const struct browser_counts *counts) {
    json_t *object = json_object();

    member_count(object, "loads", counts->loads);
    member_count(object, "failures", counts->failures);
    member_count(object, "tabs", counts->tabs);
    member_count(object, "nodes", counts->nodes);
    member_count(object, "boxes", counts->boxes);
    member_count(object, "tiles", counts->tiles);
    member_count(object, "tile_bytes", counts->tile_bytes);
    member_count(object, "source_bytes", counts->sources);
    return object;
}

static json_t *images_object(const struct cache_figures *images) {
    json_t *object = json_object();

    member_count(object, "entries", images->entries);
    member_count(object, "decoded", images->there);
    member_count(object, "bytes", images->bytes);
    member_count(object, "budget", images->budget);
    member_count(object, "shed", images->shed);
    return object;
}

static json_t *frames_object(const struct summary *summary) {
    const struct session_totals *totals = summary->totals;
    json_t *object = json_object();

    member_count(object, "count", totals->frames);
    member_count(object, "busy", totals->busy_frames);
    member_count(object, "late", totals->late_frames);
    member_count(object, "mean_ns", summary->mean_ns);
    member_count(object, "median_ns", summary->median_ns);
    member_count(object, "p99_ns", summary->most_ns);
    member_count(object, "longest_ns", summary->longest_ns);
    member_count(object, "longest_alloc_ns", totals->longest_allocation_ns);
    return object;
}

static json_t *compaction_object(const struct summary *summary) {
    const struct store_work *work = &summary->totals->compaction;
    json_t *object = json_object();

    member_count(object, "steps", work->steps);
    member_count(object, "ns", work->ns);
    member_count(object, "longest_step_ns", work->longest_ns);
    member_count(object, "moved", summary->moved);
    return object;
}

static json_t *memory_object(const struct summary *summary) {
    const struct session_totals *totals = summary->totals;
    const struct memory_figures *end = &summary->end;
    json_t *object = json_object();

    member_count(object, "peak_live", totals->peak_live);
    member_count(object, "peak_own_footprint", totals->peak_own);
    member_count(object, "peak_footprint", totals->peak_footprint);
    member_count(object, "peak_locked", totals->peak_locked);
    member_real(object, "mean_own_footprint_per_live", summary->mean_ratio);
    member_real(object, "end_own_footprint_per_live", summary->end_ratio);
    member_count(object, "end_objects", end->own_objects);
    member_count(object, "end_live", end->own_live);
    member_count(object, "end_own_footprint", end->own_footprint);
    member_count(object, "end_libraries", end->libraries_live);
    member_count(object, "end_resident", end->resident);
    member_count(object, "refused", memory_refusals());
    return object;
}

int summary_print_json(const struct session *session) {
    json_t *object = json_object();
    struct summary summary;

    sum_up(session, &summary);
    member_text(object, "objects", store_kind);
    member_text(object, "policy", compaction_names[session->compaction]);
    member_text(object, "heaps", session->shared ? "shared" : "tab");
    json_object_set_new(object, "pages", pages_object(&summary.counts));
    json_object_set_new(object, "images", images_object(&summary.counts.images));
    json_object_set_new(object, "frames", frames_object(&summary));
    json_object_set_new(object, "compaction", compaction_object(&summary));
    json_object_set_new(object, "memory", memory_object(&summary));
    return member_print(object);
}
