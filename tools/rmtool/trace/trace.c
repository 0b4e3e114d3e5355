/* SPDX-License-Identifier: MIT */
/*
 * Three steps from file to event, each with its own kind of mistake to find:
 *
 *      next_line     a line of text, or of the tape
 *      parse         its letter and numbers: unknown events, overflow, garbage
 *      rules_apply   the block it names: not live, locked, an age without a block
 */
#include "trace/trace.h"

#include <stdlib.h>
#include <string.h>

#include "trace/rules.h"
#include "base/say.h"
#include "trace/trace_header.h"

#define SCAN_EVENTS 1024
#define SIZE_LIMIT (UINT64_C(1) << 56)

static int malformed(const struct trace *trace, uint64_t line, const char *what) {
    return complain_at(STATUS_MALFORMED, trace->path, line, "%s", what);
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
        if (text) header_time(trace, text, length);
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

int trace_peek(struct trace *trace, bool *ended) {
    struct trace_event event;
    int status = STATUS_OK;

    *ended = trace->totals.events >= trace->limit_events;
    while (!*ended && !trace->has_held) {
        status = next_line(trace, &trace->held, ended);
        if (status || *ended) break;
        trace->has_held = trace->held.op != 't';
        if (!trace->has_held) status = rules_apply(trace, &trace->held, &event);
        if (status) break;
    }
    return status;
}

int trace_read(struct trace *trace, struct trace_event *events, size_t most, size_t *n) {
    struct trace_line line;
    int status = STATUS_OK;
    bool end = false;

    *n = 0;
    while (*n < most && trace->totals.events < trace->limit_events) {
        if (trace->has_held)
            line = trace->held;
        else
            status = next_line(trace, &line, &end);
        trace->has_held = false;
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
    header_set_name(trace, trace->generated.name, strlen(trace->generated.name));
    return STATUS_OK;
}

static int open_text(struct trace *trace) {
    int status = input_open(&trace->input, trace->path);

    return status ? status : header_read(trace);
}

int trace_open(struct trace *trace, const char *path, uint64_t limit_events, bool keep) {
    *trace = (struct trace){.path = path,
                            .limit_events = limit_events,
                            .taping = keep,
                            .totals.threads = 1,
                            .thread = 1};
    header_name_by_path(trace);
    return generate_wanted(path) ? open_generated(trace) : open_text(trace);
}

int trace_open_input(struct trace *trace, const char *path, struct input *input) {
    *trace = (struct trace){.path = path,
                            .limit_events = UINT64_MAX,
                            .totals.threads = 1,
                            .thread = 1,
                            .input = input};
    header_name_by_path(trace);
    return header_read(trace);
}

int trace_rewind(struct trace *trace) {
    trace->totals = (struct trace_totals){.threads = 1};
    trace->thread = 1;
    trace->timed = false;
    trace->has_held = false;
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
    free(trace->keys);
    *trace = (struct trace){0};
}

uint64_t trace_expected_events(const struct trace *trace) {
    if (trace->scanned_events > 0) return trace->scanned_events;
    return trace->hint_events < trace->limit_events ? trace->hint_events
                                                    : trace->limit_events;
}
