/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "compare_files.h"
#include "goals.h"
#include "penalty.h"
#include "say.h"

/* jansson passes a failed allocation on: setting a member of NULL fails, and so does
   printing it in the end. */
static void set_count(json_t *object, const char *key, uint64_t count) {
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

/* What is no number is null. */
static json_t *number(double value) {
    return isnan(value) ? json_null() : json_real(value);
}

static void set_real(json_t *object, const char *key, double value) {
    json_object_set_new(object, key, number(value));
}

/* A name that is not UTF-8 cannot be written. */
static void set_text(json_t *object, const char *key, const char *text) {
    json_t *string = json_string(text);

    json_object_set_new(object, key, string ? string : json_string("(not UTF-8)"));
}

static void set_spread(json_t *object, const char *key, const struct spread *spread) {
    json_t *member = json_object();

    set_real(member, "median", spread->median);
    set_real(member, "least", spread->least);
    set_real(member, "most", spread->most);
    json_object_set_new(object, key, member);
}

static json_t *entrants_array(const struct compare *compare) {
    json_t *array = json_array();

    for (size_t i = 1; i < compare->entrants.n; i++) {
        const struct entrant *entrant = &compare->entrants.list[i];
        json_t *object = json_object();
        set_text(object, "name", entrant->name);
        json_object_set_new(object, "present", json_boolean(entrant->present));
        set_text(object, entrant->present ? "version" : "reason", entrant->version);
        if (entrant->path[0]) set_text(object, "library", entrant->path);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *outcome_object(const struct entrant *entrant,
                              const struct outcome *outcome) {
    json_t *object = json_object();

    set_text(object, "allocator", entrant->name);
    if (outcome->reason[0]) set_text(object, "failed", outcome->reason);
    set_real(object, "net_ns", outcome->time[PAGES_GIVEN].net_ns);
    set_spread(object, "cpu_ns", &outcome->time[PAGES_GIVEN].cpu);
    set_spread(object, "wall_ns", &outcome->time[PAGES_GIVEN].wall);
    set_real(object, "small_pages_net_ns", outcome->time[PAGES_SMALL].net_ns);
    set_spread(object, "small_pages_cpu_ns", &outcome->time[PAGES_SMALL].cpu);
    set_real(object, "peak_over_live", outcome->peak);
    set_real(object, "mean_over_live", outcome->mean);
    set_real(object, "left_over_live", outcome->left_over_live);
    if (!isnan(outcome->left_over_live)) {
        json_t *left = json_object();
        set_count(left, "footprint", (uint64_t)outcome->left.footprint);
        set_count(left, "live_bytes", outcome->left.live_bytes);
        set_count(left, "live_blocks", outcome->left.live_blocks);
        set_count(left, "freed_blocks", outcome->left.frees);
        set_count(left, "free_ns", outcome->left.free_ns);
        set_count(left, "trim_ns", outcome->left.trim_ns);
        json_object_set_new(object, "left", left);
    }
    set_real(object, "smallest", outcome->smallest);
    set_real(object, "smallest_over_live", outcome->smallest_over_live);
    set_real(object, "largest_share", outcome->largest_share);
    return object;
}

static json_t *penalty_array(const struct compare *compare, enum penalty_kind kind,
                             size_t first, size_t limit) {
    struct penalty rows[ENTRANTS_MAX];
    size_t n = penalty_score(compare, kind, first, limit, rows);
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *object = json_object();
        set_text(object, "allocator", compare->entrants.list[rows[i].entrant].name);
        set_real(object, "count", rows[i].count);
        set_real(object, "weighted", rows[i].weighted);
        set_real(object, "best", rows[i].best);
        set_real(object, "worst", rows[i].worst);
        set_real(object, "average", rows[i].average);
        set_real(object, "median", rows[i].median);
        json_array_append_new(array, object);
    }
    return array;
}

static void set_penalties(json_t *object, const struct compare *compare, size_t first,
                          size_t limit) {
    json_t *penalties = json_object();

    json_object_set_new(penalties, "speed",
                        penalty_array(compare, PENALTY_SPEED, first, limit));
    json_object_set_new(penalties, "space",
                        penalty_array(compare, PENALTY_SPACE, first, limit));
    json_object_set_new(object, "penalties", penalties);
}

static json_t *traces_array(const struct compare *compare) {
    json_t *array = json_array();

    for (size_t i = 0; i < compare->n_traces; i++) {
        const struct compare_trace *trace = &compare->traces[i];
        json_t *object = json_object(), *outcomes = json_array();
        set_text(object, "name", trace->name);
        set_text(object, "file", trace->path);
        set_count(object, "events", trace->reel.events);
        set_count(object, "operations", trace->reel.operations);
        set_count(object, "peak_live_bytes", trace->reel.peak_live_bytes);
        set_count(object, "peak_live_blocks", trace->reel.peak_live_blocks);
        set_count(object, "reduced_alignments", trace->reel.reduced_alignments);
        set_real(object, "floor_ns",
                 trace->outcomes[COMPARE_FLOOR].time[PAGES_GIVEN].cpu.median);
        for (size_t j = 1; j < compare->entrants.n; j++)
            if (compare->entrants.list[j].present)
                json_array_append_new(outcomes, outcome_object(&compare->entrants.list[j],
                                                               &trace->outcomes[j]));
        json_object_set_new(object, "outcomes", outcomes);
        set_penalties(object, compare, i, i + 1);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *goals_array(const struct compare *compare) {
    json_t *array = json_array();

    for (const struct goal *goal = goals; goal->what; goal++) {
        json_t *object = json_object(), *reached = json_object();
        set_text(object, "what", goal->what);
        set_real(object, "most", goal->most);
        for (size_t i = 1; i < compare->entrants.n; i++) {
            const struct entrant *entrant = &compare->entrants.list[i];
            if (entrant->kind == ENTRANT_HANDLES)
                set_real(reached, entrant->name, goal->reached(compare, i));
        }
        json_object_set_new(object, "reached", reached);
        json_array_append_new(array, object);
    }
    return array;
}

int compare_print_json(const struct compare *compare,
                       const struct provenance *provenance) {
    json_t *object = json_object();
    int failed;

    set_text(object, "version", tool_version);
    set_text(object, "command", provenance->command ? provenance->command : "rmtool");
    set_text(object, "machine", provenance->machine);
    set_count(object, "runs", compare->options.runs);
    set_count(object, "seed", compare->options.seed);
    json_object_set_new(object, "huge_pages",
                        json_boolean(!compare->options.no_huge_pages));
    json_object_set_new(object, "allocators", entrants_array(compare));
    json_object_set_new(object, "traces", traces_array(compare));
    set_penalties(object, compare, 0, compare->n_traces);
    json_object_set_new(object, "goals", goals_array(compare));
    failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(object);
    putchar('\n');
    return failed ? complain(STATUS_IO, "the result cannot be written") : STATUS_OK;
}
