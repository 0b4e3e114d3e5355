/* SPDX-License-Identifier: MIT */
/*
 * The allocation log of a desktop browser of 2008, among whatever else it had to say:
 *
 *      MEM: 0x0804d1e7 malloc(53) => 0x095a91f0
 *      MEM: 0x0804d1e7 calloc(4,16) => 0x095a9308
 *      MEM: 0x0903b36c realloc(0x095e8f40,8) => 0x095e90e0
 *      MEM: 0x08df6c31 free(0x095d6f00)
 *
 * The first address is the caller's.
 */
#include <string.h>

#include "trace/import.h"
#include "base/say.h"

#define MARK "MEM: 0x"

/* Behind "NAME(": one or two numbers. */
static bool take_arguments(const char **at, const char *end, uint64_t *first,
                           uint64_t *second, bool *two) {
    bool hex = end - *at > 1 && (*at)[0] == '0' && (*at)[1] == 'x';

    *first = 0;
    if (!import_word(at, end, "(nil)") &&
        !(hex ? import_hex : import_decimal)(at, end, first))
        return false;
    *two = import_word(at, end, ",");
    if (*two) {
        import_word(at, end, " ");
        if (!import_decimal(at, end, second)) return false;
    }
    return import_word(at, end, ")");
}

static bool take_result(const char **at, const char *end, uint64_t *address) {
    return import_word(at, end, " => ") &&
           (import_word(at, end, "(nil)") || import_hex(at, end, address)) && *at == end;
}

static int take_line(struct import *import, const char *at) {
    const char *end = import->end;
    uint64_t site, first, second = 0, address = 0;
    bool two;
    enum { MALLOC, CALLOC, REALLOC, FREE } call;

    if (!import_hex(&at, end, &site) || !import_word(&at, end, " "))
        return import_malformed(import, "not a call");
    if (import_word(&at, end, "malloc("))
        call = MALLOC;
    else if (import_word(&at, end, "calloc("))
        call = CALLOC;
    else if (import_word(&at, end, "realloc("))
        call = REALLOC;
    else if (import_word(&at, end, "free("))
        call = FREE;
    else
        return import_malformed(import,
                                "a call other than malloc, calloc, realloc, free");
    if (!take_arguments(&at, end, &first, &second, &two) ||
        two != (call == REALLOC || (call == CALLOC && two)))
        return import_malformed(import, "arguments that are not understood");
    if (call == FREE)
        return at == end ? import_freed(import, first)
                         : import_malformed(import, "trailing garbage");
    if (!take_result(&at, end, &address))
        return import_malformed(import, "no result of the call");
    if (call == REALLOC) return import_resized(import, first, address, second);
    if (two && __builtin_mul_overflow(first, second, &first)) first = UINT64_MAX;
    return import_made(import, call == CALLOC ? TRACE_ZERO : TRACE_ALLOC, address, first,
                       0);
}

static int run(struct import *import) {
    bool end = false;
    int status = STATUS_OK;

    while (status == STATUS_OK) {
        status = import_line(import, &end);
        if (status || end) break;
        const char *at = import->line;
        if (import_word(&at, import->end, MARK))
            status = take_line(import, import->line + strlen("MEM: "));
        else
            import->counts.foreign_lines++;
    }
    return status;
}

static bool detect(const char *text, size_t length) {
    const char *found = memmem(text, length, MARK, strlen(MARK));

    return found && (found == text || found[-1] == '\n');
}

const struct importer import_opera = {
    "opera", "\"MEM: SITE malloc(N) => ADDRESS\", the log of a browser of 2008", detect,
    run};
