/* SPDX-License-Identifier: MIT */
/*
 * The log that mtrace(3) of glibc writes:
 *
 *      = Start
 *      @ ./program:(main+0x1f)[0x5581] + 0x5601c3a0 0x18     malloc, calloc, memalign
 *      @ ./program:[0x5581] - 0x5601c3a0                     free
 *      @ ./program:[0x5581] < 0x5601c3a0                     realloc: the old address,
 *      @ ./program:[0x5581] > 0x5601c3c0 0x40                and the new one with its size
 *      @ ./program:[0x5581] ! 0x5601c3c0 0x40                a realloc that has failed
 *      = End
 *
 * Where a call came from may be missing, and may hold blanks: lines are read from behind.
 */
#include <string.h>

#include "trace/import.h"
#include "base/say.h"

/* The last word of [begin, *end), and *end in front of it. */
static const char *last_word(const char *begin, const char **end) {
    const char *word_end = *end, *word = word_end;

    while (word > begin && word[-1] != ' ') word--;
    *end = word;
    while (*end > begin && (*end)[-1] == ' ') --*end;
    return word;
}

static bool whole_hex(const char *word, const char *end, uint64_t *number) {
    return import_hex(&word, end, number) && word == end;
}

/* "+ ADDRESS SIZE" or "- ADDRESS" at the end of a line. */
static bool take_call(const struct import *import, char *call, uint64_t *address,
                      uint64_t *size) {
    const char *begin = import->line, *end = import->end, *word_end = end;
    const char *word = last_word(begin, &end);
    uint64_t last;

    if (!whole_hex(word, word_end, &last)) return false;
    word_end = end;
    word = last_word(begin, &end);
    if (word_end - word == 1 && (*word == '-' || *word == '<')) {
        *address = last;
        *call = *word;
        return true;
    }
    if (!whole_hex(word, word_end, address)) return false;
    *size = last;
    word_end = end;
    word = last_word(begin, &end);
    if (word_end - word != 1) return false;
    *call = *word;
    return *call == '+' || *call == '>' || *call == '!';
}

static int take_line(struct import *import, uint64_t *old) {
    uint64_t address, size = 0, before = *old;
    int status = STATUS_OK;
    char call;

    if (import->line == import->end || *import->line == '=') return STATUS_OK;
    if (!take_call(import, &call, &address, &size))
        return import_malformed(import, "neither a call that mtrace logs nor its = line");
    *old = 0;
    if (call == '>') return import_resized(import, before, address, size);
    /* Whatever else follows a "<": the old block is gone. */
    if (before != 0) status = import_freed(import, before);
    if (status) return status;
    switch (call) {
    case '+': return import_made(import, TRACE_ALLOC, address, size, 0);
    case '-': return import_freed(import, address);
    case '<': *old = address; return STATUS_OK;
    default: import->counts.failed++; return STATUS_OK;
    }
}

static int run(struct import *import) {
    uint64_t old = 0; /* of a realloc of which the second line is due */
    bool end = false;
    int status = STATUS_OK;

    import->note = "callocs and aligned allocations look like mallocs there";
    while (status == STATUS_OK) {
        status = import_line(import, &end);
        if (status || end) break;
        status = take_line(import, &old);
    }
    return status || old == 0 ? status : import_freed(import, old);
}

static bool detect(const char *text, size_t length) {
    const char *end = text + length, *at = text;

    return import_word(&at, end, "= Start") || import_word(&at, end, "@ ");
}

const struct importer import_mtrace = {"mtrace", "the log of glibc's mtrace()", detect,
                                       run};
