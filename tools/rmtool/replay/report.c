/* SPDX-License-Identifier: MIT */
#include "replay/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"
#include "trace/options.h"

double report_per_operation(const struct replay_result *result, uint64_t total) {
    return ratio_of(total, result->end.operations);
}

static void print_trace(const struct report *report) {
    const struct replay_result *result = report->result;
    const struct trace_totals *totals = &report->trace->totals;
    char size[SIZE_TEXT];

    printf("trace        %s: %" PRIu64 " events; threads: %" PRIu64 "\n",
           report->trace->name, totals->events, totals->threads);
    printf("operations   %" PRIu64 ": %" PRIu64 " allocations, %" PRIu64
           " reallocations, %" PRIu64 " frees; %" PRIu64 " locks beside them\n",
           result->end.operations, result->end.allocations, result->reallocations,
           result->end.frees, result->locks);
    if (result->reduced_alignments > 0)
        printf("alignment    %" PRIu64 " allocations asked for more than %zu bytes and "
               "got that\n",
               result->reduced_alignments, RM_ALIGNMENT_MAX);
    printf("live         peak %s in %" PRIu64 " blocks\n",
           format_size(size, totals->peak_live_bytes), totals->peak_live_blocks);
}

static void print_heap(const struct report *report) {
    const struct replay_options *options = report->options;
    char size[SIZE_TEXT];

    printf("heap         ");
    if (options->heap_size == 0)
        printf("grows");
    else
        printf("a region of %zu bytes", options->heap_size);
    if (report->factor > 0) printf(", %gx the peak", report->factor);
    printf("; compaction: %s; threads: %s\n", policy_name(options->policy),
           threads_name(options->threads));
    if (options->step_every > 0)
        printf("step         every %" PRIu64 " operations, %s, %" PRIu64 " ns (0: any)\n",
               options->step_every, format_size(size, options->step.bytes),
               options->step.nanoseconds);
}

static void print_time(const struct report *report) {
    const struct replay_result *result = report->result, *floor = report->floor;
    double cpu = report_per_operation(result, result->operations.cpu_ns);
    double wall = report_per_operation(result, result->operations.wall_ns);

    printf("time         %.1f ns CPU, %.1f ns wall per operation%s\n", cpu, wall,
           report->options->contents ? " (verifying all content)" : "");
    if (floor)
        printf("             less the replay loop's %.1f and %.1f: %.1f and %.1f ns\n",
               report_per_operation(floor, floor->operations.cpu_ns),
               report_per_operation(floor, floor->operations.wall_ns),
               cpu - report_per_operation(floor, floor->operations.cpu_ns),
               wall - report_per_operation(floor, floor->operations.wall_ns));
}

static void print_memory(const struct report *report) {
    const struct replay_result *result = report->result;
    struct footprint_means means = footprint_means(report->footprint);
    char size[SIZE_TEXT];

    printf("footprint    peak %s, %.3f x peak live; mean %.3f x live\n",
           format_size(size, report->footprint->peak),
           ratio_of(report->footprint->peak, report->trace->totals.peak_live_bytes),
           means.over_live);
    if (result->locks > 0)
        printf("locked       mean %.2f %% of blocks, %.2f %% of bytes; most %" PRIu64
               " blocks, %s\n",
               100 * means.locked_blocks, 100 * means.locked_bytes,
               result->most_locked_blocks, format_size(size, result->most_locked_bytes));
}

static void print_steps(const struct report *report) {
    const struct replay_result *result = report->result;
    static const double shares[] = {0.5, 0.9, 0.99, 0.999};
    char size[SIZE_TEXT], time[SIZE_TEXT];

    printf("moved        %s in %zu blocks by the end of the trace\n",
           format_size(size, result->before.moved), result->before.moved_blocks);
    printf("regained     %s behind the last block",
           format_size(size, result->before.regained));
    if (result->before.regained > 0)
        printf(", %.2f bytes moved for each",
               ratio_of(result->before.moved, result->before.regained));
    printf("; %s given back by steps\n", format_size(size, result->before.returned));
    printf("compactions  %" PRIu64 " asked for, %" PRIu64 " of them complete\n",
           result->steps, result->steps_complete);
    if (result->steps == 0) return;
    printf("step time    longest %s", format_ns(time, result->step_longest_ns));
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        printf(", %g %% within %s", 100 * shares[i],
               format_ns(time, histogram_quantile(&result->step_ns, shares[i])));
    printf("\nstep bytes   most %zu", result->step_most_bytes);
    if (report->options->step_every > 0 && report->options->step.bytes > 0)
        printf("; %" PRIu64 " steps over the budget", result->steps_over_budget);
    printf("\n");
}

/* The locks that compactions met, and what they held back. */
static void print_locks(const struct report *report) {
    const struct replay_result *result = report->result;
    const struct blockers *blockers = report->options->blockers;
    char size[SIZE_TEXT], most[SIZE_TEXT];
    struct blocker worst[5];
    size_t n;

    if (result->locks == 0 || result->steps == 0) return;
    printf(
        "locked then  mean %.3f %% of blocks, %.2f %% of bytes at the compactions; most "
        "%" PRIu64 " blocks, %s\n",
        100 * ratio_of(result->step_locked_blocks, result->step_live_blocks),
        100 * ratio_of(result->step_locked_bytes, result->step_live_bytes),
        result->step_most_locked_blocks,
        format_size(size, result->step_most_locked_bytes));
    if (!blockers || blockers->complete == 0) return;
    printf("held back    something at %" PRIu64 " of %" PRIu64
           " complete compactions (%" PRIu64 " looked at): mean %s, most %s",
           blockers->held_up, blockers->complete, blockers->looks,
           format_size(size, blockers->held / blockers->complete),
           format_size(most, blockers->most));
    n = blockers_worst(blockers, worst, sizeof(worst) / sizeof(worst[0]));
    printf(", by %zu blocks%s\n", blockers_count(blockers), n > 0 ? ":" : "");
    for (size_t i = 0; i < n; i++)
        printf("             block %" PRIu64 ", %" PRIu64 " bytes: %s at each of %" PRIu64
               " compactions; locked for %" PRIu64 " events\n",
               worst[i].block + 1, worst[i].size,
               format_size(size, worst[i].held / worst[i].compactions),
               worst[i].compactions, worst[i].events);
}

static void print_final(const struct report *report) {
    const struct replay_result *result = report->result;
    const rm_stats_t *before = &result->before, *after = &result->after;
    char size[SIZE_TEXT], time[SIZE_TEXT];

    printf("at the end   %zu blocks, %zu bytes requested; a complete compaction moved %s "
           "in %s:\n",
           after->live_blocks, after->requested, format_size(size, result->final.moved),
           format_ns(time, result->final.nanoseconds));
    printf("                              before        after\n");
    printf("  extent, bytes         %12zu %12zu\n", before->extent, after->extent);
    printf("  metadata, bytes       %12zu %12zu\n", before->metadata, after->metadata);
    printf("  capacity, bytes       %12zu %12zu\n", before->capacity, after->capacity);
    printf("  free spans            %12zu %12zu\n", before->free_spans,
           after->free_spans);
    printf("  largest free, bytes   %12zu %12zu\n", before->largest_free,
           after->largest_free);
    printf("  external fragmentation %11.4f %12.4f\n", before->external_fragmentation,
           after->external_fragmentation);
    printf("  internal fragmentation %11.4f %12.4f\n", before->internal_fragmentation,
           after->internal_fragmentation);
}

void report_text(const struct report *report) {
    char size[SIZE_TEXT];

    print_trace(report);
    print_heap(report);
    print_time(report);
    print_memory(report);
    print_steps(report);
    print_locks(report);
    print_final(report);
    if (report->options->contents)
        printf("verified     %s of content; the heap was consistent whenever checked\n",
               format_size(size, report->options->contents->verified_bytes));
}
