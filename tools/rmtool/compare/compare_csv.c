/* SPDX-License-Identifier: MIT */
/*
 * What was not measured, or failed, is an empty field.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare/compare_files.h"

/* Without what ends a field, or a word for the scripts that draw. */
static void write_name(FILE *file, const char *name) {
    for (; *name; name++) fputc(strchr(", \"'\\", *name) ? '_' : *name, file);
}

static void write_number(FILE *file, const char *format, double number)
    __attribute__((format(printf, 2, 0)));

static void write_number(FILE *file, const char *format, double number) {
    fputc(',', file);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (!isnan(number)) fprintf(file, format, number);
#pragma GCC diagnostic pop
}

static void write_head(const struct compare *compare, struct output *output,
                       const struct provenance *provenance, const char *columns) {
    output_provenance(output, provenance);
    fprintf(output->file, "# huge pages: %s\n",
            compare->options.no_huge_pages ? "forbidden" : "as the system has it");
    for (size_t i = 1; i < compare->entrants.n; i++) {
        const struct entrant *entrant = &compare->entrants.list[i];
        fprintf(output->file, "# allocator: %s: %s%s\n", entrant->name,
                entrant->present ? "" : "absent: ", entrant->version);
    }
    fprintf(output->file, "%s\n", columns);
}

static void write_summary_row(FILE *file, const struct compare_trace *trace,
                              const struct entrant *entrant,
                              const struct outcome *outcome) {
    bool left = !isnan(outcome->left_over_live);

    write_name(file, trace->name);
    fprintf(file, ",%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64, entrant->name,
            trace->reel.operations, trace->reel.peak_live_bytes,
            trace->reel.peak_live_blocks);
    write_number(file, "%.3f", outcome->time[PAGES_GIVEN].net_ns);
    write_number(file, "%.3f", outcome->time[PAGES_GIVEN].cpu.median);
    write_number(file, "%.3f", outcome->time[PAGES_GIVEN].cpu.least);
    write_number(file, "%.3f", outcome->time[PAGES_GIVEN].cpu.most);
    write_number(file, "%.3f", outcome->time[PAGES_GIVEN].wall.median);
    write_number(file, "%.3f", outcome->time[PAGES_GIVEN].wall.least);
    write_number(file, "%.3f", outcome->time[PAGES_GIVEN].wall.most);
    write_number(file, "%.5f", outcome->peak);
    write_number(file, "%.5f", outcome->mean);
    write_number(file, "%.0f", outcome->at_peak);
    write_number(file, "%.5f", outcome->left_over_live);
    write_number(file, "%.0f", left ? (double)outcome->left.footprint : NAN);
    write_number(file, "%.0f", left ? (double)outcome->left.live_bytes : NAN);
    write_number(file, "%.0f", left ? (double)outcome->left.free_ns : NAN);
    write_number(file, "%.0f", left ? (double)outcome->left.trim_ns : NAN);
    write_number(file, "%.0f", outcome->smallest);
    write_number(file, "%.5f", outcome->smallest_over_live);
    write_number(file, "%.5f", outcome->largest_share);
    write_number(file, "%.3f", outcome->time[PAGES_SMALL].net_ns);
    write_number(file, "%.3f", outcome->time[PAGES_SMALL].cpu.median);
    fputc('\n', file);
}

void compare_write_summary(const struct compare *compare, struct output *output,
                           const struct provenance *provenance) {
    if (!output->file) return;
    write_head(
        compare, output, provenance,
        "trace,allocator,operations,peak_live_bytes,peak_live_blocks,net_ns,cpu_ns,"
        "cpu_ns_least,cpu_ns_most,wall_ns,wall_ns_least,wall_ns_most,"
        "peak_over_live,mean_over_live,footprint_at_peak,left_over_live,"
        "left_footprint,left_live_bytes,left_free_ns,left_trim_ns,smallest,"
        "smallest_over_live,largest_share,small_pages_net_ns,small_pages_cpu_ns");
    for (size_t i = 0; i < compare->n_traces; i++) {
        const struct compare_trace *trace = &compare->traces[i];
        for (size_t j = 0; j < compare->entrants.n; j++)
            if (compare->entrants.list[j].present)
                write_summary_row(output->file, trace, &compare->entrants.list[j],
                                  &trace->outcomes[j]);
    }
}

void compare_write_series(const struct compare *compare, struct output *output,
                          const struct provenance *provenance) {
    if (!output->file) return;
    write_head(compare, output, provenance,
               "trace,allocator,operations,live_bytes,live_blocks,footprint,largest,"
               "wall_ns");
    for (size_t i = 0; i < compare->n_traces; i++) {
        const struct compare_trace *trace = &compare->traces[i];
        for (size_t j = 0; j < compare->entrants.n; j++) {
            const struct outcome *outcome = &trace->outcomes[j];
            if (!compare->entrants.list[j].present) continue;
            for (size_t k = 0; k < trace->reel.n_marks; k++) {
                const struct reel_mark *mark = &trace->marks[k];
                write_name(output->file, trace->name);
                fprintf(output->file, ",%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                        compare->entrants.list[j].name, mark->operations,
                        mark->live_bytes, mark->live_blocks);
                write_number(output->file, "%.0f",
                             outcome->footprint ? outcome->footprint[k] : NAN);
                write_number(output->file, "%.0f",
                             outcome->largest ? outcome->largest[k] : NAN);
                write_number(output->file, "%.3f",
                             outcome->interval_ns && k > 0 ? outcome->interval_ns[k]
                                                           : NAN);
                fputc('\n', output->file);
            }
        }
    }
}

static void write_pair_runs(FILE *file, const struct compare_trace *trace,
                            const struct entrant *entrant, const struct timing *timing,
                            const char *pages, uint64_t runs) {
    for (size_t run = 0; timing->cpu_ns && run < runs; run++) {
        write_name(file, trace->name);
        fprintf(file, ",%s,%s,%zu,%.3f,%.3f\n", entrant->name, pages, run + 1,
                timing->cpu_ns[run], timing->wall_ns[run]);
    }
}

void compare_write_runs(const struct compare *compare, struct output *output,
                        const struct provenance *provenance) {
    static const char *const pages[N_PAGES] = {"given", "small"};

    if (!output->file) return;
    write_head(compare, output, provenance, "trace,allocator,pages,run,cpu_ns,wall_ns");
    for (size_t i = 0; i < compare->n_traces; i++) {
        const struct compare_trace *trace = &compare->traces[i];
        for (size_t j = 0; j < compare->entrants.n; j++) {
            const struct outcome *outcome = &trace->outcomes[j];
            for (size_t k = 0; k < N_PAGES && !outcome->reason[0]; k++)
                write_pair_runs(output->file, trace, &compare->entrants.list[j],
                                &outcome->time[k], pages[k], compare->options.runs);
        }
    }
}
