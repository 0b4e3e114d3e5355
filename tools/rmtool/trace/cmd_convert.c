/* SPDX-License-Identifier: MIT */
/*
 * rmtool convert: other people's logs of allocations become traces (import.h), and traces
 * tables (trace_csv.h).
 */
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arguments.h"
#include "trace/import.h"
#include "base/member.h"
#include "base/output.h"
#include "base/say.h"
#include "trace/options.h"
#include "trace/trace_csv.h"
#include "trace/trace_writer.h"
#include "base/units.h"

static const char help[] =
    "Usage: rmtool convert [OPTION]... -o FILE INPUT\n"
    "Make an allocation trace (rmt 1, zstd) of what another tool has logged, or a table "
    "of\n"
    "a trace. INPUT may be plain, zstd or gzip; '-' is standard input. What the log says "
    "of\n"
    "blocks that it did not see being made is counted, said, and left out.\n"
    "\n"
    "  -o, --output FILE  where it goes; '-' is standard output\n"
    "      --from FORMAT  what INPUT is: heaptrack, mtrace, opera, rep, rmt (default:\n"
    "                     told by what is in it)\n"
    "      --to FORMAT    rmt (default), or csv, which a trace alone can become: event, "
    "op,\n"
    "                     block, size, alignment, thread, time, live_bytes\n"
    "      --name NAME    of the trace (default: INPUT without folder and ending)\n"
    "      --list         the formats that can be read\n"
    "      --json         what has been written, as JSON\n"
    "  -q, --quiet        no progress bar, no report\n"
    "  -h, --help         this text\n"
    "\n"
    "A trace that becomes a trace gets a header that says what is in it.\n"
    "\n"
    "Example: heaptrack -o ls ls -l && rmtool convert -o ls.rmt.zst ls.zst\n"
    "         rmtool convert --to csv -o - ls.rmt.zst | head\n";

static const struct importer *const importers[] = {&import_heaptrack, &import_mtrace,
                                                   &import_opera, &import_rep};
enum { N_IMPORTERS = sizeof(importers) / sizeof(importers[0]) };

struct job {
    const char *path, *output, *name;
    const struct importer *from; /* NULL: of a trace, or not told */
    bool from_given, to_csv, list, json, quiet;

    const char *format; /* what the input is */
    struct import import;
    struct trace_totals totals;
};

enum { OPTION_FROM = 256, OPTION_TO, OPTION_NAME, OPTION_LIST, OPTION_JSON };

static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"name", required_argument, NULL, OPTION_NAME},
    {"list", no_argument, NULL, OPTION_LIST},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void print_list(void) {
    for (size_t i = 0; i < N_IMPORTERS; i++)
        printf("%-10s %s\n", importers[i]->name, importers[i]->what);
    printf("%-10s %s\n", "rmt", "traces");
}

static int set_from(struct job *job, const char *name) {
    job->from_given = true;
    job->from = NULL;
    if (strcmp(name, "rmt") == 0) return STATUS_OK;
    for (size_t i = 0; i < N_IMPORTERS; i++) {
        if (strcmp(name, importers[i]->name) != 0) continue;
        job->from = importers[i];
        return STATUS_OK;
    }
    return complain_usage("convert", "no format '%s' is read here; --list says which are",
                          name);
}

static int set_option(void *context, int option) {
    struct job *job = context;

    switch (option) {
    case 'o': job->output = optarg; break;
    case OPTION_FROM: return set_from(job, optarg);
    case OPTION_TO:
        job->to_csv = strcmp(optarg, "csv") == 0;
        if (job->to_csv || strcmp(optarg, "rmt") == 0) return STATUS_OK;
        return complain_usage("convert", "--to is rmt or csv, not '%s'", optarg);
    case OPTION_NAME: job->name = optarg; break;
    case OPTION_LIST: job->list = true; break;
    case OPTION_JSON: job->json = true; break;
    case 'q': job->quiet = true; break;
    }
    return STATUS_OK;
}

static int parse(struct job *job, int argc, char **argv, bool *done) {
    static const struct option_reader reader = {"convert", help, ":o:qh", options,
                                                set_option};
    int status = parse_options(&reader, argc, argv, job, done);

    if (status || *done) return status;
    *done = job->list;
    if (job->list) {
        print_list();
        return STATUS_OK;
    }
    if (optind == argc)
        return complain_usage("convert", "of what? '-' is standard input");
    status = parse_trace("convert", argc, argv, &job->path);
    if (status) return status;
    if (!job->output) return complain_usage("convert", "where to? -o FILE");
    if (job->json && is_standard_output(job->output))
        return complain_usage("convert",
                              "the result and --json cannot both go to standard output");
    return job->to_csv ? STATUS_OK : check_terminal("convert", job->output);
}

/* -------------------------------------------------------------------- traces */

static int write_csv(struct job *job, struct trace *trace) {
    struct output output;
    int status = output_open(&output, job->output);

    if (status) return status;
    status = trace_csv_write(trace, &output);
    job->totals = trace->totals;
    if (status == STATUS_OK) return output_close(&output);
    output_discard(&output);
    return status;
}

/* The same events, and a header that is right. */
static int write_anew(struct job *job, struct trace *trace) {
    struct trace_writer *writer;
    struct trace_event event;
    uint64_t time = UINT64_MAX;
    size_t n = 1;
    int status = trace_writer_open(&writer, job->output);

    if (status) return status;
    if (job->name) trace_writer_key(writer, "name", "%s", job->name);
    trace_writer_copy_keys(writer, trace, "");
    if (trace->inherited > 0)
        trace_writer_key(writer, "inherited", "%" PRIu64, trace->inherited);
    while (status == STATUS_OK && n > 0) {
        status = trace_read(trace, &event, 1, &n);
        if (status || n == 0) break;
        if (trace->timed && trace->time_ns != time)
            trace_writer_time(writer, time = trace->time_ns);
        status = trace_writer_event(writer, &event);
        if (trace->totals.events % 65536 == 0)
            progress_update(trace->totals.events, trace_expected_events(trace));
    }
    job->totals = *trace_writer_totals(writer);
    if (status == STATUS_OK) return trace_writer_close(writer);
    trace_writer_discard(writer);
    return status;
}

static int convert_trace(struct job *job, struct input *input) {
    struct trace trace;
    int status = input ? trace_open_input(&trace, job->path, input)
                       : trace_open(&trace, job->path, UINT64_MAX, false);

    job->format = "rmt";
    if (status == STATUS_OK)
        status = job->to_csv ? write_csv(job, &trace) : write_anew(job, &trace);
    trace_close(&trace);
    return status;
}

/* ---------------------------------------------------------------------- logs */

static void write_keys(struct job *job) {
    const struct import *import = &job->import;
    const struct import_counts *counts = &import->counts;
    const struct {
        const char *name;
        uint64_t value;
    } keys[] = {
        {"unknown-frees", counts->unknown_frees},
        {"unknown-reallocs", counts->unknown_reallocs},
        {"implicit-frees", counts->replaced},
        {"failed-calls", counts->failed},
        {"null-frees", counts->nulls},
        {"other-lines", counts->foreign_lines},
    };
    const char *slash = strrchr(job->path, '/'), *base = slash ? slash + 1 : job->path;

    if (job->name)
        trace_writer_key(import->writer, "name", "%s", job->name);
    else if (strcmp(base, "-") != 0)
        trace_writer_key(import->writer, "name", "%.*s", (int)strcspn(base, "."), base);
    if (import->program[0])
        trace_writer_key(import->writer, "program", "%s", import->program);
    if (import->command[0])
        trace_writer_key(import->writer, "command", "%s", import->command);
    trace_writer_key(import->writer, "kind", "imported from %s", job->from->name);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].value > 0)
            trace_writer_key(import->writer, keys[i].name, "%" PRIu64, keys[i].value);
    if (import->note) trace_writer_key(import->writer, "note", "%s", import->note);
}

static int convert_log(struct job *job) {
    struct import *import = &job->import;
    int status = trace_writer_open(&import->writer, job->output);

    if (status) return status;
    job->format = job->from->name;
    import->path = job->path;
    input_lenient(import->input);
    status = job->from->run(import);
    job->totals = *trace_writer_totals(import->writer);
    if (status == STATUS_OK && job->totals.events == 0)
        status =
            complain_at(STATUS_MALFORMED, job->path, input_line_number(import->input),
                        "the file ends, and no allocation was in it");
    if (status == STATUS_OK) {
        write_keys(job);
        return trace_writer_close(import->writer);
    }
    trace_writer_discard(import->writer);
    return status;
}

/* ---------------------------------------------------------------------- both */

/* By the beginning of the file, unless it has been told. */
static int detect(struct job *job, bool *trace) {
    const char *text;
    size_t length;
    int status;

    *trace = job->from_given && !job->from;
    if (job->from_given) return STATUS_OK;
    status = input_peek(job->import.input, &text, &length);
    if (status) return status;
    *trace = length >= 6 && memcmp(text, "# rmt ", 6) == 0;
    for (size_t i = 0; i < N_IMPORTERS && !*trace && !job->from; i++)
        if (importers[i]->detect(text, length)) job->from = importers[i];
    if (*trace || job->from) return STATUS_OK;
    return complain_at(STATUS_MALFORMED, job->path, 1,
                       length == 0 ? "empty"
                                   : "not of a format that is known here, see --list");
}

static int convert(struct job *job) {
    bool trace;
    int status;

    if (generate_wanted(job->path)) return convert_trace(job, NULL);
    status = input_open(&job->import.input, job->path);
    if (status == STATUS_OK) status = detect(job, &trace);
    if (status) return status;
    if (trace) {
        struct input *input = job->import.input;
        job->import.input = NULL; /* the trace's now */
        return convert_trace(job, input);
    }
    if (job->to_csv)
        return complain_usage(
            "convert",
            "a trace alone can become CSV, and '%s' is %s: first make it "
            "one",
            job->path, job->from->name);
    return convert_log(job);
}

static int print_report(const struct job *job) {
    const struct import_counts *counts = &job->import.counts;
    char peak[SIZE_TEXT];

    if (job->json) {
        json_t *object = json_object();
        member_text(object, "version", tool_version);
        member_text(object, "input", job->path);
        member_text(object, "format", job->format);
        member_text(object, "file", job->output);
        member_count(object, "events", job->totals.events);
        member_count(object, "allocations", job->totals.allocations);
        member_count(object, "reallocations", job->totals.reallocations);
        member_count(object, "frees", job->totals.frees);
        member_count(object, "peak_live_bytes", job->totals.peak_live_bytes);
        member_count(object, "unknown_frees", counts->unknown_frees);
        member_count(object, "unknown_reallocs", counts->unknown_reallocs);
        member_count(object, "replaced_blocks", counts->replaced);
        member_count(object, "failed_calls", counts->failed);
        member_count(object, "frees_of_null", counts->nulls);
        member_count(object, "other_lines", counts->foreign_lines);
        return member_print(object);
    }
    if (job->quiet || is_standard_output(job->output)) return STATUS_OK;
    printf("%s: %" PRIu64 " events from %s; %" PRIu64 " allocations, %" PRIu64
           " reallocations, %" PRIu64 " frees; peak %s\n",
           job->output, job->totals.events, job->format, job->totals.allocations,
           job->totals.reallocations, job->totals.frees,
           format_size(peak, job->totals.peak_live_bytes));
    if (counts->unknown_frees + counts->unknown_reallocs + counts->replaced > 0)
        printf("%" PRIu64 " frees and %" PRIu64 " reallocs of addresses that the log has "
               "not given away; %" PRIu64 " blocks whose address was given anew\n",
               counts->unknown_frees, counts->unknown_reallocs, counts->replaced);
    if (counts->failed + counts->nulls + counts->foreign_lines > 0)
        printf("left out: %" PRIu64 " calls that failed, %" PRIu64
               " frees of NULL, %" PRIu64 " other lines\n",
               counts->failed, counts->nulls, counts->foreign_lines);
    return STATUS_OK;
}

int verb_convert(int argc, char **argv) {
    struct job job = {0};
    bool done;
    int status = parse(&job, argc, argv, &done);

    if (status || done) return status;
    progress_begin("converting", !job.quiet);
    status = convert(&job);
    progress_end();
    if (status == STATUS_OK) status = print_report(&job);
    lookup_finish(&job.import.addresses);
    input_close(job.import.input);
    return status;
}
