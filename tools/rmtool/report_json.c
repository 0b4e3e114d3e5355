/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <jansson.h>

#include "arguments.h"
#include "output.h"
#include "say.h"

/* jansson passes a failed allocation on: setting a member of NULL fails, and so does
   printing it in the end. */
static void set_count(json_t *object, const char *key, uint64_t count) {
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

static void set_real(json_t *object, const char *key, double number) {
    json_object_set_new(object, key, json_real(number));
}

/* A name that is not UTF-8 cannot be written. */
static void set_text(json_t *object, const char *key, const char *text) {
    json_t *string = json_string(text);

    json_object_set_new(object, key, string ? string : json_string("(not UTF-8)"));
}

static json_t *trace_object(const struct report *report) {
    const struct replay_result *result = report->result;
    const struct trace_totals *totals = &report->trace->totals;
    json_t *object = json_object();

    set_text(object, "name", report->trace->name);
    set_text(object, "file", report->trace->path);
    set_count(object, "events", totals->events);
    set_count(object, "threads", totals->threads);
    set_count(object, "operations", result->end.operations);
    set_count(object, "allocations", result->end.allocations);
    set_count(object, "reallocations", result->reallocations);
    set_count(object, "frees", result->end.frees);
    set_count(object, "locks", result->locks);
    set_count(object, "peak_live_bytes", totals->peak_live_bytes);
    set_count(object, "peak_live_blocks", totals->peak_live_blocks);
    set_count(object, "peak_copies_bytes", totals->peak_copies_bytes);
    set_count(object, "reduced_alignments", result->reduced_alignments);
    return object;
}

static json_t *heap_object(const struct report *report) {
    const struct replay_options *options = report->options;
    json_t *object = json_object();

    set_text(object, "kind", options->heap_size > 0 ? "region" : "grow");
    set_count(object, "size", options->heap_size);
    if (report->factor > 0) set_real(object, "factor", report->factor);
    set_text(object, "policy", policy_name(options->policy));
    set_text(object, "threads", threads_name(options->threads));
    if (options->step_every > 0) {
        json_t *step = json_object();
        set_count(step, "every", options->step_every);
        set_count(step, "bytes", options->step.bytes);
        set_count(step, "nanoseconds", options->step.nanoseconds);
        json_object_set_new(object, "step", step);
    }
    return object;
}

static json_t *time_object(const struct report *report) {
    const struct replay_result *result = report->result, *floor = report->floor;
    json_t *object = json_object();

    set_real(object, "cpu_ns_per_operation",
             report_per_operation(result, result->operations.cpu_ns));
    set_real(object, "wall_ns_per_operation",
             report_per_operation(result, result->operations.wall_ns));
    if (floor) {
        set_real(object, "floor_cpu_ns_per_operation",
                 report_per_operation(floor, floor->operations.cpu_ns));
        set_real(object, "floor_wall_ns_per_operation",
                 report_per_operation(floor, floor->operations.wall_ns));
    }
    return object;
}

static json_t *footprint_object(const struct report *report) {
    struct footprint_means means = footprint_means(report->footprint);
    json_t *object = json_object();

    set_count(object, "peak", report->footprint->peak);
    set_real(
        object, "peak_over_peak_live",
        report_ratio(report->footprint->peak, report->trace->totals.peak_live_bytes));
    set_real(object, "mean_over_live", means.over_live);
    set_real(object, "mean_locked_blocks", means.locked_blocks);
    set_real(object, "mean_locked_bytes", means.locked_bytes);
    set_count(object, "most_locked_blocks", report->result->most_locked_blocks);
    set_count(object, "most_locked_bytes", report->result->most_locked_bytes);
    return object;
}

static json_t *compaction_object(const struct replay_result *result) {
    json_t *object = json_object();

    set_count(object, "moved", result->before.moved);
    set_count(object, "moved_blocks", result->before.moved_blocks);
    set_count(object, "regained", result->before.regained);
    set_count(object, "returned", result->before.returned);
    set_count(object, "steps", result->steps);
    set_count(object, "steps_complete", result->steps_complete);
    set_count(object, "steps_over_budget", result->steps_over_budget);
    set_count(object, "nanoseconds", result->steps_ns);
    set_count(object, "longest_ns", result->step_longest_ns);
    set_count(object, "most_bytes", result->step_most_bytes);
    set_count(object, "p50_ns", histogram_quantile(&result->step_ns, 0.5));
    set_count(object, "p90_ns", histogram_quantile(&result->step_ns, 0.9));
    set_count(object, "p99_ns", histogram_quantile(&result->step_ns, 0.99));
    set_count(object, "p999_ns", histogram_quantile(&result->step_ns, 0.999));
    return object;
}

static json_t *stats_object(const rm_stats_t *stats) {
    json_t *object = json_object();

    set_count(object, "blocks", stats->live_blocks);
    set_count(object, "requested", stats->requested);
    set_count(object, "used", stats->used);
    set_count(object, "metadata", stats->metadata);
    set_count(object, "free", stats->free);
    set_count(object, "capacity", stats->capacity);
    set_count(object, "extent", stats->extent);
    set_count(object, "free_spans", stats->free_spans);
    set_count(object, "largest_free", stats->largest_free);
    set_count(object, "locked_blocks", stats->locked_blocks);
    set_real(object, "internal_fragmentation", stats->internal_fragmentation);
    set_real(object, "external_fragmentation", stats->external_fragmentation);
    return object;
}

int report_json(const struct report *report) {
    const struct replay_result *result = report->result;
    json_t *object = json_object(), *final = json_object();
    int failed;

    set_text(object, "version", tool_version);
    json_object_set_new(object, "trace", trace_object(report));
    json_object_set_new(object, "heap", heap_object(report));
    json_object_set_new(object, "time", time_object(report));
    json_object_set_new(object, "footprint", footprint_object(report));
    json_object_set_new(object, "compaction", compaction_object(result));
    json_object_set_new(final, "before", stats_object(&result->before));
    json_object_set_new(final, "after", stats_object(&result->after));
    set_count(final, "moved", result->final.moved);
    set_count(final, "nanoseconds", result->final.nanoseconds);
    json_object_set_new(object, "final", final);
    if (report->options->contents)
        set_count(object, "verified_bytes", report->options->contents->verified_bytes);

    failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(object);
    putchar('\n');
    return failed ? complain(STATUS_IO, "the report cannot be written") : STATUS_OK;
}
