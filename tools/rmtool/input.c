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
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "say.h"

#define RAW_SIZE ((size_t)128 << 10)
#define TEXT_SIZE ((size_t)256 << 10)
#define LINE_MAX_BYTES ((size_t)64 << 10)
#define WINDOW_LOG_MAX 27 /* 128 MiB: the format's limit */

struct input {
    const char *path;
    int fd;
    uint64_t line;

    ZSTD_DCtx *zstd; /* NULL: the file is plain text */
    size_t expected; /* by the frame that is being decompressed; 0 between frames */
    bool raw_end;    /* the file has been read to its end */
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
    ZSTD_outBuffer out = {input->text, TEXT_SIZE, input->limit};

    while (out.pos == input->limit) {
        if (input->raw_base == input->raw_limit && !input->raw_end) {
            int status = fill_raw(input);
            if (status) return status;
        }
        bool exhausted = input->raw_base == input->raw_limit;
        if (exhausted && input->expected == 0) break;

        ZSTD_inBuffer in = {input->raw, input->raw_limit, input->raw_base};
        size_t result = ZSTD_decompressStream(input->zstd, &out, &in);
        if (ZSTD_isError(result))
            return complain_at(STATUS_MALFORMED, input->path, input->line,
                               "the compressed data is damaged (zstd: %s)",
                               ZSTD_getErrorName(result));
        /* Nothing left to read, nothing came out, and the frame expects more. */
        if (exhausted && result != 0 && out.pos == input->limit)
            return malformed(input, "truncated: the compressed data ends within a frame");
        input->raw_base = in.pos;
        input->expected = result;
    }
    input->limit = out.pos;
    return STATUS_OK;
}

static int fill_text(struct input *input, bool *end) {
    size_t before, got = 0;
    int status;

    memmove(input->text, input->text + input->base, input->limit - input->base);
    input->limit -= input->base;
    input->base = 0;
    before = input->limit;
    if (input->zstd) {
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

/* By its first four bytes a file is a zstd frame; whatever else is taken for text. */
static int tell_kind(struct input *input) {
    size_t n = 0, got;
    uint32_t magic = 0;
    int status;

    do {
        status = read_some(input, input->raw + n, sizeof(magic) - n, &got);
        if (status) return status;
        n += got;
    } while (n < sizeof(magic) && !input->raw_end);

    for (size_t i = 0; i < n; i++)
        magic |= (uint32_t)input->raw[i] << (8 * i); /* little-endian by the format */
    if (magic == ZSTD_MAGICNUMBER ||
        (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START) {
        input->raw_limit = n;
        input->zstd = ZSTD_createDCtx();
        if (!input->zstd)
            return complain(STATUS_IO, "no memory to decompress %s", input->path);
        ZSTD_DCtx_setParameter(input->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
        return STATUS_OK;
    }
    memcpy(input->text, input->raw, n);
    input->limit = n;
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
    ZSTD_freeDCtx(input->zstd);
    free(input);
}

int input_line(struct input *input, const char **line, size_t *length, bool *end) {
    size_t searched = 0;

    input->line++;
    *end = false;
    for (;;) {
        const char *start = input->text + input->base;
        size_t held = input->limit - input->base;
        const char *newline =
            held > searched ? memchr(start + searched, '\n', held - searched) : NULL;

        *length = newline ? (size_t)(newline - start) : held;
        if (*length > LINE_MAX_BYTES)
            return malformed(input, "a line of more than 64 KiB: not a trace");
        if (newline) {
            *line = start;
            input->base += *length + 1;
            return STATUS_OK;
        }
        searched = held;

        int status = fill_text(input, end);
        if (status) return status;
        if (*end && held > 0)
            return malformed(input, "truncated: the last line has no end");
        if (*end) return STATUS_OK;
    }
}

uint64_t input_line_number(const struct input *input) { return input->line; }
