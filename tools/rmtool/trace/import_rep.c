/* SPDX-License-Identifier: MIT */
/*
 * The traces of the malloc laboratory of "Computer Systems: A Programmer's Perspective": four
 * lines with a number each, and then calls on blocks that have numbers of their own:
 *
 *      20000       suggested size of the heap
 *      2           how many numbers
 *      4           how many calls
 *      1           weight
 *      a 0 512     malloc
 *      a 1 128
 *      r 0 640     realloc
 *      f 1         free
 */
#include "trace/import.h"
#include "base/say.h"

enum { HEADER_LINES = 4, HEADER_CALLS = 2 };

/* Blank lines are none. */
static int next_line(struct import *import, bool *end) {
    int status;

    do status = import_line(import, end);
    while (status == STATUS_OK && !*end && import->line == import->end);
    return status;
}

static int take_header(struct import *import, uint64_t *calls) {
    uint64_t number;
    bool end = false;

    for (int i = 0; i < HEADER_LINES; i++) {
        int status = next_line(import, &end);
        if (status) return status;
        const char *at = import->line;
        if (end || !import_decimal(&at, import->end, &number) || at != import->end)
            return complain_at(STATUS_MALFORMED, import->path,
                               input_line_number(import->input),
                               "not a .rep trace: it begins with four lines of a number");
        if (i == HEADER_CALLS) *calls = number;
    }
    return STATUS_OK;
}

/* Blanks, one at least. */
static bool take_blanks(const char **at, const char *end) {
    const char *begin = *at;

    while (*at < end && (**at == ' ' || **at == '\t')) ++*at;
    return *at > begin;
}

/* A block's number, and a size where the call has one. The number -1 stands for NULL. */
static bool take_numbers(const char *at, const char *end, bool sized, uint64_t *id,
                         uint64_t *size) {
    if (!take_blanks(&at, end)) return false;
    if (import_word(&at, end, "-1"))
        *id = 0;
    else if (import_decimal(&at, end, id) && *id < UINT64_MAX)
        ++*id; /* as an address: 0 is NULL */
    else
        return false;
    if (sized && !(take_blanks(&at, end) && import_decimal(&at, end, size))) return false;
    return at == end;
}

static int take_call(struct import *import) {
    uint64_t id, size = 0, block;
    char call = *import->line;

    if (call != 'a' && call != 'r' && call != 'f')
        return import_malformed(import, "a call other than a, r, f");
    if (!take_numbers(import->line + 1, import->end, call != 'f', &id, &size))
        return import_malformed(import,
                                call == 'f' ? "not \"f ID\"" : "not \"a ID SIZE\"");
    if (call == 'f') return import_freed(import, id);
    if (call == 'r') return import_resized(import, id, id, size);
    if (lookup_find(&import->addresses, id, &block))
        return import_malformed(import, "makes a block whose number is in use");
    return import_made(import, TRACE_ALLOC, id, size, 0);
}

static int run(struct import *import) {
    uint64_t calls = 0, seen = 0;
    bool end = false;
    int status = take_header(import, &calls);

    while (status == STATUS_OK) {
        status = next_line(import, &end);
        if (status || end) break;
        status = take_call(import);
        seen++;
    }
    if (status == STATUS_OK && seen < calls)
        import->note = "the header of the log promises more calls than there are";
    return status;
}

static bool detect(const char *text, size_t length) {
    const char *at = text, *end = text + length;
    uint64_t number;

    for (int i = 0; i < HEADER_LINES; i++) {
        if (!import_decimal(&at, end, &number)) return false;
        while (at < end && (*at == ' ' || *at == '\r' || *at == '\t')) at++;
        if (at == end || *at != '\n') return false;
        while (at < end && (*at == '\n' || *at == '\r')) at++;
    }
    return at == end || *at == 'a' || *at == 'r' || *at == 'f';
}

const struct importer import_rep = {
    "rep", ".rep traces of the CS:APP malloc laboratory: \"a ID SIZE\"", detect, run};
