/* SPDX-License-Identifier: MIT */
/*
 * How a report begins: its title, what was measured, where, when and with which command, and
 * the figures that say most.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/dossier.h"
#include "compare/goals.h"
#include "report/page.h"
#include "base/say.h"
#include "base/units.h"

typedef double figure_fn(const struct outcome *outcome);

static double time_of(const struct outcome *o) { return o->time[PAGES_GIVEN].net_ns; }
static double peak_of(const struct outcome *o) { return o->peak; }
static double mean_of(const struct outcome *o) { return o->mean; }
static double left_of(const struct outcome *o) { return o->left_over_live; }

static size_t count_inputs(const struct dossier *dossier, enum dossier_kind kind) {
    size_t n = 0;

    for (size_t i = 0; i < dossier->n_inputs; i++) n += dossier->inputs[i].kind == kind;
    return n;
}

static size_t count_present(const struct compare *compare) {
    size_t n = 0;

    for (size_t i = 1; i < compare->entrants.n; i++)
        n += compare->entrants.list[i].present;
    return n;
}

/* ------------------------------------------------------------------------ title */

void dossier_title(const struct dossier *dossier, FILE *to) {
    const struct compare *compare = &dossier->loaded.compare;
    size_t n = dossier->n_traces;

    if (dossier->title)
        page_text(to, dossier->title);
    else if (dossier->compared)
        fprintf(to, "%zu allocators on %zu trace%s", count_present(compare),
                compare->n_traces, compare->n_traces > 1 ? "s" : "");
    else if (n == 1)
        page_format(to, "A heap over time: %s", dossier->traces[0]);
    else if (n > 0)
        fprintf(to, "Heaps over time: %zu traces", n);
    else if (dossier->n_sessions > 0)
        fputs(dossier->n_sessions > 1 ? "A browser’s sessions" : "A browser’s session",
              to);
    else if (count_inputs(dossier, DOSSIER_LOCKS) > 0)
        fputs("What a program would lock", to);
    else
        fputs("What no trace shows", to);
}

void dossier_contents(const struct dossier *dossier, FILE *to) {
    fputs("<ul>", to);
    if (dossier->compared)
        fputs("<li><a href=\"#comparison\">The allocators</a></li>", to);
    if (count_inputs(dossier, DOSSIER_MICRO) > 0)
        fputs("<li><a href=\"#latency\">Latency</a></li>", to);
    if (count_inputs(dossier, DOSSIER_LOCKS) > 0)
        fputs("<li><a href=\"#locks\">Locks</a></li>", to);
    if (dossier->n_sessions > 0) fputs("<li><a href=\"#sessions\">Sessions</a></li>", to);
    for (size_t i = 0; i < dossier->n_traces; i++) {
        fputs("<li class=\"trace\"><a href=\"#trace-", to);
        page_name(to, dossier->traces[i]);
        fputs("\">", to);
        page_text(to, dossier->traces[i]);
        fputs("</a></li>", to);
    }
    fputs("<li><a href=\"#data\">Data and commands</a></li></ul>", to);
}

/* -------------------------------------------------------------------- paragraphs */

void dossier_date(const char *date, FILE *to) {
    struct tm when = {0};
    char text[64];

    if (date && strptime(date, "%Y-%m-%dT%H:%M:%SZ", &when) &&
        strftime(text, sizeof(text), "%e %B %Y", &when) > 0)
        page_text(to, text + (*text == ' '));
    else
        page_text(to, date && *date ? date : "but its file does not say when");
}

static void write_compared(const struct dossier *dossier, FILE *to) {
    const struct loaded *loaded = &dossier->loaded;
    const struct compare *compare = &loaded->compare;
    uint64_t operations = 0;

    for (size_t i = 0; i < compare->n_traces; i++)
        operations += compare->traces[i].reel.operations;
    page_format(to, "%zu trace%s of what programs allocate, reallocate and free, ",
                compare->n_traces, compare->n_traces > 1 ? "s" : "");
    page_format(to, "%.1f million operations in all, ", (double)operations / 1e6);
    page_format(to, "%s replayed on %zu allocators",
                compare->n_traces > 1 ? "were" : "was", count_present(compare));
    if (compare->options.runs > 0)
        page_format(to, ", %" PRIu64 " timed runs each", compare->options.runs);
    fputs(": interleaved, each run in a process of its own. Measured with ", to);
    page_text(to, *loaded->version ? loaded->version : "rmtool");
    fputs(" on ", to);
    page_text(to, *loaded->machine ? loaded->machine
                                   : "a machine that its file does not name");
    fputs(", ", to);
    dossier_date(loaded->date, to);
    fputs(".", to);
}

static void write_method(FILE *to) {
    fputs(
        "<p class=\"note\">Times are CPU time, page faults included, less what the same "
        "replay takes without an allocator. Footprints are what the kernel counts for "
        "the "
        "process, over the bytes that the program had asked for. rmalloc locks and "
        "unlocks "
        "each block that is written to, which the others need not; its figures above are "
        "geometric means over the traces.</p>\n",
        to);
}

static void write_replayed(const struct dossier *dossier, size_t n, FILE *to) {
    page_format(
        to,
        "The heap maps, curves and step times of %zu trace%s are of rmalloc alone: "
        "one replay without compaction, one with it, in a region of memory that "
        "just holds the former. Made with rmtool %s on %s, ",
        n, n > 1 ? "s" : "", tool_version, dossier->provenance.machine);
    dossier_date(dossier->provenance.date, to);
    fputs(".", to);
}

static void write_command(const char *command, FILE *to) {
    if (!command || !*command) return;
    fputs("<pre class=\"command\"><code>", to);
    page_text(to, command);
    fputs("</code></pre>\n", to);
}

/* ------------------------------------------------------------------------ cards */

static void write_card(FILE *to, const char *figure, const char *unit, const char *what,
                       const char *beside) {
    fputs("<li><strong>", to);
    page_text(to, figure);
    fputs("<small>", to);
    page_text(to, unit);
    fputs("</small></strong><span>", to);
    page_text(to, what);
    fputs("</span>", to);
    if (*beside) {
        fputs("<em>", to);
        page_text(to, beside);
        fputs("</em>", to);
    }
    fputs("</li>\n", to);
}

/* A mean of ours, and how it stands to glibc's. */
static void write_mean(const struct compare *compare, size_t ours, figure_fn *figure,
                       const char *format, const char *unit, const char *what, FILE *to)
    __attribute__((format(printf, 4, 0)));

static void write_mean(const struct compare *compare, size_t ours, figure_fn *figure,
                       const char *format, const char *unit, const char *what, FILE *to) {
    double mean = goals_mean(compare, ours, figure), peer = NAN;
    char number[400], beside[200] = "";

    if (isnan(mean)) return;
    for (size_t i = 1; i < compare->entrants.n; i++)
        if (compare->entrants.list[i].present &&
            strcmp(compare->entrants.list[i].name, "glibc") == 0)
            peer = goals_mean(compare, i, figure);
    if (!isnan(peer))
        snprintf(beside, sizeof(beside), "%.2f × glibc’s %.3g", mean / peer, peer);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(number, sizeof(number), format, mean);
#pragma GCC diagnostic pop
    write_card(to, number, unit, what, beside);
}

/* The mean of a column over all rows of all traces' files that have it; NAN where none has. */
static double mean_of_files(const struct dossier *dossier, const char *ending,
                            const char *column) {
    double sum = 0, n = 0;

    for (size_t i = 0; i < dossier->n_inputs; i++) {
        const struct dossier_input *input = &dossier->inputs[i];
        struct csv csv = {0};
        if (input->kind != DOSSIER_TRACE || !dossier_has(dossier, input->name, ending))
            continue;
        char *path = dossier_path(dossier, input->name, ending);
        if (path && csv_read(&csv, path) == STATUS_OK && csv.n_rows > 0) {
            double own = 0;
            for (size_t j = 0; j < csv.n_rows; j++)
                own += csv_number(&csv, j, csv_column(&csv, column));
            sum += own / (double)csv.n_rows;
            n++;
        }
        csv_finish(&csv);
        free(path);
    }
    return n > 0 ? sum / n : NAN;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The steps of all traces as one: what 99 % of them keep within. NAN where there are none. */
static double step_quantile(const struct dossier *dossier, double share) {
    double *times = NULL, result = NAN;
    size_t n = 0;

    for (size_t i = 0; i < dossier->n_inputs; i++) {
        const struct dossier_input *input = &dossier->inputs[i];
        struct csv csv = {0};
        if (input->kind != DOSSIER_TRACE ||
            !dossier_has(dossier, input->name, FIGURES_STEPS))
            continue;
        char *path = dossier_path(dossier, input->name, FIGURES_STEPS);
        if (path && csv_read(&csv, path) == STATUS_OK && csv.n_rows > 0) {
            double *more = realloc(times, (n + csv.n_rows) * sizeof(*times));
            if (more) times = more;
            for (size_t j = 0; more && j < csv.n_rows; j++)
                times[n++] = csv_number(&csv, j, csv_column(&csv, "nanoseconds"));
        }
        csv_finish(&csv);
        free(path);
    }
    if (n > 0) {
        qsort(times, n, sizeof(*times), by_value);
        result = times[(size_t)(share * (double)(n - 1))];
    }
    free(times);
    return result;
}

/* As format_ns does, with the letter that micro is written with. */
static const char *write_ns(char text[SIZE_TEXT], double ns) {
    char *micro;

    format_ns(text, (uint64_t)ns);
    micro = strstr(text, " us");
    if (micro) strcpy(micro, " µs");
    return text;
}

static void write_replay_cards(const struct dossier *dossier, FILE *to) {
    double plain = mean_of_files(dossier, FIGURES_PLAIN, "external_fragmentation");
    double compacted =
        mean_of_files(dossier, FIGURES_COMPACTED, "external_fragmentation");
    double half = step_quantile(dossier, 0.5), most = step_quantile(dossier, 0.99);
    char number[SIZE_TEXT + 1], other[SIZE_TEXT + 1], beside[200];

    if (!isnan(plain) && !isnan(compacted)) {
        snprintf(number, sizeof(number), "%.1f", 100 * compacted);
        snprintf(beside, sizeof(beside), "%.1f %% without compaction", 100 * plain);
        write_card(to, number, "%", "of free memory outside its largest piece", beside);
    }
    if (!isnan(half) && half < 1e15 && most < 1e15) {
        write_ns(number, most);
        char *unit = strchr(number, ' ');
        if (unit) *unit++ = '\0';
        snprintf(beside, sizeof(beside), "half within %s", write_ns(other, half));
        write_card(to, number, unit ? unit : "",
                   "is what 99\u00a0% of compaction’s steps keep within", beside);
    }
}

static void write_cards(const struct dossier *dossier, bool replayed, FILE *to) {
    const struct compare *compare = &dossier->loaded.compare;
    size_t ours = dossier_ours(dossier);

    if (ours == 0 && !replayed) return;
    fputs("<ul class=\"cards\">\n", to);
    if (ours > 0) {
        write_mean(compare, ours, time_of, "%.1f", "ns", "CPU time of an operation", to);
        write_mean(compare, ours, mean_of, "%.2f", "× live", "mean footprint", to);
        write_mean(compare, ours, peak_of, "%.2f", "× live", "peak footprint", to);
        write_mean(compare, ours, left_of, "%.2f", "× live",
                   "footprint when 95\u00a0% is freed", to);
    }
    if (replayed) write_replay_cards(dossier, to);
    fputs("</ul>\n", to);
}

int dossier_lead(const struct dossier *dossier, FILE *to) {
    size_t replayed = count_inputs(dossier, DOSSIER_TRACE);

    if (dossier->compared) {
        fputs("<p class=\"lead\">", to);
        write_compared(dossier, to);
        fputs("</p>\n", to);
    } else if (replayed > 0) {
        fputs("<p class=\"lead\">", to);
        write_replayed(dossier, replayed, to);
        fputs("</p>\n", to);
    }
    write_cards(dossier, replayed > 0, to);
    if (dossier->compared) {
        write_method(to);
        write_command(dossier->loaded.command, to);
    }
    if (dossier->compared && replayed > 0) {
        fputs("<p class=\"note\">", to);
        write_replayed(dossier, replayed, to);
        fputs("</p>\n", to);
    }
    write_command(dossier->provenance.command, to);
    return STATUS_OK;
}
