/* SPDX-License-Identifier: MIT */
#include "plot/compare_figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"

#define TRACES_MAX 256

enum kind { NEITHER, SUMMARY, SERIES };

/* What can be drawn, and the column that it needs values in. */
static const struct figure {
    enum kind kind;
    const char *name, *column;
} figures_known[] = {
    {SUMMARY, "time", "net_ns"},
    {SUMMARY, "footprint", "mean_over_live"},
    {SERIES, "along", "footprint"},
};
enum { N_KNOWN = sizeof(figures_known) / sizeof(figures_known[0]) };

/* What a file holds: its kind, the traces in it, and which figures have values. */
struct table {
    enum kind kind;
    int at[N_KNOWN]; /* of the column that a figure needs */
    bool drawable[N_KNOWN];
    char traces[TRACES_MAX][64];
    size_t n_traces;
};

bool compare_figures_wanted(const char *path) {
    size_t length = strlen(path);

    return length > 4 && strcmp(path + length - 4, ".csv") == 0;
}

/* ----------------------------------------------------------------------- reading */

static enum kind kind_of(const char *header) {
    if (strncmp(header, "trace,allocator,", 16) != 0) return NEITHER;
    if (strstr(header, ",net_ns,") && strstr(header, ",peak_over_live,")) return SUMMARY;
    return strstr(header, ",footprint,") ? SERIES : NEITHER;
}

/* The start of a field of a line; its end where there are fewer. */
static const char *field(const char *line, int n) {
    for (; n > 0 && *line; line++) n -= *line == ',';
    return line;
}

static void note_columns(struct table *table, const char *header) {
    table->kind = kind_of(header);
    for (size_t i = 0; i < N_KNOWN; i++) {
        size_t length = strlen(figures_known[i].column);
        for (int n = 0; *field(header, n); n++) {
            const char *name = field(header, n);
            if (strcspn(name, ",\n") == length &&
                memcmp(name, figures_known[i].column, length) == 0)
                table->at[i] = n;
        }
    }
}

static void note_values(struct table *table, const char *row) {
    for (size_t i = 0; i < N_KNOWN; i++)
        if (table->at[i] > 0 && strcspn(field(row, table->at[i]), ",\n") > 0 &&
            strstr(row, ",floor,") == NULL)
            table->drawable[i] = true;
}

/* Rows of one trace follow each other. A name that a script could take amiss is none. */
static void note_trace(struct table *table, const char *row) {
    size_t length = strcspn(row, ",");
    char *last = table->n_traces > 0 ? table->traces[table->n_traces - 1] : NULL;

    if (length == 0 || length >= sizeof(table->traces[0]) ||
        strcspn(row, "'\"\\ ") < length)
        return;
    if (last && strlen(last) == length && memcmp(last, row, length) == 0) return;
    if (table->n_traces == TRACES_MAX) return;
    memcpy(table->traces[table->n_traces], row, length);
    table->traces[table->n_traces++][length] = '\0';
}

static int read_table(const char *path, struct table *table) {
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool header = true;

    *table = (struct table){0};
    if (!file) return complain(STATUS_IO, "%s: %s", path, strerror(errno));
    while (getline(&line, &size, file) > 0) {
        if (*line == '#') continue;
        if (header) {
            note_columns(table, line);
        } else {
            note_trace(table, line);
            note_values(table, line);
        }
        header = false;
    }
    free(line);
    fclose(file);
    if (table->kind == NEITHER)
        return complain(STATUS_MALFORMED,
                        "%s: neither a summary nor a series of 'rmtool compare', nor of "
                        "'rmtool micro'",
                        path);
    if (table->n_traces == 0) return complain(STATUS_MALFORMED, "%s: no rows", path);
    return STATUS_OK;
}

/* ----------------------------------------------------------------------- drawing */

static int draw(struct figures *figures, const char *script, const char *variables,
                const char *name, const char *figure) {
    static const char *const formats[] = {"png", "svg"};
    const bool wanted[] = {figures->png, figures->svg};
    int status = STATUS_OK;

    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        if (!wanted[i]) continue;
        status = figures_draw(figures, script, variables, name, figure, formats[i]);
        if (status == STATUS_OK && !figures->quiet && !figures->unnamed)
            printf("%s/%s-%s.%s\n", figures->directory, name, figure, formats[i]);
    }
    return status;
}

/* A trace's name as part of a file's: plain letters only. */
static const char *plain(char name[FIGURES_NAME], const char *trace) {
    snprintf(name, FIGURES_NAME, "%s", trace);
    for (char *c = name; *c; c++)
        if (*c == '/' || (unsigned char)*c < ' ') *c = '_';
    return name;
}

/* One of a summary, or one for each trace of a series. */
static int draw_known(struct figures *figures, const struct figure *known,
                      const char *path, const struct table *table, const char *name) {
    char variables[FIGURES_PATH + 256], ending[FIGURES_NAME];
    int status = STATUS_OK;

    if (known->kind == SUMMARY) {
        snprintf(variables, sizeof variables, "summary='%s'; measure='%s'", path,
                 known->name);
        return draw(figures, "compare", variables, name, known->name);
    }
    for (size_t i = 0; i < table->n_traces && status == STATUS_OK; i++) {
        snprintf(variables, sizeof variables, "series='%s'; trace='%s'", path,
                 table->traces[i]);
        status =
            draw(figures, known->name, variables, name, plain(ending, table->traces[i]));
    }
    return status;
}

int compare_figures_make(struct figures *figures, const char *path, const char *name) {
    char *absolute = realpath(path, NULL);
    struct table *table = malloc(sizeof(*table));
    int status = STATUS_OK;

    if (!table)
        status = complain(STATUS_IO, "no memory to read %s", path);
    else if (!absolute)
        status = complain(STATUS_IO, "%s: %s", path, strerror(errno));
    else if (strchr(absolute, '\''))
        status = complain(STATUS_IO, "%s: its name must not hold a quote", absolute);
    else
        status = read_table(absolute, table);
    for (size_t i = 0; i < N_KNOWN && status == STATUS_OK; i++) {
        if (table->kind != figures_known[i].kind) continue;
        if (table->drawable[i])
            status = draw_known(figures, &figures_known[i], absolute, table, name);
        else
            complain(STATUS_OK, "%s: nothing in column '%s', no picture of it", path,
                     figures_known[i].column);
    }
    free(absolute);
    free(table);
    return status;
}
