/* SPDX-License-Identifier: MIT */
/*
 * The data of an interactive heap map, small enough for a page. A cell is one of 16 kinds:
 *
 *      0 outside the heap   1 free   2..9 used, by eighths   10..12 a locked byte in it,
 *      and locked up to a third, two thirds, all of it       13 handle table
 *
 * The cells of all samples, one after the other, are bytes:
 *
 *      0xxxxxxx   x + 1 cells as in the sample before (before the first: 0)
 *      1nnnkkkk   n + 1 cells of kind k
 *
 * Most of a heap is at one moment as it was just before, so that this takes some percent of
 * what the cells would. plots/report.js reads it.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/dossier.h"
#include "report/page.h"
#include "base/say.h"

enum { CELLS_MOST = 4096, SAME_MOST = 128, RUN_MOST = 8 };

static const char *const map_columns[] = {"event",  "offset", "cell",    "used",
                                          "locked", "free",   "metadata"};
enum { EVENT, OFFSET, CELL, USED, LOCKED, FREE, METADATA, N_COLUMNS };

struct map {
    struct csv csv;
    int at[N_COLUMNS];
    size_t n_cells, n_samples;
    unsigned char *kinds; /* by sample and cell */
};

static double value(const struct map *map, size_t row, int column) {
    double number = csv_number(&map->csv, row, map->at[column]);

    return isnan(number) ? 0 : number;
}

static unsigned char kind_of(const struct map *map, size_t row) {
    double used = value(map, row, USED), locked = value(map, row, LOCKED);
    double metadata = value(map, row, METADATA), free = value(map, row, FREE);
    double all = used + locked + free + metadata;

    if (all <= 0) return locked > 0 ? 12 : 0;
    if (locked > 0) return (unsigned char)(9 + fmin(3, ceil(3 * locked / all)));
    if (metadata > all / 2) return 13;
    return (unsigned char)(1 + fmax(0, fmin(8, ceil(8 * (used + metadata) / all))));
}

static int find_columns(struct map *map) {
    const struct csv *csv = &map->csv;
    int status = STATUS_OK;

    for (size_t i = 0; i < N_COLUMNS && status == STATUS_OK; i++) {
        map->at[i] = csv_column(csv, map_columns[i]);
        if (map->at[i] == CSV_NONE)
            return complain(STATUS_MALFORMED, "%s: no column '%s'", csv->path,
                            map_columns[i]);
        status = csv_check_numbers(csv, map->at[i]);
    }
    return status;
}

/* The cells of one sample follow each other, and all samples have as many. */
static int find_cells(struct map *map) {
    const struct csv *csv = &map->csv;

    while (map->n_cells < csv->n_rows &&
           value(map, map->n_cells, EVENT) == value(map, 0, EVENT))
        map->n_cells++;
    if (map->n_cells == 0 || map->n_cells > CELLS_MOST || csv->n_rows % map->n_cells != 0)
        return complain(STATUS_MALFORMED, "%s: its samples are not of one size",
                        csv->path);
    map->n_samples = csv->n_rows / map->n_cells;
    map->kinds = malloc(csv->n_rows);
    if (!map->kinds) return complain(STATUS_IO, "no memory for a heap map");
    for (size_t i = 0; i < csv->n_rows; i++) map->kinds[i] = kind_of(map, i);
    return STATUS_OK;
}

/* Returns: the bytes; NULL where memory is out. */
static unsigned char *encode(const struct map *map, size_t *size) {
    size_t n = map->n_cells * map->n_samples, i = 0, length = 0;
    const unsigned char *kinds = map->kinds;
    unsigned char *bytes = malloc(n);

    while (bytes && i < n) {
        size_t same = 0, run = 1;
        while (i + same < n && same < SAME_MOST &&
               kinds[i + same] ==
                   (i + same < map->n_cells ? 0 : kinds[i + same - map->n_cells]))
            same++;
        while (i + run < n && run < RUN_MOST && kinds[i + run] == kinds[i]) run++;
        if (same >= run)
            bytes[length++] = (unsigned char)(same - 1);
        else
            bytes[length++] = (unsigned char)(0x80 | (run - 1) << 4 | kinds[i]);
        i += same >= run ? same : run;
    }
    *size = length;
    return bytes;
}

static int write_map(const char *path, FILE *to) {
    struct map map = {0};
    unsigned char *bytes = NULL;
    size_t size;
    int status = csv_read(&map.csv, path);

    if (status == STATUS_OK) status = find_columns(&map);
    if (status == STATUS_OK) status = find_cells(&map);
    if (status == STATUS_OK) {
        fprintf(to, "\"cell\":%.0f,\"cells\":%zu,\"at\":[", value(&map, 0, CELL),
                map.n_cells);
        for (size_t i = 0; i < map.n_samples; i++)
            fprintf(to, "%s%.0f", i > 0 ? "," : "", value(&map, i * map.n_cells, EVENT));
        fputs("],\"kinds\":\"", to);
        bytes = encode(&map, &size);
        if (bytes)
            page_base64(to, bytes, size);
        else
            status = complain(STATUS_IO, "no memory for a heap map");
        fputc('"', to);
    }
    free(bytes);
    free(map.kinds);
    csv_finish(&map.csv);
    return status;
}

/* ----------------------------------------------------------------------- curves */

/* A column as a list of numbers. */
static int write_column(const struct csv *csv, const char *name, const char *member,
                        double scale, const char *format, FILE *to)
    __attribute__((format(printf, 5, 0)));

static int write_column(const struct csv *csv, const char *name, const char *member,
                        double scale, const char *format, FILE *to) {
    int column = csv_column(csv, name);
    int status = column == CSV_NONE
                     ? complain(STATUS_MALFORMED, "%s: no column '%s'", csv->path, name)
                     : csv_check_numbers(csv, column);

    if (status) return status;
    fprintf(to, ",\"%s\":[", member);
    for (size_t i = 0; i < csv->n_rows; i++) {
        double number = csv_number(csv, i, column);
        if (i > 0) fputc(',', to);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        fprintf(to, format, isnan(number) ? 0 : number * scale);
#pragma GCC diagnostic pop
    }
    fputc(']', to);
    return STATUS_OK;
}

static int write_curves(const char *path, FILE *to) {
    struct csv csv;
    int status = csv_read(&csv, path);

    if (status == STATUS_OK) status = write_column(&csv, "event", "event", 1, "%.0f", to);
    if (status == STATUS_OK) /* per mille: whole numbers are short */
        status =
            write_column(&csv, "external_fragmentation", "external", 1000, "%.0f", to);
    if (status == STATUS_OK)
        status = write_column(&csv, "largest_free", "largest", 1, "%.0f", to);
    if (status == STATUS_OK) status = write_column(&csv, "used", "used", 1, "%.0f", to);
    if (status == STATUS_OK) status = write_column(&csv, "free", "free", 1, "%.0f", to);
    if (status == STATUS_OK)
        status = write_column(&csv, "locked", "locked", 1, "%.0f", to);
    csv_finish(&csv);
    return status;
}

int dossier_map(const struct dossier *dossier, const char *name, FILE *to) {
    static const char *const runs[][3] = {
        {"without compaction", FIGURES_PLAIN_MAP, FIGURES_PLAIN},
        {"with compaction", FIGURES_COMPACTED_MAP, FIGURES_COMPACTED}};
    int status = STATUS_OK;

    fputs("{\"runs\":[", to);
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        char *map = dossier_path(dossier, name, runs[i][1]);
        char *curves = dossier_path(dossier, name, runs[i][2]);
        status = map && curves ? STATUS_OK : STATUS_IO;
        fprintf(to, "%s{\"name\":\"%s\",", i > 0 ? "," : "", runs[i][0]);
        if (status == STATUS_OK) status = write_map(map, to);
        if (status == STATUS_OK) status = write_curves(curves, to);
        fputc('}', to);
        free(map);
        free(curves);
    }
    fputs("]}", to);
    return status;
}
