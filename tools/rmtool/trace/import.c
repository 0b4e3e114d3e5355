/* SPDX-License-Identifier: MIT */
#include "trace/import.h"

#include <string.h>

#include "base/say.h"

int import_line(struct import *import, bool *end) {
    size_t length;
    int status = input_line(import->input, &import->line, &length, end);

    if (status || *end) return status;
    while (length > 0 && strchr(" \t\r", import->line[length - 1])) length--;
    import->end = import->line + length;
    return STATUS_OK;
}

int import_malformed(struct import *import, const char *what) {
    if (input_line_cut(import->input)) {
        import->counts.foreign_lines++;
        return STATUS_OK;
    }
    return complain_at(STATUS_MALFORMED, import->path, input_line_number(import->input),
                       "%s", what);
}

static int no_memory(const struct import *import) {
    return complain_at(STATUS_IO, import->path, input_line_number(import->input),
                       "no memory for %zu live blocks",
                       lookup_count(&import->addresses) + 1);
}

/* What the format forbids is said here, with the line; the writer has only its events. */
static bool fits(uint64_t size) { return size < UINT64_C(1) << 56; }

static int add(struct import *import, uint64_t address, uint64_t block) {
    return lookup_add(&import->addresses, address, block) ? STATUS_OK : no_memory(import);
}

/* A block that is live at an address that is given anew: its free was not seen. */
static int replace(struct import *import, uint64_t address) {
    uint64_t block;

    if (!lookup_take(&import->addresses, address, &block)) return STATUS_OK;
    import->counts.replaced++;
    return trace_writer_free(import->writer, block);
}

int import_made(struct import *import, enum trace_op op, uint64_t address, uint64_t size,
                unsigned alignment_log2) {
    uint64_t block;
    int status;

    if (address == 0) {
        import->counts.failed++;
        return STATUS_OK;
    }
    if (!fits(size)) return import_malformed(import, "a size of 2^56 or more");
    status = replace(import, address);
    if (status == STATUS_OK)
        status = trace_writer_alloc(import->writer, op, size, alignment_log2, &block);
    return status ? status : add(import, address, block);
}

int import_resized(struct import *import, uint64_t old, uint64_t address, uint64_t size) {
    uint64_t block;
    int status;

    if (old == 0) return import_made(import, TRACE_ALLOC, address, size, 0);
    if (size == 0) return import_freed(import, old);
    if (address == 0) {
        import->counts.failed++;
        return STATUS_OK;
    }
    if (!fits(size)) return import_malformed(import, "a size of 2^56 or more");
    if (!lookup_take(&import->addresses, old, &block)) {
        import->counts.unknown_reallocs++;
        return import_made(import, TRACE_ALLOC, address, size, 0);
    }
    status = replace(import, address);
    if (status == STATUS_OK) status = trace_writer_realloc(import->writer, block, size);
    return status ? status : add(import, address, block);
}

int import_freed(struct import *import, uint64_t address) {
    uint64_t block;

    if (address == 0) {
        import->counts.nulls++;
        return STATUS_OK;
    }
    if (lookup_take(&import->addresses, address, &block))
        return trace_writer_free(import->writer, block);
    import->counts.unknown_frees++;
    return STATUS_OK;
}

/* -------------------------------------------------------------------- text */

static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 16;
}

static bool take_number(const char **at, const char *end, unsigned base,
                        uint64_t *number) {
    const char *begin = *at;

    for (*number = 0; *at < end && digit_of(**at) < (int)base; ++*at) {
        if (__builtin_mul_overflow(*number, base, number) ||
            __builtin_add_overflow(*number, (unsigned)digit_of(**at), number))
            return false;
    }
    return *at > begin;
}

bool import_hex(const char **at, const char *end, uint64_t *number) {
    if (end - *at > 2 && (*at)[0] == '0' && (*at)[1] == 'x') *at += 2;
    return take_number(at, end, 16, number);
}

bool import_decimal(const char **at, const char *end, uint64_t *number) {
    return take_number(at, end, 10, number);
}

bool import_word(const char **at, const char *end, const char *word) {
    size_t n = strlen(word);

    if ((size_t)(end - *at) < n || memcmp(*at, word, n) != 0) return false;
    *at += n;
    return true;
}
