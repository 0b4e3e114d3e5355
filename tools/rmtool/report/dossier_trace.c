/* SPDX-License-Identifier: MIT */
/*
 * A section for each trace: all allocators along it, the heap map that can be zoomed, the
 * curves and step times of the two replays, locks.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/dossier.h"
#include "report/page.h"
#include "base/say.h"
#include "base/units.h"

static const struct compare_trace *compared_trace(const struct dossier *dossier,
                                                  const char *name) {
    const struct compare *compare = &dossier->loaded.compare;

    for (size_t i = 0; dossier->compared && i < compare->n_traces; i++)
        if (strcmp(compare->traces[i].name, name) == 0) return &compare->traces[i];
    return NULL;
}

/* "1,234,567" */
static void write_count(double number, FILE *to) {
    char digits[32];
    size_t n = (size_t)snprintf(digits, sizeof(digits), "%.0f", number);

    for (size_t i = 0; i < n; i++) {
        fputc(digits[i], to);
        if (i + 1 < n && (n - i - 1) % 3 == 0) fputc(',', to);
    }
}

/* What the replays were of, by the file of one of them. */
static void write_replayed(const struct dossier *dossier,
                           const struct dossier_input *replayed, FILE *to) {
    char *path = dossier_path(dossier, replayed->name, FIGURES_PLAIN);
    struct csv csv = {0};

    if (path && csv_read(&csv, path) == STATUS_OK && csv.n_rows > 0) {
        const char *heap = csv_comment(&csv, "heap", 0);
        double events = csv_number(&csv, csv.n_rows - 1, csv_column(&csv, "event"));
        double bytes = heap ? strtod(heap, NULL) : 0;
        char size[SIZE_TEXT];
        fputs("Replayed: ", to);
        write_count(isnan(events) ? 0 : events, to);
        fputs(" events", to);
        if (bytes > 0 && bytes < 1e18)
            page_format(to, ", in a region of %s", format_size(size, (uint64_t)bytes));
        fputs(".", to);
    }
    csv_finish(&csv);
    free(path);
}

static void write_facts(const struct dossier *dossier, const char *name,
                        const struct dossier_input *replayed, FILE *to) {
    const struct compare_trace *trace = compared_trace(dossier, name);
    char size[SIZE_TEXT];

    if (!trace && !replayed) return;
    fputs("<p class=\"facts\">", to);
    if (trace) {
        fputs("Compared: ", to);
        write_count((double)trace->reel.operations, to);
        page_format(to, " operations; at the peak %s live in ",
                    format_size(size, trace->reel.peak_live_bytes));
        write_count((double)trace->reel.peak_live_blocks, to);
        fputs(" blocks. ", to);
    }
    if (replayed) write_replayed(dossier, replayed, to);
    fputs("</p>\n", to);
}

/* ------------------------------------------------------------------------- locks */

/* Sums of what the steps met; false where the trace has no locks. */
static bool lock_shares(const struct csv *csv, double *blocks, double *bytes,
                        double *most) {
    int columns[4] = {csv_column(csv, "locked_blocks"), csv_column(csv, "live_blocks"),
                      csv_column(csv, "locked_bytes"), csv_column(csv, "live_bytes")};
    double sums[4] = {0};

    *most = 0;
    for (size_t i = 0; i < csv->n_rows; i++)
        for (size_t j = 0; j < 4; j++) {
            double number = csv_number(csv, i, columns[j]);
            sums[j] += isnan(number) ? 0 : number;
            if (j == 2 && number > *most) *most = number;
        }
    *blocks = sums[1] > 0 ? sums[0] / sums[1] : 0;
    *bytes = sums[3] > 0 ? sums[2] / sums[3] : 0;
    return sums[0] > 0;
}

static void write_blockers(const struct csv *csv, FILE *to) {
    static const char *const columns[] = {"block",          "size",
                                          "compactions",    "held_back_times_compactions",
                                          "most_held_back", "locked_events"};
    static const char *const heads[] = {
        "Block",          "Size",          "Compactions held up", "Held back, summed",
        "Most held back", "Locked, events"};
    const char *looked = csv_comment(csv, "compactions", 0);
    size_t n = csv->n_rows < 8 ? csv->n_rows : 8;
    char size[SIZE_TEXT];

    fputs("<h4>Who blocks what</h4><p>Compactions: ", to);
    page_text(to, looked ? looked : "not said");
    page_format(to,
                ". Free memory below the highest locked block is held back by the next "
                "locked block above it; %zu blocks did so%s.",
                csv->n_rows, csv->n_rows > n ? ", of which these held back most" : "");
    fputs("</p><div class=\"wide\"><table class=\"sortable\"><thead><tr>", to);
    for (size_t i = 0; i < 6; i++) fprintf(to, "<th scope=\"col\">%s</th>", heads[i]);
    fputs("</tr></thead><tbody>\n", to);
    for (size_t row = 0; row < n; row++) {
        fputs("<tr>", to);
        for (size_t i = 0; i < 6; i++) {
            double number = csv_number(csv, row, csv_column(csv, columns[i]));
            bool bytes = i == 1 || i == 3 || i == 4;
            if (isnan(number)) number = 0;
            fprintf(to, "<td data-value=\"%.0f\">", number);
            if (bytes)
                page_text(to, format_size(size, number < 1e18 ? (uint64_t)number : 0));
            else
                fprintf(to, "%.0f", number);
            fputs("</td>", to);
        }
        fputs("</tr>\n", to);
    }
    fputs("</tbody></table></div>\n", to);
}

int dossier_locks(const struct dossier *dossier, const struct dossier_input *replayed,
                  FILE *to) {
    char *steps_path = dossier_path(dossier, replayed->name, FIGURES_STEPS);
    char *blockers_path = dossier_path(dossier, replayed->name, FIGURES_BLOCKERS);
    struct csv steps = {0}, blockers = {0};
    double blocks, bytes, most;
    char size[SIZE_TEXT];
    int status = steps_path && blockers_path ? STATUS_OK : STATUS_IO;

    if (status == STATUS_OK) status = csv_read(&steps, steps_path);
    if (status == STATUS_OK) status = csv_read(&blockers, blockers_path);
    if (status == STATUS_OK && lock_shares(&steps, &blocks, &bytes, &most)) {
        fputs("<h4>Locks</h4><p>", to);
        page_format(
            to,
            "Over %zu steps of compaction %.3f %% of the blocks and %.2f %% of the "
            "bytes were locked, at most %s at once.",
            steps.n_rows, 100 * blocks, 100 * bytes,
            format_size(size, most < 1e18 ? (uint64_t)most : 0));
        fputs("</p>\n", to);
        if (blockers.n_rows > 0) write_blockers(&blockers, to);
    }
    csv_finish(&steps);
    csv_finish(&blockers);
    free(steps_path);
    free(blockers_path);
    return status;
}

/* -------------------------------------------------------------------------- map */

static int write_map(const struct dossier *dossier, const char *trace,
                     const struct dossier_input *replayed, FILE *to) {
    char of[FIGURES_NAME + 32];
    int status;

    fputs("<div class=\"heapmap\" data-map=\"map-", to);
    page_name(to, trace);
    fputs("\"></div>\n<script type=\"application/json\" id=\"map-", to);
    page_name(to, trace);
    fputs("\">", to);
    status = dossier_map(dossier, replayed->name, to);
    fputs("</script>\n<div class=\"still\">", to);
    snprintf(of, sizeof(of), "plain='%s" FIGURES_PLAIN_MAP "'", replayed->name);
    if (status == STATUS_OK)
        status = dossier_figure(dossier, dossier_picture(dossier, "heapmap", of, 0),
                                "What the heap holds, by address and time: without "
                                "compaction at the left, with "
                                "it at the right.",
                                to);
    fputs("</div>\n", to);
    return status;
}

/* The pictures of the two replays that stand beside the map. */
static int write_replays(const struct dossier *dossier,
                         const struct dossier_input *replayed, FILE *to) {
    static const struct {
        const char *script, *variable, *ending, *caption;
    } plates[] = {
        {"fragmentation", "plain", FIGURES_PLAIN,
         "Fragmentation without and with compaction, in a region that just holds the run "
         "without it."},
        {"steps", "steps", FIGURES_STEPS,
         "How long the steps of compaction took that move at most 64 KiB each."},
        {"memory", "plain", FIGURES_PLAIN_GROW,
         "Live bytes and footprint of two heaps that grow."},
        {"free", "plain", FIGURES_PLAIN,
         "The largest free piece, and the share of free memory that a request of some "
         "size "
         "could not use."},
    };
    int status = STATUS_OK;

    for (size_t i = 0; i < 4 && status == STATUS_OK; i++) {
        char of[FIGURES_NAME + 48];
        if (i == 2)
            fputs("<details class=\"more\"><summary>More of these replays: footprint, "
                  "free memory</summary>\n",
                  to);
        snprintf(of, sizeof(of), "%s='%s%s'", plates[i].variable, replayed->name,
                 plates[i].ending);
        status =
            dossier_figure(dossier, dossier_picture(dossier, plates[i].script, of, 0),
                           plates[i].caption, to);
    }
    fputs("</details>\n", to);
    return status;
}

static int write_trace(const struct dossier *dossier, const char *name, FILE *to) {
    const struct dossier_input *replayed = dossier_replayed(dossier, name);
    char of[FIGURES_NAME + 32];
    int status;

    fputs("<section class=\"trace\" id=\"trace-", to);
    page_name(to, name);
    fputs("\"><h3>", to);
    page_text(to, name);
    fputs("</h3>\n", to);
    write_facts(dossier, name, replayed, to);
    snprintf(of, sizeof(of), "trace='%s'", name);
    status =
        dossier_figure(dossier, dossier_picture(dossier, "along", of, 0),
                       "All allocators along the trace: footprint, and the share of it "
                       "that is not live: "
                       "fragmentation as it is seen from outside, whatever its cause.",
                       to);
    if (replayed) {
        if (status == STATUS_OK) status = write_map(dossier, name, replayed, to);
        if (status == STATUS_OK) status = dossier_locks(dossier, replayed, to);
        if (status == STATUS_OK) status = write_replays(dossier, replayed, to);
    }
    fputs("</section>\n", to);
    return status;
}

int dossier_traces(const struct dossier *dossier, FILE *to) {
    int status = STATUS_OK;

    if (dossier->n_traces == 0) return STATUS_OK;
    fputs("<section id=\"traces\"><h2>Trace by trace</h2>\n", to);
    for (size_t i = 0; i < dossier->n_traces && status == STATUS_OK; i++)
        status = write_trace(dossier, dossier->traces[i], to);
    fputs("</section>\n", to);
    return status;
}
