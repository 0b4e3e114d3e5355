/* SPDX-License-Identifier: MIT */
#include "compare/compare_load.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

#define TRACES_MOST 1024

/* What a file may say of an outcome: the column of the CSV file, the path in JSON. */
static const struct figure {
    const char *column, *member, *inner;
    size_t at;
} figures[] = {
    {"net_ns", "net_ns", NULL, offsetof(struct outcome, time[PAGES_GIVEN].net_ns)},
    {"cpu_ns", "cpu_ns", "median",
     offsetof(struct outcome, time[PAGES_GIVEN].cpu.median)},
    {"cpu_ns_least", "cpu_ns", "least",
     offsetof(struct outcome, time[PAGES_GIVEN].cpu.least)},
    {"cpu_ns_most", "cpu_ns", "most",
     offsetof(struct outcome, time[PAGES_GIVEN].cpu.most)},
    {"small_pages_net_ns", "small_pages_net_ns", NULL,
     offsetof(struct outcome, time[PAGES_SMALL].net_ns)},
    {"peak_over_live", "peak_over_live", NULL, offsetof(struct outcome, peak)},
    {"mean_over_live", "mean_over_live", NULL, offsetof(struct outcome, mean)},
    {"left_over_live", "left_over_live", NULL, offsetof(struct outcome, left_over_live)},
    {"smallest", "smallest", NULL, offsetof(struct outcome, smallest)},
    {"smallest_over_live", "smallest_over_live", NULL,
     offsetof(struct outcome, smallest_over_live)},
    {"largest_share", "largest_share", NULL, offsetof(struct outcome, largest_share)},
};
enum { N_FIGURES = sizeof(figures) / sizeof(figures[0]) };

static void set_figure(struct outcome *outcome, size_t figure, double value) {
    memcpy((char *)outcome + figures[figure].at, &value, sizeof(value));
}

static void copy(char *to, size_t size, const char *from) {
    snprintf(to, size, "%s", from ? from : "");
}

/* A number of nanoseconds; 0 where there is none. */
static uint64_t whole(double value) {
    return value > 0 && value < 1e19 ? (uint64_t)value : 0;
}

/* --------------------------------------------------------------------- entrants */

/* By its name alone: whether this program knows it is nothing to what was measured. */
static enum entrant_kind kind_named(const char *name) {
    if (strcmp(name, "rmalloc") == 0 || strncmp(name, "rmalloc/", 8) == 0)
        return ENTRANT_HANDLES;
    return strcmp(name, "glibc") == 0 ? ENTRANT_LIBC : ENTRANT_LIBRARY;
}

/* Its place, made where there was none; ENTRANTS_MAX where there is no more room. */
static size_t entrant_named(struct compare *compare, const char *name, bool add) {
    struct entrants *entrants = &compare->entrants;

    for (size_t i = 0; i < entrants->n; i++)
        if (strcmp(entrants->list[i].name, name) == 0) return i;
    if (!add || entrants->n == ENTRANTS_MAX) return ENTRANTS_MAX;

    struct entrant *entrant = &entrants->list[entrants->n];
    *entrant = (struct entrant){.kind = kind_named(name), .present = true};
    copy(entrant->name, sizeof(entrant->name), name);
    return entrants->n++;
}

static void begin(struct loaded *loaded) {
    struct compare *compare = &loaded->compare;

    *loaded = (struct loaded){0};
    entrant_named(compare, "floor", true);
    compare->entrants.list[COMPARE_FLOOR].kind = ENTRANT_FLOOR;
}

/* The trace of that name, made where there was none; NULL where it cannot be. */
static struct compare_trace *trace_named(struct compare *compare, const char *name) {
    struct compare_trace *trace;

    for (size_t i = compare->n_traces; i-- > 0;)
        if (strcmp(compare->traces[i].name, name) == 0) return &compare->traces[i];
    if (compare->n_traces == TRACES_MOST) return NULL;
    if (!compare->traces) compare->traces = calloc(TRACES_MOST, sizeof(*compare->traces));
    if (!compare->traces) return NULL;
    trace = &compare->traces[compare->n_traces];
    trace->outcomes = calloc(ENTRANTS_MAX, sizeof(*trace->outcomes));
    if (!trace->outcomes) return NULL;
    for (size_t i = 0; i < ENTRANTS_MAX; i++)
        for (size_t j = 0; j < N_FIGURES; j++) set_figure(&trace->outcomes[i], j, NAN);
    copy(trace->name, sizeof(trace->name), name);
    compare->n_traces++;
    return trace;
}

static int finish(const struct loaded *loaded, const char *path) {
    if (loaded->compare.n_traces > 0 && loaded->compare.entrants.n > 1) return STATUS_OK;
    return complain(STATUS_MALFORMED, "%s: compares nothing", path);
}

/* -------------------------------------------------------------------------- CSV */

bool compare_is_summary(const struct csv *csv) {
    return csv_column(csv, "trace") == 0 && csv_column(csv, "allocator") == 1 &&
           csv_column(csv, "net_ns") != CSV_NONE &&
           csv_column(csv, "peak_over_live") != CSV_NONE;
}

/* "# allocator: NAME: VERSION", or "absent: WHY" in place of the version. */
static void read_allocators(struct loaded *loaded, const struct csv *csv) {
    const char *text;

    for (size_t i = 0; (text = csv_comment(csv, "allocator", i)) != NULL; i++) {
        const char *colon = strstr(text, ": ");
        char name[ENTRANT_NAME];
        if (!colon || (size_t)(colon - text) >= sizeof(name)) continue;
        memcpy(name, text, (size_t)(colon - text));
        name[colon - text] = '\0';
        size_t at = entrant_named(&loaded->compare, name, true);
        if (at == ENTRANTS_MAX) return;
        struct entrant *entrant = &loaded->compare.entrants.list[at];
        entrant->present = strncmp(colon + 2, "absent: ", 8) != 0;
        copy(entrant->version, sizeof(entrant->version),
             colon + 2 + (entrant->present ? 0 : 8));
    }
}

static int read_row(struct loaded *loaded, const struct csv *csv, size_t row,
                    const int columns[N_FIGURES]) {
    struct compare *compare = &loaded->compare;
    const char *name = csv_field(csv, row, 0), *allocator = csv_field(csv, row, 1);
    uint64_t line = csv->first_line + row;

    if (*name == '\0' || *allocator == '\0')
        return complain_at(STATUS_MALFORMED, csv->path, line, "names nothing");
    if (strlen(name) >= sizeof(compare->traces->name) ||
        strlen(allocator) >= ENTRANT_NAME)
        return complain_at(STATUS_MALFORMED, csv->path, line, "a name is too long");
    size_t entrant = entrant_named(compare, allocator, true);
    if (entrant == ENTRANTS_MAX)
        return complain_at(STATUS_MALFORMED, csv->path, line, "more than %d allocators",
                           ENTRANTS_MAX);
    struct compare_trace *trace = trace_named(compare, name);
    if (!trace)
        return complain_at(STATUS_MALFORMED, csv->path, line, "more than %d traces",
                           TRACES_MOST);
    struct outcome *outcome = &trace->outcomes[entrant];
    for (size_t i = 0; i < N_FIGURES; i++)
        set_figure(outcome, i, csv_number(csv, row, columns[i]));
    compare->entrants.list[entrant].present = true;
    outcome->left.free_ns = whole(csv_number(csv, row, csv_column(csv, "left_free_ns")));
    outcome->left.trim_ns = whole(csv_number(csv, row, csv_column(csv, "left_trim_ns")));
    trace->reel.operations = whole(csv_number(csv, row, csv_column(csv, "operations")));
    trace->reel.peak_live_bytes =
        whole(csv_number(csv, row, csv_column(csv, "peak_live_bytes")));
    trace->reel.peak_live_blocks =
        whole(csv_number(csv, row, csv_column(csv, "peak_live_blocks")));
    return STATUS_OK;
}

int compare_load_csv(struct loaded *loaded, const struct csv *csv) {
    const char *pages = csv_comment(csv, "huge pages", 0);
    int columns[N_FIGURES], status = STATUS_OK;

    begin(loaded);
    copy(loaded->command, sizeof(loaded->command), csv_comment(csv, "command", 0));
    copy(loaded->machine, sizeof(loaded->machine), csv_comment(csv, "machine", 0));
    copy(loaded->version, sizeof(loaded->version), csv_comment(csv, "version", 0));
    copy(loaded->date, sizeof(loaded->date), csv_comment(csv, "date", 0));
    loaded->compare.options.no_huge_pages = pages && strcmp(pages, "forbidden") == 0;
    read_allocators(loaded, csv);
    for (int i = 2; i < (int)csv->n_columns && status == STATUS_OK; i++)
        status = csv_check_numbers(csv, i);
    for (size_t i = 0; i < N_FIGURES; i++)
        columns[i] = csv_column(csv, figures[i].column);
    for (size_t i = 0; i < csv->n_rows && status == STATUS_OK; i++)
        status = read_row(loaded, csv, i, columns);
    return status ? status : finish(loaded, csv->path);
}

/* ------------------------------------------------------------------------- JSON */

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool read_allocator(struct loaded *loaded, const json_t *object) {
    const char *name = text_of(object, "name");

    if (!name || strlen(name) >= ENTRANT_NAME) return false;
    size_t at = entrant_named(&loaded->compare, name, true);
    if (at == ENTRANTS_MAX) return false;
    struct entrant *entrant = &loaded->compare.entrants.list[at];
    entrant->present = json_is_true(json_object_get(object, "present"));
    copy(entrant->version, sizeof(entrant->version),
         text_of(object, entrant->present ? "version" : "reason"));
    return true;
}

static bool read_outcome(struct compare *compare, struct compare_trace *trace,
                         const json_t *object) {
    const char *name = text_of(object, "allocator");
    const json_t *left = json_object_get(object, "left");
    size_t at = name ? entrant_named(compare, name, false) : ENTRANTS_MAX;

    if (at == ENTRANTS_MAX) return false;
    struct outcome *outcome = &trace->outcomes[at];
    for (size_t i = 0; i < N_FIGURES; i++) {
        const char *inner = figures[i].inner;
        const json_t *holder =
            inner ? json_object_get(object, figures[i].member) : object;
        set_figure(outcome, i, number_of(holder, inner ? inner : figures[i].member));
    }
    outcome->left.free_ns = whole(number_of(left, "free_ns"));
    outcome->left.trim_ns = whole(number_of(left, "trim_ns"));
    copy(outcome->reason, sizeof(outcome->reason), text_of(object, "failed"));
    return true;
}

static bool read_trace(struct loaded *loaded, const json_t *object) {
    const char *name = text_of(object, "name");
    const json_t *outcomes = json_object_get(object, "outcomes"), *outcome;
    struct compare_trace *trace;
    size_t i;

    if (!name || !*name || strlen(name) >= sizeof(trace->name)) return false;
    trace = trace_named(&loaded->compare, name);
    if (!trace) return false;
    trace->reel.operations = whole(number_of(object, "operations"));
    trace->reel.peak_live_bytes = whole(number_of(object, "peak_live_bytes"));
    trace->reel.peak_live_blocks = whole(number_of(object, "peak_live_blocks"));
    json_array_foreach(outcomes, i, outcome) {
        if (!read_outcome(&loaded->compare, trace, outcome)) return false;
    }
    return true;
}

static int read_json(struct loaded *loaded, const json_t *json, const char *path) {
    const json_t *allocators = json_object_get(json, "allocators"), *item;
    const json_t *traces = json_object_get(json, "traces");
    size_t i;

    if (!json_is_array(allocators) || !json_is_array(traces))
        return complain(STATUS_MALFORMED, "%s: not what 'rmtool compare --json' writes",
                        path);
    copy(loaded->command, sizeof(loaded->command), text_of(json, "command"));
    copy(loaded->machine, sizeof(loaded->machine), text_of(json, "machine"));
    snprintf(loaded->version, sizeof(loaded->version), "rmtool %s",
             text_of(json, "version") ? text_of(json, "version") : "?");
    copy(loaded->date, sizeof(loaded->date), text_of(json, "date"));
    loaded->compare.options.runs = whole(number_of(json, "runs"));
    loaded->compare.options.no_huge_pages =
        json_is_false(json_object_get(json, "huge_pages"));
    json_array_foreach(allocators, i, item) {
        if (!read_allocator(loaded, item))
            return complain(STATUS_MALFORMED, "%s: allocator %zu makes no sense", path,
                            i + 1);
    }
    json_array_foreach(traces, i, item) {
        if (!read_trace(loaded, item))
            return complain(STATUS_MALFORMED, "%s: trace %zu makes no sense", path,
                            i + 1);
    }
    return finish(loaded, path);
}

int compare_load_json(struct loaded *loaded, const char *path) {
    json_error_t error;
    FILE *file = fopen(path, "re");
    json_t *json;
    int status;

    begin(loaded);
    if (!file) return complain(STATUS_IO, "%s: %s", path, strerror(errno));
    json = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    fclose(file);
    if (!json)
        return complain_at(STATUS_MALFORMED, path,
                           error.line > 0 ? (uint64_t)error.line : 1, "%s", error.text);
    status = read_json(loaded, json, path);
    json_decref(json);
    return status;
}

void compare_unload(struct loaded *loaded) {
    for (size_t i = 0; i < loaded->compare.n_traces; i++)
        free(loaded->compare.traces[i].outcomes);
    free(loaded->compare.traces);
    loaded->compare.traces = NULL;
    loaded->compare.n_traces = 0;
}
