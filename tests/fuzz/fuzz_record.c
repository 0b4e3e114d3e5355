/* SPDX-License-Identifier: MIT */
/*
 * A log of the recorder, read in each of the three ways, and made a trace of. The header
 * is mostly holes: the input has its numbers, 16 letters of each of its names (of
 * the command, what is also where its room ends), and records.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "record/record_trace.h"
#include "base/say.h"

#define NUMBERS (15 * sizeof(uint64_t))
#define NAME 16

/* As a file is. */
static unsigned char *spread(const uint8_t *data, size_t size, size_t *full) {
    struct record_header header = {0};
    unsigned char *file;
    size_t head = NUMBERS + 3 * NAME;

    if (size < head) head = size;
    size -= head;
    file = calloc(1, RECORD_HEADER_SIZE + size);
    if (!file) abort();
    memcpy(&header, data, head < NUMBERS ? head : NUMBERS);
    if (head == NUMBERS + 3 * NAME) {
        memcpy(header.parent, data + NUMBERS, NAME);
        memcpy(header.program, data + NUMBERS + NAME, NAME);
        memcpy(&header.command_size, data + NUMBERS + 2 * NAME, 8);
        memcpy(header.command, data + NUMBERS + 2 * NAME + 8, 8);
        memcpy(&header.room_slot, data + NUMBERS + 2 * NAME + 8, 8);
    }
    memcpy(file, &header, sizeof(header));
    memcpy(file + RECORD_HEADER_SIZE, data + head, size);
    *full = head < NUMBERS ? head : RECORD_HEADER_SIZE + size;
    return file;
}

static int apply_all(struct record_reader *reader, enum record_end end,
                     struct record_trace *trace) {
    struct record_entry entries[100];
    uint64_t next = 0;
    size_t n;
    int status;

    do {
        status = record_reader_read(reader, end, entries, 100, &n);
        for (size_t i = 0; i < n; i++) {
            FUZZ_HOLDS(entries[i].slot >= next);
            next = entries[i].slot + 1;
            /* What can be recorded can be written. */
            FUZZ_HOLDS(record_trace_apply(trace, entries[i].record) == STATUS_OK);
        }
    } while (n > 0);
    return status;
}

static void read_as(const char *path, enum record_end end) {
    struct record_reader *reader;
    struct record_trace trace;

    if (record_reader_open(&reader, path, false) != STATUS_OK || !reader) return;
    record_trace_init(&trace, NULL, false);
    apply_all(reader, end, &trace);
    record_trace_end(&trace);
    if (trace.writer) {
        record_trace_keys(&trace);
        FUZZ_HOLDS(trace_writer_close(trace.writer) == STATUS_OK);
        trace.writer = NULL;
    }
    record_trace_finish(&trace);
    record_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t full;
    unsigned char *file = spread(data, size, &full);
    const char *path = fuzz_file(file, full);

    read_as(path, RECORD_RUNNING);
    read_as(path, RECORD_STOPPED);
    read_as(path, RECORD_ENDED);
    free(file);
    return 0;
}
