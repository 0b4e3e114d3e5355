/* SPDX-License-Identifier: MIT */
/*
 * What a comparison has found: tables that can be sorted, goals, bars.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/dossier.h"
#include "compare/goals.h"
#include "report/page.h"
#include "base/say.h"
#include "base/units.h"

typedef double figure_fn(const struct outcome *outcome);

static double time_of(const struct outcome *o) { return o->time[PAGES_GIVEN].net_ns; }
static double small_of(const struct outcome *o) { return o->time[PAGES_SMALL].net_ns; }
static double peak_of(const struct outcome *o) { return o->peak; }
static double mean_of(const struct outcome *o) { return o->mean; }
static double left_of(const struct outcome *o) { return o->left_over_live; }
static double smallest_of(const struct outcome *o) { return o->smallest_over_live; }
static double largest_of(const struct outcome *o) { return 100 * o->largest_share; }
static double spread_of(const struct outcome *o) {
    const struct timing *timing = &o->time[PAGES_GIVEN];

    return 100 * (timing->cpu.most - timing->cpu.least) / timing->cpu.median;
}

static const struct measure {
    const char *head, *unit, *title;
    figure_fn *figure;
    int digits;
    bool most_is_best, bar;
} measures[] = {
    {"Time", "ns", "CPU time of an operation, less the replay's own", time_of, 2, false,
     true},
    {"Spread", "%", "Slowest less fastest run, over the median", spread_of, 1, false,
     false},
    {"Small pages", "ns", "The same time where nobody is given huge pages", small_of, 2,
     false, true},
    {"Peak", "× live", "Most footprint over most live bytes", peak_of, 3, false, true},
    {"Mean", "× live", "Mean footprint over mean live bytes", mean_of, 3, false, true},
    {"5 % left", "× live", "Footprint when 95 % of the peak's blocks are freed", left_of,
     2, false, true},
    {"Smallest heap", "× peak", "The smallest heap in which the trace completes",
     smallest_of, 3, false, true},
    {"Largest request", "%", "Largest request in a heap of 1.3 times the peak",
     largest_of, 1, true, true},
};
enum { N_MEASURES = sizeof(measures) / sizeof(measures[0]) };

/* ------------------------------------------------------------------------ cells */

static bool measured(const struct compare *compare, const struct measure *measure) {
    for (size_t i = 0; i < compare->n_traces; i++)
        for (size_t j = 1; j < compare->entrants.n; j++)
            if (!isnan(measure->figure(&compare->traces[i].outcomes[j]))) return true;
    return false;
}

static bool shown(const struct compare *compare, size_t entrant) {
    return entrant > 0 && compare->entrants.list[entrant].present;
}

static void write_name(const char *name, FILE *to) {
    fputs("<th scope=\"row\"><span class=\"dot\" data-allocator=\"", to);
    page_text(to, name);
    fputs("\"></span>", to);
    page_text(to, name);
    fputs("</th>", to);
}

/* A number with its bar. best and most: of its row or column. */
static void write_cell(double value, const struct measure *measure, double best,
                       double most, FILE *to) {
    if (isnan(value)) {
        fputs("<td class=\"none\">–</td>", to);
        return;
    }
    fprintf(to, "<td data-value=\"%.6g\"", value);
    if (measure->bar && value == best) fputs(" class=\"best\"", to);
    if (measure->bar && most > 0)
        fprintf(to, " style=\"--share:%.3f\"", fmin(1, value / most));
    if (fabs(value) < 1e6)
        fprintf(to, ">%.*f</td>", measure->digits, value);
    else
        fprintf(to, ">%.3g</td>", value);
}

static void extremes(const double *values, size_t n, bool most_is_best, double *best,
                     double *most) {
    *best = *most = NAN;
    for (size_t i = 0; i < n; i++) {
        *most = fmax(*most, values[i]);
        *best = most_is_best ? fmax(*best, values[i]) : fmin(*best, values[i]);
    }
}

static void write_head(const struct measure *measure, FILE *to) {
    fprintf(to, "<th scope=\"col\" title=\"%s\">%s <small>%s</small></th>",
            measure->title, measure->head, measure->unit);
}

/* ----------------------------------------------------------------------- tables */

/* A row for each allocator: means over all traces. */
static void write_overview(const struct compare *compare, size_t ours, FILE *to) {
    double means[N_MEASURES][ENTRANTS_MAX], best[N_MEASURES], most[N_MEASURES];
    bool wanted[N_MEASURES];

    fputs("<div class=\"wide\"><table class=\"sortable overview\"><thead><tr>"
          "<th scope=\"col\">Allocator</th>",
          to);
    for (size_t i = 0; i < N_MEASURES; i++) {
        wanted[i] = measured(compare, &measures[i]);
        if (!wanted[i]) continue;
        write_head(&measures[i], to);
        for (size_t j = 0; j < compare->entrants.n; j++)
            means[i][j] =
                shown(compare, j) ? goals_mean(compare, j, measures[i].figure) : NAN;
        extremes(means[i], compare->entrants.n, measures[i].most_is_best, &best[i],
                 &most[i]);
    }
    fputs("</tr></thead><tbody>\n", to);
    for (size_t j = 1; j < compare->entrants.n; j++) {
        if (!shown(compare, j)) continue;
        fprintf(to, "<tr%s>", j == ours ? " class=\"ours\"" : "");
        write_name(compare->entrants.list[j].name, to);
        for (size_t i = 0; i < N_MEASURES; i++)
            if (wanted[i]) write_cell(means[i][j], &measures[i], best[i], most[i], to);
        fputs("</tr>\n", to);
    }
    fprintf(to,
            "</tbody></table></div>\n<p class=\"note\">Geometric means over %zu "
            "trace%s; a dash where one of them has no figure. Bold: the best of its "
            "column. Less is better everywhere%s. A click on a column's head sorts by "
            "it.</p>\n",
            compare->n_traces, compare->n_traces > 1 ? "s" : "",
            measured(compare, &measures[N_MEASURES - 1]) ? " but for the largest request"
                                                         : "");
}

/* A row for each trace, a column for each allocator. */
static void write_by_trace(const struct compare *compare, const struct measure *measure,
                           FILE *to) {
    fprintf(to,
            "<details class=\"more\"><summary>%s, by trace <small>%s</small></summary>"
            "<div class=\"wide\"><table class=\"sortable\"><thead><tr>"
            "<th scope=\"col\">Trace</th>",
            measure->head, measure->unit);
    for (size_t j = 1; j < compare->entrants.n; j++) {
        if (!shown(compare, j)) continue;
        fputs("<th scope=\"col\">", to);
        page_text(to, compare->entrants.list[j].name);
        fputs("</th>", to);
    }
    fputs("</tr></thead><tbody>\n", to);
    for (size_t i = 0; i < compare->n_traces; i++) {
        double values[ENTRANTS_MAX], best, most;
        for (size_t j = 0; j < compare->entrants.n; j++)
            values[j] = shown(compare, j)
                            ? measure->figure(&compare->traces[i].outcomes[j])
                            : NAN;
        extremes(values, compare->entrants.n, measure->most_is_best, &best, &most);
        fputs("<tr><th scope=\"row\"><a href=\"#trace-", to);
        page_name(to, compare->traces[i].name);
        fputs("\">", to);
        page_text(to, compare->traces[i].name);
        fputs("</a></th>", to);
        for (size_t j = 1; j < compare->entrants.n; j++)
            if (shown(compare, j)) write_cell(values[j], measure, best, most, to);
        fputs("</tr>\n", to);
    }
    fprintf(to, "</tbody></table></div><p class=\"note\">%s.</p></details>\n",
            measure->title);
}

/* Who takes part, in which version; who is not there, and who failed. */
static void write_entrants(const struct compare *compare, FILE *to) {
    fputs("<p class=\"note\">Versions:", to);
    for (size_t i = 1; i < compare->entrants.n; i++) {
        const struct entrant *entrant = &compare->entrants.list[i];
        page_format(to, "%s %s%s %s", i > 1 ? "," : "", entrant->name,
                    entrant->present ? "" : " (absent)", entrant->version);
    }
    fputs(".</p>\n", to);
    for (size_t i = 0; i < compare->n_traces; i++)
        for (size_t j = 0; j < compare->entrants.n; j++)
            if (compare->traces[i].outcomes[j].reason[0]) {
                fputs("<p class=\"note failed\">", to);
                page_format(to, "%s failed on %s: %s", compare->entrants.list[j].name,
                            compare->traces[i].name,
                            compare->traces[i].outcomes[j].reason);
                fputs("</p>\n", to);
            }
}

/* ------------------------------------------------------------------------ goals */

static void write_goals(const struct compare *compare, size_t ours, FILE *to) {
    bool any = false;

    for (const struct goal *goal = goals; goal->what && ours > 0; goal++) {
        double reached = goal->reached(compare, ours);
        if (isnan(reached)) continue;
        if (!any)
            fputs("<h3>What was to be reached</h3><div class=\"wide\"><table "
                  "class=\"sortable goals\"><thead><tr><th scope=\"col\">Figure</th><th "
                  "scope=\"col\">Goal, at most</th><th scope=\"col\">Reached</th><th "
                  "scope=\"col\">Verdict</th></tr></thead><tbody>\n",
                  to);
        any = true;
        bool met = reached <= goal->most;
        fputs("<tr><th scope=\"row\">", to);
        page_text(to, goal->what);
        fprintf(to,
                "</th><td data-value=\"%g\">%.2f</td><td data-value=\"%g\">%.3f</td>"
                "<td class=\"%s\" data-value=\"%g\">%s</td></tr>\n",
                goal->most, goal->most, reached, reached, met ? "met" : "missed",
                reached / goal->most, met ? "✓ met" : "✗ not yet");
    }
    if (any) fputs("</tbody></table></div>\n", to);
}

int dossier_compare(const struct dossier *dossier, FILE *to) {
    const struct compare *compare = &dossier->loaded.compare;
    int status;

    if (!dossier->compared) return STATUS_OK;
    fputs("<section id=\"comparison\"><h2>The allocators</h2>\n", to);
    write_overview(compare, dossier_ours(dossier), to);
    for (size_t i = 0; i < N_MEASURES; i++)
        if (measures[i].bar && measured(compare, &measures[i]))
            write_by_trace(compare, &measures[i], to);
    write_entrants(compare, to);
    status =
        dossier_figure(dossier, dossier_picture(dossier, "compare", "measure='time'", 0),
                       "Time of an operation on each trace: CPU time, median of the "
                       "runs, less the time of "
                       "the same replay without an allocator.",
                       to);
    if (status == STATUS_OK)
        status = dossier_figure(
            dossier, dossier_picture(dossier, "compare", "measure='footprint'", 0),
            "Footprint on each trace, as a multiple of the bytes that the program had "
            "asked for: the most over the most, and the mean over the mean.",
            to);
    write_goals(compare, dossier_ours(dossier), to);
    fputs("</section>\n", to);
    return status;
}
