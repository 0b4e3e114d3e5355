/* SPDX-License-Identifier: MIT */
/*
 * Lines of a text file, plain or compressed with zstd or gzip, one at a time: memory use does not
 * depend on the file's length. Knows nothing of what the lines say.
 */
#ifndef BASE_INPUT_H
#define BASE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input;

/*
 * Opens path, or standard input where it is "-".
 *  out: receives the input, to be closed with input_close; NULL on error.
 * Returns: a status, having complained unless it is STATUS_OK.
 */
int input_open(struct input **out, const char *path);
void input_close(struct input *input); /* NULL does nothing */

/*
 * The next line, without its end.
 *  line, length: receive it; good until the next call. Not terminated by a NUL.
 *  end:          true where there is none left.
 * Returns: STATUS_OK; STATUS_IO; STATUS_MALFORMED (the compressed data is damaged or cut,
 *        the last line has no end, or a line is longer than 64 KiB).
 */
int input_line(struct input *input, const char **line, size_t *length, bool *end);

/* For text that is no trace: a last line without an end is a line too, and of a line that
   is longer than 64 KiB the first 64 KiB are given. */
void input_lenient(struct input *input);

/* Whether the line that input_line gave last is the last one and has no end. */
bool input_line_cut(const struct input *input);

/*
 * What comes next, up to 64 KiB of it, without taking it.
 *  text, length: receive it; good until the next call.
 * Returns: a status.
 */
int input_peek(struct input *input, const char **text, size_t *length);

/* The number of the line that input_line gave last, or tried to; the first is 1. */
uint64_t input_line_number(const struct input *input);

#endif
