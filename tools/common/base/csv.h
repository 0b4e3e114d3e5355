/* SPDX-License-Identifier: MIT */
/*
 * A CSV file as this program writes it, read whole: comment lines "# KEY: VALUE", a row of
 * column names, rows of as many fields. Fields hold no commas and no quotes that mean
 * anything. Knows nothing of what the columns are.
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct csv {
    const char *path;
    size_t size; /* of the file, in bytes */
    char **comments;
    size_t n_comments;
    char **columns;
    size_t n_columns;
    char **fields; /* n_rows times n_columns */
    size_t n_rows;
    uint64_t first_line; /* of the rows */

    char *text; /* what all of these point into */
};

enum { CSV_NONE = -1 }; /* no such column */

/*
 * Reads a file.
 *  path: kept, not copied.
 * Returns: STATUS_OK; STATUS_IO; STATUS_MALFORMED, having said which line. Whatever it is,
 *        csv_finish is due.
 */
int csv_read(struct csv *csv, const char *path);
void csv_finish(struct csv *csv);

/* The number of a column, or CSV_NONE. */
int csv_column(const struct csv *csv, const char *name);

/* A field; "" where column is CSV_NONE. */
const char *csv_field(const struct csv *csv, size_t row, int column);

/* A field as a number; NAN where it is empty, or there is no such column. */
double csv_number(const struct csv *csv, size_t row, int column);

/*
 * Whether all fields of a column are numbers, or empty.
 * Returns: STATUS_OK; STATUS_MALFORMED, having said which line is not.
 */
int csv_check_numbers(const struct csv *csv, int column);

/* The value of the n-th comment with a key, counted from 0; NULL where there is none. */
const char *csv_comment(const struct csv *csv, const char *key, size_t n);

#endif
