/* SPDX-License-Identifier: MIT */
/*
 * Data files of heaptrack, raw or interpreted, up to version 3 of the format (heaptrack 1.4).
 * All numbers are hexadecimal. Of its lines these are of use here:
 *
 *      v 10400 3               version of the program, and of the format
 *      X ls -l                 the command
 *      c 1f4                   milliseconds since the beginning
 *      + SIZE TRACE ADDRESS    raw: an allocation; a realloc is a "-" and a "+"
 *      - ADDRESS               and a free
 *      a SIZE TRACE            interpreted: the next kind of allocation, counted from 0
 *      + KIND                  an allocation of that kind
 *      - KIND                  a free of one of that kind
 *
 * Which of the live blocks of a kind (same size, same stack) is freed, interpreted files do
 * not say: here it is the one that was made last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/import.h"
#include "base/say.h"
#include "trace/watch.h"

#define VERSION_MOST 3

struct kind {
    uint64_t size;
    uint64_t top; /* the block of this kind that was made last and is live, + 1; or 0 */
};

struct reader {
    struct import *import;
    struct kind *kinds;
    size_t n_kinds, capacity;
    bool raw;            /* it names blocks by address: no kinds then */
    struct blocks below; /* the one made before, of the same kind: its number + 1, + 1 */
};

static int add_kind(struct reader *reader, uint64_t size) {
    struct kind *kinds =
        watch_room(reader->kinds, reader->n_kinds, &reader->capacity, sizeof(*kinds));

    if (!kinds)
        return complain_at(STATUS_IO, reader->import->path,
                           input_line_number(reader->import->input), "no memory");
    reader->kinds = kinds;
    kinds[reader->n_kinds++] = (struct kind){.size = size};
    return STATUS_OK;
}

static struct kind *find_kind(const struct reader *reader, uint64_t index) {
    return index < reader->n_kinds ? &reader->kinds[index] : NULL;
}

static int make_of_kind(struct reader *reader, uint64_t index) {
    struct import *import = reader->import;
    struct kind *kind = find_kind(reader, index);
    uint64_t block;
    int status;

    if (!kind) return import_malformed(import, "an allocation of no known kind");
    if (kind->size >= UINT64_C(1) << 56)
        return import_malformed(import, "a size of 2^56 or more");
    status = trace_writer_alloc(import->writer, TRACE_ALLOC, kind->size, 0, &block);
    if (status) return status;
    if (!blocks_add(&reader->below, kind->top + 1))
        return complain_at(STATUS_IO, import->path, input_line_number(import->input),
                           "no memory for its live blocks");
    kind->top = block + 1;
    return STATUS_OK;
}

static int free_of_kind(struct reader *reader, uint64_t index) {
    struct import *import = reader->import;
    struct kind *kind = find_kind(reader, index);
    uint64_t block;

    if (!kind) return import_malformed(import, "a free of no known kind");
    if (kind->top == 0) {
        import->counts.unknown_frees++;
        return STATUS_OK;
    }
    block = kind->top - 1;
    kind->top = blocks_get(&reader->below, block) - 1;
    blocks_drop(&reader->below, block);
    return trace_writer_free(import->writer, block);
}

/* Up to three hexadecimal numbers. Returns how many; -1 where there is anything else. */
static int take_numbers(const struct import *import, uint64_t numbers[3]) {
    const char *at = import->line + 1;
    int n = 0;

    while (at < import->end) {
        if (n == 3 || !import_word(&at, import->end, " ") ||
            !import_hex(&at, import->end, &numbers[n]))
            return -1;
        n++;
    }
    return n;
}

static int take_version(struct import *import) {
    uint64_t numbers[3];
    int n = take_numbers(import, numbers);

    if (n < 1) return import_malformed(import, "not a version");
    if (n > 1 && numbers[1] > VERSION_MOST)
        return complain_at(STATUS_MALFORMED, import->path,
                           input_line_number(import->input),
                           "version %llu of heaptrack's format: 3 is the last that is "
                           "known here",
                           (unsigned long long)numbers[1]);
    return STATUS_OK;
}

static void take_command(struct import *import) {
    size_t n = (size_t)(import->end - import->line);

    if (n < 3) return;
    snprintf(import->command, sizeof(import->command), "%.*s",
             (int)(n - 2 < 4096 ? n - 2 : 4096), import->line + 2);
    snprintf(import->program, sizeof(import->program), "%.*s",
             (int)strcspn(import->command, " "), import->command);
}

static int take_line(struct reader *reader) {
    struct import *import = reader->import;
    uint64_t numbers[3];
    char mode = import->line < import->end ? *import->line : '#';
    int n;

    switch (mode) {
    case 'v': return take_version(import);
    case 'X': take_command(import); return STATUS_OK;
    case '+':
        n = take_numbers(import, numbers);
        if (n == 1) return make_of_kind(reader, numbers[0]);
        if (n != 3) return import_malformed(import, "not an allocation");
        if (reader->n_kinds > 0)
            return import_malformed(import, "an address in an interpreted file");
        reader->raw = true;
        return import_made(import, TRACE_ALLOC, numbers[2], numbers[0], 0);
    case '-':
        if (take_numbers(import, numbers) != 1)
            return import_malformed(import, "not a free");
        return reader->n_kinds > 0 ? free_of_kind(reader, numbers[0])
                                   : import_freed(import, numbers[0]);
    case 'a':
        if (take_numbers(import, numbers) != 2)
            return import_malformed(import, "not a kind of allocation");
        if (reader->raw) return import_malformed(import, "a kind in a raw file");
        return add_kind(reader, numbers[0]);
    case 'c':
        if (take_numbers(import, numbers) != 1 || numbers[0] > UINT64_C(1) << 40)
            return import_malformed(import, "not a time");
        return trace_writer_time(import->writer, numbers[0] * 1000000);
    default:
        if (mode && strchr("#stimxIRSA", mode)) return STATUS_OK;
        return import_malformed(import, "a line that heaptrack's data does not have");
    }
}

static int run(struct import *import) {
    struct reader reader = {.import = import};
    bool end = false;
    int status = STATUS_OK;

    while (status == STATUS_OK) {
        status = import_line(import, &end);
        if (status || end) break;
        status = take_line(&reader);
    }
    import->note = reader.n_kinds > 0
                       ? "of blocks of one size and stack the last is freed first; a "
                         "realloc is a free and a malloc there"
                       : "a realloc is a free and a malloc there";
    free(reader.kinds);
    blocks_finish(&reader.below);
    return status;
}

static bool detect(const char *text, size_t length) {
    const char *at = text, *end = text + length;
    uint64_t version;

    return import_word(&at, end, "v ") && import_hex(&at, end, &version) && at < end &&
           (*at == ' ' || *at == '\n');
}

const struct importer import_heaptrack = {
    "heaptrack", "data files of heaptrack, raw or interpreted", detect, run};
