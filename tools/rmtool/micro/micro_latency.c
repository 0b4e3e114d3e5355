/* SPDX-License-Identifier: MIT */
/*
 * How long a thread waits for a lock and for a block while the library's own thread
 * compacts without end, beside the same without compaction, and beside the clock alone:
 * see latency.h. Runs take turns, and the times of all rounds are one distribution.
 */
#include "micro/micro.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "micro/latency.h"
#include "base/say.h"

enum { ALONE, PLAIN, BACKGROUND, N_RUNS };

static const struct {
    const char *name;
    rm_compaction_t policy;
    bool alone;
} runs[N_RUNS] = {
    [ALONE] = {"nothing else runs", RM_COMPACT_MANUAL, true},
    [PLAIN] = {"no compaction", RM_COMPACT_MANUAL, false},
    [BACKGROUND] = {"background compaction", RM_COMPACT_BACKGROUND, false},
};

static const struct {
    const char *name;
    double goal_us; /* what 99.99 % keep within beside compaction; 0: none */
} calls[LATENCY_CALLS] = {
    [LATENCY_CLOCK] = {"two clock reads", 0},
    [LATENCY_LOCK] = {"rmlock", 10},
    [LATENCY_ALLOC] = {"rmalloc", 50},
};

static const struct {
    const char *name;
    double share;
    bool goal;
} quantiles[] = {{"half within", 0.5, false},
                 {"99 % within", 0.99, false},
                 {"99.9 % within", 0.999, false},
                 {"99.99 % within", 0.9999, true},
                 {"longest", 1, false}};
enum { N_QUANTILES = sizeof(quantiles) / sizeof(quantiles[0]) };

enum { BINS = 10 }; /* of a histogram, for each tenfold time, and of a curve likewise */

struct results {
    struct latency latency[N_RUNS];
};

static struct micro_row *add_detail(struct micro *micro, double value, const char *unit,
                                    const char *what, size_t call, size_t run) {
    struct micro_row *row = micro_add(micro, value, unit, "%s of %s; %s", what,
                                      calls[call].name, runs[run].name);

    if (row) row->detail = true;
    return row;
}

/* From most calls to the last one, ten points for each tenfold rarer event. */
static int add_curve(struct micro *micro, const struct histogram *times, size_t call,
                     size_t run) {
    for (int i = 0;; i++) {
        double longer = pow(10, -i / (double)BINS);
        if (longer * (double)times->count < 1) return STATUS_OK;
        double ns = (double)histogram_quantile(times, 1 - longer);
        struct micro_row *row = add_detail(micro, ns / 1000, "us", "curve", call, run);
        if (!row) return STATUS_IO;
        micro_x(row, longer, "share longer");
    }
}

/* The share of the calls from x to the next bin. */
static int add_histogram(struct micro *micro, const struct histogram *times, size_t call,
                         size_t run) {
    double share = 0, bin = 0;

    for (unsigned i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        bool end = i == HISTOGRAM_BUCKETS;
        double ns = end ? 0 : fmax((double)histogram_last(i), 1);
        double next = end ? -1 : floor(BINS * log10(ns));
        if (next != bin && share > 0) {
            struct micro_row *row =
                add_detail(micro, 100 * share, "%", "histogram", call, run);
            if (!row) return STATUS_IO;
            micro_x(row, pow(10, bin / BINS) / 1000, "us");
            share = 0;
        }
        bin = next;
        if (!end) share += histogram_share(times, i);
    }
    return STATUS_OK;
}

static int report_call(struct micro *micro, const struct histogram *times, size_t call,
                       size_t run) {
    for (size_t i = 0; i < N_QUANTILES; i++) {
        double ns = (double)histogram_quantile(times, quantiles[i].share);
        struct micro_row *row =
            micro_add(micro, ns / 1000, "us", "%s, %s, %s", calls[call].name,
                      runs[run].name, quantiles[i].name);
        if (!row) return STATUS_IO;
        if (quantiles[i].goal && run == BACKGROUND && calls[call].goal_us > 0)
            micro_at_most(row, calls[call].goal_us);
    }
    if (!add_detail(micro, (double)times->count, "", "number", call, run))
        return STATUS_IO;
    int status = add_curve(micro, times, call, run);
    return status ? status : add_histogram(micro, times, call, run);
}

/* What the library's thread did: whether there was something to wait for. */
static int report_thread(struct micro *micro, const struct latency *latency) {
    const rm_stats_t *stats = &latency->stats;
    double seconds = (double)latency->wall_ns / micro->rounds / 1e9;
    const struct {
        const char *what, *unit;
        double value;
    } rows[] = {
        {"its thread: at work", "%",
         (double)stats->background_nanoseconds / seconds / 1e7},
        {"its thread: moved", "MB/s", (double)stats->background_moved / seconds / 1e6},
        {"its thread: steps", "/s", (double)stats->background_steps / seconds},
        {"its thread: nothing achieved", "/s",
         (double)stats->background_backoffs / seconds},
        {"moves made void", "/s", (double)stats->voided / seconds},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!micro_add(micro, rows[i].value, rows[i].unit, "%s, %s",
                       runs[BACKGROUND].name, rows[i].what))
            return STATUS_IO;
    return STATUS_OK;
}

static int report(struct micro *micro, const struct results *results) {
    int status = STATUS_OK;

    for (size_t run = 0; run < N_RUNS && status == STATUS_OK; run++) {
        const struct latency *latency = &results->latency[run];
        for (size_t call = 0; call < LATENCY_CALLS && status == STATUS_OK; call++)
            if (latency->times[call].count > 0)
                status = report_call(micro, &latency->times[call], call, run);
        if (run == BACKGROUND && status == STATUS_OK)
            status = report_thread(micro, latency);
    }
    return status;
}

int micro_latency(struct micro *micro) {
    struct results *results = calloc(1, sizeof(*results));
    int status = results ? STATUS_OK : complain(STATUS_IO, "no memory for distributions");

    for (unsigned round = 0; round < micro->rounds && status == STATUS_OK; round++) {
        for (size_t i = 0; i < N_RUNS && status == STATUS_OK; i++) {
            size_t run = (i + round) % N_RUNS;
            struct latency *latency = &results->latency[run];
            latency->alone = runs[run].alone;
            latency->policy = runs[run].policy;
            latency->run_ns = micro->run_ns;
            latency->seed = micro->seed + round;
            status = latency_run(latency);
        }
        progress_update(round + 1, micro->rounds);
    }
    if (status == STATUS_OK) status = report(micro, results);
    free(results);
    return status;
}
