/* SPDX-License-Identifier: MIT */
/*
 * A line on the tape is one byte and one to three numbers of 7 bits a byte (LEB128):
 *
 *      |op:7 skip:1| skipped lines, if skip | first | second, if the op has two |
 *
 * Comments are not on the tape; the lines they took are what is skipped.
 */
#include "trace/tape.h"

#include <stdlib.h>

#define TAPE_MAX ((size_t)2 << 30)
#define TAPE_FIRST ((size_t)64 << 10)
#define LINE_MOST 31 /* bytes a line may take: 1 + 3 numbers of at most 10 */

static bool has_two(char op) { return op == 'm' || op == 'r'; }

static void put(struct tape *tape, uint64_t number) {
    while (number >= 0x80) {
        tape->bytes[tape->used++] = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    tape->bytes[tape->used++] = (unsigned char)number;
}

static uint64_t get(struct tape *tape) {
    uint64_t number = 0;
    unsigned shift = 0;
    unsigned char byte;

    do {
        byte = tape->bytes[tape->at++];
        number |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return number;
}

bool tape_write(struct tape *tape, const struct trace_line *line) {
    uint64_t skipped = line->number - tape->written - 1;

    if (tape->used + LINE_MOST > tape->capacity) {
        size_t capacity = tape->capacity ? tape->capacity / 2 * 3 : TAPE_FIRST;
        unsigned char *bytes =
            capacity <= TAPE_MAX ? realloc(tape->bytes, capacity) : NULL;
        if (!bytes) return false;
        tape->bytes = bytes;
        tape->capacity = capacity;
    }
    tape->bytes[tape->used++] = (unsigned char)((line->op << 1) | (skipped > 0));
    if (skipped > 0) put(tape, skipped);
    put(tape, line->first);
    if (has_two(line->op)) put(tape, line->second);
    tape->written = line->number;
    return true;
}

bool tape_read(struct tape *tape, struct trace_line *line) {
    if (tape->at == tape->used) return false;

    unsigned char head = tape->bytes[tape->at++];
    line->op = (char)(head >> 1);
    tape->read += 1 + (head & 1 ? get(tape) : 0);
    line->number = tape->read;
    line->first = get(tape);
    line->second = has_two(line->op) ? get(tape) : 0;
    return true;
}

void tape_rewind(struct tape *tape) {
    tape->at = 0;
    tape->read = 0;
}

void tape_finish(struct tape *tape) {
    free(tape->bytes);
    *tape = (struct tape){0};
}
