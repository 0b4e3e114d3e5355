/* SPDX-License-Identifier: MIT */
#include "replay/report.h"

#include "base/member.h"
#include "base/output.h"
#include "base/units.h"
#include "trace/options.h"

static json_t *trace_object(const struct report *report) {
    const struct replay_result *result = report->result;
    const struct trace_totals *totals = &report->trace->totals;
    json_t *object = json_object();

    member_text(object, "name", report->trace->name);
    member_text(object, "file", report->trace->path);
    member_count(object, "events", totals->events);
    member_count(object, "threads", totals->threads);
    member_count(object, "operations", result->end.operations);
    member_count(object, "allocations", result->end.allocations);
    member_count(object, "reallocations", result->reallocations);
    member_count(object, "frees", result->end.frees);
    member_count(object, "locks", result->locks);
    member_count(object, "peak_live_bytes", totals->peak_live_bytes);
    member_count(object, "peak_live_blocks", totals->peak_live_blocks);
    member_count(object, "peak_copies_bytes", totals->peak_copies_bytes);
    member_count(object, "reduced_alignments", result->reduced_alignments);
    return object;
}

static json_t *heap_object(const struct report *report) {
    const struct replay_options *options = report->options;
    json_t *object = json_object();

    member_text(object, "kind", options->heap_size > 0 ? "region" : "grow");
    member_count(object, "size", options->heap_size);
    if (report->factor > 0) member_real(object, "factor", report->factor);
    member_text(object, "policy", policy_name(options->policy));
    member_text(object, "threads", threads_name(options->threads));
    if (options->step_every > 0) {
        json_t *step = json_object();
        member_count(step, "every", options->step_every);
        member_count(step, "bytes", options->step.bytes);
        member_count(step, "nanoseconds", options->step.nanoseconds);
        json_object_set_new(object, "step", step);
    }
    return object;
}

static json_t *time_object(const struct report *report) {
    const struct replay_result *result = report->result, *floor = report->floor;
    json_t *object = json_object();

    member_real(object, "cpu_ns_per_operation",
                report_per_operation(result, result->operations.cpu_ns));
    member_real(object, "wall_ns_per_operation",
                report_per_operation(result, result->operations.wall_ns));
    if (floor) {
        member_real(object, "floor_cpu_ns_per_operation",
                    report_per_operation(floor, floor->operations.cpu_ns));
        member_real(object, "floor_wall_ns_per_operation",
                    report_per_operation(floor, floor->operations.wall_ns));
    }
    return object;
}

static json_t *footprint_object(const struct report *report) {
    struct footprint_means means = footprint_means(report->footprint);
    json_t *object = json_object();

    member_count(object, "peak", report->footprint->peak);
    member_real(object, "peak_over_peak_live",
                ratio_of(report->footprint->peak, report->trace->totals.peak_live_bytes));
    member_real(object, "mean_over_live", means.over_live);
    member_real(object, "mean_locked_blocks", means.locked_blocks);
    member_real(object, "mean_locked_bytes", means.locked_bytes);
    member_count(object, "most_locked_blocks", report->result->most_locked_blocks);
    member_count(object, "most_locked_bytes", report->result->most_locked_bytes);
    return object;
}

static json_t *compaction_object(const struct replay_result *result) {
    json_t *object = json_object();

    member_count(object, "moved", result->before.moved);
    member_count(object, "moved_blocks", result->before.moved_blocks);
    member_count(object, "regained", result->before.regained);
    member_count(object, "returned", result->before.returned);
    member_count(object, "steps", result->steps);
    member_count(object, "steps_complete", result->steps_complete);
    member_count(object, "steps_over_budget", result->steps_over_budget);
    member_count(object, "nanoseconds", result->steps_ns);
    member_count(object, "longest_ns", result->step_longest_ns);
    member_count(object, "most_bytes", result->step_most_bytes);
    member_count(object, "p50_ns", histogram_quantile(&result->step_ns, 0.5));
    member_count(object, "p90_ns", histogram_quantile(&result->step_ns, 0.9));
    member_count(object, "p99_ns", histogram_quantile(&result->step_ns, 0.99));
    member_count(object, "p999_ns", histogram_quantile(&result->step_ns, 0.999));
    return object;
}

/* What compactions met of locks; NULL where the trace has none. */
static json_t *locks_object(const struct report *report) {
    const struct replay_result *result = report->result;
    const struct blockers *blockers = report->options->blockers;
    json_t *object, *array;
    struct blocker worst[20];

    if (result->locks == 0 || !blockers) return NULL;
    object = json_object();
    member_real(object, "share_of_blocks",
                ratio_of(result->step_locked_blocks, result->step_live_blocks));
    member_real(object, "share_of_bytes",
                ratio_of(result->step_locked_bytes, result->step_live_bytes));
    member_count(object, "most_blocks", result->step_most_locked_blocks);
    member_count(object, "most_bytes", result->step_most_locked_bytes);
    member_count(object, "complete", blockers->complete);
    member_count(object, "looked_at", blockers->looks);
    member_count(object, "held_up", blockers->held_up);
    member_real(object, "mean_held_back", ratio_of(blockers->held, blockers->complete));
    member_count(object, "most_held_back", blockers->most);
    member_count(object, "blockers", blockers_count(blockers));
    array = json_array();
    for (size_t i = 0, n = blockers_worst(blockers, worst, 20); i < n; i++) {
        json_t *row = json_object();
        member_count(row, "block", worst[i].block + 1);
        member_count(row, "size", worst[i].size);
        member_count(row, "compactions", worst[i].compactions);
        member_count(row, "held_back_times_compactions", worst[i].held);
        member_count(row, "most_held_back", worst[i].most);
        member_count(row, "locked_events", worst[i].events);
        json_array_append_new(array, row);
    }
    json_object_set_new(object, "worst", array);
    return object;
}

static json_t *stats_object(const rm_stats_t *stats) {
    json_t *object = json_object();

    member_count(object, "blocks", stats->live_blocks);
    member_count(object, "requested", stats->requested);
    member_count(object, "used", stats->used);
    member_count(object, "metadata", stats->metadata);
    member_count(object, "free", stats->free);
    member_count(object, "capacity", stats->capacity);
    member_count(object, "extent", stats->extent);
    member_count(object, "free_spans", stats->free_spans);
    member_count(object, "largest_free", stats->largest_free);
    member_count(object, "locked_blocks", stats->locked_blocks);
    member_real(object, "internal_fragmentation", stats->internal_fragmentation);
    member_real(object, "external_fragmentation", stats->external_fragmentation);
    return object;
}

int report_json(const struct report *report) {
    const struct replay_result *result = report->result;
    json_t *object = json_object(), *final = json_object();

    member_text(object, "version", tool_version);
    json_object_set_new(object, "trace", trace_object(report));
    json_object_set_new(object, "heap", heap_object(report));
    json_object_set_new(object, "time", time_object(report));
    json_object_set_new(object, "footprint", footprint_object(report));
    json_object_set_new(object, "compaction", compaction_object(result));
    json_t *locks = locks_object(report);
    if (locks) json_object_set_new(object, "locks_at_compactions", locks);
    json_object_set_new(final, "before", stats_object(&result->before));
    json_object_set_new(final, "after", stats_object(&result->after));
    member_count(final, "moved", result->final.moved);
    member_count(final, "nanoseconds", result->final.nanoseconds);
    json_object_set_new(object, "final", final);
    if (report->options->contents)
        member_count(object, "verified_bytes", report->options->contents->verified_bytes);

    return member_print(object);
}
