/* SPDX-License-Identifier: MIT */
/*
 * The tables of a comparison: a row for each allocator, a column for each trace, and
 * geometric means at the right; then the scores, and what was to be reached.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare/compare_files.h"
#include "compare/goals.h"
#include "compare/penalty.h"
#include "base/units.h"

#define NAME_WIDTH 15
#define GOAL_WIDTH 46
#define COLUMN_WIDTH 9
#define COLUMNS 10 /* of traces side by side */

/* One number of an outcome. */
typedef double figure_fn(const struct outcome *outcome);

static double time_of(const struct outcome *o) { return o->time[PAGES_GIVEN].net_ns; }
static double small_pages_of(const struct outcome *o) {
    return o->time[PAGES_SMALL].net_ns;
}
static double spread_of(const struct outcome *o) {
    const struct timing *timing = &o->time[PAGES_GIVEN];

    return 100 * (timing->cpu.most - timing->cpu.least) / timing->net_ns;
}
static double peak_of(const struct outcome *o) { return o->peak; }
static double mean_of(const struct outcome *o) { return o->mean; }
static double left_of(const struct outcome *o) { return o->left_over_live; }
static double left_ms_of(const struct outcome *o) {
    return isnan(o->left_over_live) ? NAN
                                    : (double)(o->left.free_ns + o->left.trim_ns) / 1e6;
}
static double smallest_of(const struct outcome *o) { return o->smallest_over_live; }
static double largest_of(const struct outcome *o) { return 100 * o->largest_share; }

static const struct {
    unsigned measure;
    const char *title;
    figure_fn *figure;
    int digits;
} tables[] = {
    {MEASURE_TIME, "Time, ns CPU per operation less the floor, median", time_of, 2},
    {MEASURE_TIME, "Spread of it: slowest less fastest run, % of the median", spread_of,
     1},
    {MEASURE_SMALL_PAGES, "The same time where nobody is given huge pages",
     small_pages_of, 2},
    {MEASURE_FOOTPRINT, "Peak footprint over peak live bytes", peak_of, 3},
    {MEASURE_FOOTPRINT, "Mean footprint over mean live bytes", mean_of, 3},
    {MEASURE_LEFT,
     "Footprint over live bytes, 95 % of the peak's blocks freed, all given back",
     left_of, 2},
    {MEASURE_LEFT, "Time of these frees and of giving back, ms CPU", left_ms_of, 2},
    {MEASURE_SMALLEST,
     "Smallest heap over peak live bytes (mallocs: of what they map writable; -: none)",
     smallest_of, 3},
    {MEASURE_LARGEST,
     "Largest request in a heap of 1.3 x peak live, mean over the trace, % of the heap "
     "(-: the trace does not complete in it)",
     largest_of, 1},
};
enum { N_TABLES = sizeof(tables) / sizeof(tables[0]) };

static void print_cell(double value, int digits) {
    if (isnan(value))
        printf(" %*s", COLUMN_WIDTH, "-");
    else
        printf(" %*.*f", COLUMN_WIDTH, digits, value);
}

/* A trace's name above its column: its beginning; where another one begins alike, the
   beginning and the end of it. */
static void print_column_name(const struct compare *compare, size_t trace) {
    const char *name = compare->traces[trace].name;
    size_t length = strlen(name), n_alike = 0;

    for (size_t i = 0; i < compare->n_traces; i++)
        n_alike += strncmp(compare->traces[i].name, name, COLUMN_WIDTH) == 0;
    if (n_alike > 1 && length > COLUMN_WIDTH)
        printf(" %.*s~%s", COLUMN_WIDTH - 5, name, name + length - 4);
    else
        printf(" %*.*s", COLUMN_WIDTH, COLUMN_WIDTH, name);
}

/* The columns of some traces; the means after the last. */
static void print_columns(const struct compare *compare, size_t table, size_t first,
                          size_t limit) {
    bool last = limit == compare->n_traces && compare->n_traces > 1;

    printf("%-*s", NAME_WIDTH, "");
    for (size_t i = first; i < limit; i++) print_column_name(compare, i);
    if (last) printf(" %*s", COLUMN_WIDTH, "geomean");
    putchar('\n');
    for (size_t i = 1; i < compare->entrants.n; i++) {
        if (!compare->entrants.list[i].present) continue;
        printf("%-*s", NAME_WIDTH, compare->entrants.list[i].name);
        for (size_t j = first; j < limit; j++)
            print_cell(tables[table].figure(&compare->traces[j].outcomes[i]),
                       tables[table].digits);
        if (last)
            print_cell(goals_mean(compare, i, tables[table].figure),
                       tables[table].digits);
        putchar('\n');
    }
}

static void print_table(const struct compare *compare, size_t table) {
    printf("\n%s\n", tables[table].title);
    for (size_t first = 0; first < compare->n_traces; first += COLUMNS) {
        size_t left = compare->n_traces - first;
        print_columns(compare, table, first, first + (left < COLUMNS ? left : COLUMNS));
    }
}

static void print_entrants(const struct compare *compare) {
    for (size_t i = 1; i < compare->entrants.n; i++) {
        const struct entrant *entrant = &compare->entrants.list[i];
        printf("%-*s %s%s%s%s\n", NAME_WIDTH, entrant->name,
               entrant->present ? "" : "absent: ", entrant->version,
               entrant->path[0] && entrant->present ? ", " : "",
               entrant->present ? entrant->path : "");
    }
}

static void print_traces(const struct compare *compare) {
    char size[SIZE_TEXT];

    putchar('\n');
    for (size_t i = 0; i < compare->n_traces; i++) {
        const struct compare_trace *trace = &compare->traces[i];
        printf("%-24s %9" PRIu64 " operations, peak live %s in %" PRIu64 " blocks",
               trace->name, trace->reel.operations,
               format_size(size, trace->reel.peak_live_bytes),
               trace->reel.peak_live_blocks);
        const struct timing *floor = &trace->outcomes[COMPARE_FLOOR].time[PAGES_GIVEN];
        if (!isnan(floor->cpu.median)) printf("; floor %.2f ns", floor->cpu.median);
        putchar('\n');
    }
}

static void print_failures(const struct compare *compare) {
    for (size_t i = 0; i < compare->n_traces; i++) {
        for (size_t j = 0; j < compare->entrants.n; j++) {
            const struct outcome *outcome = &compare->traces[i].outcomes[j];
            if (outcome->reason[0])
                printf("\n%s on %s: %s\n", compare->entrants.list[j].name,
                       compare->traces[i].name, outcome->reason);
        }
    }
}

/* ---------------------------------------------------------------------- scores */

static void print_scores(const struct compare *compare, enum penalty_kind kind,
                         size_t first, size_t limit) {
    struct penalty rows[ENTRANTS_MAX];
    size_t n = penalty_score(compare, kind, first, limit, rows);
    bool speed = kind == PENALTY_SPEED;

    if (n == 0) return;
    printf("\n%s penalties, %s\n%-*s  (c), %%   (w), %%  best, %% worst, %%%s\n",
           speed ? "Speed" : "Space",
           limit - first == compare->n_traces ? "all traces"
                                              : compare->traces[first].name,
           NAME_WIDTH, "", speed ? "  average    median" : "");
    for (size_t i = 0; i < n; i++) {
        printf("%-*s %7.1f %8.2f %8.2f %8.2f", NAME_WIDTH,
               compare->entrants.list[rows[i].entrant].name, 100 * rows[i].count,
               100 * rows[i].weighted, 100 * rows[i].best, 100 * rows[i].worst);
        if (speed) printf(" %6.1f ns %6.1f ns", rows[i].average, rows[i].median);
        putchar('\n');
    }
}

static void print_all_scores(const struct compare *compare) {
    size_t n = compare->n_traces;

    for (size_t i = 0; i < n && n > 1 && compare->options.scores; i++) {
        print_scores(compare, PENALTY_SPEED, i, i + 1);
        print_scores(compare, PENALTY_SPACE, i, i + 1);
    }
    print_scores(compare, PENALTY_SPEED, 0, n);
    print_scores(compare, PENALTY_SPACE, 0, n);
}

static bool is_ours(const struct entrant *entrant) {
    return entrant->present && entrant->kind == ENTRANT_HANDLES;
}

/* A line where the comparison says something to it. */
static void print_goal(const struct compare *compare, const struct goal *goal,
                       bool *head) {
    double reached[ENTRANTS_MAX];
    bool known = false;

    for (size_t i = 1; i < compare->entrants.n; i++) {
        reached[i] =
            is_ours(&compare->entrants.list[i]) ? goal->reached(compare, i) : NAN;
        known = known || !isnan(reached[i]);
    }
    if (!known) return;
    if (!*head) {
        printf("\n%-*s %6s", GOAL_WIDTH, "To beat (*: not yet)", "goal");
        for (size_t i = 1; i < compare->entrants.n; i++)
            if (is_ours(&compare->entrants.list[i]))
                printf(" %*s ", NAME_WIDTH, compare->entrants.list[i].name);
        putchar('\n');
        *head = true;
    }
    printf("%-*s %6.2f", GOAL_WIDTH, goal->what, goal->most);
    for (size_t i = 1; i < compare->entrants.n; i++) {
        if (!is_ours(&compare->entrants.list[i])) continue;
        if (isnan(reached[i]))
            printf(" %*s ", NAME_WIDTH, "-");
        else
            printf(" %*.3f%c", NAME_WIDTH, reached[i],
                   reached[i] <= goal->most ? ' ' : '*');
    }
    putchar('\n');
}

static void print_goals(const struct compare *compare) {
    bool head = false;

    for (const struct goal *goal = goals; goal->what; goal++)
        print_goal(compare, goal, &head);
}

void compare_print(const struct compare *compare, const struct provenance *provenance) {
    printf("rmtool %s, %s\n%s\nhuge pages: %s; runs: %" PRIu64 ", samples: %" PRIu64
           ", seed: %" PRIu64 "\n\n",
           tool_version, provenance->machine,
           provenance->command ? provenance->command : "rmtool",
           compare->options.no_huge_pages ? "forbidden" : "as the system has it",
           compare->options.runs, compare->options.samples, compare->options.seed);
    print_entrants(compare);
    print_traces(compare);
    for (size_t i = 0; i < N_TABLES; i++)
        if (compare->options.measures & tables[i].measure) print_table(compare, i);
    print_all_scores(compare);
    print_goals(compare);
    print_failures(compare);
}
