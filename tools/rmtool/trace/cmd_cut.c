/* SPDX-License-Identifier: MIT */
/*
 * rmtool cut: a part of a trace that is a trace itself.
 *
 *      events of the file    |---- before ----|---- the window ----|-- not read --|
 *      what is written                     a a l|---- the window ----|
 *
 * Before the window, `known` has a word for each live block, of what it takes to make it
 * again; from the window's beginning on, of its number in what is written.
 */
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arguments.h"
#include "base/member.h"
#include "base/output.h"
#include "trace/options.h"
#include "trace/rules.h"
#include "base/say.h"
#include "trace/trace_writer.h"
#include "base/units.h"

static const char help[] =
    "Usage: rmtool cut [OPTION]... -o FILE TRACE\n"
    "Write a part of an allocation trace (rmt 1, zstd, gzip or plain; '-' is standard\n"
    "input) as a trace with a header of its own. Blocks that are live where the part "
    "begins\n"
    "are made first, by the threads that made them, and locked where they are locked; "
    "the\n"
    "header says how many these are: inherited.\n"
    "\n"
    "  -o, --output FILE   where it goes; '-' is standard output\n"
    "  -n, --first N       the first N events; the same as --events 0..N\n"
    "      --events A..B   the events behind the first A, up to and with the B-th; A or "
    "B\n"
    "                      may be left out\n"
    "      --time A..B     the events from A on and before B, in seconds since the "
    "program\n"
    "                      began, as 1.5..20; A or B may be left out. For traces that "
    "have\n"
    "                      times, as recorded ones do\n"
    "      --json          what has been written, as JSON\n"
    "  -q, --quiet         no progress bar, no report\n"
    "  -h, --help          this text\n"
    "\n"
    "Example: rmtool cut --first 1000000 -o start.rmt.zst webkit.rmt.zst\n"
    "         rmtool cut --time 10..20 -o page.rmt.zst webkit.rmt.zst\n";

struct job {
    const char *input, *output;
    const char *range; /* as the user has written it; NULL: none yet */
    bool by_time, json, quiet;
    uint64_t from, to; /* events before the window's first and last; or nanoseconds */

    struct trace trace;
    struct trace_writer *writer;
    struct blocks known;
    bool begun;
    uint64_t first, inherited; /* events before the window; blocks made for it */
    uint64_t time_written;
    struct trace_totals totals; /* of what is written */
};

enum { OPTION_EVENTS = 256, OPTION_TIME, OPTION_JSON };

static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"first", required_argument, NULL, 'n'},
    {"events", required_argument, NULL, OPTION_EVENTS},
    {"time", required_argument, NULL, OPTION_TIME},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* ------------------------------------------------------------------- options */

/* Seconds with up to nine decimals, or a count. Whole of [text, end). */
static bool parse_end(const char *text, const char *end, bool time, uint64_t *value) {
    char digits[40];
    const char *point = time ? memchr(text, '.', (size_t)(end - text)) : NULL;
    size_t whole = (size_t)((point ? point : end) - text);
    size_t decimals = point ? (size_t)(end - point - 1) : 0;
    uint64_t number;

    if (whole == 0 || whole + 10 > sizeof(digits) || decimals > 9 ||
        (point && decimals == 0))
        return false;
    memcpy(digits, text, whole);
    if (time) memset(digits + whole, '0', 9);
    if (point) memcpy(digits + whole, point + 1, decimals);
    digits[whole + (time ? 9 : 0)] = '\0';
    if (!parse_count(digits, &number)) return false;
    *value = number;
    return true;
}

static int parse_range(struct job *job, const char *text, bool time) {
    const char *dots = strstr(text, ".."), *end = text + strlen(text);

    if (job->range)
        return complain_usage("cut", "one part only: '%s' or '%s'?", job->range, text);
    job->range = text;
    job->by_time = time;
    job->from = 0;
    job->to = UINT64_MAX;
    if (dots && (dots == text || parse_end(text, dots, time, &job->from)) &&
        (dots + 2 == end || parse_end(dots + 2, end, time, &job->to)) &&
        job->from <= job->to && strlen(text) > 2)
        return STATUS_OK;
    return complain_usage("cut", "--%s is A..B, as %s, not '%s'",
                          time ? "time" : "events", time ? "1.5..20" : "1000..5000",
                          text);
}

static int set_option(void *context, int option) {
    struct job *job = context;

    switch (option) {
    case 'o': job->output = optarg; break;
    case 'n':
        if (job->range)
            return complain_usage("cut", "one part only: '%s' or '%s'?", job->range,
                                  optarg);
        job->range = optarg;
        return parse_number("cut", "first", optarg, 1, UINT64_MAX - 1, &job->to);
    case OPTION_EVENTS: return parse_range(job, optarg, false);
    case OPTION_TIME: return parse_range(job, optarg, true);
    case OPTION_JSON: job->json = true; break;
    case 'q': job->quiet = true; break;
    }
    return STATUS_OK;
}

static int parse(struct job *job, int argc, char **argv, bool *done) {
    static const struct option_reader reader = {"cut", help, ":o:n:qh", options,
                                                set_option};
    int status = parse_options(&reader, argc, argv, job, done);

    if (status || *done) return status;
    status = parse_trace("cut", argc, argv, &job->input);
    if (status) return status;
    if (!job->range)
        return complain_usage("cut", "which part? --first, --events or --time");
    if (!job->output) return complain_usage("cut", "where to? -o FILE");
    if (job->json && is_standard_output(job->output))
        return complain_usage("cut",
                              "the trace and --json cannot both go to standard output");
    return check_terminal("cut", job->output);
}

/* ------------------------------------------------------------------- cutting */

static uint64_t made_word(const struct trace_event *event) {
    return (uint64_t)event->thread << 8 | (uint64_t)event->alignment_log2 << 1 | 1;
}

static int no_memory(const struct job *job) {
    return complain(STATUS_IO, "%s: no memory for its live blocks", job->input);
}

/* An event before the window: what is live there. */
static int step_over(struct job *job, const struct trace_event *event) {
    if (event->op <= TRACE_ALIGNED)
        return blocks_add(&job->known, made_word(event)) ? STATUS_OK : no_memory(job);
    if (event->op == TRACE_FREE) blocks_drop(&job->known, event->block);
    return STATUS_OK;
}

/* Makes what is live, and locks it. */
static int inherit(struct job *job) {
    struct blocks *known = &job->known;
    int status = STATUS_OK;

    for (uint64_t i = blocks_next(known, 0); i < known->n && status == STATUS_OK;
         i = blocks_next(known, i + 1)) {
        uint64_t word = blocks_get(known, i), block;
        unsigned alignment_log2 = (unsigned)(word >> 1) & 0x7f;
        trace_writer_thread(job->writer, word >> 8);
        status = trace_writer_alloc(job->writer,
                                    alignment_log2 > 0 ? TRACE_ALIGNED : TRACE_ALLOC,
                                    rules_size(&job->trace, i), alignment_log2, &block);
        if (status == STATUS_OK && rules_locked(&job->trace, i))
            status = trace_writer_lock(job->writer, block);
        blocks_set(known, i, block + 1);
        job->inherited++;
    }
    return status;
}

static int write_event(struct job *job, struct trace_event *event) {
    if (job->trace.timed && job->trace.time_ns != job->time_written) {
        job->time_written = job->trace.time_ns;
        trace_writer_time(job->writer, job->time_written);
    }
    if (event->op <= TRACE_ALIGNED) {
        uint64_t number = trace_writer_totals(job->writer)->blocks;
        if (!blocks_add(&job->known, number + 1)) return no_memory(job);
    } else {
        uint64_t number = blocks_get(&job->known, event->block) - 1;
        if (event->op == TRACE_FREE) blocks_drop(&job->known, event->block);
        event->block = number;
    }
    return trace_writer_event(job->writer, event);
}

/* Whether the next event lies before the window. */
static bool is_before(const struct job *job) {
    if (!job->by_time) return job->trace.totals.events < job->from;
    return (job->trace.timed ? job->trace.time_ns : 0) < job->from;
}

static int read_window(struct job *job) {
    struct trace_event event;
    struct trace *trace = &job->trace;
    size_t n = 1;
    int status = STATUS_OK;

    while (status == STATUS_OK) {
        bool ended;
        status = trace_peek(trace, &ended);
        if (status || ended) break;
        if (job->by_time ? trace->timed && trace->time_ns >= job->to
                         : trace->totals.events >= job->to)
            break;
        if (!job->begun && !is_before(job)) {
            job->begun = true;
            job->first = trace->totals.events;
            status = inherit(job);
            if (status) break;
        }
        status = trace_read(trace, &event, 1, &n);
        if (status) break;
        status = job->begun ? write_event(job, &event) : step_over(job, &event);
        if (trace->totals.events % 65536 == 0)
            progress_update(trace->totals.events, trace_expected_events(trace));
    }
    return status;
}

/* Whether there was anything to cut out. */
static int judge(struct job *job) {
    if (job->by_time && !job->trace.timed)
        return complain(STATUS_MALFORMED,
                        "%s: has no times, so that --time cannot cut it; --events can",
                        job->input);
    if (job->begun && job->trace.totals.events > job->first) return STATUS_OK;
    return complain(STATUS_FOUND, "%s: none of its events lies in that part", job->input);
}

static int cut(struct job *job) {
    int status = trace_open(&job->trace, job->input, UINT64_MAX, false);

    if (status == STATUS_OK) status = trace_writer_open(&job->writer, job->output);
    if (status) return status;
    trace_writer_copy_keys(job->writer, &job->trace, ", cut");
    status = read_window(job);
    if (status == STATUS_OK) status = judge(job);
    if (status) {
        trace_writer_discard(job->writer);
        return status;
    }
    if (job->first == 0)
        job->inherited = job->trace.inherited < job->trace.totals.blocks
                             ? job->trace.inherited
                             : job->trace.totals.blocks;
    if (job->inherited > 0)
        trace_writer_key(job->writer, "inherited", "%" PRIu64, job->inherited);
    trace_writer_key(job->writer, "note", "cut: events %" PRIu64 "..%" PRIu64, job->first,
                     job->trace.totals.events);
    job->totals = *trace_writer_totals(job->writer);
    return trace_writer_close(job->writer);
}

/* -------------------------------------------------------------------- report */

static int print_report(const struct job *job) {
    char peak[SIZE_TEXT];

    if (job->json) {
        json_t *object = json_object();
        member_text(object, "version", tool_version);
        member_text(object, "trace", job->input);
        member_text(object, "file", job->output);
        member_count(object, "first_event", job->first);
        member_count(object, "end_event", job->trace.totals.events);
        member_count(object, "inherited", job->inherited);
        member_count(object, "events", job->totals.events);
        member_count(object, "peak_live_bytes", job->totals.peak_live_bytes);
        member_count(object, "peak_live_blocks", job->totals.peak_live_blocks);
        return member_print(object);
    }
    if (job->quiet || is_standard_output(job->output)) return STATUS_OK;
    printf("%s: %" PRIu64 " events, which are %" PRIu64 "..%" PRIu64 " of %s and %" PRIu64
           " inherited blocks; peak %s in %" PRIu64 " blocks\n",
           job->output, job->totals.events, job->first, job->trace.totals.events,
           job->trace.name, job->inherited,
           format_size(peak, job->totals.peak_live_bytes), job->totals.peak_live_blocks);
    return STATUS_OK;
}

int verb_cut(int argc, char **argv) {
    struct job job = {.to = UINT64_MAX, .time_written = UINT64_MAX};
    bool done;
    int status = parse(&job, argc, argv, &done);

    if (status || done) return status;
    progress_begin("cutting", !job.quiet);
    status = cut(&job);
    progress_end();
    if (status == STATUS_OK) status = print_report(&job);
    blocks_finish(&job.known);
    trace_close(&job.trace);
    return status;
}
