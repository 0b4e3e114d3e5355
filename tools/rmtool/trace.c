/* SPDX-License-Identifier: MIT */
/*
 * Three steps from file to event, each with its own kind of mistake to find:
 *
 *      next_line     a line of text, or of the tape
 *      parse         its letter and numbers: unknown events, overflow, garbage
 *      rules_apply   the block it names: not live, locked, an age without a block
 */
#include "trace.h"

#include <string.h>

#include "rules.h"
#include "say.h"

#define MAGIC "# rmt 1"
#define SCAN_EVENTS 1024
#define SIZE_LIMIT (UINT64_C(1) << 56)

static int malformed(const struct trace *trace, uint64_t line, const char *what) {
    return complain_at(STATUS_MALFORMED, trace->path, line, "%s", what);
}

/* ------------------------------------------------------------------ header */

static void set_name(struct trace *trace, const char *text, size_t length) {
    size_t n = 0;

    for (size_t i = 0; i < length && n < sizeof(trace->name) - 1; i++) {
        if ((unsigned char)text[i] >= ' ' && text[i] != 0x7f) trace->name[n++] = text[i];
    }
    trace->name[n] = '\0';
}

static void name_by_path(struct trace *trace) {
    const char *slash = strrchr(trace->path, '/');
    const char *base = slash ? slash + 1 : trace->path;

    if (strcmp(base, "-") == 0) base = "standard input";
    set_name(trace, base, strcspn(base, "."));
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

/* Seconds, and up to nine decimals. What is no time is a comment like any other. */
static void read_time(struct trace *trace, const char *line, size_t length) {
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
    trace->timed = true;
    trace->time_ns = seconds * TRACE_SECOND + decimals;
}

/* A value that is no number is as good as none: comments are for people. */
static void read_claim(struct trace *trace, const char *line, size_t length) {
    const char *value, *end = line + length;
    uint64_t number;

    for (size_t i = 0; i < TRACE_KEYS; i++) {
        size_t n = strlen(trace_keys[i].name);
        if (length < n + 4 || memcmp(line + 2, trace_keys[i].name, n) != 0 ||
            memcmp(line + 2 + n, ": ", 2) != 0)
            continue;
        value = line + n + 4;
        if (!take_digits(&value, end, &number) || value < end) return;
        trace->claims.values[i] = number;
        trace->claims.lines[i] = input_line_number(trace->input);
    }
}

static void read_comment(struct trace *trace, const char *line, size_t length) {
    const char *value, *end = line + length;

    if (has_key(line, length, "# name: ", &value))
        set_name(trace, value, (size_t)(end - value));
    else
        read_claim(trace, line, length);
    read_time(trace, line, length);
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
static int read_header(struct trace *trace) {
    bool end = false;
    int status = read_magic(trace);

    trace->pending = NULL;
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

/* ------------------------------------------------------------------- parse */

/* A space and a decimal number. Moves *at behind it. */
static const char *parse_number(const char **at, const char *end, uint64_t *number) {
    const char *p = *at;
    uint64_t n = 0;

    if (p == end || *p != ' ') return "a number is missing";
    if (++p == end || *p < '0' || *p > '9') return "not a decimal number";
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (uint64_t)(*p - '0');
        if (n >= SIZE_LIMIT) return "a number is too large (2^56 or more)";
    }
    *number = n;
    *at = p;
    return NULL;
}

static int parse(struct trace *trace, const char *text, size_t length,
                 struct trace_line *line) {
    const char *at = text + 1, *end = text + length, *wrong;

    if (length == 0) return malformed(trace, line->number, "an empty line");
    line->op = *text;
    line->second = 0;
    if (line->op <= ' ' || line->op >= 0x7f)
        return malformed(trace, line->number, "not an event");
    if (!strchr("azmrflut", line->op))
        return complain_at(STATUS_MALFORMED, trace->path, line->number,
                           "unknown event \"%c\"", line->op);
    wrong = parse_number(&at, end, &line->first);
    if (!wrong && (line->op == 'm' || line->op == 'r'))
        wrong = parse_number(&at, end, &line->second);
    if (!wrong && at != end) wrong = "trailing garbage";
    return wrong ? malformed(trace, line->number, wrong) : STATUS_OK;
}

static int next_line(struct trace *trace, struct trace_line *line, bool *end) {
    const char *text = trace->pending;
    size_t length = trace->pending_length;
    int status = STATUS_OK;

    *end = false;
    if (!trace->input) {
        *end = !tape_read(&trace->tape, line);
        return STATUS_OK;
    }
    trace->pending = NULL;
    while (!text || (length > 0 && *text == '#')) {
        if (text) read_time(trace, text, length);
        status = input_line(trace->input, &text, &length, end);
        if (status || *end) return status;
    }
    line->number = input_line_number(trace->input);
    status = parse(trace, text, length, line);
    if (status == STATUS_OK && trace->taping && !tape_write(&trace->tape, line)) {
        tape_finish(&trace->tape);
        trace->taping = false;
    }
    return status;
}

/* -------------------------------------------------------------------- calls */

int trace_read(struct trace *trace, struct trace_event *events, size_t most, size_t *n) {
    struct trace_line line;
    int status = STATUS_OK;
    bool end = false;

    *n = 0;
    while (*n < most && trace->totals.events < trace->limit_events) {
        status = next_line(trace, &line, &end);
        if (status || end) break;
        status = rules_apply(trace, &line, &events[*n]);
        if (status) break;
        if (line.op != 't') ++*n;
    }
    if (status == STATUS_OK && *n < most && trace->taping) trace->tape_whole = true;
    return status;
}

int trace_scan(struct trace *trace) {
    struct trace_event events[SCAN_EVENTS];
    size_t n;
    int status;

    do {
        status = trace_read(trace, events, SCAN_EVENTS, &n);
        progress_update(trace->totals.events, trace_expected_events(trace));
    } while (status == STATUS_OK && n > 0);
    if (status == STATUS_OK) trace->scanned_events = trace->totals.events;
    return status;
}

/* The tape is the trace: there is nothing to read, and no need to read it twice. */
static int open_generated(struct trace *trace) {
    int status = generate(trace->path, &trace->tape, &trace->generated);

    if (status) return status;
    trace->taping = false;
    trace->tape_whole = true;
    trace->hint_events = trace->generated.events;
    set_name(trace, trace->generated.name, strlen(trace->generated.name));
    return STATUS_OK;
}

static int open_text(struct trace *trace) {
    int status = input_open(&trace->input, trace->path);

    return status ? status : read_header(trace);
}

int trace_open(struct trace *trace, const char *path, uint64_t limit_events, bool keep) {
    *trace = (struct trace){.path = path,
                            .limit_events = limit_events,
                            .taping = keep,
                            .totals.threads = 1,
                            .thread = 1};
    name_by_path(trace);
    return generate_wanted(path) ? open_generated(trace) : open_text(trace);
}

int trace_rewind(struct trace *trace) {
    trace->totals = (struct trace_totals){.threads = 1};
    trace->thread = 1;
    trace->timed = false;
    blocks_finish(&trace->blocks);
    if (trace->tape_whole) {
        input_close(trace->input);
        trace->input = NULL;
        trace->taping = false;
        tape_rewind(&trace->tape);
        return STATUS_OK;
    }
    if (strcmp(trace->path, "-") == 0)
        return complain(STATUS_IO, "a trace of this size can be read from a file only, "
                                   "not from standard input: it has to be read twice");
    input_close(trace->input);
    trace->input = NULL;
    tape_finish(&trace->tape);
    return open_text(trace);
}

void trace_close(struct trace *trace) {
    input_close(trace->input);
    tape_finish(&trace->tape);
    blocks_finish(&trace->blocks);
    *trace = (struct trace){0};
}

uint64_t trace_expected_events(const struct trace *trace) {
    if (trace->scanned_events > 0) return trace->scanned_events;
    return trace->hint_events < trace->limit_events ? trace->hint_events
                                                    : trace->limit_events;
}
