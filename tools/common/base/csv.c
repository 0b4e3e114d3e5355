/* SPDX-License-Identifier: MIT */
#include "base/csv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/say.h"

#define SIZE_MOST ((size_t)1 << 30)
#define COLUMNS_MOST 1024
#define NUMBER_MOST 1e19 /* 2^64 and below: counts are of 64 bits */

/* --------------------------------------------------------------------- the file */

static int read_text(struct csv *csv) {
    FILE *file = fopen(csv->path, "re");
    struct stat about;
    size_t capacity = 65536;
    int status = STATUS_OK;

    if (!file) return complain(STATUS_IO, "%s: %s", csv->path, strerror(errno));
    if (fstat(fileno(file), &about) == 0 && S_ISDIR(about.st_mode)) {
        fclose(file);
        return complain(STATUS_IO, "%s: is a directory", csv->path);
    }
    while (status == STATUS_OK) {
        char *larger = realloc(csv->text, capacity + 1);
        if (!larger) {
            status = complain(STATUS_IO, "%s: no memory to read it", csv->path);
            break;
        }
        csv->text = larger;
        csv->size += fread(csv->text + csv->size, 1, capacity - csv->size, file);
        csv->text[csv->size] = '\0';
        if (ferror(file))
            status = complain(STATUS_IO, "%s: %s", csv->path, strerror(errno));
        if (csv->size < capacity) break;
        if (capacity >= SIZE_MOST)
            status = complain(STATUS_MALFORMED, "%s: more than 1 GiB", csv->path);
        capacity *= 2;
    }
    fclose(file);
    return status;
}

static size_t count_lines(const struct csv *csv) {
    size_t n = 0;

    for (size_t i = 0; i < csv->size; i++) n += csv->text[i] == '\n';
    return n;
}

static int check_text(const struct csv *csv) {
    if (csv->size == 0) return complain(STATUS_MALFORMED, "%s: empty", csv->path);
    if (strlen(csv->text) != csv->size)
        return complain_at(STATUS_MALFORMED, csv->path, count_lines(csv) + 1,
                           "a NUL byte: not a CSV file");
    if (csv->text[csv->size - 1] != '\n')
        return complain_at(STATUS_MALFORMED, csv->path, count_lines(csv) + 1,
                           "truncated: the last line has no end");
    return STATUS_OK;
}

/* --------------------------------------------------------------------- the rows */

/* Cuts the text at the line's end. Returns: the next line; NULL behind the last. */
static char *next_line(const struct csv *csv, char *line) {
    char *limit = csv->text + csv->size;
    char *end = memchr(line, '\n', (size_t)(limit - line));

    *end = '\0';
    if (end > line && end[-1] == '\r') end[-1] = '\0';
    return end + 1 < limit ? end + 1 : NULL;
}

/* Cuts a line into up to `most` fields. Returns: how many there are. */
static size_t cut(char *line, char **fields, size_t most) {
    size_t n = 0;
    char *field;

    while ((field = strsep(&line, ",")) != NULL) {
        if (n < most) fields[n] = field;
        n++;
    }
    return n;
}

static int read_header(struct csv *csv, char *line, uint64_t number) {
    char *names[COLUMNS_MOST];
    size_t n = cut(line, names, COLUMNS_MOST);

    if (n > COLUMNS_MOST || *names[0] == '\0')
        return complain_at(STATUS_MALFORMED, csv->path, number, "no row of column names");
    csv->columns = calloc(n, sizeof(*csv->columns));
    if (!csv->columns) return complain(STATUS_IO, "%s: no memory to read it", csv->path);
    memcpy(csv->columns, names, n * sizeof(*names));
    csv->n_columns = n;
    csv->first_line = number + 1;
    return STATUS_OK;
}

int csv_read(struct csv *csv, const char *path) {
    uint64_t number = 0;
    char *line, *next;

    *csv = (struct csv){.path = path};
    int status = read_text(csv);
    if (status == STATUS_OK) status = check_text(csv);
    if (status) return status;

    size_t n_lines = count_lines(csv);
    csv->comments = calloc(n_lines, sizeof(*csv->comments));
    if (!csv->comments) return complain(STATUS_IO, "%s: no memory to read it", csv->path);
    for (line = csv->text; line && status == STATUS_OK; line = next) {
        next = next_line(csv, line);
        number++;
        if (!csv->columns && *line == '#') {
            csv->comments[csv->n_comments++] = line;
            continue;
        }
        if (!csv->columns) {
            status = read_header(csv, line, number);
            if (status) break;
            csv->fields =
                calloc((n_lines - number + 1) * csv->n_columns, sizeof(*csv->fields));
            if (!csv->fields)
                return complain(STATUS_IO, "%s: no memory to read it", csv->path);
            continue;
        }
        size_t n = cut(line, csv->fields + csv->n_rows * csv->n_columns, csv->n_columns);
        if (n != csv->n_columns)
            status =
                complain_at(STATUS_MALFORMED, csv->path, number,
                            "%zu fields where there are %zu columns", n, csv->n_columns);
        csv->n_rows++;
    }
    if (status == STATUS_OK && !csv->columns)
        status = complain(STATUS_MALFORMED, "%s: no row of column names", csv->path);
    return status;
}

void csv_finish(struct csv *csv) {
    free(csv->comments);
    free(csv->columns);
    free(csv->fields);
    free(csv->text);
    *csv = (struct csv){0};
}

/* ------------------------------------------------------------------ looking at it */

int csv_column(const struct csv *csv, const char *name) {
    for (size_t i = 0; i < csv->n_columns; i++)
        if (strcmp(csv->columns[i], name) == 0) return (int)i;
    return CSV_NONE;
}

const char *csv_field(const struct csv *csv, size_t row, int column) {
    return column == CSV_NONE ? "" : csv->fields[row * csv->n_columns + (size_t)column];
}

/* Decimal notation only: what strtod takes beside it is a word, not a number. */
static bool is_number(const char *text, double *number) {
    char *end;

    if (text[strspn(text, "0123456789.eE+-")] != '\0') return false;
    *number = strtod(text, &end);
    return *end == '\0' && end != text && fabs(*number) <= NUMBER_MOST;
}

double csv_number(const struct csv *csv, size_t row, int column) {
    double number;

    return is_number(csv_field(csv, row, column), &number) ? number : NAN;
}

int csv_check_numbers(const struct csv *csv, int column) {
    double number;

    for (size_t i = 0; i < csv->n_rows; i++) {
        const char *field = csv_field(csv, i, column);
        if (*field && !is_number(field, &number))
            return complain_at(STATUS_MALFORMED, csv->path, csv->first_line + i,
                               "'%.40s' in column '%s' is not a number that can be",
                               field, csv->columns[column]);
    }
    return STATUS_OK;
}

const char *csv_comment(const struct csv *csv, const char *key, size_t n) {
    size_t length = strlen(key);

    for (size_t i = 0; i < csv->n_comments; i++) {
        const char *at = csv->comments[i] + 1;
        at += strspn(at, " ");
        if (strncmp(at, key, length) != 0 || at[length] != ':') continue;
        at += length + 1;
        if (n-- == 0) return at + strspn(at, " ");
    }
    return NULL;
}
