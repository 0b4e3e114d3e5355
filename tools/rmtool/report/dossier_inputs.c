/* SPDX-License-Identifier: MIT */
/*
 * What a report is of: which kind of file each input is, whether it is whole, and the
 * pictures of it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plot/compare_figures.h"
#include "compare/compare_files.h"
#include "report/dossier.h"
#include "plot/lock_figures.h"
#include "plot/micro_figures.h"
#include "report/page.h"
#include "base/say.h"
#include "trace/trace.h"

/* ------------------------------------------------------------------------ kinds */

enum looks { LOOKS_CSV, LOOKS_JSON, LOOKS_TRACE };

/* By its first bytes. */
static int look_at(const char *path, enum looks *looks) {
    unsigned char head[64] = {0};
    struct stat about;
    size_t n = 0, i = 0;

    *looks = LOOKS_TRACE;
    if (strncmp(path, "synth:", 6) == 0) return STATUS_OK;
    FILE *file = fopen(path, "re");
    if (!file) return complain(STATUS_IO, "%s: %s", path, strerror(errno));
    if (fstat(fileno(file), &about) == 0 && S_ISDIR(about.st_mode)) {
        fclose(file);
        return complain(STATUS_IO, "%s: is a directory", path);
    }
    n = fread(head, 1, sizeof(head) - 1, file);
    fclose(file);
    if (n == 0) return complain(STATUS_MALFORMED, "%s: empty", path);
    if (memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0 || memcmp(head, "\x1f\x8b", 2) == 0 ||
        memcmp(head, "# rmt ", 6) == 0)
        return STATUS_OK;
    while (i < n && strchr(" \t\r\n", head[i])) i++;
    *looks = head[i] == '{' ? LOOKS_JSON : LOOKS_CSV;
    return STATUS_OK;
}

/* Whether the columns with these names are the first ones. */
static bool begins_with(const struct csv *csv, const char *const *names) {
    for (size_t i = 0; names[i]; i++)
        if (i >= csv->n_columns || strcmp(csv->columns[i], names[i]) != 0) return false;
    return true;
}

static int kind_of_csv(const struct csv *csv, enum dossier_kind *kind) {
    static const char *const series[] = {"trace", "allocator", "operations", "live_bytes",
                                         NULL};
    static const char *const times[] = {"trace", "allocator", "pages", "run", NULL};
    static const char *const micro[] = {"group", "what", "x", NULL};
    static const char *const locks[] = {"model", "kind", "parameter", NULL};

    if (compare_is_summary(csv))
        *kind = DOSSIER_SUMMARY;
    else if (begins_with(csv, series) && csv_column(csv, "footprint") != CSV_NONE)
        *kind = DOSSIER_SERIES;
    else if (begins_with(csv, times))
        *kind = DOSSIER_TIMES;
    else if (begins_with(csv, micro) && csv_column(csv, "value") != CSV_NONE)
        *kind = DOSSIER_MICRO;
    else if (begins_with(csv, locks))
        *kind = DOSSIER_LOCKS;
    else
        return complain(STATUS_MALFORMED,
                        "%s: no CSV file of 'rmtool compare', 'rmtool micro' or 'rmtool "
                        "locks', by its columns, and no session of 'rmbrowse'",
                        csv->path);
    if (csv->n_rows == 0) return complain(STATUS_MALFORMED, "%s: no rows", csv->path);
    return STATUS_OK;
}

/* --------------------------------------------------------------------- the checks */

static int check_columns(const struct csv *csv, int first) {
    int status = STATUS_OK;

    for (int i = first; i < (int)csv->n_columns && status == STATUS_OK; i++)
        status = csv_check_numbers(csv, i);
    return status;
}

static int add_comparison(struct dossier *dossier, const struct csv *csv,
                          const char *path) {
    uint64_t runs = dossier->loaded.compare.options.runs; /* the times' may be known */
    int status;

    if (dossier->compared)
        return complain_usage("report", "%s: a report is of one comparison", path);
    dossier->compared = true;
    status = csv ? compare_load_csv(&dossier->loaded, csv)
                 : compare_load_json(&dossier->loaded, path);
    if (runs > 0) dossier->loaded.compare.options.runs = runs;
    for (size_t i = 0; i < dossier->loaded.compare.n_traces && status == STATUS_OK; i++)
        dossier_note_trace(dossier, dossier->loaded.compare.traces[i].name);
    return status;
}

static int add_csv(struct dossier *dossier, struct dossier_input *input) {
    struct csv csv;
    int status;

    if (session_wanted(input->path)) {
        input->kind = DOSSIER_SESSION;
        return dossier_add_session(dossier, input);
    }
    status = csv_read(&csv, input->path);

    if (status == STATUS_OK) status = kind_of_csv(&csv, &input->kind);
    if (status == STATUS_OK && input->kind == DOSSIER_SUMMARY)
        status = add_comparison(dossier, &csv, input->path);
    if (status == STATUS_OK && input->kind == DOSSIER_SERIES) {
        status = check_columns(&csv, 2);
        for (size_t i = 0; i < csv.n_rows && status == STATUS_OK; i++)
            if (i == 0 || strcmp(csv_field(&csv, i, 0), csv_field(&csv, i - 1, 0)) != 0)
                dossier_note_trace(dossier, csv_field(&csv, i, 0));
    }
    if (status == STATUS_OK && input->kind == DOSSIER_TIMES) {
        status = check_columns(&csv, 3);
        for (size_t i = 0; i < csv.n_rows && status == STATUS_OK; i++) {
            double run = csv_number(&csv, i, 3);
            uint64_t *runs = &dossier->loaded.compare.options.runs;
            if (run > (double)*runs && run <= COMPARE_RUNS_MAX) *runs = (uint64_t)run;
        }
    }
    if (status == STATUS_OK && input->kind == DOSSIER_MICRO)
        status = csv_check_numbers(&csv, csv_column(&csv, "value"));
    csv_finish(&csv);
    return status;
}

static int add_trace(struct dossier *dossier, struct dossier_input *input) {
    struct trace trace;
    int status = trace_open(&trace, input->path, 1, false);

    input->kind = DOSSIER_TRACE;
    snprintf(input->trace, sizeof(input->trace), "%s", trace.name);
    trace_close(&trace);
    if (status == STATUS_OK && dossier_replayed(dossier, input->trace))
        return complain_usage("report", "two traces call themselves '%s'", input->trace);
    if (status == STATUS_OK) dossier_note_trace(dossier, input->trace);
    return status;
}

int dossier_add(struct dossier *dossier, const char *path) {
    struct dossier_input *input = &dossier->inputs[dossier->n_inputs];
    enum looks looks;
    int status;

    if (dossier->n_inputs == DOSSIER_INPUTS)
        return complain_usage("report", "more than %d files", DOSSIER_INPUTS);
    if (strcmp(path, "-") == 0)
        return complain_usage("report", "a file is read several times; save it first");
    *input = (struct dossier_input){.path = path};
    figures_name(path, input->name);
    for (size_t i = 0; i < dossier->n_inputs; i++)
        if (strcmp(dossier->inputs[i].name, input->name) == 0)
            return complain_usage("report", "two files are called '%s'", input->name);
    status = look_at(path, &looks);
    if (status) return status;
    if (looks == LOOKS_TRACE) {
        status = add_trace(dossier, input);
    } else if (looks == LOOKS_JSON) {
        input->kind = DOSSIER_JSON;
        status = add_comparison(dossier, NULL, path);
    } else {
        status = add_csv(dossier, input);
    }
    if (status == STATUS_OK) dossier->n_inputs++;
    return status;
}

/* ------------------------------------------------------------------- the pictures */

/* A comparison in JSON as the CSV file that it could have been. */
static int write_summary(const struct dossier *dossier, const char *path) {
    const struct loaded *loaded = &dossier->loaded;
    struct provenance provenance = {.command = strdup(loaded->command),
                                    .trace = "by row",
                                    .heap = "grow",
                                    .policy = "by allocator"};
    struct output output;
    int status = output_open(&output, path);

    snprintf(provenance.machine, sizeof(provenance.machine), "%.*s",
             (int)sizeof(provenance.machine) - 1, loaded->machine);
    snprintf(provenance.date, sizeof(provenance.date), "%.*s",
             (int)sizeof(provenance.date) - 1, loaded->date);
    if (status == STATUS_OK) {
        compare_write_summary(&loaded->compare, &output, &provenance);
        status = output_close(&output);
    }
    output_discard(&output);
    provenance_finish(&provenance);
    return status;
}

static bool same_file(const char *a, const char *b) {
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

static int copy_file(const char *from, const char *to) {
    struct output output;
    size_t size;
    char *text;
    int status;

    if (same_file(from, to)) return STATUS_OK;
    text = page_read(from, &size);
    if (!text) return STATUS_IO;
    status = output_open(&output, to);
    if (status == STATUS_OK) {
        fwrite(text, 1, size, output.file);
        status = output_close(&output);
    }
    output_discard(&output);
    free(text);
    return status;
}

int dossier_draw(struct dossier *dossier, const struct dossier_input *input) {
    struct figures *figures = &dossier->figures;
    char *copy;
    int status;

    if (input->kind == DOSSIER_TRACE)
        return figures_make(figures, input->path, input->name);
    copy = dossier_path(dossier, input->name, ".csv");
    if (!copy) return STATUS_IO;
    status = input->kind == DOSSIER_JSON ? write_summary(dossier, copy)
                                         : copy_file(input->path, copy);
    if (status == STATUS_OK && input->kind == DOSSIER_MICRO)
        status = micro_figures_make(figures, copy, input->name);
    else if (status == STATUS_OK && input->kind == DOSSIER_LOCKS)
        status = lock_figures_make(figures, copy, input->name);
    else if (status == STATUS_OK && input->kind != DOSSIER_TIMES &&
             input->kind != DOSSIER_SESSION)
        status = compare_figures_make(figures, copy, input->name);
    free(copy);
    return status;
}

void dossier_finish(struct dossier *dossier) {
    for (size_t i = 0; i < dossier->n_pictures; i++) {
        free(dossier->pictures[i].file);
        free(dossier->pictures[i].script);
        free(dossier->pictures[i].variables);
    }
    free(dossier->pictures);
    free(dossier->sessions);
    compare_unload(&dossier->loaded);
    provenance_finish(&dossier->provenance);
}
