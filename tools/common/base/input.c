/* SPDX-License-Identifier: MIT */
/*
 * Two buffers: `raw` holds what was read from the file, `text` what was decompressed.
 *
 *      raw   |used up|  to decompress  |      |
 *      text  |used up|  lines, the last one perhaps partial  |   room   |
 *                    base                                    limit
 *
 * A partial line is moved to the front before more text is added, so that every line is
 * contiguous. For plain files raw holds only the first bytes, by which the kind is told.
 */
#include "base/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/say.h"
#include "base/unpack.h"

#ifdef RMTOOL_SMALL_BUFFERS /* small files reach all that large ones do: tests/fuzz */
#define RAW_SIZE ((size_t)61)
#define TEXT_SIZE ((size_t)1000)
#define LINE_MAX_BYTES ((size_t)250)
#else
#define RAW_SIZE ((size_t)128 << 10)
#define TEXT_SIZE ((size_t)256 << 10)
#define LINE_MAX_BYTES ((size_t)64 << 10)
#endif

struct input {
    const char *path;
    int fd;
    uint64_t line;

    struct unpack *unpack;  /* NULL: the file is plain text */
    bool within;            /* a frame that is being decompressed */
    bool raw_end;           /* the file has been read to its end */
    bool cut;               /* the line that was given last has no end */
    bool lenient, skipping; /* see input_lenient; what is left of a long line */
    size_t raw_base, raw_limit;
    size_t base, limit;
    unsigned char raw[RAW_SIZE];
    char text[TEXT_SIZE];
};

static int malformed(struct input *input, const char *what) {
    return complain_at(STATUS_MALFORMED, input->path, input->line, "%s", what);
}

static int read_some(struct input *input, void *buffer, size_t size, size_t *got) {
    ssize_t n;

    do n = read(input->fd, buffer, size);
    while (n < 0 && errno == EINTR);
    if (n < 0) return complain(STATUS_IO, "%s: %s", input->path, strerror(errno));
    *got = (size_t)n;
    input->raw_end = n == 0;
    return STATUS_OK;
}

static int fill_raw(struct input *input) {
    size_t got = 0;
    int status = read_some(input, input->raw, RAW_SIZE, &got);

    input->raw_base = 0;
    input->raw_limit = got;
    return status;
}

/* Adds at least one byte of text, unless there is no more: then limit stays. */
static int decompress(struct input *input) {
    size_t before = input->limit;

    while (input->limit == before) {
        if (input->raw_base == input->raw_limit && !input->raw_end) {
            int status = fill_raw(input);
            if (status) return status;
        }
        bool exhausted = input->raw_base == input->raw_limit;
        if (exhausted && !input->within) break;

        struct unpack_buffers buffers = {.in = input->raw,
                                         .in_size = input->raw_limit,
                                         .in_at = input->raw_base,
                                         .out = input->text,
                                         .out_size = TEXT_SIZE,
                                         .out_at = before};
        const char *wrong = unpack_step(input->unpack, &buffers);
        if (wrong)
            return complain_at(STATUS_MALFORMED, input->path, input->line,
                               "the compressed data is damaged (%s)", wrong);
        input->raw_base = buffers.in_at;
        input->limit = buffers.out_at;
        input->within = buffers.within;
        /* Nothing left to read, nothing came out, and the frame expects more. */
        if (exhausted && input->within && input->limit == before)
            return malformed(input, "truncated: the compressed data ends within a frame");
    }
    return STATUS_OK;
}

static int fill_text(struct input *input, bool *end) {
    size_t before, got = 0;
    int status;

    memmove(input->text, input->text + input->base, input->limit - input->base);
    input->limit -= input->base;
    input->base = 0;
    before = input->limit;
    if (input->unpack) {
        status = decompress(input);
    } else if (input->raw_end) {
        status = STATUS_OK;
    } else {
        status = read_some(input, input->text + before, TEXT_SIZE - before, &got);
        input->limit += got;
    }
    *end = input->limit == before;
    return status;
}

/* By its first bytes a file is compressed; whatever is not is taken for text. */
static int tell_kind(struct input *input) {
    size_t n = 0, got;
    int status;

    do {
        status = read_some(input, input->raw + n, UNPACK_MAGIC - n, &got);
        if (status) return status;
        n += got;
    } while (n < UNPACK_MAGIC && !input->raw_end);

    status = unpack_open(&input->unpack, input->raw, n, input->path);
    if (status) return status;
    if (input->unpack) {
        input->raw_limit = n;
    } else {
        memcpy(input->text, input->raw, n);
        input->limit = n;
    }
    return STATUS_OK;
}

int input_open(struct input **out, const char *path) {
    struct input *input = calloc(1, sizeof(*input));
    int status;

    *out = NULL;
    if (!input) return complain(STATUS_IO, "no memory to read %s", path);
    input->path = path;
    input->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0) {
        status = complain(STATUS_IO, "%s: %s", path, strerror(errno));
        free(input);
        return status;
    }
    status = tell_kind(input);
    if (status) {
        input_close(input);
        return status;
    }
    *out = input;
    return STATUS_OK;
}

void input_close(struct input *input) {
    if (!input) return;
    if (input->fd != STDIN_FILENO) close(input->fd);
    unpack_close(input->unpack);
    free(input);
}

void input_lenient(struct input *input) { input->lenient = true; }

/* The line that begins at base has been given. */
static void step_over(struct input *input, size_t length) {
    input->base += length < input->limit - input->base ? length + 1 : length;
}

/* Drops what is left of a line of which the beginning has been given. */
static int skip_rest(struct input *input) {
    bool end = false;

    while (input->skipping && !end) {
        const char *start = input->text + input->base;
        size_t held = input->limit - input->base;
        const char *newline = memchr(start, '\n', held);
        int status;
        step_over(input, newline ? (size_t)(newline - start) : held);
        input->skipping = !newline;
        if (newline) break;
        status = fill_text(input, &end);
        if (status) return status;
    }
    input->skipping = false;
    return STATUS_OK;
}

int input_line(struct input *input, const char **line, size_t *length, bool *end) {
    size_t searched = 0;
    int status = skip_rest(input);

    if (status) return status;
    input->line++;
    *end = false;
    for (;;) {
        const char *start = input->text + input->base;
        size_t held = input->limit - input->base;
        const char *newline =
            held > searched ? memchr(start + searched, '\n', held - searched) : NULL;

        *length = newline ? (size_t)(newline - start) : held;
        *line = start;
        if (*length > LINE_MAX_BYTES) {
            if (!input->lenient)
                return malformed(input, "a line of more than 64 KiB: not a trace");
            *length = LINE_MAX_BYTES;
            input->base += LINE_MAX_BYTES;
            input->skipping = true;
            return STATUS_OK;
        }
        if (newline) {
            step_over(input, *length);
            return STATUS_OK;
        }
        searched = held;

        status = fill_text(input, end);
        if (status) return status;
        if (*end && held > 0) {
            if (!input->lenient)
                return malformed(input, "truncated: the last line has no end");
            *end = false;
            input->cut = true;
            *line = input->text + input->base; /* fill_text has moved it */
            *length = held;
            step_over(input, held);
            return STATUS_OK;
        }
        if (*end) return STATUS_OK;
    }
}

bool input_line_cut(const struct input *input) { return input->cut; }

int input_peek(struct input *input, const char **text, size_t *length) {
    bool end = false;

    while (!end && input->limit - input->base < LINE_MAX_BYTES) {
        int status = fill_text(input, &end);
        if (status) return status;
    }
    *text = input->text + input->base;
    *length = input->limit - input->base;
    return STATUS_OK;
}

uint64_t input_line_number(const struct input *input) { return input->line; }
