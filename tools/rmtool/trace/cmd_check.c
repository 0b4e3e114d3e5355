/* SPDX-License-Identifier: MIT */
/*
 * rmtool check: whether files are traces, and whether their headers say what is in them.
 * What the events have to keep to is the reader's knowledge (trace.h, rules.h).
 */
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/arguments.h"
#include "base/member.h"
#include "base/output.h"
#include "base/say.h"
#include "trace/trace.h"
#include "base/units.h"

#define EVENTS 1024

static const char help[] =
    "Usage: rmtool check [OPTION]... TRACE...\n"
    "Read allocation traces (rmt 1, zstd, gzip or plain; '-' is standard input) and "
    "check\n"
    "every rule of the format. The first fault of a file ends it: FILE:LINE says where, "
    "and\n"
    "the exit status is 4. What does no harm to a reader is a warning: a header that "
    "does\n"
    "not say what the events add up to, as where a trace was cut and its header left as "
    "it\n"
    "was; threads that are not numbered in the order of their first event; time that "
    "runs\n"
    "backwards; blocks called inherited that are not made first.\n"
    "\n"
    "      --strict   a warning makes the exit status 1\n"
    "      --json     the result as JSON\n"
    "  -q, --quiet    no progress bar; nothing is printed of a trace without a fault\n"
    "  -h, --help     this text\n"
    "\n"
    "Example: rmtool check --strict tests/traces/*.rmt.zst\n";

struct job {
    bool strict, json, quiet;
    json_t *traces;
};

enum { OPTION_STRICT = 256, OPTION_JSON };

static const struct option options[] = {
    {"strict", no_argument, NULL, OPTION_STRICT},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int set_option(void *context, int option) {
    struct job *job = context;

    switch (option) {
    case OPTION_STRICT: job->strict = true; break;
    case OPTION_JSON: job->json = true; break;
    case 'q': job->quiet = true; break;
    }
    return STATUS_OK;
}

/* What the reader lets pass. */
struct doubts {
    unsigned warnings;
    uint64_t threads;     /* that have had an event */
    uint64_t thread_line; /* of the first event of a thread that was not due; or 0 */
    uint64_t late_line;   /* of the first event before the last inherited block; or 0 */
};

static void note_event(struct doubts *doubts, const struct trace *trace,
                       const struct trace_event *event) {
    if (event->thread > doubts->threads) {
        if (event->thread > doubts->threads + 1 && doubts->thread_line == 0)
            doubts->thread_line = event->line;
        doubts->threads = event->thread;
    }
    /* As long as they are made, blocks are made and locked. */
    if (event->op > TRACE_ALIGNED && event->op != TRACE_LOCK && doubts->late_line == 0 &&
        trace->totals.blocks < trace->inherited)
        doubts->late_line = event->line;
}

static int read_trace(struct trace *trace, struct doubts *doubts) {
    struct trace_event events[EVENTS];
    size_t n;
    int status;

    do {
        /* note_event looks at the blocks made so far: up to the inherited ones, singly */
        bool singly = trace->totals.blocks < trace->inherited;
        status = trace_read(trace, events, singly ? 1 : EVENTS, &n);
        for (size_t i = 0; i < n; i++) note_event(doubts, trace, &events[i]);
        progress_update(trace->totals.events, trace_expected_events(trace));
    } while (status == STATUS_OK && n > 0);
    return status;
}

static void warn(struct doubts *doubts, const struct trace *trace, uint64_t line,
                 const char *what) {
    complain_at(STATUS_FOUND, trace->path, line, "warning: %s", what);
    doubts->warnings++;
}

static void compare_claims(struct doubts *doubts, const struct trace *trace) {
    char text[160];

    for (size_t i = 0; i < TRACE_KEYS; i++) {
        uint64_t is = trace_key_value(&trace->totals, i), says = trace->claims.values[i];
        if (trace->claims.lines[i] == 0 || is == says) continue;
        snprintf(text, sizeof(text),
                 "the header says %s: %" PRIu64 ", the events add up to %" PRIu64,
                 trace_keys[i].name, says, is);
        warn(doubts, trace, trace->claims.lines[i], text);
    }
}

static void give_warnings(struct doubts *doubts, const struct trace *trace) {
    compare_claims(doubts, trace);
    if (doubts->thread_line > 0)
        warn(doubts, trace, doubts->thread_line,
             "a thread with a lower number has had no event yet");
    if (trace->time_fault_line > 0)
        warn(doubts, trace, trace->time_fault_line, "time runs backwards");
    if (doubts->late_line > 0 || trace->totals.blocks < trace->inherited)
        warn(doubts, trace, doubts->late_line,
             "fewer blocks are made first than the header calls inherited");
}

static void add_json(struct job *job, const struct trace *trace, const char *path,
                     int status, unsigned warnings) {
    json_t *object = json_object();

    member_text(object, "trace", path);
    member_text(object, "result",
                status == STATUS_MALFORMED ? "malformed"
                : status != STATUS_OK      ? "unreadable"
                : warnings > 0             ? "warned"
                                           : "fine");
    member_count(object, "warnings", warnings);
    member_count(object, "events", trace->totals.events);
    member_count(object, "allocations", trace->totals.allocations);
    member_count(object, "threads", trace->totals.threads);
    json_array_append_new(job->traces, object);
}

static int check(struct job *job, const char *path) {
    struct trace trace;
    struct doubts doubts = {0};
    char size[SIZE_TEXT];

    progress_begin("checking", !job->quiet);
    int status = trace_open(&trace, path, UINT64_MAX, false);
    if (status == STATUS_OK) status = read_trace(&trace, &doubts);
    progress_end();
    if (status == STATUS_OK) give_warnings(&doubts, &trace);
    if (job->json)
        add_json(job, &trace, path, status, doubts.warnings);
    else if (status == STATUS_OK && !job->quiet)
        printf("%s: %s; %" PRIu64 " events, threads: %" PRIu64 ", peak %s in %" PRIu64
               " blocks\n",
               path, doubts.warnings > 0 ? "a trace, with warnings" : "fine",
               trace.totals.events, trace.totals.threads,
               format_size(size, trace.totals.peak_live_bytes),
               trace.totals.peak_live_blocks);
    trace_close(&trace);
    if (status == STATUS_OK && job->strict && doubts.warnings > 0) return STATUS_FOUND;
    return status;
}

int verb_check(int argc, char **argv) {
    static const struct option_reader reader = {"check", help, ":qh", options,
                                                set_option};
    struct job job = {0};
    bool done;
    int status = parse_options(&reader, argc, argv, &job, &done);

    if (status || done) return status;
    if (optind == argc)
        return complain_usage("check", "which traces? '-' is standard input");
    job.traces = job.json ? json_array() : NULL;
    /* All are looked at; the worst is the exit status. */
    for (int i = optind; i < argc; i++) {
        int result = check(&job, argv[i]);
        if (result > status) status = result;
    }
    if (job.json) {
        json_t *object = json_object();
        member_text(object, "version", tool_version);
        json_object_set_new(object, "traces", job.traces);
        int printed = member_print(object);
        if (status == STATUS_OK) status = printed;
    }
    return status;
}
