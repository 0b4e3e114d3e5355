/* SPDX-License-Identifier: MIT */
/*
 * The tables of a comparison: a row for each allocator, a column for each trace, and
 * geometric means at the right.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare.h"
#include "units.h"

#define NAME_WIDTH 15
#define COLUMN_WIDTH 12

/* One number of an outcome; NAN where it has none. */
typedef double figure_fn(const struct outcome *outcome);

static double time_of(const struct outcome *o) { return o->timed ? o->net_ns : NAN; }
static double spread_percent(const struct outcome *o) {
    return o->timed && o->net_ns > 0 ? 100 * (o->cpu.most - o->cpu.least) / o->net_ns
                                     : NAN;
}
static double peak_of(const struct outcome *o) { return o->weighed ? o->peak : NAN; }
static double mean_of(const struct outcome *o) { return o->weighed ? o->mean : NAN; }

static void print_cell(double value, int digits) {
    if (isnan(value))
        printf(" %*s", COLUMN_WIDTH, "-");
    else
        printf(" %*.*f", COLUMN_WIDTH, digits, value);
}

static void print_head(const struct compare *compare, const char *title) {
    printf("\n%s\n%-*s", title, NAME_WIDTH, "");
    for (size_t i = 0; i < compare->n_traces; i++)
        printf(" %*.*s", COLUMN_WIDTH, COLUMN_WIDTH, compare->traces[i].name);
    printf(" %*s\n", COLUMN_WIDTH, "geomean");
}

static void print_table(const struct compare *compare, const char *title,
                        figure_fn *figure, int digits) {
    print_head(compare, title);
    for (size_t i = 1; i < compare->entrants.n; i++) {
        const struct entrant *entrant = &compare->entrants.list[i];
        double logarithms = 0;
        if (!entrant->present) continue;
        printf("%-*s", NAME_WIDTH, entrant->name);
        for (size_t j = 0; j < compare->n_traces; j++) {
            double value = figure(&compare->traces[j].outcomes[i]);
            print_cell(value, digits);
            logarithms += value > 0 ? log(value) : NAN;
        }
        print_cell(exp(logarithms / (double)compare->n_traces), digits);
        putchar('\n');
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
        printf("%-24s %9" PRIu64 " operations, peak live %s in %" PRIu64
               " blocks; floor %.2f ns\n",
               trace->name, trace->reel.operations,
               format_size(size, trace->reel.peak_live_bytes),
               trace->reel.peak_live_blocks, trace->outcomes[0].cpu.median);
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

void compare_print(const struct compare *compare) {
    print_entrants(compare);
    print_traces(compare);
    if (compare->options.runs > 0) {
        print_table(compare, "Time, ns CPU per operation less the floor, median", time_of,
                    2);
        print_table(compare, "Its spread, slowest less fastest run, %", spread_percent,
                    1);
    }
    if (compare->options.samples > 0) {
        print_table(compare, "Peak footprint over peak live bytes", peak_of, 3);
        print_table(compare, "Mean footprint over mean live bytes", mean_of, 3);
    }
    print_failures(compare);
}
