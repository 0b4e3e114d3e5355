/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "compare/compare_files.h"
#include "compare/goals.h"
#include "base/member.h"
#include "compare/penalty.h"

static void set_spread(json_t *object, const char *key, const struct spread *spread) {
    json_t *member = json_object();

    member_real(member, "median", spread->median);
    member_real(member, "least", spread->least);
    member_real(member, "most", spread->most);
    json_object_set_new(object, key, member);
}

static json_t *entrants_array(const struct compare *compare) {
    json_t *array = json_array();

    for (size_t i = 1; i < compare->entrants.n; i++) {
        const struct entrant *entrant = &compare->entrants.list[i];
        json_t *object = json_object();
        member_text(object, "name", entrant->name);
        json_object_set_new(object, "present", json_boolean(entrant->present));
        member_text(object, entrant->present ? "version" : "reason", entrant->version);
        if (entrant->path[0]) member_text(object, "library", entrant->path);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *outcome_object(const struct entrant *entrant,
                              const struct outcome *outcome) {
    json_t *object = json_object();

    member_text(object, "allocator", entrant->name);
    if (outcome->reason[0]) member_text(object, "failed", outcome->reason);
    member_real(object, "net_ns", outcome->time[PAGES_GIVEN].net_ns);
    set_spread(object, "cpu_ns", &outcome->time[PAGES_GIVEN].cpu);
    set_spread(object, "wall_ns", &outcome->time[PAGES_GIVEN].wall);
    member_real(object, "small_pages_net_ns", outcome->time[PAGES_SMALL].net_ns);
    set_spread(object, "small_pages_cpu_ns", &outcome->time[PAGES_SMALL].cpu);
    member_real(object, "peak_over_live", outcome->peak);
    member_real(object, "mean_over_live", outcome->mean);
    member_real(object, "left_over_live", outcome->left_over_live);
    if (!isnan(outcome->left_over_live)) {
        json_t *left = json_object();
        member_count(left, "footprint", (uint64_t)outcome->left.footprint);
        member_count(left, "live_bytes", outcome->left.live_bytes);
        member_count(left, "live_blocks", outcome->left.live_blocks);
        member_count(left, "freed_blocks", outcome->left.frees);
        member_count(left, "free_ns", outcome->left.free_ns);
        member_count(left, "trim_ns", outcome->left.trim_ns);
        json_object_set_new(object, "left", left);
    }
    member_real(object, "smallest", outcome->smallest);
    member_real(object, "smallest_over_live", outcome->smallest_over_live);
    member_real(object, "largest_share", outcome->largest_share);
    return object;
}

static json_t *penalty_array(const struct compare *compare, enum penalty_kind kind,
                             size_t first, size_t limit) {
    struct penalty rows[ENTRANTS_MAX];
    size_t n = penalty_score(compare, kind, first, limit, rows);
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *object = json_object();
        member_text(object, "allocator", compare->entrants.list[rows[i].entrant].name);
        member_real(object, "count", rows[i].count);
        member_real(object, "weighted", rows[i].weighted);
        member_real(object, "best", rows[i].best);
        member_real(object, "worst", rows[i].worst);
        member_real(object, "average", rows[i].average);
        member_real(object, "median", rows[i].median);
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
        member_text(object, "name", trace->name);
        member_text(object, "file", trace->path);
        member_count(object, "events", trace->reel.events);
        member_count(object, "operations", trace->reel.operations);
        member_count(object, "peak_live_bytes", trace->reel.peak_live_bytes);
        member_count(object, "peak_live_blocks", trace->reel.peak_live_blocks);
        member_count(object, "reduced_alignments", trace->reel.reduced_alignments);
        member_real(object, "floor_ns",
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
        member_text(object, "what", goal->what);
        member_real(object, "most", goal->most);
        for (size_t i = 1; i < compare->entrants.n; i++) {
            const struct entrant *entrant = &compare->entrants.list[i];
            if (entrant->kind == ENTRANT_HANDLES)
                member_real(reached, entrant->name, goal->reached(compare, i));
        }
        json_object_set_new(object, "reached", reached);
        json_array_append_new(array, object);
    }
    return array;
}

int compare_print_json(const struct compare *compare,
                       const struct provenance *provenance) {
    json_t *object = json_object();

    member_text(object, "version", tool_version);
    member_text(object, "command", provenance->command ? provenance->command : "rmtool");
    member_text(object, "machine", provenance->machine);
    member_text(object, "date", provenance->date);
    member_count(object, "runs", compare->options.runs);
    member_count(object, "seed", compare->options.seed);
    json_object_set_new(object, "huge_pages",
                        json_boolean(!compare->options.no_huge_pages));
    json_object_set_new(object, "allocators", entrants_array(compare));
    json_object_set_new(object, "traces", traces_array(compare));
    set_penalties(object, compare, 0, compare->n_traces);
    json_object_set_new(object, "goals", goals_array(compare));
    return member_print(object);
}
