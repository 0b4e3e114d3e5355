/* SPDX-License-Identifier: MIT */
#include "trace/trace_header.h"

#include <stdlib.h>
#include <string.h>

#include "base/say.h"

#define MAGIC "# rmt 1"
#define KEYS_MOST ((size_t)256 << 10)

static int malformed(const struct trace *trace, uint64_t line, const char *what) {
    return complain_at(STATUS_MALFORMED, trace->path, line, "%s", what);
}

void header_set_name(struct trace *trace, const char *text, size_t length) {
    size_t n = 0;

    for (size_t i = 0; i < length && n < sizeof(trace->name) - 1; i++) {
        if ((unsigned char)text[i] >= ' ' && text[i] != 0x7f) trace->name[n++] = text[i];
    }
    trace->name[n] = '\0';
}

void header_name_by_path(struct trace *trace) {
    const char *slash = strrchr(trace->path, '/');
    const char *base = slash ? slash + 1 : trace->path;

    if (strcmp(base, "-") == 0) base = "standard input";
    header_set_name(trace, base, strcspn(base, "."));
}

static bool has_key(const char *line, size_t length, const char *key,
                    const char **value) {
    size_t n = strlen(key);

    if (length < n || memcmp(line, key, n) != 0) return false;
    *value = line + n;
    return true;
}

/* Digits from *at to what is none. Moves *at there. Returns: false where there are none, or
   too many. */
static bool take_digits(const char **at, const char *end, uint64_t *number) {
    const char *begin = *at;

    for (*number = 0; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        if (*number > UINT64_MAX / 16) return false;
        *number = *number * 10 + (uint64_t)(**at - '0');
    }
    return *at > begin;
}

void header_time(struct trace *trace, const char *line, size_t length) {
    const char *value, *end = line + length;
    uint64_t seconds, decimals = 0, digits = 0;

    if (!has_key(line, length, TRACE_TIME, &value) ||
        !take_digits(&value, end, &seconds) || seconds > UINT64_MAX / TRACE_SECOND / 2)
        return;
    if (value < end && *value == '.') {
        const char *point = ++value;
        if (!take_digits(&value, end, &decimals) || value - point > 9) return;
        digits = (uint64_t)(value - point);
    }
    if (value < end) return;
    for (; digits < 9; digits++) decimals *= 10;
    decimals += seconds * TRACE_SECOND;
    if (trace->timed && decimals < trace->time_ns && trace->time_fault_line == 0)
        trace->time_fault_line = input_line_number(trace->input);
    trace->timed = true;
    trace->time_ns = decimals;
}

/* Which counted key the line is of; TRACE_KEYS where it is of none. Moves *value behind it. */
static size_t find_key(const char *line, size_t length, const char **value) {
    for (size_t i = 0; i < TRACE_KEYS; i++) {
        size_t n = strlen(trace_keys[i].name);
        if (length < n + 4 || memcmp(line + 2, trace_keys[i].name, n) != 0 ||
            memcmp(line + 2 + n, ": ", 2) != 0)
            continue;
        *value = line + n + 4;
        return i;
    }
    return TRACE_KEYS;
}

/* Keeps a line that counts nothing, for those who write the trace anew. */
static void keep_line(struct trace *trace, const char *line, size_t length) {
    char *keys;

    if (length < 3 || line[1] != ' ' || trace->keys_size + length + 1 > KEYS_MOST) return;
    keys = realloc(trace->keys, trace->keys_size + length + 1);
    if (!keys) return;
    memcpy(keys + trace->keys_size, line, length);
    keys[trace->keys_size + length] = '\n';
    trace->keys = keys;
    trace->keys_size += length + 1;
}

static void read_comment(struct trace *trace, const char *line, size_t length) {
    const char *value, *end = line + length;
    size_t key = find_key(line, length, &value);
    uint64_t number;

    if (key < TRACE_KEYS) {
        /* A value that is no number is as good as none: comments are for people. */
        if (!take_digits(&value, end, &number) || value < end) return;
        trace->claims.values[key] = number;
        trace->claims.lines[key] = input_line_number(trace->input);
    } else if (has_key(line, length, TRACE_TIME, &value)) {
        header_time(trace, line, length);
    } else if (has_key(line, length, TRACE_INHERITED, &value)) {
        if (take_digits(&value, end, &number) && value == end) trace->inherited = number;
    } else {
        if (has_key(line, length, "# name: ", &value))
            header_set_name(trace, value, (size_t)(end - value));
        keep_line(trace, line, length);
    }
}

static int read_magic(struct trace *trace) {
    size_t magic = strlen(MAGIC), length;
    const char *line;
    bool end;
    int status = input_line(trace->input, &line, &length, &end);

    if (status) return status;
    if (end) return malformed(trace, 1, "empty: a trace begins with \"" MAGIC "\"");
    if (length == magic && memcmp(line, MAGIC, magic) == 0) return STATUS_OK;
    if (length >= magic - 1 && memcmp(line, MAGIC, magic - 1) == 0)
        return malformed(trace, 1, "a version of the trace format other than 1");
    return malformed(trace, 1, "not a trace: it does not begin with \"" MAGIC "\"");
}

/* Up to the first line that is no comment, which is left for next_line. */
int header_read(struct trace *trace) {
    bool end = false;
    int status = read_magic(trace);

    trace->pending = NULL;
    trace->keys_size = 0;
    while (status == STATUS_OK) {
        const char *text;
        size_t length;
        status = input_line(trace->input, &text, &length, &end);
        if (status || end) break;
        if (length == 0 || *text != '#') {
            trace->pending = text;
            trace->pending_length = length;
            break;
        }
        read_comment(trace, text, length);
    }
    trace->hint_events = trace->claims.values[TRACE_KEY_EVENTS];
    trace->hint_locks = trace->claims.values[TRACE_KEY_LOCKS];
    return status;
}
